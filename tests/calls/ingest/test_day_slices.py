"""Export files cut into days: each line once, in its day; a file that cannot be cut is read as a whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.calls.ingest.day_slices import LEAST_BYTES, LONGEST_LINE, Stretch, days_of
from dashboard.calls.ingest.files import prepare
from dashboard.calls.ingest.importer import import_files
from dashboard.calls.ingest.staged import Staged
from dashboard.calls.store.engine import Engine
from dashboard.calls.store.store import CallFilter, CallStore
from tests.calls.exports import HEADER, Row, as_csv, rows_at
from tests.calls.ingest.staged import staged_alone

FIRST = datetime(2026, 11, 2, tzinfo=UTC)
A_DAY = timedelta(days=1)
WIDE = 20_000
"""Characters of an ignored column, so that a file of few rows is large enough to be cut."""
A_DAY_ROWS = LEAST_BYTES // WIDE + 1

Text = str | bytes


def calls(*days: int, first: datetime = FIRST) -> list[Row]:
    """Return calls in order, the given number for each day from the first on."""
    moments = [first + day * A_DAY + each * (A_DAY / rows) for day, rows in enumerate(days) for each in range(rows)]
    return [{**row, "note": "x" * WIDE} for row in rows_at(*moments)]


def text(rows: Sequence[Row]) -> str:
    """Return an export file with an ignored column."""
    return as_csv(rows, [*HEADER, "note"])


def cut(path: Path) -> list[Stretch]:
    """Return the days into which a file is cut."""
    with days_of(prepare(path, path.parent)) as days:
        return days.stretches()


def staged(path: Path) -> Staged:
    """Stage a file."""
    work = path.parent / "work"
    return staged_alone(path, work, Engine(path.parent / "engine"))


def test_a_file_in_order_is_read_day_by_day(export: Callable[..., Path]) -> None:
    """Each day is staged as one part directly, with its facts."""
    found = staged(export(text(calls(A_DAY_ROWS, 0, 2 * A_DAY_ROWS, 3))))

    assert found.rows == 3 * A_DAY_ROWS + 3
    assert [day.isoformat() for day in found.days] == ["2026-11-02", "2026-11-04", "2026-11-05"]
    assert {Path(part).name for parts in found.days.values() for part in parts} == {"calls.parquet"}
    assert [known.rows for known in found.facts.values()] == [A_DAY_ROWS, 2 * A_DAY_ROWS, 3]
    assert all(known.all_differ for known in found.facts.values())


@settings(max_examples=12, deadline=None)
@given(days=st.lists(st.integers(0, 2 * A_DAY_ROWS), min_size=2, max_size=4))
def test_the_days_cover_the_file(tmp_path_factory: pytest.TempPathFactory, days: list[int]) -> None:
    """The slices follow each other from the header to the end, each with exactly the lines of its day."""
    path = tmp_path_factory.mktemp("cut") / "export.csv"
    path.write_text(text(calls(A_DAY_ROWS, *days, A_DAY_ROWS * len(days))), encoding="utf-8")
    data = path.read_bytes()
    found = cut(path)

    assert found
    assert found[0].begin == data.index(b"\n") + 1
    assert [stretch.end for stretch in found] == [*(stretch.begin for stretch in found[1:]), len(data)]
    for stretch in found:
        lines = data[stretch.begin : stretch.end].decode().splitlines()
        assert {line.split(",")[1][:10] for line in lines} == {stretch.day.isoformat()}


@pytest.mark.parametrize("rows", [[1], [50], [1, 1]])
def test_a_small_file_is_not_cut_unless_it_is_a_day(export: Callable[..., Path], rows: list[int]) -> None:
    """A small file of several days is not cut, because starting a day costs more than sorting so few rows."""
    assert len(cut(export(text(calls(*rows))))) == (1 if len(rows) == 1 else 0)


def late(rows: list[Row]) -> Text:
    """Move a call of the first day into the second."""
    return text([*rows[:5], *rows[6:-3], rows[5], *rows[-3:]])


def early(rows: list[Row]) -> Text:
    """Move a call of the second day into the first."""
    return text([*rows[:5], rows[-1], *rows[5:-1]])


def backwards(rows: list[Row]) -> Text:
    """Sort newest first."""
    return text(rows[::-1])


def carriage_returns(rows: list[Row]) -> Text:
    """Use Windows line ends."""
    return text(rows).replace("\n", "\r\n")


def no_last_line_feed(rows: list[Row]) -> Text:
    """Omit the last line feed."""
    return text(rows).removesuffix("\n")


def a_row_in_quotes(rows: list[Row]) -> Text:
    """Add a quoted line break, followed by text that resembles a row of the next day."""
    fake = text(rows[-1:]).split("\n")[1].replace('"', "")
    value = f"look\n{fake}\nhere"
    return text([{**row, "note": value + "x" * (WIDE - len(value))} if at % 2 else row for at, row in enumerate(rows)])


def iso_times(rows: list[Row]) -> Text:
    """Write times in ISO 8601 form."""
    return text([{**row, "start_time": str(row["start_time"]).replace(" ", "T")} for row in rows])


def latin(rows: list[Row]) -> Text:
    """Add a Latin-1 accent to the last row."""
    return text([*rows[:-1], {**rows[-1], "callerid": "Jos\u00e9"}]).encode("latin-1")


def ipv6(rows: list[Row]) -> Text:
    """Add an IPv6 address in the middle."""
    return text([*rows[:9], {**rows[9], "customer_ip": "[2001:db8::7]:5060"}, *rows[10:]])


def a_long_line(rows: list[Row]) -> Text:
    """End the first day with a line longer than any row."""
    at = A_DAY_ROWS - 1
    return text([*rows[:at], {**rows[at], "note": "x" * (LONGEST_LINE + 1000)}, *rows[at + 1 :]])


@pytest.mark.parametrize(
    "changed",
    [late, early, backwards, carriage_returns, no_last_line_feed, a_row_in_quotes, iso_times, latin, ipv6, a_long_line],
)
def test_no_call_is_lost_whatever_the_order_of_the_file(
    store: CallStore, export: Callable[..., Path], changed: Callable[[list[Row]], Text]
) -> None:
    """Each call is stored once at its time, whatever the order and format of the file."""
    rows = calls(A_DAY_ROWS, A_DAY_ROWS)
    (result,) = import_files(store, [export(changed(rows))])
    found = store.calls(CallFilter(since=FIRST, until=FIRST + 2 * A_DAY), limit=10 * A_DAY_ROWS)

    assert (result.kept, result.rejected, result.error) == (len(rows), 0, "")
    assert sorted(f"{at:%Y-%m-%d %H:%M:%S}+00" for at in found["started_at"]) == sorted(
        str(row["start_time"]) for row in rows
    )


def test_a_bad_row_in_a_large_file_is_named(store: CallStore, export: Callable[..., Path]) -> None:
    """A bad row is rejected with its line number, and every other row is stored."""
    rows = calls(A_DAY_ROWS, A_DAY_ROWS)
    rows[A_DAY_ROWS + 7] = {**rows[A_DAY_ROWS + 7], "direction": "Sideways"}
    (result,) = import_files(store, [export(text(rows))])

    assert (result.kept, result.rejected) == (len(rows) - 1, 1)
    assert list(store.rejects()["line"]) == [A_DAY_ROWS + 9]


def test_a_gzip_of_several_days_is_cut_once_it_is_unpacked(store: CallStore, export: Callable[..., Path]) -> None:
    """A gzip file of several days is cut after decompression and gives the same calls as a plain file."""
    noise = Random(7)
    rows = [{**row, "note": noise.randbytes(WIDE // 2).hex()} for row in calls(A_DAY_ROWS, A_DAY_ROWS)]
    packed = export(text(rows), "export.csv.gz")
    plain = export(text(rows), "again.csv")
    first = import_files(store, [packed])[0]
    second = import_files(store, [plain])[0]

    assert (first.kept, first.error) == (len(rows), "")
    assert (second.kept, second.duplicate) == (0, len(rows))
