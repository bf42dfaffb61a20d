"""64-bit row fingerprints for duplicate detection among calls in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow
import pyarrow.compute

from dashboard.calls.ingest.timestamps import characters

Numbers = npt.NDArray[np.uint64]

WORD = 8
"""Bytes of a fingerprint. Only the first and the last word of a text are hashed: both ends of a telephone number."""
_WITHIN = np.array([(1 << 8 * size) - 1 for size in range(WORD)] + [(1 << 64) - 1], dtype=np.uint64)
"""Mask of a text's own bytes in its first word, by text length."""
_WHOLE = np.array([0] * WORD + [(1 << 64) - 1], dtype=np.uint64)


def fingerprint_rows(calls: Mapping[str, pyarrow.Array]) -> Numbers:
    """
    Return a fingerprint of each call, computed from the columns in which two calls are most likely to differ.

    Equal calls have equal fingerprints, so calls whose fingerprints all differ contain no duplicate. DuckDB compares
    any others in every column. Fingerprints are the same on every machine and in every version of DuckDB.

    Args:
        calls: Columns by name, as ``columnar.Columns`` makes them.
    """
    fingerprints: Numbers = np.zeros(len(calls["started_at"]), dtype=np.uint64)
    factors = iter(_FACTORS)
    for name, words in _WORDS.items():
        for word in words(calls[name]):
            fingerprints += word * next(factors)
    return fingerprints


def _whole(column: pyarrow.Array) -> list[Numbers]:
    numbers = column.cast(pyarrow.int64())
    return [(numbers.fill_null(-1) if numbers.null_count else numbers).to_numpy().view(np.uint64)]


def _time(column: pyarrow.Array) -> list[Numbers]:
    return _whole(column.view(pyarrow.int64()))


def _dollars(column: pyarrow.Array) -> list[Numbers]:
    """Return the low 64 bits of decimals, which hold the whole amount of a call; zero for a missing amount."""
    halves = np.frombuffer(column.buffers()[1], dtype=np.uint64).reshape(-1, 2)
    return [halves[column.offset : column.offset + len(column), 0]]


def _hash_distinct(column: pyarrow.DictionaryArray) -> list[Numbers]:
    """Return a hash of each text, computed once per distinct text."""
    texts = np.array(column.dictionary.to_pylist(), dtype=object)
    return [pd.util.hash_array(texts, categorize=False)[column.indices.to_numpy()]]


def _text(column: pyarrow.Array) -> list[Numbers]:
    """Return the length of each text, its first word and its last word."""
    data = np.concatenate((characters(column), np.zeros(WORD, dtype=np.uint8)))
    word = np.ndarray(len(data) - WORD + 1, np.dtype("<u8"), data, strides=(1,))
    length = pyarrow.compute.binary_length(column).to_numpy()
    end = np.cumsum(length, dtype=np.int64)
    short = np.minimum(length, WORD)
    first = word[end - length] & _WITHIN[short]
    last = word[np.maximum(end - WORD, 0)] & _WHOLE[short]
    return [length.astype(np.uint64), first, last]


_WORDS: dict[str, Callable[[pyarrow.Array], list[Numbers]]] = {
    **dict.fromkeys(("started_at", "ended_at"), _time),
    **dict.fromkeys(("duration_s", "sip_status", "source_port"), _whole),
    "cost_usd": _dollars,
    **dict.fromkeys(("destination", "caller_id"), _text),
    **dict.fromkeys(("source_ip", "x_tag", "result"), _hash_distinct),
}
"""Hash inputs of each column."""
_FACTORS = np.array(
    [int.from_bytes(hashlib.blake2b(bytes([at]), digest_size=WORD).digest(), "little") | 1 for at in range(32)],
    np.uint64,
)
"""Odd pseudo-random factors: rows that differ in a word differ in the sum, except for about one in 2**60."""
