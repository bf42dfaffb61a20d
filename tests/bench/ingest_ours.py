"""Workload: export files to typed Parquet with trunkgate, in its own module, which loads trunkgate first."""

from __future__ import annotations

from pathlib import Path

from dashboard.calls.ingest.importer import import_files
from dashboard.calls.store.repair import set_own_numbers
from dashboard.calls.store.store import CallStore
from tests.bench.apart import timed
from tests.bench.ingest_peers import Found, rolled


def ours(files: list[str], target: str, own: list[str]) -> Found:
    """Import into the store at ``target``: types, bad rows, duplicates, Parquet by day, roll-ups by own numbers."""
    store = CallStore(Path(target))
    set_own_numbers(store, own)
    with timed() as watch:
        results = import_files(store, [Path(path) for path in files])
    faults = [result.error or f"{result.rejected} rejected" for result in results if result.error or result.rejected]
    told = rolled(Path(target).rglob("*-traffic-*.parquet"))
    return watch.seconds, {"rows": sum(result.kept for result in results), "faults": faults, **told}
