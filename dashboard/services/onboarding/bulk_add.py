"""Bulk add: reads a pasted table of PBXs and reports per line what is recognized, missing or wrong and what it adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import pandas as pd

from dashboard.core.text import counted, join, label_of
from dashboard.domain.snapshot import Snapshot
from dashboard.pbx import (
    Inventory,
    InventoryDiff,
    InventoryRow,
    LintContext,
    Problem,
    Upload,
    are_different_pbxs,
    inventory_frames,
    read_files,
    with_earlier_ids,
)
from dashboard.pbx.inventory import diff
from dashboard.pbx.readers.csv import pasted

PASTE: Final = "Your paste"
LEFT_OUT = "✕ Left out"
PARTLY = "! Partly"
MISSING = "○ Incomplete"
COMPLETE = "✓ Complete"
SAME = "= Known"
STATES: Final = {LEFT_OUT: "risk", PARTLY: "risk", MISSING: "plain", COMPLETE: "good", SAME: "unknown"}
COLUMNS: Final = ["line", "state", "name", "kind", "addresses", "numbers", "says"]
HEADS: Final = {"name": "Name", "pbx_id": "Id", "address": "Calls from", "number": "Numbers"}


@dataclass(frozen=True)
class PastedFleet:
    """Result of reading a table, compared with the current inventory."""

    layout: str
    """Sentence on how the columns were interpreted."""
    rows: pd.DataFrame
    """One row per line, faulty ones first: ``line``, ``state``, ``name``, ``kind``, ``addresses``, ``numbers``,
    ``says``."""
    problems: tuple[Problem, ...]
    difference: InventoryDiff
    added: int
    """Number of new PBXs."""
    shown: Mapping[str, int]
    """``Snapshot.version_ids`` of the inventory that the table was compared with."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to add or change."""
        return self.difference.empty


def upload(text: str) -> Upload:
    """Return pasted text as an uploaded table."""
    return Upload(pasted.table_name(PASTE), text.encode("utf-8", errors="replace"))


def table(name: str, data: bytes) -> Upload:
    """Return a file as an uploaded table."""
    return Upload(pasted.table_name(name), data)


def read(snapshot: Snapshot, table_upload: Upload) -> PastedFleet:
    """
    Read a table and compare it with the inventory.

    Args:
        snapshot: The account and the inventory.
        table_upload: Table from ``upload`` or ``table``.
    """
    current = inventory_frames(snapshot)
    public = snapshot.treated_as_public
    inventory = read_files(
        [table_upload], treated_as_public=public, current=current, trunk=LintContext.of(snapshot).trunk
    )
    parsed_rows = with_earlier_ids(pasted.read(table_upload.name, table_upload.data).rows, current["pbxs"])
    inventory = _with_hosts(_without_clashes(inventory, parsed_rows, snapshot), current)
    difference = diff.merge(current, inventory)
    existing_ids = set(current["pbxs"]["pbx_id"])
    return PastedFleet(
        layout=_layout(table_upload),
        rows=_rows(parsed_rows, inventory, difference, snapshot),
        problems=tuple(inventory.problems),
        difference=difference,
        added=sum(pbx_id not in existing_ids for pbx_id in inventory.frames["pbxs"]["pbx_id"]),
        shown=snapshot.version_ids,
    )


def changed_only(difference: InventoryDiff) -> InventoryDiff:
    """Return only the changes of existing PBXs; additions are visible in the rows themselves."""
    return replace(difference, changes=difference.changes[difference.changes["change"] == diff.CHANGED])


def _layout(table_upload: Upload) -> str:
    layout = pasted.layout_of(table_upload.name, table_upload.data)
    if layout is None or not layout.columns:
        return ""
    ordered = sorted(layout.columns, key=layout.columns.__getitem__)
    description = f"Read as {join((HEADS.get(column) or label_of(column) for column in ordered), most=len(ordered))}"
    description += ", by the headers." if layout.headed else ", by what stands in the columns."
    if layout.left_out:
        description += f" Left out: {join(layout.left_out, most=5)}."
    return description


def _without_clashes(inventory: Inventory, parsed_rows: Sequence[InventoryRow], snapshot: Snapshot) -> Inventory:
    """Remove rows that conflict with another PBX of the inventory, by number or by name, and add problems for them."""
    lines = {(row.frame, row.cells["pbx_id"].strip(), _row_value(row.cells)): row for row in reversed(parsed_rows)}
    owners = {
        "pbx_numbers": dict(zip(snapshot.pbx_numbers["number"], snapshot.pbx_numbers["pbx_id"], strict=True)),
        "pbxs": _others_of_name(inventory, parsed_rows, snapshot),
    }
    column = {"pbx_numbers": "number", "pbxs": "name"}
    frames = dict(inventory.frames)
    problems = list(inventory.problems)
    rejected_ids: set[str] = set()
    for frame in ("pbxs", "pbx_numbers"):
        is_kept = []
        for pbx_id, value in zip(frames[frame]["pbx_id"], frames[frame][column[frame]], strict=True):
            owner = owners[frame].get(value, pbx_id)
            is_kept.append(owner == pbx_id and pbx_id not in rejected_ids)
            if owner != pbx_id and pbx_id not in rejected_ids:
                rejected_ids |= {pbx_id} if frame == "pbxs" else set()
                row = lines.get((frame, pbx_id, "" if frame == "pbxs" else value)) or _first(parsed_rows, frame, pbx_id)
                message = _CLASH[frame].format(value=value, owner=snapshot.name_of(owner), id=owner)
                problems.append(Problem(row.file, row.line, column[frame], message, value))
        frames[frame] = frames[frame].loc[pd.Series(is_kept, dtype=bool)].reset_index(drop=True)
    addresses = frames["pbx_addresses"]
    frames["pbx_addresses"] = addresses[~addresses["pbx_id"].isin(rejected_ids)].reset_index(drop=True)
    return replace(inventory, frames=frames, problems=problems)


_CLASH: Final = {
    "pbxs": "{value} is in the inventory already, as {id}. Add a column pbx_id that says which one is meant.",
    "pbx_numbers": "{value} is a number of {owner} already. Take it out there first, on the page Inventory.",
}


def _row_value(cells: Mapping[str, str]) -> str:
    return cells.get("address", "") or cells.get("number", "")


def _first(parsed_rows: Sequence[InventoryRow], frame: str, pbx_id: str) -> InventoryRow:
    """Return the first row of a PBX in a frame, for values that the table has in another form than the inventory."""
    return next(row for row in parsed_rows if row.frame == frame and row.cells["pbx_id"].strip() == pbx_id)


def _others_of_name(inventory: Inventory, parsed_rows: Sequence[InventoryRow], snapshot: Snapshot) -> dict[str, str]:
    """Return, by name, the inventory's PBX that a new one with an id derived from the same name probably duplicates."""
    existing_ids = set(snapshot.pbxs["pbx_id"])
    pbxs = inventory.frames["pbxs"]
    new = {pbx_id for pbx_id in pbxs["pbx_id"] if pbx_id not in existing_ids}
    derived_ids = {row.cells["pbx_id"] for row in parsed_rows if row.frame == "pbxs" and row.made_of}
    unique_names = snapshot.pbxs[~snapshot.pbxs["name"].duplicated(keep=False)]
    id_by_name = dict(zip(unique_names["name"], unique_names["pbx_id"], strict=True))
    names = zip(pbxs["pbx_id"], pbxs["name"], strict=True)
    return {name: str(id_by_name[name]) for pbx_id, name in names if pbx_id in new & derived_ids and name in id_by_name}


def _with_hosts(inventory: Inventory, current: Mapping[str, pd.DataFrame]) -> Inventory:
    """Set a missing inbound host of a new static PBX to its first address, as the carrier does."""
    pbxs = inventory.frames["pbxs"].copy()
    first = inventory.frames["pbx_addresses"].drop_duplicates("pbx_id").set_index("pbx_id")["address"]
    blank = (pbxs["inbound_host"] == "") & (pbxs["ip_kind"] == "static")
    blank &= ~pbxs["pbx_id"].isin(current["pbxs"]["pbx_id"]) & pbxs["pbx_id"].isin(first.index)
    pbxs.loc[blank, "inbound_host"] = pbxs.loc[blank, "pbx_id"].map(first).astype("str")
    return replace(inventory, frames={**inventory.frames, "pbxs": pbxs})


def _rows(
    parsed_rows: Sequence[InventoryRow], inventory: Inventory, difference: InventoryDiff, snapshot: Snapshot
) -> pd.DataFrame:
    """Return one row per line that was read or rejected, faulty ones first."""
    wrong: dict[int, list[Problem]] = {}
    for problem in inventory.problems:
        wrong.setdefault(problem.line or 0, []).append(problem)
    noted: dict[int, list[str]] = {}
    for note in inventory.notes:
        noted.setdefault(note.line or 0, []).append(note.message)
    by_line: dict[int, list[InventoryRow]] = {}
    for row in parsed_rows:
        by_line.setdefault(row.line, []).append(row)
    merged = _Merged(difference, snapshot)
    rows = []
    begun: dict[str, int] = {}
    first: dict[str, InventoryRow] = {}
    for line in sorted({*wrong, *by_line}):
        parts = by_line.get(line, [])
        faults = wrong.get(line, [])
        pbx_id = parts[0].cells["pbx_id"].strip() if parts else ""
        cells = {column: text for row in reversed(parts) for column, text in row.cells.items()}
        messages = [f"{_head(item.column)}{item.message}" for item in faults]
        state = LEFT_OUT
        if any(are_different_pbxs(row, first.setdefault(pbx_id, row)) for row in parts):
            pbx_id = ""  # it belongs to another PBX
        if pbx_id in merged.pbxs and (not faults or pbx_id in merged.touched):
            state, details = merged.of(pbx_id)
            state = PARTLY if faults else state
            messages += ["The rest of the line is taken."] if faults else []
            repetition = [f"The same PBX as in line {begun[pbx_id]}."] if pbx_id in begun else []
            messages += [*noted.get(line, []), *repetition, *([] if faults else details)]
        elif not faults:
            cause = f"as line {begun[pbx_id]} of the same PBX was" if pbx_id in begun else "as its PBX was not taken"
            messages = [f"Left out, {cause}."]
        begun.setdefault(pbx_id, line)
        rows.append(
            {
                "line": line or None,
                "state": [state],
                "name": cells.get("name", ""),
                "kind": (merged.pbxs.get(pbx_id) or {}).get("ip_kind", "").capitalize(),
                "addresses": ", ".join(item.cells["address"] for item in parts if item.frame == "pbx_addresses"),
                "numbers": sum(item.frame == "pbx_numbers" for item in parts),
                "says": " ".join(messages),
            }
        )
    order = [LEFT_OUT, PARTLY, MISSING, COMPLETE, SAME]
    rows.sort(key=lambda row: (order.index(row["state"][0]), row["line"] or 0))
    return pd.DataFrame(rows, columns=COLUMNS)


def _head(column: str) -> str:
    return f"{HEADS.get(column) or label_of(column)}: " if column else ""


class _Merged:
    """The inventory after the merge, indexed by PBX id."""

    def __init__(self, difference: InventoryDiff, snapshot: Snapshot) -> None:
        frames = difference.merged
        self.pbxs: dict[str, Any] = {row["pbx_id"]: row for row in frames["pbxs"].to_dict("records")}
        self._addressed = set(frames["pbx_addresses"]["pbx_id"])
        self._numbered = set(frames["pbx_numbers"]["pbx_id"])
        self._there = set(snapshot.pbxs["pbx_id"])
        current = frames["pbx_addresses"]
        current = current[current["valid_to"].isna() & (current["source"] != "configured")]
        self._sharing: dict[str, list[tuple[str, list[str]]]] = {}
        for address, ids in current[current.duplicated("address", keep=False)].groupby("address")["pbx_id"]:
            for pbx_id in ids:
                other_names = [
                    str(self.pbxs[other_id]["name"] or other_id)
                    for other_id in ids
                    if other_id != pbx_id and other_id in self.pbxs
                ]
                self._sharing.setdefault(str(pbx_id), []).append((str(address), other_names))
        self._changes: dict[str, list[str]] = {}
        changes = difference.changes[difference.changes["change"].isin([diff.ADDED, diff.CHANGED])]
        for frame, key, column in zip(changes["frame"], changes["key"], changes["column"], strict=True):
            label = label_of(column).lower() if column else {"pbx_addresses": "address", "pbx_numbers": "numbers"}
            pbx_changes = self._changes.setdefault(key.split(" ")[0], [])
            pbx_changes.append(label if isinstance(label, str) else label.get(frame, ""))
        self.touched = frozenset(self._changes)

    def of(self, pbx_id: str) -> tuple[str, list[str]]:
        """Return the state of a PBX and sentences on what is new, changed, shared or missing."""
        pbx = self.pbxs[pbx_id]
        sentences = []
        changes = [*dict.fromkeys(filter(None, self._changes.get(pbx_id, [])))]
        if pbx_id not in self._there:
            sentences.append("New.")
        elif changes:
            sentences.append(f"Known. Changes: {join(changes, most=4)}.")
        else:
            return SAME, ["Known, and nothing changes."]
        sentences += [
            f"Shares {address} with {join(other_names)}." for address, other_names in self._sharing.get(pbx_id, [])
        ]
        dynamic = pbx["ip_kind"] == "dynamic"
        missing = ["its address"] if not dynamic and pbx_id not in self._addressed else []
        missing += ["its numbers"] if pbx_id not in self._numbered else []
        missing += ["where its inbound calls go"] if not dynamic and not pbx["inbound_host"] else []
        if missing:
            sentences.append(f"Missing: {join(missing)}.")
        if dynamic:
            sentences.append("It keeps its credentials.")
        return (MISSING if missing else COMPLETE), sentences


def press_of(pasted: PastedFleet) -> str:
    """Return the label of the button that stores the table."""
    if pasted.empty:
        return "Nothing to add"
    if pasted.added:
        return f"Add {counted(pasted.added, 'PBX', 'PBXs')}"
    return f"Keep {counted(pasted.difference.count(diff.ADDED) + pasted.difference.count(diff.CHANGED), 'change')}"


def problems_of(pasted: PastedFleet) -> str:
    """Return sentences on the number of problems and whether anything can be stored."""
    good = "There is nothing else in it to add." if pasted.empty else "The good lines can be added."
    return f"{counted(len(pasted.problems), 'thing')} cannot be taken. {good}"


def result_of(pasted: PastedFleet) -> str:
    """Return a sentence on what was stored and how many lines were left out."""
    added = counted(pasted.added, "PBX is added", "PBXs are added") if pasted.added else "The changes are kept"
    left = sum(state[0] == LEFT_OUT for state in pasted.rows["state"])
    return f"{added}; {counted(left, 'line was', 'lines were')} left out." if left else f"{added}."
