"""
Executor of fixes: applies exactly the plan that was shown, or nothing.

The executor first reads the account again; if it differs from the plan's before-image, nothing is written. The
``begun`` journal entry is written and anchored before the first change, the outcome is written after the last. After a
failure in between, the changes are rolled back one by one; the recorded outcome states which are live afterwards. If
that cannot be read, or the process ends, the entry stays open until ``settlement`` determines the outcome.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dashboard.carriers import Carrier
from dashboard.core.errors import (
    CapabilityError,
    CarrierError,
    DashboardError,
    JournalError,
    NotConfirmedError,
    NotVerifiedError,
    StalePlanError,
    TableError,
)
from dashboard.core.locks import exclusive
from dashboard.core.text import join
from dashboard.domain.actors import Act, Actor
from dashboard.domain.changes import AllowAddress, Change, Plan
from dashboard.fixes.account_image import after, image
from dashboard.fixes.account_reader import AccountReading
from dashboard.fixes.settlement import compare_outcome, dumped, live_changes_text, phase_of, settle_under_lock
from dashboard.storage import PHASE_DONE, PHASE_FAILED, Journal, JournalEntry

LOCK_S = 10


def check_ready(plan: Plan, *, carrier: Carrier, actor: Actor, typed: Sequence[str] = ()) -> dict[str, Any]:
    """
    Perform a dry run: all the checks of ``apply``, without writing.

    Args:
        plan: The plan as it was shown.
        carrier: Carrier from which the parts that the plan touches are read again.
        actor: Actor who applies the plan.
        typed: Phrases that the operator typed.

    Returns:
        The before-image as just read.

    Raises:
        FixError: The actor's role does not permit it.
        CapabilityError: The carrier has no endpoint for a change; the plan must be carried out by hand.
        NotConfirmedError: A guard is not met, or its phrase was not typed.
        StalePlanError: The account differs from the plan's before-image.
    """
    actor.require(Act.APPLY_BREAKING if plan.impact.calls("broken") else Act.APPLY)
    if plan.blocked:
        raise NotConfirmedError(" ".join(guard.sentence for guard in plan.blocked))
    missing = [phrase for phrase in plan.phrases if phrase not in typed]
    if missing:
        raise NotConfirmedError(f"To confirm, type exactly: {'; '.join(missing)}.")
    by_hand = [change.describe() for change in plan.changes if change.needs not in carrier.capabilities]
    if by_hand:
        raise CapabilityError(
            f"The carrier offers no way to do this by program: {'; '.join(by_hand)}. Do it in the carrier's "
            "portal, then paste what the portal shows on the Account page."
        )
    current = image(AccountReading.take(carrier, plan.changes), plan.changes)
    if current != plan.before:
        raise StalePlanError(
            f"The account moved after this plan was shown ({_difference(plan.before, current)}). "
            "Nothing was changed. Plan again."
        )
    return current


def apply(
    plan: Plan, *, carrier: Carrier, journal: Journal, home: Path, actor: Actor, typed: Sequence[str] = ()
) -> JournalEntry:
    """
    Carry out a plan and verify it by reading the account again.

    Args:
        plan: The plan as it was shown.
        carrier: Carrier that makes the changes.
        journal: Journal, written before and after the changes.
        home: State folder, for the lock that allows one fix at a time.
        actor: Actor who applies the plan.
        typed: Phrases that the operator typed.

    Returns:
        The ``done`` entry of the journal.

    Raises:
        FixError: The actor's role does not permit it; see ``check_ready`` for its other errors.
        BusyError: Another fix is running.
        CarrierError: A change was refused; the changes before it were rolled back.
        JournalError: The journal cannot be written or anchored; nothing was changed.
        NotVerifiedError: Reading the account again did not show the changes.

    Any other exception, such as ``KeyboardInterrupt``, has the outcome for the operator as a note (``__notes__``).
    """
    busy = "Another fix is being applied. Wait for it to end, then plan again."
    with exclusive(home / "fix.lock", timeout_s=LOCK_S, busy=busy):
        settle_under_lock(carrier=carrier, journal=journal)
        before = check_ready(plan, carrier=carrier, actor=actor, typed=typed)
        try:
            begun = journal.begin(plan, actor=actor.name, by=actor.by, before=before)
        except JournalError as exc:
            raise JournalError(f"{exc} Nothing was changed on the account.") from exc
        applied: list[Change] = []
        try:
            for change in plan.changes:
                carrier.apply(_signed(change, actor))
                applied.append(change)
            result = image(AccountReading.take(carrier, plan.changes), plan.changes)
            expected = after(before, plan.changes)
            if result != expected:
                raise NotVerifiedError(  # noqa: TRY301 - the journal must record it like any other failure
                    f"The carrier accepted the change, but reading the account again shows otherwise: "
                    f"{_difference(expected, result)}."
                )
        except BaseException as exc:
            is_expected_error = isinstance(exc, CarrierError | TableError | NotVerifiedError)
            reason = str(exc) if is_expected_error else f"It was cut off ({type(exc).__name__})."
            rollback_note = _roll_back(carrier, applied)
            message = _record(
                begun, plan, f"{reason}{rollback_note}", journal=journal, carrier=carrier, any_applied=bool(applied)
            )
            if is_expected_error:
                raise type(exc)(message) from exc
            exc.add_note(message)
            raise
        return journal.finish(
            begun, plan, phase=PHASE_DONE, before=before, after=result, message="Verified by re-reading."
        )


def _signed(change: Change, actor: Actor) -> Change:
    """Set the actor as ``added_by`` of a new entry; an entry that is put back keeps its previous ``added_by``."""
    if isinstance(change, AllowAddress) and not change.added_by:
        return change.model_copy(update={"added_by": actor.name})
    return change


def _roll_back(carrier: Carrier, applied: Sequence[Change]) -> str:
    """Undo the changes made before a failure, last first; return a sentence if a change could not be undone."""
    remaining = list(applied)
    while remaining:
        try:
            carrier.apply(remaining[-1].inverse())
        except DashboardError as exc:
            return f" It could not be rolled back: {exc}"
        remaining.pop()
    return ""


def _record(
    begun: JournalEntry, plan: Plan, reason: str, *, journal: Journal, carrier: Carrier, any_applied: bool
) -> str:
    """
    Record the outcome of a failed fix according to the account's current state; return the message for the operator.

    A change whose response was lost may have been carried out. So if the account cannot be read, nothing is
    recorded: the entry stays open and is settled once the account can be read.
    """
    before: dict[str, Any] = begun.content["before"]
    try:
        now = image(AccountReading.take(carrier, plan.changes), plan.changes)
    except DashboardError as exc:
        return (
            f"{reason} Whether anything is in place is not known, because the account could not be read: {exc} "
            "The outcome is recorded by the next sync that can read it."
        )
    live, changed_elsewhere = compare_outcome(before, now, plan.changes)
    phase = phase_of(live, plan.changes, changed_elsewhere)
    if phase == PHASE_FAILED:
        ended = "What had been done before was rolled back." if any_applied else "Nothing was changed."
    else:
        ended = (
            f"The account is not as it was: {live_changes_text(live, plan.changes, changed_elsewhere)} Undo journal "
            f"entry {begun.id}."
        )
    message = f"{reason} {ended}"
    journal.finish(begun, plan, phase=phase, before=before, after=now, message=message, live=dumped(live))
    return message


def _difference(expected: dict[str, Any], actual: dict[str, Any]) -> str:
    """Return text that names the first differences between two images."""
    differences = []
    for key, value in expected.items():
        actual_value = actual.get(key)
        if isinstance(value, dict) and isinstance(actual_value, dict):
            differences += [
                f"{key} {name}" for name in sorted({*value, *actual_value}) if value.get(name) != actual_value.get(name)
            ]
        elif value != actual_value:
            differences.append(f"{key} is {actual_value}, not {value}")
    return join(differences)
