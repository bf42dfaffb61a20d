"""``fix``, ``undo`` and ``journal``: show a plan, apply exactly that plan, undo it, and verify the journal."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from heapq import merge
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dashboard.cli.check import bring_up_to_date, without_outcome
from dashboard.cli.lazy import open_home, read_settings
from dashboard.cli.output import Format, confirmed, echo, echo_error, echo_json, prompt
from dashboard.cli.replay import callers
from dashboard.core.errors import FixError, JournalError, StalePlanError, StateError
from dashboard.core.regular_files import parse_json
from dashboard.core.text import counted
from dashboard.domain.actors import local_actor

if TYPE_CHECKING:
    from dashboard.core.settings import Settings
    from dashboard.domain.changes import Plan
    from dashboard.services import Workspace
    from dashboard.storage import Journal, JournalEntry, NotedHead, State, VerifiedJournal, store_changes

app = typer.Typer()
journal_app = typer.Typer(help="The journal of fixes.", no_args_is_help=True)

ENTRY_FIELDS = ("id", "at", "action", "phase", "actor", "title", "plan_hash", "undoes", "previous_hash", "hash")
"""Fields of a journal entry in JSON."""
REFUSED = 1
OPEN = 3
"""Exit status if a fix or a change of the call store has no recorded outcome, or an outcome has no anchor yet."""

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

    Ends with 0 when the plan was shown (--dry-run) or applied and verified, 1 when it was refused
    (declined, not confirmed, the account moved, not verified), 2 on an error of its own.
    """
    with open_home() as home:
        bring_up_to_date(home)
        try:
            plan = home.undo_plan(entry)
        except StalePlanError as exc:
            echo_error(str(exc))
            raise typer.Exit(REFUSED) from None
        _carry_out(home, plan, dry_run=dry_run, plan_hash=plan_hash, confirm=confirm or [], output=output)


@journal_app.command("verify")
def verify(
    *,
    head: Annotated[
        list[str] | None, typer.Option(help="Head noted earlier, whole or its first digits; repeatable.")
    ] = None,
    anchors: Annotated[
        list[Path] | None,
        typer.Option(help="Copy of an anchor file, or the manifest.json of an export; repeatable.", exists=True),
    ] = None,
) -> None:
    """
    Verify the journal and the recorded versions: their chains of hashes, and every anchor of the home.

    Ends with 0 when they hold, 1 when something was changed, removed or added, 3 when they hold and a fix or a change
    of the call store has no recorded outcome, or a fix one without an anchor, 2 on an error of its own.
    """
    from dashboard.storage import NotedHead, store_changes  # noqa: PLC0415 - loads the database's parts

    settings = read_settings()
    with _home_records(settings) as (journal, state):
        unsettled = store_changes.open_changes(state)
        try:
            noted = [NotedHead(text, source="--head") for text in head or []]
            for file in anchors or []:
                noted += noted_in(file, key=settings.journal_key.get_secret_value().encode())
            verification = journal.examine(noted)
        except JournalError as exc:
            echo_error(str(exc))
            raise typer.Exit(REFUSED) from None
    for sentence in [*verified_sentences(verification), *(change.no_outcome for change in unsettled)]:
        echo(sentence)
    if verification.open_entries or verification.unanchored or unsettled:
        raise typer.Exit(OPEN)


@journal_app.command("anchor")
def anchor() -> None:
    """
    Verify, write the heads of the journal and of the versions to the anchor file once more, and print them.

    Run it once after TRUNKGATE_JOURNAL_KEY was set, after `journal verify` named an outcome without an anchor, and from
    cron to keep the heads elsewhere. Ends with 0 when it is done, 1 when something does not verify or the anchor cannot
    be written, 2 on an error of its own.
    """
    with _home_records(read_settings()) as (journal, _):
        try:
            verification = journal.anchor()
        except StateError as exc:
            echo_error(str(exc))
            raise typer.Exit(REFUSED) from None
    for entry in verification.unanchored:
        echo(f"Anchored now: journal entry {entry.id}, {entry.title}, {entry.phase}, head {entry.hash}.")
    echo(f"Anchored: {counted(verification.entries, 'journal entry', 'journal entries')}, head {verification.head}.")
    echo(f"Anchored: {counted(verification.versions, 'version')}, head {verification.versions_head}.")


@journal_app.command("list")
def list_(
    *, output: Annotated[Format, typer.Option("--format", help="How to print the entries.")] = Format.TEXT
) -> None:
    """
    Show the journal and the recorded changes of the call store, which have no number, oldest first.

    Ends with 0 when it was shown, 2 on an error of its own.
    """
    from dashboard.storage import store_changes  # noqa: PLC0415 - loads the database's parts

    with _home_records(read_settings()) as (journal, state):
        entries = journal.entries()
        changes = store_changes.store_changes(state)
        unsettled = {entry.action for entry in journal.open_entries()} | {
            one.action for one in store_changes.open_changes(state)
        }
    both: list[Sequence[JournalEntry | store_changes.StoreChange]] = [entries, changes]
    records = [*merge(*both, key=attrgetter("at"))]
    if output is Format.JSON:
        echo_json(
            [_change_json(one) if isinstance(one, store_changes.StoreChange) else _entry_json(one) for one in records]
        )
        return
    if not entries:
        echo("The journal has no entries: no fix was recorded.")
    for record in records:
        no_outcome = "  (no recorded outcome)" if record.action in unsettled else ""
        number, head = ("-", "-") if isinstance(record, store_changes.StoreChange) else (record.id, record.short_hash)
        echo(
            f"{number:>4}  {record.at:%Y-%m-%d %H:%M:%S} UTC  {record.phase:<6}  {head:<12}  "
            f"{record.actor}  {record.title}{no_outcome}"
        )


def noted_in(file: Path, *, key: bytes) -> list[NotedHead]:
    """
    Read the heads of the journal and of the versions from a file that was kept outside the home.

    Args:
        file: The manifest of an export, or a copy of an anchor file.
        key: Key to check the signatures of a copy with.

    Raises:
        JournalError: The file is neither of these, or its lines or signatures do not verify.
    """
    from dashboard.storage import NotedHead  # noqa: PLC0415 - loads pydantic
    from dashboard.storage import anchors as anchor_files  # noqa: PLC0415 - as above

    text = file.read_text(encoding="utf-8", errors="replace")
    try:
        manifest = parse_json(text)
    except ValueError:
        manifest = None
    if isinstance(manifest, dict) and "journal_head" in manifest:
        noted = [
            NotedHead(str(manifest["journal_head"]), anchor_files.JOURNAL, manifest.get("journal_entries"), str(file))
        ]
        if "versions_head" in manifest:
            noted.append(NotedHead(str(manifest["versions_head"]), anchor_files.VERSIONS, None, str(file)))
        return noted
    lines = [
        line for line in anchor_files.read_lines(text, name=str(file), key=key) if line.step != anchor_files.WRITING
    ]
    if not lines:
        raise JournalError(f"{file} is neither an anchor file nor the manifest of an export.")
    return [NotedHead(line.head, line.chain, line.entries, f"{file}, line {line.line}") for line in lines]


def verified_sentences(verification: VerifiedJournal) -> list[str]:
    """Return the result of a verification as sentences."""
    counts = counted(verification.entries, "entry", "entries")
    anchored = (
        f"{len(verification.unanchored)} of them not anchored yet" if verification.unanchored else "every one anchored"
    )
    summary = f"The journal holds: {counts}, {anchored}, head {verification.head}."
    if verification.anchored_from is None:
        summary = (
            f"No anchor: {counts} follow each other, head {verification.head}. Whether the last ones are missing is "
            "not known."
        )
    elif verification.older:
        date = f"{verification.anchored_from:%Y-%m-%d %H:%M} UTC"
        older = f"the first {counted(verification.older, 'entry', 'entries')} of {verification.entries}"
        summary = (
            f"No anchor before {date}: {older} rest on their own chain. Later ones are anchored. Head "
            f"{verification.head}."
        )
    elif not verification.entries:
        since = f"{verification.anchored_from:%Y-%m-%d %H:%M} UTC"
        summary = f"The journal is empty: no fix was recorded since {since}."
        if verification.older_versions:
            summary = f"No anchor before {since}: the journal is empty, and was empty then."
    versions = (
        f"Versions of the account and the inventory: {verification.versions:,}, head {verification.versions_head}."
    )
    if verification.older_versions:
        versions += f" The first {verification.older_versions:,} are older than the first anchor."
    unsettled = [without_outcome(entry) for entry in verification.open_entries]
    return [summary, versions, *verification.notes, *unsettled, *map(_without_anchor, verification.unanchored)]


def _without_anchor(entry: JournalEntry) -> str:
    """Return a message on an outcome without an anchor, with the reason and the remedy."""
    return (
        f"No anchor: journal entry {entry.id}, {entry.title}, {entry.phase}, {entry.at:%Y-%m-%d %H:%M:%S} UTC by "
        f"{entry.actor}. Recorded reason: {entry.not_anchored} Nothing else shows that trunkgate wrote it, so "
        "compare it with the account. Then run `trunkgate journal anchor`; the next fix anchors it too."
    )


@contextmanager
def _home_records(settings: Settings) -> Iterator[tuple[Journal, State]]:
    """Open the journal and the database of the home, without contacting the carrier or starting the emulator."""
    from dashboard.storage import Journal, State  # noqa: PLC0415 - loads pydantic
    from dashboard.storage import anchors as anchor_files  # noqa: PLC0415 - as above

    state = State.open(settings.home, anchors=anchor_files.of_settings(settings))
    try:
        yield Journal(state), state
    finally:
        state.close()


def _carry_out(
    home: Workspace, plan: Plan, *, dry_run: bool, plan_hash: str, confirm: list[str], output: Format
) -> None:
    """Show a plan; unless ``dry_run`` is set, apply it if its hash was given or the operator confirms."""
    if plan_hash and plan_hash != plan.hash:
        echo_error(
            f"The plan made now has the hash {plan.hash}, not {plan_hash}: the account moved, or the hash is "
            "not whole. Nothing was changed."
        )
        raise typer.Exit(REFUSED)
    if output is Format.TEXT:
        _show(plan)
    if dry_run:
        if output is Format.JSON:
            echo_json(_plan_json(plan))
        return
    try:
        typed = confirm if plan_hash else _ask(plan, confirm)
        entry = home.apply(plan, actor=local_actor("command line"), typed=typed)
    except (FixError, StalePlanError) as exc:
        echo_error(str(exc))
        raise typer.Exit(REFUSED) from None
    except BaseException as exc:
        for outcome in getattr(exc, "__notes__", ()):  # of a fix that was cut off, also by Ctrl-C
            echo_error(outcome)
        raise
    if output is Format.JSON:
        echo_json({"plan": _plan_json(plan), "entry": _entry_json(entry)})
    else:
        echo(f"Done and verified, as journal entry {entry.id}. Undo it with `trunkgate undo {entry.id}`.")
        echo(f"Journal head {entry.short_hash}; `trunkgate journal verify --head {entry.short_hash}` finds it again.")


def _ask(plan: Plan, confirm: list[str]) -> list[str]:
    """
    Ask for the phrases of a plan and for confirmation, and return the phrases.

    Raises:
        FixError: The operator declined, or there is no terminal; the message then names the options to use instead.
    """
    if not sys.stdin.isatty():
        options = "".join(f" --confirm {shlex.quote(phrase)}" for phrase in plan.phrases)
        raise FixError(
            f"Nobody is there to ask. To apply this plan, run the same command with --plan {plan.hash}{options}."
        )
    typed = list(confirm)
    for phrase in plan.phrases:
        if phrase not in typed:
            typed.append(_typed(phrase))
    if not confirmed(f"{plan.title}?"):
        raise FixError("Declined. Nothing was changed.")
    return typed


def _typed(phrase: str) -> str:
    """Ask for a phrase; an end of input or an interrupt declines the plan."""
    try:
        return prompt(f"Type {phrase!r} to confirm")
    except typer.Abort:
        raise FixError("Declined. Nothing was changed.") from None


def _show(plan: Plan) -> None:
    echo(plan.title)
    for change in plan.changes:
        echo(f"  - {change.describe()}")
    labels = plan.impact.labels.items()
    counts = ", ".join(f"{count.calls:,} {label}" for label, count in labels if count.calls) or "none on record"
    since = f" since {plan.impact.since:%Y-%m-%d}" if plan.impact.since else ""
    if plan.impact.total:
        echo(f"Outbound calls{since}: {counts} ({plan.impact.share} decided).{plan.impact.apart}")
    else:
        echo(f"Outbound calls: unknown, no calls on record.{plan.impact.apart}")
    if plan.last_known_at:
        echo(
            f"Based on last known data, from {plan.last_known_at:%Y-%m-%d %H:%M} UTC. It is read again before applying."
        )
    for line in callers(plan.impact):
        echo(line)
    for guard in plan.guards:
        echo(
            f"  [{'ok' if guard.met else 'no'}] {guard.sentence}" + (f" Type: {guard.confirm}" if guard.confirm else "")
        )
    if plan.guided:
        echo("The carrier offers no way to do this by program: carry it out in its portal.")
    echo(f"Plan {plan.hash}")


def _plan_json(plan: Plan) -> dict[str, Any]:
    return {"hash": plan.hash, **plan.model_dump(mode="json")}


def _entry_json(entry: JournalEntry) -> dict[str, Any]:
    content_fields = {"by": entry.by or None, "message": entry.content.get("message", "")}
    return {name: getattr(entry, name) for name in ENTRY_FIELDS} | content_fields


def _change_json(change: store_changes.StoreChange) -> dict[str, Any]:
    """Return a change of the call store with the fields of an entry; it has no number, plan or hash."""
    fields = {name: getattr(change, name, None) for name in ENTRY_FIELDS}
    return fields | {"by": change.by or None, "message": change.message}
