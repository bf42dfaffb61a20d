"""What an import would change: added, changed, and what the import does not have and therefore stays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from dashboard import tables
from dashboard.inventory._rows import FRAMES, KEYS, Inventory

ADDED, CHANGED, STAYS = "added", "changed", "not in the import, stays"


@dataclass(frozen=True)
class Difference:
    """
    An import against the inventory as it stands.

    ``changes`` has a row for each row that is added, changed or not in the import: ``frame``, ``key``,
    ``change``, ``column``, ``before``, ``after``.
    """

    merged: dict[str, pd.DataFrame]
    """The inventory with the import in it; nothing is removed."""
    replaced: dict[str, pd.DataFrame]
    """
    The inventory if what an imported frame does not have were removed, and with a PBX its addresses and
    numbers; only when the operator asks for it.
    """
    changes: pd.DataFrame

    @property
    def empty(self) -> bool:
        """True where the import changes nothing."""
        return not self.changes["change"].isin([ADDED, CHANGED]).any()

    def count(self, change: str) -> int:
        """Return how many rows carry a change."""
        return len(self.changes.loc[self.changes["change"] == change, ["frame", "key"]].drop_duplicates())

    def sentence(self) -> str:
        """Say what accepting the import does."""
        stay = self.count(STAYS)
        kept = (
            f" {stay} {'row is' if stay == 1 else 'rows are'} not in the import and stay as they are." if stay else ""
        )
        if self.empty:
            return f"The import changes nothing.{kept}"
        added, changed = self.count(ADDED), self.count(CHANGED)
        parts = [
            f"{verb} {n:,} {'row' if n == 1 else 'rows'}" for verb, n in (("adds", added), ("changes", changed)) if n
        ]
        return f"The import {' and '.join(parts)}.{kept}"


def merge(current: Mapping[str, pd.DataFrame], new: Inventory) -> Difference:
    """
    Lay an import over the inventory.

    Args:
        current: Conformed frames of the inventory by name; others than the inventory's are passed over.
        new: What the readers brought. Only the columns it gives are changed, and nothing is removed.

    Returns:
        The difference; which of its two outcomes is kept is the operator's choice.
    """
    changes: list[dict[str, str]] = []
    merged: dict[str, pd.DataFrame] = {}
    replaced: dict[str, pd.DataFrame] = {}
    for name in FRAMES:
        was = current.get(name, tables.empty(tables.FRAMES[name]))
        rows, touched, found = _laid_over(name, was, new.frames[name], new.given.get(name))
        changes += found
        merged[name] = _frame(name, rows)
        imported = bool(len(new.frames[name]))
        left = [row for place, row in enumerate(rows) if place in touched or not imported]
        known = set(replaced["pbxs"]["pbx_id"]) if replaced else {str(row["pbx_id"]) for row in left}
        replaced[name] = _frame(name, [row for row in left if row["pbx_id"] in known])
    columns = ["frame", "key", "change", "column", "before", "after"]
    return Difference(merged, replaced, pd.DataFrame(changes, columns=columns, dtype="str"))


def _laid_over(
    name: str, was: pd.DataFrame, new: pd.DataFrame, given: frozenset[str] | None
) -> tuple[list[dict[str, Any]], set[int], list[dict[str, str]]]:
    """Return the merged rows, which of them the import has, and the changes."""
    rows: list[dict[str, Any]] = [{str(k): v for k, v in row.items()} for row in was.to_dict("records")]
    places: dict[tuple[str, ...], list[int]] = {}
    for place, kept in enumerate(rows):
        places.setdefault(_key(name, kept), []).append(place)
    touched: set[int] = set()
    changes = []
    for record in new.to_dict("records"):
        row: dict[str, Any] = {str(column): value for column, value in record.items()}
        key = _key(name, row)
        shown = {"frame": name, "key": " ".join(key)}
        there = [place for place in places.get(key, ()) if place not in touched]
        if not there:
            touched.add(len(rows))
            rows.append(row)
            changes.append(shown | {"change": ADDED, "column": "", "before": "", "after": ""})
            continue
        begins = _text(row["valid_from"]) if "valid_from" in row else ""
        place = next((one for one in there if begins and _text(rows[one]["valid_from"]) == begins), there[-1])
        touched.add(place)
        for column in sorted(given) if given is not None else list(new.columns):
            before, after = _text(rows[place].get(column)), _text(row.get(column))
            if before != after:
                rows[place][column] = row[column]
                changes.append(shown | {"change": CHANGED, "column": column, "before": before, "after": after})
    stay = [] if new.empty else [kept for place, kept in enumerate(rows) if place not in touched]
    changes += [
        {"frame": name, "key": " ".join(_key(name, kept)), "change": STAYS, "column": "", "before": "", "after": ""}
        for kept in stay
    ]
    return rows, touched, changes


def _key(name: str, row: Mapping[Any, Any]) -> tuple[str, ...]:
    return tuple(str(row[column]) for column in KEYS[name])


def _text(value: Any) -> str:
    return "" if value is None or pd.isna(value) else str(value)


def _frame(name: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    schema = tables.FRAMES[name]
    return tables.conform(pd.DataFrame(rows), schema, source="the inventory") if rows else tables.empty(schema)
