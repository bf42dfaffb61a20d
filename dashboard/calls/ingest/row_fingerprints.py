"""A number for each call of columns in memory, by which calls that differ are seen to differ."""

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
"""Bytes of a number. Of a text the first and the last word are looked at: both ends of a telephone number."""
_WITHIN = np.array([(1 << 8 * size) - 1 for size in range(WORD)] + [(1 << 64) - 1], dtype=np.uint64)
"""What of a text's first word is its own, by its length."""
_WHOLE = np.array([0] * WORD + [(1 << 64) - 1], dtype=np.uint64)


def row_numbers(calls: Mapping[str, pyarrow.Array]) -> Numbers:
    """
    Return a number for each call, made of what two calls are least likely to share.

    Equal calls have equal numbers, so calls whose numbers all differ are as many calls. Others are compared
    in every column by the engine. The numbers are the same on every machine and in every version of the engine.

    Args:
        calls: Columns as ``columnar.Columns`` makes them, by name.
    """
    found: Numbers = np.zeros(len(calls["started_at"]), dtype=np.uint64)
    factors = iter(_FACTORS)
    for name, words in _WORDS.items():
        for word in words(calls[name]):
            found += word * next(factors)
    return found


def _whole(column: pyarrow.Array) -> list[Numbers]:
    numbers = column.cast(pyarrow.int64())
    return [(numbers.fill_null(-1) if numbers.null_count else numbers).to_numpy().view(np.uint64)]


def _time(column: pyarrow.Array) -> list[Numbers]:
    return _whole(column.view(pyarrow.int64()))


def _dollars(column: pyarrow.Array) -> list[Numbers]:
    """Return the low half of decimals, which holds all of an amount of a call; of one that is missing it is zero."""
    halves = np.frombuffer(column.buffers()[1], dtype=np.uint64).reshape(-1, 2)
    return [halves[column.offset : column.offset + len(column), 0]]


def _few(column: pyarrow.DictionaryArray) -> list[Numbers]:
    """Return a number for each text, made out once for each distinct one."""
    texts = np.array(column.dictionary.to_pylist(), dtype=object)
    return [pd.util.hash_array(texts, categorize=False)[column.indices.to_numpy()]]


def _text(column: pyarrow.Array) -> list[Numbers]:
    """Return the length of texts, their first and their last word."""
    data = np.concatenate((characters(column), np.zeros(WORD, dtype=np.uint8)))
    word = np.ndarray(len(data) - WORD + 1, np.dtype("<u8"), data, strides=(1,))
    length = pyarrow.compute.binary_length(column).to_numpy()
    end, short = np.cumsum(length, dtype=np.int64), np.minimum(length, WORD)
    first, last = word[end - length] & _WITHIN[short], word[np.maximum(end - WORD, 0)] & _WHOLE[short]
    return [length.astype(np.uint64), first, last]


_WORDS: dict[str, Callable[[pyarrow.Array], list[Numbers]]] = {
    **dict.fromkeys(("started_at", "ended_at"), _time),
    **dict.fromkeys(("duration_s", "sip_status", "source_port"), _whole),
    "cost_usd": _dollars,
    **dict.fromkeys(("destination", "caller_id"), _text),
    **dict.fromkeys(("source_ip", "x_tag", "result"), _few),
}
"""What is looked at of each column."""
_FACTORS = np.array(
    [int.from_bytes(hashlib.blake2b(bytes([at]), digest_size=WORD).digest(), "little") | 1 for at in range(32)],
    np.uint64,
)
"""Odd, without a pattern: what differs in a word then differs in the sum, but for one in 2**60 or so."""
