"""Provenance of calls: the effect of the carrier's exports on calls imported from files."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from dashboard.calls.ingest.importer import import_files
from dashboard.calls.store.repair import drop_file_only, forget, repair
from dashboard.calls.store.store import CallFilter, CallStore
from dashboard.core.errors import StoreError
from tests.calls.exports import NOON, WITH_ID, Row, as_csv, rows_at

Export = Callable[..., Path]
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
WINDOW = (NOON - DAY, NOON + DAY)
THIEF = {"customer_ip": "203.0.113.66:5060", "total_cost": "2.00000000"}


def taken(store: CallStore) -> tuple[list[str], list[str]]:
    """Return the sources of the counted calls, and of those that exist in files only."""
    found = (store.calls(CallFilter(file_only=file_only)) for file_only in (False, True))
    counted, apart = (sorted(calls["source_ip"]) for calls in found)
    return counted, apart


def totals(store: CallStore, *, file_only: bool = False) -> tuple[int, Decimal]:
    """Return the number of calls in the roll-up and their cost."""
    rows = store.traffic(since=NOON - 40 * DAY, file_only=file_only)
    return int(rows["calls"].sum()), Decimal(str(rows["cost_usd"].sum() or 0))


def test_calls_that_only_files_have_survive_an_export_and_count_in_no_total(store: CallStore, export: Export) -> None:
    """The carrier's calls are replaced; imported ones that it does not report are set apart with their cost."""
    import_files(store, [export(rows_at(NOON))], window=WINDOW)
    import_files(store, [export(rows_at(NOON + MINUTE, NOON + 2 * MINUTE, **THIEF))])
    before = totals(store)

    import_files(store, [export(rows_at(NOON + 3 * MINUTE))], window=WINDOW)

    assert (3, Decimal("4.00980000")) == before
    assert (["198.51.100.11"], ["203.0.113.66"] * 2) == taken(store)
    assert (1, Decimal("0.00980000")) == totals(store)
    assert (2, Decimal("4.00000000")) == totals(store, file_only=True)
    assert (1, 2) == (store.count(), store.count_file_only())
    assert 1 == int(store.load(since=NOON - DAY)["calls"].sum())
    assert {"file_only"} == set(store.calls(CallFilter(file_only=True))["provenance"])
    assert {""} == set(store.calls()["provenance"])


def test_an_export_without_any_call_leaves_imported_days_in_place(store: CallStore, export: Export) -> None:
    """A day that the carrier reports as empty has only file calls, in every query and after repair."""
    import_files(store, [export(rows_at(NOON, NOON + 5 * DAY, **THIEF))])
    import_files(store, [export([])], window=WINDOW)
    repair(store, [NOON.date()])

    assert (["203.0.113.66"], ["203.0.113.66"]) == taken(store)
    assert [["2026-11-02", "203.0.113.66", 1, Decimal("2.00000000")]] == store.file_only().to_numpy().tolist()
    assert (1, 1) == (store.count(), store.count_file_only())


def test_a_call_that_an_export_has_is_the_carriers(store: CallStore, export: Export) -> None:
    """A call matched by the deduplication key becomes the carrier's, and its next export replaces it."""
    rows = rows_at(NOON, NOON + MINUTE)
    import_files(store, [export(rows)])
    (again,) = import_files(store, [export(rows)], window=WINDOW)

    assert (0, 2) == (again.kept, again.duplicate)
    import_files(store, [export(rows[:1])], window=WINDOW)
    assert (["198.51.100.11"], []) == taken(store)


def test_one_call_in_two_forms_is_not_missing(store: CallStore, export: Export) -> None:
    """A portal file has ids and other columns; each of its calls that the export has too is the same call."""
    twice = rows_at(NOON, NOON, **THIEF)
    portal = [row | {"cdr_id": f"p-{number}"} for number, row in enumerate(twice)]
    import_files(store, [export(as_csv(portal, [name for name in WITH_ID if name != "usf_fee"]))])

    import_files(store, [export(twice[:1])], window=WINDOW)

    assert (1, 1) == (store.count(), store.count_file_only())


def test_a_call_set_apart_counts_again_once_an_export_has_it(store: CallStore, export: Export) -> None:
    """A late export brings back a call that was set apart; importing its file again does not."""
    thief = export(rows_at(NOON, **THIEF), "thief.csv")
    import_files(store, [thief])
    import_files(store, [export([])], window=WINDOW)
    (again,) = import_files(store, [thief])
    apart = (store.count(), store.count_file_only())

    import_files(store, [thief], window=WINDOW)

    assert (0, 1) == (again.kept, again.duplicate)
    assert (0, 1) == apart
    assert (1, 0) == (store.count(), store.count_file_only())


def test_an_export_with_bad_rows_sets_nothing_apart(store: CallStore, export: Export) -> None:
    """The bad rows of an export may be the calls of the file, so nothing is set apart."""
    import_files(store, [export(rows_at(NOON, **THIEF))])
    import_files(store, [export([*rows_at(NOON + MINUTE), *rows_at(NOON, duration="x")])], window=WINDOW)

    assert (2, 0) == (store.count(), store.count_file_only())


def test_calls_outside_the_window_stay_as_they_are(store: CallStore, export: Export) -> None:
    """An export affects only calls within its window."""
    import_files(store, [export(rows_at(NOON, NOON + 2 * MINUTE, **THIEF))])
    import_files(store, [export([])], window=(NOON - DAY, NOON + MINUTE))

    assert (["203.0.113.66"], ["203.0.113.66"]) == taken(store)


def test_a_corrected_start_over_midnight_is_not_set_apart(store: CallStore, export: Export) -> None:
    """A call with an id that moves to the next day is one call, and the carrier's."""
    night = datetime.combine(NOON.date(), datetime.min.time(), NOON.tzinfo) + DAY - MINUTE
    for moment, window in ((night, None), (night + 2 * MINUTE, (NOON - DAY, NOON + 2 * DAY))):
        rows: list[Row] = rows_at(moment, cdr_id="17")
        import_files(store, [export(as_csv(rows, WITH_ID))], window=window)

    assert (1, 0) == (store.count(), store.count_file_only())


def test_accepted_file_only_calls_are_removed(store: CallStore, export: Export) -> None:
    """Accepting removes calls set apart, by day or all; counted calls remain, and no files of the others are left."""
    import_files(store, [export(rows_at(NOON, NOON + DAY / 4, NOON + 3 * DAY, **THIEF))])
    import_files(store, [export(rows_at(NOON + MINUTE))], window=(NOON - DAY, NOON + 5 * DAY))

    assert 2 == drop_file_only(store, [NOON.date()])
    with pytest.raises(StoreError, match="nothing to drop"):
        drop_file_only(store, [NOON.date()])
    assert 1 == drop_file_only(store)
    assert 0 == drop_file_only(store)
    assert (["198.51.100.11"], []) == taken(store)
    assert [NOON.date()] == list(store.generations.current().days)


def test_retention_applies_to_all_calls(store: CallStore, export: Export) -> None:
    """Beyond the retention period only roll-ups remain, of counted calls and of those set apart."""
    import_files(store, [export(rows_at(NOON, **THIEF))])
    import_files(store, [export(rows_at(NOON + MINUTE))], window=WINDOW)
    (late,) = import_files(store, [export(rows_at(NOON + 20 * DAY))], keep_days=5)
    import_files(store, [export([])], window=WINDOW)

    assert 0 == late.late
    assert (2, 1) == (totals(store)[0], totals(store, file_only=True)[0])
    assert [] == taken(store)[1]


def test_a_store_of_before_counts_as_the_carriers(store: CallStore, export: Export) -> None:
    """A store of an earlier version, whose manifest has no provenance, opens, and an export replaces its calls."""
    import_files(store, [export(rows_at(NOON, **THIEF))])
    folder = store.generations.folder
    (path,) = (folder / "generations").iterdir()
    manifest = json.loads(path.read_text())
    for day in manifest["days"].values():
        for name in ("imported", "file_only", "file_only_traffic", "file_only_rows"):
            del day[name]
    path.write_text(json.dumps(manifest | {"format": 2}))
    old = CallStore(folder.parent, lock_wait_s=0)

    assert (1, 0) == (old.count(), old.count_file_only())
    import_files(old, [export(rows_at(NOON + MINUTE))], window=WINDOW)
    assert (["198.51.100.11"], []) == taken(old)


def test_a_day_is_forgotten_whole(store: CallStore, export: Export) -> None:
    """Forgetting a day also removes the calls that count in no total."""
    import_files(store, [export(rows_at(NOON, **THIEF))])
    import_files(store, [export(rows_at(NOON + MINUTE))], window=WINDOW)

    assert 2 == forget(store, [date(2026, 11, 2)])
    assert {} == store.generations.current().days
