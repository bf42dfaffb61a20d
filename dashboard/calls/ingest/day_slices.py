"""
Byte ranges of days within an export file that is ordered by time.

Reading one range at a time is cheaper than sorting rows into folders. This module assumes that the file is ordered; the
reader verifies it by raising an error for a call of another day than its range's.
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
"""Minimum average bytes per day: below it, starting a day costs more than sorting its rows into a folder."""
PIECE = 16 << 20
"""Bytes read at a time: about sixty thousand calls, which become one row group of a part."""
A_LINE = 1 << 10
LONGEST_LINE = 1 << 16
"""Maximum bytes of a line at a day boundary. A row has about 250; a file with a longer line there is not split."""
DOCUMENTED = "2026-11-23 14:05:00+00"


@dataclass(frozen=True)
class Stretch:
    """Byte range of a file that holds the calls of one day."""

    day: date
    begin: int
    end: int


class Days:
    """An export file split into days. Safe to share between threads."""

    def __init__(self, descriptor: int, columns: tuple[str, ...]) -> None:
        self._descriptor = descriptor
        self._columns = columns
        self._end = os.fstat(descriptor).st_size

    def stretches(self) -> list[Stretch]:
        """Return the days in order; empty if the file is unordered, in another format, or has too few bytes per day."""
        try:
            return list(self._found())
        except (ValueError, csv.Error):
            return []

    def pieces(self, group: Sequence[Stretch], on_progress: Callable[[float], None]) -> Iterator[bytes]:
        """
        Yield the lines of consecutive days, some megabytes at a time.

        Args:
            group: The days.
            on_progress: Called before each piece with the share done.

        Raises:
            ValueError: A line is too long.
        """
        begin = group[0].begin
        last = group[-1].end
        size = last - begin
        piece_size = -(-size // -(-size // PIECE))
        while begin < last:
            on_progress(1 - (last - begin) / size)
            end = last if last - begin <= piece_size else self._next(begin + piece_size)
            yield self._read(begin, end - begin)
            begin = end

    def _found(self) -> Iterator[Stretch]:
        begin = self._next(0)
        if b"\r" in self._read(0, begin).rstrip(b"\r\n"):
            raise ValueError
        first = self._day_of(begin)
        last = self._day_of(self._last_line(self._end))
        if last < first or self._end < LEAST_BYTES * (last - first).days:
            raise ValueError
        while begin < self._end:
            day = self._day_of(begin)
            after = self._end if day == last else self._first_after(day, begin)
            self._last_line(after)
            yield Stretch(day, begin, after)
            begin = after

    def _first_after(self, day: date, begin: int) -> int:
        """Return the position of the first line of a later day, starting from a line of ``day``."""

        def is_later(position: int) -> bool:
            line = self._next(position)
            return line == self._end or self._day_of(line) > day

        return self._next(begin + bisect_left(range(begin, self._end), x=True, key=is_later))

    def _next(self, position: int) -> int:
        """Return the position of the next line, or the end of the file."""
        for size in (A_LINE, LONGEST_LINE):
            text = self._read(position, size)
            line_feed = text.find(b"\n")
            if line_feed >= 0:
                return position + line_feed + 1
            if position + len(text) >= self._end:
                return self._end
        raise ValueError

    def _last_line(self, end: int) -> int:
        """Return the position of the line that ends at ``end``."""
        begin = max(0, end - LONGEST_LINE)
        line_feed = self._read(begin, end - begin).rstrip(b"\r\n").rfind(b"\n")
        if line_feed < 0:
            raise ValueError
        return begin + line_feed + 1

    def _day_of(self, begin: int) -> date:
        """
        Return the day of the call on a line.

        Raises:
            ValueError: The line is not a row, or its time is in another format.
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
    """Group consecutive small days: starting a new group costs as much as some thousand calls."""
    result: list[list[Stretch]] = []
    for stretch in stretches:
        if result and stretch.end - result[-1][0].begin <= PIECE:
            result[-1].append(stretch)
        else:
            result.append([stretch])
    return result


@contextmanager
def days_of(prepared: Prepared) -> Iterator[Days]:
    """Open a prepared file for splitting into days."""
    with prepared.path.open("rb") as file:
        yield Days(file.fileno(), prepared.columns)
