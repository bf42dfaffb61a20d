"""Bulk add: reads a pasted table of PBXs and reports per line what is recognized, missing or wrong and what it adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import pandas as pd

from dashboard.core.text import counted, join, label_of, visible
from dashboard.domain.snapshot import Snapshot
from dashboard.pbx.readers.csv import pasted
from dashboard.pbx.sources import (
    ADDED,
    CHANGED,
    Inventory,
    InventoryDiff,
    InventoryRow,
    LintContext,
    Problem,
    Upload,
    are_different_pbxs,
    frames_of,
    merge,
    read_files,
    with_kept_ids,
)

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


def read(snapshot: Snapshot, given: Upload) -> PastedFleet:
    """
    Read a table and compare it with the inventory.

    Args:
        snapshot: The account and the inventory.
        given: Table from ``upload`` or ``table``.
    """
    current = frames_of(snapshot)
    public = snapshot.treated_as_public
    found = read_files([given], treated_as_public=public, current=current, trunk=LintContext.of(snapshot).trunk)
    told = with_kept_ids(pasted.read(given.name, given.data).rows, current["pbxs"])
    found = _with_hosts(_without_clashes(found, told, snapshot), current)
    difference = merge(current, found)
    there = set(current["pbxs"]["pbx_id"])
    return PastedFleet(
        layout=_layout(given),
        rows=_rows(told, found, difference, snapshot),
        problems=tuple(found.problems),
        difference=difference,
        added=sum(pbx_id not in there for pbx_id in found.frames["pbxs"]["pbx_id"]),
        shown=snapshot.version_ids,
    )


def changed_only(difference: InventoryDiff) -> InventoryDiff:
    """Return only the changes of existing PBXs; additions are visible in the rows themselves."""
    return replace(difference, changes=difference.changes[difference.changes["change"] == CHANGED])


def _layout(given: Upload) -> str:
    layout = pasted.layout_of(given.name, given.data)
    if layout is None or not layout.columns:
        return ""
    ordered = sorted(layout.columns, key=layout.columns.__getitem__)
    said = f"Read as {join((HEADS.get(one) or label_of(one) for one in ordered), most=len(ordered))}"
    said += ", by the headers." if layout.headed else ", by what stands in the columns."
    if layout.left_out:
        said += f" Left out: {join(layout.left_out, most=5)}."
    return said


def _without_clashes(found: Inventory, told: Sequence[InventoryRow], snapshot: Snapshot) -> Inventory:
    """Remove rows that conflict with another PBX of the inventory, by number or by name, and add problems for them."""
    lines = {(row.frame, row.cells["pbx_id"].strip(), _own(row.cells)): row for row in reversed(told)}
    owners = {
        "pbx_numbers": dict(zip(snapshot.pbx_numbers["number"], snapshot.pbx_numbers["pbx_id"], strict=True)),
        "pbxs": _others_of_name(found, told, snapshot),
    }
    column = {"pbx_numbers": "number", "pbxs": "name"}
    frames = dict(found.frames)
    problems = list(found.problems)
    gone: set[str] = set()
    for frame in ("pbxs", "pbx_numbers"):
        keep = []
        for pbx_id, value in zip(frames[frame]["pbx_id"], frames[frame][column[frame]], strict=True):
            owner = owners[frame].get(value, pbx_id)
            keep.append(owner == pbx_id and pbx_id not in gone)
            if owner != pbx_id and pbx_id not in gone:
                gone |= {pbx_id} if frame == "pbxs" else set()
                row = lines.get((frame, pbx_id, "" if frame == "pbxs" else value)) or _first(told, frame, pbx_id)
                message = _CLASH[frame].format(value=value, owner=snapshot.name_of(owner), id=owner)
                problems.append(Problem(row.file, row.line, column[frame], message, value))
        frames[frame] = frames[frame].loc[pd.Series(keep, dtype=bool)].reset_index(drop=True)
    addresses = frames["pbx_addresses"]
    frames["pbx_addresses"] = addresses[~addresses["pbx_id"].isin(gone)].reset_index(drop=True)
    return replace(found, frames=frames, problems=problems)


_CLASH: Final = {
    "pbxs": "{value} is in the inventory already, as {id}. Add a column pbx_id that says which one is meant.",
    "pbx_numbers": "{value} is a number of {owner} already. Take it out there first, on the page Inventory.",
}


def _own(cells: Mapping[str, str]) -> str:
    return cells.get("address", "") or cells.get("number", "")


def _first(told: Sequence[InventoryRow], frame: str, pbx_id: str) -> InventoryRow:
    """Return the first row of a PBX in a frame, for values that the table has in another form than the inventory."""
    return next(row for row in told if row.frame == frame and row.cells["pbx_id"].strip() == pbx_id)


def _others_of_name(found: Inventory, told: Sequence[InventoryRow], snapshot: Snapshot) -> dict[str, str]:
    """Return, by name, the inventory's PBX that a new one with an id derived from the same name probably duplicates."""
    there = set(snapshot.pbxs["pbx_id"])
    pbxs = found.frames["pbxs"]
    new = {pbx_id for pbx_id in pbxs["pbx_id"] if pbx_id not in there}
    made = {row.cells["pbx_id"] for row in told if row.frame == "pbxs" and row.made_of}
    named = snapshot.pbxs[~snapshot.pbxs["name"].duplicated(keep=False)]
    known = dict(zip(named["name"], named["pbx_id"], strict=True))
    names = zip(pbxs["pbx_id"], pbxs["name"], strict=True)
    return {name: str(known[name]) for pbx_id, name in names if pbx_id in new & made and name in known}


def _with_hosts(found: Inventory, current: Mapping[str, pd.DataFrame]) -> Inventory:
    """Set a missing inbound host of a new static PBX to its first address, as the carrier does."""
    pbxs = found.frames["pbxs"].copy()
    first = found.frames["pbx_addresses"].drop_duplicates("pbx_id").set_index("pbx_id")["address"]
    blank = (pbxs["inbound_host"] == "") & (pbxs["ip_kind"] == "static")
    blank &= ~pbxs["pbx_id"].isin(current["pbxs"]["pbx_id"]) & pbxs["pbx_id"].isin(first.index)
    pbxs.loc[blank, "inbound_host"] = pbxs.loc[blank, "pbx_id"].map(first).astype("str")
    return replace(found, frames={**found.frames, "pbxs": pbxs})


def _rows(
    told: Sequence[InventoryRow], found: Inventory, difference: InventoryDiff, snapshot: Snapshot
) -> pd.DataFrame:
    """Return one row per line that was read or rejected, faulty ones first."""
    wrong: dict[int, list[Problem]] = {}
    for problem in found.problems:
        wrong.setdefault(problem.line or 0, []).append(problem)
    noted: dict[int, list[str]] = {}
    for note in found.notes:
        noted.setdefault(note.line or 0, []).append(note.message)
    by_line: dict[int, list[InventoryRow]] = {}
    for row in told:
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
        said = [f"{_head(one.column)}{one.message}" for one in faults]
        state = LEFT_OUT
        if any(are_different_pbxs(row, first.setdefault(pbx_id, row)) for row in parts):
            pbx_id = ""  # it belongs to another PBX
        if pbx_id in merged.pbxs and (not faults or pbx_id in merged.touched):
            state, more = merged.of(pbx_id)
            state = PARTLY if faults else state
            said += ["The rest of the line is taken."] if faults else []
            again = [f"The same PBX as in line {begun[pbx_id]}."] if pbx_id in begun else []
            said += [*noted.get(line, []), *again, *([] if faults else more)]
        elif not faults:
            where = f"as line {begun[pbx_id]} of the same PBX was" if pbx_id in begun else "as its PBX was not taken"
            said = [f"Left out, {where}."]
        begun.setdefault(pbx_id, line)
        rows.append(
            {
                "line": line or None,
                "state": [state],
                "name": cells.get("name", ""),
                "kind": (merged.pbxs.get(pbx_id) or {}).get("ip_kind", "").capitalize(),
                "addresses": ", ".join(one.cells["address"] for one in parts if one.frame == "pbx_addresses"),
                "numbers": sum(one.frame == "pbx_numbers" for one in parts),
                "says": " ".join(said),
            }
        )
    order = [LEFT_OUT, PARTLY, MISSING, COMPLETE, SAME]
    rows.sort(key=lambda row: (order.index(row["state"][0]), row["line"] or 0))
    shown = [{column: visible(cell) if isinstance(cell, str) else cell for column, cell in row.items()} for row in rows]
    return pd.DataFrame(shown, columns=COLUMNS)


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
                others = [str(self.pbxs[one]["name"] or one) for one in ids if one != pbx_id and one in self.pbxs]
                self._sharing.setdefault(str(pbx_id), []).append((str(address), others))
        self._changes: dict[str, list[str]] = {}
        told = difference.changes[difference.changes["change"].isin([ADDED, CHANGED])]
        for frame, key, column in zip(told["frame"], told["key"], told["column"], strict=True):
            said = label_of(column).lower() if column else {"pbx_addresses": "address", "pbx_numbers": "numbers"}
            mine = self._changes.setdefault(key.split(" ")[0], [])
            mine.append(said if isinstance(said, str) else said.get(frame, ""))
        self.touched = frozenset(self._changes)

    def of(self, pbx_id: str) -> tuple[str, list[str]]:
        """Return the state of a PBX and sentences on what is new, changed, shared or missing."""
        pbx = self.pbxs[pbx_id]
        said = []
        changes = [*dict.fromkeys(filter(None, self._changes.get(pbx_id, [])))]
        if pbx_id not in self._there:
            said.append("New.")
        elif changes:
            said.append(f"Known. Changes: {join(changes, most=4)}.")
        else:
            return SAME, ["Known, and nothing changes."]
        said += [f"Shares {address} with {join(others)}." for address, others in self._sharing.get(pbx_id, [])]
        dynamic = pbx["ip_kind"] == "dynamic"
        missing = ["its address"] if not dynamic and pbx_id not in self._addressed else []
        missing += ["its numbers"] if pbx_id not in self._numbered else []
        missing += ["where its inbound calls go"] if not dynamic and not pbx["inbound_host"] else []
        if missing:
            said.append(f"Missing: {join(missing)}.")
        if dynamic:
            said.append("It keeps its credentials.")
        return (MISSING if missing else COMPLETE), said


def press_of(pasted: PastedFleet) -> str:
    """Return the label of the button that stores the table."""
    if pasted.empty:
        return "Nothing to add"
    if pasted.added:
        return f"Add {counted(pasted.added, 'PBX', 'PBXs')}"
    return f"Keep {counted(pasted.difference.count(ADDED) + pasted.difference.count(CHANGED), 'change')}"


def problems_of(pasted: PastedFleet) -> str:
    """Return sentences on the number of problems and whether anything can be stored."""
    good = "There is nothing else in it to add." if pasted.empty else "The good lines can be added."
    return f"{counted(len(pasted.problems), 'thing')} cannot be taken. {good}"


def result_of(pasted: PastedFleet) -> str:
    """Return a sentence on what was stored and how many lines were left out."""
    added = counted(pasted.added, "PBX is added", "PBXs are added") if pasted.added else "The changes are kept"
    left = sum(state[0] == LEFT_OUT for state in pasted.rows["state"])
    return f"{added}; {counted(left, 'line was', 'lines were')} left out." if left else f"{added}."
