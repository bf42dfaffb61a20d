"""Timeline of the journal: actor, changes, values before and after, outcome, undo; and the plans that were shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from dashboard.core.elapsed import ago
from dashboard.core.text import counted
from dashboard.domain.changes import Plan
from dashboard.domain.snapshot import Snapshot
from dashboard.fixes import planner
from dashboard.storage import PHASE_BEGUN, PHASE_DONE, PHASE_FAILED, PHASE_PARTLY, JournalEntry
from dashboard.web import session
from dashboard.web.components import empty_states
from dashboard.web.components.formatting import ICONS, Color, exact, plain
from dashboard.web.fixes import diffs, open_fixes, review

VIEWS = ("History", "Plans shown")
MOST = 50
DONE_WORD = "Done and verified"
OPEN_WORD = "No recorded outcome"
SHOWN_ONLY: Final[tuple[str, Color]] = ("Shown only", "blue")
"""Badge of a plan that was not applied."""


def history(entries: Sequence[JournalEntry], snapshot: Snapshot) -> None:
    """Draw the fixes, newest first, with the rows they changed; at most ``MOST``."""
    begun = [entry for entry in reversed(entries) if entry.phase == PHASE_BEGUN]
    if not begun:
        empty_states.empty(
            "Each change that is applied, on any page, is written here: who, what, before and after, and a way back.",
            icon=ICONS["info"],
        )
        return
    ends = {entry.action: entry for entry in entries if entry.phase != PHASE_BEGUN}
    for entry in begun[:MOST]:
        _entry(entry, ends.get(entry.action), entries, snapshot)
    if len(begun) > MOST:
        st.caption(f"{counted(len(begun) - MOST, 'older fix', 'older fixes')} are in the journal's CSV, on Exports.")


def plans(shown_plans: Sequence[Plan], entries: Sequence[JournalEntry], snapshot: Snapshot) -> None:
    """Draw the plans that were shown, newest first, with the outcome of each applied plan."""
    if not shown_plans:
        empty_states.empty(
            "No plan was shown yet. Each change that is opened for review, on any page, is kept here.",
            icon=ICONS["info"],
        )
    ends = plan_outcomes(entries)
    for number, plan in enumerate(shown_plans[:MOST]):
        with st.container(border=True):
            with st.container(horizontal=True, vertical_alignment="center"):
                word, color = ends.get(plan.hash, SHOWN_ONLY)
                st.badge(word, color=color)
                st.markdown(f"**{plain(diffs.title(plan))}**", width="content")
                st.caption(f"{ago(plan.made_at)} · plan {plan.hash[:12]}", help=exact(plan.made_at, session.zone()))
            st.markdown(diffs.table(plan.changes, snapshot))
            if plan.check and word not in (DONE_WORD, OPEN_WORD):
                st.button(
                    "Plan again",
                    key=f"fixes_plan_{number}",
                    on_click=review.ask_fix,
                    args=(plan.check, plan.subject),
                    icon=":material/build:",
                )


def plan_outcomes(entries: Sequence[JournalEntry]) -> dict[str, tuple[str, Color]]:
    """
    Return the outcome of each applied plan, in the words of the history.

    Args:
        entries: The journal, oldest first.

    Returns:
        Hash of the plan to the outcome and its color; the last application counts if there are several.
    """
    ends = {entry.action: entry for entry in entries if entry.phase != PHASE_BEGUN}
    outcomes = {}
    for begun in entries:
        if begun.phase == PHASE_BEGUN:
            ended = ends.get(begun.action)
            outcomes[begun.plan_hash] = outcome_of(ended, planner.find_undo(entries, ended) if ended else None)
    return outcomes


def _entry(
    begun: JournalEntry, ended: JournalEntry | None, entries: Sequence[JournalEntry], snapshot: Snapshot
) -> None:
    undo_entry = planner.find_undo(entries, ended) if ended else None
    word, color = outcome_of(ended, undo_entry)
    plan = Plan.model_validate(begun.content["plan"])
    live = planner.live_of(plan, ended) if ended else ()
    with st.container(border=True):
        text, press = st.columns([6, 1], vertical_alignment="center")
        with text, st.container(horizontal=True, vertical_alignment="center"):
            st.badge(word, color=color)
            if ended and ended.content.get("interrupted"):
                st.badge("Interrupted", color="orange")
            st.markdown(f"**{plain(diffs.title(plan))}**", width="content")
            last = ended or begun
            st.caption(
                f"{ago(begun.at)} by {plain(begun.actor)} · entry {last.id}, head {last.short_hash}",
                help=f"{exact(begun.at, session.zone())}{plain(_sign_in_text(begun))}",
            )
        if ended and live and undo_entry is None:
            press.button(
                "Undo" if begun.undoes is None else "Redo",
                key=f"fixes_undo_{ended.id}",
                icon=":material/undo:" if begun.undoes is None else ":material/redo:",
                on_click=review.ask_undo,
                args=(ended.id,),
                width="stretch",
            )
        st.markdown(diffs.table(plan.changes, snapshot, applied=True))
        if ended is None:
            st.markdown(f":orange[{ICONS['warning']}] {open_fixes.EXPLAINED}")
        elif ended.phase != PHASE_DONE or ended.content.get("interrupted"):
            shade, icon = {PHASE_FAILED: ("red", "error"), PHASE_PARTLY: ("orange", "warning")}.get(
                ended.phase, ("green", "good")
            )
            st.markdown(f":{shade}[{ICONS[icon]}] {plain(str(ended.content.get('message', '')))}")
        if undo_entry:
            st.caption(f"Undone {ago(undo_entry.at)} by {plain(undo_entry.actor)}, entry {undo_entry.id}.")


def _sign_in_text(begun: JournalEntry) -> str:
    """Return how the actor of a fix signed in; empty if it was not recorded."""
    by = begun.by
    link = f"link {by['link']}" if by.get("link") else by.get("way", "")
    facts = (link, by.get("user"), by.get("for") and f"for {by['for']}", by.get("host") and f"on {by['host']}")
    return "".join(f" · {fact}" for fact in facts if fact)


def outcome_of(ended: JournalEntry | None, undo_entry: JournalEntry | None) -> tuple[str, Color]:
    """Return the outcome of a fix as text, and its color."""
    if ended is None:
        return OPEN_WORD, "orange"
    if undo_entry:
        return "Undone", "gray"
    words: dict[str, tuple[str, Color]] = {
        PHASE_DONE: (DONE_WORD, "green"),
        PHASE_PARTLY: ("Partly done", "orange"),
    }
    return words.get(ended.phase, ("Failed", "red"))
