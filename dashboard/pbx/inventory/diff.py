"""
Diff of an import against the inventory: rows added, rows changed, and rows that stay because the import lacks them.

Reading a PBX's configuration replaces the facts and configured addresses of an earlier reading. Facts from an
asset register replace only earlier facts from a register.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from dashboard import schemas
from dashboard.pbx.inventory.rows import CONFIG, FRAMES, Inventory, key_of
from dashboard.schemas.object_types import ObjectType

ADDED = "added"
CHANGED = "changed"
STAYS = "not in the import, stays"
GONE = "no longer configured"


@dataclass(frozen=True)
class InventoryDiff:
    """
    The difference between an import and the current inventory.

    ``changes`` has the columns ``frame``, ``key``, ``change``, ``column``, ``before`` and ``after``: a row for each
    inventory row that is added, absent from the import or no longer configured, and for each changed cell; facts
    (``pbx_config``) have one row per PBX.
    """

    merged: dict[str, pd.DataFrame]
    """The inventory with the import merged; only addresses and facts no longer in a PBX's configuration are removed."""
    replaced: dict[str, pd.DataFrame]
    """
    The inventory without the rows absent from an imported frame, and without the addresses and numbers of a removed
    PBX; used only at the operator's request.
    """
    changes: pd.DataFrame

    @property
    def empty(self) -> bool:
        """Whether the import changes nothing."""
        return not self.changes["change"].isin([ADDED, CHANGED, GONE]).any()

    def count(self, change: str) -> int:
        """Return the number of rows with a kind of change."""
        return len(self.changes.loc[self.changes["change"] == change, ["frame", "key"]].drop_duplicates())

    def sentence(self) -> str:
        """Return a sentence that describes the effect of accepting the import."""
        stay = self.count(STAYS)
        kept = (
            f" {stay} {'row is' if stay == 1 else 'rows are'} not in the import and stay as they are." if stay else ""
        )
        if self.empty:
            return f"The import changes nothing.{kept}"
        verbs = {"adds": ADDED, "changes": CHANGED, "takes out": GONE}
        counted = [(verb, self.count(change)) for verb, change in verbs.items()]
        parts = [f"{verb} {n:,} {'row' if n == 1 else 'rows'}" for verb, n in counted if n]
        return f"The import {' and '.join(filter(None, (', '.join(parts[:-1]), parts[-1])))}.{kept}"


def merge(current: Mapping[str, pd.DataFrame], new: Inventory) -> InventoryDiff:
    """
    Merge an import into the inventory.

    Args:
        current: Conformed inventory frames by name; other frames are ignored.
        new: The import. Only the columns it has are changed; see ``InventoryDiff.merged`` for removals.

    Returns:
        The diff with both possible results, ``merged`` and ``replaced``; the operator chooses one.
    """
    said = new.frames[CONFIG] if CONFIG in new.frames else schemas.empty(schemas.PBX_CONFIG)
    reread = set(said.loc[~_recorded(said), "pbx_id"])
    changes: list[dict[str, str]] = []
    merged: dict[str, pd.DataFrame] = {}
    replaced: dict[str, pd.DataFrame] = {}
    for name in FRAMES:
        was = current.get(name, schemas.empty(schemas.FRAMES[name]))
        rows, touched, found = _laid_over(name, was, new, reread)
        changes += found
        merged[name] = _frame(name, rows)
        imported = bool(len(new.frames[name]))
        left = [row for place, row in enumerate(rows) if place in touched or not imported]
        known = set(replaced["pbxs"]["pbx_id"]) if replaced else {str(row["pbx_id"]) for row in left}
        replaced[name] = _frame(name, [row for row in left if row["pbx_id"] in known])
    facts = current.get(CONFIG, schemas.empty(schemas.PBX_CONFIG))
    merged[CONFIG], found = _facts_over(facts, said)
    replaced[CONFIG] = merged[CONFIG][merged[CONFIG]["pbx_id"].isin(replaced["pbxs"]["pbx_id"])].reset_index(drop=True)
    changes += found
    columns = ["frame", "key", "change", "column", "before", "after"]
    return InventoryDiff(merged, replaced, pd.DataFrame(changes, columns=columns, dtype="str"))


def _laid_over(
    name: str, was: pd.DataFrame, inventory: Inventory, reread: set[str]
) -> tuple[list[dict[str, Any]], set[int], list[dict[str, str]]]:
    """Return the merged rows, the indexes of those in the import, and the changes."""
    new = inventory.frames[name]
    rows: list[dict[str, Any]] = [{str(k): v for k, v in row.items()} for row in was.to_dict("records")]
    rows, gone = _without_old_configuration(name, rows, new, reread)
    places: dict[tuple[str, ...], list[int]] = {}
    for place, kept in enumerate(rows):
        places.setdefault(key_of(name, kept), []).append(place)
    touched: set[int] = set()
    changes = [_change(name, row, GONE) for row in gone]
    for record in new.to_dict("records"):
        row: dict[str, Any] = {str(column): value for column, value in record.items()}
        key = key_of(name, row)
        there = [place for place in places.get(key, ()) if place not in touched]
        if not there:
            touched.add(len(rows))
            rows.append(row)
            changes.append(_change(name, row, ADDED))
            continue
        begins = _text(row["valid_from"]) if "valid_from" in row else ""
        place = next((one for one in there if begins and _text(rows[one]["valid_from"]) == begins), there[-1])
        touched.add(place)
        for column in sorted(inventory.given_of.get((name, *key), new.columns)):
            before = _text(rows[place].get(column))
            after = _text(row.get(column))
            if before != after:
                rows[place][column] = row[column]
                changes.append(_change(name, row, CHANGED) | {"column": column, "before": before, "after": after})
    stay = [] if new.empty else [kept for place, kept in enumerate(rows) if place not in touched]
    changes += [_change(name, kept, STAYS) for kept in stay]
    return rows, touched, changes


def _without_old_configuration(
    name: str, rows: list[dict[str, Any]], new: pd.DataFrame, reread: set[str]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Split rows into those that stay and the configured addresses no longer in a PBX's configuration."""
    if name != "pbx_addresses" or not reread:
        return rows, []
    now = {key_of(name, row) for row in new.to_dict("records")}
    old = [row["source"] == "configured" and row["pbx_id"] in reread and key_of(name, row) not in now for row in rows]
    parted = list(zip(rows, old, strict=True))
    return [row for row, gone in parted if not gone], [row for row, gone in parted if gone]


def _recorded(facts: pd.DataFrame) -> pd.Series[bool]:
    """Return for each fact whether it comes from an asset register."""
    return (facts["object_type"] == ObjectType.RECORD).astype(bool)


def _facts_over(was: pd.DataFrame, new: pd.DataFrame) -> tuple[pd.DataFrame, list[dict[str, str]]]:
    """Return the merged configuration facts, and one change for each PBX whose facts differ."""
    if new.empty:
        return was, []
    again = set(zip(new["pbx_id"], _recorded(new), strict=True))
    stays = [one not in again for one in zip(was["pbx_id"], _recorded(was), strict=True)]
    both = [*was[stays].to_dict("records"), *new.to_dict("records")]
    rows = [{str(column): value for column, value in row.items()} for row in both]
    facts = _frame(CONFIG, sorted(rows, key=lambda row: row["object_type"] == ObjectType.RECORD))
    changes = []
    for pbx_id in sorted(set(new["pbx_id"])):
        before, after = (frame[frame["pbx_id"] == pbx_id].reset_index(drop=True) for frame in (was, facts))
        if not before.equals(after):
            counts = {"column": "", "before": _counted(before), "after": _counted(after)}
            shown = {"frame": CONFIG, "key": pbx_id, "change": CHANGED if len(before) else ADDED}
            changes.append(shown | counts)
    return facts, changes


def _counted(facts: pd.DataFrame) -> str:
    return f"{len(facts):,} {'fact' if len(facts) == 1 else 'facts'}"


def _change(name: str, row: Mapping[Any, Any], change: str) -> dict[str, str]:
    shown = {"frame": name, "key": " ".join(key_of(name, row)), "change": change}
    return shown | {"column": "", "before": "", "after": ""}


def _text(value: Any) -> str:
    return "" if value is None or pd.isna(value) else str(value)


def _frame(name: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    schema = schemas.FRAMES[name]
    return schemas.conform(pd.DataFrame(rows), schema, source="the inventory") if rows else schemas.empty(schema)
