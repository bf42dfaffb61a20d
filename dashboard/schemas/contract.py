"""Definition of frame contracts: the kinds of columns, and the function that builds a schema from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
import pyarrow

from dashboard.schemas.descriptions import COLUMNS, unit_of
from dashboard.schemas.pandera_import import immutable, pa, pandas_engine

UTC_TIME = pd.DatetimeTZDtype("us", "UTC")
MONEY = pd.ArrowDtype(pyarrow.decimal128(18, 8))

TEXT = "text"
TIME = "time"
WHOLE = "whole"
USD = "usd"
FLAG = "flag"


@immutable
class TextDtype(pandas_engine.DataType):
    """
    Dtype of text columns: pandas' ``str``, checked once per column.

    The ``str`` of pandera calls a Python function for every value, although a column of this dtype holds only texts.
    """

    type = pd.StringDtype(na_value=float("nan"))

    def __init__(self) -> None:
        """Skip the base constructor, which infers ``type``."""

    def check(self, pandera_dtype: Any, data_container: Any = None) -> bool:
        """Return whether a column has this dtype."""
        found = getattr(pandera_dtype, "type", None) if data_container is None else data_container.dtype
        return bool(found == self.type)


def schema(
    name: str, columns: Mapping[str, str], *, absent: Mapping[str, str] | None = None, **isin: Iterable[str]
) -> pa.DataFrameSchema:
    """
    Build a frame contract.

    Each column has its meaning as ``description`` and its unit in ``metadata``, from ``descriptions``.

    Args:
        name: Name of the frame.
        columns: Kinds by column name; a column whose name ends in ``?`` is optional and filled if absent.
        absent: Texts that replace ``""``, by column.
        isin: Allowed values, by column.
    """
    kinds: dict[str, tuple[Any, bool]] = {
        TEXT: (TextDtype(), False),
        TIME: (UTC_TIME, True),
        WHOLE: ("Int64", True),
        USD: (MONEY, True),
        FLAG: ("boolean", True),
    }
    frame_columns = {}
    for declared, kind in columns.items():
        column, (dtype, nullable) = declared.rstrip("?"), kinds[kind]
        frame_columns[column] = pa.Column(
            dtype,
            [pa.Check.isin(sorted(isin[column]))] if column in isin else None,
            nullable=nullable,
            coerce=True,
            required=True,
            description=COLUMNS[name][column],
            metadata={"unit": unit_of(column, time=kind == TIME, money=kind == USD)},
        )
    optional = [column.rstrip("?") for column in columns if column.endswith("?")]
    metadata = {"optional": optional, "kinds": dict(columns), "absent": dict(absent or {})}
    return pa.DataFrameSchema(frame_columns, name=name, strict="filter", metadata=metadata)
