"""Peaks by PBX, source, destination and PoP, compared with a count second by second."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dashboard import schemas
from dashboard.calls.analytics.metrics import PEAKS
from dashboard.calls.analytics.peaks import CallOwners, PeakColumn, call_owners, count_peaks
from dashboard.calls.attribution import attribute
from dashboard.calls.ingest.importer import import_files
from dashboard.calls.ingest.minute_load import peaks_of_groups
from dashboard.calls.store.store import CallFilter, CallStore
from dashboard.domain.snapshot import Account, Snapshot
from tests.calls.exports import a_row, as_csv, at, rows_at
from tests.examples import times

MIDNIGHT = datetime(2026, 11, 3, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
SINCE = MIDNIGHT - 5 * MINUTE
UNTIL = MIDNIGHT + 6 * MINUTE + 30 * SECOND
EARLIER, MOVED = MIDNIGHT - 6 * MINUTE, MIDNIGHT + 90 * SECOND
"""When an address moves from one PBX to another: once before the queried period, once within."""
ADDRESSES = ("198.51.100.11", "198.51.100.12", "203.0.113.66")
TAGS = ("", "", "tag-b", "unknown")
ZONES = ("UNITED STATES", "CANADA", "")
NUMBERS = ("12065550100", "12065550101", "12065550199")


class Call(NamedTuple):
    """A call, in seconds from ``MIDNIGHT``."""

    starts: int
    lasts: int
    direction: str
    code: str
    address: str
    tag: str
    zone: str
    number: str


CALL = st.builds(
    Call,
    starts=st.integers(-420, 420) | st.sampled_from([-300, -301, -1, 0, 1, 89, 90, 91, 389, 390, -90_000, -80_000]),
    lasts=st.integers(0, 600) | st.sampled_from([0, 1, 60, 86_400, 100_000, 200_000]),
    direction=st.sampled_from(["Outbound", "Outbound", "Inbound"]),
    code=st.sampled_from(["200", "200", "200", "486"]),
    address=st.sampled_from(ADDRESSES),
    tag=st.sampled_from(TAGS),
    zone=st.sampled_from(ZONES),
    number=st.sampled_from(NUMBERS),
)


def rows_of(calls: list[Call]) -> list[dict[str, object]]:
    """Return export rows of the calls."""
    return [
        a_row(
            direction=call.direction,
            start_time=at(MIDNIGHT + call.starts * SECOND),
            end_time=at(MIDNIGHT + (call.starts + call.lasts) * SECOND),
            duration=call.lasts,
            call_fail_sip_code=call.code,
            result="completed" if call.code == "200" else "failed",
            customer_ip=f"{call.address}:5060",
            custom_x_tag=call.tag,
            destination_name=call.zone,
            destination=call.number,
        )
        for call in calls
    ]


def inventory() -> dict[str, pd.DataFrame]:
    """Return two PBXs, known by address, X-Tag and number; both addresses move from one to the other."""
    fixed = {"ip_kind": "static", "auth_method": "ip", "status": "active"}
    pbxs = [
        {"pbx_id": "a", "name": "Alpha", "x_tag": "", **fixed},
        {"pbx_id": "b", "name": "", "x_tag": "tag-b", **fixed},
    ]
    owned = [(ADDRESSES[0], "a", None, MOVED), (ADDRESSES[0], "b", MOVED, None)]
    owned += [(ADDRESSES[1], "b", None, EARLIER), (ADDRESSES[1], "a", EARLIER, None)]
    addresses = pd.DataFrame(owned, columns=["address", "pbx_id", "valid_from", "valid_to"])
    numbers = pd.DataFrame({"number": NUMBERS[:1], "pbx_id": ["a"]})
    return {
        "pbxs": schemas.conform(pd.DataFrame(pbxs), schemas.PBXS, source="test"),
        "pbx_addresses": schemas.conform(addresses, schemas.PBX_ADDRESSES, source="test"),
        "pbx_numbers": schemas.conform(numbers, schemas.PBX_NUMBERS, source="test"),
    }


def snapshot_of(store: CallStore) -> Snapshot:
    """Return a snapshot of the store's calls."""
    known = inventory()
    since = MIDNIGHT - 3 * DAY
    cuts = (EARLIER, MOVED)
    traffic = attribute(store.traffic(since=since, split_at=cuts, step="segment"), **known)
    account = Account(tech_prefix="", credentials_on=None)
    return Snapshot(MIDNIGHT + DAY, account, **known, traffic=traffic, since=since, window_start=since, split_at=cuts)


def caller_of(call: Mapping[Hashable, Any]) -> str:
    """Return whom a call counts for: a claim to be Beta from an address that Beta left, or never had, does not."""
    names = {"a": "Alpha", "b": "b"}
    if call["attributed_by"] == "x_tag" and call["source_ip"] != ADDRESSES[0]:
        if call["source_ip"] == ADDRESSES[1]:
            return names["b" if call["started_at"] < EARLIER else "a"]
        return f"{call['source_ip']} (unassigned)"
    return names.get(call["pbx_id"], f"{call['source_ip']} (unassigned)")


def counted(calls: pd.DataFrame, of: list[str]) -> dict[tuple[str, str], tuple[int, int, int]]:
    """Return the peaks by group and direction from a count of every second of the queried period."""
    groups: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for name, call in zip(of, calls.to_dict("records"), strict=True):
        last = call["started_at"].normalize() + 2 * DAY
        end = min(call["ended_at"], last) if call["outcome"] == "answered" else call["started_at"]
        span = tuple((moment - SINCE) // SECOND for moment in (call["started_at"], end))
        groups.setdefault((name, call["direction"]), []).append(span)
    found: dict[tuple[str, str], tuple[int, int, int]] = {}
    for group, spans in groups.items():
        starts = Counter(begin for begin, _ in spans)
        minutes = Counter[int]()
        most = 0
        for second in range((UNTIL - SINCE) // SECOND):
            minutes[second // 60] += starts[second]
            most = max(most, sum(begin <= second < end for begin, end in spans))
        peak = max(starts[second] for second in range((UNTIL - SINCE) // SECOND))
        if peak or most:
            found[group] = (peak, max(minutes.values()), most)
    return found


def told(found: pd.DataFrame) -> dict[tuple[str, str], tuple[int, int, int]]:
    """Return peak rows in the form of ``counted``."""
    return {(row.of, row.direction): (row.peak_1s, row.peak_60s, row.concurrent) for row in found.itertuples()}


LONG_AGO = Call(-90_000, 100_000, "Outbound", "200", ADDRESSES[0], "", "CANADA", NUMBERS[0])
"""A call that begins on the day before the first queried day, on which no call begins, and continues through it."""


@settings(max_examples=times(10), deadline=None)
@example(calls=[LONG_AGO], at_once=4)
@given(calls=st.lists(CALL, min_size=1, max_size=30, unique=True), at_once=st.sampled_from([1, 4, 1_000_000]))
def test_peaks_equal_a_count_of_every_second(calls: list[Call], at_once: int) -> None:
    """
    Peaks by source, destination, PBX and PoP equal the count of every second.

    Cases: calls over midnight, unanswered calls, both directions, any number of pieces.
    """
    with tempfile.TemporaryDirectory() as folder:
        store = CallStore(Path(folder) / "home")
        path = Path(folder) / "export.csv"
        path.write_text(as_csv(rows_of(calls)))
        import_files(store, [path])
        single = store.calls(CallFilter(), limit=1_000)
        known = snapshot_of(store)
        who = [caller_of(call) for call in attribute(single, **inventory()).to_dict("records")]
        pops = ["west" if name == "Alpha" else "Not known" for name in who]
        by_pop = call_owners(known, lambda name: "west" if name == "Alpha" else "Not known")
        expected: list[tuple[PeakColumn | CallOwners, list[str]]] = [
            ("source_ip", list(single["source_ip"])),
            ("destination_name", list(single["destination_name"])),
            (call_owners(known), who),
            (by_pop, pops),
        ]
        for by, of in expected:
            found = count_peaks(store, by, since=SINCE, until=UNTIL, at_once=at_once)
            assert told(found.rows) == counted(single, of)
            assert found.gone == ()


def test_ended_call_does_not_overlap_call_starting_in_same_second() -> None:
    """
    A call that ends in a second does not overlap one that starts in it; groups are counted separately.

    A call that only continues has no start.
    """
    calls = [(0, 0, 60), (0, 60, 90), (2, -5, 7), (5, 10, 10), (5, 10, 10), (5, 59, 59)]
    group, start, done = (np.array(each, dtype=np.int64) for each in zip(*calls, strict=True))
    groups, *found = peaks_of_groups(group, start, done, 120)

    assert groups.tolist() == [0, 2, 5]
    assert np.transpose(found).tolist() == [[1, 1, 1], [0, 0, 1], [2, 3, 0]]


def test_no_calls_have_no_peaks(store: CallStore) -> None:
    """An empty store gives a frame with the same columns and no rows."""
    found = count_peaks(store, "source_ip", since=SINCE)

    assert list(found.rows.columns) == ["of", "direction", *PEAKS]
    assert found.rows.empty
    assert found.gone == ()


def test_retired_days_are_named_and_not_counted(store: CallStore, export: Callable[..., Path]) -> None:
    """Days without single calls are named, and nothing of them is counted."""
    days = [MIDNIGHT + number * DAY for number in range(4)]
    import_files(store, [export(rows_at(*days, days[0], days[-1]))], keep_days=2)
    found = count_peaks(store, "source_ip", since=days[0])

    assert found.gone == (date(2026, 11, 3), date(2026, 11, 4))
    assert told(found.rows) == {("198.51.100.11", "outbound"): (2, 2, 2)}
    assert told(count_peaks(store, "source_ip", since=days[0], until=days[2]).rows) == {}


def test_peaks_begin_with_a_whole_minute(store: CallStore) -> None:
    """Peaks begin with a whole minute, because part of a clock minute cannot be counted."""
    with pytest.raises(ValueError, match="whole minute"):
        count_peaks(store, "source_ip", since=SINCE + SECOND)
