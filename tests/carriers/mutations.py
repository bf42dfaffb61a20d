"""Random mutations of a JSON value: another type, another value, a missing or an additional item."""

from __future__ import annotations

import copy
import random
from typing import Any

ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 7, 10**400, 1e308, float("nan"), float("inf"), "", " ", "x", "0", "12345678", "\ud800",
    "2026-11-02T12:00:00Z", "9999-12-31T23:59:59-14:00", "198.51.100.11", "0.0.0.0/0", "\x00", "é" * 5000,
    [], {}, [None], [[]], ["x"], [{}], {"data": None}, {"data": []}, {"id": "1"}, {"data": {"id": {}}}, [{"id": [1]}],
)  # fmt: skip
"""Replacement values for a field."""


def mutated(value: Any, chance: random.Random) -> Any:
    """Return a copy of a JSON value with one to three random mutations."""
    changed = [copy.deepcopy(value)]
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        holder, key = chance.choice(list(_places(changed)))
        action = chance.random()
        if action < 0.7:
            holder[key] = copy.deepcopy(chance.choice(ODD))
        elif action < 0.85 and isinstance(holder, dict):
            del holder[key]
        elif isinstance(holder, list) and holder is not changed:
            holder.append(copy.deepcopy(holder[key]))
        elif isinstance(holder, dict):
            holder[chance.choice(("id", "data", "attributes", "extra"))] = copy.deepcopy(chance.choice(ODD))
    return changed[0]


def _places(value: Any) -> Any:
    """Yield the holder and key of every position in a value."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(pairs):
        yield value, key
        yield from _places(inner)
