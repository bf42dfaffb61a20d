"""``probe``: test whether a PoP is reachable from this machine, and whether a call from it is admitted."""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import asdict, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dashboard.cli.lazy import open_home
from dashboard.cli.number_types import finite
from dashboard.cli.output import Format, echo, echo_json
from dashboard.core.errors import DashboardError, InputError

if TYPE_CHECKING:
    from dashboard.sip.probe import Probe, ProbeContext, ProbeTarget

app = typer.Typer()

NOT_LET_IN = 1
LAST_PORT = 65_535


class SipTransport(StrEnum):
    """Transport protocol for SIP."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


@app.command()
def probe(
    *,
    pop: Annotated[
        list[str] | None, typer.Option(help="PoP, host[:port]; repeatable. The account's PoPs where none is given.")
    ] = None,
    source: Annotated[str, typer.Option("--from", help="Address of this machine to ask from.")] = "",
    number: Annotated[str, typer.Option(help="Place one test call to this number; it is hung up at once.")] = "",
    tech_prefix: Annotated[
        str | None, typer.Option(help="Dial with this prefix, 'none' for without. The account's where none is given.")
    ] = None,
    caller_id: Annotated[str, typer.Option(help="Number that the test call shows.")] = "",
    transport: Annotated[SipTransport, typer.Option(help="How to ask.")] = SipTransport.UDP,
    ca: Annotated[Path | None, typer.Option(help="Certificates that a TLS answer is held to.", exists=True)] = None,
    wait: Annotated[
        float, typer.Option(min=0.1, max=60.0, callback=finite, help="Seconds to wait for a first answer.")
    ] = 8.0,
    output: Annotated[Format, typer.Option("--format", help="How to print the answer.")] = Format.TEXT,
) -> None:
    """
    Ask PoPs by SIP OPTIONS whether they can be reached, or place one test call from this machine.

    No credentials are sent. A test call goes to plain numbers of the United States and Canada only, and is hung up
    as soon as it rings. If the home has data of the account, the answer to a test call is compared with its list,
    prefix and switch. Ends with 0 when every PoP answered and the call was let in, 1 when a PoP did not answer or the
    call was not let in, 2 on an error of its own.
    """
    from dashboard.sip.probe import ProbeTarget, call, options, safe_number  # noqa: PLC0415 - loads pandas, for seconds

    digits, shows = (safe_number(text) if text else "" for text in (number, caller_id))
    hosts = pop or []
    prefix = None if tech_prefix is None else _prefix(tech_prefix)
    if not hosts or (digits and prefix is None):
        hosts, prefix = _of_the_account(hosts, prefix)
    if digits and len(hosts) > 1:
        raise InputError(f"A test call goes to one PoP, and {len(hosts)} are known. Choose one with --pop.")
    targets = [_target(ProbeTarget, host, transport, source, ca) for host in hosts]
    if digits:
        probes = [_with_account_note(call(targets[0], digits, tech_prefix=prefix or "", caller_id=shows, wait_s=wait))]
    else:
        probes = [options(target, wait_s=wait) for target in targets]
    if output is Format.JSON:
        results = [asdict(item) for item in probes]
        echo_json(results[0] if pop and len(pop) == 1 else results)
    else:
        _show(probes)
    if not all(item.admitted if digits else item.sip_status for item in probes):
        raise typer.Exit(NOT_LET_IN)


def _prefix(text: str) -> str:
    from dashboard.sip import parse_tech_prefix  # noqa: PLC0415 - loads the numbering plan

    return "" if text == "none" else parse_tech_prefix(text)


def _of_the_account(hosts: list[str], prefix: str | None) -> tuple[list[str], str]:
    """Return PoPs and tech prefix, with those not given taken from the last synced account."""
    with open_home() as home:
        snapshot = home.snapshot()
        if not hosts and snapshot.account.sample:
            raise InputError("The PoPs of the sample account are names only, which nobody asks. Name one with --pop.")
        hosts = hosts or [host for host in snapshot.edges["host"] if host]
        if not hosts:
            raise InputError("The account's PoPs are not known yet. Name one with --pop.")
        return hosts, snapshot.account.tech_prefix if prefix is None else prefix


def _with_account_note(result: Probe) -> Probe:
    """Add a comparison with the account to the result of a test call, if the home has data of an account."""
    from dashboard.sip.probe import of_account  # noqa: PLC0415 - loads pandas, for seconds

    context = None
    with suppress(DashboardError):  # an unreadable home must not hide the answer to a call that was placed
        context = _stored_account() if result.sip_status is not None else None
    if context is None:
        return result
    account_note = of_account(context, source=result.source, request_uri=result.request_uri)
    return replace(result, meaning=f"{result.meaning} {account_note}", account=account_note)


def _stored_account() -> ProbeContext | None:
    """Return the account stored in the home; ``None`` if the account was never read. A missing home is not created."""
    from dashboard.core.settings import Settings  # noqa: PLC0415 - loads pydantic
    from dashboard.services import policy_versions  # noqa: PLC0415 - as above
    from dashboard.sip.probe import ProbeContext  # noqa: PLC0415 - loads pandas, for seconds
    from dashboard.storage import State, anchors  # noqa: PLC0415 - loads the database's parts

    settings = Settings.read()
    if not (settings.home / "state.db").exists():
        return None
    with closing(State.open(settings.home, anchors=anchors.of_settings(settings))) as state:
        versions = policy_versions(state)
        account = state.latest("account")
        listed = state.latest("allowed_ips")
    if not (versions and account and listed):
        return None
    account_content = account["content"]
    return ProbeContext(
        versions[-1].policy,
        min(account["seen_at"], listed["seen_at"]),
        sample=bool(account_content.get("sample")),
        public=(*settings.treated_as_public, *account_content.get("public_ranges", ())),
    )


def _target(target_class: Any, host: str, transport: SipTransport, source: str, ca: Path | None) -> ProbeTarget:
    from dashboard.sip import parse_pop  # noqa: PLC0415 - loads the numbering plan

    name, _, port = parse_pop(host).partition(":")
    if int(port or 0) > LAST_PORT:
        raise InputError(f"{host} has a port that there is none of: {LAST_PORT} is the last.")
    target: ProbeTarget = target_class(name, int(port or 0), transport.value, source, ca)
    return target


def _show(probes: list[Probe]) -> None:
    for item in probes:
        answer = "no answer" if item.sip_status is None else f"{item.sip_status} {item.sip_reason}".strip()
        took = f" after {item.seconds:.3f} s" if item.seconds is not None else ""
        source_text = f" from {item.source}" if item.source else ""
        echo(f"{item.method} {item.request_uri} over {item.transport.upper()}{source_text}: {answer}{took}.")
        echo(f"  {item.meaning}")
