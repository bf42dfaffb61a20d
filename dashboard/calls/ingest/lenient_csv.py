"""
Slow CSV parser for files with faults: every physical line has a number, every bad one a reason.

DuckDB reads a valid file faster than this parser but does not name the lines of an invalid one. A file in which DuckDB
found a fault is therefore rewritten: of a record that breaks the CSV rules only the first line is rejected, and parsing
continues with the next line, so an unclosed quote costs one row and not the rest of the file.
"""

from __future__ import annotations

import csv
import io
import re
from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from dashboard.calls.ingest.files import Prepared, read_lines
from dashboard.core.text import counted

LONGEST_LINE = csv.field_size_limit()
"""Maximum characters of a line: the limit of one field (131,072); a row has about 300."""
LINE_END = "\r\n"
RECORD_LINES = 50
"""Maximum additional lines of a record. A quoted line break is rare; a quote still open after this many lines is a
missing quote."""
RAW_CHARS = 2_000
"""Characters kept of a bad row."""
_OPEN = re.compile(
    r'(?:(?: *"[^"]*+(?:""[^"]*+)*+"|(?! *")[^,]*+),)*+'  # complete fields, each with its comma
    r' *"[^"]*+(?:""[^"]*+)*+'  # then a quoted field that is not closed
)
"""Start of a record whose last field is quoted and unclosed; a quote within an unquoted field opens nothing."""


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


def rewrite(prepared: Prepared, target: Path, most: int) -> tuple[list[Reject], int]:
    """
    Write the records that follow the CSV rules, each after its line number, without a header.

    Args:
        prepared: The file with faults.
        target: Output CSV, with ``line`` as its first column.
        most: Maximum number of rejected records to return.

    Returns:
        The first records that break the rules, and the number of all such records.
    """
    rejects: list[Reject] = []
    broken = 0
    with target.open("w", encoding="utf-8", newline="") as out:
        for record in split(prepared):
            if record.fault:
                broken += 1
                if broken <= most:
                    rejects.append(Reject(prepared.name, record.line, "", record.fault, record.text[:RAW_CHARS]))
            else:
                out.write(f"{record.line},{record.sound}\n")
    return rejects, broken


def raw_rows(prepared: Prepared, lines: Collection[int]) -> dict[int, str]:
    """Return the text of the records that start on the given lines."""
    texts: dict[int, str] = {}
    source = _numbered(prepared)
    lookahead = deque[tuple[int, str]]()
    shape = Shape(len(prepared.columns))
    while len(texts) < len(lines) and (numbered_line := _next_line(lookahead, source)):
        number, text = numbered_line
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
        if width == shape.width + 1 and text.endswith(","):  # DuckDB also accepts a comma after the last value
            width = shape.width
            sound = text[:-1]
        return CsvRecord(number, text, _width_fault(width, shape.width), sound=sound)
    if shape.is_plain(text):
        return CsvRecord(number, text, sound=text)
    return _quoted(number, line, shape.width, lookahead, source)


def _quoted(
    number: int, line: str, width: int, lookahead: deque[tuple[int, str]], source: Iterator[tuple[int, str]]
) -> CsvRecord:
    """Parse a record with quotes, over several lines if necessary; if it is invalid, reject its first line only."""
    joined = line
    extra: list[tuple[int, str]] = []
    while (fields := _fields(joined)) is None and len(extra) < RECORD_LINES and len(joined) < LONGEST_LINE:
        if _OPEN.fullmatch(joined) is None or (next_line := _next_line(lookahead, source)) is None:
            break
        extra.append(next_line)
        joined += next_line[1]
    fault = "A quote is opened and not closed, or text follows a closing quote."
    if fields is not None:
        if len(fields) == width + 1 and not fields[-1]:
            fields = fields[:-1]
        fault = _width_fault(len(fields), width)
    if fault or fields is None:
        lookahead.extendleft(reversed(extra))
        return CsvRecord(number, line.rstrip(LINE_END), fault)
    return CsvRecord(number, joined.rstrip(LINE_END), sound=_plain(fields))


def _fields(text: str) -> list[str] | None:
    """Return the fields of a record; ``None`` if its quoting is invalid."""
    lines = io.StringIO(text.rstrip(LINE_END) + "\n", newline="")
    try:
        rows = list(csv.reader(lines, strict=True, skipinitialspace=True))
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None


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
    for line in read_lines(prepared.path, LONGEST_LINE + 1, as_is=True):
        if whole and number > prepared.header_lines:
            yield number, line
        whole = line.endswith(("\n", "\r"))
        number += whole


def _next_line(lookahead: deque[tuple[int, str]], source: Iterator[tuple[int, str]]) -> tuple[int, str] | None:
    return lookahead.popleft() if lookahead else next(source, None)
