"""Load by minute, compared with a count second by second; first calls of sources and zones."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.calls.ingest.minute_load import compute_load
from dashboard.calls.store.engine import Engine, to_frame

SINCE = datetime(2026, 11, 2, 12)  # noqa: DTZ001 - times of the store are naive UTC
SPAN_S = 600
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
CALLS = pyarrow.schema(
    [
        ("direction", pyarrow.string()),
        ("started_at", pyarrow.timestamp("us")),
        ("ended_at", pyarrow.timestamp("us")),
        ("duration_s", pyarrow.int32()),
        ("outcome", pyarrow.string()),
    ]
)
TRAFFIC = pyarrow.schema(
    [
        ("hour_at", pyarrow.timestamp("us")),
        ("direction", pyarrow.string()),
        ("source_ip", pyarrow.string()),
        ("zone", pyarrow.string()),
        ("calls", pyarrow.int64()),
        ("cost_usd", pyarrow.decimal128(18, 8)),
        ("first_at", pyarrow.timestamp("us")),
    ]
)


class Call(NamedTuple):
    """A call, in seconds from ``SINCE``; without a known end it lasts ``lasts`` seconds."""

    starts: int
    lasts: int
    direction: str = "outbound"
    outcome: str = "answered"
    ends: bool = True


@pytest.fixture(scope="module")
def engine() -> Engine:
    """Return an engine shared by the tests of this module."""
    return Engine(Path(tempfile.gettempdir()))


def load(engine: Engine, folder: Path, calls: Iterable[Call]) -> dict[tuple[int, str], tuple[int, int, int]]:
    """Return calls, most in a second and most at once by minute and direction, as counted by the query."""
    rows = [
        {
            "direction": call.direction,
            "started_at": SINCE + call.starts * SECOND,
            "ended_at": SINCE + (call.starts + call.lasts) * SECOND if call.ends else None,
            "duration_s": call.lasts,
            "outcome": call.outcome,
        }
        for call in calls
    ]
    path = folder / "calls.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows, schema=CALLS), path)
    asked: dict[str, Any] = {"calls": [str(path)], "since": SINCE, "until": SINCE + SPAN_S * SECOND}
    found = compute_load(
        engine.fetch("load", asked, operation="count load"), asked["since"], asked["until"]
    ).to_pylist()
    return {
        ((row["minute_at"] - SINCE) // MINUTE, row["direction"]): (row["calls"], row["peak_1s"], row["concurrent"])
        for row in found
    }


def counted(calls: list[Call]) -> dict[tuple[int, str], tuple[int, int, int]]:
    """Return the same from a count of every second of the queried period."""
    starts = Counter((call.starts, call.direction) for call in calls)
    minutes: dict[tuple[int, str], tuple[int, int, int]] = {}
    for direction in ("outbound", "inbound"):
        mine = [call for call in calls if call.direction == direction and call.outcome == "answered"]
        for second in range(SPAN_S):
            here = starts[second, direction]
            running = sum(call.starts <= second < call.starts + call.lasts for call in mine)
            if here or running:
                total, peak, most = minutes.get((second // 60, direction), (0, 0, 0))
                minutes[second // 60, direction] = (total + here, max(peak, here), max(most, running))
    return minutes


CALL = st.builds(
    Call,
    starts=st.integers(-SPAN_S, SPAN_S + 60) | st.sampled_from([-1, 0, 59, 60, SPAN_S - 1, SPAN_S]),
    lasts=st.integers(0, 900) | st.sampled_from([0, 1, 59, 60, 61]),
    direction=st.sampled_from(["outbound", "inbound"]),
    outcome=st.sampled_from(["answered", "answered", "answered", "gave_up"]),
    ends=st.booleans(),
)


@settings(max_examples=60, deadline=None)
@given(calls=st.lists(CALL, max_size=25))
def test_load_equals_a_count_of_every_second(engine, calls):
    """Starts, the peak of a second and the most calls at once equal the count second by second."""
    with tempfile.TemporaryDirectory() as folder:
        assert load(engine, Path(folder), calls) == counted(calls)


def test_a_call_that_ends_makes_room_in_the_same_second(engine, tmp_path):
    """A call that ends in a second does not overlap one that starts in it; a minute within a call has its row."""
    found = load(engine, tmp_path, [Call(0, 60), Call(60, 121), Call(181, 5, outcome="gave_up")])

    assert found == {
        (0, "outbound"): (1, 1, 1),
        (1, "outbound"): (1, 1, 1),
        (2, "outbound"): (0, 0, 1),
        (3, "outbound"): (1, 1, 1),
    }


def test_call_of_previous_day_counts_as_in_progress(engine, tmp_path):
    """A call of the previous day counts as in progress, not as a start."""
    assert load(engine, tmp_path, [Call(-3600, 3610)]) == {(0, "outbound"): (0, 0, 1)}


def test_a_call_over_midnight_runs_on_both_days():
    """Days are aggregated one by one; a call over midnight counts as in progress on both."""
    since = datetime(2026, 11, 2)  # noqa: DTZ001 - as above
    day_s = 86_400
    two_days = since + timedelta(days=2)
    calls = pyarrow.table({"is_inbound": [False], "start_s": [day_s - 30], "done_s": [day_s + 30]})
    found = compute_load(calls, since, two_days).to_pylist()

    assert [(row["minute_at"], row["calls"], row["concurrent"]) for row in found] == [
        (since + timedelta(days=1) - MINUTE, 1, 1),
        (since + timedelta(days=1), 0, 1),
    ]


def test_no_parts_have_no_load(engine):
    """Without parts the load has no rows."""
    asked = {"calls": [], "since": SINCE, "until": SINCE + MINUTE}

    assert compute_load(engine.fetch("load", asked, operation="count load"), SINCE, SINCE + MINUTE).num_rows == 0


def test_first_seen(engine, tmp_path):
    """Each source and each zone of outbound calls has its first call, number of calls and cost."""
    hour = 3600 * SECOND
    cent = Decimal("0.01")
    rows = [
        (SINCE, "outbound", "198.51.100.11", "UNITED STATES", 5, 5 * cent, SINCE + MINUTE),
        (SINCE + hour, "outbound", "198.51.100.11", "UK PREMIUM", 2, 100 * cent, SINCE + hour),
        (SINCE + hour, "outbound", "203.0.113.66", "UK PREMIUM", 3, 200 * cent, SINCE + hour + SECOND),
        (SINCE, "outbound", "", "", 1, cent, SINCE),
        (SINCE, "inbound", "192.0.2.9", "", 9, cent, SINCE),
        (SINCE + 2 * hour, "outbound", "192.0.2.1", "LATER", 9, cent, SINCE + 2 * hour),
    ]
    path = tmp_path / "traffic.parquet"
    table = pyarrow.Table.from_pylist([dict(zip(TRAFFIC.names, row, strict=True)) for row in rows], schema=TRAFFIC)
    pyarrow.parquet.write_table(table, path)
    asked = {"traffic": [str(path)], "since": SINCE, "until": SINCE + 2 * hour}
    found = to_frame(engine.fetch("first_seen", asked, operation="list what is new"))

    assert found.drop(columns="first_at").to_numpy().tolist() == [
        ["source", "198.51.100.11", 7, Decimal("1.05000000")],
        ["source", "203.0.113.66", 3, Decimal("2.00000000")],
        ["zone", "UNITED STATES", 5, Decimal("0.05000000")],
        ["zone", "UK PREMIUM", 5, Decimal("3.00000000")],
    ]
    firsts = [SINCE + MINUTE, SINCE + hour + SECOND, SINCE + MINUTE, SINCE + hour]
    assert found["first_at"].tolist() == [pd.Timestamp(at, tz="UTC") for at in firsts]
