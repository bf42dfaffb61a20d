"""``authorized``: report whether past outbound calls were authorized by the policy in force at their time."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dashboard.cli.check import NoSync, bring_up_to_date
from dashboard.cli.lazy import open_home
from dashboard.cli.output import Format, echo, echo_json, table
from dashboard.cli.time_windows import MOMENTS, TimeWindow

if TYPE_CHECKING:
    import pandas as pd

    from dashboard.domain.snapshot import Snapshot

app = typer.Typer()

WAYS = {"ip": "by their address", "credentials": "by credentials", "refused": "refused by the rule", "": ""}
"""Labels of the column ``how``, by the way in which a call was decided."""


@app.command()
def authorized(
    *,
    since: Annotated[datetime | None, typer.Option(help="Only calls from then on, UTC.", formats=MOMENTS)] = None,
    until: Annotated[datetime | None, typer.Option(help="Only calls before then, UTC.", formats=MOMENTS)] = None,
    no_sync: NoSync = False,
    output: Annotated[Format, typer.Option("--format", help="How to print the answer.")] = Format.TEXT,
) -> None:
    """
    Say whether past outbound calls were authorized by the policy in force when they were made, by PBX.

    Ends with 0 when the calls were judged, whatever came out, 2 on an error of its own.
    """
    from dashboard.calls import Replayer  # noqa: PLC0415 - loads pandas, for seconds
    from dashboard.schemas.tables import OUTCOME_LABELS  # noqa: PLC0415 - as above

    window = TimeWindow.of(since, until)
    with open_home() as home:
        if not no_sync:
            bring_up_to_date(home)
        snapshot = window.snapshot(home)
    file_only = _count_file_only(snapshot, window)
    rows = _within(Replayer(snapshot).authorized(), window)
    call_counts = _count_calls(rows, snapshot)
    if output is Format.JSON:
        echo_json({"policies": len(snapshot.versions), "calls": call_counts, "not_judged": file_only})
    elif not call_counts:
        echo("No outbound calls are on record for that time, so there is nothing to judge.")
        _print_file_only(file_only)
    else:
        head = ("PBX or address", "authorized", "how", "outcome", "calls")
        cells = [
            (row["who"], row["authorized"], _method_label(row), OUTCOME_LABELS[row["outcome"]], f"{row['calls']:,}")
            for row in call_counts
        ]
        table([head, *cells], numbers=1)
        _print_file_only(file_only)


def _count_file_only(snapshot: Snapshot, window: TimeWindow) -> int:
    """Return the number of outbound calls in the window that are only in imported files."""
    rows = _within(snapshot.file_only_traffic, window)
    return int(rows.loc[(rows["direction"] == "outbound").to_numpy(), "calls"].sum())


def _print_file_only(calls: int) -> None:
    from dashboard.domain.changes import not_counted  # noqa: PLC0415 - loads pydantic

    if calls:
        echo(not_counted(calls, "judged"))


def _method_label(row: dict[str, Any]) -> str:
    return WAYS[row["by"]] or ("by either, not known which" if row["authorized"] == "yes" else "")


def _within(rows: pd.DataFrame, window: TimeWindow) -> pd.DataFrame:
    if window.since is not None:
        rows = rows[rows["first_at"] >= window.since]
    return rows if window.until is None else rows[rows["first_at"] < window.until]


def _count_calls(rows: pd.DataFrame, snapshot: Snapshot) -> list[dict[str, Any]]:
    """Return the number of calls by PBX or address, authorization, method and outcome; largest number first."""
    owners = zip(rows["pbx_id"], rows["source_ip"], strict=True)
    calls = rows[["authorized", "by", "outcome", "calls"]].astype({"authorized": "str", "by": "str", "outcome": "str"})
    calls.insert(0, "who", [snapshot.name_of(pbx) if pbx else address or "no address" for pbx, address in owners])
    keys = ["who", "authorized", "by", "outcome"]
    sums: pd.DataFrame = calls.groupby(keys, as_index=False).sum()
    ordered = sums.sort_values(["calls", *keys], ascending=False)
    return [{name: row[name] for name in (*keys, "calls")} for row in ordered.to_dict("records")]
