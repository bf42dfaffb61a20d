"""Exact sums of roll-up rows by key: calls, seconds and money, computed with integers."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow
import pyarrow.compute

from dashboard.domain.changes import LabelCount

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

COUNTED = ("calls", "duration_s", "cost_usd")
USD_DIGITS = 8


@dataclass(frozen=True)
class Sums:
    """Sums per key: roll-up rows, calls, seconds, and cost in units of 10**-8 dollars."""

    rows: Ints
    calls: Ints
    seconds: Ints
    cost: Ints

    @classmethod
    def of(cls, rows: pd.DataFrame, keys: Ints, count: int) -> Self:
        """
        Return the sums of the rows of each key.

        Args:
            rows: The columns ``COUNTED`` of TRAFFIC.
            keys: Key index of each row.
            count: Number of keys.
        """

        def add_up(values: Ints) -> Ints:
            total = np.zeros(count, dtype=np.int64)
            np.add.at(total, keys, values)
            return total

        return cls(
            add_up(np.ones(len(rows), dtype=np.int64)),
            add_up(rows["calls"].to_numpy(dtype=np.int64, na_value=0)),
            add_up(rows["duration_s"].to_numpy(dtype=np.int64, na_value=0)),
            add_up(_units(rows["cost_usd"])),
        )

    def count(self, selected: Flags) -> LabelCount:
        """Return the sums over the chosen keys."""
        if not self.rows[selected].any():
            return LabelCount()
        return LabelCount(
            calls=int(self.calls[selected].sum()),
            minutes=round(int(self.seconds[selected].sum()) / 60, 1),
            cost_usd=f"{dollars(self.cost[selected].sum()):f}",
        )


def dollars(units: np.int64 | int) -> Decimal:
    """Convert units of 10**-8 dollars to dollars."""
    return Decimal(int(units)).scaleb(-USD_DIGITS)


def _units(money: pd.Series) -> Ints:
    values = pyarrow.array(money, pyarrow.decimal128(18, USD_DIGITS)).fill_null(Decimal(0))
    whole = pyarrow.compute.multiply(values, pyarrow.scalar(Decimal(10**USD_DIGITS)))
    units: Ints = whole.cast(pyarrow.int64()).to_numpy(zero_copy_only=False)
    return units
