"""What a reader makes of a file, and what the inventory becomes: rows, problems, frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

FRAMES = ("pbxs", "pbx_addresses", "pbx_numbers")
KEYS: Mapping[str, tuple[str, ...]] = {
    "pbxs": ("pbx_id",),
    "pbx_addresses": ("pbx_id", "address"),
    "pbx_numbers": ("pbx_id", "number"),
}
"""What tells one row of a frame from another."""


@dataclass(frozen=True)
class Problem:
    """One thing that was not taken, and where it stands. ``line`` counts from 1; ``None`` is the whole file."""

    file: str
    line: int | None
    column: str
    message: str
    value: str = ""

    def __str__(self) -> str:
        line = "" if self.line is None else f", line {self.line}"
        column = f", column {self.column}" if self.column else ""
        return f"{self.file}{line}{column}: {self.message}"


@dataclass(frozen=True)
class Upload:
    """A file that came through the browser: its name and its bytes."""

    name: str
    data: bytes


@dataclass(frozen=True)
class Row:
    """One row for one frame, as text, and where it stands in its file."""

    frame: str
    file: str
    line: int
    cells: Mapping[str, str]
    brings_more: bool = False
    """Of ``pbxs``: its line brings an address or a number too, so it may repeat the PBX of an earlier line."""


@dataclass(frozen=True)
class Reading:
    """What a reader found in one file: rows as text, not judged yet, and what it could not read."""

    rows: tuple[Row, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Inventory:
    """
    Good rows as conformed frames, and a problem for each that was put aside.

    ``given`` names the columns that the files had, by frame: an import changes no other.
    """

    frames: dict[str, pd.DataFrame]
    problems: list[Problem]
    given: Mapping[str, frozenset[str]] = field(default_factory=dict)
