"""The reader of an export file is chosen by its beginning, and a later row of another kind selects the fallback."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pyarrow
import pytest

from dashboard.calls.ingest.file_reader import stage
from dashboard.calls.ingest.files import prepare
from dashboard.calls.ingest.misfits import Misfit, MisfitError
from dashboard.calls.ingest.progress import FileProgress
from dashboard.calls.ingest.readers.by_day import DayReader
from dashboard.calls.ingest.readers.choice import choose
from dashboard.calls.ingest.readers.forms import ROWS, Beginning, is_readable
from dashboard.calls.ingest.readers.interface import CdrReader, FileReading, Shared
from dashboard.calls.ingest.readers.numbered_lines import NumberedReader
from dashboard.calls.ingest.readers.sql_rows import SMALL
from dashboard.calls.ingest.readers.text_rows import TextReader
from dashboard.calls.ingest.readers.typed_rows import TypedReader
from dashboard.calls.ingest.staged import Staged
from tests.calls.exports import HEADER, NOON, Row, a_row, as_csv, at, rows_at
from tests.calls.ingest.staged import shared_engine

Export = Callable[..., Path]
SECOND = timedelta(seconds=1)
ISO = "2026-11-02T12:00:00Z"


def calls(count: int) -> list[dict[str, object]]:
    """Return calls of one day, one a second."""
    return rows_at(*(NOON + number * SECOND for number in range(count)))


def with_row(row: Row, *, place: int = ROWS + 4) -> list[Row]:
    """Return documented calls, one of which, by default deep in the file, is replaced."""
    rows: list[Row] = [*calls(2 * ROWS)]
    rows[place] = {**rows[place], **row}
    return rows


def large(rows: Sequence[Row]) -> str:
    """Format rows with an ignored column that makes the file too large for the prepared statement."""
    note = "x" * (SMALL // len(rows) + 1)
    return as_csv([{**row, "note": note} for row in rows], [*HEADER, "note"])


def reading(path: Path, work: Path, pool: ThreadPoolExecutor) -> FileReading:
    """Return a file that is ready for its reader."""
    work.mkdir()
    return FileReading(prepare(path, work), Staged(path), work, shared_engine(), FileProgress(), Shared(pool))


BEGINNINGS: dict[str, tuple[list[Row] | str, type[CdrReader]]] = {
    "documented, in order": ([*calls(3)], DayReader),
    "no value but the documented ones is needed": ([a_row(rate="N/A", duration=" 7 ", end_time="")], DayReader),
    "newest day first": (rows_at(NOON, NOON - timedelta(days=1))[:], TypedReader),
    "a line break in a value": ([a_row(call_fail_reason="two\nlines")], TypedReader),
    "a number that only the engine reads": ([a_row(duration="1_000")], TypedReader),
    "times in another form": ([a_row(start_time=ISO, end_time=ISO)], TextReader),
    "missing numbers and newest day first": (
        [a_row(rate="N/A"), a_row(start_time=at(NOON - timedelta(days=1)))],
        TextReader,
    ),
    "addresses without a port, newest day first": (
        [a_row(customer_ip="198.51.100.11"), a_row(start_time=at(NOON - timedelta(days=1)))],
        TextReader,
    ),
    "a quote that is not closed": (as_csv([a_row()]).replace("Outbound", '"Outbound'), TypedReader),
    "a blank after a closing quote": (as_csv([a_row()]).replace("Outbound", '"Outbound" '), TypedReader),
    "a value of very many lines": ([a_row(call_fail_reason="line\n" * 900)], TypedReader),
    "too few values": (as_csv([a_row()]) + "a,b\n", NumberedReader),
    "an empty line before the header": ("\n" + as_csv([a_row()]), NumberedReader),
    "large, times in another form": (large([a_row(start_time=ISO)] * ROWS), TextReader),
    "large, with a value that nothing reads": (
        large([*[a_row(start_time=ISO)] * (ROWS - 1), a_row(duration="x")]),
        NumberedReader,
    ),
}


@pytest.mark.parametrize("name", BEGINNINGS)
def test_beginning_decides_on_the_reader(tmp_path: Path, export: Export, name: str) -> None:
    """The fastest reader that the first rows fit is chosen."""
    content, kind = BEGINNINGS[name]

    with ThreadPoolExecutor(1) as pool:
        reader = choose(reading(export(content), tmp_path / "work", pool))

    assert kind is type(reader)


class CountedReadings(FileProgress):
    """Progress that counts how often the file is read."""

    readings = 0

    def begin(self, pieces: int) -> None:
        """Count a reading."""
        self.readings += 1
        super().begin(pieces)


DEEP = as_csv(calls(2 * ROWS)).splitlines(keepends=True)
BROKEN: dict[str, tuple[str, int]] = {
    "too few values": ("a,b\n", 2),
    "too few values beside a quoted one": ('a,"b, c"\n', 2),
    "many values too many": ("x," * 30 + "x\n", 2),
    "one value too many": ("x," * 25 + "x\n", 3),
    "a quote that is not closed": (DEEP[1].replace("Outbound", '"Outbound'), 3),
    "text after a closing quote": (DEEP[1].replace("Outbound", '"Out"bound'), 3),
}


@pytest.mark.parametrize("name", BROKEN)
def test_file_with_one_broken_row_is_read_two_or_three_times(tmp_path: Path, export: Export, name: str) -> None:
    """A row with another number of values costs one more reading; what other readers may accept costs two."""
    row, expected = BROKEN[name]
    path = export("".join([*DEEP[: ROWS + 4], row, *DEEP[ROWS + 4 :]]))
    watch = CountedReadings()

    with ThreadPoolExecutor(1) as pool:
        staged = stage(path, tmp_path / "work", shared_engine(), whole=False, watch=watch, shared=Shared(pool))

    assert (expected, "") == (watch.readings, staged.error)
    assert (2 * ROWS, 1) == (staged.rows, staged.rejected)


def test_line_break_where_arrow_begins_a_block_is_no_broken_row(tmp_path: Path, export: Export) -> None:
    """A line break in a value is never taken for a row with too few values, wherever Arrow splits what it parses."""
    long = a_row(call_fail_reason="line\n" * 20_000)

    with ThreadPoolExecutor(1) as pool:
        file = reading(export([*calls(ROWS), *[long] * 40, *calls(1)]), tmp_path / "work", pool)
        reader = choose(file)
        with pytest.raises(MisfitError) as raised:
            reader.stage(file)

    assert (DayReader, Misfit.LAYOUT) == (type(reader), raised.value.misfit)


NEXT_DAY = at(NOON + timedelta(days=1))
READINGS: dict[str, tuple[list[Row], list[str], int]] = {
    "every row is documented": ([*calls(2 * ROWS)], [], 1),
    "every row is in another form": ([a_row(start_time=ISO)] * ROWS * 2, [], 1),
    "a time in another form": (with_row({"end_time": ISO}), [], 2),
    "a number in another form": (with_row({"duration": "1_000"}), [], 2),
    "a value that is no number": (with_row({"duration": "x"}), [], 2),
    "a value that is no time": (with_row({"end_time": "soon"}), [], 2),
    "a time in the future": (with_row({"start_time": "2099-11-02 12:00:00+00"}), [], 2),
    "an hour above 23": (with_row({"end_time": "2026-11-02 25:00:00+00"}), [], 2),
    "a time with a letter": (with_row({"end_time": "2026-11-02 1x:00:00+00"}), [], 2),
    "30 February": (with_row({"end_time": "2026-02-30 12:00:00+00"}), [], 2),
    "a date with a letter": (with_row({"end_time": "2026-11-x2 12:00:00+00"}), [], 2),
    "a status below 100": (with_row({"call_fail_sip_code": "42"}), [], 2),
    "a negative number": (with_row({"duration": "-5"}), [], 2),
    "a fraction of a second": (with_row({"billed_duration": "6.5"}), [], 2),
    "a number too large": (with_row({"duration": "2e9"}), [], 2),
    "an infinite number": (with_row({"duration": "inf"}), [], 2),
    "an amount too large": (with_row({"total_cost": "10000.01"}), [], 2),
    "a direction that is neither": (with_row({"direction": "sideways"}), [], 2),
    "a line break in a value": (with_row({"call_fail_reason": "two\nlines"}), [], 2),
    "a call of another day": (with_row({"start_time": NEXT_DAY, "end_time": NEXT_DAY}), [], 2),
    "no order, a time in another form": ([*rows_at(NOON + timedelta(days=2)), *with_row({"end_time": ISO})], [], 2),
    "no order, a value that is no number": ([*rows_at(NOON + timedelta(days=2)), *with_row({"duration": "x"})], [], 2),
    "no order, a correction": (
        [*rows_at(NOON + timedelta(days=2)), *(a_row(cdr_id="7", duration=number) for number in (1, 2))],
        ["cdr_id"],
        2,
    ),
    "two different problems": (
        [*with_row({"end_time": ISO}), *(row | {"direction": "sideways"} for row in calls(1))],
        [],
        3,
    ),
}


@pytest.mark.parametrize("name", READINGS)
def test_file_with_one_problem_is_read_at_most_twice(tmp_path: Path, export: Export, name: str) -> None:
    """The fallback fits what the misleading row showed; only a second problem of another kind costs a third reading."""
    rows, more, expected = READINGS[name]
    path = export(as_csv(rows, [*HEADER, *more]))
    watch = CountedReadings()

    with ThreadPoolExecutor(1) as pool:
        staged = stage(path, tmp_path / "work", shared_engine(), whole=False, watch=watch, shared=Shared(pool))

    assert (expected, "") == (watch.readings, staged.error)
    assert len(rows) == staged.rows + staged.rejected


class MeasuredReadings(FileProgress):
    """Progress that notes how much memory Arrow holds when each reading of the file begins."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes_held = list[int]()

    def begin(self, pieces: int) -> None:
        """Note the memory."""
        self.bytes_held.append(pyarrow.total_allocated_bytes())
        super().begin(pieces)


@pytest.mark.parametrize(
    "rows",
    [with_row({"end_time": ISO}), with_row({"start_time": NEXT_DAY, "end_time": NEXT_DAY})],
    ids=["a value in another form", "a call of another day"],
)
def test_fallback_begins_without_what_the_first_reader_read(tmp_path: Path, export: Export, rows: list[Row]) -> None:
    """Of a reading that failed, nothing stays in memory during the next one."""
    watch = MeasuredReadings()

    with ThreadPoolExecutor(1) as pool:
        stage(export(large(rows)), tmp_path / "work", shared_engine(), whole=False, watch=watch, shared=Shared(pool))

    before, after = watch.bytes_held
    assert before >= after


@pytest.mark.parametrize(
    ("row", "misfit"),
    [
        ({"end_time": ISO}, Misfit.FORM),
        ({"rate": "n/A"}, Misfit.FORM),
        ({"end_time": "soon"}, Misfit.FAULT),
        ({"duration": 'x"y'}, Misfit.FAULT),
    ],
)
@pytest.mark.parametrize("kind", ["by day", "typed"])
def test_misfit_tells_another_form_from_a_fault(
    tmp_path: Path, export: Export, row: Row, misfit: Misfit, kind: str
) -> None:
    """The messages of Arrow and of DuckDB give the text, and the text tells a form from a fault; nothing is staged."""
    with ThreadPoolExecutor(1) as pool:
        file = reading(export(with_row(row)), tmp_path / "work", pool)
        reader = choose(file) if kind == "by day" else TypedReader()

        with pytest.raises(MisfitError) as raised:
            reader.stage(file)

    assert misfit is raised.value.misfit
    assert (0, {}, {}) == (file.staged.rows, file.staged.days, file.staged.facts)


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        *((text, True) for text in ("1", "+5", " 7 ", "1e2", ".5", "5.", "-0", "N/A", "")),
        ("1_000", False),
        ("$1", False),
    ],
)
def test_numbers_of_the_beginning_fit_columns_as_arrow_reads_them(
    tmp_path: Path, export: Export, text: str, *, fits: bool
) -> None:
    """The forms of numbers that Arrow reads keep the file with the reader of columns."""
    with ThreadPoolExecutor(1) as pool:
        file = reading(export([a_row(rate=text)]), tmp_path / "work", pool)
        beginning = Beginning.of(file.prepared)
        assert fits == beginning.fits_columns
        if fits:
            choose(file).stage(file)
            assert 1 == file.staged.rows


def test_text_is_readable_if_any_form_fits() -> None:
    """Times, numbers and words for a missing value are readable in some form; other texts are not."""
    assert is_readable([], shared_engine())
    assert is_readable([ISO, "1_000", "n/A", " "], shared_engine())
    assert not is_readable([ISO, "x"], shared_engine())
