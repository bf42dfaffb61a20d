"""
Parser of timestamps in the documented format, ``2026-11-23 14:05:00+00``, a whole column at once.

The characters are processed as numbers. A time in any other format raises ``OddTextError``: the text reader accepts
more formats, and each text accepted here must mean the same there.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow
import pyarrow.compute

from dashboard.calls.ingest.misfits import NoCallError, OddTextError
from dashboard.core import clocks

STAMP = "2026-11-23 14:05:00+00"
EARLIEST = "2000-01-01"
_ZERO = ord("0")
_NINE = 9
_DATE = [at for at, mark in enumerate(STAMP[:10]) if mark != "-"]
_CLOCK = [STAMP.index(":") + at for at in (-2, -1, 1, 2, 4, 5)]
_MARKS = [(at, ord(mark)) for at, mark in enumerate(STAMP) if at not in {*_DATE, *_CLOCK}]
_SECONDS = (36_000, 3_600, 600, 60, 10, 1)
_MOST = (2, 9, 5, 9, 5, 9)
"""Maximum of each digit of the time of day."""

Bytes = npt.NDArray[np.uint8]
Seconds = npt.NDArray[np.int64]


def times_of(texts: pyarrow.Array, max_ahead: timedelta) -> pyarrow.Array:
    """
    Parse times.

    Args:
        texts: In the documented format; ``""`` for a missing time.
        max_ahead: How far in the future a time may be.

    Returns:
        UTC without a zone, in microseconds, as the store has them.

    Raises:
        OddTextError: A text is in another format, or not a time.
        NoCallError: A time is out of range.
    """
    lengths = pyarrow.compute.binary_length(texts).to_numpy()
    present = lengths > 0
    other = np.flatnonzero(present & (lengths != len(STAMP)))
    if len(other):
        raise OddTextError(texts[int(other[0])].as_py())
    stamps = characters(texts).reshape(-1, len(STAMP))
    epoch_s = _clock(stamps) + _days(stamps)
    earliest, latest = (
        np.datetime64(at, "s").astype(np.int64) for at in (EARLIEST, (clocks.now() + max_ahead).replace(tzinfo=None))
    )
    if len(epoch_s) and (epoch_s.min() < earliest or epoch_s.max() > latest):
        raise NoCallError("A time is not one of a call.")
    seconds = np.zeros(len(present), dtype=np.int64)
    seconds[present] = epoch_s
    return pyarrow.array(seconds.astype("datetime64[s]").astype("datetime64[us]"), mask=~present)


def characters(texts: pyarrow.Array) -> Bytes:
    """Return the bytes of all texts, concatenated."""
    _, offsets, data = texts.buffers()
    if data is None:
        return np.zeros(0, dtype=np.uint8)
    ends = np.frombuffer(offsets, dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    return np.frombuffer(data, dtype=np.uint8)[ends[0] : ends[-1]]


def _clock(stamps: Bytes) -> Seconds:
    """Return the seconds since midnight."""
    for at, mark in _MARKS:
        _refuse(stamps, stamps[:, at] != mark)
    digits = [stamps[:, at] - _ZERO for at in _CLOCK]
    for digit, most in zip(digits, _MOST, strict=True):
        _refuse(stamps, digit > most)
    _refuse(stamps, digits[0] * 10 + digits[1] >= 24)  # noqa: PLR2004 - hours of a day
    seconds = np.zeros(len(stamps), dtype=np.int32)
    for digit, worth in zip(digits, _SECONDS, strict=True):
        seconds += digit * np.int32(worth)
    return seconds.astype(np.int64)


def _days(stamps: Bytes) -> Seconds:
    """Return the start of each day in seconds since 1970; each distinct day is converted once."""
    number = np.zeros(len(stamps), dtype=np.int32)
    for at in _DATE:
        digit = stamps[:, at] - _ZERO
        _refuse(stamps, digit > _NINE)
        number = number * 10 + digit
    codes, distinct = pd.factorize(number)
    days = list[date]()
    try:
        days.extend(date(yyyymmdd // 10_000, yyyymmdd // 100 % 100, yyyymmdd % 100) for yyyymmdd in distinct.tolist())
    except ValueError:  # the list has the valid days before the first invalid one
        _refuse(stamps, codes == len(days))
        raise
    begins: Seconds = np.array(days, dtype="datetime64[s]").astype(np.int64)[codes]
    return begins


def _refuse(stamps: Bytes, is_odd: npt.NDArray[np.bool_]) -> None:
    """Raise ``OddTextError`` for the first text to refuse, if there is one."""
    if is_odd.any():
        raise OddTextError(stamps[np.argmax(is_odd)].tobytes().decode())
