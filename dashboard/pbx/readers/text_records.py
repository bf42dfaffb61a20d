"""
Delimited text records from bytes: decoding, delimiter detection, quoted fields, and the first line of each record.

RFC 4180, parsed with Python's ``csv`` in strict mode. An unclosed quote would swallow the rest of the file; here it
costs only its own line, which is reported, and reading continues with the next line.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from dashboard.core.errors import FileError

LARGEST_BYTES = 32 * 1024 * 1024
LONGEST_RECORD = 100
"""Maximum number of physical lines in one record; beyond it a quote was left open."""

MANY_ZEROS = 10
"""More than one zero byte in this many is not text: UTF-16 without a byte order mark, or a binary format."""

DELIMITERS = (",", ";", "\t", "|")
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_MAGIC = {
    b"\x1f\x8b": "It is compressed with gzip. Unpack it first.",
    b"PK\x03\x04": "It is a workbook or a zip archive. Save the sheet as CSV.",
    b"\xd0\xcf\x11\xe0": "It is an Excel workbook. Save the sheet as CSV.",
    b"%PDF": "It is a PDF. Export the table as CSV.",
}


@dataclass(frozen=True)
class TextRecord:
    """One record: its cells or the reason it could not be read, and its first physical line."""

    line: int
    cells: tuple[str, ...] = ()
    fault: str = ""


def decode(name: str, data: bytes) -> str:
    """
    Decode a file as UTF-8, or as UTF-16 with a byte order mark; the mark is dropped.

    A line that is not UTF-8 is decoded as Windows-1252.

    Raises:
        FileError: The file is empty, too large, or not text.
    """
    if len(data) > LARGEST_BYTES:
        raise FileError(f"It is larger than {LARGEST_BYTES >> 20} MB, which no inventory is.", file=name)
    for magic, cure in _MAGIC.items():
        if data.startswith(magic):
            raise FileError(cure, file=name)
    if not data.startswith(_UTF_16) and data.count(0) * MANY_ZEROS > len(data):
        raise FileError("It is full of zero bytes, so it is not a text. Save it as CSV in UTF-8.", file=name)
    text = text_of(data)
    if not text.strip():
        raise FileError("It is empty. A file needs a header line and a row.", file=name)
    return text


def text_of(data: bytes) -> str:
    """Decode bytes without failing: UTF-8, UTF-16 with a byte order mark, and any other line as Windows-1252."""
    if data.startswith(_UTF_16):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "".join(map(_decoded_line, data.removeprefix(codecs.BOM_UTF8).splitlines(keepends=True)))


def _decoded_line(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("cp1252", errors="replace")


def records(text: str) -> Iterator[TextRecord]:
    """Yield records, skipping blank lines; the delimiter is the most frequent one in the first non-blank line."""
    lines = list(io.StringIO(text, newline=""))
    first = next((line for line in lines if line.strip()), "")
    delimiter = max(DELIMITERS, key=first.count)
    feed = _Feed(lines)
    while feed.at < len(lines):
        feed.begin = feed.at
        reader = csv.reader(feed, delimiter=delimiter, strict=True)
        try:
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    yield TextRecord(feed.begin + 1, tuple(cells))
                feed.begin = feed.at
        except csv.Error as exc:
            yield TextRecord(feed.begin + 1, fault=_fault(str(exc)))
            feed.at = feed.begin + 1


class _Feed:
    """Physical lines for one CSV reader; iteration ends early if a record spans more than ``LONGEST_RECORD`` lines."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.at = 0
        self.begin = 0

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        if self.at >= len(self.lines) or self.at - self.begin >= LONGEST_RECORD:
            raise StopIteration
        self.at += 1
        return self.lines[self.at - 1]


def _fault(message: str) -> str:
    if "field larger" in message:
        return f"A cell is longer than {csv.field_size_limit():,} characters. Shorten it."
    if "unexpected end" in message:
        return "A quote is opened and not closed. Close it, or take it out."
    return "A quote stands in the middle of a cell. Double it, or take it out."
