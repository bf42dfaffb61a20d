"""What a reader makes of a file, and what the inventory becomes: rows, problems, frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from dashboard.core.errors import FileError
from dashboard.core.text import visible

FRAMES = ("pbxs", "pbx_addresses", "pbx_numbers")
"""What people edit."""
CONFIG = "pbx_config"
RECORD = "record."
"""How the keys of facts begin that a register of assets says of a PBX, rather than the PBX of itself."""
RECORD_SECRET = f"{RECORD}secret_present"
"""Where a register holds a password, which itself is dropped."""
READ = (*FRAMES, CONFIG)
"""What readers bring."""
KEYS: Mapping[str, tuple[str, ...]] = {
    "pbxs": ("pbx_id",),
    "pbx_addresses": ("pbx_id", "address", "source"),
    "pbx_numbers": ("pbx_id", "number"),
}
"""What tells one row of a frame from another; an address that is configured and declared is two rows."""


@dataclass(frozen=True)
class Problem:
    """One thing that was not taken, and where it stands. ``line`` counts from 1; ``None`` is the whole file."""

    file: str
    line: int | None
    column: str
    message: str
    value: str = ""

    def __post_init__(self) -> None:
        """Show what files hold, and are called, without characters that a reader cannot see."""
        for name in ("file", "column", "message", "value"):
            object.__setattr__(self, name, visible(getattr(self, name)))

    def __str__(self) -> str:
        column = f", column {self.column}" if self.column else ""
        return f"{place_of(self.file, self.line)}{column}: {self.message}"


def problem_of(exc: FileError) -> Problem:
    """Return an error of a file as a problem: the place apart from the sentence."""
    place = exc.file if exc.line is None else f"{exc.file}, line {exc.line}"
    place += f", column {exc.column}" if exc.column else ""
    return Problem(exc.file, exc.line, exc.column, str(exc).removeprefix(f"{place}: "))


@dataclass(frozen=True)
class Upload:
    """A file that came through the browser: its name and its bytes."""

    name: str
    data: bytes


@dataclass(frozen=True)
class InventoryRow:
    """One row for one frame, as text, and where it stands: a line of a file, or 0 in an object of a running system."""

    frame: str
    file: str
    line: int
    cells: Mapping[str, str]
    brings_more: bool = False
    """Of ``pbxs``: its line brings an address or a number too, so it may repeat the PBX of an earlier line."""
    only_new: frozenset[str] = frozenset()
    """Columns that count only where the row is new, such as a name made up from a folder's."""
    id_made: bool = False
    """Its id is made of its name, so whoever knows the inventory may know it by another."""
    country: str = ""
    """What a table's column of countries says, by which a number without a country code is read."""
    if_fit: bool = False
    """Left out without a word where it cannot be kept: it is a guess, and what it was read from stands as a fact."""

    def __post_init__(self) -> None:
        """Name the file without characters that a reader cannot see."""
        object.__setattr__(self, "file", visible(self.file))


@dataclass(frozen=True)
class ReaderResult:
    """What a reader found in a file or a folder: rows as text, not judged yet, and what it could not read."""

    rows: tuple[InventoryRow, ...] = ()
    problems: tuple[Problem, ...] = ()
    notes: tuple[Problem, ...] = ()
    """What of it was left out, such as columns that no reader knows, although every row was read."""


@dataclass(frozen=True)
class Inventory:
    """
    Good rows as conformed frames, and a problem for each that was put aside.

    ``given`` names the columns that the files had, by frame, and ``given_of`` by frame and row: an import
    changes no other.
    """

    frames: dict[str, pd.DataFrame]
    problems: list[Problem]
    given: Mapping[str, frozenset[str]] = field(default_factory=dict)
    given_of: Mapping[tuple[str, ...], frozenset[str]] = field(default_factory=dict)
    notes: tuple[Problem, ...] = ()
    """What was read otherwise than it is written and was taken, and columns that were left out."""


def place_of(file: str, line: int | None) -> str:
    """Name a place in a sentence."""
    return f"{file}, line {line}" if line else file


def key_of(frame: str, row: Mapping[Any, Any]) -> tuple[str, ...]:
    """Return what tells a row from the others of its frame; an address without a source is declared."""
    return tuple(str(row[column]) or ("declared" if column == "source" else "") for column in KEYS[frame])
