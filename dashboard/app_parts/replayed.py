"""What a change would have done to past calls, as numbers with their units and sentences."""

from __future__ import annotations

import streamlit as st

from dashboard import charts
from dashboard.app_parts import plots
from dashboard.app_parts.words import count, join, money, plain
from dashboard.calls.replay import UNCHANGED
from dashboard.changes import Impact, LabelCount

LEAST_PX = 120
"""Width of a figure: four in a row, or two where that does not fit."""
REASONS = 2
"""Reasons why calls cannot be told that are said, those of the most calls."""
LEAST, MOST = 0.001, 0.999
"""Shares that are said of what is nearly nothing and nearly all."""


def show(impact: Impact, *, lower_bound: bool, lacking: str = "") -> None:
    """
    Draw the replay of a plan.

    Args:
        impact: The replay, counted.
        lower_bound: Refused calls are not on record, so more may be let in than is counted.
        lacking: Why the calls are missing or out of date, as a sentence; empty where they are fresh.
    """
    since = f" since {impact.since:%-d %b}" if impact.since else ""
    st.markdown(f"**What it would have done to past calls{since}**")
    labels, grid = list(charts.REPLAY), st.grid(2, min_column_width=2 * LEAST_PX, gap="small")
    for pair in (labels[:2], labels[2:]):
        with grid.cell(), st.grid(2, min_column_width=LEAST_PX, gap="small"):
            for label in pair:
                _metric(label, impact)
    counts = tuple(impact.calls(label) for label in charts.REPLAY)
    bar = plots.one("replay", counts, lambda: charts.replay_bar(impact))
    plots.show(bar, "Past calls by what the change would have done to them")
    st.caption(plain(" ".join(sentences(impact, lower_bound=lower_bound, lacking=lacking))))


def _metric(label: str, impact: Impact) -> None:
    counted = impact.labels.get(label) or LabelCount()
    with st.container(gap=None):
        st.metric(label.capitalize(), count(counted.calls, "call"))
        st.caption(", ".join(filter(None, (whose(label, impact), worth(counted)))))


def whose(label: str, impact: Impact) -> str:
    """Say how many of the calls that change are nobody's; nothing where all are of PBXs of yours."""
    nobodys, of_all = impact.nobodys.get(label, 0), impact.calls(label)
    if not nobodys or label == UNCHANGED:
        return ""
    return "nobody's" if nobodys == of_all else f"{nobodys:,} of them nobody's"


def worth(counted: LabelCount) -> str:
    """Say the minutes and the dollars of calls, those of them that there are."""
    minutes, cost = round(counted.minutes), round(float(counted.cost_usd), 2)
    return ", ".join([*([count(minutes, "minute")] if minutes else []), *([money(cost)] if cost else [])])


def sentences(impact: Impact, *, lower_bound: bool = False, lacking: str = "") -> list[str]:
    """
    Say whose calls are let in and refused, which move, and how much could be decided.

    Args:
        impact: The replay, counted.
        lower_bound: Refused calls are not on record.
        lacking: Why the calls are missing or out of date, as a sentence.
    """
    said = []
    if impact.saves:
        said.append(f"Lets in calls of {join(impact.saves)}{' (a lower bound)' if lower_bound else ''}.")
    if impact.breaks:
        said.append(f"Refuses calls of {join(impact.breaks)}.")
    if impact.to_ip:
        said.append(f"{count(impact.to_ip, 'call')} would move from credentials to the address.")
    for why, calls in [*impact.unclear.items()][:REASONS]:
        said.append(f"What becomes of {count(calls, 'call')} cannot be told, because {why}.")
    if not any(counted.calls for counted in impact.labels.values()):
        return [*said, "Unknown: no calls on record."]
    if lacking:
        return [*said, f"{share(impact.decided)} of the calls on record could be decided.", lacking]
    return [*said, f"{share(impact.decided)} of the calls could be decided."]


def share(part: float) -> str:
    """Say a share of 0 to 1 in percent; all and nothing are said only of just that."""
    if part in (0, 1):
        return f"{part:.0%}"
    return f"{min(max(part, LEAST), MOST):.1%}"
