"""Variants of the synthetic account's exports: compressed, unordered, with faults."""

from __future__ import annotations

import gzip
import random
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

ONE_IN = 1000
"""One faulty row per this number of rows."""
SEED = 11
Made = tuple[list[Path], int]
"""The files and the number of rows that cannot be calls."""


def packed(files: Sequence[Path], folder: Path) -> Made:
    """Compress each file."""
    made = []
    for path in files:
        target = folder / f"{path.name}.gz"
        with path.open("rb") as source, gzip.open(target, "wb", compresslevel=1) as out:
            shutil.copyfileobj(source, out, 1 << 20)
        made.append(target)
    return made, 0


def in_no_order(files: Sequence[Path], folder: Path) -> Made:
    """Shuffle the rows of each file."""
    rng = random.Random(SEED)
    made = []
    for path in files:
        header, *rows = path.read_bytes().splitlines(keepends=True)
        rng.shuffle(rows)
        target = folder / path.name
        target.write_bytes(b"".join([header, *rows]))
        made.append(target)
    return made, 0


def with_faults(files: Sequence[Path], folder: Path) -> Made:
    """Break one row in a thousand: its first cell is not a direction."""
    made = []
    faults = 0
    for path in files:
        target = folder / path.name
        with path.open("rb") as source, target.open("wb") as out:
            for number, line in enumerate(source):
                broken = number % ONE_IN == 1
                faults += broken
                out.write(b"Sideways" + line[line.index(b",") :] if broken else line)
        made.append(target)
    return made, faults


KINDS: dict[str, Callable[[Sequence[Path], Path], Made]] = {
    "packed with gzip": packed,
    "in no order": in_no_order,
    "with a fault in a row of a thousand": with_faults,
}
