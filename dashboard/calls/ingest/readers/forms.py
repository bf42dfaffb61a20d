"""Forms of times and numbers: those at the beginning of a file, and whether a text can be read in any form."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection
from dataclasses import dataclass
from itertools import islice

import pyarrow

from dashboard.calls.ingest.columnar import MISSING_NUMBERS
from dashboard.calls.ingest.columns import READ_AS
from dashboard.calls.ingest.files import Prepared, read_lines
from dashboard.calls.ingest.lenient_csv import LONGEST_LINE
from dashboard.calls.store.engine import Engine

ROWS = 16
"""Rows of the beginning."""
_TIMES = {name for name, kind in READ_AS.items() if kind == "TIMESTAMP"}
_COLUMN_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+00")
_TYPED_TIME = re.compile(r"\d{4}-\d\d?-\d\d? \d\d?:\d\d?:\d\d?\+00")
_COLUMN_NUMBER = re.compile(r"[ \t]*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[ \t]*")
_TYPED_NUMBER = re.compile(r"[ \t]*[+-]?(\d[\d_]*\.?[\d_]*|\.\d+)([eE][+-]?\d+)?[ \t]*")
_TYPED_CUSTOMER = re.compile(r"(\d+(\.\d+){3}:\d{1,4})?")
_MISSING_NUMBERS = frozenset(MISSING_NUMBERS)


@dataclass(frozen=True)
class Beginning:
    """Properties of the first rows of a file. A later row may still have another form."""

    is_sound: bool = True
    """No row has another number of values than the header."""
    fits_columns: bool = True
    """The rows are lines in order of their days, with values in the form that Arrow reads."""
    fits_types: bool = True
    """The values are in the form that DuckDB parses."""
    odd_texts: Collection[str] = ()
    """Times and numbers in other forms, readable or not."""

    @classmethod
    def of(cls, prepared: Prepared) -> Beginning:
        """Return the properties of the first ``ROWS`` rows."""
        lines = read_lines(prepared.path, LONGEST_LINE)
        source = csv.reader(islice(lines, prepared.header_lines, None), strict=True, skipinitialspace=True)
        width = len(prepared.columns)
        try:
            rows = list(islice(source, ROWS))
        except csv.Error:  # DuckDB accepts some quotes that are an error here
            return cls(fits_columns=False)
        in_lines = source.line_num == len(rows) and all(len(row) == width for row in rows)
        if any(row and (len(row) < width or any(row[width:])) for row in rows):
            return cls(is_sound=False, fits_columns=False, fits_types=False)
        return cls._of_values(prepared, [row for row in rows if row], in_lines=in_lines)

    @classmethod
    def _of_values(cls, prepared: Prepared, rows: list[list[str]], *, in_lines: bool) -> Beginning:
        columns = {name: [row[place] for row in rows] for place, name in enumerate(prepared.columns)}
        fits_columns = in_lines
        fits_types = all(map(_TYPED_CUSTOMER.fullmatch, columns["customer_ip"]))
        odd_texts: set[str] = set()
        for name in READ_AS.keys() & columns.keys():
            texts = set(columns[name]) - {""}
            column_form, typed_form = (_COLUMN_TIME, _TYPED_TIME) if name in _TIMES else (_COLUMN_NUMBER, _TYPED_NUMBER)
            nothing = frozenset() if name in _TIMES else _MISSING_NUMBERS
            other = {text for text in texts if not column_form.fullmatch(text)}
            fits_columns = fits_columns and other <= nothing
            untyped = {text for text in other if not typed_form.fullmatch(text)}
            fits_types = fits_types and not untyped
            odd_texts |= untyped
        days = [text[:10] for text in columns["start_time"]]
        return cls(fits_columns=fits_columns and days == sorted(days), fits_types=fits_types, odd_texts=odd_texts)


def is_readable(texts: Collection[str], engine: Engine) -> bool:
    """
    Return whether each text can be a time or a number in some form, or stands for a missing one.

    Raises:
        StoreError: DuckDB failed.
    """
    rows = pyarrow.table({"value": pyarrow.array(sorted(texts), pyarrow.string())})
    (readable,) = engine.fetch("readable", {}, operation="read values", tables={"texts": rows}, macros=True)[
        "readable"
    ].to_pylist()
    return readable is not False
