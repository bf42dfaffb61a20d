"""Import of sound files: stored values, deduplication, and replacement of windows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard import schemas
from dashboard.calls.ingest.importer import FileResult, import_files
from dashboard.calls.store.store import CallStore
from tests.calls.exports import HEADER, NOON, WITH_ID, a_row, as_csv, at, rows_at

HOUR = timedelta(hours=1)


def test_a_row_becomes_a_call(store, export):
    """Every documented column has its name in the store: numbers as digits, exact money, UTC times, port separate."""
    (result,) = import_files(store, [export([a_row(number_alias="Reception", line_information="61")])])
    call = store.calls().iloc[0]

    assert result == FileResult(str(result.file), kept=1)
    assert call["direction"] == "outbound"
    assert call["started_at"] == NOON
    assert call["ended_at"] == NOON + timedelta(minutes=1)
    assert (call["destination"], call["caller_id"]) == ("12065550100", "14255550111")
    assert (call["number_alias"], call["line_information"]) == ("Reception", "61")
    assert (call["result"], call["sip_status"], call["sip_reason"]) == ("completed", 200, "OK")
    assert call["outcome"] == "answered"
    assert (call["duration_s"], call["billed_s"]) == (60, 60)
    assert (call["first_increment_s"], call["next_increment_s"]) == (6, 6)
    assert call["cost_usd"] == call["rate_usd_per_min"] == Decimal("0.00980000")
    assert call["x_tag"] == "seattle"
    assert (call["source_ip"], call["source_port"]) == ("198.51.100.11", 5060)
    assert list(store.calls().columns) == list(schemas.CALLS.columns)


def test_money_is_exact_to_eight_places(store, export):
    """Sums of money are decimal: a thousand times a hundredth of a micro-dollar is exact."""
    import_files(store, [export(rows_at(*[NOON + timedelta(seconds=n) for n in range(1000)], total_cost="0.00000001"))])

    assert store.traffic(since=NOON)["cost_usd"].sum() == Decimal("0.00001000")


def test_importing_twice_adds_nothing(store, export):
    """Of a file imported again, every row is a duplicate, and no generation is published."""
    path = export(rows_at(NOON, NOON + HOUR))
    import_files(store, [path])
    digest = store.digest

    assert import_files(store, [path]) == [FileResult(str(path), duplicate=2)]
    assert store.digest == digest


def test_overlapping_files_count_each_call_once(store, export):
    """Of two overlapping files, the second adds only the calls that the first did not have."""
    import_files(store, [export(rows_at(NOON, NOON + HOUR), "a.csv")])

    (result,) = import_files(store, [export(rows_at(NOON + HOUR, NOON + 2 * HOUR), "b.csv")])

    assert (result.kept, result.duplicate) == (1, 1)
    assert store.count() == 3


def test_files_of_one_import_are_known_to_each_other(store, export):
    """A call that is in two files of one import counts as a call of the first."""
    paths = [export(rows_at(NOON), "a.csv"), export(rows_at(NOON, NOON + HOUR), "b.csv")]

    assert [(r.kept, r.duplicate) for r in import_files(store, paths)] == [(1, 0), (1, 1)]


def test_equal_rows_of_a_file_are_separate_calls(store, export):
    """Rows that are equal in every column are separate calls, and as many are recognized when imported again."""
    path = export([a_row(), a_row(), a_row()])

    assert import_files(store, [path])[0].kept == 3
    assert import_files(store, [path])[0].duplicate == 3
    assert store.calls()["call_key"].is_unique


def test_calls_of_the_same_second_stay_apart(store, export):
    """Calls that differ in any documented column are two calls, also in separate files."""
    import_files(store, [export([a_row(custom_x_tag="seattle")], "a.csv")])

    (result,) = import_files(store, [export([a_row(custom_x_tag="chicago")], "b.csv")])

    assert result.kept == 1
    assert store.count() == 2


def test_deduplication_compares_values_not_formats(store, export):
    """Deduplication compares values, not their format: time form, '+', case, zeros, column order."""
    import_files(store, [export([a_row()], "a.csv")])
    again = a_row(
        direction="OUTBOUND",
        start_time="2026-11-02T12:00:00Z",
        destination="+1 (206) 555-0100",
        callerid="14255550111",
        total_cost="0.0098",
        duration="60.0",
    )

    (result,) = import_files(store, [export(as_csv([again], reversed(HEADER)), "b.csv")])

    assert (result.kept, result.duplicate) == (0, 1)


@pytest.mark.parametrize("between", [0, 300])
def test_last_row_of_a_repeated_id_is_stored(store, export, between):
    """A correction further down in the same file replaces the earlier row."""
    others = rows_at(*[NOON + timedelta(seconds=n) for n in range(between)])
    rows = [a_row(cdr_id="c1", total_cost="3"), a_row(cdr_id="c1", total_cost="1"), *others]
    rows += [a_row(cdr_id="c1", total_cost="2")]

    (result,) = import_files(store, [export(as_csv(rows, WITH_ID))])

    assert (between + 1, 2) == (result.kept, result.duplicate)
    assert [Decimal("2.00000000")] == list(store.calls(limit=1000).query("call_key == 'c1'")["cost_usd"])


MIDNIGHT = datetime(2026, 11, 3, tzinfo=UTC)


@pytest.mark.parametrize("later", [timedelta(seconds=2), -timedelta(seconds=2)])
@pytest.mark.parametrize("at_once", [True, False])
def test_a_correction_may_move_a_call_over_midnight(store, export, later, at_once):
    """A corrected call leaves its previous day, in the same import or in a later one."""
    first = MIDNIGHT - later / 2
    others = rows_at(NOON, NOON + 24 * HOUR)
    paths = [
        export(as_csv([*others, *rows_at(first, cdr_id="c1")], WITH_ID), "a.csv"),
        export(as_csv(rows_at(first + later, cdr_id="c1", total_cost="2"), WITH_ID), "b.csv"),
    ]
    for some in [paths] if at_once else [[path] for path in paths]:
        import_files(store, some)
    calls = store.calls()

    assert [first + later] == list(calls.query("call_key == 'c1'")["started_at"])
    assert (3, 3) == (store.count(), store.traffic(since=NOON)["calls"].sum())
    assert 0 == import_files(store, [paths[1]])[0].kept


def test_day_whose_only_call_moved_is_removed(store, export):
    """A day whose only call moved is removed, and the adjacent day has the call."""
    for moment in (MIDNIGHT - timedelta(seconds=1), MIDNIGHT + timedelta(seconds=1)):
        import_files(store, [export(as_csv(rows_at(moment, cdr_id="c1"), WITH_ID), f"{moment.day}.csv")])

    assert [MIDNIGHT.date()] == list(store.generations.current().days)
    assert 1 == store.count()


def test_equal_ids_on_distant_days_are_two_calls(store, export):
    """The same id on distant days is two calls, even when the days are compared."""
    path = export(as_csv(rows_at(NOON, NOON + 24 * HOUR, cdr_id="c1"), WITH_ID))

    assert 2 == import_files(store, [path])[0].kept
    assert (0, 2) == (import_files(store, [path])[0].kept, store.count())
    assert [NOON, NOON + 24 * HOUR] == sorted(store.calls()["started_at"])


def test_an_id_twice_on_each_of_two_days_loses_no_day(store, export):
    """Days with repeated ids are compared together and stay separate."""
    days = (NOON, NOON + 24 * HOUR)
    rows = [row for cost in "12" for row in rows_at(*days, cdr_id="c1", total_cost=cost)]

    (result,) = import_files(store, [export(as_csv(rows, WITH_ID))])

    assert (2, 2) == (result.kept, result.duplicate)
    assert {Decimal("2.00000000")} == set(store.calls()["cost_usd"])


@pytest.mark.parametrize("files", [("1", "2", "1"), ("1", "21")])
@pytest.mark.parametrize("at_once", [True, False])
def test_later_file_reverts_a_correction(store, export, files, at_once):
    """A correction can be reverted by a later file, in the same import or in another one."""
    paths = [
        export(as_csv([a_row(cdr_id="c1", total_cost=cost) for cost in costs], WITH_ID), f"{number}.csv")
        for number, costs in enumerate(files)
    ]
    for some in [paths] if at_once else [[path] for path in paths]:
        import_files(store, some)

    assert [Decimal("1.00000000")] == list(store.calls()["cost_usd"])


def test_an_id_in_the_file_is_the_key_and_a_correction_replaces(store, export):
    """With ``cdr_id`` (29 columns) the id is the key, and a row with other values replaces the call."""
    header = [*HEADER, "sip_callid", "cdr_id", "sip_from_tag", "sip_to_tag"]
    first = [a_row(cdr_id="c1", sip_callid="abc@192.0.2.1"), a_row(cdr_id="c2")]
    import_files(store, [export(as_csv(first, header), "a.csv")])
    second = [a_row(cdr_id="c1", sip_callid="abc@192.0.2.1", total_cost="0.5"), a_row(cdr_id="c2"), a_row(cdr_id="c3")]

    (result,) = import_files(store, [export(as_csv(second, header), "b.csv")])
    calls = store.calls().set_index("call_key")

    assert (result.kept, result.duplicate) == (2, 1)
    assert sorted(calls.index) == ["c1", "c2", "c3"]
    assert calls.loc["c1", "cost_usd"] == Decimal("0.50000000")
    assert calls.loc["c1", "sip_call_id"] == "abc@192.0.2.1"


def test_a_window_replaces_what_starts_in_it(store, export):
    """An API export is authoritative for its window: calls that it lacks are removed, others remain."""
    import_files(store, [export(rows_at(NOON - HOUR, NOON, NOON + HOUR), "a.csv")])
    later = export(rows_at(NOON + timedelta(minutes=30)), "b.csv")

    (result,) = import_files(store, [later], window=(NOON, NOON + HOUR))

    assert result.kept == 1
    starts = sorted(store.calls()["started_at"])
    assert starts == [NOON - HOUR, NOON + timedelta(minutes=30), NOON + HOUR]


def test_header_only_export_empties_its_window(store, export):
    """A header-only export empties its window, and a day can disappear."""
    import_files(store, [export(rows_at(NOON - timedelta(days=3), NOON), "a.csv")])

    (result,) = import_files(store, [export([], "b.csv")], window=(NOON - HOUR, NOON + HOUR))

    assert result == FileResult(result.file)
    assert store.count() == 1


def test_the_same_window_again_changes_nothing(store, export):
    """Syncing the same window again publishes nothing, so that pages keep their caches."""
    path = export(rows_at(NOON, NOON + HOUR))
    window = (NOON, NOON + 2 * HOUR)
    import_files(store, [path], window=window)
    digest = store.digest

    assert import_files(store, [path], window=window)[0].duplicate == 2
    assert store.digest == digest


def test_only_days_that_change_are_written(store, export):
    """An import does not rewrite the files of unaffected days."""
    import_files(store, [export(rows_at(NOON, NOON + timedelta(days=1)), "a.csv")])
    before = store.generations.current().days

    import_files(store, [export(rows_at(NOON + timedelta(days=1, hours=1)), "b.csv")])
    after = store.generations.current().days

    assert after[NOON.date()] == before[NOON.date()]
    assert after[NOON.date() + timedelta(days=1)] != before[NOON.date() + timedelta(days=1)]


@pytest.mark.parametrize("name", ["export.csv", "export.csv.gz", "export.dat.gz"])
def test_gzip_is_known_by_content(store, export, name):
    """Compression is detected from the content, not from the name."""
    path = export(rows_at(NOON), name)
    renamed = path.rename(path.with_name("renamed.txt"))

    assert import_files(store, [renamed])[0].kept == 1


def test_columns_are_found_by_name(store, export):
    """Header case, surrounding blanks, column order and unknown columns make no difference."""
    header = ["Unknown", *[f" {name.title()} " for name in reversed(HEADER)]]
    row = {f" {name.title()} ": value for name, value in a_row().items()} | {"Unknown": "x"}

    assert import_files(store, [export(as_csv([row], header))])[0].kept == 1


def test_optional_columns_may_be_missing(store, export):
    """Without the optional columns, calls are stored and their values are missing."""
    header = ["direction", "start_time", "destination", "callerid", "total_cost", "result"]
    header += ["call_fail_sip_code", "call_fail_reason", "duration", "customer_ip"]
    import_files(store, [export(as_csv([a_row()], header))])
    call = store.calls().iloc[0]

    assert (call["x_tag"], call["number_alias"]) == ("", "")
    assert pd.isna(call["ended_at"])
    assert pd.isna(call["billed_s"])
    assert call["outcome"] == "answered"


def test_values_that_may_be_absent_lose_no_row(store, export):
    """A refused call with almost no values is stored as a call."""
    bare = a_row(
        end_time="", result="failed", call_fail_sip_code="", duration="", billed_duration="", total_cost="", rate="N/A"
    ) | {"customer_ip": "", "callerid": "anonymous"}

    assert import_files(store, [export([bare])])[0].kept == 1
    assert store.calls().iloc[0]["caller_id"] == "anonymous"


def test_progress_and_stop(store, export):
    """Progress goes from 0 to 1; a stopped import reports this for each file and stores nothing."""
    told: list[float] = []
    paths = [export(rows_at(NOON), "a.csv"), export(rows_at(NOON + HOUR), "b.csv")]

    stopped = import_files(store, paths, stop=lambda: len(told) > 0, progress=lambda _what, share: told.append(share))
    assert all("stopped" in result.error for result in stopped)
    assert store.digest == ""

    import_files(store, paths, progress=lambda _what, share: told.append(share))
    assert told[1:] == sorted(told[1:])
    assert told[-1] == 1.0


def test_fifty_thousand_calls_are_counted_once_each(store, export):
    """A month of a real account: each call is stored once, in the calls and in the roll-up."""
    start = datetime(2026, 10, 1, tzinfo=UTC)
    step = timedelta(days=30) / 50_000
    blank = as_csv([a_row(start_time="@", end_time="@", destination="#")]).splitlines()
    moments = (start + n * step for n in range(50_000))
    lines = [blank[1].replace("@", at(m)).replace("#", f"1206555{n % 10_000:04}") for n, m in enumerate(moments)]

    (result,) = import_files(store, [export("\n".join([blank[0], *lines]), "month.csv.gz")])

    assert result.kept == 50_000
    assert store.traffic(since=start)["calls"].sum() == 50_000
    assert store.span() == (start, (start + 49_999 * step).replace(microsecond=0))


@settings(max_examples=8, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 3)), min_size=1, max_size=12, unique_by=lambda call: call[0]),
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 20)), max_size=4),
    st.booleans(),
)
def test_overlapping_exports_in_any_order_count_each_call_once(tmp_path_factory, calls, windows, by_window):
    """Overlapping exports in any order give each call exactly once."""
    home = tmp_path_factory.mktemp("home")
    store = CallStore(home)
    rows = {NOON + hours * HOUR: equal for hours, equal in calls}
    for number, (first, hours) in enumerate([*windows, (0, 50)]):
        since = NOON + first * HOUR
        until = NOON + (first + hours) * HOUR
        path = home / f"{number}.csv"
        path.write_text(as_csv([row for at, n in rows.items() if since <= at < until for row in rows_at(*[at] * n)]))
        import_files(store, [path], window=(since, until) if by_window else None)

    found = store.calls(limit=100)["started_at"].value_counts()
    assert {at.to_pydatetime(): count for at, count in found.items()} == rows


def test_new_process_finds_imported_calls(store, export, tmp_path):
    """A new process finds the imported calls."""
    import_files(store, [export(rows_at(NOON))])

    assert CallStore(tmp_path / "home").count() == 1


def test_window_with_bad_rows_removes_no_calls(store, export):
    """An export with bad rows removes no calls of its window, because the bad rows may be those calls."""
    import_files(store, [export(rows_at(NOON, NOON + HOUR), "a.csv")])
    spoilt = export([a_row(start_time=at(NOON), duration="x")], "b.csv")

    (result,) = import_files(store, [spoilt], window=(NOON - HOUR, NOON + 2 * HOUR))

    assert (result.kept, result.rejected, store.count()) == (0, 1, 2)


def test_stopped_import_resumes(store, export):
    """
    A stopped import resumes without reading complete files again.

    The result is the same, and no work files remain.
    """
    paths = [export(rows_at(NOON + n * HOUR), f"{n}.csv") for n in range(4)]

    def notes() -> dict[Path, int]:
        """Return the notes of completely staged files and their times."""
        return {note: note.stat().st_mtime_ns for note in store.generations.work.glob("staged/*/staged.json")}

    (first, *_) = import_files(store, paths, stop=lambda: len(notes()) == 4)
    staged = notes()

    assert "was stopped" in first.error
    assert (store.count(), len(staged)) == (0, 4)

    kept: list[bool] = []
    results = import_files(store, paths, progress=lambda _what, _share: kept.append(notes() in (staged, {})))

    assert all(kept)
    assert [result.kept for result in results] == [1, 1, 1, 1]
    assert not store.generations.work.exists()


def test_a_file_that_changed_since_the_stop_is_read_again(store, export):
    """Staged rows of a file are used only while the file is unchanged."""
    path = export(rows_at(NOON), "a.csv")
    import_files(store, [path], stop=lambda: any(store.generations.work.glob("staged/*/staged.json")))
    export(rows_at(NOON, NOON + HOUR), "a.csv")

    (result,) = import_files(store, [path])

    assert result.kept == 2


def test_retention_removes_single_calls_and_keeps_the_rollup(store, export):
    """Beyond the retention period only the roll-up remains, and a late file does not change it."""
    old = NOON - timedelta(days=5)
    new = NOON
    path = export(rows_at(old, old + HOUR, new))
    import_files(store, [path], keep_days=3)

    assert store.traffic(since=old - HOUR)["calls"].sum() == 3
    assert list(store.calls()["started_at"]) == [new]

    (result,) = import_files(store, [path], keep_days=3)

    assert (result.kept, result.duplicate, result.late) == (0, 1, 2)
    assert store.traffic(since=old - HOUR)["calls"].sum() == 3


def test_many_files_make_one_store(store, export):
    """Files with common days, compressed and plain, are merged; each call counts once in its minute of load."""
    names = ["a.csv", "b.csv.gz", "c.csv"]
    paths = [export(rows_at(NOON + n * HOUR, NOON + timedelta(days=1)), name) for n, name in enumerate(names)]

    results = import_files(store, paths)

    assert [(result.kept, result.duplicate) for result in results] == [(2, 0), (1, 1), (1, 1)]
    assert store.count() == len(store.calls()) == store.traffic(since=NOON)["calls"].sum() == 4
