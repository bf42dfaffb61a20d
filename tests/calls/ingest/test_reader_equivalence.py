"""The store has the same content whichever reader reads each file, and keys are unique."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard.calls.ingest.day_slices import LEAST_BYTES
from dashboard.calls.ingest.importer import import_files
from dashboard.calls.store.store import CallStore
from tests.calls.exports import HEADER, Row, a_row, as_csv
from tests.examples import times

SINCE = datetime(2026, 10, 1, tzinfo=UTC)
WIDEST = 60_000
"""Characters of an ignored column, so that a file of few rows is large enough to be cut into days."""
NIGHT = "2026-11-02 23:59:59+00"
MIDNIGHT = "2026-11-03 00:00:00+00"
NOON = "2026-11-02 12:00:00+00"
KINDS: list[Row] = [
    {"start_time": NIGHT, "end_time": "2026-11-03 00:00:10+00"},
    {"start_time": NIGHT, "end_time": "", "total_cost": "-0.0", "direction": "Inbound"},
    {"start_time": MIDNIGHT, "end_time": NIGHT, "total_cost": "-0.5"},
    {"start_time": NOON, "end_time": "2026-11-05 12:00:00+00", "custom_x_tag": ""},
]
CALL = st.builds(
    lambda kind, rate, cdr_id: a_row(**kind, rate=rate, cdr_id=cdr_id),
    st.sampled_from(KINDS),
    st.sampled_from(["0.01", "0.02", "0.03", ""]),
    st.sampled_from(["", "17", "18"]),
)
"""Calls that differ in their rate have the same fingerprint."""
ID = st.sampled_from([[], [], ["cdr_id"]])
"""Some files have ids."""
FILE = st.tuples(st.lists(CALL, min_size=1, max_size=10), st.sampled_from(["+00", "+00", "Z"]), ID)
IMPORTS = st.lists(st.lists(FILE, min_size=1, max_size=3), min_size=1, max_size=2)


def written(path: Path, calls: Sequence[Row], zone: str, more: list[str]) -> Path:
    """Write an export in order of time; with another zone format than the documented one, the engine reads it."""
    note = "x" * min(WIDEST, LEAST_BYTES // len(calls) + 1)
    rows = sorted(calls, key=lambda call: str(call["start_time"]))
    told = [{**row, "note": note, "start_time": str(row["start_time"]).replace("+00", zone)} for row in rows]
    path.write_text(as_csv(told, [*HEADER, *more, "note"]), encoding="utf-8")
    return path


def held(store: CallStore) -> tuple[list[str], ...]:
    """Return the calls, their roll-up and their load, sorted for comparison."""
    asked = [store.calls(limit=1000).drop(columns="call_key"), store.traffic(since=SINCE), store.load(since=SINCE)]
    return tuple(sorted(map(repr, found.itertuples(index=False))) for found in asked)


def own_keys(store: CallStore) -> pd.Series[str]:
    """Return the keys of calls without an id."""
    keys = store.calls(limit=1000)["call_key"]
    return keys[keys.str.startswith("#")]


@settings(max_examples=times(6), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(imports=IMPORTS)
def test_store_is_equal_whatever_readers_are_used(
    tmp_path_factory: pytest.TempPathFactory, imports: list[list[tuple[list[Row], str, list[str]]]]
) -> None:
    """
    Import by import, results, calls, sums and load equal those of the engine alone.

    No key occurs twice or disappears.
    """
    folder = tmp_path_factory.mktemp("ways")
    mixed, engine = (CallStore(folder / name, lock_wait_s=0) for name in ("mixed", "engine"))
    for files in imports:
        before = own_keys(mixed)
        some, plain = (
            import_files(store, [written(folder / f"{at}.csv", *file) for at, file in enumerate(told)])
            for store, told in ((mixed, files), (engine, [(calls, "Z", more) for calls, _, more in files]))
        )

        assert some == plain
        assert held(mixed) == held(engine)
        assert own_keys(mixed).is_unique
        assert set(before) <= set(own_keys(mixed))
