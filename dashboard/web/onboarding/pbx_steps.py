"""Setup steps of one PBX: each step with its evidence and the actions to complete it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard.domain.claims import cure
from dashboard.domain.snapshot import Snapshot
from dashboard.services.onboarding import (
    OnboardingContext,
    OnboardingStep,
    StepProgress,
    account_step,
    dialing,
    fleet,
    notes,
)
from dashboard.services.onboarding import steps as onboarding_steps
from dashboard.sip import build, lint
from dashboard.web import session
from dashboard.web.components.formatting import ICONS, KIND_WORDS, plain
from dashboard.web.fixes import review
from dashboard.web.inventory import pbx_config
from dashboard.web.onboarding import overview, probe_forms
from dashboard.web.onboarding.overview import LOOKS

EXAMPLE_NUMBER = "12065550142"


def show(steps: Sequence[OnboardingStep], context: OnboardingContext, pbx_id: str) -> None:
    """Draw every step with the next open one expanded, then the step of the account."""
    following = onboarding_steps.next_open(steps)
    for number, step in enumerate(steps, start=1):
        with st.expander(_label(number, step.title, step.progress), expanded=step is following):
            st.markdown(plain(step.evidence))
            with session.show_errors():
                _act(step, context, pbx_id)
    account = account_step.credentials(context)
    with st.expander(_label(len(steps) + 1, account.step.title, account.progress)):
        st.markdown(plain(account.evidence))
        st.markdown("\n".join(f"- {plain(sentence)}" for sentence in account.needs))
        st.button("See it beside all PBXs", key="set_up_to_all", on_click=overview.open_one, args=(None,))


def _label(number: int, title: str, progress: StepProgress) -> str:
    color, icon = LOOKS[progress]
    return f":{color}[{icon}] **{number}. {title}** &nbsp; :{color}[{progress.capitalize()}]"


def _act(step: OnboardingStep, context: OnboardingContext, pbx_id: str) -> None:
    snapshot = context.snapshot
    pbx = context.pbxs[pbx_id]
    dynamic = pbx["ip_kind"] == "dynamic"
    if step.id == "kind":
        st.caption(f"{KIND_WORDS[pbx['ip_kind']]}, as the inventory says.")
        st.page_link("web/pages/inventory.py", label="Change it on Inventory", icon=":material/dns:")
    elif step.id == "dial":
        _dial(context, pbx_id, open_step=step.progress in onboarding_steps.TO_DO)
    elif step.id == "snippet" and not dynamic:
        _configure(step, snapshot, pbx_id)
    elif step.id in onboarding_steps.CHECKS:
        for number, finding in enumerate(fleet.fixes(context, pbx_id, step)):
            st.button(
                plain(finding.changes[0].describe()),
                key=f"set_up_{step.id}_{number}",
                type="primary",
                on_click=review.ask_fix,
                args=(finding.check, finding.subject),
            )
    elif step.id == "probe" and not dynamic:
        addresses = context.addresses.get(pbx_id, [])
        probe_forms.show(
            snapshot, addresses, dialing.pop_of(context, pbx_id), lambda *note_content: _note(pbx_id, *note_content)
        )
    elif step.id == "call" and step.progress is not StepProgress.DONE:
        st.caption(f"Place a call from the PBX. It shows here once it was read. {cure(snapshot, 'calls')}")


def _note(pbx_id: str, kind: str, content: Mapping[str, Any]) -> None:
    overview.note(pbx_id, kind, dict(content))
    session.note("It is noted, with your name.")
    st.rerun()


def _configure(step: OnboardingStep, snapshot: Snapshot, pbx_id: str) -> None:
    """Draw the wanted configuration and the button that records it as installed, which does not prove the step."""
    pbx_config.show(snapshot, pbx_id)
    if step.progress in (StepProgress.OPEN, StepProgress.SAID):
        label = "I put it on the PBX" if step.progress is StepProgress.OPEN else "I put it on again"
        help_text = "It is noted with your name. The step is proven by calls, or by reading the configuration back."
        if st.button(label, icon=":material/edit_note:", key="set_up_configured", help=help_text):
            _note(pbx_id, notes.CONFIGURED, {})


def _dial(known: OnboardingContext, pbx_id: str, *, open_step: bool) -> None:
    snapshot = known.snapshot
    prefix = snapshot.account.tech_prefix
    pop = dialing.pop_of(known, pbx_id)
    if not prefix:
        st.caption("The tech prefix is not known yet; it is on Account.")
        return
    number = st.text_input("A number to dial", value=EXAMPLE_NUMBER, key="set_up_number", width=320) or EXAMPLE_NUMBER
    st.code(build(prefix, number, pop), language=None)
    typed = st.text_input(
        "What your PBX sends now, to be checked", key="set_up_own", placeholder=f"{prefix}*1206…@{pop}"
    )
    if typed:
        issues = lint(typed, prefix)
        for issue in issues:
            st.markdown(f":red[{ICONS['error']}] {plain(issue.sentence)}")
        if not issues:
            st.markdown(f":green[{ICONS['good']}] The carrier takes this dial string.")
    if known.pbxs[pbx_id]["ip_kind"] == "dynamic":
        with st.expander("Configuration for Asterisk (PJSIP), with credentials", icon=":material/code:"):
            st.code(dialing.with_credentials(known, pbx_id), language="ini")
    elif open_step and st.button("It dials the prefix now", key="set_up_dials", icon=":material/check:"):
        dialing.keep_dials_prefix(session.workspace(), snapshot, pbx_id, by=session.actor().name)
        session.note(f"{snapshot.name_of(pbx_id)} dials the prefix, as you said.")
        st.rerun()
