"""Parts of the Overview page: figures, fixes to make first, refusal panels, severities, data freshness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import streamlit as st

from dashboard import charts
from dashboard.calls.analytics import definitions
from dashboard.charts import frames
from dashboard.checks import rank
from dashboard.core import clocks
from dashboard.core.elapsed import ago
from dashboard.core.text import counted, join
from dashboard.domain.capabilities import Capability
from dashboard.domain.changes import ReplayImpact
from dashboard.domain.claims import BY_CALLS, Claims, GroupStatus, file_only_sentence, lacking
from dashboard.domain.findings import Finding, Severity, Status
from dashboard.domain.replay_labels import BROKEN
from dashboard.domain.snapshot import Age, Snapshot
from dashboard.web import session
from dashboard.web.components import charts as chart_components
from dashboard.web.components import empty_states
from dashboard.web.components.formatting import (
    AGE_COLORS,
    AGE_WORDS,
    ICONS,
    INPUT_WORDS,
    SEVERITY_COLORS,
    exact,
    names,
    owner_of,
    plain,
)
from dashboard.web.fixes import replay_summary, review

DAY = timedelta(days=1)
MOST_TO_DO = 6
AGES_S = 15
"""Refresh interval of displayed ages in seconds."""
PANEL_WIDTH = 150
ADMITTED = (
    "Answered, busy, not answered or given up. Undecided: calls that failed in a way that proves neither admission nor "
    "refusal, such as a bad number."
)
REFUSED = "Calls that the list, the prefix or the credentials did not let in."
LOWER_BOUND = "A lower bound: the carrier is not known to list refused attempts among its call records."


@dataclass(frozen=True)
class Fix:
    """A recommended fix: its changes, the worst finding that it resolves, and its replay."""

    sentences: tuple[str, ...]
    worst: Finding
    impact: ReplayImpact | None


@dataclass(frozen=True)
class First:
    """The fixes to make first, and the number of other fixes."""

    fixes: tuple[Fix, ...]
    more: int


def figures(claims: Claims) -> None:
    """Draw the four figures that an operator looks for first; a figure without its input shows no number."""
    snapshot = claims.snapshot
    total, proven, refused = session.cached("figures", "", lambda: frames.last_day(snapshot))
    admitted = claims.figure(proven, "calls")
    rejected = claims.figure(refused, "calls")
    bad = sum(finding.severity.at_least(Severity.HIGH) for finding in claims.open)
    open_findings = claims.open_figure
    switch = {True: "Enabled", False: "Disabled", None: "Not known"}[snapshot.account.credentials_on]
    bound = None if Capability.REFUSALS_IN_CDRS in snapshot.capabilities else LOWER_BOUND
    file_only_note = file_only_sentence(snapshot, snapshot.calls_at - DAY)
    with st.grid(4, min_column_width=PANEL_WIDTH):
        st.metric(
            "Calls admitted, 24 h",
            admitted.text,
            admitted.why or undecided_note(total, proven, refused) or None,
            delta_color="off",
            delta_arrow="off",
            help=" ".join(filter(None, [ADMITTED, file_only_note])),
            border=True,
            height="stretch",
        )
        st.metric(
            "Not authorized, 24 h",
            rejected.text,
            rejected.why or (f"of {counted(total, 'call')}" if refused else None),
            delta_color="off" if rejected.why else "red",
            delta_arrow="off",
            help=" ".join(filter(None, [REFUSED, bound, file_only_note])),
            border=True,
            height="stretch",
        )
        st.metric(
            "Open findings",
            open_findings.text,
            f"{bad} high or critical" if bad else "not all evaluated" if open_findings.why else None,
            delta_color="red" if bad else "off",
            delta_arrow="off",
            help=open_findings.why or None,
            border=True,
            height="stretch",
        )
        st.metric(
            "Outbound credentials",
            switch,
            "out of date" if snapshot.age("credentials") is Age.STALE else None,
            delta_color="off",
            delta_arrow="off",
            help=claims.lacking("credentials") or None,
            border=True,
            height="stretch",
        )
    if file_only_note:
        st.caption(f"Last 24 hours: {file_only_note}")


def undecided_note(total: int, admitted: int, refused: int) -> str:
    """Return how many calls were neither admitted nor refused, so that the figures add up; empty if none."""
    undecided = total - admitted - refused
    return f"{undecided:,} undecided" if undecided else ""


def do_first(claims: Claims) -> None:
    """
    Draw the recommended fixes, worst first; findings that the same fix resolves are grouped.

    The order is that of all lists of findings (``checks.registry.rank``). A fix that would break calls of an own PBX is
    not recommended here; it is listed on the Findings page.
    """
    snapshot = claims.snapshot
    first = session.cached("do first", "", lambda: _first(claims.findings))
    if not first.fixes and claims.standing() is GroupStatus.CLEAR:
        empty_states.empty("Nothing to fix.")
    elif not first.fixes:
        head = "No open finding has a fix to review here." if claims.open else "No fix to review."
        empty_states.empty(f"{head} {claims.not_evaluated or claims.why_not}".strip(), icon=ICONS["unknown"])
        if claims.lacking("allowed_ips", "credentials"):
            label = "Paste settings from the Flowroute portal"
            st.page_link("web/pages/account.py", label=label, icon=":material/content_paste:")
    for number, fix in enumerate(first.fixes):
        _to_do(number, fix, snapshot)
    if first.more:
        st.page_link("web/pages/findings.py", label=f"{first.more:,} more on Findings")


def _first(findings: Sequence[Finding]) -> First:
    """Select the first ``MOST_TO_DO`` fixes that would break no calls."""
    groups: dict[tuple[str, ...], list[Finding]] = {}
    open_ones = [finding for finding in findings if finding.open]
    for finding in sorted(open_ones, key=rank):
        if finding.proposals:
            groups.setdefault(tuple(change.describe() for change in finding.proposals), []).append(finding)
    impact = session.impacts()
    harmless = (
        Fix(sentences, finding, impact(finding))
        for sentences, settled in groups.items()
        for finding in [next((candidate for candidate in settled if not _breaks_calls(impact(candidate))), None)]
        if finding is not None
    )
    fixes = tuple(islice(harmless, MOST_TO_DO))
    return First(fixes, len(groups) - len(fixes))


def _breaks_calls(impact: ReplayImpact | None) -> bool:
    return impact is not None and bool(impact.calls(BROKEN))


def _to_do(number: int, fix: Fix, snapshot: Snapshot) -> None:
    worst = fix.worst
    sentences = fix.sentences
    color = SEVERITY_COLORS[worst.severity]
    icon = ICONS["error" if color == "red" else "warning"]
    further_changes = f" and {counted(len(sentences) - 1, 'more change')}" if len(sentences) > 1 else ""
    about = names(worst, snapshot) or (owner_of(worst.subject, snapshot) if "." in worst.subject else "")
    with st.container(border=True):
        text, press = st.columns([5, 1], vertical_alignment="center")
        with text.container(gap=None):
            st.markdown(f":{color}[{icon}] **{plain(sentences[0])}{further_changes}** &nbsp; :gray[{plain(about)}]")
            old = lacking(snapshot, *BY_CALLS) if fix.impact else ""
            past = f"What it would do to past calls is unknown. {old}" if old else plain(effect(fix.impact))
            st.caption(f"{plain(worst.reason)} {past}")
        with press:
            st.button(
                "Review fix",
                key=f"overview_fix_{number}",
                on_click=review.ask_fix,
                args=(worst.check, worst.subject),
                type="primary" if number == 0 else "secondary",
                width="stretch",
            )


def effect(impact: ReplayImpact | None) -> str:
    """Return the effect of a fix on past calls as plain text; empty for a fix without a replay."""
    return "" if impact is None else " ".join(replay_summary.summary(impact))


def panels(snapshot: Snapshot, zone: ZoneInfo) -> None:
    """Draw one panel with the refusal share per caller with refused calls; a caption lists the other callers."""
    refusals = session.cached("refusals", "", lambda: frames.refusals(session.cube(), zone), ages=False)
    if refusals.empty:
        empty_states.empty(
            f"No outbound call was read yet. {file_only_sentence(snapshot)}".strip(), icon=ICONS["unknown"]
        )
        return
    refused = refusals.groupby("who")["refused"].sum()
    unnamed = session.cached("unnamed", "", lambda: frames.refused_unnamed(snapshot))
    unaffected = [plain(str(caller)) for caller in refused.index[refused == 0] if caller not in unnamed]
    refused_rows = refusals[refusals["who"].isin(refused.index[refused > 0])]
    changes = frames.policy_changes(snapshot, zone)
    plots = chart_components.cached_plots(
        "refusals", "", lambda: charts.refusal_share(refused_rows, changes), ages=False
    )
    grid = st.grid(min(4, max(2, len(plots))), min_column_width=PANEL_WIDTH, gap="small")
    for caller, plot in plots.items():
        with grid.cell():
            st.markdown(f"**{plain(caller)}**")
            chart_components.show(plot, f"Share of calls of {caller} refused for authorization, by day")
    old = lacking(snapshot, "calls")
    sentences = [old] if old else []
    if unaffected and not old:
        sentences.append(f"No call of {join(unaffected, most=8)} is on record as refused for authorization.")
    if unnamed:
        head = f"Calls of {join(map(plain, unnamed), most=8)} were refused with credentials off"
        sentences.append(f"{head}, by answers that do not name the list; shares do not count those.")
    if len(refused_rows) and ((refused_rows["refused"] > 0) & (refused_rows["calls"] < definitions.MIN_SAMPLE)).any():
        sentences.append(f"A gray mark: some calls were refused, of fewer than {definitions.MIN_SAMPLE} that day.")
    if plots and len(changes):
        sentences.append("A dotted line is a change of the list or the switch.")
    sentences += filter(None, [file_only_sentence(snapshot)])
    st.caption(" ".join(sentences))


def severities(findings: Sequence[Finding]) -> None:
    """Draw the number of findings per severity; a caption states how many subjects passed."""
    not_passed = [finding for finding in findings if finding.status is not Status.PASS]
    if not_passed:
        counts = frames.severities(not_passed)
        plot = chart_components.cached_plot("severities", counts.to_dict(), lambda: charts.findings_by_severity(counts))
        chart_components.show(plot, "Findings by severity")
    unknown = sum(finding.status is Status.UNKNOWN for finding in not_passed)
    last = sum(finding.failed_last for finding in not_passed)
    gray = f"; {unknown:,}, in gray, could not be evaluated" if unknown else ""
    gray += f", of which {last:,} failed on the last data" if last else ""
    passed_count = len(findings) - len(not_passed)
    st.caption(f"{counted(passed_count, 'subject') if passed_count else 'No subject'} passed{gray}.")


@st.fragment(run_every=AGES_S)
def freshness() -> None:
    """Draw when each input was last read or confirmed; the fragment reruns to keep the ages current."""
    with session.show_errors():
        now = clocks.now()
        for name, fresh in session.freshness().items():
            age = fresh.age(now)
            with st.container(horizontal=True, vertical_alignment="center"):
                st.badge(AGE_WORDS[age].capitalize(), color=AGE_COLORS[age])
                st.markdown(f"{INPUT_WORDS[name]}, {ago(fresh.as_of, now)}", width="content")
                st.caption(exact(fresh.as_of, session.zone(), "%-d %b %H:%M %Z"), width="content")
