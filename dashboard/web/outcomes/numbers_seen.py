"""Numbers on the Outcomes page: the most expensive numbers dialed, and sources and destinations first seen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from dashboard.calls import CallStore
from dashboard.calls.analytics import metrics
from dashboard.core.text import counted
from dashboard.sip import numbering_plan
from dashboard.web.components.formatting import money

MOST_DIALED, MOST_LOOKED_AT = 50, 5_000
"""Number of most expensive dialed numbers that are shown, and that determine the number type of a destination."""


@dataclass(frozen=True)
class New:
    """Sources and destinations that were seen for the first time."""

    rows: pd.DataFrame
    """``kind``, ``value``, ``first_at``, ``calls``, ``cost_usd``; for zones also ``country`` and ``number_type``."""
    older: bool
    """Whether earlier calls are on record; without them, nothing can be identified as new."""


def dialed(store: CallStore, since: datetime, until: datetime) -> pd.DataFrame:
    """Return the most expensive dialed numbers, with their country and number type."""
    return numbering_plan.describe_number(store.top_destinations(since=since, until=until, limit=MOST_DIALED))


def new(store: CallStore, since: datetime, now: datetime) -> New:
    """
    Return the sources and destinations that were first seen since a time, newest first.

    Args:
        store: The call store.
        since: Start of the period; whatever has an earlier call is not new.
        now: Current time.

    Returns:
        A destination has the country and type of the most expensive number dialed in it whose type is known, else
        ``""``.
    """
    first_calls = store.first_seen(until=now)
    new_values = metrics.first_seen(first_calls, now=now, hours=(now - since).total_seconds() / 3600)
    kinds: dict[str, tuple[str, str]] = {}
    if (new_values["kind"] == "zone").any():
        numbers = store.top_destinations(since=since, until=now, limit=MOST_LOOKED_AT)
        described = numbering_plan.describe_number(numbers[numbers["zone"].isin(new_values["value"])])
        typed_numbers = described[described["kind"] != numbering_plan.UNKNOWN].drop_duplicates("zone")
        kinds = dict(
            zip(typed_numbers["zone"], zip(typed_numbers["country"], typed_numbers["kind"], strict=True), strict=True)
        )
    pairs = [
        kinds.get(value, ("", "")) if kind == "zone" else ("", "")
        for kind, value in zip(new_values["kind"], new_values["value"], strict=True)
    ]
    rows = new_values.assign(country=[country for country, _ in pairs], number_type=[kind for _, kind in pairs])
    return New(rows, older=bool(len(first_calls)) and first_calls["first_at"].min() < since)


def new_values_text(result: New) -> str:
    """Return a sentence on how much is new, or why nothing is."""
    rows = result.rows
    if not result.older:
        return "The record begins with this time, so nothing can be told to be new. Choose a shorter one."
    if rows.empty:
        return "No source address and no destination was seen for the first time."
    sources, zones = (rows[rows["kind"] == kind] for kind in ("source", "zone"))
    cost = f"; what these addresses called cost {money(sources['cost_usd'].sum())}" if len(sources) else ""
    summary = f"{counted(len(sources), 'source address', 'source addresses')} and {counted(len(zones), 'destination')}"
    return f"{summary} first seen in this time{cost}."
