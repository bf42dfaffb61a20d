"""What a change would have done to past calls, as numbers with their units and sentences."""

from __future__ import annotations

import streamlit as st

from dashboard import charts
from dashboard.core.text import counted, join
from dashboard.domain.changes import LabelCount, ReplayImpact
from dashboard.domain.replay_labels import (
    AT_RISK,
    BROKEN,
    CANNOT,
    GONE,
    MAY_BREAK,
    MAY_SAVE,
    SAVED,
    STOPPED,
    TABLE,
    UNCHANGED,
    Label,
)
from dashboard.web.components import charts as plots
from dashboard.web.components.formatting import money, plain

LEAST_PX = 120
"""Width of a figure: four in a row, or two where that does not fit."""
REASONS = 2
"""Reasons named for each undecided label, those of the most calls."""
DIRECTIONS = {
    MAY_BREAK: "May block {calls}",
    CANNOT: "Cannot tell for {calls}",
    MAY_SAVE: "May admit {calls}",
}
"""How a sentence about an undecided label begins."""


def show(impact: ReplayImpact, *, lower_bound: bool, lacking: str = "", said: str = "") -> None:
    """
    Draw the replay of a plan.

    Args:
        impact: The replay, counted.
        lower_bound: Refused calls are not on record, so more may be let in than is counted.
        lacking: Why the calls are missing or out of date, as a sentence; empty where they are fresh.
        said: Reason why calls are undecided that a guard below says, so that it is not said here.
    """
    since = f" since {impact.since:%-d %b}" if impact.since else ""
    st.markdown(f"**What it would have done to past calls{since}**")
    shown = occurring(impact)
    if not shown:
        st.caption(plain(f"No past calls on record.{impact.apart}"))
        return
    with st.grid(min(4, len(shown)), min_column_width=LEAST_PX, gap="small") as grid:
        for label in shown:
            with grid.cell():
                _metric(label, impact)
    counts = tuple(impact.calls(label.name) for label in TABLE)
    bar = plots.one("replay", counts, lambda: charts.replay_bar(impact))
    plots.show(bar, "Past calls by what the change would have done to them")
    st.caption(plain(" ".join(sentences(impact, lower_bound=lower_bound, lacking=lacking, said=said))))


def occurring(impact: ReplayImpact) -> list[Label]:
    """Return the labels that have calls, in the table's order."""
    return [label for label in TABLE if impact.calls(label.name)]


def _metric(label: Label, impact: ReplayImpact) -> None:
    counts = impact.labels[label.name]
    with st.container(gap=None):
        st.metric(
            f":{label.color}[{label.icon}] {label.name.capitalize()}",
            counted(counts.calls, "call"),
            help=label.meaning,
        )
        st.caption(", ".join(filter(None, (whose(label.name, impact), worth(counts)))))


def whose(label: str, impact: ReplayImpact) -> str:
    """Return how many of the calls are of unassigned addresses, where some are and the label does not imply it."""
    others, of_all = impact.nobodys.get(label, 0), impact.calls(label)
    if not others or label in (UNCHANGED, STOPPED):
        return ""
    return "unassigned" if others == of_all else f"{others:,} of them unassigned"


def worth(counts: LabelCount) -> str:
    """Return the minutes and the dollars of calls, those of them that there are."""
    minutes, cost = round(counts.minutes), round(float(counts.cost_usd), 2)
    return ", ".join([*([counted(minutes, "minute")] if minutes else []), *([money(cost)] if cost else [])])


def summary(impact: ReplayImpact) -> list[str]:
    """Return what a change would have done to past calls, in a few sentences; not escaped for Markdown."""
    if not impact.total:
        return [impact.apart.strip()] if impact.apart else []
    saved, broken = impact.calls(SAVED), impact.calls(BROKEN)
    admitted = f"admitted {counted(saved, 'past call')}" if saved else ""
    if broken:
        blocked = f"blocked {counted(broken, 'past call')} of {join(impact.who(BROKEN))}"
        first = f"Would have {' and '.join(filter(None, (admitted, blocked)))}."
    elif impact.not_judged or any(impact.ours(label) for label in AT_RISK):
        first = " ".join(filter(None, (admitted and f"Would have {admitted}.", "No past call is known to be blocked.")))
    else:
        first = f"Would have {admitted}; would block none." if admitted else "Would block no past call of yours."
    return [first, *harmless(impact), *undecided(impact, most=1), *filter(None, [impact.apart.strip()])]


def harmless(impact: ReplayImpact) -> list[str]:
    """Return sentences about rejected calls that do no harm: stopped ones, and ones that cannot recur; not escaped."""
    found = []
    if stopped := impact.labels.get(STOPPED, LabelCount()).calls:
        cost = float(impact.labels[STOPPED].cost_usd)
        found.append(f"Stops {counted(stopped, 'past call')} of {join(impact.who(STOPPED))}, ${cost:,.2f}.")
    if gone := impact.calls(GONE):
        whom = join(impact.who(GONE))
        found.append(f"{counted(gone, 'past call')} of {whom} cannot recur: the PBX has left the address.")
    return found


def undecided(impact: ReplayImpact, most: int = REASONS, said: str = "") -> list[str]:
    """Return a sentence for each undecided label and reason, with the direction that is known; not one ``said``."""
    return [
        f"{begin.format(calls=counted(calls, 'call'))}: {why}."
        for label, begin in DIRECTIONS.items()
        for why, calls in [one for one in impact.why(label).items() if (label, one[0]) != (CANNOT, said)][:most]
        if impact.calls(label)
    ]


def sentences(impact: ReplayImpact, *, lower_bound: bool = False, lacking: str = "", said: str = "") -> list[str]:
    """
    Return whose calls are admitted and rejected, which move, and how much could be decided.

    Args:
        impact: The replay, counted.
        lower_bound: Refused calls are not on record.
        lacking: Why the calls are missing or out of date, as a sentence.
        said: Reason for undecided calls that another text already states.
    """
    found = []
    if saves := impact.who(SAVED):
        found.append(f"Admits calls of {join(saves)}{' (a lower bound)' if lower_bound else ''}.")
    if breaks := impact.who(BROKEN):
        found.append(f"Blocks calls of {join(breaks)}.")
    found += harmless(impact)
    if impact.to_ip:
        found.append(f"{counted(impact.to_ip, 'call')} would move from credentials to the address.")
    found += [*undecided(impact, said=said), *filter(None, [impact.apart.strip()])]
    if not impact.total:
        return [*found, "Unknown: no calls on record."]
    if lacking:
        return [*found, f"{impact.share} of the calls on record could be decided.", lacking]
    return [*found, f"{impact.share} of the calls could be decided."]
