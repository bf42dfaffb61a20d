"""
The inventory: our PBXs, their addresses and their numbers, read from files or edited in place.

A reader is one file of this package with ``accepts(name, data)`` and ``read(name, data) -> Reading``; it is
found by being there. Files that begin with an underscore are what readers share. Readers only read: what a
good row is, is decided for all of them in one place.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

import pandas as pd

from dashboard.inventory._cells import RULES
from dashboard.inventory._merge import ADDED, CHANGED, STAYS, Difference, merge
from dashboard.inventory._records import LARGEST_BYTES
from dashboard.inventory._rows import FRAMES, Inventory, Problem, Reading, Row, Upload
from dashboard.inventory._settle import settle

__all__ = [
    "ADDED",
    "CHANGED",
    "FRAMES",
    "STAYS",
    "Difference",
    "Inventory",
    "Problem",
    "Reading",
    "Row",
    "Upload",
    "merge",
    "read_edit",
    "read_files",
    "readers",
    "validate_edit",
]


@cache
def readers() -> tuple[ModuleType, ...]:
    """Return every reader, by name: adding one is adding its file."""
    names = sorted(module.name for module in iter_modules(__path__) if not module.name.startswith("_"))
    return tuple(import_module(f"{__name__}.{name}") for name in names)


def read_files(
    files: Sequence[Path | Upload],
    *,
    treated_as_public: Collection[str] = (),
    current: Mapping[str, pd.DataFrame] | None = None,
) -> Inventory:
    """
    Read files into an inventory; addresses and numbers may stand in other files than their PBXs.

    Args:
        files: Paths, or files that were uploaded.
        treated_as_public: Networks in CIDR form to treat as public although they are special-purpose.
        current: The inventory as it stands, whose PBXs the files may refer to.

    Returns:
        Every good row, and a problem for every other and for every file that cannot be used.
    """
    rows: list[Row] = []
    problems: list[Problem] = []
    for file in files:
        reading = _read(file)
        rows += reading.rows
        problems += reading.problems
    known = [] if current is None or "pbxs" not in current else list(current["pbxs"]["pbx_id"])
    return settle(rows, treated_as_public=treated_as_public, known=known, problems=problems)


def read_edit(frames: Mapping[str, pd.DataFrame], treated_as_public: Collection[str] = ()) -> Inventory:
    """
    Read frames as somebody edited them, by the rules of an import.

    Args:
        frames: The whole inventory by frame name; cells of any type, empty ones in any form.
        treated_as_public: Networks in CIDR form to treat as public.

    Returns:
        Conformed frames of the good rows; a problem's file is the frame's name and its line the row, from 1.
    """
    rows = [
        Row(name, name, number, {column: _text(values.get(column)) for column in RULES[name]})
        for name in FRAMES
        if name in frames
        for number, values in enumerate(frames[name].to_dict("records"), start=1)
        if any(_text(value).strip() for value in values.values())
    ]
    return settle(rows, treated_as_public=treated_as_public)


def validate_edit(frames: Mapping[str, pd.DataFrame], treated_as_public: Collection[str] = ()) -> list[Problem]:
    """Return what is wrong with frames as somebody edited them; see ``read_edit``."""
    return read_edit(frames, treated_as_public).problems


def _read(file: Path | Upload) -> Reading:
    if isinstance(file, Upload):
        name, data = file.name, file.data
    else:
        name = file.name
        try:
            with file.open("rb") as stream:
                data = stream.read(LARGEST_BYTES + 1)
        except OSError as exc:
            reason = f"It cannot be read: {exc.strerror or exc}. Check its name and its rights."
            return Reading(problems=(Problem(name, None, "", reason),))
    chosen = next((reader for reader in readers() if reader.accepts(name, data)), None)
    if chosen is None:
        return Reading(problems=(Problem(name, None, "", "No reader knows this kind of file. Save it as .csv."),))
    reading: Reading = chosen.read(name, data)
    return reading


def _text(value: object) -> str:
    if value is None or value is pd.NaT or value is pd.NA or value != value:  # noqa: PLR0124 - only NaN differs from itself
        return ""
    return value.isoformat() if isinstance(value, pd.Timestamp) else str(value)
