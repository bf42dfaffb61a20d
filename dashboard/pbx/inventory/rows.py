"""Values of reading an inventory: rows and problems from readers, and validated frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from dashboard.core.errors import FileError
from dashboard.core.text import visible

EDITABLE_FRAMES = ("pbxs", "pbx_addresses", "pbx_numbers")
"""Frames that operators can edit."""
CONFIG_FRAME = "pbx_config"
READER_FRAMES = (*EDITABLE_FRAMES, CONFIG_FRAME)
"""Frames that readers produce."""
KEYS: Mapping[str, tuple[str, ...]] = {
    "pbxs": ("pbx_id",),
    "pbx_addresses": ("pbx_id", "address", "source"),
    "pbx_numbers": ("pbx_id", "number"),
}
"""Key columns by frame; an address that is both configured and declared has two rows."""


@dataclass(frozen=True)
class Problem:
    """One rejected item and its location. ``line`` counts from 1; ``None`` means the whole file."""

    file: str
    line: int | None
    column: str
    message: str
    value: str = ""

    def __post_init__(self) -> None:
        """Make invisible characters in file names and contents visible."""
        for name in ("file", "column", "message", "value"):
            object.__setattr__(self, name, visible(getattr(self, name)))

    def __str__(self) -> str:
        column = f", column {self.column}" if self.column else ""
        return f"{location_text(self.file, self.line)}{column}: {self.message}"


def problem_of(exc: FileError) -> Problem:
    """Convert a file error to a problem, with the location separate from the message."""
    location = exc.file if exc.line is None else f"{exc.file}, line {exc.line}"
    location += f", column {exc.column}" if exc.column else ""
    return Problem(exc.file, exc.line, exc.column, str(exc).removeprefix(f"{location}: "))


@dataclass(frozen=True)
class Upload:
    """An uploaded file: its name and its bytes."""

    name: str
    data: bytes


@dataclass(frozen=True)
class InventoryRow:
    """One row of a frame, as text, with its location: a line of a file, or 0 for an object of a running system."""

    frame: str
    file: str
    line: int
    cells: Mapping[str, str]
    brings_more: bool = False
    """For ``pbxs``: the line also has an address or a number, so it may repeat the PBX of an earlier line."""
    only_new: frozenset[str] = frozenset()
    """Columns that apply only if the row is new, such as a name derived from a folder's."""
    made_of: str = ""
    """
    What the id was derived from: the name of the PBX, in an asset register with its object; empty for an id as given.

    Rows with equal ids that were derived from different names are of different PBXs.
    """
    country: str = ""
    """Country column of the table; decides how a number without a country code is parsed."""
    if_fit: bool = False
    """Whether to drop the row silently if it is invalid: it is a guess, and its source is kept as a fact."""

    def __post_init__(self) -> None:
        """Make invisible characters in the file name visible."""
        object.__setattr__(self, "file", visible(self.file))


@dataclass(frozen=True)
class ReaderResult:
    """The result of reading a file or folder: rows as text, not validated yet, and problems."""

    rows: tuple[InventoryRow, ...] = ()
    problems: tuple[Problem, ...] = ()
    notes: tuple[Problem, ...] = ()
    """Omissions that cost no row, such as unknown columns."""


@dataclass(frozen=True)
class Inventory:
    """
    Valid rows as conformed frames, and a problem for each rejected row.

    ``given`` has the columns present in the files, by frame; ``given_of`` has them by frame and row key. An import
    changes no other columns.
    """

    frames: dict[str, pd.DataFrame]
    problems: list[Problem]
    given: Mapping[str, frozenset[str]] = field(default_factory=dict)
    given_of: Mapping[tuple[str, ...], frozenset[str]] = field(default_factory=dict)
    notes: tuple[Problem, ...] = ()
    """Accepted values that were read differently from their text, and omitted columns."""


def are_different_pbxs(row: InventoryRow, first: InventoryRow) -> bool:
    """
    Return whether two rows with one id are of different PBXs: the id was derived from another name.

    Args:
        row: Row of any frame.
        first: First row of ``pbxs`` with that id.
    """
    if row.made_of and first.made_of:
        return row.made_of != first.made_of
    if row.frame != "pbxs" or not (row.made_of or first.made_of) or "name" in row.only_new | first.only_new:
        return False
    name, other_name = (" ".join(inventory_row.cells.get("name", "").split()) for inventory_row in (row, first))
    return "" not in (name, other_name) and name != other_name


def location_text(file: str, line: int | None) -> str:
    """Return a location for use in a sentence, e.g. 'pbxs.csv, line 3'."""
    return f"{file}, line {line}" if line else file


def key_of(frame: str, row: Mapping[Any, Any]) -> tuple[str, ...]:
    """Return the key of a row in its frame; an address without a source counts as declared."""
    return tuple(str(row[column]) or ("declared" if column == "source" else "") for column in KEYS[frame])
