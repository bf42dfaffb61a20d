"""The line-by-line reader: the test for unambiguous rows, and the positions of rejects."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dashboard.calls.ingest.files import Prepared
from dashboard.calls.ingest.importer import import_files
from dashboard.calls.ingest.lenient_csv import _AS_DUCKDB, LONGEST_LINE, Shape, _fields, split
from dashboard.calls.ingest.readers.sql_rows import RowSource
from dashboard.core.errors import StoreError
from tests.calls.exports import NOON, a_row, as_csv, at, rows_at
from tests.calls.ingest.staged import shared_engine
from tests.examples import times

CELLS = st.text(alphabet="ab \",;\t'é\0", max_size=6)


def read(text: str) -> list[str]:
    """Parse a line by the rules of CSV, keeping blanks."""
    (row,) = csv.reader([text], strict=True)
    return row


@given(st.text(alphabet='a ",\té', max_size=24), st.integers(1, 5))
@example('"a""b",c', 2)
@example('"a"b,c', 2)
@example('a"b",c', 2)
@example('"a, b",c', 2)
@example('"",""', 2)
@example('"a","b', 2)
def test_accepted_lines_parse_alike_everywhere(text: str, width: int) -> None:
    """An accepted line has the expected number of values, and every parser gives the same values."""
    if Shape(width).is_plain(text) and text:
        assert read(text) == _fields(text)
        assert len(read(text)) == width


@given(st.lists(CELLS, min_size=1, max_size=5), st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
def test_rows_as_programs_write_them_are_accepted(cells: list[str], quoting: int) -> None:
    """Rows as programs write them are accepted, unless a blank precedes a value."""
    out = io.StringIO()
    csv.writer(out, quoting=quoting, lineterminator="").writerow(cells)
    text = out.getvalue()
    blank = ", " in text or text.startswith(" ")
    assert Shape(len(cells)).is_plain(text) is not blank
    assert not Shape(len(cells) + 1).is_plain(text)


def test_a_bad_value_behind_rows_of_several_lines_has_its_place_and_text(store, export) -> None:
    """Multi-line rows, rejected rows and blank lines do not shift the positions of later rejects."""
    good = as_csv([a_row(start_time=at(NOON), destination_name="two\nlines\n")])
    lost = as_csv(rows_at(NOON)).splitlines()[1].replace("Outbound", '"Outbound')
    bad = as_csv([a_row(direction="Sideways", number_alias='a "quoted", one')]).splitlines()[1]
    late = as_csv([a_row(duration="-7", sip_reason="x")]).splitlines()[1]
    path = export(f"{good}\n{lost}\n\n{bad}\n{late}\n")
    lines = path.read_text().split("\n")
    (result,) = import_files(store, [path])

    assert (result.kept, result.rejected) == (1, 3)
    told = store.rejects().sort_values("line")
    assert list(told["raw"]) == [lost, bad, late]
    assert list(told["line"]) == [lines.index(text) + 1 for text in (lost, bad, late)]
    assert list(told["column"]) == ["", "direction", "duration"]


def test_a_sure_fault_in_another_encoding(store, export) -> None:
    """A file that is not UTF-8 is decoded first, whatever faults its rows have."""
    rows = [a_row(direction="Sideways"), *rows_at(NOON, destination_name="CURAÇAO")]
    (result,) = import_files(store, [export(as_csv(rows).encode("cp1252"))])

    assert (result.kept, result.rejected, result.error) == (1, 1, "")
    assert list(store.calls()["destination_name"]) == ["CURAÇAO"]


@given(st.text(alphabet='", \na', max_size=14))
def test_a_record_goes_on_where_a_quoted_field_is_open(text: str) -> None:
    """A record continues exactly where the strict parser of the standard library runs out of data."""
    record = text if text.endswith("\n") else f"{text}\n"
    if '" ' in record or '  "' in record:
        return  # the standard library reads these blanks in another way
    try:
        list(csv.reader(io.StringIO(record, newline=""), strict=True, skipinitialspace=True))
        ends_open = False
    except csv.Error as exc:
        ends_open = "unexpected end of data" in str(exc)
    lines = record.splitlines(keepends=True)
    if any(_fields("".join(lines[:count])) is not None for count in range(1, len(lines))):
        return  # more than one record
    assert ends_open == (_AS_DUCKDB.open.fullmatch(record) is not None)


def test_a_quote_within_a_value_does_not_break_a_field_of_several_lines(store, export) -> None:
    """Beside a bad row the file is read line by line; a row with a quote and a multi-line field keeps its place."""
    row = as_csv([a_row(callerid='+142"5550111', call_fail_reason="two\nlines")])
    row = row.replace('"+142""5550111"', '+142"5550111')
    assert '+142"5550111' in row
    other = as_csv([a_row(start_time=at(NOON), duration="long")]).partition("\n")[2]

    result = import_files(store, [export(row + other)])[0]

    assert (result.kept, result.rejected) == (1, 1)


COLUMNS = ("direction", "result", "custom_x_tag")
ROW = ",".join(COLUMNS)
PIECES = ['"', " ", ",", "\n", "a", '"" ', '"b"', ' "', '",', '","', '" ', '"\n"', '""', '  "', ",,"]


def by_duckdb(path: Path) -> list[list[str]] | None:
    """Return the rows of a file as DuckDB reads them; ``None`` if it does not accept the file."""
    source = RowSource(path, COLUMNS)
    try:
        with shared_engine().cursor("read a test") as cursor:
            rows = cursor.sql(source.lines, params=source.values).to_arrow_table().select(COLUMNS).to_pylist()
    except StoreError:
        return None
    return [[(row[name] or "").strip(" ") for name in COLUMNS] for row in rows]


def line_by_line(path: Path) -> list[list[str]]:
    """Return the rows of a file as the line-by-line reader gives them, or the faults of broken ones."""
    records = list(split(Prepared(path.name, path, COLUMNS, 1)))
    rows = csv.reader(io.StringIO("".join(f"{record.sound}\n" for record in records if not record.fault), newline=""))
    faults = [[record.fault] for record in records if record.fault]
    return [*([text.strip(" ") for text in row] for row in rows), *faults]


@settings(max_examples=times(100), deadline=None)
@given(value=st.lists(st.sampled_from(PIECES), max_size=8).map("".join), place=st.integers(0, 2))
@example(value='"a" ', place=1)
@example(value='"a" "b"', place=0)
@example(value='"" "" "b"', place=2)
@example(value='  "a"', place=1)
@example(value='  "', place=2)
@example(value='"a" ,"b\nc"', place=2)
@example(value=",,,", place=2)
@example(value='"' + "a\n" * 1000 + '"', place=1)
def test_rows_that_duckdb_accepts_are_the_same_line_by_line(
    tmp_path_factory: pytest.TempPathFactory, value: str, place: int
) -> None:
    """Whatever quotes, blanks and commas a row has: if DuckDB accepts it, it has the same values line by line."""
    values = ["1", "2", "3"]
    values[place] = value
    path = tmp_path_factory.mktemp("rows") / "export.csv"
    path.write_text("\n".join((ROW, "4,5,6", ",".join(values), "7,8,9", "")), encoding="utf-8")
    expected = by_duckdb(path)

    assert expected is None or expected == line_by_line(path)


def test_a_record_of_many_lines_is_accepted_up_to_the_limit_of_duckdb(tmp_path: Path) -> None:
    """A quoted value may have any number of lines; the limit is the length of its record, as for DuckDB."""
    path = tmp_path / "export.csv"
    value = ("a\n" * LONGEST_LINE)[: LONGEST_LINE - len('1,"",3\n')]
    path.write_text(f'{ROW}\n1,"{value}",3\n4,5,6\n', encoding="utf-8")

    assert [["1", value, "3"], ["4", "5", "6"]] == by_duckdb(path) == line_by_line(path)


def test_an_unclosed_quote_costs_its_line_only_however_many_lines_follow(tmp_path: Path) -> None:
    """A quote that is not closed costs its own line: after the limit of a record the next lines are rows again."""
    path = tmp_path / "export.csv"
    count = 2 * LONGEST_LINE // len("4,5,6\n")
    path.write_text(f'{ROW}\n1,"2,3\n' + "4,5,6\n" * count, encoding="utf-8")

    *rows, fault = line_by_line(path)

    assert [["4", "5", "6"]] * count == rows
    assert 1 == len(fault)


@pytest.mark.parametrize("length", [LONGEST_LINE - 1, LONGEST_LINE, LONGEST_LINE + 1])
def test_a_line_end_of_two_characters_after_a_long_line_is_one_line_end(tmp_path: Path, length: int) -> None:
    """A long line shifts no later line number, wherever its pieces are split."""
    path = tmp_path / "export.csv"
    path.write_bytes(f"{ROW}\r\n{'x' * length}\r\n4,5,6\r\n".encode())

    assert [2, 3] == [record.line for record in split(Prepared(path.name, path, COLUMNS, 1))]
