"""
Roll-up ``traffic`` of a day whose calls are in memory as columns.

The result equals that of ``sql/rollup.sql`` for the same calls. A day that arrives in several pieces is aggregated
piece by piece, and the partial roll-ups are then added.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow
import pyarrow.compute

from dashboard.calls.store.own_numbers import EVERY_NUMBER, OwnNumbers
from dashboard.sip import call_outcomes

HOUR_S = 3600
KEYS = ("hour_at", "direction", "source_ip", "x_tag", "number", "outcome", "sip_status", "sip_reason", "zone")
SUMS = ("calls", "short_calls", "duration_s", "billed_s", "cost_usd")
ENDS = (("first_at", "min"), ("last_at", "max"))
_MONEY = pyarrow.decimal128(18, 8)


def roll_up(calls: pyarrow.Table, own_numbers: OwnNumbers = EVERY_NUMBER) -> pyarrow.Table:
    """
    Aggregate calls into hourly roll-up rows.

    Args:
        calls: As returned by ``columnar.Columns.rows``, with dictionary-encoded text columns.
        own_numbers: Caller IDs that the roll-up keeps in its key.

    Returns:
        One row per hour and combination of ``KEYS``, with the store's types, ordered by hour.

    Raises:
        ValueError: A sum exceeds what the store can hold.
    """
    compute = pyarrow.compute
    columns = {name: as_one_array(calls[name]) for name in calls.column_names}
    inbound, untagged, is_answered = (
        equals_text(columns[name], text)
        for name, text in (("direction", "inbound"), ("x_tag", ""), ("outcome", "answered"))
    )
    number = compute.if_else(inbound, _text(columns["destination"]), "")
    if compute.any(untagged).as_py():
        callers = _text(columns["caller_id"])
        told_apart = compute.and_(untagged, compute.invert(inbound))
        if own_numbers.numbers is not None:
            told_apart = compute.and_(told_apart, compute.is_in(callers, value_set=own_numbers.array))
        number = compute.if_else(told_apart, callers, number)
    seconds = columns["started_at"].cast(pyarrow.timestamp("s")).cast(pyarrow.int64())
    short = compute.and_(
        is_answered, compute.fill_null(compute.less(columns["duration_s"], call_outcomes.SHORT_S), False)
    )
    texts = {"zone": "destination_name"} | {name: name for name in KEYS if name not in {"hour_at", "number", "zone"}}
    coded = {key: columns[name] for key, name in texts.items()}
    rows = pyarrow.table(
        {
            "hour_at": compute.divide(seconds, HOUR_S),
            "number": number,
            **{key: _codes(column) for key, column in coded.items()},
            "calls": pyarrow.repeat(pyarrow.scalar(1, pyarrow.int64()), len(calls)),
            "short_calls": short.cast(pyarrow.int64()),
            **{name: columns[name] for name in ("duration_s", "billed_s", "cost_usd")},
            "first_at": columns["started_at"],
            "last_at": columns["started_at"],
        }
    )
    added = _add_up(rows)
    added = added.take(np.argsort(added["hour_at"].to_numpy(), kind="stable"))
    hours = compute.multiply(added["hour_at"], HOUR_S).cast(pyarrow.timestamp("s")).cast(pyarrow.timestamp("us"))
    texts_by_key = {key: _decode(column, as_one_array(added[key])) for key, column in coded.items()}
    return pyarrow.table(
        {name: {"hour_at": hours, **texts_by_key}.get(name, added[name]) for name in added.column_names}
    )


def combine(pieces: Sequence[pyarrow.Table]) -> pyarrow.Table:
    """Add the partial roll-ups of a day."""
    if len(pieces) == 1:
        return pieces[0]
    plain = [pyarrow.table({name: _plain(piece[name]) for name in piece.column_names}) for piece in pieces]
    return _add_up(pyarrow.concat_tables(plain))


def _add_up(rows: pyarrow.Table) -> pyarrow.Table:
    aggregations = [*((name, "sum") for name in SUMS), *ENDS]
    added = rows.group_by(list(KEYS), use_threads=False).aggregate(aggregations)
    sums = {name: pyarrow.compute.fill_null(added[f"{name}_sum"], 0).cast(pyarrow.int64()) for name in SUMS[:-1]}
    cost = pyarrow.compute.fill_null(added["cost_usd_sum"], 0).cast(_MONEY)
    ends = {name: added[f"{name}_{end}"] for name, end in ENDS}
    return pyarrow.table({**{key: added[key] for key in KEYS}, **sums, "cost_usd": cost, **ends})


def as_one_array(column: pyarrow.ChunkedArray) -> pyarrow.Array:
    """Return a column as one array, without a copy if it has one chunk."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def equals_text(texts: pyarrow.DictionaryArray, text: str) -> pyarrow.BooleanArray:
    """Return which texts equal ``text``; only distinct values are compared."""
    return pyarrow.compute.equal(texts.dictionary, text).take(texts.indices)


def _text(column: pyarrow.Array) -> pyarrow.Array:
    return column.dictionary_decode() if isinstance(column, pyarrow.DictionaryArray) else column


def _codes(column: pyarrow.Array) -> pyarrow.Array:
    return column.indices if isinstance(column, pyarrow.DictionaryArray) else column


def _decode(column: pyarrow.Array, codes: pyarrow.Array) -> pyarrow.Array:
    if not isinstance(column, pyarrow.DictionaryArray):
        return codes
    return pyarrow.DictionaryArray.from_arrays(codes, column.dictionary)


def _plain(column: pyarrow.ChunkedArray) -> pyarrow.ChunkedArray:
    kind = column.type
    return column.cast(kind.value_type) if pyarrow.types.is_dictionary(kind) else column
