"""What the page Outcomes says of single numbers: those that cost most, and what was seen for the first time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from dashboard.calls.analytics import metrics
from dashboard.calls.store.store import CallStore
from dashboard.core.text import counted
from dashboard.sip.numbering_plan import UNKNOWN, describe_number
from dashboard.web.components.formatting import money

MOST_DIALED, MOST_LOOKED_AT = 50, 5_000
"""Of the numbers dialed that cost most: how many are shown, and how many say what kind a destination is of."""


@dataclass(frozen=True)
class New:
    """What was seen for the first time."""

    rows: pd.DataFrame
    """``kind``, ``value``, ``first_at``, ``calls``, ``cost_usd``, and ``country`` and ``number_type`` of zones."""
    older: bool
    """Whether there are calls of before; if not, nothing can be told to be new."""


def dialed(store: CallStore, since: datetime, until: datetime) -> pd.DataFrame:
    """Return the numbers dialed that cost most, with the country and the kind of number."""
    return describe_number(store.top_destinations(since=since, until=until, limit=MOST_DIALED))


def new(store: CallStore, since: datetime, now: datetime) -> New:
    """
    Return the sources and destinations that were first seen since then, the newest first.

    Args:
        store: For the calls.
        since: From when on; what was called before is not new.
        now: When it is.

    Returns:
        A destination has the country and the kind of the costliest number dialed in it that is known, else ``""``.
    """
    seen = store.first_seen(until=now)
    found = metrics.first_seen(seen, now=now, hours=(now - since).total_seconds() / 3600)
    kinds: dict[str, tuple[str, str]] = {}
    if (found["kind"] == "zone").any():
        numbers = store.top_destinations(since=since, until=now, limit=MOST_LOOKED_AT)
        told = describe_number(numbers[numbers["zone"].isin(found["value"])])
        wanted = told[told["kind"] != UNKNOWN].drop_duplicates("zone")
        kinds = dict(zip(wanted["zone"], zip(wanted["country"], wanted["kind"], strict=True), strict=True))
    pairs = [
        kinds.get(value, ("", "")) if kind == "zone" else ("", "")
        for kind, value in zip(found["kind"], found["value"], strict=True)
    ]
    rows = found.assign(country=[country for country, _ in pairs], number_type=[kind for _, kind in pairs])
    return New(rows, older=bool(len(seen)) and seen["first_at"].min() < since)


def said_new(found: New) -> str:
    """Say how much is new, or why nothing is."""
    rows = found.rows
    if not found.older:
        return "The record begins with this time, so nothing can be told to be new. Choose a shorter one."
    if rows.empty:
        return "No source address and no destination was seen for the first time."
    sources, zones = (rows[rows["kind"] == kind] for kind in ("source", "zone"))
    cost = f"; what these addresses called cost {money(sources['cost_usd'].sum())}" if len(sources) else ""
    seen = f"{counted(len(sources), 'source address', 'source addresses')} and {counted(len(zones), 'destination')}"
    return f"{seen} first seen in this time{cost}."
