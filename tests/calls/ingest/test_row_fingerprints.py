"""Row fingerprints: equal rows have the same number, different rows another, however the columns are sliced."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.calls.ingest.columnar import Columns
from dashboard.calls.ingest.importer import import_files
from dashboard.calls.ingest.row_fingerprints import fingerprint_rows
from dashboard.calls.store.store import CallStore
from tests.calls.exports import HEADER, Row, a_row, as_csv
from tests.calls.ingest.staged import shared_engine
from tests.examples import times

LOOKED_AT = {
    "start_time": ["2026-11-03 09:00:00+00", "2026-11-03 09:00:01+00"],
    "end_time": ["2026-11-03 09:00:10+00", "2026-11-03 09:00:11+00", ""],
    "destination": ["12065550100", "12065550101", "22065550100", "206555", "20655", "", "120655501001206555010"],
    "callerid": ["14255550111", "14255550112", "anonymous", "", "1", "14255550"],
    "total_cost": ["0.00500000", "0.00500001", "0", "9999.5"],
    "call_fail_sip_code": ["200", "403", ""],
    "duration": ["10", "11", ""],
    "custom_x_tag": ["", "seattle", "denver"],
    "customer_ip": ["198.51.100.11:5060", "198.51.100.11:5061", "198.51.100.12:5060"],
    "result": ["completed", "failed"],
}
"""Columns that determine the fingerprint, with different values."""
ROW = st.fixed_dictionaries({name: st.sampled_from(texts) for name, texts in LOOKED_AT.items()})


def read(rows: Sequence[Row]) -> pyarrow.Table:
    """Read rows with the columnar reader."""
    return Columns(HEADER, shared_engine(), {}).rows(as_csv(rows, HEADER).partition("\n")[2].encode())


@settings(max_examples=times(25), deadline=None)
@given(chosen=st.lists(ROW, min_size=1, max_size=12))
def test_only_equal_calls_share_a_fingerprint(chosen: list[dict[str, str]]) -> None:
    """Fingerprints agree in one piece and one call per piece, where texts have other dictionary positions."""
    rows = [a_row(**each) for each in chosen]
    found = read(rows)["row_hash"].to_pylist()
    alone = [read([row])["row_hash"].to_pylist()[0] for row in rows]

    assert found == alone
    said = [tuple(each[name] for name in LOOKED_AT) for each in chosen]
    assert [found.index(number) for number in found] == [said.index(each) for each in said]


def test_fingerprints_do_not_change_between_versions() -> None:
    """Fingerprints are part of a call's key, so they must not change between versions."""
    rows = [a_row(), a_row(custom_x_tag="seattle", end_time="", callerid="anonymous")]

    assert read(rows)["row_hash"].to_pylist() == [8216692789131169416, 11953096291798057622]


def test_calls_of_a_slice_have_the_numbers_that_they_had() -> None:
    """Fingerprints of a slice equal those of the whole column, although the slice begins within the buffer."""
    calls = read([a_row(destination=f"1206555{at:04}"[: 4 + at], total_cost=f"0.0{at}") for at in range(8)])
    cut = calls.slice(3, 4)

    assert (
        fingerprint_rows({name: cut[name].chunk(0) for name in cut.column_names}).tolist()
        == cut["row_hash"].to_pylist()
    )


def keys(store: CallStore) -> dict[str, str]:
    """Return the key of each call by destination."""
    calls = store.calls(limit=100)
    return dict(zip(calls["destination"], calls["call_key"], strict=True))


def written_as(rows: Sequence[Row], zone: str) -> list[Row]:
    """Write the times of rows in another form, which only the engine reads."""
    return [{**row, "start_time": str(row["start_time"]).replace("+00", zone)} for row in rows]


ROWS = [a_row(destination=f"1206555010{at}") for at in range(4)]


def test_call_read_by_both_readers_counts_once(store: CallStore, export: Callable[..., Path]) -> None:
    """A call read by both readers counts once, although the engine numbers rows by itself."""
    first = export(ROWS, name="a.csv")
    more = [*ROWS[2:], a_row(destination="12065550109")]
    second = export(written_as(more, "Z"), name="b.csv")
    results = import_files(store, [first, second])

    assert [(result.kept, result.duplicate) for result in results] == [(4, 0), (1, 2)]


@pytest.mark.parametrize("again", ["+00", "Z"])
@pytest.mark.parametrize("first", ["+00", "Z"])
def test_a_call_that_comes_again_keeps_its_key(
    store: CallStore, export: Callable[..., Path], first: str, again: str
) -> None:
    """A call that is imported again keeps its key, whichever readers read it."""
    import_files(store, [export(written_as(ROWS, first), name="a.csv")])
    before = keys(store)
    more = [*ROWS, a_row(destination="12065550109")]
    (result,) = import_files(store, [export(written_as(more, again), name="b.csv")])
    after = keys(store)

    assert (result.kept, result.duplicate) == (1, 4)
    assert {number: key for number, key in after.items() if number in before} == before
    assert len(set(after.values())) == 5


@pytest.mark.parametrize("zones", [("+00", "+00"), ("+00", "Z"), ("Z", "+00"), ("Z", "Z")])
def test_calls_of_one_day_in_two_files_have_keys_of_their_own(
    store: CallStore, export: Callable[..., Path], zones: tuple[str, str]
) -> None:
    """Calls with one fingerprint that differ in other columns have different keys, in one file and in two."""
    told = [[a_row(rate="0.01"), a_row(rate="0.02")], [a_row(rate="0.03"), a_row(destination="12065550109")]]
    files = [
        export(written_as(rows, zone), name=f"{at}.csv")
        for at, (rows, zone) in enumerate(zip(told, zones, strict=True))
    ]
    results = import_files(store, files)

    assert [(result.kept, result.duplicate) for result in results] == [(2, 0), (2, 0)]
    assert store.calls()["call_key"].nunique() == 4
