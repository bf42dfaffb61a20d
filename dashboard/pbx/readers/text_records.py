"""
Bytes become records: decoding, delimiter, quoted fields, and where each record begins.

RFC 4180, read with Python's ``csv`` in strict mode. A quote that is never closed would swallow the rest of the
file; here it costs its own line, which is reported, and reading goes on with the next.
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
"""Physical lines that one record may span: beyond that a quote was left open."""

MANY_ZEROS = 10
"""One zero byte in so many is no text: UTF-16 without its mark, or a program's own format."""

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
    """One record: its cells, or why it could not be read, and the physical line it begins on."""

    line: int
    cells: tuple[str, ...] = ()
    fault: str = ""


def decode(name: str, data: bytes) -> str:
    """
    Decode a file: UTF-8, or UTF-16 with its mark; a mark at the start is dropped.

    A line that is not UTF-8 is read in the Windows form of Latin-1.

    Raises:
        FileError: It is empty, too large, or not a text.
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
    """Decode bytes whatever they are: UTF-8, UTF-16 with its mark, a line of anything else as Latin-1."""
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
    """Read records, blank lines left out; the delimiter is the one that the first line has most of."""
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
    """Physical lines for one reader; ends early where a record spans too many of them."""

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


def _fault(said: str) -> str:
    if "field larger" in said:
        return f"A cell is longer than {csv.field_size_limit():,} characters. Shorten it."
    if "unexpected end" in said:
        return "A quote is opened and not closed. Close it, or take it out."
    return "A quote stands in the middle of a cell. Double it, or take it out."
