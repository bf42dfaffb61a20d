"""
Times of an export in the documented form, ``2026-11-23 14:05:00+00``, all of a column at once.

Their characters are looked at as numbers. A time in any other form is a ``ValueError``: who reads texts one by one
makes more of them, and nothing here may mean anything else there.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow
import pyarrow.compute

STAMP = "2026-11-23 14:05:00+00"
EARLIEST = "2000-01-01"
_ZERO, _NINE = ord("0"), 9
_DATE = [at for at, mark in enumerate(STAMP[:10]) if mark != "-"]
_CLOCK = [STAMP.index(":") + at for at in (-2, -1, 1, 2, 4, 5)]
_MARKS = [at for at in range(len(STAMP)) if at not in {*_DATE, *_CLOCK}]
_MARKED = np.frombuffer("".join(STAMP[at] for at in _MARKS).encode(), dtype=np.uint8)
_PLACES = 10 ** np.arange(len(_DATE) - 1, -1, -1, dtype=np.int64)
_SECONDS = np.array([36_000, 3_600, 600, 60, 10, 1], dtype=np.int64)

Bytes = npt.NDArray[np.uint8]
Seconds = npt.NDArray[np.int64]


def times_of(texts: pyarrow.Array, ahead: timedelta) -> pyarrow.Array:
    """
    Read times.

    Args:
        texts: In the documented form; ``""`` says that there is none.
        ahead: How far ahead of now a time may lie.

    Returns:
        UTC without a zone, in microseconds as the store has them.

    Raises:
        ValueError: A text is in another form, or its time is not one of a call.
    """
    lengths = pyarrow.compute.binary_length(texts).to_numpy()
    there = lengths > 0
    if not (lengths[there] == len(STAMP)).all():
        raise ValueError("A time is in another form.")
    stamps = characters(texts).reshape(-1, len(STAMP))
    said = _clock(stamps) + _days(stamps)
    earliest, latest = (
        np.datetime64(at, "s").astype(np.int64) for at in (EARLIEST, (datetime.now(UTC) + ahead).replace(tzinfo=None))
    )
    if len(said) and (said.min() < earliest or said.max() > latest):
        raise ValueError("A time is not one of a call.")
    seconds = np.zeros(len(there), dtype=np.int64)
    seconds[there] = said
    return pyarrow.array(seconds.astype("datetime64[s]").astype("datetime64[us]"), mask=~there)


def characters(texts: pyarrow.Array) -> Bytes:
    """Return the bytes of all texts, one after the other."""
    _, places, data = texts.buffers()
    if data is None:
        return np.zeros(0, dtype=np.uint8)
    ends = np.frombuffer(places, dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    return np.frombuffer(data, dtype=np.uint8)[ends[0] : ends[-1]]


def _clock(stamps: Bytes) -> Seconds:
    """Return the seconds of the day."""
    digits = stamps[:, _CLOCK] - _ZERO
    if (digits > _NINE).any() or (stamps[:, _MARKS] != _MARKED).any():
        raise ValueError("A time is in another form.")
    if len(digits) and (digits[:, [2, 4]].max() >= 6 or (digits[:, 0] * 10 + digits[:, 1]).max() >= 24):  # noqa: PLR2004 - of a clock
        raise ValueError("A time is not one.")
    seconds: Seconds = digits @ _SECONDS
    return seconds


def _days(stamps: Bytes) -> Seconds:
    """Return the seconds since 1970 at which the days begin; each day that there is is looked up once."""
    digits = stamps[:, _DATE] - _ZERO
    if (digits > _NINE).any():
        raise ValueError("A date is in another form.")
    places, said = pd.factorize(digits @ _PLACES)
    days = [date(number // 10_000, number // 100 % 100, number % 100) for number in said.tolist()]
    begins: Seconds = np.array(days, dtype="datetime64[s]").astype(np.int64)[places]
    return begins
