"""
Conversion of export lines in the documented format to columns of the store, using Arrow's CSV reader.

Input is complete lines as bytes; output is rows of the store. Another format, or a row that cannot be a call, raises
``ValueError``: another reader then reads the file and reports rows and reasons. A value accepted here has the same
meaning as there: numbers and addresses go through the same SQL macros, once per distinct text.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow
import pyarrow.compute
import pyarrow.csv

from dashboard.calls.ingest.columns import KNOWN, PARTS
from dashboard.calls.ingest.misfits import NoCallError, OddTextError
from dashboard.calls.ingest.rollup import as_one_array
from dashboard.calls.ingest.row_fingerprints import fingerprint_rows
from dashboard.calls.ingest.timestamps import characters, times_of
from dashboard.calls.store.engine import Engine
from dashboard.sip import call_outcomes

TEXTS = {
    "direction": "direction",
    "number_alias": "number_alias",
    "destination_name": "destination_name",
    "callerid_country": "caller_id_country",
    "line_information": "line_information",
    "result": "result",
    "call_fail_reason": "sip_reason",
    "custom_x_tag": "x_tag",
}
"""Columns of few distinct texts, with their names in the store."""
IDS = {"sip_callid": "sip_call_id", "cdr_id": "id"}
NUMBERS = {"destination": "destination", "callerid": "caller_id"}
TIMES = {"start_time": ("started_at", timedelta(days=1)), "end_time": ("ended_at", timedelta(days=10))}
"""Time columns, with their names in the store and how far in the future they may be: clocks differ, and calls end
later."""
WHOLE = {
    "call_fail_sip_code": "sip_status",
    "duration": "duration_s",
    "billed_duration": "billed_s",
    "first_increment": "first_increment_s",
    "subsequent_increment": "next_increment_s",
}
USD = {
    "rate": "rate_usd_per_min",
    "cost_subtotal": "subtotal_usd",
    "connect_fee": "connect_fee_usd",
    "usf_fee": "usf_fee_usd",
    "ccrf": "ccrf_usd",
    "cnam_lookup_fee": "cnam_fee_usd",
    "total_cost": "cost_usd",
}

BLANKS = " \t\n\r"
MISSING_NUMBERS = ["", "N/A", "n/a", "NULL", "null", "Null"]
"""Texts that stand for a missing number."""
MOST_WHOLE = 1 << 20
"""Maximum whole number: up to here a binary float keeps any fraction that DuckDB would see in nine digits. No call
lasts this long."""
DOLLARS = pyarrow.decimal128(18, 8)
MOST_USD, PARTS_OF_USD, LEAST_OF_USD = 10_000, 10**8, 1e-3
"""Maximum amount of a call in dollars; the store's units per dollar; maximum rounding error of a float in such
units."""
BLOCK = 1 << 21
"""Bytes that Arrow parses at a time, sized for the processor cache."""
SLICE = 1 << 19
"""Bytes scanned at a time, sized for the processor cache."""
LONGEST_LINE = 1 << 16
"""Maximum bytes of a line. A row has about 250; DuckDB rejects a line of two million."""
_NO_NUMBER = re.compile(r"conversion error to double: invalid value '(.*)'", re.DOTALL)
"""Arrow's message for a text in a column of numbers."""
_RAGGED = re.compile(r"Expected (\d+) columns, got (\d+)")
"""Arrow's message for a row with another number of values."""
NO_CALL_FROM = 1e9
"""Lower limit of the whole numbers that DuckDB rejects, because they have more than nine digits."""
ROUNDING = 1e-6
"""Absolute difference above which DuckDB does not round a value to a valid one."""
_QUOTE = ord('"')
_LINE_FEED = ord("\n")
_ZERO = ord("0")
_NINE = 9
_BEFORE, _AFTER = (np.frombuffer(marks, dtype=np.uint8) for marks in (b',\n"', b',\r\n"'))
"""Bytes allowed before and after a quote: a value boundary or a second quote."""

Customers = dict[str, tuple[str, int | None, bool]]
"""By text of ``customer_ip``: address, port, and whether the text is invalid for an outbound call."""
MOST_REMEMBERED = 100_000
"""Maximum cached texts of ``Customers``: each call may have its own port, and memory must not grow with the calls."""


class Columns:
    """Converter of one file's lines to rows. Safe to share between threads."""

    def __init__(self, names: Sequence[str], engine: Engine, customers: Customers) -> None:
        """Store the file's column names (as in ``files.Prepared``), the SQL engine, and the addresses parsed so far."""
        self._names = tuple(names)
        self._engine = engine
        self._customers = customers
        self._there = [name for name in names if name in KNOWN]

    def rows(self, lines: bytes) -> pyarrow.Table:
        """
        Return the calls of some lines in the form of a store part.

        Args:
            lines: Complete lines without the header.

        Raises:
            ValueError: The lines are in another format, or a row is not a call; ``NoCallError`` if that is certain,
                ``OddTextError`` if a time or number is in another form.
            StoreError: DuckDB failed.
        """
        count = _refuse_forms(lines)
        table = self._read(lines)
        if len(table) != count:
            raise ValueError("A value has a line break, or a line is empty.")
        columns = self._texts(table) | self._values(table)
        columns |= {stored: self._number(table, name) for name, stored in NUMBERS.items()}
        columns |= {stored: times_of(_of(table, name), max_ahead) for name, (stored, max_ahead) in TIMES.items()}
        if columns["started_at"].null_count:
            raise NoCallError("A call has no time.")
        inbound = _is_inbound(columns["direction"])
        columns |= self._customer(table["customer_ip"], inbound)
        columns["outcome"] = _outcomes(columns)
        columns |= {
            "row_hash": pyarrow.array(fingerprint_rows(columns)),
            "nth": pyarrow.array(np.zeros(count, dtype=np.int32)),
        }
        return pyarrow.table({name: columns[name] for name in PARTS["calls"]})

    def _read(self, lines: bytes) -> pyarrow.Table:
        dictionary_text = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
        text = pyarrow.string()
        kinds: dict[str, pyarrow.DataType] = (
            dict.fromkeys((*TEXTS, "customer_ip"), dictionary_text)
            | dict.fromkeys((*IDS, *NUMBERS, *TIMES), text)
            | dict.fromkeys((*WHOLE, *USD), pyarrow.float64())
        )
        read_options = pyarrow.csv.ReadOptions(use_threads=False, block_size=BLOCK, column_names=list(self._names))
        convert_options = pyarrow.csv.ConvertOptions(
            column_types={name: kinds[name] for name in self._there},
            include_columns=self._there,
            null_values=MISSING_NUMBERS,
            strings_can_be_null=False,
        )
        try:
            table = pyarrow.csv.read_csv(
                pyarrow.BufferReader(lines), read_options=read_options, convert_options=convert_options
            )
        except pyarrow.ArrowInvalid as exc:
            if odd := _NO_NUMBER.search(str(exc)):
                raise OddTextError(odd[1]) from exc
            if _is_ragged(lines, str(exc)):
                raise NoCallError("A row has another number of values.") from exc
            raise
        return table.unify_dictionaries().combine_chunks()

    def _texts(self, table: pyarrow.Table) -> dict[str, pyarrow.Array]:
        """Return texts without surrounding blanks; a missing text is ``""``."""
        texts = {stored: _trimmed(_of(table, name), lower=name == "direction") for name, stored in TEXTS.items()}
        ids_present = {name for name in IDS if name in table.column_names}
        return texts | {
            stored: pyarrow.compute.utf8_trim(_of(table, name), BLANKS) if name in ids_present else _of(table, name)
            for name, stored in IDS.items()
        }

    def _values(self, table: pyarrow.Table) -> dict[str, pyarrow.Array]:
        """Return whole numbers and amounts; raise ``ValueError`` for a value out of range."""
        numbers = pyarrow.float64()
        values = {stored: _whole(_of(table, name, numbers)) for name, stored in WHOLE.items()}
        values |= {stored: _dollars(_of(table, name, numbers)) for name, stored in USD.items()}
        raw_status = values["sip_status"]
        null = pyarrow.scalar(None, pyarrow.int32())
        status = pyarrow.compute.if_else(pyarrow.compute.equal(raw_status, 0), null, raw_status)
        try:
            _bounded(status, 100, 699)
        except ValueError as exc:
            raise NoCallError("A value is not a SIP status.") from exc
        return values | {"sip_status": status.cast(pyarrow.int16())}

    def _number(self, table: pyarrow.Table, name: str) -> pyarrow.Array:
        """Return telephone numbers as digits; DuckDB normalizes those with other characters."""
        texts = _of(table, name)
        if (characters(texts) - _ZERO <= _NINE).all():
            return texts
        encoded = texts.dictionary_encode()
        request = pyarrow.table({"said": encoded.dictionary, "place": np.arange(len(encoded.dictionary))})
        normalized = self._engine.fetch("numbers", {}, operation="read numbers", tables={"told": request}, macros=True)
        return as_one_array(normalized["number"]).take(encoded.indices)

    def _customer(self, texts: pyarrow.ChunkedArray, inbound: npt.NDArray[np.bool_]) -> dict[str, pyarrow.Array]:
        """Return source address and port; both must be valid for an outbound call."""
        customers = _trimmed(as_one_array(texts))
        ips, ports, odd = self._known_customers(customers.dictionary)
        if (np.array(odd, dtype=bool)[customers.indices.to_numpy()] & ~inbound).any():
            raise NoCallError("An address is not one.")
        return {
            "source_ip": _mapped(customers, ips),
            "source_port": pyarrow.array(ports, pyarrow.int32()).take(customers.indices),
        }

    def _known_customers(self, texts: pyarrow.Array) -> tuple[Sequence[str], Sequence[int | None], Sequence[bool]]:
        """Parse distinct texts of the column; reuse results of texts seen before."""
        customer_texts = texts.to_pylist()
        parsed = {text: self._customers[text] for text in customer_texts if text in self._customers}
        if new := [text for text in customer_texts if text not in parsed]:
            result = self._engine.fetch(
                "customers",
                {},
                operation="read addresses",
                tables={"told": pyarrow.table({"said": new})},
                macros=True,
            )
            columns = (result[name].to_pylist() for name in ("ip", "port", "odd"))
            parsed |= dict(zip(result["said"].to_pylist(), zip(*columns, strict=True), strict=True))
            if len(self._customers) + len(new) <= MOST_REMEMBERED:
                self._customers.update(parsed)
        ips, ports, odd = (
            zip(*(parsed[text] for text in customer_texts), strict=True) if customer_texts else ((), (), ())
        )
        return ips, ports, odd


def _refuse_forms(lines: bytes) -> int:
    """Refuse lines that this reader and DuckDB could interpret differently; return the number of lines."""
    if lines.startswith(codecs.BOM_UTF8):
        raise ValueError("A mark of the byte order stands before a row.")
    for begin in range(0, len(lines) - LONGEST_LINE, LONGEST_LINE):
        if lines.find(b"\n", begin, begin + LONGEST_LINE) < 0:
            raise ValueError("A line is too long.")
    data = np.frombuffer(lines, dtype=np.uint8)
    quote_positions = [np.zeros(0, dtype=np.int64)]
    count = int(not lines.endswith(b"\n"))
    for begin in range(0, len(data), SLICE):
        part = data[begin : begin + SLICE]
        quote_positions.append(np.flatnonzero(part == _QUOTE) + begin)
        count += int(np.count_nonzero(part == _LINE_FEED))
    quotes = np.concatenate(quote_positions)
    if len(quotes) % 2:
        raise ValueError("A quote is left open.")
    opening = quotes[::2]
    closing = quotes[1::2]
    before = data[opening[opening > 0] - 1]
    after = data[closing[closing < len(data) - 1] + 1]
    if not (np.isin(before, _BEFORE).all() and np.isin(after, _AFTER).all()):
        raise ValueError("A quote stands within a value.")
    return count


def _is_ragged(lines: bytes, message: str) -> bool:
    """
    Return whether an error of Arrow is due to a row with another number of values.

    DuckDB accepts one empty value more. Where a value has a line break, Arrow may count the values of a part of a row.
    """
    counts = _RAGGED.search(message)
    is_other = counts is not None and int(counts[2]) != int(counts[1]) + 1
    return is_other and not any(b"\n" in quoted for quoted in lines.split(b'"')[1::2])


def _outcomes(columns: dict[str, pyarrow.Array]) -> pyarrow.Array:
    """Return the outcome of each call, computed once per distinct combination of result, status and reason."""
    result = columns["result"]
    reason = columns["sip_reason"]
    status = columns["sip_status"].fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    combinations = (status * len(result.dictionary) + result.indices.to_numpy()) * len(reason.dictionary)
    codes, distinct = pd.factorize(combinations + reason.indices.to_numpy())
    words = result.dictionary.to_pylist()
    reasons = reason.dictionary.to_pylist()
    ends = []
    for combination in distinct.tolist():
        without_reason, of_reason = divmod(combination, len(reasons))
        code, of_word = divmod(without_reason, len(words))
        ends.append(call_outcomes.outcome(words[of_word], code or None, reasons[of_reason]))
    names = sorted(set(ends))
    codes_of_names = np.array([names.index(end) for end in ends], dtype=np.int32)
    return pyarrow.DictionaryArray.from_arrays(
        pyarrow.array(codes_of_names[codes]), pyarrow.array(names, pyarrow.string())
    )


def _is_inbound(direction: pyarrow.DictionaryArray) -> npt.NDArray[np.bool_]:
    words = direction.dictionary.to_pylist()
    if not set(words) <= {"inbound", "outbound"}:
        raise NoCallError("A direction is neither.")
    inbound = np.array([word == "inbound" for word in words], dtype=bool)
    mask: npt.NDArray[np.bool_] = inbound[direction.indices.to_numpy()]
    return mask


def _trimmed(texts: pyarrow.DictionaryArray, *, lower: bool = False) -> pyarrow.DictionaryArray:
    """Strip blanks from the distinct texts."""
    originals = texts.dictionary.to_pylist()
    stripped = [text.strip(BLANKS).lower() if lower else text.strip(BLANKS) for text in originals]
    return texts if stripped == originals else _mapped(texts, stripped)


def _mapped(texts: pyarrow.DictionaryArray, replacements: Sequence[str]) -> pyarrow.DictionaryArray:
    """Replace the distinct texts by others, merging those that become equal."""
    positions = {text: position for position, text in enumerate(dict.fromkeys(replacements))}
    new_indices = pyarrow.array([positions[text] for text in replacements], pyarrow.int32())
    return pyarrow.DictionaryArray.from_arrays(
        new_indices.take(texts.indices), pyarrow.array(positions, pyarrow.string())
    )


def _whole(value: pyarrow.Array) -> pyarrow.Array:
    try:
        _bounded(value, 0, MOST_WHOLE)
        return value.cast(pyarrow.int32())
    except ValueError as exc:
        numbers = value.drop_null().to_numpy()
        finite = numbers[np.isfinite(numbers)]
        is_odd = (finite <= -1) | (finite >= NO_CALL_FROM) | (np.abs(finite - np.rint(finite)) > ROUNDING)
        if len(finite) < len(numbers) or is_odd.any():
            raise NoCallError("A number is out of range.") from exc
        raise


def _dollars(value: pyarrow.Array) -> pyarrow.Array:
    """Return amounts as decimals; a float represents up to eight decimal places of such an amount exactly."""
    try:
        _bounded(value, -MOST_USD, MOST_USD)
    except ValueError as exc:
        if not (np.abs(value.drop_null().to_numpy()) <= MOST_USD + ROUNDING).all():
            raise NoCallError("An amount is out of range.") from exc
        raise
    if not value.null_count and not value.to_numpy().any():
        return pyarrow.repeat(pyarrow.scalar(0, DOLLARS), len(value))
    scaled = value.fill_null(0).to_numpy() * PARTS_OF_USD
    parts = np.rint(scaled)
    if not (np.abs(scaled - parts) <= LEAST_OF_USD).all():
        raise ValueError("An amount has more digits than the store keeps.")
    whole = parts.astype(np.int64)
    words = pyarrow.py_buffer(np.stack((whole, whole >> 63), axis=1).tobytes())
    validity = None if not value.null_count else pyarrow.compute.is_valid(value).buffers()[1]
    return pyarrow.Array.from_buffers(DOLLARS, len(value), [validity, words])


def _bounded(value: pyarrow.Array, least: float, most: float) -> None:
    """Refuse numbers out of range and NaN."""
    numbers = value.drop_null().to_numpy() if value.null_count else value.to_numpy()
    if len(numbers) and not (numbers.min() >= least and numbers.max() <= most):
        raise ValueError("A number is out of range.")


def _of(table: pyarrow.Table, name: str, kind: pyarrow.DataType | None = None) -> pyarrow.Array:
    """Return a column; if the file lacks it, return nulls, or ``""`` for a text column."""
    if name in table.column_names:
        return as_one_array(table[name])
    if kind is not None:
        return pyarrow.nulls(len(table), kind)
    empty = pyarrow.array([""], pyarrow.string())
    zeros = pyarrow.array(np.zeros(len(table), dtype=np.int32))
    return empty.take(zeros) if name in TIMES else pyarrow.DictionaryArray.from_arrays(zeros, empty)
