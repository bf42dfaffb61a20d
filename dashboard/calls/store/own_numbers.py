"""
List of own numbers: the caller IDs that the roll-up keeps in its key.

The caller ID of an outbound call without an X-Tag can attribute the call to the PBX that owns the number. The roll-up
keeps a caller ID only if it is one of these numbers; all other caller IDs share a row, so that the roll-up of a dialer
with thousands of caller IDs is not as long as its calls. A store without such a list keeps every caller ID.

A list that cannot be read covers no roll-up: days that have their calls are counted from them until the list is
written again (``repair.set_own_numbers``).
"""

from __future__ import annotations

import logging
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

KIND = "own-numbers"
"""Kind of the part that holds a list; its name is made from its content."""
TABLE = "own_numbers"
"""Name of the table in SQL."""
COLUMN = "number"


@dataclass(frozen=True)
class OwnNumbers:
    """Caller IDs kept in the key of the roll-up; ``None`` keeps every caller ID."""

    numbers: frozenset[str] | None = None
    is_readable: bool = True
    """Whether the list could be read."""

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
        """Return whether the roll-up is known to keep each of the caller IDs in its key."""
        return self.is_readable and (self.numbers is None or self.numbers.issuperset(numbers))

    def with_more(self, numbers: Iterable[str]) -> OwnNumbers:
        """Return these numbers and further ones."""
        return self if self.numbers is None else replace(self, numbers=self.numbers.union(numbers))


EVERY_NUMBER = OwnNumbers()
UNREADABLE = OwnNumbers(frozenset(), is_readable=False)

log = logging.getLogger(__name__)


def own_numbers_of(generations: Generations, name: str) -> OwnNumbers:
    """
    Return the list that a generation or a day names; ``UNREADABLE`` if it is missing or damaged.

    Args:
        generations: The store's generations.
        name: Name of the part; ``""`` if there is no list, and every number is kept.
    """
    if not name:
        return EVERY_NUMBER
    path = generations.path(name)
    try:
        return OwnNumbers(_read(path))
    except (OSError, KeyError, pyarrow.ArrowException) as exc:
        _warn(path, str(exc))
        return UNREADABLE


def list_of_new(generations: Generations, generation: Generation) -> tuple[OwnNumbers, str]:
    """Return the list for new roll-ups, and its name; every number is kept if the list of the store is unreadable."""
    own = own_numbers_of(generations, generation.own_numbers)
    return (own, generation.own_numbers) if own.is_readable else (EVERY_NUMBER, "")


def write_own_numbers(generations: Generations, numbers: Collection[str], work: Path) -> str:
    """Write a list into the store's parts; return its name."""
    path = work / f"{KIND}.parquet"
    pyarrow.parquet.write_table(OwnNumbers(frozenset(numbers)).tables[TABLE], path)
    return generations.adopt(path, KIND)


def unattributed_days(generations: Generations, generation: Generation, numbers: Collection[str]) -> list[date]:
    """
    Return the days whose calls can no longer be attributed by the caller IDs of some numbers.

    Their single calls are past retention or unreadable, and their roll-up was made before one of the numbers was the
    account's own.

    Args:
        generations: The store's generations.
        generation: The published generation.
        numbers: The account's own numbers.
    """
    return sorted(
        day
        for day, content in generation.days.items()
        if (content.is_retired or day in generation.unreadable)
        and not own_numbers_of(generations, content.own_numbers).has(numbers)
    )


@lru_cache(maxsize=16)
def _read(path: Path) -> frozenset[str]:
    """Read a list; cached, because a part never changes."""
    return frozenset(pyarrow.parquet.read_table(path)[COLUMN].to_pylist())


@lru_cache(maxsize=16)
def _warn(path: Path, reason: str) -> None:
    """Log that a list cannot be read; cached, so that it is logged once."""
    log.warning(
        "The call store's list of own numbers %s cannot be read (%s), so sums are counted from single calls, which is "
        "slow. Run: trunkgate sync, or without a carrier: trunkgate calls repair. Either writes the list again.",
        path,
        reason,
    )
