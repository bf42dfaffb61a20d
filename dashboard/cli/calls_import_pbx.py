"""``calls import-pbx``: import a PBX's own call records, to compare them with the carrier's."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dashboard.cli.lazy import read_settings
from dashboard.cli.output import Format, echo, echo_error, echo_json, echo_rejects, progress
from dashboard.core import clocks
from dashboard.core.errors import InputError
from dashboard.core.text import counted

if TYPE_CHECKING:
    from dashboard.calls.pbx_records import PbxFileResult, RecordOrigin
    from dashboard.core.settings import Settings

NOT_ALL = 1


def import_pbx(
    pbx: Annotated[str, typer.Argument(help="Id of the PBX in the inventory.")],
    files: Annotated[
        list[Path], typer.Argument(help="Its call records: Asterisk's Master.csv, or files of FreeSWITCH's cdr_csv.")
    ],
    *,
    utc: Annotated[bool, typer.Option("--utc", help="The PBX writes UTC (Asterisk: usegmtime=yes).")] = False,
    timezone: Annotated[str, typer.Option(help="Zone of the PBX's times; the inventory's where none is given.")] = "",
    trunk: Annotated[
        list[str] | None, typer.Option(help="Name by which the PBX calls its trunk to the carrier; may be repeated.")
    ] = None,
    template: Annotated[str, typer.Option(help="Text of the template, where a FreeSWITCH has one of its own.")] = "",
    output: Annotated[Format, typer.Option("--format", help="How to print the result per file.")] = Format.TEXT,
) -> None:
    """
    Read a PBX's own call records; attempts without a carrier record indicate refusals that leave no CDR.

    Only calls to the carrier are kept: those that dial the account's tech prefix, or go to a trunk that is known to be
    the carrier's, by the PBX's configuration or by --trunk. What is there already is not added again.

    Ends with 0 when every record of every file was used or was there already, 1 when some lines or files were put
    aside or nothing in a file went to the carrier, 2 on an error of its own.
    """
    from dashboard.calls import CallStore  # noqa: PLC0415 - loads DuckDB and pandas, for seconds
    from dashboard.calls.pbx_records import PbxRecords  # noqa: PLC0415 - as above

    if utc and timezone:
        raise InputError("Give --utc or --timezone, not both.")
    settings = read_settings()
    origin = _origin(settings, pbx, "UTC" if utc else timezone, trunk or [], template)
    with progress(quiet=output is Format.JSON) as on_progress:
        results = PbxRecords(CallStore(settings.home)).import_files(files, origin, progress=on_progress)
    if output is Format.JSON:
        echo_json([asdict(result) for result in results])
    else:
        for result in results:
            _show(result)
    if any(result.rejected or result.error or _is_empty(result) for result in results):
        raise typer.Exit(NOT_ALL)


def _origin(settings: Settings, pbx: str, zone: str, trunks: list[str], template: str) -> RecordOrigin:
    from dashboard.calls.pbx_records import RecordOrigin  # noqa: PLC0415 - loads pandas, for seconds
    from dashboard.services import load_frame  # noqa: PLC0415 - as above
    from dashboard.sip import Trunk  # noqa: PLC0415 - loads the numbering plan
    from dashboard.storage import State, anchors  # noqa: PLC0415 - loads the database's parts

    with closing(State.open(settings.home, anchors=anchors.of_settings(settings))) as state:
        frames = {name: load_frame(state, name) for name in ("pbxs", "pbx_config", "edges")}
        account = state.latest("account")
    edges = frames["edges"][["host", "ranges"]].itertuples(index=False, name=None)
    return RecordOrigin.of(
        pbx,
        pbxs=frames["pbxs"],
        pbx_config=frames["pbx_config"],
        account=Trunk.of(account["content"]["tech_prefix"] if account else "", edges),
        now=clocks.now(),
        zone=zone,
        trunks=trunks,
        template=template,
    )


def _is_empty(result: PbxFileResult) -> bool:
    return bool(result.left_out) and not (result.kept or result.duplicate)


def _show(result: PbxFileResult) -> None:
    if result.error:
        echo_error(result.error)
        return
    echo_rejects(result.rejects, result.rejected)
    if _is_empty(result):
        echo_error(
            f"{result.file}: of {counted(result.left_out, 'record')} none shows the account's tech prefix or a trunk "
            "to the carrier. Name the trunk with --trunk. FreeSWITCH tells it in records of the B leg (legs=ab), or in "
            "the template asterisk."
        )
    rejected_text = f", {result.rejected:,} put aside" if result.rejected else ""
    echo(
        f"{result.file}: {result.kept:,} kept, {result.duplicate:,} there already, "
        f"{result.left_out:,} not to the carrier{rejected_text}."
    )
