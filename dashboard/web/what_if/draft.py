"""
A draft of the list and the switch: what it began from, and what its rows come to.

Nothing here draws; ``draft_editor`` does, in the words of ``draft_words``. Where the account moves under a
draft, the draft is carried over to the account as it is now: what somebody added or took off stays so.
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
from dashboard.fixes.account_image import entry
from dashboard.web.components.formatting import address_of, mono, plain

AS_NOW, ON, OFF = "as now", "on", "off"
GIVEN = ("network", "label", "owner", "purpose", "role", "review_by")
"""What an entry is; when it came and from whom may be read anew without the list having moved."""
TYPED = ["network", "label", "origin"]
_PASTED, _ADDRESS_LIKE = re.compile(r"[\s,;]+"), re.compile(r"[0-9A-Fa-f]*[.:][0-9A-Fa-f.:/]+")


@dataclass
class Draft:
    """A list and a switch as somebody would have them, and the account that they started from."""

    of: pd.DataFrame
    """The list as it was, sorted: a list that only comes in another order has not moved."""
    credentials_on: bool | None
    base: pd.DataFrame
    """What the editor is given: ``network``, ``label``, ``whose``, and ``origin``, the entry a row came from."""
    edited: pd.DataFrame
    switch: str = AS_NOW
    turn: int = 0
    """Counts the editors drawn anew."""
    idle: bool = True
    """Nothing was changed when it was last read."""

    @property
    def key(self) -> str:
        """The editor's key."""
        return f"what_if_editor_{self.turn}"

    def put(self, rows: pd.DataFrame, snapshot: Snapshot) -> None:
        """Have the editor begin anew with rows; ``whose`` is found again."""
        told = _typed(rows)
        self.base = self.edited = told.assign(whose=whose(told["network"], snapshot))
        self.turn += 1


@dataclass(frozen=True)
class DraftReading:
    """What the rows of the editor and the switch come to."""

    changes: tuple[Change, ...] = ()
    faults: tuple[str, ...] = ()
    """A Markdown sentence for each row that is left out, in their order."""
    notes: tuple[str, ...] = ()
    """Sentences about what cannot be changed here."""

    @property
    def idle(self) -> bool:
        """Whether there is nothing in it at all."""
        return not (self.changes or self.faults or self.notes)


def begin(snapshot: Snapshot, turn: int = 0) -> Draft:
    """
    Return a draft that changes nothing.

    Args:
        snapshot: The account it begins from.
        turn: How many editors were drawn before, so that no key comes twice.
    """
    rows = snapshot.allowed_ips[["network", "label"]].assign(origin=snapshot.allowed_ips["network"])
    draft = Draft(_given(snapshot), snapshot.account.credentials_on, rows, rows, turn=turn)
    draft.put(rows, snapshot)
    return draft


def moved(draft: Draft, snapshot: Snapshot) -> bool:
    """Say whether the account is no longer what the draft began from."""
    return not draft.of.equals(_given(snapshot)) or draft.credentials_on is not snapshot.account.credentials_on


def carried(draft: Draft, snapshot: Snapshot) -> Draft:
    """
    Return the draft on the account as it is now.

    Args:
        draft: Begun from the account as it was.
        snapshot: The account now.

    Returns:
        The list of now without what the draft took off, then the rows that somebody wrote and that are not
        on it yet; the switch, unless it stands so already.
    """
    rows, fresh = _typed(draft.edited), begin(snapshot, draft.turn)
    now = fresh.base
    written = rows[(rows["network"].str.strip() != rows["origin"]) & ~rows["network"].str.strip().isin(now["network"])]
    gone = set(draft.of["network"]) - set(rows["network"].str.strip()) | set(written["origin"])
    written = written.assign(origin=written["origin"].where(written["origin"].isin(now["network"]), ""))
    fresh.put(pd.concat([now.loc[~now["network"].isin(gone), TYPED], written]), snapshot)
    stands = {ON: True, OFF: False}.get(draft.switch) is snapshot.account.credentials_on
    fresh.switch = AS_NOW if stands else draft.switch
    return fresh


def past(draft: Draft, policy: Policy, snapshot: Snapshot) -> Draft:
    """
    Return a draft of a list and a switch as they once were, begun from the account as it is now.

    Args:
        draft: The one that it takes the place of.
        policy: In force at some time; where its switch is not known, the switch stays as it is now.
        snapshot: The account now.
    """
    fresh = begin(snapshot, draft.turn)
    kept = fresh.base[fresh.base["network"].isin(policy.networks)]
    back = sorted(policy.networks - set(kept["network"]))
    fresh.put(pd.concat([kept, pd.DataFrame({"network": back, "label": "", "origin": ""})])[TYPED], snapshot)
    if policy.credentials_on is not None and policy.credentials_on is not snapshot.account.credentials_on:
        fresh.switch = ON if policy.credentials_on else OFF
    return fresh


def whose(networks: pd.Series, snapshot: Snapshot) -> pd.Series:
    """Say of each entry which PBX calls from it now, or did; nothing of a text that is no address."""
    said = []
    for network in networks:
        pbx_ids, now = snapshot.owners_of(network)
        named = f"{'' if now else 'Formerly '}{join(map(snapshot.name_of, pbx_ids))}" if pbx_ids else "Unassigned"
        said.append(named if pbx_ids or is_network(network) else "")
    return pd.Series(said, index=networks.index, dtype="str")


def spread(rows: pd.DataFrame) -> pd.DataFrame | None:
    """
    Give each address of a list that was pasted into one cell a row of its own.

    Args:
        rows: As in ``read``.

    Returns:
        All rows; the first address of a cell takes the place of its entry. ``None`` where no list was pasted.
    """
    if not any(map(_PASTED.search, _texts(rows["network"]))):
        return None
    told = _typed(rows)
    pieces = [_PASTED.split(text.strip()) for text in told["network"]]
    several = [len(found) > 1 and all(map(_ADDRESS_LIKE.fullmatch, found)) for found in pieces]
    if not any(several):
        return None
    split = [found if many else [text] for found, many, text in zip(pieces, several, told["network"], strict=True)]
    spread_out = told.assign(network=pd.Series(split, told.index)).explode("network")
    first = pd.Series(~spread_out.index.duplicated(), spread_out.index)
    return spread_out.assign(origin=spread_out["origin"].where(first, "")).reset_index(drop=True)


def read(rows: pd.DataFrame, switch: str, snapshot: Snapshot) -> DraftReading:
    """
    Turn the rows of the editor and the switch into changes.

    Args:
        rows: ``network``, ``label``, ``origin`` as edited; blank rows count for nothing.
        switch: ``as now``, ``on`` or ``off``.
        snapshot: The account as it stands.

    Returns:
        What lets calls in first, then what keeps calls out. An entry whose row is wrong stays as it is.
    """
    network, label, origin = (_texts(rows[name]) for name in TYPED)
    lines = [*zip(range(1, len(rows) + 1), network, label, origin, strict=True)]
    listed = _texts(snapshot.allowed_ips["network"])
    kept = {text: (number, said) for number, text, said, was in lines if text == was and text}
    written = [line for line in lines if line[1] != line[3] or (line[2] and not line[1])]
    places = {text: number for text, (number, _) in kept.items()}
    origins = {was for *_, was in written if was}
    began = {row["network"]: entry(row) for row in _entries(snapshot, [name in origins for name in listed])}
    there, faults = set(listed), []
    added: list[Change] = []
    for number, text, said, was in written:
        try:
            address = _parsed(text, was, places, snapshot)
        except AddressError as exc:
            if was:
                places[was] = number
            stays = f" {mono(was)} stays as it is until then." if was else ""
            faults.append(f"Row {number}: {plain(str(exc))}{stays}")
            continue
        places[address] = number
        if address not in there:
            added.append(AllowAddress(network=address, **(began.get(was, {}) | {"label": said})))
    off_it = _entries(snapshot, [name not in places for name in listed])
    removed: list[Change] = [RemoveAddress(network=row["network"], **entry(row)) for row in off_it]
    wanted = {ON: True, OFF: False}.get(switch)
    turned: list[Change] = []
    if wanted is not None and wanted is not snapshot.account.credentials_on:
        turned = [SetCredentials(enabled=wanted)]
    changes = [*turned, *added, *removed] if wanted else [*added, *removed, *turned]
    return DraftReading(tuple(changes), tuple(faults), tuple(_renamed(kept, snapshot)))


def _parsed(text: str, origin: str, places: dict[str, int], snapshot: Snapshot) -> str:
    """
    Read an address that is on no other row.

    Raises:
        AddressError: It is no single public address, or it stands in another row.
    """
    if origin and not text:
        raise AddressError("The address is empty. Write one, or delete the row to take the entry off the list.")
    network = parse_entry(text, public_ranges=snapshot.treated_as_public)
    if network in places:
        raise AddressError(f"{network} is on the list already, in row {places[network]}. Delete one of the two.")
    return network


def _renamed(kept: dict[str, tuple[int, str]], snapshot: Snapshot) -> list[str]:
    was = zip(_texts(snapshot.allowed_ips["network"]), _texts(snapshot.allowed_ips["label"]), strict=True)
    return [
        f"The label of {address_of(network, snapshot)} stays: an entry is put on the list or taken off it, not renamed."
        for network, label in was
        if network in kept and visible(label) != kept[network][1]  # the editor shows no hidden characters
    ]


def _given(snapshot: Snapshot) -> pd.DataFrame:
    return snapshot.allowed_ips.reindex(columns=list(GIVEN)).sort_values("network", ignore_index=True)


def _typed(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[TYPED].fillna("").astype("str").reset_index(drop=True)


def _texts(column: pd.Series) -> list[str]:
    """Return a column as plain texts with nothing around them; ``""`` where there is none."""
    return [
        text.strip() if isinstance(text, str) else "" if pd.isna(text) else str(text).strip()
        for text in column.tolist()  # a list has thousands of rows, nearly all of them texts
    ]


def _entries(snapshot: Snapshot, chosen: list[bool]) -> list[dict[Any, Any]]:
    """Return the entries that are chosen; few, as a rule, so the rest is never turned into rows."""
    return snapshot.allowed_ips[chosen].to_dict("records") if any(chosen) else []
