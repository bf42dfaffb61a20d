"""SIP tests of a PBX: a test call from its own machine, and OPTIONS to the PoPs from the dashboard's machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard.domain.snapshot import Snapshot
from dashboard.services.onboarding import notes, probes
from dashboard.sip.probe import Probe
from dashboard.web import session
from dashboard.web.components.formatting import ICONS, mono, plain

KEY = "probe_found"
Keep = Callable[[str, Mapping[str, Any]], None]


def show(snapshot: Snapshot, addresses: Sequence[str], pop: str, save_note: Keep) -> None:
    """
    Draw both tests; their results are saved as notes, so that the setup can be interrupted and resumed.

    Args:
        snapshot: Snapshot with the account and its PoPs.
        addresses: Source addresses of the PBX; the test call uses the first.
        pop: Host of the PoP that the PBX should call; it is probed first.
        save_note: Saves a note, given its kind and content.
    """
    st.markdown("On the PBX's own machine, place one test call; it is hung up as soon as it rings.")
    command_line = probes.command(addresses[0] if addresses else "", pop, snapshot.account.tech_prefix)
    st.code(command_line, language=None, wrap_lines=True)
    with st.form("probe_printed_form", border=False, clear_on_submit=True):
        printed = st.text_area("What it printed", key="probe_printed", height=80, placeholder='{"sip_status": 180, …}')
        if st.form_submit_button("Note the result", icon=":material/edit_note:"):
            with session.show_errors():
                save_note(notes.CALLED, notes.read_call(printed or "", addresses))
    if snapshot.account.sample:
        st.caption("The PoPs of the sample account are names only, so nothing is asked from here.")
        return
    if st.button("Ask the PoPs from here", icon=":material/network_check:", key="probe_ask"):
        with session.show_errors(), st.spinner("Asking the PoPs"):
            found = probes.asked(probes.hosts(snapshot, pop))
            st.session_state[KEY] = found
            save_note(notes.REACHED, notes.reached_content(found))
    answers: Sequence[Probe] = st.session_state.get(KEY, ())
    for probe in answers:
        st.markdown(answer_text(probe))
    if answers:
        st.caption(
            "Asked from the machine of this dashboard, not from the PBX. Reachable is not admitted: "
            "a PoP answers this to anybody."
        )


def answer_text(probe: Probe) -> str:
    """Return a PoP's answer, its response time in seconds and its meaning, as Markdown."""
    color, icon = ("green", "good") if probe.sip_status else ("red", "error")
    answer = f"{probe.sip_status} {probe.sip_reason}".strip() if probe.sip_status else "no answer"
    took = f" after {probe.seconds:.3f} s" if probe.seconds is not None else ""
    return f":{color}[{ICONS[icon]}] {mono(probe.pop)}: {plain(answer)}{took}. {plain(probe.meaning)}"
