"""``replay``: report which past calls a change would admit or refuse, without making a plan."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dashboard.cli.check import NoSync, bring_up_to_date
from dashboard.cli.lazy import open_home
from dashboard.cli.output import echo, echo_error, echo_json, table
from dashboard.cli.time_windows import MOMENTS, TimeWindow
from dashboard.core.addresses import is_network, parse_entry
from dashboard.core.errors import InputError
from dashboard.core.text import counted, first_of
from dashboard.domain.capabilities import Capability
from dashboard.domain.replay_labels import BROKEN, CANNOT, GONE, MAY_BREAK, MAY_SAVE, SAVED, STOPPED, UNCHANGED

if TYPE_CHECKING:
    import pandas as pd

    from dashboard.calls import CallStore, Replay
    from dashboard.domain.admission import Policy
    from dashboard.domain.changes import Change, ReplayImpact
    from dashboard.domain.snapshot import Age, Snapshot

app = typer.Typer()

COUNTED = {"calls", "minutes", "cost_usd"}
HEADS = {
    BROKEN: "Blocks calls of",
    MAY_BREAK: "May block calls of",
    CANNOT: "Cannot tell for calls of",
    SAVED: "Admits calls of",
    MAY_SAVE: "May admit calls of",
    STOPPED: "Stops calls of",
    GONE: "Calls that cannot recur, of",
}
"""Beginning of the line that lists the callers of a label."""
MOST_NUMBERS = 1_000_000
"""Maximum number of dialed numbers listed under a label."""


class Printed(StrEnum):
    """Output format of ``replay``."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"


class CredentialsChange(StrEnum):
    """Proposed state of the account's SIP credentials."""

    ON = "on"
    OFF = "off"


class Prefix(StrEnum):
    """Whether the account's tech prefix is assumed to be known."""

    KNOWN = "known"
    UNKNOWN = "unknown"


@app.command()
def replay(
    *,
    allow: Annotated[list[str] | None, typer.Option(help="Address to put on the list; repeatable.")] = None,
    remove: Annotated[list[str] | None, typer.Option(help="Entry to take off the list; repeatable.")] = None,
    credentials: Annotated[
        CredentialsChange | None, typer.Option(help="Turn outbound SIP credentials on or off.")
    ] = None,
    prefix: Annotated[
        Prefix | None, typer.Option(help="Judge as if the account's tech prefix were known, or not known.")
    ] = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(help="Begin from the list and the switch in force then, UTC, not from today's.", formats=MOMENTS),
    ] = None,
    since: Annotated[datetime | None, typer.Option(help="Only calls from then on, UTC.", formats=MOMENTS)] = None,
    until: Annotated[datetime | None, typer.Option(help="Only calls before then, UTC.", formats=MOMENTS)] = None,
    destinations: Annotated[
        int,
        typer.Option(
            min=0, max=MOST_NUMBERS, help="Say under each label which numbers were dialed, so many of the costliest."
        ),
    ] = 0,
    no_sync: NoSync = False,
    output: Annotated[
        Printed, typer.Option("--format", help="How to print the answer; CSV has a row for each PBX and label.")
    ] = Printed.TEXT,
) -> None:
    """
    Say which past outbound calls a change of the account would have let in or refused.

    Changes nothing. Ends with 0 when the calls were judged, whatever came out, 2 on an error of its own.
    """
    from dashboard.calls import Replayer  # noqa: PLC0415 - loads pandas, for seconds
    from dashboard.domain.snapshot import Age  # noqa: PLC0415 - as above
    from dashboard.fixes import account_image  # noqa: PLC0415 - as above
    from dashboard.services.exports import csv_files, frames, to_csv  # noqa: PLC0415 - as above

    window = TimeWindow.of(since, until)
    with open_home() as home:
        if not no_sync:
            bring_up_to_date(home)
        snapshot = window.snapshot(home)
        base = snapshot.policy if as_of is None else _policy_of(snapshot, as_of)
        changes = _changes(snapshot, base, allow or [], remove or [], credentials)
        proposal = account_image.proposed(base, changes)
        if prefix is not None:
            proposal = replace(proposal, prefix_known=prefix is Prefix.KNOWN)
        answer = Replayer(snapshot).against(proposal, since=window.since, until=window.until)
        dialed = _dialed(answer, home.store, destinations) if destinations else {}
    rows = frames.replay_frame(answer)
    old = _lacking(snapshot, Age.STALE)
    missing = _lacking(snapshot, Age.MISSING)
    gaps = [f"Missing: {missing}"] if missing else []
    gaps += [f"Last known data only: {old}"] if old else []
    if output is Printed.JSON:
        echo_json(_as_json(answer.impact, rows, dialed) | {"out_of_date": old or None, "missing": missing or None})
    elif output is Printed.CSV:
        name = csv_files.account_name(sample=snapshot.account.sample, tech_prefix=snapshot.account.tech_prefix)
        sys.stdout.write(to_csv(rows, account=name).decode())
        if answer.impact.apart:
            echo_error(answer.impact.apart.strip())
        for sentence in gaps:
            echo_error(sentence)
    else:
        _show(answer.impact, rows, lower_bound=Capability.REFUSALS_IN_CDRS not in snapshot.capabilities)
        _show_dialed(dialed)
        for sentence in gaps:
            echo(sentence)


def _lacking(snapshot: Snapshot, age: Age) -> str:
    """Return a sentence for each input of the replay with the given age; empty if there is none."""
    from dashboard.domain.claims import BY_CALLS, lacking  # noqa: PLC0415 - loads pandas, for seconds

    names = [name for name in BY_CALLS if snapshot.age(name) is age]
    return lacking(snapshot, *names) if names else ""


def _policy_of(snapshot: Snapshot, moment: datetime) -> Policy:
    """
    Return the policy that was in force at a time.

    Raises:
        InputError: The time is in the future, or before the first policy on record.
    """
    from dashboard.domain.claims import cure  # noqa: PLC0415 - loads pandas, for seconds

    at = moment.replace(tzinfo=UTC)
    if at > snapshot.taken_at:
        raise InputError(f"--as-of {moment} lies in the future. Give a past time.")
    policies = [version.policy for version in snapshot.versions if version.valid_from <= at]
    if not policies:
        first = min((version.valid_from for version in snapshot.versions), default=None)
        hint = (
            f"The first on record is of {first:%Y-%m-%d %H:%M} UTC."
            if first
            else f"None is on record yet. {cure(snapshot, 'allowed_ips')}"
        )
        raise InputError(f"No list and switch are on record for --as-of {moment}. {hint}")
    return policies[-1]


def _changes(
    snapshot: Snapshot, base: Policy, allow: list[str], remove: list[str], credentials: CredentialsChange | None
) -> list[Change]:
    """
    Read the options as changes of a policy.

    Raises:
        InputError: An address to allow is invalid or already on the list, or one to remove is not on the list.
    """
    from dashboard.domain.changes import AllowAddress, RemoveAddress, SetCredentials  # noqa: PLC0415 - loads pydantic

    listed = base.networks
    can = snapshot.capabilities
    changes: list[Change] = []
    for text in dict.fromkeys(allow):
        network = parse_entry(
            text,
            public_ranges=snapshot.treated_as_public,
            allow_cidr=Capability.CIDR_ENTRIES in can,
            allow_ipv6=Capability.IPV6_ENTRIES in can,
        )
        if network in listed:
            raise InputError(f"{network} is on the list already. Leave out --allow {network}.")
        changes.append(AllowAddress(network=network))
    for text in dict.fromkeys(text.removesuffix("/32") for text in remove):
        if text not in listed:
            entry_text = text if is_network(text) else parse_entry(text)
            raise InputError(
                f"{entry_text} is not on the list, so it cannot be taken off. The list has: {_names(listed)}."
            )
        changes.append(RemoveAddress(network=text))
    if credentials is not None:
        changes.append(SetCredentials(enabled=credentials is CredentialsChange.ON))
    return changes


def _dialed(answer: Replay, store: CallStore, most: int) -> dict[str, list[dict[str, Any]]]:
    """Return for each label its ``most`` costliest dialed numbers, costliest first, in the form of the JSON output."""
    from dashboard.sip import numbering_plan  # noqa: PLC0415 - loads pandas, for seconds

    by_label: dict[str, list[dict[str, Any]]] = {}
    for label in answer.impact.labels:
        among = answer.rows[(answer.rows["label"] == label).to_numpy()]
        numbers = numbering_plan.describe_number(store.destinations(among=among, limit=most))
        by_label[label] = [
            {name: row[name] for name in ("destination", "zone", "country", "kind", "calls")}
            | {"minutes": round(row["minutes"], 1), "cost_usd": f"{row['cost_usd']:f}"}
            for row in numbers.to_dict("records")
        ]
    return by_label


SHOWN = 12


def _names(listed: frozenset[str]) -> str:
    """Return the first entries of a list as text, with the number of further entries."""
    return first_of(sorted(listed), SHOWN) or "no entries"


def _as_json(impact: ReplayImpact, rows: pd.DataFrame, dialed: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    return {
        "labels": {
            label: sums.model_dump(include=COUNTED) | ({"destinations": dialed[label]} if dialed else {})
            for label, sums in impact.labels.items()
        },
        "decided": impact.decided if impact.total else None,
        "not_judged": impact.not_judged,
        "since": impact.since.isoformat() if impact.since else None,
        "until": impact.until.isoformat() if impact.until else None,
        "breaks": list(impact.breaks),
        "saves": list(impact.saves),
        "nobodys": impact.nobodys,
        "unclear": impact.unclear,
        "callers": {label: list(names) for label, names in impact.callers.items()},
        "reasons": impact.reasons,
        "rows": [row | {"cost_usd": f"{row['cost_usd']:f}"} for row in rows.to_dict("records")],
    }


def _show(impact: ReplayImpact, rows: pd.DataFrame, *, lower_bound: bool) -> None:
    if not impact.total:
        echo(f"No outbound calls are on record for that time, so there is nothing to replay.{impact.apart}")
        return
    lines = [("", "calls", "minutes", "dollars")]
    for label, sums in impact.labels.items():
        if sums.calls or label in (BROKEN, SAVED):
            lines.append((label, f"{sums.calls:,}", f"{sums.minutes:,.1f}", f"{Decimal(sums.cost_usd):,.2f}"))
    table(lines, numbers=3)
    since = f" since {impact.since:%Y-%m-%d %H:%M} UTC" if impact.since else ""
    until = f" until {impact.until:%Y-%m-%d %H:%M} UTC" if impact.until else ""
    echo(f"{impact.share} of the outbound calls{since}{until} could be decided.{impact.apart}")
    for line in callers(impact):
        echo(line)
    if lower_bound:
        echo("Refused calls are not on record at this carrier: more may be saved than is counted.")
    _show_rows(rows[rows["label"] != UNCHANGED])


def callers(impact: ReplayImpact) -> list[str]:
    """Return a line for each label that names its callers, and one for each reason why calls are undecided."""
    caller_lines = [f"{head}: {', '.join(names)}." for label, head in HEADS.items() if (names := impact.who(label))]
    return [
        *caller_lines,
        *(f"Not decided for {counted(calls, 'call')}: {reason}." for reason, calls in impact.unclear.items()),
    ]


def _show_rows(rows: pd.DataFrame) -> None:
    """Print the callers of the affected calls, and what decides these calls today and after the change."""
    if rows.empty:
        return
    echo("")
    head = ("PBX or address", "label", "decided today by", "after the change by", "undecided because", "calls")
    names = ("who", "label", "decided_today_by", "decided_after_by", "undecided_because")
    cells = [(*(str(row[name]) or "-" for name in names), f"{row['calls']:,}") for row in rows.to_dict("records")]
    table([head, *cells], numbers=1)


def _show_dialed(dialed: dict[str, list[dict[str, Any]]]) -> None:
    for label, numbers in dialed.items():
        if numbers:
            echo("")
            head = (f"{label}: number dialed", "country", "kind", "destination", "calls", "minutes", "dollars")
            table([head, *(_cells(number) for number in numbers)], numbers=3)


def _cells(number: dict[str, Any]) -> tuple[str, ...]:
    texts = (number[name] or "-" for name in ("destination", "country", "kind", "zone"))
    minutes = number["minutes"]
    dollars = Decimal(number["cost_usd"])
    return (*texts, f"{number['calls']:,}", f"{minutes:,.1f}", f"{dollars:,.2f}")
