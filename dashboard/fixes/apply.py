"""
Apply: exactly the plan that was shown, or nothing.

The account is read again first; when it is not as the plan has it, nothing is written. The journal is
written before the first change and after the last. A failure in between is taken back change by
change, and what could not be taken back is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from filelock import FileLock, Timeout

from dashboard import tables
from dashboard.actors import Act, Actor
from dashboard.capabilities import Capability
from dashboard.carriers import Carrier
from dashboard.changes import AllowAddress, Change, Plan
from dashboard.errors import (
    BusyError,
    CapabilityError,
    CarrierError,
    DashboardError,
    NotConfirmedError,
    NotVerifiedError,
    StalePlanError,
    TableError,
)
from dashboard.fixes.image import after, image
from dashboard.journal import DONE, FAILED, Entry, Journal
from dashboard.policy import Policy

LOCK_S = 10


@dataclass(frozen=True)
class Reading:
    """The account as the carrier gives it at this moment."""

    allowed_ips: pd.DataFrame
    numbers: pd.DataFrame
    routes: pd.DataFrame
    policy: Policy

    @classmethod
    def take(cls, carrier: Carrier, changes: Sequence[Change]) -> Reading:
        """Ask the carrier for what the changes touch, and for nothing else."""
        needs = {change.needs for change in changes}
        entries, numbers, routes = (tables.empty(s) for s in (tables.ALLOWED_IPS, tables.NUMBERS, tables.ROUTES))
        credentials_on, prefix = None, ""
        if needs & {Capability.WRITE_ALLOWED_IPS, Capability.WRITE_CREDENTIALS}:
            entries, _ = carrier.allowed_ips()
            account = carrier.account()
            credentials_on, prefix = account.credentials_on, account.tech_prefix
        if Capability.WRITE_ROUTES in needs:
            numbers, routes = carrier.numbers(), carrier.routes()
        return cls(entries, numbers, routes, Policy(frozenset(entries["network"]), credentials_on, prefix))


def check_ready(plan: Plan, *, carrier: Carrier, actor: Actor, typed: Sequence[str] = ()) -> dict[str, Any]:
    """
    Do all that ``apply`` does short of writing: this is the dry run.

    Args:
        plan: As it was shown.
        carrier: Read again for what the plan touches.
        actor: Who asks.
        typed: Phrases the operator typed.

    Returns:
        The before-image as just read.

    Raises:
        FixError: The actor may not.
        CapabilityError: The carrier has no endpoint for it; the plan is carried out by hand.
        NotConfirmedError: A guard is not met, or its phrase was not typed.
        StalePlanError: The account is not as the plan has it.
    """
    actor.require(Act.APPLY_BREAKING if plan.impact.calls("broken") else Act.APPLY)
    if plan.blocked:
        raise NotConfirmedError(" ".join(lock.sentence for lock in plan.blocked))
    missing = [phrase for phrase in plan.phrases if phrase not in typed]
    if missing:
        raise NotConfirmedError(f"To confirm, type exactly: {'; '.join(missing)}.")
    by_hand = [change.sentence() for change in plan.changes if change.needs not in carrier.capabilities]
    if by_hand:
        raise CapabilityError(
            f"The carrier offers no way to do this by program: {'; '.join(by_hand)}. Do it in the carrier's "
            "portal, then paste what the portal shows on the Account page."
        )
    found = image(Reading.take(carrier, plan.changes), plan.changes)
    if found != plan.before:
        raise StalePlanError(
            f"The account moved after this plan was shown ({_difference(plan.before, found)}). "
            "Nothing was changed. Plan again."
        )
    return found


def apply(
    plan: Plan, *, carrier: Carrier, journal: Journal, home: Path, actor: Actor, typed: Sequence[str] = ()
) -> Entry:
    """
    Carry a plan out and verify it by reading the account again.

    Args:
        plan: As it was shown.
        carrier: Where the changes are made.
        journal: Written before and after.
        home: State folder, for the lock that lets one fix run at a time.
        actor: Who asks.
        typed: Phrases the operator typed.

    Returns:
        The ``done`` entry of the journal.

    Raises:
        BusyError: Another fix is running.
        CarrierError: A change was refused; what was done before it was taken back.
        NotVerifiedError: Re-reading did not show the changes.
    """
    lock = FileLock(str(home / "fix.lock"), timeout=LOCK_S)
    try:
        held = lock.acquire()
    except Timeout:
        raise BusyError("Another fix is being applied. Wait for it to end, then plan again.") from None
    with held:
        before = check_ready(plan, carrier=carrier, actor=actor, typed=typed)
        begun = journal.begin(plan, actor=actor.name, before=before)
        done: list[Change] = []
        try:
            for change in plan.changes:
                carrier.apply(_signed(change, actor))
                done.append(change)
            found = image(Reading.take(carrier, plan.changes), plan.changes)
            wanted = after(before, plan.changes)
            if found != wanted:
                raise NotVerifiedError(  # noqa: TRY301 - the journal must record it like any other failure
                    f"The carrier accepted the change, but reading the account again shows otherwise: "
                    f"{_difference(wanted, found)}."
                )
        except BaseException as exc:
            ours = isinstance(exc, CarrierError | TableError | NotVerifiedError)
            said = str(exc) if ours else f"It was cut off ({type(exc).__name__})."
            left = _take_back(carrier, done)
            now = _reread(carrier, plan)
            message = f"{said} {left or _standing(before, now, tried=bool(done))}"
            journal.finish(begun, plan, phase=FAILED, before=before, after=now, message=message)
            if ours:
                raise type(exc)(message) from exc
            raise
        return journal.finish(begun, plan, phase=DONE, before=before, after=found, message="Verified by re-reading.")


def _signed(change: Change, actor: Actor) -> Change:
    """Say on an entry who put it on the list; one that is put back keeps who did before."""
    if isinstance(change, AllowAddress) and not change.added_by:
        return change.model_copy(update={"added_by": actor.name})
    return change


def _take_back(carrier: Carrier, done: Sequence[Change]) -> str:
    """Undo what was done before a failure, last first; say what could not be taken back."""
    left = list(done)
    while left:
        try:
            carrier.apply(left[-1].inverse())
        except DashboardError as exc:
            return f"This stands and could not be taken back ({exc}): {'; '.join(c.sentence() for c in left)}."
        left.pop()
    return ""


def _standing(before: dict[str, Any], now: dict[str, Any], *, tried: bool) -> str:
    """Say whether the account is as it was: a change whose answer was lost may have been carried out."""
    if "not_read" in now:
        return f"Whether anything stands is not known, because the account could not be read: {now['not_read']}"
    if now != before:
        return f"The account is not as it was: {_difference(before, now)}. Plan again from what is there now."
    return "What had been done before was taken back." if tried else "Nothing was changed."


def _reread(carrier: Carrier, plan: Plan) -> dict[str, Any]:
    try:
        return image(Reading.take(carrier, plan.changes), plan.changes)
    except DashboardError as exc:
        return {"not_read": str(exc)}


def _difference(wanted: dict[str, Any], found: dict[str, Any]) -> str:
    """Name the first places in which two images differ."""
    places = []
    for key, value in wanted.items():
        other = found.get(key)
        if isinstance(value, dict) and isinstance(other, dict):
            places += [f"{key} {name}" for name in sorted({*value, *other}) if value.get(name) != other.get(name)]
        elif value != other:
            places.append(f"{key} is {other}, not {value}")
    most = 3
    return ", ".join(places[:most]) + (f" and {len(places) - most} more" if len(places) > most else "")
