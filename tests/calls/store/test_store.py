"""The call store: queries, integrity, and concurrent writers."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from decimal import Decimal

import duckdb
import pandas as pd
import pytest

from dashboard import schemas
from dashboard.calls.analytics import metrics
from dashboard.calls.attribution import attribute
from dashboard.calls.ingest.importer import import_files
from dashboard.calls.store.engine import _sentence
from dashboard.calls.store.repair import forget, repair
from dashboard.calls.store.store import MANY, CallFilter, CallStore
from dashboard.core.errors import BusyError, StoreError
from dashboard.domain.admission import ACL_REASON
from tests.calls.exports import NOON, a_row, as_csv, at, rows_at
from tests.texts import golden, golden_pattern

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
REFUSED = {
    "result": "failed",
    "call_fail_sip_code": "403",
    "call_fail_reason": ACL_REASON,
    "duration": "0",
    "billed_duration": "0",
    "total_cost": "0.00000000",
}


@pytest.fixture
def filled(store, export):
    """Return a store with a day of three sources (X-Tag, caller id, refused) and an inbound call."""
    rows = [
        *rows_at(NOON, NOON + 10 * MINUTE, NOON + HOUR, custom_x_tag="seattle"),
        *rows_at(NOON + MINUTE, custom_x_tag="", customer_ip="198.51.100.24", **REFUSED),
        *rows_at(NOON + 2 * HOUR, custom_x_tag="", destination="447700900111", destination_name="UK", total_cost="2.5"),
        *rows_at(NOON + 3 * HOUR, direction="Inbound", destination="12065550199", callerid="+13035550100"),
    ]
    import_files(store, [export(rows)])
    return store


def test_traffic_is_the_roll_up_of_the_calls(filled):
    """Calls are counted by hour, direction, address, X-Tag, number, outcome, status and zone, with first and last."""
    traffic = filled.traffic(since=NOON - HOUR).set_index(["hour_at", "x_tag", "outcome"])
    row = traffic.loc[(NOON, "seattle", "answered")]
    refused = traffic.loc[(NOON, "", "refused_auth")]

    assert traffic["calls"].sum() == 6
    assert (row["calls"], row["duration_s"], row["cost_usd"]) == (2, 120, Decimal("0.0196"))
    assert (row["first_at"], row["last_at"]) == (NOON, NOON + 10 * MINUTE)
    assert (refused["calls"], refused["sip_status"], refused["source_ip"]) == (1, 403, "198.51.100.24")
    assert set(traffic["pbx_id"]) == {""}


def test_number_column_holds_own_number(filled):
    """``number`` is the caller id of an outbound call without X-Tag, and the called number of an inbound one."""
    traffic = filled.traffic(since=NOON)
    numbers = {(row["direction"], row["x_tag"] != ""): row["number"] for row in traffic.to_dict("records")}

    assert numbers == {
        ("outbound", True): "",
        ("outbound", False): "14255550111",
        ("inbound", True): "12065550199",
    }


def test_traffic_covers_exactly_the_time_asked_for(filled):
    """Hours cut by the window are counted from the single calls."""
    counted = filled.traffic(since=NOON + SECOND, until=NOON + HOUR)

    assert counted["calls"].sum() == 2
    assert counted["first_at"].min() == NOON + MINUTE
    assert filled.traffic(since=NOON, until=NOON + SECOND)["calls"].sum() == 1
    assert filled.traffic(since=NOON + timedelta(days=9)).empty


def test_no_row_straddles_a_change(store, export):
    """A change at 12:30:00.5 separates rows before, within and after its second, and no call is lost."""
    change = NOON + 30 * MINUTE + timedelta(milliseconds=500)
    starts = [NOON + 29 * MINUTE, NOON + 30 * MINUTE, NOON + 30 * MINUTE, NOON + 30 * MINUTE + SECOND, NOON + HOUR]
    import_files(store, [export(rows_at(*starts))])

    whole = store.traffic(since=NOON)
    split = store.traffic(since=NOON, split_at=[change])

    assert list(whole["calls"]) == [4, 1]
    assert list(split.sort_values("first_at")["calls"]) == [1, 2, 1, 1]
    for edge in (NOON + 30 * MINUTE, NOON + 30 * MINUTE + SECOND):
        assert not ((split["first_at"] < edge) & (split["last_at"] >= edge)).any()


def test_calls_are_found_by_each_condition(filled):
    """Every condition filters, and conditions are combined with AND."""
    find = {
        "destination": CallFilter(number="+44 7700"),
        "caller id": CallFilter(number="4255550111", direction="outbound"),
        "address": CallFilter(source_ip=" 198.51.100.24 "),
        "outcome": CallFilter(outcome="refused_auth"),
        "code": CallFilter(sip_status=403),
        "zone": CallFilter(zone="UK"),
        "tag": CallFilter(x_tag="seattle", direction="outbound"),
        "time": CallFilter(since=NOON + HOUR, until=NOON + 2 * HOUR),
        "none": CallFilter(number="999", outcome="answered"),
        "all": CallFilter(),
    }
    counts = {name: len(filled.calls(where)) for name, where in find.items()}

    assert counts == {
        "destination": 1,
        "caller id": 5,
        "address": 1,
        "outcome": 1,
        "code": 1,
        "zone": 1,
        "tag": 3,
        "time": 1,
        "none": 0,
        "all": 6,
    }


def test_pages_of_calls_follow_each_other(store, export):
    """Paging newest first returns each call once, also across days and within one second."""
    starts = [NOON + n * timedelta(hours=7) for n in range(20)] + [NOON] * 5
    import_files(store, [export([a_row(start_time=at(m), number_alias=str(n)) for n, m in enumerate(starts)])])

    seen = []
    after = None
    for _ in range(10):
        page = store.calls(limit=4, after=after)
        if page.empty:
            break
        seen += list(zip(page["started_at"], page["call_key"], strict=True))
        after = seen[-1]

    assert len(seen) == len(set(seen)) == 25
    assert seen == sorted(seen, reverse=True)


@pytest.mark.parametrize(
    ("where", "there"),
    [
        (CallFilter(), MANY + 74),
        (CallFilter(direction="inbound"), 2),
        (CallFilter(until=NOON + 9 * HOUR), MANY + 52),
        (CallFilter(since=NOON + 10 * HOUR), 13),
        (CallFilter(since=NOON - 20 * HOUR, until=NOON + 8 * HOUR + SECOND), MANY + 4),
    ],
    ids=["all", "before the last hours alone", "up to then", "within them", "over two days"],
)
def test_of_a_day_of_many_calls_the_last_hours_are_read_first(store, export, where, there):
    """A page of a busy day is the same whether the last hours fill it or the rest is needed."""
    many = as_csv(rows_at(*[NOON + timedelta(seconds=n) for n in range(MANY)]))
    few = as_csv(
        [
            *rows_at(*[NOON + 8 * HOUR + n * 7 * MINUTE for n in range(30)], destination="12065550177"),
            *rows_at(*[NOON + 8 * HOUR + 2 * MINUTE] * 40, destination="12065550178"),
            *rows_at(NOON + 11 * HOUR, NOON - 18 * HOUR, destination="12065550177"),
            *rows_at(NOON - HOUR, NOON + HOUR, direction="Inbound"),
        ]
    )
    import_files(store, [export(many, "many.csv"), export(few, "few.csv")])
    assert max(day.rows for day in store.generations.current().days.values()) > MANY

    everything = store.calls(where, limit=2 * MANY)
    assert len(everything) == there
    assert everything["started_at"].is_monotonic_decreasing
    seen = []
    after = None
    while len(seen) < min(len(everything), 100):
        page = store.calls(where, limit=25, after=after)
        seen += list(zip(page["started_at"], page["call_key"], strict=True))
        after = seen[-1]
    whole = sorted(zip(everything["started_at"], everything["call_key"], strict=True), reverse=True)
    assert seen == whole[: len(seen)]


def test_calls_behind_rows_of_the_roll_up(filled):
    """Given rows of the roll-up, e.g. of one PBX, exactly the calls that they count are found."""
    address = schemas.conform(
        pd.DataFrame([{"pbx_id": "denver", "address": "198.51.100.24"}]), schemas.PBX_ADDRESSES, source="test"
    )
    traffic = attribute(
        filled.traffic(since=NOON, split_at=[NOON + 5 * MINUTE]),
        pbxs=schemas.empty(schemas.PBXS),
        pbx_addresses=address,
        pbx_numbers=schemas.empty(schemas.PBX_NUMBERS),
    )
    for rows in (traffic[traffic["pbx_id"] == "denver"], traffic[traffic["pbx_id"] == ""], traffic, traffic.head(0)):
        assert len(filled.calls(among=rows)) == rows["calls"].sum()


def test_the_dearest_numbers(filled):
    """The called numbers with the highest cost come first, with their zone."""
    dearest = filled.top_destinations(since=NOON - HOUR, limit=1).iloc[0]

    assert (dearest["destination"], dearest["zone"], dearest["cost_usd"]) == ("447700900111", "UK", Decimal("2.5"))


def test_the_load_of_each_minute_is_kept(filled):
    """The stored load by minute adds up to the calls and gives the peaks."""
    load = filled.load(since=NOON - HOUR)
    found = metrics.peaks(load).set_index("direction")

    assert load["calls"].sum() == filled.count()
    assert (found["peak_60s"] >= found["peak_1s"]).all()
    assert set(found.index) == {"outbound", "inbound"}


def test_when_sources_and_destinations_were_first_seen(filled):
    """Each source of outbound calls and each destination has the start of its first call."""
    seen = filled.first_seen()
    sources = seen[seen["kind"] == "source"].set_index("value")["first_at"]
    calls = filled.calls(CallFilter(direction="outbound"))

    assert sources.to_dict() == calls.groupby("source_ip")["started_at"].min().to_dict()


def test_segments_count_what_hours_count(filled):
    """Each segment between changes has one row per key, with the same calls, seconds and money as the hours."""
    instant = NOON + 5 * MINUTE
    hours, segments = (filled.traffic(since=NOON - HOUR, split_at=[instant], step=step) for step in ("hour", "segment"))
    keys = ["direction", "source_ip", "outcome", "sip_reason"]
    sums = ["calls", "short_calls", "duration_s", "billed_s", "cost_usd"]

    pd.testing.assert_frame_equal(hours.groupby(keys)[sums].sum(), segments.groupby(keys)[sums].sum())
    assert not ((segments["first_at"] < instant) & (segments["last_at"] > instant)).any()
    assert set(segments["zone"]) == {""}


def test_an_empty_store_has_answers_too(store):
    """Before the first import, every query returns an empty answer with its columns, and nothing is written to disk."""
    assert store.traffic(since=NOON).equals(schemas.empty(schemas.TRAFFIC))
    assert store.calls().equals(schemas.empty(schemas.CALLS))
    assert list(store.rejects().columns) == ["file", "line", "column", "reason", "raw", "imported_at"]
    assert store.top_destinations(since=NOON).empty
    assert (store.digest, store.count(), store.span()) == ("", 0, None)
    assert not store.generations.folder.exists()


def test_interrupted_publication_is_invisible(filled, export):
    """Leftovers of an interrupted writer (parts, manifest, scratch) are invisible, and the next import removes them."""
    folder = filled.generations.folder
    digest = filled.digest
    (folder / "parts" / "2026-11-02-calls-0000000000000000.parquet").write_bytes(b"half")
    (folder / "generations" / "00000002-000000000000.json").write_text("{")
    (folder / "scratch").mkdir()
    (folder / "scratch" / "calls.parquet").write_bytes(b"half")

    again = CallStore(folder.parent)
    assert (again.digest, again.count()) == (digest, 6)

    import_files(again, [export(rows_at(NOON + timedelta(days=1)), "b.csv")])
    assert again.count() == 7
    assert not list(folder.glob("parts/*-0000000000000000.parquet"))
    assert not (folder / "scratch").exists()


def test_the_last_two_generations_stay(store, export):
    """A page that began on the previous generation still finds its files; older generations are removed."""
    days = []
    for n in range(4):
        import_files(store, [export(rows_at(NOON + n * SECOND), f"{n}.csv")])
        days.append(store.generations.current().days[NOON.date()])

    there = [store.generations.path(day.calls[0]).exists() for day in days]
    assert there == [False, False, True, True]
    assert len(list((store.generations.folder / "generations").iterdir())) == 2


def test_digest_names_what_is_published(store, export):
    """The digest changes with each import that changes the store, and only then."""
    seen = {store.digest}
    for n in range(3):
        path = export(rows_at(NOON + n * HOUR), f"{n}.csv")
        import_files(store, [path])
        import_files(store, [path])
        seen.add(store.digest)

    assert len(seen) == 4


def test_what_cannot_be_removed_does_not_fail_a_published_change(filled, export, caplog):
    """A change that is published succeeds, although an unneeded file of the store cannot be removed; a log names it."""
    stray = filled.generations.folder / "parts" / "lost+found"
    stray.mkdir()

    assert 6 == forget(filled, {NOON.date()})
    (result,) = import_files(filled, [export(rows_at(NOON))])

    assert (1, 1) == (result.kept, filled.count())
    assert golden("errors.calls.stray_cannot_be_removed", stray=stray) in caplog.text


def test_second_writer_gets_a_message(store, export):
    """While one process writes, another gets a message, and nothing is lost."""
    path = export(rows_at(NOON))
    other = CallStore(store.generations.folder.parent, lock_wait_s=0)
    with (
        store.generations.writing(),
        pytest.raises(BusyError, match=golden_pattern("errors.calls.another_process_is_writing") + " calls"),
    ):
        import_files(other, [path])

    assert import_files(other, [path])[0].kept == 1


def test_readers_read_while_a_writer_writes(filled, export):
    """Readers never wait and see only counts of published generations."""
    counts: set[int] = set()
    done = threading.Event()
    faults: list[Exception] = []

    def read():
        while not done.is_set():
            try:
                counts.add(int(filled.traffic(since=NOON - HOUR)["calls"].sum()))
            except StoreError as exc:
                faults.append(exc)

    reader = threading.Thread(target=read)
    reader.start()
    for n in range(4):
        import_files(filled, [export(rows_at(NOON + n * SECOND, custom_x_tag="extra"), f"{n}.csv")])
    done.set()
    reader.join()

    assert not faults
    assert counts <= set(range(6, 11))


def test_a_store_of_a_newer_version_is_left_alone(filled):
    """A store written by a newer version is not read: the message gives the remedy."""
    folder = filled.generations.folder
    manifest = folder / "generations" / f"{filled.digest}.json"
    newer = manifest.with_name("00000002-0123456789ab.json")
    newer.write_text(json.dumps(json.loads(manifest.read_text()) | {"format": 99}))
    (folder / "CURRENT").write_text("00000002-0123456789ab")

    with pytest.raises(StoreError, match=golden_pattern("errors.calls.newer_version")):
        filled.count()


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        ("cut", golden_pattern("errors.calls.could_not_search")),
        ("gone", golden_pattern("errors.calls.could_not_search")),
    ],
)
def test_a_damaged_part_is_named(filled, damage, sentence):
    """A truncated or missing part gives a message with its name, not a traceback of the engine."""
    part = filled.generations.path(filled.generations.current().days[NOON.date()].calls[0])
    if damage == "cut":
        part.write_bytes(part.read_bytes()[:100])
    else:
        part.unlink()

    with pytest.raises(StoreError, match=sentence) as raised:
        filled.calls()
    assert part.name in str(raised.value)


@pytest.mark.parametrize("kind", ["calls", "traffic"])
def test_a_day_whose_file_is_damaged_can_be_forgotten(filled, export, kind):
    """After the damaged day is forgotten, the other days are readable, and the day can be imported again."""
    other = NOON + 48 * HOUR
    before = filled.count()
    path = export(rows_at(other, other + HOUR), "other.csv")
    import_files(filled, [path])
    ask = filled.calls if kind == "calls" else lambda: filled.traffic(since=NOON - HOUR)
    cut_short(filled, other.date(), kind)
    with pytest.raises(StoreError, match=golden_pattern("errors.calls.other_days_are_kept")) as raised:
        ask()
    if kind == "calls":
        assert golden("errors.calls.run_forget_and_import", day=other.date()) in str(raised.value)

    assert 2 == forget(filled, {other.date()})
    assert before == filled.count()
    assert len(ask())

    assert 2 == import_files(filled, [path])[0].kept
    assert before + 2 == filled.count()


@pytest.mark.parametrize("kind", ["traffic", "load"])
@pytest.mark.parametrize("after", [24, 48])
def test_damaged_sums_are_counted_again(filled, export, kind, after):
    """Damaged sums are recomputed from the day's calls and reported; calls of the previous day count as before."""
    other = (NOON + after * HOUR).date()
    late = [row | {"duration": "7200", "end_time": ""} for row in rows_at(NOON.replace(hour=23, minute=59))]
    import_files(filled, [export([*late, *rows_at(NOON + after * HOUR)], "other.csv")])

    def ask():
        return filled.traffic(since=NOON - HOUR) if kind == "traffic" else filled.load(since=NOON - HOUR)

    whole = ask()
    calls = filled.calls()
    cut_short(filled, other, kind)
    with pytest.raises(StoreError, match=golden_pattern("errors.calls.run_repair", day=other)):
        ask()

    assert 1 == repair(filled, {other})
    pd.testing.assert_frame_equal(whole, ask())
    pd.testing.assert_frame_equal(calls, filled.calls())


def test_sums_of_damaged_calls_cannot_be_counted_again(filled):
    """Nothing is changed; the message names the file of the calls and its remedy."""
    day = NOON.date()
    digest = filled.digest
    cut_short(filled, day, "traffic")
    cut_short(filled, day, "calls")

    with pytest.raises(StoreError, match=golden_pattern("errors.calls.run_forget_day", day=day)):
        repair(filled, {day})
    assert digest == filled.digest


def cut_short(store, day, kind):
    """Truncate a file of a day."""
    part = store.generations.path(store.generations.current().days[day].of(kind)[0])
    part.write_bytes(part.read_bytes()[:100])


def test_a_day_that_is_not_there_cannot_be_forgotten(filled):
    """Forgetting a day that does not exist removes nothing."""
    before = filled.count()

    with pytest.raises(StoreError, match=golden_pattern("errors.calls.nothing_to_forget")):
        forget(filled, {NOON.date(), NOON.date().replace(2020, 1, 1)})
    assert before == filled.count()


def test_a_manifest_that_is_lost_is_named(filled):
    """If CURRENT names a missing manifest, the message names it and the way to recover."""
    (filled.generations.folder / "CURRENT").write_text("00000009-0123456789ab")

    with pytest.raises(
        StoreError,
        match=golden_pattern("errors.calls.generation_cannot_be_read")
        + " .* "
        + golden_pattern("errors.calls.restore_from_backup"),
    ):
        filled.span()


@pytest.mark.parametrize("damage", ["gone", "empty"])
def test_without_current_the_newest_generation_is_read(filled, export, damage):
    """Without CURRENT no call is lost, and the next import continues from the newest generation."""
    current = filled.generations.folder / "CURRENT"
    name = current.read_text()
    count = filled.count()
    current.unlink() if damage == "gone" else current.write_text("")

    assert (name, count) == (filled.digest, filled.count())

    import_files(filled, [export(rows_at(NOON + 30 * SECOND, custom_x_tag="extra"), "more.csv")])

    assert count + 1 == filled.count()


def test_a_current_that_names_no_generation_is_not_followed(filled):
    """The content of CURRENT is treated as a name and never as a path."""
    (filled.generations.folder / "CURRENT").write_text("../../elsewhere")

    with pytest.raises(StoreError, match=golden_pattern("errors.calls.current_names_no_generation")):
        filled.count()


def test_a_folder_that_cannot_be_made(tmp_path, export):
    """If the home is a file, the import reports it."""
    (tmp_path / "home").write_text("")

    with pytest.raises(StoreError, match=golden_pattern("errors.calls.cannot_be_written")):
        import_files(CallStore(tmp_path / "home"), [export(rows_at(NOON))])


def test_full_disk_error_has_remedy():
    """The engine's error for a full disk becomes a message with the remedy."""
    full = duckdb.IOException('Could not write file "calls.parquet": No space left on device')

    assert golden("errors.calls.free_some_space") in _sentence(full)
    assert "Restore" not in _sentence(full)


def test_what_does_not_fit_into_memory_goes_to_the_disk(filled):
    """The engine's spill folder is created on demand, beside the parts."""
    with filled.engine.cursor("sort") as cursor:
        cursor.execute("SET memory_limit = '40MB'")
        cursor.execute("CREATE TEMP TABLE many AS SELECT range, hash(range) AS number FROM range(4_000_000)")
        assert (filled.generations.folder / "spill").is_dir()
        assert cursor.execute("SELECT count(*) FROM many").fetchone() == (4_000_000,)
