"""
Guards: conditions that a plan must meet before it may be applied, each with a sentence.

A guard that is not met blocks the plan, unless it names a phrase that confirms the plan when typed.
To add a guard, add a function with ``@guard`` to this module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import pandas as pd

from dashboard.calls import Replay, confirmed_callers
from dashboard.calls.replay import admission_proofs, undecided
from dashboard.core.addresses import membership, parse_entry
from dashboard.core.clocks import TO_COME
from dashboard.core.errors import AddressError
from dashboard.core.text import counted, join
from dashboard.domain.changes import (
    AllowAddress,
    Change,
    DeleteRoute,
    GuardResult,
    RemoveAddress,
    ReplayImpact,
    RouteNumber,
)
from dashboard.domain.claims import cure, explain_future_time
from dashboard.domain.replay_labels import BROKEN, CANNOT, GONE, MAY_BREAK
from dashboard.domain.snapshot import Age, Snapshot, members
from dashboard.fixes.account_image import POLICY_KINDS, SIP_REG, proposed
from dashboard.fixes.removals import Removal
from dashboard.schemas.tables import ADMISSION, FILE_ONLY


@dataclass(frozen=True)
class Situation:
    """Input of a guard."""

    snapshot: Snapshot
    changes: Sequence[Change]
    replay: Replay
    max_changes: int
    removals: Mapping[str, Removal] = field(default_factory=dict)
    """Fix that removed an entry for cause, by network, if that fix is the latest change of the entry."""

    @property
    def impact(self) -> ReplayImpact:
        """Totals of the replay."""
        return self.replay.impact


Guard = Callable[[Situation], GuardResult | None]
GUARDS: list[Guard] = []


def guard(function: Guard) -> Guard:
    """Register a guard; a guard returns ``None`` if it does not apply to the changes."""
    GUARDS.append(function)
    return function


def check_all(situation: Situation) -> tuple[GuardResult, ...]:
    """Evaluate all guards, in the order of this module."""
    return tuple(result for function in GUARDS if (result := function(situation)) is not None)


@guard
def size_is_bounded(situation: Situation) -> GuardResult:
    """Block a plan without changes or with more than ``max_changes``."""
    count = len(situation.changes)
    most = situation.max_changes
    is_met = 0 < count <= most
    noun = "change" if count == 1 else "changes"
    text = (
        f"It makes {count} {noun}." if is_met else f"It would make {count} {noun}; one fix makes between 1 and {most}."
    )
    return GuardResult(id="size_is_bounded", sentence=text, met=is_met)


@guard
def address_is_usable(situation: Situation) -> GuardResult | None:
    """Block the addition of anything but single public addresses to the list."""
    added = [change.network for change in situation.changes if isinstance(change, AllowAddress)]
    if not added:
        return None
    for network in added:
        try:
            parse_entry(network, public_ranges=situation.snapshot.treated_as_public)
        except AddressError as exc:
            return GuardResult(id="address_is_usable", sentence=str(exc), met=False)
    noun = "is a single public address" if len(added) == 1 else "are single public addresses"
    return GuardResult(id="address_is_usable", sentence=f"{', '.join(added)} {noun}.", met=True)


@guard
def removal_can_be_undone(situation: Situation) -> GuardResult | None:
    """Require typing each removed entry that could not be added to the list again, such as a network."""
    removed = [change.network for change in situation.changes if isinstance(change, RemoveAddress)]
    refused = [network for network in removed if _is_refused(network, situation.snapshot)]
    if not refused:
        return None
    noun = "the entry" if len(refused) == 1 else "the entries"
    return GuardResult(
        id="removal_can_be_undone",
        sentence=(
            f"trunkgate cannot undo the removal of {', '.join(refused)}: it adds single public addresses only, "
            f"so {noun} could not be put back."
        ),
        met=False,
        confirm=", ".join(refused),
    )


def _is_refused(network: str, snapshot: Snapshot) -> bool:
    """Return whether ``address_is_usable`` would block the addition of an entry."""
    try:
        parse_entry(network, public_ranges=snapshot.treated_as_public)
    except AddressError:
        return True
    return False


@guard
def account_is_known(situation: Situation) -> GuardResult | None:
    """Block a policy change unless the list and the credentials switch were read recently."""
    if not any(isinstance(change, POLICY_KINDS) for change in situation.changes):
        return None
    snapshot = situation.snapshot
    for name, words in (("allowed_ips", "list of allowed addresses"), ("credentials", "state of the credentials")):
        age = snapshot.freshness[name].age(snapshot.taken_at) if name in snapshot.freshness else Age.MISSING
        if age is not Age.FRESH:
            return GuardResult(
                id="account_is_known",
                sentence=f"The {words} on record is {age}. {cure(snapshot, name)} Then plan again.",
                met=False,
            )
    return GuardResult(id="account_is_known", sentence="The list and the switch were read recently.", met=True)


@guard
def calls_are_known(situation: Situation) -> GuardResult | None:
    """Require confirmation if the replay of a policy change is not based on fresh calls."""
    if not any(isinstance(change, POLICY_KINDS) for change in situation.changes):
        return None
    snapshot = situation.snapshot
    age = snapshot.freshness["calls"].age(snapshot.taken_at) if "calls" in snapshot.freshness else Age.MISSING
    if age is Age.FRESH:
        return None
    return GuardResult(
        id="calls_are_known",
        sentence=f"The calls on record are {age}, so what this would save or break is not known.",
        met=False,
        confirm="without calls",
    )


@guard
def nothing_of_ours_breaks(situation: Situation) -> GuardResult | None:
    """Require typing the PBX's name if calls of our PBXs that can recur would be rejected."""
    if not any(isinstance(change, POLICY_KINDS) for change in situation.changes):
        return None
    impact = situation.impact
    if not impact.calls(BROKEN) and (missing_calls := _no_calls(situation.snapshot)):
        return GuardResult(
            id="nothing_of_ours_breaks", sentence=f"Unknown: {missing_calls}.", met=False, confirm="without calls"
        )
    if not impact.calls(BROKEN):
        unrepeatable = impact.calls(GONE)
        unrepeatable_note = (
            f" {counted(unrepeatable, 'call')} of {', '.join(impact.who(GONE))} cannot recur: the PBX has left the "
            "address."
        )
        return GuardResult(
            id="nothing_of_ours_breaks",
            sentence="No past call of a PBX of yours is known to "
            f"break.{unrepeatable_note if unrepeatable else ''}{impact.apart}",
            met=True,
        )
    names = _names_of(situation.snapshot, situation.replay.pbxs(BROKEN))
    return GuardResult(
        id="nothing_of_ours_breaks",
        sentence=f"It would block {impact.calls(BROKEN):,} of the past calls, those of {names}.{impact.apart}",
        met=False,
        confirm=names,
    )


@guard
def nobody_in_service_is_cut_off(situation: Situation) -> GuardResult | None:
    """Require typing the name of a PBX whose current address would leave the list although no call from it breaks."""
    snapshot = situation.snapshot
    listed = proposed(situation.snapshot.policy, situation.changes).networks
    removed = snapshot.policy.networks - listed
    rows = snapshot.addresses_now
    serving = snapshot.pbxs.loc[snapshot.pbxs["status"].isin(["active", "standby"]), "pbx_id"]
    is_cut_off = (
        membership(removed, rows["address"]) & ~membership(listed, rows["address"]) & rows["pbx_id"].isin(serving)
    )
    broken_sources = set(situation.replay.rows.loc[situation.replay.rows["label"] == BROKEN, "source_ip"])
    rows = rows[is_cut_off & ~rows["address"].isin(broken_sources)]
    if rows.empty:
        return None
    names = _names(snapshot, rows)
    addresses = join(sorted(rows["address"].unique()), None)
    return GuardResult(
        id="nobody_in_service_is_cut_off",
        sentence=f"No call from {addresses} is on record, but {names} is to call from there.",
        met=False,
        confirm=names,
    )


@guard
def undecided_calls_are_said(situation: Situation) -> GuardResult | None:
    """Require confirmation if undecided calls of our PBXs may be rejected; calls that may be saved need none."""
    impact = situation.impact
    own_calls = {label: impact.ours(label) for label in (MAY_BREAK, CANNOT)}
    if not any(own_calls.values()):
        return None
    names = _names_of(situation.snapshot, situation.replay.pbxs(MAY_BREAK, CANNOT))
    parts = [
        text.format(f"{calls:,} past call{'s' if calls > 1 else ''}")
        for text, calls in (
            ("{} may be blocked", own_calls[MAY_BREAK]),
            ("for {} it cannot be told", own_calls[CANNOT]),
        )
        if calls
    ]
    return GuardResult(
        id="undecided_calls_are_said",
        sentence=f"Not decided for {names}: {join(parts, None)}.",
        met=False,
        confirm=names,
    )


@guard
def owners_are_known(situation: Situation) -> GuardResult | None:
    """Require confirmation if a stale inventory leaves open whether rejected calls are ours."""
    calls = sum(count for reason, count in situation.impact.why(CANNOT).items() if undecided.INVENTORY in reason)
    if not calls:
        return None
    return GuardResult(
        id="owners_are_known",
        sentence=f"Cannot tell for {calls:,} past call{'s' if calls > 1 else ''}: {undecided.INVENTORY}.",
        met=False,
        confirm="stale inventory",
    )


@guard
def money_was_not_lost_there(situation: Situation) -> GuardResult | None:
    """
    Require typing an added address that cost money while unassigned, or whose entry was removed for cause.

    The cause no longer applies to an address that a PBX in use of a fresh inventory calls from now.
    """
    snapshot = situation.snapshot
    faults: dict[str, str] = {}
    for change in situation.changes:
        if not isinstance(change, AllowAddress) or _is_assigned(snapshot, change.network):
            continue
        loss = _loss(snapshot, change.network)
        removal = _removal(situation.removals.get(change.network), with_cost=not loss)
        if loss or removal:
            faults[change.network] = " ".join(filter(None, (loss, removal)))
    if not faults:
        return None
    return GuardResult(
        id="money_was_not_lost_there", sentence=" ".join(faults.values()), met=False, confirm=", ".join(faults)
    )


def _is_assigned(snapshot: Snapshot, network: str) -> bool:
    """Return whether a PBX in use calls from an address now, according to a fresh inventory."""
    inventory = snapshot.freshness.get("inventory")
    if inventory is None or inventory.age(snapshot.taken_at) is not Age.FRESH:
        return False
    retired = snapshot.pbxs.loc[snapshot.pbxs["status"] == confirmed_callers.RETIRED, "pbx_id"]
    rows = snapshot.addresses_now
    return bool(membership([network], rows.loc[~rows["pbx_id"].isin(retired), "address"]).any())


def _loss(snapshot: Snapshot, network: str) -> str:
    """
    Return a sentence on the cost and the last date of admitted calls of others from an address; ``""`` without cost.

    These include calls from before the window, which are known as far as the policy changed since.
    """
    parts = [part for part in (snapshot.past_traffic, snapshot.judged_traffic) if len(part)] or [snapshot.traffic]
    rows = pd.concat(parts, ignore_index=True)
    rows = rows[(rows["direction"] == "outbound").to_numpy()]
    rows = rows[membership([network], rows["source_ip"])]
    rows = rows[admission_proofs(rows, snapshot.versions, snapshot.observed) == ADMISSION]
    rows = rows[confirmed_callers.is_of_others(rows, snapshot)]
    cost = sum(rows["cost_usd"].dropna(), Decimal(0))
    calls = int(rows["calls"].sum())
    if not cost:
        return ""
    last = rows["last_at"].max()
    file_only = int(rows.loc[rows["provenance"] == FILE_ONLY, "calls"].sum())
    file_only_note = f" {file_only:,} of them are only in imported files." if file_only else ""
    return (
        f"{counted(calls, 'call')} from {network} cost ${cost:,.2f} while no PBX of yours had it, the last on "
        f"{last:%b %-d, %Y}.{file_only_note}"
    )


def _removal(removal: Removal | None, *, with_cost: bool) -> str:
    if removal is None:
        return ""
    past_cost = Decimal(removal.cost_usd) if with_cost else Decimal(0)
    cost = f" Its calls had cost ${past_cost:,.2f} by then." if past_cost else ""
    return (
        f"The entry {removal.network} was removed on {removal.at:%b %-d, %Y} because {removal.cause} "
        f"(journal entry {removal.entry}).{cost}"
    )


@guard
def numbers_are_free(situation: Situation) -> GuardResult | None:
    """Require typing a number that is routed elsewhere or took calls within the window before moving it."""
    moves = [change for change in situation.changes if isinstance(change, RouteNumber)]
    if not moves:
        return None
    snapshot = situation.snapshot
    rows = snapshot.judged_traffic
    took = rows[(rows["direction"] == "inbound").to_numpy()].groupby("number")["calls"].sum()
    days = snapshot.window_days
    dropped = {change.alias for change in situation.changes if isinstance(change, DeleteRoute)}
    faults = []
    for move in moves:
        if move.was_alias not in ("", SIP_REG, *dropped):
            faults.append((move.number, f"{move.number} is routed to {move.was_alias} now"))
        elif calls := int(took.get(move.number, 0)):
            call_count_text = (
                f"{calls:,} call{'s' if calls > 1 else ''} in the last {days} day{'s' if days > 1 else ''}"
            )
            faults.append((move.number, f"{move.number} took {call_count_text}"))
    if not faults and (missing_calls := _no_calls(snapshot)):
        return GuardResult(
            id="numbers_are_free",
            sentence=f"None of the numbers goes elsewhere. Unknown whether they took calls lately: {missing_calls}.",
            met=False,
            confirm="without calls",
        )
    if not faults:
        return GuardResult(
            id="numbers_are_free", sentence="None of the numbers goes elsewhere or took calls lately.", met=True
        )
    return GuardResult(
        id="numbers_are_free",
        sentence=f"{'; '.join(text for _, text in faults)}.",
        met=False,
        confirm=", ".join(number for number, _ in faults),
    )


def _no_calls(snapshot: Snapshot) -> str:
    """Return since when no calls are on record, as the end of a sentence; empty if the calls are fresh."""
    age = snapshot.age("calls")
    if age is Age.MISSING:
        return "no calls on record"
    if snapshot.to_come("calls"):
        return f"the calls were read {TO_COME}, because {explain_future_time(snapshot, 'calls')}"
    return "" if age is Age.FRESH else f"no calls on record since {snapshot.calls_at:%Y-%m-%d %H:%M} UTC"


def _names(snapshot: Snapshot, rows: pd.DataFrame) -> str:
    return _names_of(snapshot, sorted({member for pbx_id in rows["pbx_id"].unique() for member in members(pbx_id)}))


def _names_of(snapshot: Snapshot, pbx_ids: Iterable[str]) -> str:
    return ", ".join(map(snapshot.name_of, pbx_ids))
