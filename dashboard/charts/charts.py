"""
Chart builders: data frame in, Altair chart out.

Color encodes state only. ``encodings.STATES`` are positions in the theme's palette, so a chart is correct in the light
and the dark theme; a notebook calls ``use_in_notebook`` once. Labels are next to what they name. Only the stack over
time has a legend, because its last bar may be too small for labels. A tooltip is one sentence. Times are in the
viewer's time zone. A ``ChartSpec`` keeps the rows separate from the drawing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

import altair as alt
import pandas as pd

from dashboard.charts import encodings, templates
from dashboard.charts.encodings import say, tip
from dashboard.charts.templates import ChartSpec
from dashboard.core.text import counted
from dashboard.domain.changes import ReplayImpact
from dashboard.domain.findings import Severity, Status
from dashboard.domain.replay_labels import TABLE

OUTCOME_KINDS: Final[Mapping[str, tuple[str, str]]] = {
    "answered": ("Answered", "good"),
    "not_reached": ("Not reached", "unknown"),
    "failed": ("Failed otherwise", "risk"),
    "refused_auth": ("Refused for authorization", "lost"),
}
"""Kinds of outcomes that charts distinguish: kind to label and state, in stacking order from the bottom."""

KIND_OF_OUTCOME: Final[Mapping[str, str]] = {
    "answered": "answered",
    "refused_auth": "refused_auth",
    **dict.fromkeys(("gave_up", "busy_or_no_answer", "bad_number"), "not_reached"),
    **dict.fromkeys(("refused_unknown", "media", "network", "other"), "failed"),
}
"""Outcome (``tables.OUTCOMES``) to kind. Four series are readable, six are too many."""

REPLAY_STATES: Final[Mapping[str, str]] = {label.name: label.state for label in TABLE}
"""Replay label to state, in the order of the bar."""
LETTER = 0.021
"""Share of a narrow bar's width that one letter takes; a part gets a label only if the label fits above it."""
STATUS_STATES: Final[Mapping[str, str]] = {Status.UNKNOWN: "unknown", Status.PASS: "good"}
SEVERITY_STATES: Final = dict(zip(Severity, ("lost", "lost", "risk", "risk", "unknown"), strict=True))

PANEL_HEIGHT = 92
"""Height of a panel in pixels."""
NOTE_ROOM = 1.35
"""Ratio of plot width to longest bar, which leaves room for the notes."""
NOTEBOOK_COLORS: Final = ("#2F9E63", "#D9434A", "#C77B0A", "#8A96A3", "#3B7BE0", "#6E8297", "#6B7783")
"""Mid-tones with a contrast of 3:1 against both a white and a dark notebook."""

Drawn = alt.Chart | alt.LayerChart | ChartSpec


@alt.theme.register("trunkgate", enable=False)
def _notebook_theme() -> alt.theme.ThemeConfig:
    return {"config": {"range": {"category": list(NOTEBOOK_COLORS)}, "view": {"strokeWidth": 0}}}


def use_in_notebook() -> None:
    """Set the state colors of charts in a notebook; in the dashboard the Streamlit theme sets them."""
    alt.theme.enable("trunkgate")


def refusal_share(frame: pd.DataFrame, changes: pd.DataFrame) -> dict[str, Drawn]:
    """
    Draw the share of outbound calls refused for authorization, one small panel per PBX.

    Args:
        frame: ``who``, ``from_at``, ``until_at`` (bucket), ``calls``, ``refused``; counts of outbound calls.
        changes: ``at`` and ``sentence`` of each change to the allow list or the credentials switch, drawn as ticks.

    Returns:
        Panels by ``who``, the largest recent share first; all panels share both axes. For a bucket with too few calls,
        a mark shows that some calls were refused, without a share.
    """
    if frame.empty:
        return {}
    plotted = encodings.shares(frame)
    ends = frame["from_at"].min(), frame["until_at"].max()
    domain = [end.isoformat() for end in ends]
    axis = encodings.time_axis(3, (ends[1] - ends[0]).days)
    x = alt.X("from_at:T", title=None, scale=alt.Scale(domain=domain), axis=axis)
    top = max(encodings.LEAST_TOP, float(plotted["share"].max()))
    y = alt.Y(
        "share:Q", title=None, scale=alt.Scale(domain=[0, top]), axis=alt.Axis(format=".0%", values=[0, round(top, 2)])
    )
    ticks = alt.Chart(changes[["at", "sentence"]].assign(state="text")).mark_rule(strokeDash=[2, 2], strokeWidth=1.5)
    rule = ticks.encode(x=alt.X("at:T", scale=alt.Scale(domain=domain)), color=encodings.state(), tooltip=tip())
    panels = {}
    for caller in encodings.worst_first(plotted):
        rows = plotted[plotted["who"] == caller]
        bars = templates.bars(rows[["from_at", "until_at", "share", "bottom", "state", "sentence"]], binSpacing=1)
        panel = bars.encode(
            x=x, x2=alt.X2("until_at"), y=y, y2=alt.Y2("bottom"), color=encodings.state(), tooltip=tip()
        )
        panels[caller] = (panel + rule if len(changes) else panel).properties(height=PANEL_HEIGHT)
    return panels


def outcomes_over_time(
    frame: pd.DataFrame,
    *,
    now: datetime | None = None,
    brush: bool = False,
    selected_range: tuple[datetime, datetime] | None = None,
) -> ChartSpec:
    """
    Draw calls over time, stacked by kind of outcome.

    Args:
        frame: ``from_at``, ``until_at`` (bucket, a day or an hour), ``kind`` (of ``OUTCOME_KINDS``), ``calls``.
        now: The tooltip of a bucket that ends later says "so far".
        brush: Allow the selection of a time range (``BRUSH``).
        selected_range: Start and end of the selected time range.
    """
    plotted = encodings.highlight_range(_with_kinds(frame), selected_range)
    plotted["so_far"] = [" so far" if now is not None and until > now else "" for until in plotted["until_at"]]
    plotted["sentence"] = say(plotted, "{day}: {n_calls} {kind_said}{so_far}")
    plotted = plotted.sort_values(["from_at", "order"])
    plotted["top"] = plotted.groupby("from_at")["calls"].cumsum().astype("float64")
    plotted["bottom"] = plotted["top"] - plotted["calls"].astype("float64")
    legend_entries = ((state, label) for label, state in OUTCOME_KINDS.values())
    columns = ["from_at", "until_at", "bottom", "top", "state", "opacity", "sentence"]
    return ChartSpec(
        templates.over_time,
        (plotted[columns],),
        (encodings.buckets(plotted), tuple(legend_entries), encodings.BRUSH if brush else ""),
    )


def calls_by_pbx(frame: pd.DataFrame, *, selected: str | None = None) -> ChartSpec:
    """
    Draw one bar per PBX, stacked by kind of outcome, annotated with the total and the number of refused calls.

    Args:
        frame: ``who``, ``kind`` (of ``OUTCOME_KINDS``), ``calls``; ``who`` is the name of a PBX or an unassigned
            address.
        selected: ``who`` of the selected bar, ``""`` for none; ``None`` disables selection (``PICK``).
    """
    plotted = _with_kinds(frame)
    plotted["sentence"] = say(plotted, "{who}: {n_calls} {kind_said}")
    totals = plotted.assign(refused=plotted["calls"].where(plotted["kind"] == "refused_auth", 0))
    totals = totals.groupby("who", as_index=False)[["calls", "refused"]].sum()
    totals["note"] = [
        f"{calls:,}" + (f"  ·  {refused:,} refused" if refused else "")
        for calls, refused in zip(totals["calls"], totals["refused"], strict=True)
    ]
    return _rows(plotted, totals, by="who", value="calls", selected=selected)


def calls_by_code(frame: pd.DataFrame, *, selected: str | None = None) -> ChartSpec:
    """
    Draw one bar per final SIP status.

    Args:
        frame: ``code`` (text, such as "486 Busy Here"), ``kind`` (of ``OUTCOME_KINDS``), ``calls``.
        selected: As in ``calls_by_pbx``.
    """
    plotted = _with_kinds(frame)
    plotted["sentence"] = say(plotted, "{n_calls} ended with {code}")
    totals = plotted.groupby("code", as_index=False)[["calls"]].sum()
    totals["note"] = [f"{calls:,}" for calls in totals["calls"]]
    return _rows(plotted, totals, by="code", value="calls", selected=selected)


def top_destinations(frame: pd.DataFrame, *, selected: str | None = None) -> ChartSpec:
    """
    Draw the cost of the most expensive destinations, in USD.

    Args:
        frame: ``zone`` (the carrier's name for the destination), ``calls``, ``minutes``, ``cost_usd``.
        selected: As in ``calls_by_pbx``.
    """
    plotted = frame.assign(cost=frame["cost_usd"].astype("float64"), state="plain", order=0)
    plotted["sentence"] = say(plotted, "{zone}: ${cost:,.2f} for {n_calls}, {n_minutes}")
    totals = plotted[["zone", "cost"]].assign(note=[f"${cost:,.2f}" for cost in plotted["cost"]])
    return _rows(plotted, totals, by="zone", value="cost", selected=selected)


def hour_of_week(frame: pd.DataFrame, *, unit: str = "calls") -> ChartSpec:
    """
    Draw a heat map of the hours of the week.

    Args:
        frame: ``weekday`` (0 is Monday) and ``hour`` in the viewer's time zone, ``value``.
        unit: Unit of ``value``: ``calls`` or ``USD``.
    """
    plotted = frame.assign(
        day=[templates.WEEK[number] for number in frame["weekday"]], value=frame["value"].astype("float64")
    )
    amount = "${value:,.2f}" if unit == "USD" else "{n_calls}"
    tooltip_rows = plotted.assign(end=plotted["hour"] + 1, calls=frame["value"])
    plotted["sentence"] = say(tooltip_rows, "{day} {hour:02d}:00 to {end:02d}:00: " + amount)
    return ChartSpec(templates.hours, (plotted,))


def findings_by_severity(frame: pd.DataFrame) -> ChartSpec:
    """
    Draw the number of findings per severity; failed findings have the severity's color, unknown ones are gray.

    Args:
        frame: ``severity`` and ``status`` (of ``findings``), ``findings`` (a count).
    """
    plotted = frame.assign(
        state=frame["status"].map(STATUS_STATES).fillna(frame["severity"].map(SEVERITY_STATES)).astype("str"),
        order=[list(Status).index(Status(status)) for status in frame["status"]],
        who=frame["severity"].str.capitalize(),
    )
    plotted["sentence"] = say(plotted, "{who}: {findings} {status}")
    totals = plotted.groupby("who", as_index=False)[["findings"]].sum()
    totals["note"] = totals["findings"].astype(str)
    return _rows(plotted, totals, by="who", value="findings", sort=[severity.capitalize() for severity in Severity])


def replay_bar(impact: ReplayImpact) -> ChartSpec:
    """
    Draw the replay of a plan as one bar with a part for each label that has calls, worst first.

    Args:
        impact: Impact of the plan. The page shows the counts and costs next to the bar.
    """
    total = impact.total
    rows = []
    for order, label in enumerate(TABLE):
        calls = impact.calls(label.name)
        if calls:
            name = label.name.capitalize() if calls >= LETTER * len(label.name) * total else ""
            sentence = f"{counted(calls, 'past call')}: {label.name}"
            rows.append((label.state, order, calls, label.opacity, name, sentence))
    columns = ["state", "order", "calls", "opacity", "name", "sentence"]
    bars = pd.DataFrame(rows, columns=columns)
    ends = bars["calls"].cumsum()
    names = pd.DataFrame({"at": ends - bars["calls"], "name": bars["name"], "state": "text"})
    return ChartSpec(templates.one_bar, (bars.drop(columns="name"), names[names["name"] != ""]))


def _rows(
    plotted: pd.DataFrame,
    totals: pd.DataFrame,
    *,
    by: str,
    value: str,
    sort: Iterable[str] | None = None,
    selected: str | None = None,
) -> ChartSpec:
    """Draw horizontal bars by name, in the order of ``sort`` or largest first, each with its note at the end."""
    order = list(sort) if sort else list(totals.sort_values(value, ascending=False)[by])
    rank = {name: position for position, name in enumerate(order)}
    plotted, totals = (rows.assign(rank=rows[by].map(rank)) for rows in (plotted, totals))
    columns = [by, value, "state", "order", "rank", "sentence"]
    if selected is not None:
        plotted = encodings.highlight_one(plotted, by, selected)
        columns = [*columns, "opacity"]
    bars = plotted[columns]
    notes = totals[[by, value, "rank", "note"]].assign(room=totals[value].max() * NOTE_ROOM, state="text")
    return ChartSpec(templates.bar_rows, (bars, notes), (by, value, "" if selected is None else encodings.PICK))


def _with_kinds(frame: pd.DataFrame) -> pd.DataFrame:
    kinds = list(OUTCOME_KINDS)
    labels = [OUTCOME_KINDS[kind][0] for kind in frame["kind"]]
    return frame.assign(
        label=labels,
        kind_said=[label[0].lower() + label[1:] for label in labels],
        state=[OUTCOME_KINDS[kind][1] for kind in frame["kind"]],
        order=[kinds.index(kind) for kind in frame["kind"]],
    )
