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
from dashboard.core.text import join
from dashboard.pbx.inventory.rows import CONFIG_FRAME, EDITABLE_FRAMES, Inventory, key_of
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
        unchanged_count = self.count(STAYS)
        unchanged_note = (
            f" {unchanged_count} {'row is' if unchanged_count == 1 else 'rows are'} not in the import and stay as "
            "they are."
            if unchanged_count
            else ""
        )
        if self.empty:
            return f"The import changes nothing.{unchanged_note}"
        verbs = {"adds": ADDED, "changes": CHANGED, "takes out": GONE}
        counts = [(verb, self.count(change)) for verb, change in verbs.items()]
        parts = [f"{verb} {n:,} {'row' if n == 1 else 'rows'}" for verb, n in counts if n]
        return f"The import {join(parts, None)}.{unchanged_note}"


def merge(current: Mapping[str, pd.DataFrame], new: Inventory) -> InventoryDiff:
    """
    Merge an import into the inventory.

    Args:
        current: Conformed inventory frames by name; other frames are ignored.
        new: The import. Only the columns it has are changed; see ``InventoryDiff.merged`` for removals.

    Returns:
        The diff with both possible results, ``merged`` and ``replaced``; the operator chooses one.
    """
    imported_facts = new.frames[CONFIG_FRAME] if CONFIG_FRAME in new.frames else schemas.empty(schemas.PBX_CONFIG)
    reread = set(imported_facts.loc[~_recorded(imported_facts), "pbx_id"])
    changes: list[dict[str, str]] = []
    merged: dict[str, pd.DataFrame] = {}
    replaced: dict[str, pd.DataFrame] = {}
    for name in EDITABLE_FRAMES:
        existing = current.get(name, schemas.empty(schemas.FRAMES[name]))
        rows, touched, frame_changes = _merge_frame(name, existing, new, reread)
        changes += frame_changes
        merged[name] = _frame(name, rows)
        imported = bool(len(new.frames[name]))
        remaining = [row for index, row in enumerate(rows) if index in touched or not imported]
        pbx_ids = set(replaced["pbxs"]["pbx_id"]) if replaced else {str(row["pbx_id"]) for row in remaining}
        replaced[name] = _frame(name, [row for row in remaining if row["pbx_id"] in pbx_ids])
    facts = current.get(CONFIG_FRAME, schemas.empty(schemas.PBX_CONFIG))
    merged[CONFIG_FRAME], frame_changes = _merge_facts(facts, imported_facts)
    replaced[CONFIG_FRAME] = merged[CONFIG_FRAME][
        merged[CONFIG_FRAME]["pbx_id"].isin(replaced["pbxs"]["pbx_id"])
    ].reset_index(drop=True)
    changes += frame_changes
    columns = ["frame", "key", "change", "column", "before", "after"]
    return InventoryDiff(merged, replaced, pd.DataFrame(changes, columns=columns, dtype="str"))


def _merge_frame(
    name: str, existing: pd.DataFrame, inventory: Inventory, reread: set[str]
) -> tuple[list[dict[str, Any]], set[int], list[dict[str, str]]]:
    """Return the merged rows, the indexes of those in the import, and the changes."""
    new = inventory.frames[name]
    rows: list[dict[str, Any]] = [{str(k): v for k, v in row.items()} for row in existing.to_dict("records")]
    rows, removed = _without_old_configuration(name, rows, new, reread)
    indexes_of: dict[tuple[str, ...], list[int]] = {}
    for index, row_kept in enumerate(rows):
        indexes_of.setdefault(key_of(name, row_kept), []).append(index)
    touched: set[int] = set()
    changes = [_change(name, row, GONE) for row in removed]
    for record in new.to_dict("records"):
        row: dict[str, Any] = {str(column): value for column, value in record.items()}
        key = key_of(name, row)
        candidates = [index for index in indexes_of.get(key, ()) if index not in touched]
        if not candidates:
            touched.add(len(rows))
            rows.append(row)
            changes.append(_change(name, row, ADDED))
            continue
        begins = _text(row["valid_from"]) if "valid_from" in row else ""
        index = next(
            (index for index in candidates if begins and _text(rows[index]["valid_from"]) == begins), candidates[-1]
        )
        touched.add(index)
        for column in sorted(inventory.given_of.get((name, *key), new.columns)):
            before = _text(rows[index].get(column))
            after = _text(row.get(column))
            if before != after:
                rows[index][column] = row[column]
                changes.append(_change(name, row, CHANGED) | {"column": column, "before": before, "after": after})
    unchanged = [] if new.empty else [row_kept for index, row_kept in enumerate(rows) if index not in touched]
    changes += [_change(name, row_kept, STAYS) for row_kept in unchanged]
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
    return [row for row, is_removed in parted if not is_removed], [row for row, is_removed in parted if is_removed]


def _recorded(facts: pd.DataFrame) -> pd.Series[bool]:
    """Return for each fact whether it comes from an asset register."""
    return (facts["object_type"] == ObjectType.RECORD).astype(bool)


def _merge_facts(existing: pd.DataFrame, new: pd.DataFrame) -> tuple[pd.DataFrame, list[dict[str, str]]]:
    """Return the merged configuration facts, and one change for each PBX whose facts differ."""
    if new.empty:
        return existing, []
    imported_keys = set(zip(new["pbx_id"], _recorded(new), strict=True))
    is_retained = [
        fact_key not in imported_keys for fact_key in zip(existing["pbx_id"], _recorded(existing), strict=True)
    ]
    records = [*existing[is_retained].to_dict("records"), *new.to_dict("records")]
    rows = [{str(column): value for column, value in row.items()} for row in records]
    facts = _frame(CONFIG_FRAME, sorted(rows, key=lambda row: row["object_type"] == ObjectType.RECORD))
    changes = []
    for pbx_id in sorted(set(new["pbx_id"])):
        before, after = (frame[frame["pbx_id"] == pbx_id].reset_index(drop=True) for frame in (existing, facts))
        if not before.equals(after):
            counts = {"column": "", "before": _fact_count(before), "after": _fact_count(after)}
            entry = {"frame": CONFIG_FRAME, "key": pbx_id, "change": CHANGED if len(before) else ADDED}
            changes.append(entry | counts)
    return facts, changes


def _fact_count(facts: pd.DataFrame) -> str:
    return f"{len(facts):,} {'fact' if len(facts) == 1 else 'facts'}"


def _change(name: str, row: Mapping[Any, Any], change: str) -> dict[str, str]:
    entry = {"frame": name, "key": " ".join(key_of(name, row)), "change": change}
    return entry | {"column": "", "before": "", "after": ""}


def _text(value: Any) -> str:
    return "" if value is None or pd.isna(value) else str(value)


def _frame(name: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    schema = schemas.FRAMES[name]
    return schemas.conform(pd.DataFrame(rows), schema, source="the inventory") if rows else schemas.empty(schema)
