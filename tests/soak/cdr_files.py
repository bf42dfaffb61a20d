"""
20,000 CDR files, sound and damaged, and files for each pair of optional columns, each read by both readers.

The suite covers three of the 131,072 subsets of optional columns: none, each alone, and all. This part covers each pair
absent and each pair alone present. The remaining subsets are sampled: each of the 20,000 files lacks a subset drawn
from its seed. The seeds are fixed, so a failure is reproducible.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import combinations
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from dashboard.calls.ingest.columns import OPTIONAL
from tests.calls.ingest.cdr_files import BATCH, CdrFile, cdr_file, compare

FILES = 20_000
AT_ONCE = 2
FIRST_OF_PAIRS = 500_000
"""First seed of the files with pairs of columns."""


def main(files: int = FILES) -> str:
    """Import every file, some hundred at a time."""
    pairs = len(_subsets())
    with ProcessPoolExecutor(AT_ONCE, get_context("spawn")) as pool:
        paired = sum(pool.map(_pairs, range(0, pairs, BATCH)))
        done = sum(pool.map(partial(_batch, files), range(0, files, BATCH)))
    return f"{done:,} CDR files and {paired:,} with each pair of optional columns read in two ways"


def _batch(files: int, first: int) -> int:
    return _compared([cdr_file(seed) for seed in range(first, min(first + BATCH, files))])


def _pairs(first: int) -> int:
    chosen = [*enumerate(_subsets())][first : first + BATCH]
    return _compared(
        [cdr_file(FIRST_OF_PAIRS + place, absent=absent, bad=bad, damage=False) for place, (absent, bad) in chosen]
    )


def _subsets() -> list[tuple[list[str], bool]]:
    """Return the columns missing in the pair files (each pair, and all but each pair), without and with a bad row."""
    pairs = [[*pair] for pair in combinations(OPTIONAL, 2)]
    others = [[name for name in OPTIONAL if name not in pair] for pair in pairs]
    return [(absent, bad) for absent in (*pairs, *others) for bad in (False, True)]


def _compared(made: list[CdrFile]) -> int:
    with TemporaryDirectory() as folder:
        compare(made, Path(folder))
    return len(made)
