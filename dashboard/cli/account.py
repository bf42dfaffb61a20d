"""``account paste`` and ``account record``: enter portal data that the carrier's API does not provide."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dashboard.cli.lazy import open_home
from dashboard.cli.output import ask, echo
from dashboard.core import clocks
from dashboard.core.errors import FileError, InputError
from dashboard.domain.actors import local_actor
from dashboard.domain.capabilities import Capability

if TYPE_CHECKING:
    from dashboard.carriers.flowroute import portal_paste
    from dashboard.services import Workspace

app = typer.Typer(help="What the carrier's portal shows of a real account.", no_args_is_help=True)

UNUSABLE = 1


class CredentialsState(StrEnum):
    """The state of Outbound SIP Credentials, as the portal shows it."""

    ON = "on"
    OFF = "off"


@app.callback()
def account() -> None:
    """Keep dated copies of the portal's pages: allowed IPs, tech prefix, credentials."""


@app.command()
def paste(
    file: Annotated[
        Path, typer.Argument(help="Text or HTML of the page Outbound Allowed IPs; - reads standard input.")
    ],
    *,
    remove: Annotated[
        list[str] | None, typer.Option(help="Entry that the page no longer shows; repeatable. Others stay.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """
    Read the allowed IPs out of a copy of the portal's page, show what changes, and keep the list.

    Ends with 0 when the list is kept, 1 when it is kept and something that looks like an address was put aside, 2
    when it was declined or on an error of its own.
    """
    from dashboard.carriers.flowroute import portal_paste  # noqa: PLC0415 - loads pandas, for seconds
    from dashboard.services import load_frame, save_frame  # noqa: PLC0415 - as above

    text = _text_of(file)
    with open_home() as home:
        _refuse_readable(home, Capability.READ_ALLOWED_IPS)
        pasted = portal_paste.read_pasted(text, public_ranges=home.settings.treated_as_public)
        version = home.state.latest("allowed_ips")
        current = load_frame(home.state, "allowed_ips")
        changes = portal_paste.difference(current["network"], pasted)
        operator = local_actor("command line").name
        now = clocks.now()
        frame = portal_paste.accept_paste(current, changes, remove=remove or (), added_by=operator, added_at=now)
        _show(pasted, changes, remove or [])
        if not pasted.entries and version is None:
            raise InputError("No usable address was found, so nothing was kept. Copy the whole list from the portal.")
        if not yes:
            ask("Keep this list?")
        based_on = {"allowed_ips": version["id"] if version else 0}
        save_frame(home.state, "allowed_ips", frame, now=now, known_by=operator, based_on=based_on)
    echo(f"The list is kept: {len(frame)} {'entry' if len(frame) == 1 else 'entries'}.")
    if pasted.unusable:
        raise typer.Exit(UNUSABLE)


@app.command()
def record(
    *,
    tech_prefix: Annotated[str, typer.Option(help="The account's eight digits, as the portal shows them.")],
    credentials: Annotated[CredentialsState, typer.Option(help="Outbound SIP Credentials, as the portal shows them.")],
) -> None:
    """
    Keep what the portal shows of the tech prefix and the credentials.

    Ends with 0 when it is kept, 2 on an error of its own.
    """
    from dashboard.sip import parse_tech_prefix  # noqa: PLC0415 - loads the numbering plan

    prefix = parse_tech_prefix(tech_prefix)
    with open_home() as home:
        _refuse_readable(home, Capability.READ_CREDENTIALS)
        now = clocks.now()
        last = home.state.latest("account")
        content = {**(last["content"] if last else {}), "sample": False}
        content |= {"tech_prefix": prefix, "credentials_on": credentials is CredentialsState.ON}
        operator = local_actor("command line").name
        based_on = {"account": last["id"] if last else 0}
        home.state.save_version("account", content, valid_from=now, seen_at=now, known_by=operator, based_on=based_on)
    echo(f"Kept: tech prefix {prefix}, outbound credentials {credentials}.")


def _text_of(file: Path) -> str:
    """Return the text of a file, or of standard input if the name is ``-``."""
    try:
        content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as exc:
        raise FileError(f"The file cannot be read: {exc.strerror}. Check its name.", file=str(file)) from exc
    return content.decode("utf-8", errors="replace")


def _refuse_readable(home: Workspace, capability: Capability) -> None:
    if capability in home.carrier.capabilities:
        raise InputError(
            "A sync reads this from the embedded sample account, so it is not declared by hand. For a real account "
            "set its key, or TRUNKGATE_ACCOUNT=files to use imported files, on a home of its own."
        )


def _show(pasted: portal_paste.PastedList, changes: portal_paste.PasteDiff, remove: list[str]) -> None:
    for entry in pasted.unusable:
        echo(f"NOT USABLE  line {entry.line}: {entry.sentence}")
    for added in changes.added:
        echo(f"added       {added.network}{f'  {added.label}' if added.label else ''}")
    for network in changes.missing:
        cure = "removed" if network in remove else f"not on the page; it stays unless --remove {network} is given"
        echo(f"missing     {network}: {cure}")
    echo(f"{len(changes.added)} added, {len(changes.same)} unchanged, {len(changes.missing)} missing from the page.")
