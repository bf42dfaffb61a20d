"""
The review of a fix: the exact change, what it would have done to past calls, its guards, one button.

The plan is a value from the moment it is shown, and exactly that is applied. What was opened is kept in
the session, so that the dialog stays open while what is in it changes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from dashboard import charts, session
from dashboard.app_parts import diffs
from dashboard.app_parts.words import ICONS, count, join, money, plain
from dashboard.capabilities import Capability
from dashboard.carriers import step_for
from dashboard.changes import Change, Impact, Plan
from dashboard.errors import DashboardError
from dashboard.journal import Entry

KEY = "review"
WATCH_EVERY_S = 4


@dataclass
class Review:
    """What the dialog shows: a plan, then the entry of the journal that carrying it out wrote."""

    plan: Plan | None = None
    entry: Entry | None = None
    error: str = ""


def ask_fix(check: str, subject: str) -> None:
    """Open the review of the fix that a finding proposes, planned on what the page shows."""
    _ask(lambda: _plan(check, subject))


def _plan(check: str, subject: str) -> Plan:
    known, found = session.known()
    finding = next((f for f in found if (f.check, f.subject) == (check, subject) and f.changes), None)
    if finding is None:
        return session.workspace().plan(check, subject)
    return session.workspace().plan_changes(finding.changes, check=check, subject=subject, snapshot=known)


def ask_changes(changes: Sequence[Change], title: str = "", check: str = "", subject: str = "") -> None:
    """Open the review of any changes."""
    _ask(lambda: session.workspace().plan_changes(changes, title=title, check=check, subject=subject))


def ask_undo(number: int) -> None:
    """Open the review of what takes a journal entry back."""
    _ask(lambda: session.workspace().undo_plan(number))


def show() -> None:
    """Draw the dialog where one was opened; the router calls this once, after the page."""
    review: Review | None = st.session_state.get(KEY)
    if review is not None:
        title = review.plan.title if review.plan else "No plan could be made"
        st.dialog(plain(title), width="medium", on_dismiss=_close)(_body)(review)


def _ask(make: Callable[[], Plan]) -> None:
    try:
        st.session_state[KEY] = Review(plan=make())
    except DashboardError as exc:
        st.session_state[KEY] = Review(error=str(exc))


def _close() -> None:
    st.session_state.pop(KEY, None)


def _body(review: Review) -> None:
    if review.plan and review.entry:
        _after(review.plan, review.entry)
    elif review.plan:
        typed = _before(review.plan)
        if _press(review.plan, typed):
            with st.spinner("Applying, then reading the account again"):
                _apply(review, review.plan, typed)
            st.rerun()
    if review.error:
        st.error(plain(review.error), icon=ICONS["error"])


def _apply(review: Review, plan: Plan, typed: Sequence[str]) -> None:
    try:
        review.entry = session.workspace().apply(plan, actor=session.who(), typed=typed)
        review.error = ""
    except DashboardError as exc:
        review.error = str(exc)


def _before(plan: Plan) -> list[str]:
    """Show the plan; return the phrases typed."""
    snapshot = session.snapshot()
    st.markdown(diffs.table(plan.changes, snapshot))
    if diffs.touches_policy(plan):
        _replay(plan.impact, lower_bound=Capability.REFUSALS_IN_CDRS not in snapshot.capabilities)
    else:
        st.caption("It changes where inbound calls go. Outbound calls are not touched.")
    with st.container(gap="xxsmall"):
        for lock in plan.interlocks:
            color, icon = ("green", "good") if lock.met else ("orange", "warning") if lock.confirm else ("red", "error")
            st.markdown(f":{color}[{ICONS[icon]}] {plain(lock.sentence)}")
    typed: list[str] = []
    if plan.guided:
        return typed
    for number, phrase in enumerate(plan.phrases):
        said = st.text_input(f"To go on, type `{phrase}`", key=f"review_phrase_{number}", live=True)
        typed.append((said or "").strip())
    return typed


def _press(plan: Plan, typed: Sequence[str]) -> bool:
    if plan.guided:
        _guide(plan)
        return False
    missing = [phrase for phrase in plan.phrases if phrase not in typed]
    return st.button(
        plain(plan.title),
        type="primary",
        disabled=bool(plan.blocked or missing),
        help="Something above has to be put right first." if plan.blocked else None,
        key="review_apply",
    )


def _replay(impact: Impact, *, lower_bound: bool) -> None:
    since = f" since {impact.since:%d %b}" if impact.since else ""
    st.markdown(f"**What it would have done to past calls{since}**")
    with st.container(horizontal=True):
        for label in charts.REPLAY:
            counted = impact.labels.get(label)
            calls, cost = (counted.calls, counted.cost_usd) if counted else (0, "0")
            paid = money(cost) if float(cost) else None
            st.metric(label.capitalize(), f"{calls:,}", delta=paid, delta_color="off", delta_arrow="off")
    st.altair_chart(charts.replay_bar(impact), alt="Past calls by what the change would have done to them")
    said = []
    if impact.saves:
        said.append(f"Lets in calls of {join(impact.saves)}{' (a lower bound)' if lower_bound else ''}.")
    if impact.breaks:
        said.append(f"Refuses calls of {join(impact.breaks)}.")
    if impact.to_ip:
        said.append(f"{count(impact.to_ip, 'call')} would move from credentials to the address.")
    st.caption(plain(" ".join([*said, f"{impact.decided:.0%} of the calls could be decided."])))


def _guide(plan: Plan) -> None:
    """Say how to do it by hand where the carrier offers no way to do it by program."""
    st.info("The carrier offers no way to do this by program. Do it in its portal:", icon=ICONS["info"])
    for change in plan.changes:
        step = step_for(change)
        st.markdown(plain(step.sentence))
        if step.value:
            st.code(step.value, language=None)
        if step.url:
            st.link_button(f"Open {step.menu}", step.url, icon=":material/open_in_new:")
    st.page_link("app_pages/account.py", label="Then paste what the portal shows", icon=":material/content_paste:")


def _after(plan: Plan, entry: Entry) -> None:
    st.markdown(diffs.table(plan.changes, session.snapshot(), done=True))
    st.markdown(f":green[{ICONS['good']}] Done, and verified by reading the account again. Journal entry {entry.id}.")
    if diffs.touches_policy(plan):
        _watching(entry)
    with st.container(horizontal=True):
        if st.button("Done", type="primary", key="review_close"):
            _close()
            st.rerun()
        if st.button("Undo", icon=":material/undo:", key="review_undo"):
            ask_undo(entry.id)
            st.rerun()


@st.fragment(run_every=WATCH_EVERY_S)
def _watching(entry: Entry) -> None:
    with session.errors_said():
        seen = session.workspace().watch(entry)
        color, icon = ("red", "error") if seen.refused else ("green", "good") if seen.over else ("gray", "time")
        st.markdown(f":{color}[{ICONS[icon]}] {plain(seen.sentence)}")
