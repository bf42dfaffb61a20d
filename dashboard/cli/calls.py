"""``calls``: import call records into the store, recompute days, and remove days or imported calls."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dashboard.core import clocks

if TYPE_CHECKING:
    from dashboard.calls import CallStore
    from dashboard.core.settings import Settings
    from dashboard.storage import State, store_changes

from dashboard.cli import calls_import_pbx
from dashboard.cli.lazy import prepare_import, read_settings
from dashboard.cli.output import Format, ask, describe_file_only, echo, echo_error, echo_json, echo_rejects, progress
from dashboard.core.text import counted

app = typer.Typer(help="The call store.", no_args_is_help=True)

SOME_REJECTED = 1


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
    from dashboard.calls import CallStore, import_files  # noqa: PLC0415 - loads DuckDB and pandas, for seconds

    settings = read_settings()
    prepare_import(settings)
    store = CallStore(settings.home)
    with progress(quiet=output is Format.JSON) as on_progress:
        results = import_files(store, files, keep_days=settings.keep_calls_days, progress=on_progress)
    if output is Format.JSON:
        echo_json([asdict(result) for result in results])
    else:
        for result in results:
            if result.error:
                echo_error(result.error)
            if result.late:
                subject = "call was" if result.late == 1 else "calls were"
                echo_error(
                    f"{result.file}: {result.late:,} {subject} left out: of their days only the sums are kept. "
                    "Set TRUNKGATE_KEEP_CALLS_DAYS higher before their days are too old."
                )
            echo_rejects(result.rejects, result.rejected)
            excluded_text = f", {result.rejected:,} put aside" if result.rejected else ""
            excluded_text += f", {result.late:,} older than calls are kept" if result.late else ""
            quiet = not (result.kept or result.duplicate or result.rejected or result.late or result.error)
            counts_text = (
                "no calls in it"
                if quiet
                else f"{result.kept:,} kept, {result.duplicate:,} there already{excluded_text}"
            )
            echo(f"{result.file}: {counts_text}.")
        if compared := _compared_next(settings, store.last_imported_at()):
            echo(compared)
    if any(result.rejected or result.error or result.late for result in results):
        raise typer.Exit(SOME_REJECTED)


def _compared_next(settings: Settings, last_at: datetime | None) -> str:
    """
    Return a sentence on the imported calls that the next sync compares with the carrier's export; empty without any.

    In mode ``files`` there is no export to compare with, so the sentence is always empty.
    """
    if settings.files:
        return ""
    from dashboard.calls import CallStore  # noqa: PLC0415 - loads DuckDB and pandas, for seconds
    from dashboard.services import next_sync_since  # noqa: PLC0415 - as above
    from dashboard.storage import State, account_binding, anchors  # noqa: PLC0415 - as above

    with closing(State.open(settings.home, anchors=anchors.of_settings(settings))) as state:
        if account_binding.with_mode(state, settings).files:
            return ""  # nothing is fetched in this mode
        now = clocks.now()
        since = next_sync_since(state, CallStore(settings.home), settings, now)
        period = (
            f"the last {counted(math.ceil((now - since) / timedelta(hours=1)), 'hour')}"
            if state.get("calls_until")
            else f"the last {counted(settings.history_days, 'day')}"
        )
    if last_at is None or last_at < since:
        return ""
    return (
        f"The next sync fetches {period} and compares the imported calls that start after {since:%Y-%m-%d %H:%M} UTC "
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

    The removal is recorded; `trunkgate journal list` shows it.

    Ends with 0 when they are gone or there are none, 2 when it was declined or on an error of its own.
    """
    from dashboard.calls import CallStore  # noqa: PLC0415 - loads DuckDB and pandas, for seconds
    from dashboard.calls.store import repair as store_repair  # noqa: PLC0415 - as above
    from dashboard.storage import store_changes  # noqa: PLC0415 - loads the database's parts

    settings = read_settings()
    store = CallStore(settings.home)
    selected_days = sorted({day.date() for day in days or ()})
    file_only_calls = store.file_only()
    if selected_days:
        file_only_calls = file_only_calls[file_only_calls["day"].isin([str(day) for day in selected_days])]
    if file_only_calls.empty:
        echo(
            f"No stored call{' of these days' if selected_days else ''} is known to be missing from the carrier's "
            "export."
        )
        if last := store.last_imported_at():
            echo(f"Imported calls up to {last:%Y-%m-%d %H:%M} UTC were not compared: no export covers their time.")
        return
    echo(describe_file_only(file_only_calls))
    if not yes:
        ask("Remove these calls from the store?")
    day_texts = [date.fromisoformat(day) for day in sorted(set(file_only_calls["day"]))]
    with _recorded(store, store_changes.DROP_IMPORTED, day_texts, calls=int(file_only_calls["calls"].sum())) as (
        _,
        outcome,
    ):
        outcome.calls = removed_count = store_repair.drop_file_only(store, day_texts)
    echo(
        f"{'1 call was' if removed_count == 1 else f'{removed_count:,} calls were'} removed. Import their file "
        "again to get them back."
    )


@contextmanager
def _recorded(
    store: CallStore, command: str, days: Sequence[date], *, calls: int
) -> Iterator[tuple[State, store_changes.Outcome]]:
    """Record a change of the store in the state database, which the context yields too."""
    from dashboard.domain.actors import local_actor  # noqa: PLC0415 - not needed by the other commands
    from dashboard.storage import State, anchors, store_changes  # noqa: PLC0415 - loads the database's parts

    actor = local_actor("command line")
    settings = read_settings()
    with (
        closing(State.open(settings.home, anchors=anchors.of_settings(settings))) as state,
        store_changes.recorded(state, command, actor=actor, days=days, calls=calls, generation=store.digest) as outcome,
    ):
        yield state, outcome


def _calls_of(store: CallStore, days: Sequence[date]) -> int:
    """Return the number of stored calls of days."""
    stored = store.generations.current().days
    return sum(stored[day].rows + stored[day].file_only_rows for day in days if day in stored)


@app.command()
def repair(
    days: Annotated[
        list[datetime] | None,
        typer.Argument(help="Days in UTC, such as 2026-11-03; none for the list alone.", formats=["%Y-%m-%d"]),
    ] = None,
) -> None:
    """
    Recompute the sums of whole days from their stored calls, when sums are damaged. No call is changed.

    The list of the account's own numbers is written again if it is damaged. The repair is recorded, and
    `trunkgate journal list` shows it.

    Ends with 0 when it is done, 2 when single calls of a day cannot be read or on another error of its own.
    """
    from dashboard.calls import CallStore  # noqa: PLC0415 - loads DuckDB and pandas, for seconds
    from dashboard.calls.store import repair as store_repair  # noqa: PLC0415 - as above
    from dashboard.services import update_own_numbers  # noqa: PLC0415 - as above
    from dashboard.storage import store_changes  # noqa: PLC0415 - loads the database's parts

    selected_days = sorted({day.date() for day in days or ()})
    store = CallStore(read_settings().home)
    listed = store.has_readable_list()
    if listed and not selected_days:
        echo("The list of own numbers is not damaged. Name the days whose sums are.")
        return
    with _recorded(store, store_changes.REPAIR, selected_days, calls=_calls_of(store, selected_days)) as (
        state,
        outcome,
    ):
        outcome.calls = calls = store_repair.repair(store, selected_days) if selected_days else 0
        if not listed:
            update_own_numbers(state, store)
    if selected_days:
        echo(
            f"{', '.join(map(str, selected_days))}: {'1 call was' if calls == 1 else f'{calls:,} calls were'} "
            "counted again."
        )
    if not listed:
        echo("The list of own numbers was written again.")


@app.command()
def forget(
    days: Days,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """
    Remove whole days from the store so that they can be imported again, when a file of the store is damaged.

    The removal is recorded; `trunkgate journal list` shows it.

    Ends with 0 when they are gone, 2 when the store has nothing of one of them or on another error of its own.
    """
    from dashboard.calls import CallStore  # noqa: PLC0415 - loads DuckDB and pandas, for seconds
    from dashboard.calls.store import repair as store_repair  # noqa: PLC0415 - as above
    from dashboard.storage import store_changes  # noqa: PLC0415 - loads the database's parts

    selected_days = sorted({day.date() for day in days})
    day_list = ", ".join(map(str, selected_days))
    if not yes:
        ask(f"Forget every call of {day_list}?")
    store = CallStore(read_settings().home)
    with _recorded(store, store_changes.FORGET, selected_days, calls=_calls_of(store, selected_days)) as (_, outcome):
        outcome.calls = removed_count = store_repair.forget(store, selected_days)
    calls = "1 call is" if removed_count == 1 else f"{removed_count:,} calls are"
    echo(f"{day_list}: {calls} forgotten. Import the export files of that time again.")
