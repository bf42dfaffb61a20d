"""``fix``, ``undo`` and ``journal``: plan, show, apply exactly that, take it back."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dashboard.actors import local_actor
from dashboard.changes import Plan
from dashboard.cli.account import bring_up_to_date
from dashboard.cli.output import Format, complain, say, say_json
from dashboard.cli.replaying import callers
from dashboard.cli.rooms import open_home, read_settings
from dashboard.errors import FixError, JournalError, StalePlanError
from dashboard.journal import Entry, Journal
from dashboard.state import State

if TYPE_CHECKING:
    from dashboard.workspace import Workspace

app = typer.Typer()
journal_app = typer.Typer(help="The journal of fixes.", no_args_is_help=True)

REFUSED = 1

Output = Annotated[Format, typer.Option("--format", help="How to print the plan and its outcome.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the plan and its hash; write nothing to the account.")]
PlanHash = Annotated[str, typer.Option("--plan", help="Apply only if the plan made now has this hash.")]
Confirm = Annotated[list[str] | None, typer.Option(help="Phrase that the plan asks to be typed; repeatable.")]


@app.command()
def fix(
    check: Annotated[str, typer.Argument(help="Name of the check that failed.")],
    subject: Annotated[str, typer.Argument(help="Its subject, as `trunkgate check` shows it.")],
    *,
    dry_run: DryRun = False,
    plan_hash: PlanHash = "",
    confirm: Confirm = None,
    output: Output = Format.TEXT,
) -> None:
    """
    Fix one finding: show the plan, then apply exactly that.

    Ends with 0 when the plan was shown (--dry-run) or applied and verified, 1 when it was refused
    (declined, not confirmed, the account moved, not verified), 2 on an error of its own.
    """
    with open_home() as home:
        bring_up_to_date(home)
        plan = home.plan(check, subject)
        _carry_out(home, plan, dry_run=dry_run, plan_hash=plan_hash, confirm=confirm or [], output=output)


@app.command()
def undo(
    entry: Annotated[int, typer.Argument(help="Number of the journal entry to take back.")],
    *,
    dry_run: DryRun = False,
    plan_hash: PlanHash = "",
    confirm: Confirm = None,
    output: Output = Format.TEXT,
) -> None:
    """
    Take back a fix by the inverse that the journal holds.

    Ends as `fix` does.
    """
    with open_home() as home:
        bring_up_to_date(home)
        try:
            plan = home.undo_plan(entry)
        except StalePlanError as exc:
            complain(str(exc))
            raise typer.Exit(REFUSED) from None
        _carry_out(home, plan, dry_run=dry_run, plan_hash=plan_hash, confirm=confirm or [], output=output)


@journal_app.command("verify")
def verify(
    *,
    head: Annotated[str, typer.Option(help="Hash noted earlier; a journal cut since then is noticed.")] = "",
) -> None:
    """
    Recompute the journal's chain of hashes.

    Ends with 0 when it holds, 1 when an entry was changed, removed or cut off, 2 on an error of its own.
    """
    with _journal() as kept:
        try:
            count = kept.verify(head)
        except JournalError as exc:
            complain(str(exc))
            raise typer.Exit(REFUSED) from None
        say(f"The journal holds: {count} entries, head {kept.head()}.")


@journal_app.command("list")
def list_(*, output: Output = Format.TEXT) -> None:
    """Show the journal, oldest entry first. Ends with 0, or 2 on an error of its own."""
    with _journal() as kept:
        entries = kept.entries()
    if output is Format.JSON:
        say_json([_entry_json(entry) for entry in entries])
        return
    for entry in entries:
        say(f"{entry.id:>4}  {entry.at:%Y-%m-%d %H:%M:%S} UTC  {entry.phase:<6}  {entry.actor}  {entry.title}")


@contextmanager
def _journal() -> Iterator[Journal]:
    """Open what is kept on this machine: no carrier is asked and no emulator started."""
    state = State.open(read_settings().home)
    try:
        yield Journal(state)
    finally:
        state.close()


def _carry_out(
    home: Workspace, plan: Plan, *, dry_run: bool, plan_hash: str, confirm: list[str], output: Format
) -> None:
    """Show a plan; rehearse it, or apply it when its hash was given or somebody says yes."""
    if plan_hash and plan_hash != plan.hash:
        complain(
            f"The plan made now has the hash {plan.hash}, not {plan_hash}: the account moved, or the hash is "
            "not whole. Nothing was changed."
        )
        raise typer.Exit(REFUSED)
    if output is Format.TEXT:
        _show(plan)
    if dry_run:
        if output is Format.JSON:
            say_json(_plan_json(plan))
        return
    try:
        typed = confirm if plan_hash else _ask(plan, confirm)
        entry = home.apply(plan, actor=local_actor("command line"), typed=typed)
    except (FixError, StalePlanError) as exc:
        complain(str(exc))
        raise typer.Exit(REFUSED) from None
    if output is Format.JSON:
        say_json({"plan": _plan_json(plan), "entry": _entry_json(entry)})
    else:
        say(f"Done and verified, as journal entry {entry.id}. Undo it with `trunkgate undo {entry.id}`.")


def _ask(plan: Plan, confirm: list[str]) -> list[str]:
    """Ask for what the plan needs; a program that cannot answer is told how to go on."""
    if not sys.stdin.isatty():
        also = "".join(f" --confirm {shlex.quote(phrase)}" for phrase in plan.phrases)
        raise FixError(
            f"Nobody is there to ask. To apply this plan, run the same command with --plan {plan.hash}{also}."
        )
    typed = list(confirm)
    for phrase in plan.phrases:
        if phrase not in typed:
            typed.append(typer.prompt(f"Type {phrase!r} to confirm"))
    if not typer.confirm(f"{plan.title}?"):
        raise FixError("Declined. Nothing was changed.")
    return typed


def _show(plan: Plan) -> None:
    say(plan.title)
    for change in plan.changes:
        say(f"  - {change.sentence()}")
    counted = plan.impact.labels.items()
    counts = ", ".join(f"{count.calls:,} {label}" for label, count in counted if count.calls) or "none on record"
    since = f" since {plan.impact.since:%Y-%m-%d}" if plan.impact.since else ""
    say(f"Outbound calls{since}: {counts} ({plan.impact.decided:.1%} decided).")
    for line in callers(plan.impact):
        say(line)
    for lock in plan.interlocks:
        say(f"  [{'ok' if lock.met else 'no'}] {lock.sentence}" + (f" Type: {lock.confirm}" if lock.confirm else ""))
    if plan.guided:
        say("The carrier offers no way to do this by program: carry it out in its portal.")
    say(f"Plan {plan.hash}")


def _plan_json(plan: Plan) -> dict[str, Any]:
    return {"hash": plan.hash, **plan.model_dump(mode="json")}


def _entry_json(entry: Entry) -> dict[str, Any]:
    fields = ("id", "at", "action", "phase", "actor", "title", "plan_hash", "undoes", "previous_hash", "hash")
    return {name: getattr(entry, name) for name in fields} | {"message": entry.content.get("message", "")}
