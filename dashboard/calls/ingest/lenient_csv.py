"""
Slow CSV parser for files with faults: every physical line has a number, every bad one a reason.

DuckDB reads a valid file faster than this parser but does not name the lines of an invalid one. A file in which another
reader found a fault is therefore rewritten: of a record that breaks the CSV rules only the first line is rejected, and
parsing continues with the next line, so an unclosed quote costs one row and not the rest of the file. A record that
DuckDB accepts has the same values here.
"""

from __future__ import annotations

import csv
import io
import re
from collections import deque
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from dashboard.calls.ingest.files import Prepared, copy_to, read_lines
from dashboard.core.progress import no_progress
from dashboard.core.text import counted

LONGEST_LINE = csv.field_size_limit()
"""Maximum characters of a line: the limit of one field (131,072); a row has about 300."""
LINE_END = "\r\n"
CHECK_EVERY = 4_096
"""Records or lines between two reports of progress."""
RAW_CHARS = 2_000
"""Characters kept of a bad row."""
_ESCAPED = re.compile('"(.?)', re.DOTALL)
"""Quote within a quoted field, and the character after it, which DuckDB takes as it is."""


class _Quoting:
    """Patterns of quoted fields. As in DuckDB, such a field goes on after two quotes with only blanks between them."""

    def __init__(self, before: str) -> None:
        """Compile the patterns for the blanks allowed before an opening quote."""
        text = r'[^"]*+(?:" *"[^"]*+)*+'
        opened = f'{before}"{text}'
        complete = rf'(?:(?:{opened}" *|(?!{before}")[^,]*+),)*+'
        self.open = re.compile(complete + opened)
        """Start of a record whose last field is quoted and unclosed; a quote within an unquoted field opens nothing."""
        self.still_open = re.compile(rf'{text}(?P<closed>" *,{complete}{opened})?')
        """Line that begins and ends in a quoted field, the same one or, with ``closed``, a later one."""
        self.field = re.compile(rf'{before}"(?P<quoted>{text})" *(?=,|\Z)|(?P<literal>(?!{before}") *"[^,]*+)|[^,]++')
        """Field of a record; ``literal`` is an unquoted one that begins with blanks and a quote."""


_AS_DUCKDB = _Quoting(" ?")
_TOLERANT = _Quoting(" *")


class Shape:
    """Expected number of fields, and the pattern of a row that needs no further parsing."""

    def __init__(self, width: int) -> None:
        """Store the number of columns."""
        self.width = width
        cell = r'(?:"[^"]*+(?:""[^"]*+)*+"|[^",]*+)'
        self._plain = re.compile(f"{cell}(?:,{cell}){{{width - 1}}}")

    def is_plain(self, text: str) -> bool:
        """Return whether a line is unambiguously a valid row; a line with a blank before a value needs parsing."""
        return ", " not in text and text[:1] != " " and self._plain.fullmatch(text) is not None


@dataclass(frozen=True)
class CsvRecord:
    """A row of the file, valid or not."""

    line: int
    """Physical line on which the record starts, counted from 1."""
    text: str
    """Text as in the file, without the line feed at its end."""
    fault: str = ""
    sound: str = ""
    """The same row in the plainest CSV, if it has no fault."""


@dataclass(frozen=True)
class Reject:
    """A rejected row, kept aside."""

    file: str
    line: int
    column: str
    reason: str
    raw: str


def rewrite(
    prepared: Prepared, target: Path, most: int, on_progress: Callable[[float], object] = no_progress
) -> tuple[list[Reject], int]:
    """
    Write the records that follow the CSV rules, each after its line number, without a header.

    Args:
        prepared: The file with faults.
        target: Output CSV, with ``line`` as its first column.
        most: Maximum number of rejected records to return.
        on_progress: Called with the share done, 0 to 1; an exception ends the work.

    Returns:
        The first records that break the rules, and the number of all such records.

    Raises:
        StoreError: The disk rejects the write.
    """
    rejects: list[Reject] = []
    broken = 0
    size = prepared.path.stat().st_size
    chars_done = 0
    with copy_to(target) as write_chunk:
        for number, record in enumerate(split(prepared)):
            chars_done += len(record.text)
            if number % CHECK_EVERY == 0:
                on_progress(min(1.0, chars_done / size))
            if record.fault:
                broken += 1
                if broken <= most:
                    rejects.append(Reject(prepared.name, record.line, "", record.fault, record.text[:RAW_CHARS]))
            else:
                write_chunk(f"{record.line},{record.sound}\n".encode())
    return rejects, broken


def raw_rows(prepared: Prepared, lines: Collection[int], check: Callable[[], object] = no_progress) -> dict[int, str]:
    """
    Return the text of the records that start on the given lines.

    Args:
        prepared: The file with faults.
        lines: Physical lines, counted from 1.
        check: Called now and then; an exception ends the work.
    """
    texts: dict[int, str] = {}
    source = _numbered(prepared)
    lookahead = deque[tuple[int, str]]()
    shape = Shape(len(prepared.columns))
    while len(texts) < len(lines) and (numbered_line := _next_line(lookahead, source)):
        number, text = numbered_line
        if number % CHECK_EVERY == 0:
            check()
        if number in lines and number not in texts:
            texts[number] = _record(number, text, shape, lookahead, source).text[:RAW_CHARS]
    return texts


def split(prepared: Prepared) -> Iterator[CsvRecord]:
    """Split the file after its header into records, valid or not; skip blank lines."""
    source = _numbered(prepared)
    lookahead = deque[tuple[int, str]]()
    shape = Shape(len(prepared.columns))
    while numbered_line := _next_line(lookahead, source):
        if numbered_line[1].strip() or len(numbered_line[1]) > LONGEST_LINE:
            yield _record(*numbered_line, shape, lookahead, source)


def _record(
    number: int, line: str, shape: Shape, lookahead: deque[tuple[int, str]], source: Iterator[tuple[int, str]]
) -> CsvRecord:
    """Return the record that starts with the given line."""
    text = line.rstrip(LINE_END)
    if len(line) > LONGEST_LINE:
        return CsvRecord(number, text, f"The line is longer than {LONGEST_LINE:,} characters.")
    if '"' not in text:
        width = text.count(",") + 1
        sound = text
        if width > shape.width and text.endswith("," * (width - shape.width)):
            sound = text[: shape.width - width]  # DuckDB also accepts commas after the last value
            width = shape.width
        return CsvRecord(number, text, _width_fault(width, shape.width), sound=sound)
    if shape.is_plain(text):
        return CsvRecord(number, text, sound=text)
    record = _quoted(number, line, shape.width, lookahead, source, _AS_DUCKDB)
    if record.fault and '  "' in text:
        record = _quoted(number, line, shape.width, lookahead, source, _TOLERANT)
    return record


def _quoted(
    number: int,
    line: str,
    width: int,
    lookahead: deque[tuple[int, str]],
    source: Iterator[tuple[int, str]],
    quoting: _Quoting,
) -> CsvRecord:
    """Parse a record with quotes, over several lines if necessary; if it is invalid, reject its first line only."""
    extra: list[tuple[int, str]] = []
    length = len(line)
    fields_closed = 0
    fields = _fields(line, quoting)
    is_open = fields is None and quoting.open.fullmatch(line) is not None
    while is_open and fields_closed <= width and length < LONGEST_LINE:
        next_line = _next_line(lookahead, source)
        if next_line is None:
            break
        extra.append(next_line)
        length += len(next_line[1])
        still_open = quoting.still_open.fullmatch(next_line[1])
        is_open = still_open is not None or len(next_line[1]) > LONGEST_LINE
        fields_closed += still_open is not None and still_open["closed"] is not None
    joined = "".join((line, *(text for _, text in extra)))
    if extra and not is_open:
        fields = _fields(joined, quoting)
    fault = "A quote is opened and not closed, or text follows a closing quote."
    if fields is not None:
        while len(fields) > width and not fields[-1]:
            fields.pop()
        fault = _width_fault(len(fields), width)
    if fault or fields is None:
        lookahead.extendleft(reversed(extra))
        return CsvRecord(number, line.rstrip(LINE_END), fault)
    return CsvRecord(number, joined.rstrip(LINE_END), sound=_plain(fields))


def _fields(text: str, quoting: _Quoting = _AS_DUCKDB) -> list[str] | None:
    """Return the fields of a record; ``None`` if its quoting is invalid."""
    record = text.rstrip(LINE_END)
    if '" ' in record or '  "' in record:
        record = quoting.field.sub(_in_plain_csv, record)
    try:
        rows = list(csv.reader(io.StringIO(record + "\n", newline=""), strict=True, skipinitialspace=True))
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None


def _in_plain_csv(field: re.Match[str]) -> str:
    """Return a field without blanks beside its quotes, or as it is if its quoting is invalid."""
    quoted = field["quoted"]
    value = field["literal"] if quoted is None else _ESCAPED.sub(r"\1", quoted)
    if value is None:
        return field[0]
    return '"{}"'.format(value.replace('"', '""'))


def _plain(fields: list[str]) -> str:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="").writerow(fields)
    return out.getvalue()


def _width_fault(actual: int, width: int) -> str:
    return "" if actual == width else f"The row has {counted(actual, 'field')}, the header names {width}."


def _numbered(prepared: Prepared) -> Iterator[tuple[int, str]]:
    """Yield number and text of each physical line after the header; pieces of a long line share its number."""
    number = 1
    whole = True
    has_split_end = False
    for line in read_lines(prepared.path, LONGEST_LINE + 1, as_is=True):
        if has_split_end and line == "\n":
            has_split_end = False
            continue
        if whole and number > prepared.header_lines:
            yield number, line
        whole = line.endswith(("\n", "\r"))
        has_split_end = len(line) > LONGEST_LINE and line.endswith("\r")
        number += whole


def _next_line(lookahead: deque[tuple[int, str]], source: Iterator[tuple[int, str]]) -> tuple[int, str] | None:
    return lookahead.popleft() if lookahead else next(source, None)
