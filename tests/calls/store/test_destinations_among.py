"""Called numbers of selected roll-up rows: equal to the single calls, read only from their days."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.calls.ingest.importer import import_files
from dashboard.calls.store.store import CallStore
from dashboard.core.errors import StoreError
from tests.calls.exports import NOON, a_row, as_csv, at, rows_at
from tests.examples import times
from tests.texts import golden_pattern

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
BUSY = {"result": "no answer", "call_fail_sip_code": "486", "call_fail_reason": "Busy Here", "duration": "0"}

made_calls = st.lists(
    st.fixed_dictionaries(
        {
            "start_time": st.integers(0, 5).flatmap(
                lambda day: st.sampled_from([0, 1, 1800, 3600, 43199]).map(
                    lambda second: at(NOON + day * DAY + second * SECOND)
                )
            ),
            "destination": st.sampled_from(["12065550100", "12065550101", "447700900111", "911"]),
            "destination_name": st.sampled_from(["UNITED STATES", "UK", ""]),
            "direction": st.sampled_from(["Outbound", "Outbound", "Inbound"]),
            "customer_ip": st.sampled_from(["198.51.100.11:5060", "198.51.100.24:5060"]),
            "custom_x_tag": st.sampled_from(["seattle", ""]),
            "callerid": st.sampled_from(["+14255550111", "+13035550100"]),
            "total_cost": st.sampled_from(["0.00980000", "2.50000000", "0.00000001"]),
            "call_fail_sip_code": st.sampled_from(["200", ""]),
        }
    ).flatmap(lambda row: st.sampled_from([row, row | BUSY])),
    min_size=1,
    max_size=25,
)


def by_hand(calls: pd.DataFrame) -> list[tuple[object, ...]]:
    """Sum single calls in the simplest way, highest cost first, without the zone, which ties may leave open."""
    found = calls.groupby("destination").agg(
        calls=("call_key", "size"), duration_s=("duration_s", "sum"), last_at=("started_at", "max")
    )
    cost = {number: sum(rows["cost_usd"], Decimal(0)) for number, rows in calls.groupby("destination")}
    rows = [(number, row.calls, row.duration_s, cost[number], row.last_at) for number, row in found.iterrows()]
    return sorted(rows, key=lambda row: (-row[3], -row[1], row[0]))


def told(found: pd.DataFrame) -> list[tuple[object, ...]]:
    """Return an answer in the form of ``by_hand``."""
    columns = ["destination", "calls", "duration_s", "cost_usd", "last_at"]
    return list(found[columns].itertuples(index=False, name=None))


@settings(max_examples=times(12), deadline=None)
@given(rows=made_calls, data=st.data())
def test_destination_totals_equal_single_calls(rows, data):
    """For any rows of the roll-up, sliced anywhere, the totals by number equal those of pandas."""
    with tempfile.TemporaryDirectory() as folder:
        export = Path(folder) / "export.csv"
        export.write_text(as_csv(a_row(number_alias=str(place), **row) for place, row in enumerate(rows)))
        store = CallStore(Path(folder) / "home", lock_wait_s=0)
        import_files(store, [export])
        cuts = data.draw(st.lists(st.integers(0, 5 * 86400).map(lambda s: NOON + s * SECOND), max_size=3))
        traffic = store.traffic(since=NOON, split_at=cuts, step="segment")
        among = traffic[data.draw(st.lists(st.booleans(), min_size=len(traffic), max_size=len(traffic)))]
        calls = store.calls(among=among, limit=1000)

        found = store.destinations(among=among, limit=None)

        assert by_hand(calls) == told(found)
        assert among["calls"].sum() == found["calls"].sum()
        for row in found.itertuples():
            last = calls[(calls["destination"] == row.destination) & (calls["started_at"] == row.last_at)]
            assert row.zone in set(last["destination_name"])
        assert told(found)[:2] == told(store.destinations(among=among, limit=2))


@pytest.fixture
def week(store, export):
    """Return a store of a week: one source calls on the first, third and last day, another on every day."""
    rows = [
        row
        for day in range(7)
        for row in rows_at(NOON + day * DAY, destination=f"1206555010{day}", customer_ip="198.51.100.24")
    ]
    rows += rows_at(NOON, NOON + 2 * DAY, NOON + 6 * DAY, destination="447700900111", total_cost="2.5")
    import_files(store, [export(rows)])
    return store


def test_the_costliest_come_first_and_no_more_than_asked_for(week):
    """Rows are sorted by cost, then by calls, with the zone of the last call, up to the limit."""
    found = week.destinations(among=week.traffic(since=NOON), limit=1)

    assert ["destination", "zone", "calls", "duration_s", "cost_usd", "last_at"] == list(found)
    assert [("447700900111", 3, 180, Decimal("7.5"), NOON + 6 * DAY)] == told(found)
    assert ["UNITED STATES"] == list(found["zone"])


def test_no_rows_have_no_destinations(week, tmp_path):
    """An empty selection, or a store without calls, gives an empty answer with its columns."""
    traffic = week.traffic(since=NOON)

    for found in (week.destinations(among=traffic.head(0)), CallStore(tmp_path / "bare").destinations(among=traffic)):
        assert found.empty
        assert list(found) == list(week.destinations(among=traffic))


def test_only_days_of_the_selected_rows_are_read(week):
    """A missing file of an unaffected day between does not matter; a missing file of an affected day does."""
    traffic = week.traffic(since=NOON)
    among = traffic[(traffic["source_ip"] == "198.51.100.11").to_numpy()]
    kept = {(NOON + day * DAY).date() for day in (0, 2, 6)}
    generation = week.generations.current()
    for day, parts in generation.days.items():
        if day not in kept:
            for part in parts.calls:
                week.generations.path(part).unlink()

    assert [3] == list(week.destinations(among=among)["calls"])
    with pytest.raises(StoreError, match=golden_pattern("errors.calls.could_not_add_up")):
        week.destinations(among=traffic)
