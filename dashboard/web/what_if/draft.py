"""
Draft of the allow list and the credentials switch: its starting point, and the changes that its rows amount to.

This module draws nothing; ``editor`` does, with the texts of ``draft_text``. If the account changes while a draft is
open, the draft is rebased onto the current account: entries that the viewer added or removed stay added or removed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pandas as pd

from dashboard.core.addresses import is_network, parse_entry
from dashboard.core.errors import AddressError
from dashboard.core.text import join, visible
from dashboard.domain.admission import Policy
from dashboard.domain.changes import AllowAddress, Change, RemoveAddress, SetCredentials
from dashboard.domain.snapshot import Snapshot
from dashboard.fixes import account_image
from dashboard.web.components.formatting import address_of, mono, plain

AS_NOW = "as now"
ON = "on"
OFF = "off"
GIVEN = ("network", "label", "owner", "purpose", "role", "review_by")
"""Columns that define an entry; a new value in another column, such as time or actor, is no change of the list."""
TYPED = ["network", "label", "origin"]
_PASTED = re.compile(r"[\s,;]+")
_ADDRESS_LIKE = re.compile(r"[0-9A-Fa-f]*[.:][0-9A-Fa-f.:/]+")


@dataclass
class Draft:
    """A drafted allow list and credentials switch, and the account that they started from."""

    of: pd.DataFrame
    """The allow list at the start, sorted, so that a list in another order counts as unchanged."""
    credentials_on: bool | None
    base: pd.DataFrame
    """Input of the editor: ``network``, ``label``, ``whose``, and ``origin``, the entry that a row started as."""
    edited: pd.DataFrame
    switch: str = AS_NOW
    turn: int = 0
    """Number of times the editor was reset."""
    idle: bool = True
    """Whether the draft had no changes when it was last read."""

    @property
    def key(self) -> str:
        """Streamlit key of the editor."""
        return f"what_if_editor_{self.turn}"

    def reset(self, rows: pd.DataFrame, snapshot: Snapshot) -> None:
        """Reset the editor to rows, with ``whose`` computed again."""
        typed = _typed(rows)
        self.base = self.edited = typed.assign(whose=owners_text(typed["network"], snapshot))
        self.turn += 1


@dataclass(frozen=True)
class DraftReading:
    """Changes, faults and notes that result from the rows of the editor and the switch."""

    changes: tuple[Change, ...] = ()
    faults: tuple[str, ...] = ()
    """A Markdown sentence for each invalid row, in row order; these rows are ignored."""
    notes: tuple[str, ...] = ()
    """Sentences about edits that cannot become changes."""

    @property
    def idle(self) -> bool:
        """Whether the reading has no changes, faults or notes."""
        return not (self.changes or self.faults or self.notes)


def new_draft(snapshot: Snapshot, revision: int = 0) -> Draft:
    """
    Return a draft without changes.

    Args:
        snapshot: The account that the draft starts from.
        revision: Number of earlier editor resets, so that no key is used twice.
    """
    rows = snapshot.allowed_ips[["network", "label"]].assign(origin=snapshot.allowed_ips["network"])
    draft = Draft(_account_list(snapshot), snapshot.account.credentials_on, rows, rows, turn=revision)
    draft.reset(rows, snapshot)
    return draft


def has_account_changed(draft: Draft, snapshot: Snapshot) -> bool:
    """Return whether the account has changed since the start of the draft."""
    return not draft.of.equals(_account_list(snapshot)) or draft.credentials_on is not snapshot.account.credentials_on


def rebase(draft: Draft, snapshot: Snapshot) -> Draft:
    """
    Return the draft rebased onto the current account.

    Args:
        draft: A draft that started from an earlier state of the account.
        snapshot: The current account.

    Returns:
        The current list without the entries that the draft removed, followed by the rows that the viewer wrote and that
        are not on the list yet; the switch of the draft, or ``as now`` if the account already has that state.
    """
    rows = _typed(draft.edited)
    fresh = new_draft(snapshot, draft.turn)
    now = fresh.base
    written = rows[(rows["network"].str.strip() != rows["origin"]) & ~rows["network"].str.strip().isin(now["network"])]
    removed = set(draft.of["network"]) - set(rows["network"].str.strip()) | set(written["origin"])
    written = written.assign(origin=written["origin"].where(written["origin"].isin(now["network"]), ""))
    fresh.reset(pd.concat([now.loc[~now["network"].isin(removed), TYPED], written]), snapshot)
    is_current = {ON: True, OFF: False}.get(draft.switch) is snapshot.account.credentials_on
    fresh.switch = AS_NOW if is_current else draft.switch
    return fresh


def draft_of_version(draft: Draft, policy: Policy, snapshot: Snapshot) -> Draft:
    """
    Return a draft of an earlier list and switch, starting from the current account.

    Args:
        draft: The draft that the new one replaces.
        policy: An earlier policy; if its switch is not known, the switch stays as it is now.
        snapshot: The current account.
    """
    fresh = new_draft(snapshot, draft.turn)
    still_listed = fresh.base[fresh.base["network"].isin(policy.networks)]
    restored = sorted(policy.networks - set(still_listed["network"]))
    fresh.reset(
        pd.concat([still_listed, pd.DataFrame({"network": restored, "label": "", "origin": ""})])[TYPED], snapshot
    )
    if policy.credentials_on is not None and policy.credentials_on is not snapshot.account.credentials_on:
        fresh.switch = ON if policy.credentials_on else OFF
    return fresh


def owners_text(networks: pd.Series, snapshot: Snapshot) -> pd.Series:
    """Return the PBXs that call from each entry now or formerly; empty for a text that is not an address."""
    owners = []
    for network in networks:
        pbx_ids, now = snapshot.owners_of(network)
        owner = f"{'' if now else 'Formerly '}{join(map(snapshot.name_of, pbx_ids))}" if pbx_ids else "Unassigned"
        owners.append(owner if pbx_ids or is_network(network) else "")
    return pd.Series(owners, index=networks.index, dtype="str")


def split_pasted(rows: pd.DataFrame) -> pd.DataFrame | None:
    """
    Split a list of addresses that was pasted into one cell into one row per address.

    Args:
        rows: As in ``parse_draft``.

    Returns:
        All rows; the first address of a cell replaces the cell's entry. ``None`` if no list was pasted.
    """
    if not any(map(_PASTED.search, _texts(rows["network"]))):
        return None
    typed = _typed(rows)
    pieces = [_PASTED.split(text.strip()) for text in typed["network"]]
    several = [len(parts) > 1 and all(map(_ADDRESS_LIKE.fullmatch, parts)) for parts in pieces]
    if not any(several):
        return None
    split = [
        parts if is_list else [text] for parts, is_list, text in zip(pieces, several, typed["network"], strict=True)
    ]
    spread_out = typed.assign(network=pd.Series(split, typed.index)).explode("network")
    first = pd.Series(~spread_out.index.duplicated(), spread_out.index)
    return spread_out.assign(origin=spread_out["origin"].where(first, "")).reset_index(drop=True)


def parse_draft(rows: pd.DataFrame, switch: str, snapshot: Snapshot) -> DraftReading:
    """
    Convert the rows of the editor and the switch to changes.

    Args:
        rows: ``network``, ``label``, ``origin`` as edited; blank rows are ignored.
        switch: ``as now``, ``on`` or ``off``.
        snapshot: The current account.

    Returns:
        Changes that admit calls first, then changes that reject calls. An entry whose row is invalid stays unchanged.
    """
    network, label, origin = (_texts(rows[name]) for name in TYPED)
    lines = [*zip(range(1, len(rows) + 1), network, label, origin, strict=True)]
    listed = _texts(snapshot.allowed_ips["network"])
    unchanged = {text: (number, row_label) for number, text, row_label, original in lines if text == original and text}
    written = [line for line in lines if line[1] != line[3] or (line[2] and not line[1])]
    row_of = {text: number for text, (number, _) in unchanged.items()}
    origins = {original for *_, original in written if original}
    began = {
        row["network"]: account_image.entry(row) for row in _entries(snapshot, [name in origins for name in listed])
    }
    listed_set = set(listed)
    faults = []
    added: list[Change] = []
    for number, text, row_label, original in written:
        try:
            address = _parsed(text, original, row_of, snapshot)
        except AddressError as exc:
            if original:
                row_of[original] = number
            hint = f" {mono(original)} stays as it is until then." if original else ""
            faults.append(f"Row {number}: {plain(str(exc))}{hint}")
            continue
        row_of[address] = number
        if address not in listed_set:
            added.append(AllowAddress(network=address, **(began.get(original, {}) | {"label": row_label})))
    off_it = _entries(snapshot, [name not in row_of for name in listed])
    removed: list[Change] = [RemoveAddress(network=row["network"], **account_image.entry(row)) for row in off_it]
    switch_state = {ON: True, OFF: False}.get(switch)
    switch_changes: list[Change] = []
    if switch_state is not None and switch_state is not snapshot.account.credentials_on:
        switch_changes = [SetCredentials(enabled=switch_state)]
    changes = [*switch_changes, *added, *removed] if switch_state else [*added, *removed, *switch_changes]
    return DraftReading(tuple(changes), tuple(faults), tuple(_label_notes(unchanged, snapshot)))


def _parsed(text: str, origin: str, row_of: dict[str, int], snapshot: Snapshot) -> str:
    """
    Parse the address of a row and check that no other row has it.

    Raises:
        AddressError: The text is not a single public address, or another row has the address.
    """
    if origin and not text:
        raise AddressError("The address is empty. Write one, or delete the row to take the entry off the list.")
    network = parse_entry(text, public_ranges=snapshot.treated_as_public)
    if network in row_of:
        raise AddressError(f"{network} is on the list already, in row {row_of[network]}. Delete one of the two.")
    return network


def _label_notes(unchanged: dict[str, tuple[int, str]], snapshot: Snapshot) -> list[str]:
    entries = zip(_texts(snapshot.allowed_ips["network"]), _texts(snapshot.allowed_ips["label"]), strict=True)
    return [
        f"The label of {address_of(network, snapshot)} stays: an entry is put on the list or taken off it, not renamed."
        for network, label in entries
        if network in unchanged and visible(label) != unchanged[network][1]  # the editor shows no hidden characters
    ]


def _account_list(snapshot: Snapshot) -> pd.DataFrame:
    return snapshot.allowed_ips.reindex(columns=list(GIVEN)).sort_values("network", ignore_index=True)


def _typed(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[TYPED].fillna("").astype("str").reset_index(drop=True)


def _texts(column: pd.Series) -> list[str]:
    """Return a column as strings without surrounding whitespace; ``""`` for missing values."""
    return [
        text.strip() if isinstance(text, str) else "" if pd.isna(text) else str(text).strip()
        for text in column.tolist()  # a list has thousands of rows, nearly all of them strings
    ]


def _entries(snapshot: Snapshot, mask: list[bool]) -> list[dict[Any, Any]]:
    """Return the chosen entries as dictionaries; usually few, so the other rows are not converted."""
    return snapshot.allowed_ips[mask].to_dict("records") if any(mask) else []
