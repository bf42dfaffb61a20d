"""``check`` and ``export``: evaluate the checks and export all tables, for cron, CI and auditors."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dashboard.cli.lazy import open_home
from dashboard.cli.output import Format, echo, echo_error, echo_json, progress
from dashboard.core import clocks
from dashboard.core.clocks import to_come
from dashboard.core.errors import CarrierError
from dashboard.domain.findings import Finding, Severity, Status

if TYPE_CHECKING:
    from dashboard.domain.snapshot import Snapshot
    from dashboard.services import Workspace
    from dashboard.storage import JournalEntry

app = typer.Typer()

FAILED = 1
UNKNOWN = 3

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

    A result on data that is out of date is unknown and shows the last known one. When the carrier cannot be read,
    the last synced data are used. Ends with 0 when nothing at or above --fail-on fails or is unknown, 1 when
    something fails or failed last, 3 when nothing fails but something is unknown, a fix or a change of the call store
    has no recorded outcome or the carrier could not be read, 2 on an error of its own.
    """
    from dashboard.storage import store_changes  # noqa: PLC0415 - loads the database's parts

    with open_home() as home:
        fault = "" if no_sync else bring_up_to_date(home)
        snapshot = home.snapshot()
        findings = home.findings(snapshot)
        names = {pbx: snapshot.name_of(pbx) for finding in findings for pbx in finding.pbx_ids}
        unsettled = [without_outcome(entry) for entry in home.journal.open_entries()]
        unsettled += [change.no_outcome for change in store_changes.open_changes(home.state)]
    if output is Format.JSON:
        echo_json([as_json(finding, snapshot.taken_at) for finding in findings])
    else:
        _show(findings, names, snapshot.taken_at)
        echo_gaps(snapshot, findings)
        _echo_silent_pbxs(snapshot, findings)
        _echo_counts(findings)
    for sentence in unsettled:
        echo_error(sentence)
    relevant = [finding for finding in findings if finding.severity.at_least(fail_on)]
    if any(finding.open for finding in relevant):
        raise typer.Exit(FAILED)
    uncertain = fault or any(finding.status is Status.UNKNOWN for finding in relevant)
    if unsettled or (uncertain and not allow_unknown):
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
    from dashboard.services.exports import csv_files, frames  # noqa: PLC0415 - loads pandas, for seconds

    with open_home() as home:
        if not no_sync:
            bring_up_to_date(home)
        snapshot = home.snapshot()
        account = csv_files.account_name(sample=snapshot.account.sample, tech_prefix=snapshot.account.tech_prefix)
        tables = frames.all_tables(snapshot, home.findings(snapshot), home.journal.entries(), home.store)
        unsettled = home.journal.open_entries()
        seal = csv_files.Seal.of(home.journal, account=account, taken_at=snapshot.taken_at)
        written = csv_files.write_folder(folder, tables, seal)
    echo(f"Wrote {len(written) - 1} tables and manifest.json to {folder}.")
    echo_gaps(snapshot)
    for entry in unsettled:
        echo_error(without_outcome(entry))


def bring_up_to_date(home: Workspace) -> str:
    """
    Sync, unless the last sync is within the sync interval of ``serve``; the embedded account is always synced.

    In mode ``files`` nothing is synced. If the carrier cannot be read and data was synced before, that data is used,
    and a message on standard error states its age.

    Returns:
        Reason why the carrier could not be read; otherwise empty.

    Raises:
        CarrierError: The carrier cannot be read, and nothing was ever synced.
    """
    from dashboard.domain.claims import ago  # noqa: PLC0415 - loads pandas, for seconds

    if home.settings.files:
        return ""
    fetched = home.state.get("calls_until")
    pause = timedelta(seconds=home.settings.sync_every_s)
    now = clocks.now()
    recent = fetched is not None and is_recent(datetime.fromisoformat(fetched), pause, now)
    if recent and not home.settings.embedded:
        return ""
    try:
        with progress() as on_progress:
            home.sync(quick=recent, progress=on_progress)
    except CarrierError as exc:
        last_read = home.state.latest("allowed_ips") or home.state.latest("account")
        times = [datetime.fromisoformat(fetched)] if fetched else [last_read["seen_at"]] if last_read else []
        if not times:
            raise
        sync_time = f"{times[0]:%Y-%m-%d %H:%M} UTC ({ago(times[0], clocks.now())})"
        echo_error(f"{exc} The results are of the last synced data, from {sync_time}.")
        return str(exc)
    return ""


def is_recent(at: datetime, pause: timedelta, now: datetime) -> bool:
    """Return whether a sync is less than ``pause`` ago; false if it is further in the future than clocks may differ."""
    return not to_come(at, now) and now - at < pause


def without_outcome(entry: JournalEntry) -> str:
    """Return a message that a fix has no recorded outcome, with the remedy."""
    return (
        f"No recorded outcome: journal entry {entry.id}, {entry.title}, begun {entry.at:%Y-%m-%d %H:%M:%S} UTC by "
        f"{entry.actor}. It was interrupted or still runs; `trunkgate sync` reads the account and records it."
    )


def echo_gaps(snapshot: Snapshot, findings: Sequence[Finding] = ()) -> None:
    """Print a line for each missing or stale input: since when, the remedy, and which checks need it."""
    from dashboard.checks import explain_gap  # noqa: PLC0415 - loads pandas, for seconds
    from dashboard.domain.claims import CORE  # noqa: PLC0415 - as above
    from dashboard.domain.snapshot import Age  # noqa: PLC0415 - as above

    waiting: dict[str, dict[str, None]] = {name: {} for name in CORE if snapshot.age(name) is not Age.FRESH}
    for finding in findings:
        for name in finding.lacking:
            waiting.setdefault(name, {})[finding.check] = None
    for name, checks in waiting.items():
        needed = f" Needed by: {', '.join(sorted(checks))}." if checks else ""
        echo(f"{explain_gap(snapshot, name)}{needed}")


def as_json(finding: Finding, now: datetime) -> dict[str, Any]:
    """Return a finding as a JSON object; ages are relative to ``now``, the time of the checks."""
    from dashboard.domain.claims import age_s  # noqa: PLC0415 - loads pandas, for seconds

    last_known = finding.last_known
    return {
        "check": finding.check,
        "subject": finding.subject,
        "status": str(finding.status),
        "severity": str(finding.severity),
        "confidence": str(finding.confidence),
        "impact": str(finding.impact),
        "reason": finding.reason,
        "cause": str(finding.cause) if finding.cause else None,
        "last_known": {
            "status": str(last_known.status),
            "as_of": last_known.as_of.isoformat(),
            "age_s": age_s(finding, now),
            "reason": last_known.reason,
            "changes": [change.model_dump(mode="json") for change in last_known.changes],
        }
        if last_known
        else None,
        "without": list(finding.without),
        "lacking": list(finding.lacking),
        "state": str(finding.life),
        "title": finding.title,
        "pbx_ids": list(finding.pbx_ids),
        "changes": [change.model_dump(mode="json") for change in finding.changes],
        "evidence": [dict(row) for row in finding.evidence],
        "controls": list(finding.controls),
        "first_seen_at": finding.first_seen_at.isoformat() if finding.first_seen_at else None,
    }


def _reason(finding: Finding) -> str:
    """Return a finding's reason without its missing inputs, which the output lists once below."""
    if not finding.lacking:
        return finding.reason
    last_known = finding.last_known
    return f"Last known: {last_known.reason}" if last_known and last_known.reason else "Not evaluated: see below."


def _show(findings: Sequence[Finding], names: dict[str, str], now: datetime) -> None:
    from dashboard.domain.claims import as_of  # noqa: PLC0415 - loads pandas, for seconds

    for finding in findings:
        if finding.status is Status.PASS:
            continue
        pbx_names = ", ".join(names[pbx] for pbx in finding.pbx_ids)
        subject = f"{finding.subject} ({pbx_names})" if pbx_names else finding.subject
        word = finding.severity if finding.open else finding.status
        old = f"  {as_of(finding, now)}." if finding.last_known else ""
        echo(f"{word.upper():<8}  {finding.check}  {subject}{old}")
        echo(f"          {_reason(finding)}")
        if finding.proposals:
            echo(f"          Fix: trunkgate fix {finding.check} {finding.subject}")
        elif finding.check == "past_loss_is_reviewed" and finding.open:
            echo(f"          Review: trunkgate review {finding.subject}")


def _echo_silent_pbxs(snapshot: Snapshot, findings: Sequence[Finding]) -> None:
    """Write, where no finding is open, which active PBXs no recent call proves to place calls."""
    from dashboard.core.text import titled  # noqa: PLC0415 - read only when findings are printed
    from dashboard.domain.claims import Claims  # noqa: PLC0415 - loads pandas, for seconds

    claims = Claims(snapshot, findings)
    if claims.silence and not claims.open:
        echo(f"{titled(claims.silence)}.")


def _echo_counts(findings: Sequence[Finding]) -> None:
    """Print the counts of failed, unknown and passed verdicts as the last line, where an operator looks first."""
    counts = {status: sum(finding.status is status for finding in findings) for status in Status}
    last = sum(finding.failed_last for finding in findings)
    old = f", {last} of them failed last" if last else ""
    echo(f"{counts[Status.FAIL]} failed, {counts[Status.UNKNOWN]} unknown{old}, {counts[Status.PASS]} passed.")
