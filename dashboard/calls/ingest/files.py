"""
Preparation of an export file: decompression and decoding to plain UTF-8 text on disk.

Input may be gzip or plain, with or without a BOM, and in Latin-1. Everything streams; no file is held in memory. Gzip
is detected by content, not by name. Lines that are not UTF-8 are read as Latin-1, line by line, so that no row is lost
because of an accent.
"""

from __future__ import annotations

import codecs
import csv
import os
import stat
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from dashboard.calls.ingest.columns import KNOWN, REQUIRED
from dashboard.core.errors import FileError, StoreError
from dashboard.core.progress import no_progress
from dashboard.core.text import join

CHUNK = 1 << 20
GZIP = b"\x1f\x8b"
PADDING = b"\0\t\n\r "
"""Padding bytes allowed after gzip data."""
UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
LONG_LAST_LINE = 1 << 16
"""Maximum bytes of the last line; a row has about 250."""
HEADER_LINES = 20
"""Maximum lines of a header. A header is one line; a quoted line break is tolerated, but an unclosed quote must not
consume the file."""


@dataclass(frozen=True)
class UnpackLimits:
    """Limits that a genuine export does not exceed, so that a gzip bomb does not fill the disk."""

    unpacked_bytes: int = 64 << 30
    """Maximum unpacked size in bytes. Ten million calls are 3 GB."""
    ratio: int = 200
    """Maximum compression ratio. Exports unpack to 4 to 15 times their size; a bomb to a thousand times."""
    ratio_from_bytes: int = 8 << 20
    """Unpacked size up to which any ratio is accepted."""
    header_chars: int = 1 << 22
    columns: int = 512


LIMITS = UnpackLimits()


@dataclass(frozen=True)
class Prepared:
    """An export file ready for parsing."""

    name: str
    path: Path
    """Plain text, possibly with a BOM; the file itself or a copy in the work folder."""
    columns: tuple[str, ...]
    """Name of each column: the documented one, or ``ignored_N``."""
    header_lines: int
    """Number of physical lines before the first row."""
    cut: bool = False
    """The gzip data is truncated; ``path`` holds the complete lines before the cut."""
    cut_text: str = ""
    """Remainder of the truncated last line."""
    long_line: bool = False
    """The last line is longer than any row; DuckDB drops such a line silently."""
    odd_header: bool = False
    """The header has invalid CSV quoting; DuckDB would read rows as part of it."""

    @property
    def is_regular(self) -> bool:
        """Whether every reader finds the same rows after the header."""
        return self.header_lines == 1 and not self.long_line and not self.odd_header


def prepare(
    path: Path, work: Path, limits: UnpackLimits = LIMITS, check: Callable[[], object] = no_progress
) -> Prepared:
    """
    Unpack and decode an export file and read its header.

    Args:
        path: The export file.
        work: Folder for copies; the caller removes it.
        limits: Limits that a genuine file does not exceed.
        check: Called before each part of the file; an exception ends the work.

    Raises:
        FileError: The file cannot be used at all; the message gives the reason and the remedy.
        StoreError: A copy cannot be written.
    """
    name = path.name or str(path)
    plain = path
    cut = False
    cut_text = ""
    try:
        if not stat.S_ISREG(path.stat().st_mode) and not path.is_dir():
            raise FileError("It is not a file on disk. Save it as one, then import that.", file=name)
        with path.open("rb") as source:
            start = source.read(4)
            source.seek(0)
            if not start:
                raise FileError("The file is empty (zero bytes). Export it again.", file=name)
            if start.startswith(UTF16) or (b"\0" in start[:2] and not start.startswith(b"\0\0")):
                raise FileError("The file is in UTF-16. Save it as CSV in UTF-8.", file=name)
            if start.startswith(GZIP):
                plain = work / "unpacked.csv"
                cut = _unpack(source, plain, name, limits, check)
        if cut:
            cut_text = _drop_last_line(plain)
        if cut and plain.stat().st_size == 0:
            raise FileError("The gzip data ends before its first whole line. Download the file again.", file=name)
        if plain.stat().st_size == 0:
            raise FileError("There is nothing in the file once it is unpacked. Export it again.", file=name)
        try:
            columns, header_lines = _header(plain, name, limits)
        except UnicodeDecodeError:
            plain = _as_utf8(plain, work / "utf8.csv", check)
            columns, header_lines = _header(plain, name, limits)
        odd_header = _breaks_rules(plain, header_lines, limits)
        return Prepared(name, plain, columns, header_lines, cut, cut_text, _ends_long(plain), odd_header)
    except OSError as exc:
        raise FileError(
            f"The file cannot be read: {exc.strerror or exc}. Check its name and its rights.", file=name
        ) from exc


def as_utf8(prepared: Prepared, work: Path, check: Callable[[], object]) -> Prepared | None:
    """
    Return a copy in UTF-8 of a file that is not in UTF-8.

    Args:
        prepared: The file.
        work: Folder for a copy.
        check: Called before each part of the file; an exception ends the work.

    Returns:
        The copy; ``None`` if the file is in UTF-8.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with prepared.path.open("rb") as file:
            while chunk := file.read(CHUNK):
                check()
                decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return replace(prepared, path=_as_utf8(prepared.path, work / "utf8.csv", check))
    return None


def _unpack(source: BinaryIO, target: Path, name: str, limits: UnpackLimits, check: Callable[[], object]) -> bool:
    """Unpack every gzip member; return True if the data ends before the end of the last one."""
    packed_bytes = unpacked_bytes = 0
    member: zlib._Decompress | None = None
    with copy_to(target) as write_chunk:
        while packed := source.read(CHUNK):
            check()
            packed_bytes += len(packed)
            while packed:
                if member is None:
                    packed = packed.lstrip(PADDING) if unpacked_bytes else packed
                    if not packed:
                        break
                    member = zlib.decompressobj(wbits=31)
                try:
                    data = member.decompress(packed, CHUNK)
                except zlib.error as exc:
                    raise FileError(
                        "The gzip data is damaged, so none of it can be trusted and nothing was taken. "
                        "Download the file again.",
                        file=name,
                    ) from exc
                packed = member.unused_data if member.eof else member.unconsumed_tail
                unpacked_bytes += len(data)
                _refuse_bomb(packed_bytes - len(packed), unpacked_bytes, name, limits)
                write_chunk(data)
                if member.eof:
                    member = None
    return member is not None


def _refuse_bomb(packed_bytes: int, unpacked_bytes: int, name: str, limits: UnpackLimits) -> None:
    if unpacked_bytes > limits.unpacked_bytes:
        raise FileError(
            f"The file unpacks to more than {limits.unpacked_bytes:,} bytes. Export a shorter window.", file=name
        )
    if unpacked_bytes > limits.ratio_from_bytes and unpacked_bytes > packed_bytes * limits.ratio:
        raise FileError(
            f"The file unpacks to more than {limits.ratio} times its size, which no export of calls does "
            "(a gzip bomb?). Nothing was taken; download it again from the carrier.",
            file=name,
        )


def _drop_last_line(path: Path) -> str:
    """Truncate the file after its last complete line; return the text removed."""
    with path.open("r+b") as file:
        position = file.seek(0, os.SEEK_END)
        tail = b""
        while position and b"\n" not in tail:
            step = min(position, CHUNK)
            position = file.seek(position - step)
            tail = file.read(step) + tail
        whole, newline, incomplete = tail.rpartition(b"\n")
        file.truncate(position + len(whole) + len(newline))
    return incomplete.decode("utf-8", "replace")


def _ends_long(path: Path) -> bool:
    """Return whether the last line is longer than any row can be."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - CHUNK))
        tail = file.read(CHUNK).rstrip(b"\r\n")
    return len(tail) > LONG_LAST_LINE and b"\n" not in tail and b"\r" not in tail


def _as_utf8(source: Path, target: Path, check: Callable[[], object]) -> Path:
    unchecked_bytes = CHUNK
    with source.open("rb") as file, copy_to(target) as write_chunk:
        if file.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:  # Latin-1 would turn the BOM into letters
            file.seek(0)
        while line := file.readline(CHUNK):
            unchecked_bytes += len(line)
            if unchecked_bytes > CHUNK:
                check()
                unchecked_bytes = 0
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                line = line.decode("latin-1").encode("utf-8")
            write_chunk(line)
    return target


@contextmanager
def copy_to(target: Path) -> Iterator[Callable[[bytes], object]]:
    """
    Open a copy in the work folder; yield its write function.

    Raises:
        StoreError: The disk rejects the write, which is not a fault of the source file.
    """

    def write_chunk(data: bytes) -> None:
        try:
            out.write(data)
        except OSError as exc:
            raise full(exc) from exc

    def full(exc: OSError) -> StoreError:
        return StoreError(
            f"A copy of the file cannot be written to {target.parent}: {exc.strerror or exc}. "
            "The calls already stored are as they were; free some space, then try again."
        )

    try:
        out = target.open("wb")
    except OSError as exc:
        raise full(exc) from exc
    try:
        yield write_chunk
        try:
            out.flush()
        except OSError as exc:
            raise full(exc) from exc
    finally:
        with suppress(OSError):
            out.close()


def read_lines(path: Path, longest: int, *, as_is: bool = False) -> Iterator[str]:
    """
    Yield physical lines, each with its line end; split a line longer than ``longest`` into pieces.

    Args:
        path: UTF-8 text, with or without a BOM.
        longest: Maximum characters of a piece.
        as_is: Keep each line end as in the file; otherwise every line ends in a line feed.
    """
    with path.open(encoding="utf-8-sig", newline="" if as_is else None) as file:
        while line := file.readline(longest):
            yield line


def _breaks_rules(path: Path, header_lines: int, limits: UnpackLimits) -> bool:
    """Return whether the header has invalid quoting."""
    lines = islice(read_lines(path, limits.header_chars), header_lines)
    try:
        list(csv.reader(lines, strict=True))
    except csv.Error:
        return True
    return False


def _refuse_delimiter(header: list[str], name: str) -> None:
    for mark, word in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        if set(REQUIRED) <= {text.strip().lower() for text in ",".join(header).split(mark)}:
            raise FileError(
                f"The columns are separated by {word}. Save the file with commas, as the carrier exports it.",
                file=name,
                line=1,
            )


def _header(path: Path, name: str, limits: UnpackLimits) -> tuple[tuple[str, ...], int]:
    lines = islice(read_lines(path, limits.header_chars), HEADER_LINES)
    reader = csv.reader(lines)
    try:
        header = next((row for row in reader if row), [])
    except csv.Error as exc:
        raise FileError("The first line cannot be read as column names.", file=name, line=1) from exc
    if len(header) > limits.columns:
        raise FileError(
            f"The first line names {len(header):,} columns; an export of calls has about 25. "
            "Is this another kind of file?",
            file=name,
            line=1,
        )
    names = [text.strip().strip("\ufeff").lower() for text in header]
    missing = [column for column in REQUIRED if column not in names]
    if len(missing) == len(REQUIRED):
        _refuse_delimiter(header, name)
        raise FileError(
            "The first line names none of the columns of an export of calls "
            f"(such as {join(REQUIRED[:4], None)}). Is this another kind of file?",
            file=name,
            line=1,
        )
    if missing:
        word, verb = ("Column", "is") if len(missing) == 1 else ("Columns", "are")
        raise FileError(
            f"{word} {', '.join(missing)} {verb} missing. Export the file again with all columns.", file=name, line=1
        )
    twice = sorted({column for column in names if column in KNOWN and names.count(column) > 1})
    if twice:
        raise FileError(f"Column {', '.join(twice)} is there twice. Remove one.", file=name, line=1)
    columns = tuple(column if column in KNOWN else f"ignored_{number}" for number, column in enumerate(names, start=1))
    return columns, reader.line_num
