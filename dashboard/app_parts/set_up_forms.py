"""The set-up page: the choice of a PBX, and what each step needs to be done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from dashboard import session
from dashboard.app_parts import declared, probe_forms, review
from dashboard.app_parts.set_up_steps import Progress, Step, addresses, next_open, of_pbx
from dashboard.app_parts.words import ICONS, KIND_WORDS, Color, plain
from dashboard.dialing import asterisk_pjsip, build, lint
from dashboard.findings import Finding
from dashboard.snapshot import Snapshot

LOOKS: Final[dict[Progress, tuple[Color, str]]] = {
    Progress.DONE: ("green", ICONS["good"]),
    Progress.OPEN: ("orange", ":material/radio_button_unchecked:"),
    Progress.UNKNOWN: ("gray", ICONS["unknown"]),
    Progress.NOT_NEEDED: ("gray", ":material/remove_circle_outline:"),
}
EXAMPLE_NUMBER = "12065550142"
FALLBACK_POP = "us-west-or.sip.flowroute.com"


def choose(snapshot: Snapshot) -> str:
    """Draw the choice of a PBX; retired ones stand last."""
    order = {"active": 0, "standby": 1, "retired": 2}
    rows = snapshot.pbxs.assign(rank=snapshot.pbxs["status"].map(order)).sort_values(["rank", "name"])
    options = [str(pbx_id) for pbx_id in rows["pbx_id"]]
    chosen = st.selectbox("PBX", options, format_func=snapshot.name_of, key="pbx_id", bind="query-params", width=320)
    return chosen or options[0]


def show(steps: Sequence[Step], snapshot: Snapshot, findings: Sequence[Finding], pbx_id: str) -> None:
    """Draw every step, the next one open."""
    following = next_open(steps)
    for number, step in enumerate(steps, start=1):
        color, icon = LOOKS[step.progress]
        label = f":{color}[{icon}] **{number}. {step.title}** &nbsp; :{color}[{step.progress.capitalize()}]"
        with st.expander(label, expanded=step is following):
            st.markdown(plain(step.evidence))
            _act(step, snapshot, findings, pbx_id)


def _act(step: Step, snapshot: Snapshot, findings: Sequence[Finding], pbx_id: str) -> None:
    if step.id == "kind":
        kind = str(snapshot.pbxs.loc[snapshot.pbxs["pbx_id"] == pbx_id, "ip_kind"].iloc[0])
        st.caption(f"{KIND_WORDS[kind]}, as the inventory says.")
        st.page_link("app_pages/inventory.py", label="Change it on Inventory", icon=":material/dns:")
    elif step.id == "dial":
        with session.errors_said():
            _dial(snapshot, pbx_id, open_step=step.progress in (Progress.OPEN, Progress.UNKNOWN))
    elif step.id in ("allow", "route"):
        check = {"allow": "pbx_address_is_allowed", "route": "pbx_has_inbound_route"}[step.id]
        for number, finding in enumerate(of_pbx(findings, check, pbx_id)):
            if finding.changes:
                st.button(
                    plain(finding.changes[0].sentence()),
                    key=f"set_up_{step.id}_{number}",
                    type="primary",
                    on_click=review.ask_fix,
                    args=(finding.check, finding.subject),
                )
    elif step.progress is not Progress.DONE:
        st.caption("Place a call from the PBX, then sync. It shows here within a few minutes.")
    if step.id == "call":
        pbx = snapshot.pbxs[snapshot.pbxs["pbx_id"] == pbx_id].iloc[0]
        mine = addresses(snapshot, pbx_id)
        probe_forms.show(snapshot, mine[0] if mine else "", pop_host(snapshot, str(pbx["pop"])))


def _dial(snapshot: Snapshot, pbx_id: str, *, open_step: bool) -> None:
    pbx = snapshot.pbxs[snapshot.pbxs["pbx_id"] == pbx_id].iloc[0]
    prefix, pop = snapshot.account.tech_prefix, pop_host(snapshot, str(pbx["pop"]))
    if not prefix:
        st.caption("The tech prefix is not known yet; it is on Account.")
        return
    number = st.text_input("A number to dial", value=EXAMPLE_NUMBER, key="set_up_number", width=320) or EXAMPLE_NUMBER
    st.code(build(prefix, number, pop), language=None)
    own = st.text_input("What your PBX sends now, to be checked", key="set_up_own", placeholder=f"{prefix}*1206…@{pop}")
    if own:
        issues = lint(own, prefix)
        for issue in issues:
            st.markdown(f":red[{ICONS['error']}] {plain(issue.sentence)}")
        if not issues:
            st.markdown(f":green[{ICONS['good']}] The carrier takes this dial string.")
    signs_in = str(pbx["auth_method"]) == "credentials" or str(pbx["ip_kind"]) == "dynamic"
    with st.expander("Configuration for Asterisk (PJSIP)", icon=":material/code:"):
        ranges = [part.strip() for text in snapshot.edges["ranges"] for part in text.split(",") if part.strip()]
        st.code(asterisk_pjsip(prefix, pop, ranges, x_tag=str(pbx["x_tag"]), credentials=signs_in), language="ini")
    if open_step and not signs_in and st.button("It dials the prefix now", key="set_up_dials", icon=":material/check:"):
        frame = snapshot.pbxs.copy()
        frame.loc[frame["pbx_id"] == pbx_id, "dials_prefix"] = "yes"
        declared.keep_inventory(session.workspace(), "pbxs", frame, by=session.who().name)
        session.note(f"{snapshot.name_of(pbx_id)} dials the prefix, as you said.")
        st.rerun()


def pop_host(snapshot: Snapshot, pop: str) -> str:
    """Return the host of a PoP by its name or its host; the first the account shows where none is named."""
    edges = snapshot.edges
    named = edges[(edges["name"] == pop) | (edges["host"] == pop)]
    hosts = [host for host in [*named["host"], *edges["host"]] if host]
    if pop and named.empty and "." in pop:
        return pop
    return hosts[0] if hosts else FALLBACK_POP
