"""``onboard``: report the set-up steps of every PBX and of the account, each with its state, reason and next action."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dashboard.cli.check import UNKNOWN, NoSync, bring_up_to_date, echo_gaps, without_outcome
from dashboard.cli.lazy import open_home
from dashboard.cli.output import Format, echo, echo_error, echo_json, table
from dashboard.core.clocks import to_come
from dashboard.core.text import counted

if TYPE_CHECKING:
    from datetime import datetime

    from dashboard.domain.findings import Finding
    from dashboard.domain.snapshot import Snapshot
    from dashboard.services.onboarding import (
        LastKnownStep,
        OnboardingContext,
        OnboardingReport,
        OnboardingStep,
        PbxProgress,
        account_step,
    )

app = typer.Typer()

TO_DO = 1
STATES = {
    "DONE": "done",
    "OPEN": "to_do",
    "SAID": "stated",
    "BLOCKED": "blocked",
    "UNKNOWN": "unknown",
    "NOT_NEEDED": "not_needed",
}
"""State in the output by the name of the step's ``StepProgress``."""
STEPS = {
    "kind": "address_kind",
    "dial": "tech_prefix",
    "snippet": "configuration",
    "allow": "allowed_ip",
    "route": "inbound_route",
    "probe": "test_call",
    "call": "first_call",
    "credentials": "credentials",
}
"""Name of each step in JSON by its id."""
HEAD = ("PBX", "step", "state", "next action", "reason")
WHOLE = "(account)"
"""Stands for a PBX in the row of the account's step."""


@app.command()
def onboard(
    *,
    pbx: Annotated[
        str | None, typer.Option(help="Only this PBX, by its id in the inventory; it may be a retired one.")
    ] = None,
    output: Annotated[Format, typer.Option("--format", help="How to print the steps.")] = Format.TEXT,
    allow_unknown: Annotated[bool, typer.Option("--allow-unknown", help="Unknown and stated count as done.")] = False,
    no_sync: NoSync = False,
) -> None:
    """
    Show the set-up steps of every PBX and of the account: the state of each, its reason and the next action.

    The steps are those of the page Set up PBXs; retired PBXs are left out. A step is done, to do, blocked by another
    step, not needed, stated by a person and not proven, or unknown. A step on data that is out of date is unknown and
    shows the last known result. Ends with 0 when every step is done or not needed, 1 when a step is to do or blocked,
    or was when last known, 3 when no step is to do but one is unknown or only stated, no PBX is being set up, a fix has
    no recorded outcome or the carrier could not be read, 2 on an error of its own. With --pbx, only the steps of that
    PBX count.
    """
    from dashboard.services.onboarding import OnboardingContext, onboarding_report  # noqa: PLC0415 - loads pandas, for seconds

    with open_home() as home:
        fault = "" if no_sync else bring_up_to_date(home)
        snapshot = home.snapshot()
        context = OnboardingContext.of_home(snapshot, home.findings(snapshot), home.state)
        found = onboarding_report(context, home.settings.max_changes, pbx)
        unsettled = home.journal.open_entries()
    if output is Format.JSON:
        echo_json(as_json(found, context))
    else:
        _show(found, context)
        echo_gaps(snapshot)
        _say_counts(found)
    for entry in unsettled:
        echo_error(without_outcome(entry))
    if found.to_do:
        raise typer.Exit(TO_DO)
    if unsettled or ((fault or found.unproven) and not allow_unknown):
        raise typer.Exit(UNKNOWN)


def as_json(found: OnboardingReport, context: OnboardingContext) -> dict[str, Any]:
    """Return a report as a JSON object; ages are relative to the time of the snapshot."""
    from dashboard.domain.claims import CORE  # noqa: PLC0415 - loads pandas, for seconds

    known = context.snapshot
    counts = {STATES[progress.name]: number for progress, number in found.counts.items()}
    return {
        "taken_at": known.taken_at.isoformat(),
        "headline": found.headline,
        "inputs": {name: _input(known, name) for name in CORE},
        "counts": {"pbxs": len(found.pbxs), **counts},
        "account": _account(found.account, context),
        "pbxs": [_pbx(one, context) for one in found.pbxs],
    }


def _input(known: Snapshot, name: str) -> dict[str, Any]:
    from dashboard.checks import explain_gap  # noqa: PLC0415 - loads pandas, for seconds
    from dashboard.domain.snapshot import Age  # noqa: PLC0415 - as above

    age = known.age(name)
    as_of = known.freshness[name].as_of if name in known.freshness else None
    return {
        "age": str(age),
        "as_of": as_of.isoformat() if as_of else None,
        "reason": None if age is Age.FRESH else explain_gap(known, name),
    }


def _account(account: account_step.Credentials, context: OnboardingContext) -> dict[str, Any]:
    from dashboard.services.onboarding import fleet  # noqa: PLC0415 - loads pandas, for seconds

    fixes = [account.finding] if account.finding else []
    return _step(account.step, context, fleet.account_action(account), fixes) | {"needs": list(account.needs)}


def _pbx(one: PbxProgress, context: OnboardingContext) -> dict[str, Any]:
    from dashboard.services.onboarding import fleet  # noqa: PLC0415 - loads pandas, for seconds

    row = context.pbxs[one.pbx_id]
    return {
        "pbx_id": one.pbx_id,
        "name": one.name,
        "status": row["status"],
        "ip_kind": row["ip_kind"],
        "state": STATES[one.progress.name],
        "last_call_refused": _last_call_refused(one, context.snapshot),
        "next_step": STEPS[one.next.id] if one.next else None,
        "next_action": one.action(context, one.next) if one.next else None,
        "steps": [
            _step(step, context, one.action(context, step), fleet.fixes(context, one.pbx_id, step))
            for step in one.steps
        ],
    }


def _last_call_refused(one: PbxProgress, known: Snapshot) -> bool | None:
    """Return whether the last decided call of a PBX was refused; ``None`` if recent calls are not known."""
    from dashboard.domain.snapshot import Age  # noqa: PLC0415 - loads pandas, for seconds

    return True if one.refused else False if known.age("calls") is Age.FRESH else None


def _step(step: OnboardingStep, context: OnboardingContext, action: str, fixes: Sequence[Finding]) -> dict[str, Any]:
    return {
        "step": STEPS[step.id],
        "title": step.title,
        "state": STATES[step.progress.name],
        "cause": str(step.cause) if step.cause else None,
        "reason": step.evidence,
        "last_known": _last_known(step.last_known, context.snapshot.taken_at),
        "lacking": list(step.lacking),
        "next_action": action or None,
        "fixes": [
            {
                "check": finding.check,
                "subject": finding.subject,
                "changes": [change.model_dump(mode="json") for change in finding.changes],
            }
            for finding in fixes
        ],
    }


def _last_known(last: LastKnownStep | None, now: datetime) -> dict[str, Any] | None:
    if last is None:
        return None
    return {
        "state": STATES[last.progress.name],
        "as_of": last.as_of.isoformat(),
        "age_s": None if to_come(last.as_of, now) else max(0, round((now - last.as_of).total_seconds())),
        "reason": last.evidence,
    }


def _show(found: OnboardingReport, context: OnboardingContext) -> None:
    from dashboard.services.onboarding import fleet  # noqa: PLC0415 - loads pandas, for seconds

    rows = [_row(one.name, step, one.action(context, step)) for one in found.pbxs for step in one.steps]
    rows.append(_row(WHOLE, found.account.step, fleet.account_action(found.account)))
    echo(found.headline)
    echo("")
    table([HEAD, *rows], numbers=0)
    echo("")
    for sentence in found.account.needs:
        echo(f"Credentials: {sentence}")
    for one in found.pbxs:
        _say_fixes(one, context)


def _row(whose: str, step: OnboardingStep, action: str) -> tuple[str, ...]:
    state = STATES[step.progress.name].replace("_", " ")
    cause = f" ({step.cause})" if step.cause else ""
    return (whose, step.title, f"{state}{cause}", action, step.evidence)


def _say_fixes(one: PbxProgress, context: OnboardingContext) -> None:
    """Print the command that plans each fix that completes a step of a PBX."""
    from dashboard.services.onboarding import fleet  # noqa: PLC0415 - loads pandas, for seconds

    for step in one.steps:
        for finding in fleet.fixes(context, one.pbx_id, step):
            echo(f"Fix: trunkgate fix {finding.check} {finding.subject}")


def _say_counts(found: OnboardingReport) -> None:
    """Print the number of PBXs by state as the last line, where an operator looks first."""
    counts = {STATES[progress.name]: number for progress, number in found.counts.items()}
    said = ", ".join(f"{number:,} {state.replace('_', ' ')}" for state, number in counts.items())
    echo(f"{counted(len(found.pbxs), 'PBX', 'PBXs')}: {said}.")
