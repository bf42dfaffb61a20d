"""Setup overview of all PBXs: matrix of steps, one plan for many PBXs, configuration archive, last account step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.core import clocks
from dashboard.core.text import counted
from dashboard.domain.findings import Finding
from dashboard.domain.snapshot import Snapshot
from dashboard.services.onboarding import (
    ALLOWED_CHECK,
    ROUTED_CHECK,
    FleetProgress,
    OnboardingContext,
    PbxProgress,
    PlanBatch,
    StepProgress,
    account_step,
    config_archive,
    fleet,
    notes,
)
from dashboard.services.onboarding import steps as onboarding_steps
from dashboard.web import session
from dashboard.web.components import empty_states, tables
from dashboard.web.components.formatting import ICONS, Color, plain
from dashboard.web.fixes import review
from dashboard.web.inventory import pbx_config
from dashboard.web.onboarding import bulk_form

CHOSEN = "pbx_id"
TABLE = "set_up_matrix"
LOOKS: Final[dict[StepProgress, tuple[Color, str]]] = {
    StepProgress.DONE: ("green", ICONS["good"]),
    StepProgress.OPEN: ("orange", ":material/radio_button_unchecked:"),
    StepProgress.SAID: ("gray", ":material/edit_note:"),
    StepProgress.BLOCKED: ("gray", ":material/lock_clock:"),
    StepProgress.UNKNOWN: ("gray", ICONS["unknown"]),
    StepProgress.NOT_NEEDED: ("gray", ":material/remove_circle_outline:"),
}
WIDTHS: Final = {"kind": 72, "dial": 86, "snippet": 88, "allow": 86, "route": 86, "probe": 76, "call": 92}


def ground(snapshot: Snapshot, findings: Sequence[Finding]) -> OnboardingContext:
    """Return the context in which steps are evaluated, including the recorded notes."""
    return OnboardingContext.of_home(snapshot, findings, session.workspace().state)


def show(context: OnboardingContext, title: DeltaGenerator, bar: DeltaGenerator) -> None:
    """
    Draw the overview of all PBXs.

    Args:
        context: The context in which steps are evaluated.
        title: Placeholder for the page title.
        bar: Container next to the PBX choice, for actions on many PBXs.
    """
    newest_note = notes.newest_note_id(session.workspace().state)
    most = session.workspace().settings.max_changes
    fleet_now: FleetProgress = session.cached("set_up", (newest_note, most), lambda: FleetProgress.of(context, most))
    title.title(plain(fleet_now.headline))
    with bar:
        _bar(context, fleet_now.allow, fleet_now.route)
    with st.expander("Add PBXs from a table", icon=":material/playlist_add:", expanded=not fleet_now.pbxs):
        bulk_form.show()
    if fleet_now.pbxs:
        _matrix(context, fleet_now.pbxs)
    _account(fleet_now.account)


def choose(snapshot: Snapshot, bar: DeltaGenerator) -> str:
    """Draw the choice of one PBX, retired ones last; return its id. The choice is a URL query parameter."""
    if snapshot.pbxs.empty:
        return ""
    pbx_id: str | None = bar.selectbox(
        "PBX",
        fleet.in_order(snapshot),
        index=None,
        format_func=snapshot.name_of,
        placeholder="All PBXs",
        key=CHOSEN,
        bind="query-params",
        width=260,
    )
    if pbx_id:
        bar.button("All PBXs", icon=":material/arrow_back:", key="set_up_all", on_click=open_one, args=(None,))
    return pbx_id or ""


def open_one(pbx_id: str | None) -> None:
    """Open one PBX; ``None`` returns to all PBXs."""
    st.session_state[CHOSEN] = pbx_id


def _bar(context: OnboardingContext, allow: PlanBatch, route: PlanBatch) -> None:
    """Draw the actions on many PBXs: buttons that open the review of one plan, and the configuration archive."""
    writable = config_archive.writable(context)
    for batch, check, icon in ((allow, ALLOWED_CHECK, "shield_lock"), (route, ROUTED_CHECK, "call_split")):
        if batch.changes:
            st.button(
                batch.label,
                icon=f":material/{icon}:",
                type="primary" if batch is allow else "secondary",
                key=f"set_up_many_{check}",
                on_click=review.ask_changes,
                args=(batch.changes,),
                kwargs={"title": batch.label, "check": check},
                help="One plan, reviewed before anything is changed."
                + (f" {batch.rest:,} are left for the next one." if batch.rest else ""),
            )
    if writable:
        st.download_button(
            f"Download {counted(writable, 'configuration')}",
            data=lambda: pbx_config.zipped(config_archive.files_of(context)),
            file_name=f"pbx-configurations{'-SAMPLE' if context.snapshot.account.sample else ''}.zip",
            mime="application/zip",
            icon=":material/folder_zip:",
            key="set_up_archive",
            on_click="ignore",
            help="A folder for each static PBX, with its files and what to do with them. No password is in it.",
        )


def _matrix(context: OnboardingContext, standings: Sequence[PbxProgress]) -> None:
    show: Any = st.segmented_control(
        "Show",
        [str(item) for item in fleet.Show],
        default=str(fleet.Show.ALL),
        required=True,
        key="set_up_show",
        bind="query-params",
        label_visibility="collapsed",
    )
    filtered = fleet.filter_fleet(standings, fleet.Show(show or fleet.Show.ALL))
    if not filtered:
        if show == fleet.Show.TO_DO:
            empty_states.empty("None of them is left to do.")
        else:
            empty_states.empty("None of them is set up yet.", icon=ICONS["info"])
        return
    frame = fleet.frame_of(filtered, context)
    st.dataframe(
        tables.sanitized(frame),
        hide_index=True,
        height=tables.height(len(frame)),
        column_config={
            "name": tables.text("PBX", width=80) | {"pinned": True},
            "next": tables.text("Next", width=146),
            **{
                name: tables.chips(fleet.COLUMNS[name], fleet.STATES, width=WIDTHS[name])
                for name in onboarding_steps.TITLES
            },
        },
        on_select=lambda: _open_selected([item.pbx_id for item in filtered]),
        selection_mode="single-row",
        key=TABLE,
    )
    st.caption(f"Select a row to see the evidence of each step and go on with that PBX. {fleet.LEGEND}")
    tables.download(
        "pbx-set-up", len(filtered), lambda: fleet.evidence_of(filtered), context.snapshot, key="set_up_download"
    )


def _open_selected(pbx_ids: Sequence[str]) -> None:
    rows = st.session_state[TABLE]["selection"]["rows"]
    if rows and rows[0] < len(pbx_ids):
        open_one(pbx_ids[rows[0]])


def _account(account: account_step.Credentials) -> None:
    """Draw the account's step with what still needs credentials; the button appears once nothing does."""
    color, icon = LOOKS[account.progress]
    st.subheader("Last, for the whole account: credentials off")
    st.markdown(f":{color}[{icon}] {plain(account.evidence)}")
    st.markdown("\n".join(f"- {plain(sentence)}" for sentence in account.needs))
    if account.finding:
        st.button(
            plain(account.finding.changes[0].describe()),
            type="primary",
            key="set_up_credentials",
            on_click=review.ask_fix,
            args=(account.finding.check, account.finding.subject),
        )


def note(pbx_id: str, kind: str, content: dict[str, Any]) -> None:
    """Save a note about a PBX with the name of the actor at the browser."""
    state = session.workspace().state
    by = session.actor().name
    notes.add_note(state, pbx_id, kind, content, at=clocks.now(), by=by)
