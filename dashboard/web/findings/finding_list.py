"""Parts of the Findings page: filters bound to the URL, the table, and the details of one finding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from dashboard.charts import SEVERITY_STATES, STATUS_STATES
from dashboard.checks import discover
from dashboard.checks.evidence import losses
from dashboard.core.elapsed import ago
from dashboard.core.text import counted, join
from dashboard.domain.claims import Claims, GroupStatus, as_of
from dashboard.domain.findings import Finding, Impact, Severity, Status
from dashboard.domain.snapshot import Snapshot
from dashboard.fixes import planner
from dashboard.services.exports import frames
from dashboard.storage import PHASE_DONE
from dashboard.web import session
from dashboard.web.components import empty_states, tables
from dashboard.web.components.formatting import (
    ICONS,
    IMPACT_WORDS,
    LIFE_WORDS,
    SEVERITY_COLORS,
    STATUS_COLORS,
    STATUS_WORDS,
    exact,
    names,
    plain,
    subject_of,
)
from dashboard.web.fixes import review

TABLE_KEY = "findings_table"
LAST = ", last known"
"""Suffix of the severity of a finding that failed on the last known data and cannot be evaluated now."""
USD = " (USD)"
"""Suffix of the name of an evidence column in USD, whose cells have no dollar sign."""
FEW_PX = 374
"""Height of ten and a half rows in pixels, which shows that the table scrolls."""


def filtered(findings: Sequence[Finding], snapshot: Snapshot) -> list[Finding]:
    """Draw the filters, which are bound to URL query parameters; return the findings that match them."""
    pbxs = sorted({pbx_id for finding in findings for pbx_id in finding.pbx_ids}, key=snapshot.name_of)
    with st.container(horizontal=True, gap="medium"):
        status = st.pills(
            "State",
            [str(status) for status in Status],
            selection_mode="multi",
            default=[str(Status.FAIL), str(Status.UNKNOWN)],
            format_func=lambda value: STATUS_WORDS[Status(value)],
            key="state",
            bind="query-params",
        )
        severity = st.pills(
            "Severity",
            [str(severity) for severity in Severity if any(f.severity is severity for f in findings)],
            selection_mode="multi",
            format_func=str.capitalize,
            key="severity",
            bind="query-params",
        )
        impact = st.pills(
            "Can cost",
            [str(impact) for impact in Impact],
            selection_mode="multi",
            format_func=lambda value: IMPACT_WORDS[Impact(value)],
            key="impact",
            bind="query-params",
        )
        pbx = st.pills(
            "PBX",
            pbxs,
            selection_mode="multi",
            format_func=lambda pbx_id: plain(snapshot.name_of(pbx_id)),
            key="pbx",
            bind="query-params",
        )
    return [
        finding
        for finding in findings
        if (not status or finding.status in status or (finding.open and str(Status.FAIL) in status))
        and (not severity or finding.severity in severity)
        and (not impact or finding.impact in impact)
        and (not pbx or set(pbx) & set(finding.pbx_ids))
    ]


def table(findings: Sequence[Finding], snapshot: Snapshot) -> Finding:
    """Draw the table; return the finding of the selected row, by default the first."""
    frame = pd.DataFrame(
        {
            "state": [[_state(finding)] for finding in findings],
            "subject": [subject_of(finding, snapshot) for finding in findings],
            "what": [finding.title for finding in findings],
            "since": [finding.first_seen_at for finding in findings],
        }
    )
    states_of = {s.capitalize(): SEVERITY_STATES[s] for s in Severity}
    states_of |= {f"{s.capitalize()}{LAST}": SEVERITY_STATES[s] for s in Severity}
    states_of |= {STATUS_WORDS[s]: STATUS_STATES[s] for s in (Status.UNKNOWN, Status.PASS)}
    event = st.dataframe(
        tables.sanitized(frame),
        hide_index=True,
        height=tables.height(len(frame), most=10, px=FEW_PX),
        column_config={
            "state": tables.chips("State", states_of, width=132),
            "subject": tables.text("Subject", width=172),
            "what": tables.text("Check", width=366),
            "since": tables.relative_time("First seen") | {"width": 130},
        },
        placeholder="-",
        on_select="rerun",
        selection_mode="single-row-required",
        key=TABLE_KEY,
    )
    rows = event["selection"]["rows"]
    return findings[rows[0]] if rows and rows[0] < len(findings) else findings[0]


def _state(finding: Finding) -> str:
    if finding.failed_last:
        return f"{finding.severity.capitalize()}{LAST}"
    return finding.severity.capitalize() if finding.status is Status.FAIL else STATUS_WORDS[finding.status]


def download(findings: Sequence[Finding], snapshot: Snapshot) -> None:
    """Draw the download of exactly the displayed rows."""
    tables.download(
        "findings", len(findings), lambda: frames.findings_frame(findings, snapshot), snapshot, key="findings_csv"
    )


def detail(finding: Finding, snapshot: Snapshot) -> None:
    """Draw the details of a finding: reason, expected state, evidence, proposed fix and history."""
    st.subheader(plain(subject_of(finding, snapshot)), anchor=False)
    with st.container(horizontal=True, gap="small"):
        st.badge(STATUS_WORDS[finding.status], color=STATUS_COLORS[finding.status])
        if old := as_of(finding, snapshot.taken_at):
            st.badge(old, icon=ICONS["time"], color="orange" if finding.failed_last else "gray")
        st.badge(finding.severity.capitalize(), color=SEVERITY_COLORS[finding.severity] if finding.open else "gray")
        st.badge(LIFE_WORDS[finding.life], color="gray")
        st.badge(finding.confidence.capitalize(), color="gray")
    left_column, right = st.columns(2, gap="large")
    with left_column:
        st.markdown(plain(finding.reason))
        if finding.proposals:
            effect(finding)
        if loss_digest := review_digest(finding):
            _mark_as_reviewed(finding.subject, loss_digest)
    with right:
        expected = next((check.description for check in discover() if check.id == finding.check), "")
        st.markdown(f"**Expected.** {plain(expected)}")
        _history(finding, snapshot)
        if finding.controls:
            st.caption(f"Maps to {plain(join(finding.controls, most=6))}.")
    if finding.evidence:
        st.markdown("**Evidence**")
        frame = evidence_frame(finding, session.zone())
        st.dataframe(tables.sanitized(frame), hide_index=True, placeholder="-", column_config=_evidence_columns(frame))


def effect(finding: Finding) -> None:
    """Draw the changes that a finding proposes and a button that opens their review."""
    for change in finding.proposals:
        st.markdown(f":blue[{ICONS['plan']}] {plain(change.describe())}")
    st.button(
        "Review fix",
        type="primary",
        icon=":material/build:",
        on_click=review.ask_fix,
        args=(finding.check, finding.subject),
        key="findings_fix",
    )


def review_digest(finding: Finding) -> str:
    """Return the digest of the evidence of a past loss that is not reviewed yet; ``""`` for any other finding."""
    if finding.check != "past_loss_is_reviewed" or finding.status is not Status.FAIL:
        return ""
    return next((str(row[losses.DIGEST]) for row in finding.evidence if losses.DIGEST in row), "")


def _mark_as_reviewed(subject: str, evidence_digest: str) -> None:
    if not st.button("Mark as reviewed", icon=":material/task_alt:", key="findings_review"):
        return
    with session.show_errors():
        session.workspace().review(subject, actor=session.actor(), evidence_digest=evidence_digest)
        session.note(f"The past loss of {subject} is marked as reviewed.")
        st.rerun()


def draw_empty(claims: Claims) -> None:
    """Draw the reason why the table is empty."""
    if claims.standing() is GroupStatus.CLEAR:
        empty_states.empty("Every check passes.")
    elif claims.findings:
        empty_states.empty("No finding matches these filters. Remove one.", icon=":material/filter_alt_off:")
    else:
        empty_states.empty("Nothing was checked yet.", icon=ICONS["unknown"])


def evidence_frame(finding: Finding, zone: ZoneInfo) -> pd.DataFrame:
    """Return the evidence as a table: one row per fact, columns named by the check, times in ``zone``."""
    frame = pd.DataFrame([dict(row) for row in finding.evidence])
    for name in frame.columns:
        if str(name).endswith(USD):
            frame[name] = frame[name].astype("float64")
        elif str(name) in ("first call", "last call"):
            frame[name] = pd.to_datetime(frame[name], format="ISO8601", utc=True).dt.tz_convert(zone)
    return frame.rename(columns={name: f"{name[0].upper()}{name[1:]}" for name in map(str, frame.columns)})


def _evidence_columns(frame: pd.DataFrame) -> dict[str, Any]:
    dollars = {name: tables.usd(name.removesuffix(USD)) for name in map(str, frame.columns) if name.endswith(USD)}
    counts = {name: tables.whole(name) for name in ("Calls in 24 h", "Calls") if name in frame.columns}
    return dollars | counts | {name: tables.at(name) for name in ("First call", "Last call") if name in frame.columns}


def _history(finding: Finding, snapshot: Snapshot) -> None:
    sentences = []
    if finding.first_seen_at:
        sentences.append(f"First seen {exact(finding.first_seen_at, session.zone())}.")
    if finding.times_reopened:
        sentences.append(f"Came back {counted(finding.times_reopened, 'time')}.")
    entries = session.workspace().journal.entries()
    subjects = {entry.action: entry.content["plan"] for entry in entries if "plan" in entry.content}
    for entry in entries:
        plan = subjects.get(entry.action, {})
        if entry.phase == PHASE_DONE and (plan.get("check"), plan.get("subject")) == (finding.check, finding.subject):
            undo_entry = planner.find_undo(entries, entry)
            tail = f", taken back {ago(undo_entry.at)}" if undo_entry else ""
            sentences.append(f"{plain(entry.title)} by {plain(entry.actor)} {ago(entry.at)}{tail}.")
    about = names(finding, snapshot)
    st.markdown(
        f"**History.** {' '.join(sentences) or 'Nothing was recorded yet.'}{f' PBX: {plain(about)}.' if about else ''}"
    )
