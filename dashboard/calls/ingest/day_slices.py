"""
Where the days of an export file begin: it is in order of time, so each day is a stretch of its lines.

A stretch is read by itself, which is cheaper than to sort rows into folders. That a file is in order is supposed
here and shown by who reads it: a call of another day than its stretch's is an error there.
"""

from __future__ import annotations

import csv
import os
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from dashboard.calls.ingest.files import Prepared

LEAST_BYTES = 1 << 18
"""Of a day, on average: with fewer, to begin with a day costs more than to sort its rows into a folder."""
PIECE = 16 << 20
"""Bytes: sixty thousand calls, which become a row group of a part."""
A_LINE = 1 << 10
LONGEST_LINE = 1 << 16
"""A row has about 250 bytes. A file with a longer line where a day begins or ends is not cut."""
DOCUMENTED = "2026-11-23 14:05:00+00"


@dataclass(frozen=True)
class Stretch:
    """The bytes of a file that hold the calls of one day."""

    day: date
    begin: int
    end: int


class Days:
    """An export file that is cut into its days. Safe to share between threads."""

    def __init__(self, descriptor: int, columns: tuple[str, ...]) -> None:
        self._descriptor, self._columns = descriptor, columns
        self._end = os.fstat(descriptor).st_size

    def stretches(self) -> list[Stretch]:
        """Return the days in order; none where the file is not in order, or in another form, or of too many days."""
        try:
            return list(self._found())
        except (ValueError, csv.Error):
            return []

    def pieces(self, group: Sequence[Stretch], tell: Callable[[float], None]) -> Iterator[bytes]:
        """
        Yield the lines of days that follow each other, some megabytes at a time.

        Args:
            group: The days.
            tell: Told before each piece which share of them is done.

        Raises:
            ValueError: A line is too long.
        """
        begin, last = group[0].begin, group[-1].end
        size = last - begin
        each = -(-size // -(-size // PIECE))
        while begin < last:
            tell(1 - (last - begin) / size)
            end = last if last - begin <= each else self._next(begin + each)
            yield self._read(begin, end - begin)
            begin = end

    def _found(self) -> Iterator[Stretch]:
        begin = self._next(0)
        if b"\r" in self._read(0, begin).rstrip(b"\r\n"):
            raise ValueError
        first, last = self._day_of(begin), self._day_of(self._last_line(self._end))
        if last < first or self._end < LEAST_BYTES * (last - first).days:
            raise ValueError
        while begin < self._end:
            day = self._day_of(begin)
            after = self._end if day == last else self._first_after(day, begin)
            self._last_line(after)
            yield Stretch(day, begin, after)
            begin = after

    def _first_after(self, day: date, begin: int) -> int:
        """Return where the first line of a later day begins, after a line of this one."""

        def is_later(position: int) -> bool:
            line = self._next(position)
            return line == self._end or self._day_of(line) > day

        return self._next(begin + bisect_left(range(begin, self._end), x=True, key=is_later))

    def _next(self, position: int) -> int:
        """Return where the next line begins, or the end of the file."""
        for size in (A_LINE, LONGEST_LINE):
            text = self._read(position, size)
            found = text.find(b"\n")
            if found >= 0:
                return position + found + 1
            if position + len(text) >= self._end:
                return self._end
        raise ValueError

    def _last_line(self, end: int) -> int:
        """Return where the line before an end of a line begins."""
        begin = max(0, end - LONGEST_LINE)
        found = self._read(begin, end - begin).rstrip(b"\r\n").rfind(b"\n")
        if found < 0:
            raise ValueError
        return begin + found + 1

    def _day_of(self, begin: int) -> date:
        """
        Return the day of the call on a line.

        Raises:
            ValueError: It is no row, or its time is in another form.
        """
        line = self._read(begin, self._next(begin) - begin).decode("utf-8")
        row = dict(zip(self._columns, next(csv.reader([line], strict=True)), strict=True))
        text = row["start_time"]
        if len(text) != len(DOCUMENTED) or not text.endswith("+00"):
            raise ValueError
        return date.fromisoformat(text[:10])

    def _read(self, begin: int, size: int) -> bytes:
        return os.pread(self._descriptor, size, begin)


def groups(stretches: Sequence[Stretch]) -> list[list[Stretch]]:
    """Put days together that are small: to begin anew costs as much as some thousand calls."""
    found: list[list[Stretch]] = []
    for stretch in stretches:
        if found and stretch.end - found[-1][0].begin <= PIECE:
            found[-1].append(stretch)
        else:
            found.append([stretch])
    return found


@contextmanager
def days_of(prepared: Prepared) -> Iterator[Days]:
    """Open a prepared file to be cut into its days."""
    with prepared.path.open("rb") as file:
        yield Days(file.fileno(), prepared.columns)
