"""
Review dialog of a fix: the exact change, its effect on past calls, its guards, one button.

The plan is kept as a value from the moment it is shown, and exactly this plan is applied. The session stores the
open review. A button callback only stores the action to take. Then only the dialog reruns and takes the action in its
own area. The page behind is redrawn when the dialog closes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.calls.replay import undecided
from dashboard.carriers import portal_step_for
from dashboard.core.elapsed import ago
from dashboard.core.errors import DashboardError
from dashboard.domain.capabilities import Capability
from dashboard.domain.changes import Change, Plan
from dashboard.domain.claims import lacking
from dashboard.domain.snapshot import Snapshot
from dashboard.storage import JournalEntry
from dashboard.web import session
from dashboard.web.components.formatting import ICONS, mono, plain
from dashboard.web.fixes import diffs, progress, replay_summary

KEY = "review"
TITLE = "Review a change"
WATCH_EVERY_S = 4


@dataclass
class Review:
    """State of the dialog: a plan and, after it was applied, its journal entry."""

    plan: Plan | None = None
    entry: JournalEntry | None = None
    error: str = ""
    todo: Callable[[], None] | None = None
    """Action of the pressed button, not carried out yet."""
    doing: str = ""
    """Text to show while the action runs."""


def ask_fix(check: str, subject: str) -> None:
    """Open the review of the fix that a finding proposes, planned on the snapshot that the page shows."""
    _ask(lambda: _plan(check, subject))


def _plan(check: str, subject: str) -> Plan:
    snapshot, findings = session.snapshot_and_findings()
    finding = next((f for f in findings if (f.check, f.subject) == (check, subject) and f.proposals), None)
    if finding is None:
        return session.workspace().plan(check, subject)
    return session.workspace().plan_changes(
        finding.proposals,
        check=check,
        subject=subject,
        snapshot=snapshot,
        last_known_at=finding.last_known.as_of if finding.last_known else None,
    )


def ask_changes(changes: Sequence[Change], title: str = "", check: str = "", subject: str = "") -> None:
    """Open the review of any changes, planned on the snapshot that the page shows."""
    _ask(
        lambda: session.workspace().plan_changes(
            changes, title=title, check=check, subject=subject, snapshot=session.snapshot()
        )
    )


def ask_undo(number: int) -> None:
    """Open the review of the undo of a journal entry."""
    _ask(lambda: session.workspace().undo_plan(number))


def show() -> None:
    """Draw the dialog if a review is open; the router calls this once, after the page."""
    if KEY in st.session_state:
        st.dialog(TITLE, width="medium", on_dismiss=_close)(_body)()


def _ask(build_plan: Callable[[], Plan]) -> None:
    try:
        st.session_state[KEY] = Review(plan=build_plan())
    except DashboardError as exc:
        st.session_state[KEY] = Review(error=str(exc))


def _close() -> None:
    st.session_state.pop(KEY, None)


def _body() -> None:
    """
    Draw the changes of the plan, then its guards in one place and its result in another.

    A finished stage is cleared immediately, so that its buttons cannot be pressed while the next action runs.
    """
    review: Review | None = st.session_state.get(KEY)
    if review is None:
        st.rerun()
    head = st.empty()
    table = st.empty()
    before = st.container() if review.todo is None and review.entry is None else st.empty()
    after = st.container() if review.todo is None and review.entry is not None else st.empty()
    _head(review, head, table)
    if review.todo is not None:
        with after, st.spinner(review.doing):
            review = _do(review, review.todo)
        _head(review, head, table)
    with after.container() if review.entry else before.container():
        _draw(review)


def _head(review: Review, head: DeltaGenerator, table: DeltaGenerator) -> None:
    head.markdown(f"**{plain(diffs.title(review.plan)) if review.plan else 'No plan could be made'}**")
    if review.plan:
        table.markdown(diffs.table(review.plan.changes, session.snapshot(), applied=review.entry is not None))


def _do(review: Review, todo: Callable[[], None]) -> Review:
    """Carry out the stored action once and refresh the account view; return the review that is open afterwards."""
    try:
        todo()
        review.error = ""
    except DashboardError as exc:
        review.error = str(exc)
    review.todo = None
    session.snapshot_and_findings()
    opened: Review = st.session_state.get(KEY, review)
    return opened


def _draw(review: Review) -> None:
    if review.plan and review.entry:
        _after(review, review.plan, review.entry)
    elif review.plan:
        _press(review, review.plan, _before(review.plan))
    if review.error:
        st.error(plain(review.error), icon=ICONS["error"])


def _apply(review: Review, plan: Plan, typed: Sequence[str]) -> None:
    """Schedule the plan to be applied in the next run of the dialog."""

    def todo() -> None:
        review.entry = session.workspace().apply(plan, actor=session.actor(), typed=typed)

    review.todo = todo
    review.doing = "Applying, then reading the account again"


def _undo(review: Review, number: int) -> None:
    """Schedule the undo of an entry to be planned in the next run of the dialog."""
    review.todo = lambda: ask_undo(number)
    review.doing = "Planning the undo"


def _before(plan: Plan) -> list[str]:
    """Draw the effect of the plan and its guards; return the confirmation phrases typed."""
    snapshot = session.snapshot()
    if plan.last_known_at:
        old = f"Based on last known data, from {ago(plan.last_known_at)}. The account is read again first."
        st.markdown(f":orange[{ICONS['time']}] {plain(old)}")
    if diffs.touches_policy(plan):
        replay_summary.show(
            plan.impact,
            lower_bound=Capability.REFUSALS_IN_CDRS not in snapshot.capabilities,
            lacking=lacking(snapshot, "calls"),
            omitted_reason=undecided.INVENTORY if any(guard.id == "owners_are_known" for guard in plan.guards) else "",
        )
    else:
        st.caption("It changes where inbound calls go. Outbound calls are not touched.")
    with st.container(gap="xxsmall"):
        for guard in plan.guards:
            color, icon = (
                ("green", "good") if guard.met else ("orange", "warning") if guard.confirm else ("red", "error")
            )
            st.markdown(f":{color}[{ICONS[icon]}] {plain(guard.sentence)}")
    typed: list[str] = []
    if plan.guided:
        return typed
    for number, phrase in enumerate(plan.phrases):
        typed_phrase = st.text_input(f"Type {mono(phrase)} to confirm", key=f"review_phrase_{number}", live=True)
        typed.append((typed_phrase or "").strip())
    return typed


def _press(review: Review, plan: Plan, typed: Sequence[str]) -> None:
    if plan.guided:
        _guide(plan)
        return
    missing = [phrase for phrase in plan.phrases if phrase not in typed]
    st.button(
        plain(diffs.apply_label(plan)),
        type="primary",
        disabled=bool(plan.blocked or missing),
        help="Something above has to be put right first." if plan.blocked else None,
        key="review_apply",
        on_click=_apply,
        args=(review, plan, typed),
    )


def _guide(plan: Plan) -> None:
    """Draw the manual steps in the carrier's portal, for changes that the carrier's API does not support."""
    st.info("The carrier offers no way to do this by program. Do it in its portal:", icon=ICONS["info"])
    for change in plan.changes:
        step = portal_step_for(change)
        st.markdown(plain(step.sentence))
        if step.value:
            st.code(step.value, language=None)
        if step.url:
            st.link_button(f"Open {step.menu}", step.url, icon=":material/open_in_new:")
    st.page_link("web/pages/account.py", label="Then paste what the portal shows", icon=":material/content_paste:")


def _after(review: Review, plan: Plan, entry: JournalEntry) -> None:
    st.markdown(
        f":green[{ICONS['good']}] Done, and verified by reading the account again. Journal entry {entry.id}, "
        f"head `{entry.short_hash}`."
    )
    if diffs.touches_policy(plan):
        _watching(plan, entry, session.snapshot())
    with st.container(horizontal=True):
        st.button("Done", type="primary", key="review_close", on_click=_close)
        st.button(
            plain(diffs.undo_label(plan)),
            icon=":material/undo:" if plan.undoes is None else ":material/redo:",
            key="review_undo",
            on_click=_undo,
            args=(review, entry.id),
        )


@st.fragment(run_every=WATCH_EVERY_S)
def _watching(plan: Plan, entry: JournalEntry, snapshot: Snapshot) -> None:
    """
    Draw the monitor's progress every ``WATCH_EVERY_S`` seconds.

    ``snapshot`` is the snapshot of the dialog run. It mainly names addresses, so it need not be current.
    """
    with session.show_errors():
        color, icon, sentence = progress.monitor_state(plan, session.workspace().watch(entry), snapshot)
        st.markdown(f":{color}[{ICONS[icon]}] {plain(sentence)}")
