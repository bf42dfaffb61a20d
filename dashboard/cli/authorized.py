"""``authorized``: report whether past outbound calls were authorized by the policy in force at their time."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dashboard.cli.check import NoSync, bring_up_to_date
from dashboard.cli.lazy import open_home
from dashboard.cli.output import Format, say, say_json, table
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
    from dashboard.calls.replay.replayer import Replayer  # noqa: PLC0415 - loads pandas, for seconds
    from dashboard.schemas.tables import OUTCOME_LABELS  # noqa: PLC0415 - as above

    window = TimeWindow.of(since, until)
    with open_home() as home:
        if not no_sync:
            bring_up_to_date(home)
        snapshot = window.snapshot(home)
    aside = _apart(snapshot, window)
    rows = _within(Replayer(snapshot).authorized(), window)
    counted = _counted(rows, snapshot)
    if output is Format.JSON:
        say_json({"policies": len(snapshot.versions), "calls": counted, "not_judged": aside})
    elif not counted:
        say("No outbound calls are on record for that time, so there is nothing to judge.")
        _say_apart(aside)
    else:
        head = ("PBX or address", "authorized", "how", "outcome", "calls")
        cells = [
            (row["who"], row["authorized"], _way(row), OUTCOME_LABELS[row["outcome"]], f"{row['calls']:,}")
            for row in counted
        ]
        table([head, *cells], numbers=1)
        _say_apart(aside)


def _apart(snapshot: Snapshot, window: TimeWindow) -> int:
    """Return the number of outbound calls in the window that are only in imported files."""
    rows = _within(snapshot.file_only_traffic, window)
    return int(rows.loc[(rows["direction"] == "outbound").to_numpy(), "calls"].sum())


def _say_apart(calls: int) -> None:
    from dashboard.domain.changes import not_counted  # noqa: PLC0415 - loads pydantic

    if calls:
        say(not_counted(calls, "judged"))


def _way(row: dict[str, Any]) -> str:
    return WAYS[row["by"]] or ("by either, not known which" if row["authorized"] == "yes" else "")


def _within(rows: pd.DataFrame, window: TimeWindow) -> pd.DataFrame:
    if window.since is not None:
        rows = rows[rows["first_at"] >= window.since]
    return rows if window.until is None else rows[rows["first_at"] < window.until]


def _counted(rows: pd.DataFrame, snapshot: Snapshot) -> list[dict[str, Any]]:
    """Return the number of calls by PBX or address, authorization, method and outcome; largest number first."""
    owners = zip(rows["pbx_id"], rows["source_ip"], strict=True)
    told = rows[["authorized", "by", "outcome", "calls"]].astype({"authorized": "str", "by": "str", "outcome": "str"})
    told.insert(0, "who", [snapshot.name_of(pbx) if pbx else address or "no address" for pbx, address in owners])
    keys = ["who", "authorized", "by", "outcome"]
    found: pd.DataFrame = told.groupby(keys, as_index=False).sum()
    ordered = found.sort_values(["calls", *keys], ascending=False)
    return [{name: row[name] for name in (*keys, "calls")} for row in ordered.to_dict("records")]
