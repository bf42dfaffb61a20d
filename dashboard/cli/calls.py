"""``calls``: import call records into the store, recompute days, and remove days or imported calls."""

from __future__ import annotations

import math
import uuid
from contextlib import closing
from dataclasses import asdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dashboard.core import clocks

if TYPE_CHECKING:
    from dashboard.core.settings import Settings

from dashboard.cli import calls_import_pbx
from dashboard.cli.lazy import prepare_import, read_settings
from dashboard.cli.output import Format, ask, complain, describe_file_only, progress, say, say_json, tell_rejects
from dashboard.core.errors import DashboardError
from dashboard.core.text import counted

app = typer.Typer(help="The call store.", no_args_is_help=True)

SOME_REJECTED = 1
DROPPED = "imported_calls_dropped"
"""
Key of the state: who removed calls that the carrier's export does not have, when, and which.

As in the journal, a ``begun`` record is written before the removal and its outcome after it. A ``begun`` record alone
was interrupted: the calls may be gone.
"""


@app.callback()
def calls() -> None:
    """Read and keep CDR export files."""


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(help="CDR export files, plain or gzip.")],
    *,
    output: Annotated[Format, typer.Option("--format", help="How to print the result per file.")] = Format.TEXT,
) -> None:
    """
    Read CDR export files into the store; what is there already is not added again.

    The next sync of an account compares imported calls with the carrier's export, as far as it fetches that time: calls
    that the export does not have are kept apart and count in no total.

    Ends with 0 when every row of every file was kept or was there already, 1 when some rows or files
    were rejected or came too late, 2 on an error of its own.
    """
    from dashboard.calls.ingest.importer import import_files  # noqa: PLC0415 - loads DuckDB and pandas, for seconds
    from dashboard.calls.store.store import CallStore  # noqa: PLC0415 - as above

    settings = read_settings()
    prepare_import(settings)
    store = CallStore(settings.home)
    with progress(quiet=output is Format.JSON) as tell:
        results = import_files(store, files, keep_days=settings.keep_calls_days, progress=tell)
    if output is Format.JSON:
        say_json([asdict(result) for result in results])
    else:
        for result in results:
            if result.error:
                complain(result.error)
            if result.late:
                were = "call was" if result.late == 1 else "calls were"
                complain(
                    f"{result.file}: {result.late:,} {were} left out: of their days only the sums are kept. "
                    "Set TRUNKGATE_KEEP_CALLS_DAYS higher before their days are too old."
                )
            tell_rejects(result.rejects, result.rejected)
            aside = f", {result.rejected:,} put aside" if result.rejected else ""
            aside += f", {result.late:,} older than calls are kept" if result.late else ""
            quiet = not (result.kept or result.duplicate or result.rejected or result.late or result.error)
            counted = "no calls in it" if quiet else f"{result.kept:,} kept, {result.duplicate:,} there already{aside}"
            say(f"{result.file}: {counted}.")
        if compared := _compared_next(settings, store.last_imported_at()):
            say(compared)
    if any(result.rejected or result.error or result.late for result in results):
        raise typer.Exit(SOME_REJECTED)


def _compared_next(settings: Settings, last_at: datetime | None) -> str:
    """
    Return a sentence on the imported calls that the next sync compares with the carrier's export; empty without any.

    In mode ``files`` there is no export to compare with, so the sentence is always empty.
    """
    if settings.files:
        return ""
    from dashboard.calls.store.store import CallStore  # noqa: PLC0415 - loads DuckDB and pandas, for seconds
    from dashboard.services.call_fetcher import next_since  # noqa: PLC0415 - as above
    from dashboard.storage.account_binding import with_mode  # noqa: PLC0415 - as above
    from dashboard.storage.database import State  # noqa: PLC0415 - as above

    with closing(State.open(settings.home)) as state:
        if with_mode(state, settings).files:
            return ""  # nothing is fetched in this mode
        now = clocks.now()
        since = next_since(state, CallStore(settings.home), settings, now)
        again = (
            f"the last {counted(math.ceil((now - since) / timedelta(hours=1)), 'hour')}"
            if state.get("calls_until")
            else f"the last {counted(settings.history_days, 'day')}"
        )
    if last_at is None or last_at < since:
        return ""
    return (
        f"The next sync fetches {again} and compares the imported calls that start after {since:%Y-%m-%d %H:%M} UTC "
        "with the carrier's export: what it has is replaced by the carrier's own record, the rest is kept apart and "
        "counts in no total."
    )


app.command("import-pbx")(calls_import_pbx.import_pbx)


Days = Annotated[list[datetime], typer.Argument(help="Days in UTC, such as 2026-11-03.", formats=["%Y-%m-%d"])]


@app.command("drop-imported")
def drop_imported(
    days: Annotated[
        list[datetime] | None,
        typer.Argument(help="Days in UTC, such as 2026-11-03; every day when none is given.", formats=["%Y-%m-%d"]),
    ] = None,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """
    Remove the imported calls that are not in the carrier's export, and with them the finding about them.

    Ends with 0 when they are gone or there are none, 2 when it was declined or on an error of its own.
    """
    from dashboard.calls.store.repair import drop_file_only  # noqa: PLC0415 - loads DuckDB and pandas, for seconds
    from dashboard.calls.store.store import CallStore  # noqa: PLC0415 - as above
    from dashboard.domain.actors import local_actor  # noqa: PLC0415 - not needed by the other commands
    from dashboard.storage.database import State  # noqa: PLC0415 - as above
    from dashboard.storage.journal import BEGUN, DONE, FAILED  # noqa: PLC0415 - as above

    settings = read_settings()
    store = CallStore(settings.home)
    chosen = sorted({day.date() for day in days or ()})
    found = store.file_only()
    if chosen:
        found = found[found["day"].isin([str(day) for day in chosen])]
    if found.empty:
        say(f"No stored call{' of these days' if chosen else ''} is known to be missing from the carrier's export.")
        if last := store.last_imported_at():
            say(f"Imported calls up to {last:%Y-%m-%d %H:%M} UTC were not compared: no export covers their time.")
        return
    say(describe_file_only(found))
    if not yes:
        ask("Remove these calls from the store?")
    shown = sorted(set(found["day"]))
    begun = {
        "action": uuid.uuid4().hex,
        "phase": BEGUN,
        "at": clocks.now().isoformat(),
        "by": local_actor("command line").name,
        "calls": int(found["calls"].sum()),
        "cost_usd": str(found["cost_usd"].sum()),
        "days": shown,
        "source_ips": sorted(set(found["source_ip"])),
    }
    with closing(State.open(settings.home)) as state:
        state.add(DROPPED, begun)
        try:
            gone = drop_file_only(store, [date.fromisoformat(day) for day in shown])
        except DashboardError as exc:
            state.add(DROPPED, _ended(begun, FAILED, calls=0, message=str(exc)))
            raise
        state.add(DROPPED, _ended(begun, DONE, calls=gone, message=""))
    say(f"{'1 call was' if gone == 1 else f'{gone:,} calls were'} removed. Import their file again to get them back.")


def _ended(begun: dict[str, Any], phase: str, *, calls: int, message: str) -> dict[str, Any]:
    """Return the record of the outcome of a removal."""
    at = clocks.now().isoformat()
    return {"action": begun["action"], "phase": phase, "at": at, "by": begun["by"], "calls": calls, "message": message}


@app.command()
def repair(days: Days) -> None:
    """
    Recompute the sums of whole days from their stored calls, when sums are damaged. No call is changed.

    Ends with 0 when it is done, 2 when single calls of a day cannot be read or on another error of its own.
    """
    from dashboard.calls.store.repair import repair as repair_days  # noqa: PLC0415 - loads DuckDB and pandas, for seconds
    from dashboard.calls.store.store import CallStore  # noqa: PLC0415 - as above

    chosen = sorted({day.date() for day in days})
    calls = repair_days(CallStore(read_settings().home), chosen)
    say(f"{', '.join(map(str, chosen))}: {'1 call was' if calls == 1 else f'{calls:,} calls were'} counted again.")


@app.command()
def forget(
    days: Days,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """
    Remove whole days from the store so that they can be imported again, when a file of the store is damaged.

    Ends with 0 when they are gone, 2 when the store has nothing of one of them or on another error of its own.
    """
    from dashboard.calls.store.repair import forget as forget_days  # noqa: PLC0415 - loads DuckDB and pandas, for seconds
    from dashboard.calls.store.store import CallStore  # noqa: PLC0415 - as above

    chosen = sorted({day.date() for day in days})
    named = ", ".join(map(str, chosen))
    if not yes:
        ask(f"Forget every call of {named}?")
    gone = forget_days(CallStore(read_settings().home), chosen)
    calls = "1 call is" if gone == 1 else f"{gone:,} calls are"
    say(f"{named}: {calls} forgotten. Import the export files of that time again.")
