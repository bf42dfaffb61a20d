"""PBX records in the store and compared with the carrier's: no duplicates, no losses, and valid conclusions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from dashboard.calls.ingest.importer import import_files
from dashboard.calls.pbx_records.readers.freeswitch_csv import TEMPLATES
from dashboard.calls.pbx_records.reconcile import Reconciliation, Span, compare
from dashboard.calls.pbx_records.record_source import RecordOrigin
from dashboard.calls.pbx_records.store import PbxFileResult, PbxRecords
from dashboard.calls.store.store import CallStore
from dashboard.core.errors import BusyError, StoreError
from tests.calls.exports import NOON, a_row, at
from tests.calls.pbx_records.pbx_files import CALLED, PREFIX, UUID, master, origin, refused, switched
from tests.texts import golden, golden_pattern

MINUTE = timedelta(minutes=1)
WHOLE = Span(NOON - timedelta(days=9), NOON + timedelta(days=1), NOON - timedelta(days=9))


@pytest.fixture
def kept(store: CallStore) -> PbxRecords:
    """Return an empty store of PBX records; a writer does not wait for another one."""
    return PbxRecords(store, lock_wait_s=0)


@pytest.fixture
def taken(kept: PbxRecords, tmp_path: Path) -> Callable[..., PbxFileResult]:
    """Return a function that imports lines as one file of a PBX."""

    def take(*lines: str, whose: RecordOrigin | None = None, name: str = "Master.csv") -> PbxFileResult:
        path = tmp_path / name
        path.write_text("".join(lines), encoding="utf-8", newline="")
        (result,) = kept.import_files([path], whose or origin())
        return result

    return take


def stored(kept: PbxRecords) -> list[tuple[str, str]]:
    """Return the stored records by day."""
    days = kept.generations.current().days
    frames = [pd.read_parquet(kept.generations.path(name)) for day in sorted(days) for name in days[day].calls]
    return [(str(row.started_at), str(row.disposition)) for frame in frames for row in frame.itertuples()]


def texts(moment: datetime) -> str:
    """Format a time as a PBX does."""
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def test_a_second_import_adds_nothing(kept: PbxRecords, taken: Callable[..., PbxFileResult]) -> None:
    """A file that grew adds only its new records; an unchanged file publishes no generation."""
    first = taken(master(more=("1793620800.7",)), refused("2026-11-03 09:00:00"))
    grown = taken(master(more=("1793620800.7",)), refused("2026-11-03 09:00:00"), refused("2026-11-03 09:00:30"))
    name = kept.digest
    again = taken(master(more=("1793620800.7",)), refused("2026-11-03 09:00:00"), refused("2026-11-03 09:00:30"))

    assert [(2, 0), (1, 2), (0, 3)] == [(one.kept, one.duplicate) for one in (first, grown, again)]
    assert name == kept.digest
    assert 3 == len(stored(kept))


def test_a_file_that_grows_while_it_is_read_is_stored(kept: PbxRecords, tmp_path: Path) -> None:
    """A PBX appends to its records at any time; what is read by then is stored, and the next import adds the rest."""
    path = tmp_path / "Master.csv"
    path.write_text(refused("2026-11-03 09:00:00") * 1000, encoding="utf-8")
    later = [refused("2026-11-03 09:00:30")]

    def append(_activity: str, _share: float) -> None:
        with path.open("a", encoding="utf-8") as file:
            file.write(later.pop() if later else "")

    (grown,) = kept.import_files([path], origin(), progress=append)
    (again,) = kept.import_files([path], origin())

    assert ["", ""] == [grown.error, again.error]
    assert 1001 == len(stored(kept))


def test_equal_lines_without_an_id_stay_two(kept: PbxRecords, taken: Callable[..., PbxFileResult]) -> None:
    """Two redials in one second are two records; a record with an id that occurs twice is one."""
    assert 2 == taken(refused(), refused()).kept
    assert 1 == taken(refused(more=("1793620800.7",)), refused(more=("1793620800.7",)), name="other.csv").kept
    assert 3 == len(stored(kept))


def test_a_record_that_was_read_in_the_wrong_zone_is_corrected(
    kept: PbxRecords, taken: Callable[..., PbxFileResult]
) -> None:
    """Importing the file with another time zone moves its records, also over midnight, and leaves none behind."""
    line = switched(TEMPLATES["example"], start_stamp="2026-11-02 20:00:00", uuid=f"{UUID}1")
    assert 1 == taken(line, name="a.csv").kept
    moved = taken(line, whose=origin("America/Denver"), name="a.csv")

    assert (1, 0) == (moved.kept, moved.duplicate)
    assert ["2026-11-03 03:00:00"] == [when for when, _ in stored(kept)]


def test_order_of_files_does_not_matter(store: CallStore, tmp_path: Path) -> None:
    """Two files in either order, with a common record, give byte-identical parts."""
    files = [tmp_path / "Master.csv", tmp_path / "Master.csv.1"]
    files[0].write_text(refused("2026-11-02 12:00:00", more=("1793620800.1",)) + master(more=("1793620800.2",)))
    files[1].write_text(master(more=("1793620800.2",)) + refused("2026-11-02 12:00:09", more=("1793620809.3",)))
    ways = []
    for number, order in enumerate((files, files[::-1])):
        kept = PbxRecords(CallStore(tmp_path / str(number), lock_wait_s=0), lock_wait_s=0)
        results = kept.import_files(order, origin())
        assert (3, 1) == (sum(one.kept for one in results), sum(one.duplicate for one in results))
        ways.append(kept.generations.current().files())

    assert ways[0] == ways[1]
    assert store.digest == ""


def test_bad_lines_are_kept_aside_and_put_right(kept: PbxRecords, taken: Callable[..., PbxFileResult]) -> None:
    """Bad lines are recorded with file, line, field, reason and text; importing the corrected file removes them."""
    bad = taken(master(), refused(duration="x"), "=1+1\n")
    aside = kept.rejects()

    assert (1, 2) == (bad.kept, bad.rejected)
    assert [("denver/Master.csv", 2, "duration"), ("denver/Master.csv", 3, "")] == list(
        aside[["file", "line", "column"]].itertuples(index=False, name=None)
    )
    assert "=1+1" == aside["raw"].iloc[1]
    assert 0 == taken(master(), refused()).rejected
    assert [] == list(kept.rejects()["line"])


def test_a_file_that_cannot_be_used_takes_nothing_from_the_others(kept: PbxRecords, tmp_path: Path) -> None:
    """An unusable file has an error that names it; the other file is stored."""
    good = tmp_path / "Master.csv"
    other = tmp_path / "notes.txt"
    good.write_text(master())
    other.write_text("hello\n")
    results = kept.import_files([other, good, tmp_path / "gone.csv"], origin())

    assert [0, 1, 0] == [one.kept for one in results]
    assert [True, False, True] == [bool(one.error) for one in results]
    assert golden("errors.pbx_records.first_lines") in results[0].error
    assert golden("errors.pbx_records.cannot_be_read") in results[2].error


def test_a_damaged_part_is_named_with_the_cure(kept: PbxRecords, taken: Callable[..., PbxFileResult]) -> None:
    """The remedy does not ask to remove the carrier's calls."""
    taken(master())
    (part,) = kept.generations.folder.glob("parts/*-attempts-*")
    part.write_bytes(b"PAR1 and no more")

    with pytest.raises(StoreError, match=golden_pattern("errors.pbx_records.remove_and_import")) as told:
        kept.rows(NOON)
    assert part.name in str(told.value)


def test_second_writer_is_refused_and_damaged_rejects_are_named(
    kept: PbxRecords, taken: Callable[..., PbxFileResult]
) -> None:
    """A second writer gets a message to wait; an unreadable list of rejects is named."""
    with (
        kept.generations.writing(),
        pytest.raises(BusyError, match=golden_pattern("errors.calls.another_process_is_writing")),
    ):
        taken(master())
    taken(master(), "bad\n")
    (part,) = (path for path in kept.generations.folder.glob("parts/rejects-*"))
    part.write_bytes(b"PAR1")
    with pytest.raises(StoreError, match=golden_pattern("errors.pbx_records.import_again")):
        kept.rejects()


@pytest.fixture
def compared(
    store: CallStore, kept: PbxRecords, taken: Callable[..., PbxFileResult], export: Callable[..., Path]
) -> Callable[..., Reconciliation]:
    """Return a function that compares lines of a PBX with rows of the carrier."""

    def both(
        lines: Iterable[str],
        rows: Iterable[dict[str, Any]],
        *,
        span: Span | None = WHOLE,
        split_at: tuple[datetime, ...] = (),
        whose: RecordOrigin | None = None,
    ) -> Reconciliation:
        taken(*lines, whose=whose)
        (result,) = import_files(store, [export(list(rows))])
        assert not result.rejected
        owners = {"198.51.100.11": ["seattle"], "198.51.100.24": ["denver"]}
        return compare(store, kept, span, since=NOON - timedelta(days=9), split_at=split_at, owners=owners)

    return both


def carried(moment: datetime, *, talk_s: int = 60, number: str = CALLED, **more: Any) -> dict[str, Any]:
    """Return the carrier's row for a call of the PBX."""
    ended = at(moment + timedelta(seconds=talk_s))
    row = {"start_time": at(moment), "end_time": ended, "destination": number, "duration": str(talk_s)}
    return a_row(**row | {"customer_ip": "198.51.100.24:5060", "custom_x_tag": ""} | more)


def fates(found: Reconciliation) -> dict[str, int]:
    """Count attempts by result."""
    return {str(fate): int(count) for fate, count in found.attempts.groupby("fate")["attempts"].sum().items()}


def test_attempts_without_a_record_are_missing(compared: Callable[..., Reconciliation]) -> None:
    """The refused attempt, ended at once, is missing and the latest; answered calls compare the clocks."""
    lines = [master(texts(NOON + n * MINUTE)) for n in range(3)] + [refused(texts(NOON + 9 * MINUTE))]
    found = compared(lines, [carried(NOON + n * MINUTE + timedelta(seconds=41)) for n in range(3)])
    (record,) = found.records.to_dict("records")
    (missing,) = found.attempts[found.attempts["fate"] == "missing"].to_dict("records")

    assert {"matched": 3, "missing": 1} == fates(found)
    assert (3, 41, "") == (record["compared"], record["skew_s"], record["fault"])
    assert ("NO ANSWER", True, True) == (missing["disposition"], missing["at_once"], missing["latest"])


def test_the_carrier_may_begin_a_call_at_its_answer(compared: Callable[..., Reconciliation]) -> None:
    """The record is matched by the start or the answer of the call, whichever is nearer, however long it rang."""
    rings = (5, 60, 110, 20)
    starts = [NOON + 5 * n * MINUTE for n in range(4)]
    lines = [master(texts(start), duration=60 + ring) for start, ring in zip(starts, rings, strict=True)]
    rows = [carried(start + timedelta(seconds=ring)) for start, ring in zip(starts, rings, strict=True)]
    found = compared(lines, rows)

    assert {"matched": 4} == fates(found)
    assert 0 == found.records["skew_s"].iloc[0]


@pytest.mark.parametrize(
    ("changed", "quick"),
    [
        ({}, True),
        ({"disposition": "FAILED", "duration": 2}, True),
        ({"disposition": "BUSY"}, False),
        ({"duration": 20}, False),
    ],
)
def test_only_what_ends_at_once_looks_like_a_refusal(
    compared: Callable[..., Reconciliation], changed: dict[str, Any], quick: bool
) -> None:
    """A call that rang, or was busy, does not count as refused."""
    found = compared([refused(**changed)], [])

    assert [quick] == list(found.attempts["at_once"])


@pytest.mark.parametrize(
    "span",
    [
        None,
        Span(NOON + MINUTE, WHOLE.until, WHOLE.again_from),
        Span(WHOLE.since, NOON, WHOLE.again_from),
        Span(WHOLE.since, WHOLE.until, NOON + MINUTE),
    ],
)
def test_periods_without_carrier_records_decide_nothing(
    compared: Callable[..., Reconciliation], span: Span | None
) -> None:
    """No conclusion where nothing was fetched, for calls before or too recent, or for a day without any call."""
    assert {"open": 1} == fates(compared([refused()], [], span=span))


def test_large_clock_offset_decides_nothing(compared: Callable[..., Reconciliation]) -> None:
    """Answered calls reveal a time zone that is off by an hour, and no attempt is reported missing."""
    lines = [master(texts(NOON + n * MINUTE), data=f"PJSIP/{PREFIX}*1206555010{n}@x") for n in range(5)]
    rows = [carried(NOON + timedelta(seconds=6) + n * MINUTE + 60 * MINUTE, number=f"1206555010{n}") for n in range(5)]
    found = compared([*lines, refused(texts(NOON - 30 * MINUTE))], rows)

    assert ("clock", 3606) == (found.records["fault"].iloc[0], found.records["skew_s"].iloc[0])
    assert {"open": 6} == fates(found)


def test_unknown_answered_calls_decide_nothing(
    compared: Callable[..., Reconciliation],
) -> None:
    """
    If answered calls are unknown to the carrier, no attempt is reported missing.

    The records belong to another account, or the PBX answers before it dials.
    """
    found = compared([master(), master("2026-11-02 12:10:00"), refused("2026-11-02 12:20:00")], [carried(NOON)])

    assert ["answered"] == list(found.records["fault"])
    assert {"open": 3} == fates(found)


def test_record_of_one_pbx_does_not_match_another(compared: Callable[..., Reconciliation]) -> None:
    """A record of one PBX does not match an attempt of another; a record of an unknown address may match."""
    both = [refused(), refused("2026-11-02 13:00:00")]
    unanswered = {"talk_s": 0, "result": "failed", "call_fail_sip_code": "486"}
    rows = [
        carried(NOON, customer_ip="198.51.100.11:5060", **unanswered),
        carried(NOON + 60 * MINUTE, customer_ip="203.0.113.9:5060", **unanswered),
    ]

    assert {"matched": 1, "missing": 1} == fates(compared(both, rows))


def test_no_row_straddles_a_change_of_the_policy(compared: Callable[..., Reconciliation]) -> None:
    """Attempts before and after a policy change are counted separately, by the carrier's clock."""
    lines = [refused(texts(NOON + n * MINUTE)) for n in range(5)]
    found = compared(lines, [], split_at=((NOON + 150 * timedelta(seconds=1)).replace(microsecond=5),))

    assert [3, 2] == list(found.attempts["attempts"])
    assert [NOON + 2 * MINUTE, NOON + 4 * MINUTE] == [pd.Timestamp(one) for one in found.attempts["last_at"]]


def test_without_records_there_is_nothing(store: CallStore, kept: PbxRecords) -> None:
    """Without PBX records, the frames are empty and nothing is written to disk."""
    found = compare(store, kept, WHOLE, since=datetime(2026, 1, 1, tzinfo=UTC), split_at=(), owners={})

    assert (0, 0) == (len(found.records), len(found.attempts))
    assert not kept.generations.folder.exists()
