"""
List of own numbers: the caller IDs that the roll-up keeps in its key.

The caller ID of an outbound call without an X-Tag can attribute the call to the PBX that owns the number. The roll-up
keeps a caller ID only if it is one of these numbers; all other caller IDs share a row, so that the roll-up of a dialer
with thousands of caller IDs is not as long as its calls. A store without such a list keeps every caller ID.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.compute
import pyarrow.parquet

from dashboard.calls.store.generations import Generation, Generations
from dashboard.core.errors import StoreError

KIND = "own-numbers"
"""Kind of the part that holds a list; its name is made from its content."""
TABLE = "own_numbers"
"""Name of the table in SQL."""
COLUMN = "number"


@dataclass(frozen=True)
class OwnNumbers:
    """Caller IDs kept in the key of the roll-up; ``None`` keeps every caller ID."""

    numbers: frozenset[str] | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """Parameters of a query that uses ``{{number}}``."""
        return {"every_number": self.numbers is None}

    @property
    def array(self) -> pyarrow.Array:
        """The numbers, sorted."""
        return pyarrow.array(sorted(self.numbers or ()), pyarrow.string())

    @property
    def tables(self) -> dict[str, pyarrow.Table]:
        """Tables of a query that uses ``{{number}}``."""
        return {TABLE: pyarrow.table({COLUMN: self.array})}

    def has(self, numbers: Collection[str]) -> bool:
        """Return whether the roll-up keeps each of the caller IDs in its key."""
        return self.numbers is None or self.numbers.issuperset(numbers)

    def with_more(self, numbers: Iterable[str]) -> OwnNumbers:
        """Return these numbers and further ones."""
        return self if self.numbers is None else OwnNumbers(self.numbers.union(numbers))


EVERY_NUMBER = OwnNumbers()


def own_numbers_of(generations: Generations, name: str) -> OwnNumbers:
    """
    Return the list that a generation or a day names.

    Args:
        generations: The store's generations.
        name: Name of the part; ``""`` if there is no list, and every number is kept.

    Raises:
        StoreError: The list is missing or damaged.
    """
    return OwnNumbers(_read(generations.path(name))) if name else EVERY_NUMBER


def write_own_numbers(generations: Generations, numbers: Collection[str], work: Path) -> str:
    """Write a list into the store's parts; return its name."""
    made = work / f"{KIND}.parquet"
    pyarrow.parquet.write_table(OwnNumbers(frozenset(numbers)).tables[TABLE], made)
    return generations.adopt(made, KIND)


def unattributed_days(generations: Generations, generation: Generation, numbers: Collection[str]) -> list[date]:
    """
    Return the days whose calls can no longer be attributed by the caller IDs of some numbers.

    Their single calls are past retention, and their roll-up was made before one of the numbers was the account's own.

    Args:
        generations: The store's generations.
        generation: The published generation.
        numbers: The account's own numbers.
    """
    return sorted(
        day
        for day, made in generation.days.items()
        if made.is_retired and not own_numbers_of(generations, made.own_numbers).has(numbers)
    )


def relabeled(generation: Generation, days: Collection[date], name: str) -> Generation:
    """Return a generation in which ``name`` is the list of the store and of the given days."""
    labeled = {day: replace(made, own_numbers=name) if day in days else made for day, made in generation.days.items()}
    return replace(generation, days=labeled, own_numbers=name)


@lru_cache(maxsize=16)
def _read(path: Path) -> frozenset[str]:
    """Read a list; cached, because a part never changes."""
    try:
        return frozenset(pyarrow.parquet.read_table(path)[COLUMN].to_pylist())
    except (OSError, KeyError, pyarrow.ArrowException) as exc:
        raise StoreError(
            f"The call store's list of own numbers {path} cannot be read ({exc}). Restore it from a backup, or remove "
            "the folder and import or sync the calls again."
        ) from exc
