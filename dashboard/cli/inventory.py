"""``inventory``: read PBXs into the inventory, lint their configuration, and write correct configuration."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dashboard.cli.lazy import open_home
from dashboard.cli.output import Format, echo, echo_json
from dashboard.core.errors import InputError
from dashboard.domain.actors import local_actor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dashboard.domain.snapshot import Snapshot
    from dashboard.pbx import Inventory, LintContext, LintFinding

app = typer.Typer(help="The configuration of PBXs.", no_args_is_help=True)

FOUND = 1

Sources = Annotated[
    list[str],
    typer.Argument(help="Folders of configuration, archives, files; or the address of one running system."),
]
Name = Annotated[str, typer.Option(help="The PBX that single files are of; a folder is named for its own.")]


@app.callback()
def inventory() -> None:
    """Read, lint and write the configuration of PBXs; only ``read --keep`` stores what is read, and nothing is sent."""


@app.command()
def lint(
    sources: Sources,
    *,
    tech_prefix: Annotated[str, typer.Option(help="The account's eight digits, to compare with what is dialed.")] = "",
    account: Annotated[
        bool, typer.Option("--account", help="Compare with the account and the inventory as they were synced.")
    ] = False,
    name: Name = "pbx",
    output: Annotated[Format, typer.Option("--format", help="How to print what is found.")] = Format.TEXT,
) -> None:
    """
    Look for the pitfalls of a trunk by IP authentication in the configuration of PBXs.

    Files of Asterisk, FreePBX, FreeSWITCH and Kamailio are read, with everything they include, or a running Asterisk by
    its address, such as ami://192.0.2.11. Each pitfall is reported with file, line and remedy. Ends with 0 when
    nothing is wrong and everything could be read, 1 when something is wrong or could not be read, 2 on an error of its
    own. Notes alone end with 0.
    """
    from dashboard.pbx import LintLevel, lint_inventory  # noqa: PLC0415 - loads pandas, for seconds
    from dashboard.pbx.inventory import diff  # noqa: PLC0415 - as above

    _check(sources)
    context, current = _context_of(tech_prefix, account=account)
    imported = _read_sources(sources, context, current, name)
    config_facts = imported.frames["pbx_config"]
    pitfalls = lint_inventory({**diff.merge(current.frames, imported).merged, "pbx_config": config_facts}, context)
    if output is Format.JSON:
        echo_json(
            {"pitfalls": [asdict(item) for item in pitfalls], "problems": [asdict(item) for item in imported.problems]}
        )
    else:
        _show(pitfalls, imported)
    if imported.problems or any(item.level is not LintLevel.NOTE for item in pitfalls):
        raise typer.Exit(FOUND)


@app.command()
def read(
    sources: Sources,
    *,
    keep: Annotated[bool, typer.Option("--keep", help="Keep what is read; nothing is removed.")] = False,
    name: Name = "pbx",
    output: Annotated[Format, typer.Option("--format", help="How to print what is read.")] = Format.TEXT,
) -> None:
    """
    Read PBXs, and say what that changes in the inventory.

    From files and folders, or from a running system by its address, such as
    netbox+https://netbox.example.net/?tag=pbx with TRUNKGATE_NETBOX_TOKEN set, or ami://192.0.2.11:5038/seattle with
    TRUNKGATE_AMI_USER and TRUNKGATE_AMI_SECRET set. Passwords are left out. Ends with 0 when everything could be read,
    1 when something was put aside, 2 on an error of its own.
    """
    from dashboard.pbx import READER_FRAMES  # noqa: PLC0415 - loads pandas, for seconds
    from dashboard.pbx.inventory import diff  # noqa: PLC0415 - as above
    from dashboard.services import declarations  # noqa: PLC0415 - as above

    _check(sources)
    with open_home() as home:
        snapshot = home.snapshot()
        context, current = _of_snapshot(snapshot, "")
        imported = _read_sources(sources, context, current, name)
        difference = diff.merge(current.frames, imported)
        if keep:
            frames = {frame: difference.merged[frame] for frame in READER_FRAMES}
            by = local_actor("command line").name
            declarations.save_inventory(home, frames, version_ids=snapshot.version_ids, by=by)
    if output is Format.JSON:
        result: dict[str, Any] = {
            frame: json.loads(imported.frames[frame].to_json(orient="records", date_format="iso"))
            for frame in READER_FRAMES
        }
        changes = difference.changes.to_dict("records")
        result |= {
            "problems": [asdict(item) for item in imported.problems],
            "notes": [asdict(item) for item in imported.notes],
        }
        echo_json(result | {"changes": changes, "kept": keep})
    else:
        for problem in imported.problems:
            echo(f"NOT READ  {problem}")
        for note in imported.notes:
            echo(f"NOTE      {note}")
        for row in difference.changes.to_dict("records"):
            cells = f" {row['column']}: {row['before']!r} to {row['after']!r}" if row["column"] else ""
            echo(f"{row['change']}: {row['frame']} {row['key']}{cells}")
        echo(f"{difference.sentence()}{' It is kept.' if keep else ''}")
    if imported.problems:
        raise typer.Exit(FOUND)


@app.command()
def write(
    pbx: Annotated[str, typer.Argument(help="Id of the PBX in the inventory.")],
    *,
    kind: Annotated[str, typer.Option("--for", help="Kind of PBX, such as asterisk-pjsip; a wrong one names all.")],
    pop: Annotated[str, typer.Option(help="PoP to call; the inventory's where none is given.")] = "",
    second: Annotated[str, typer.Option(help="PoP to call when the first does not answer.")] = "",
    to: Annotated[Path | None, typer.Option(help="Folder to put the files in; none that is there is replaced.")] = None,
    output: Annotated[Format, typer.Option("--format", help="How to print what is written.")] = Format.TEXT,
) -> None:
    """
    Write the configuration of a PBX for IP authentication with the tech prefix.

    It is based on the last synced account and on the inventory, and contains no password. Ends with 0 when it is
    written, 2 when something is not known, or the PBX must keep its credentials.
    """
    from dashboard.pbx import writers  # noqa: PLC0415 - loads pandas, for seconds

    with open_home() as home:
        snapshot = home.snapshot()
    snippet = writers.write(kind, writers.trunk_spec_for(snapshot, pbx, pop=pop, second=second))
    if to is not None:
        _write_files(to, snippet.files)
    if output is Format.JSON:
        result = {"files": dict(snippet.files), "settings": [asdict(setting) for setting in snippet.settings]}
        echo_json(result | {"steps": list(snippet.steps)})
        return
    for setting in snippet.settings:
        echo(f"{setting.page}: {setting.field} = {setting.value}")
    for path, text in snippet.files.items():
        echo(f"Written: {to / path}" if to else f"==> {path}\n{text}")
    for number, step in enumerate(snippet.steps, start=1):
        echo(f"{number}. {step}")


def _write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write files below a folder, unless one of them already exists."""
    existing = [folder / path for path in files if (folder / path).exists()]
    if existing:
        raise InputError(f"{existing[0]} is there already and is not replaced. Give an empty folder.")
    try:
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
    except OSError as exc:
        raise InputError(
            f"{folder} cannot be written to: {exc.strerror or exc}. Check its name and its rights."
        ) from exc


def _context_of(tech_prefix: str, *, account: bool) -> tuple[LintContext, Inventory]:
    """Return lint context and inventory: with ``account`` those of the home, else the given prefix and no PBXs."""
    from dashboard.core.settings import Settings  # noqa: PLC0415 - loads pydantic
    from dashboard.pbx import Inventory, LintContext  # noqa: PLC0415 - loads pandas, for seconds
    from dashboard.sip import Trunk, parse_tech_prefix  # noqa: PLC0415 - loads the numbering plan

    prefix = parse_tech_prefix(tech_prefix) if tech_prefix else ""
    if not account:
        return LintContext(Trunk(prefix), treated_as_public=Settings.read().treated_as_public), Inventory({}, [])
    with open_home() as home:
        return _of_snapshot(home.snapshot(), prefix)


def _of_snapshot(snapshot: Snapshot, prefix: str) -> tuple[LintContext, Inventory]:
    from dashboard.pbx import Inventory, LintContext, inventory_frames  # noqa: PLC0415 - as above

    return LintContext.of(snapshot, prefix), Inventory(inventory_frames(snapshot), [])


def _check(sources: list[str]) -> None:
    """Reject a missing file or folder, and an address beside other sources, before anything is read."""
    running = [source for source in sources if "://" in source]
    if running and len(sources) > 1:
        raise InputError("Give the address of one running system by itself, or files and folders.")
    for source in sources:
        if source not in running and not Path(source).exists():
            raise InputError(f"There is no file or folder {source}. Check its name.")


def _read_sources(sources: list[str], context: LintContext, current: Inventory, name: str) -> Inventory:
    """Read the given files and folders, or the one given running system."""
    from dashboard.core.settings import Settings  # noqa: PLC0415 - loads pydantic
    from dashboard.pbx import is_system_address, read_files, read_running  # noqa: PLC0415 - loads pandas, for seconds

    public = context.treated_as_public
    frames = current.frames
    if is_system_address(sources[0]):
        secrets = Settings.read().source_secrets
        return read_running(sources[0], secrets=secrets, treated_as_public=public, current=frames, trunk=context.trunk)
    paths = [Path(source) for source in sources]
    return read_files(paths, treated_as_public=public, current=frames, trunk=context.trunk, name=name)


def _show(pitfalls: list[LintFinding], imported: Inventory) -> None:
    for problem in imported.problems:
        echo(f"NOT READ  {problem}")
    for finding in pitfalls:
        line = f", line {finding.line}" if finding.line else ""
        echo(f"{finding.level.upper():<8}  {finding.file}{line}: {finding.sentence}")
        echo(f"          {finding.cure}")
    pbxs = len(imported.frames["pbxs"])
    echo(
        f"{pbxs} {'PBX' if pbxs == 1 else 'PBXs'} read, {len(pitfalls)} found, {len(imported.problems)} not understood."
    )
