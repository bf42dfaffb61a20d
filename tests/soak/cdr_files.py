"""20,000 CDR files, sound and damaged, each read in both ways; the seeds are fixed, so a failure can be had again."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.calls.cdr_files import BATCH, cdr_file, compare

FILES = 20_000
AT_ONCE = 2


def main(files: int = FILES) -> str:
    """Import every file, some hundred at a time."""
    with ProcessPoolExecutor(AT_ONCE, get_context("spawn")) as pool:
        done = sum(pool.map(partial(_batch, files), range(0, files, BATCH)))
    return f"{done:,} CDR files read in two ways"


def _batch(files: int, first: int) -> int:
    seeds = range(first, min(first + BATCH, files))
    with TemporaryDirectory() as folder:
        compare([cdr_file(seed) for seed in seeds], Path(folder))
    return len(seeds)
