"""``check`` and ``export``: what the account looks like, for cron, CI and auditors."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dashboard.cli.output import Format, complain, progress, say, say_json
from dashboard.cli.rooms import open_home
from dashboard.findings import Finding, Severity, Status
from dashboard.journal import Entry

if TYPE_CHECKING:
    from dashboard.workspace import Workspace

app = typer.Typer()

FAILED, UNKNOWN = 1, 3

NoSync = Annotated[bool, typer.Option("--no-sync", help="Judge what was synced before; fetch nothing.")]


@app.command()
def check(
    *,
    output: Annotated[Format, typer.Option("--format", help="How to print the findings.")] = Format.TEXT,
    fail_on: Annotated[Severity, typer.Option(help="Least severity that counts for the exit status.")] = Severity.HIGH,
    allow_unknown: Annotated[bool, typer.Option("--allow-unknown", help="Unknown counts as good.")] = False,
    no_sync: NoSync = False,
) -> None:
    """
    Run every check.

    Ends with 0 when nothing at or above --fail-on fails or is unknown, 1 when something fails, 3 when
    nothing fails but something is unknown or a fix has no recorded outcome, 2 on an error of its own.
    """
    with open_home() as home:
        if not no_sync:
            bring_up_to_date(home)
        snapshot = home.snapshot()
        findings = home.findings(snapshot)
        names = {pbx: snapshot.name_of(pbx) for finding in findings for pbx in finding.pbx_ids}
        unsettled = home.journal.open_entries()
    if output is Format.JSON:
        say_json([as_json(finding) for finding in findings])
    else:
        _show(findings, names)
    for entry in unsettled:
        complain(without_outcome(entry))
    relevant = [finding for finding in findings if finding.severity.at_least(fail_on)]
    if any(finding.status is Status.FAIL for finding in relevant):
        raise typer.Exit(FAILED)
    if unsettled or (not allow_unknown and any(finding.status is Status.UNKNOWN for finding in relevant)):
        raise typer.Exit(UNKNOWN)


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="Folder to write to; made when it does not exist.")],
    *,
    no_sync: NoSync = False,
) -> None:
    """
    Write every table as CSV, and manifest.json with their hashes.

    Ends with 0 when all was written, 2 on an error of its own.
    """
    from dashboard.reports import csv_file, tables_of  # noqa: PLC0415 - loads pandas, for seconds

    with open_home() as home:
        if not no_sync:
            bring_up_to_date(home)
        snapshot = home.snapshot()
        account = csv_file.account_name(sample=snapshot.account.sample, tech_prefix=snapshot.account.tech_prefix)
        tables = tables_of.all_tables(snapshot, home.findings(snapshot), home.journal.entries(), home.store)
        unsettled = home.journal.open_entries()
        seal = csv_file.Seal.of(home.journal, account=account, taken_at=snapshot.taken_at)
        written = csv_file.write_folder(folder, tables, seal)
    say(f"Wrote {len(written) - 1} tables and manifest.json to {folder}.")
    for entry in unsettled:
        complain(without_outcome(entry))


def bring_up_to_date(home: Workspace) -> None:
    """Sync unless that was done within the last pause of ``serve``; the embedded account is always asked."""
    if home.settings.files:
        return
    fetched = home.state.get("calls_until")
    pause = timedelta(seconds=home.settings.sync_every_s)
    recent = fetched is not None and datetime.now(UTC) - datetime.fromisoformat(fetched) < pause
    if recent and not home.settings.embedded:
        return
    with progress() as tell:
        home.sync(quick=recent, progress=tell)


def without_outcome(entry: Entry) -> str:
    """Say that a fix has no recorded outcome, and what to do."""
    return (
        f"No recorded outcome: journal entry {entry.id}, {entry.title}, begun {entry.at:%Y-%m-%d %H:%M:%S} UTC by "
        f"{entry.actor}. It was interrupted or still runs; `trunkgate sync` reads the account and records it."
    )


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def as_json(finding: Finding) -> dict[str, Any]:
    """Return a finding as a JSON object."""
    return {
        "check": finding.check,
        "subject": finding.subject,
        "status": str(finding.status),
        "severity": str(finding.severity),
        "confidence": str(finding.confidence),
        "impact": str(finding.impact),
        "reason": finding.reason,
        "cause": str(finding.cause) if finding.cause else None,
        "state": str(finding.life),
        "title": finding.title,
        "pbx_ids": list(finding.pbx_ids),
        "changes": [change.model_dump(mode="json") for change in finding.changes],
        "evidence": [dict(row) for row in finding.evidence],
        "controls": list(finding.controls),
        "first_seen_at": finding.first_seen_at.isoformat() if finding.first_seen_at else None,
    }


def _show(findings: Sequence[Finding], names: dict[str, str]) -> None:
    for finding in findings:
        if finding.status is Status.PASS:
            continue
        who = ", ".join(names[pbx] for pbx in finding.pbx_ids)
        subject = f"{finding.subject} ({who})" if who else finding.subject
        word = finding.severity if finding.status is Status.FAIL else finding.status
        say(f"{word.upper():<8}  {finding.check}  {subject}")
        say(f"          {finding.reason}")
        if finding.changes:
            say(f"          Fix: trunkgate fix {finding.check} {finding.subject}")
    counts = {status: sum(finding.status is status for finding in findings) for status in Status}
    say(f"{counts[Status.FAIL]} failed, {counts[Status.UNKNOWN]} unknown, {counts[Status.PASS]} passed.")
