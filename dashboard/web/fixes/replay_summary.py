"""Replay of a change against past calls, as figures with units and as sentences."""

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
from dashboard.web.components import charts as chart_components
from dashboard.web.components.formatting import money, plain

LEAST_PX = 120
"""Minimum width of a figure in pixels: four in a row, or two if four do not fit."""
REASONS = 2
"""Number of reasons named for each undecided label, those with the most calls."""
DIRECTIONS = {
    MAY_BREAK: "May block {calls}",
    CANNOT: "Cannot tell for {calls}",
    MAY_SAVE: "May admit {calls}",
}
"""Undecided label to the start of a sentence about it."""


def show(impact: ReplayImpact, *, lower_bound: bool, lacking: str = "", omitted_reason: str = "") -> None:
    """
    Draw the replay of a plan.

    Args:
        impact: Counts of the replay.
        lower_bound: Refused calls are not on record, so more calls may be admitted than are counted.
        lacking: Sentence on why the calls are missing or out of date; empty if they are fresh.
        omitted_reason: Reason for undecided calls that a guard below already states, so it is omitted here.
    """
    since = f" since {impact.since:%-d %b}" if impact.since else ""
    st.markdown(f"**What it would have done to past calls{since}**")
    labels = occurring(impact)
    if not labels:
        st.caption(plain(f"No past calls on record.{impact.apart}"))
        return
    with st.grid(min(4, len(labels)), min_column_width=LEAST_PX, gap="small") as grid:
        for label in labels:
            with grid.cell():
                _metric(label, impact)
    counts = tuple(impact.calls(label.name) for label in TABLE)
    bar = chart_components.cached_plot("replay", counts, lambda: charts.replay_bar(impact))
    chart_components.show(bar, "Past calls by what the change would have done to them")
    st.caption(
        plain(" ".join(sentences(impact, lower_bound=lower_bound, lacking=lacking, omitted_reason=omitted_reason)))
    )


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
        st.caption(", ".join(filter(None, (unassigned_note(label.name, impact), worth(counts)))))


def unassigned_note(label: str, impact: ReplayImpact) -> str:
    """Return how many calls are from unassigned addresses; empty if none are or if the label already implies it."""
    unassigned = impact.nobodys.get(label, 0)
    of_all = impact.calls(label)
    if not unassigned or label in (UNCHANGED, STOPPED):
        return ""
    return "unassigned" if unassigned == of_all else f"{unassigned:,} of them unassigned"


def worth(counts: LabelCount) -> str:
    """Return the minutes and the cost of calls as text, without those that are zero."""
    minutes = round(counts.minutes)
    cost = round(float(counts.cost_usd), 2)
    return ", ".join([*([counted(minutes, "minute")] if minutes else []), *([money(cost)] if cost else [])])


def summary(impact: ReplayImpact) -> list[str]:
    """Return the effect of a change on past calls in a few sentences, not escaped for Markdown."""
    if not impact.total:
        return [impact.apart.strip()] if impact.apart else []
    saved = impact.calls(SAVED)
    broken = impact.calls(BROKEN)
    admitted = f"admitted {counted(saved, 'past call')}" if saved else ""
    if broken:
        blocked = f"blocked {counted(broken, 'past call')} of {join(impact.who(BROKEN))}"
        first = f"Would have {join(filter(None, (admitted, blocked)), None)}."
    elif impact.not_judged or any(impact.ours(label) for label in AT_RISK):
        first = " ".join(filter(None, (admitted and f"Would have {admitted}.", "No past call is known to be blocked.")))
    else:
        first = f"Would have {admitted}; would block none." if admitted else "Would block no past call of yours."
    return [first, *harmless(impact), *undecided(impact, most=1), *filter(None, [impact.apart.strip()])]


def harmless(impact: ReplayImpact) -> list[str]:
    """Return sentences about harmless rejections: stopped calls and calls that cannot recur; not escaped."""
    result = []
    if stopped := impact.labels.get(STOPPED, LabelCount()).calls:
        cost = float(impact.labels[STOPPED].cost_usd)
        result.append(f"Stops {counted(stopped, 'past call')} of {join(impact.who(STOPPED))}, ${cost:,.2f}.")
    if unrepeatable := impact.calls(GONE):
        caller_names = join(impact.who(GONE))
        result.append(
            f"{counted(unrepeatable, 'past call')} of {caller_names} cannot recur: the PBX has left the address."
        )
    return result


def undecided(impact: ReplayImpact, most: int = REASONS, omitted: str = "") -> list[str]:
    """
    Return sentences on the undecided calls, which together count all of them except those of the reason ``omitted``.

    Args:
        impact: Counts of the replay.
        most: Number of reasons named for each label; one more sentence counts the calls of all others.
        omitted: Reason that another text already states.
    """
    result = []
    for label, begin in DIRECTIONS.items():
        if not impact.calls(label):
            continue
        reasons = [item for item in impact.why(label).items() if (label, item[0]) != (CANNOT, omitted)]
        result += [f"{begin.format(calls=counted(calls, 'call'))}: {reason}." for reason, calls in reasons[:most]]
        if others := sum(calls for _, calls in reasons[most:]):
            result.append(f"{begin.format(calls=counted(others, 'more call'))}, for other reasons.")
    return result


def sentences(
    impact: ReplayImpact, *, lower_bound: bool = False, lacking: str = "", omitted_reason: str = ""
) -> list[str]:
    """
    Return sentences on the callers admitted and blocked, the calls that move, and the share that could be decided.

    Args:
        impact: Counts of the replay.
        lower_bound: Refused calls are not on record.
        lacking: Sentence on why the calls are missing or out of date.
        omitted_reason: Reason for undecided calls that another text already states.
    """
    result = []
    if saves := impact.who(SAVED):
        result.append(f"Admits calls of {join(saves)}{' (a lower bound)' if lower_bound else ''}.")
    if breaks := impact.who(BROKEN):
        result.append(f"Blocks calls of {join(breaks)}.")
    result += harmless(impact)
    if impact.to_ip:
        result.append(f"{counted(impact.to_ip, 'call')} would move from credentials to the address.")
    result += [*undecided(impact, omitted=omitted_reason), *filter(None, [impact.apart.strip()])]
    if not impact.total:
        return [*result, "Unknown: no calls on record."]
    if lacking:
        return [*result, f"{impact.share} of the calls on record could be decided.", lacking]
    return [*result, f"{impact.share} of the calls could be decided."]
