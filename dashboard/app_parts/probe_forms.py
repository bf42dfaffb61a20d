"""Trying a PBX out by SIP: the command for its own machine, and OPTIONS to the PoPs from this one."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import streamlit as st

from dashboard import session
from dashboard.app_parts.words import ICONS, plain
from dashboard.dialing import parse_pop
from dashboard.probing import Probe, Target, options
from dashboard.snapshot import Snapshot

KEY = "probe_found"
WAIT_S = 4.0
"""How long each PoP may take to answer; all are asked at once."""


def show(snapshot: Snapshot, address: str, pop: str) -> None:
    """
    Draw both ways to try it out.

    Args:
        snapshot: For the account and its PoPs.
        address: That the PBX calls from; ``""`` where none is known.
        pop: Host of the PoP that it should call, which is asked first.
    """
    st.markdown("Or try it on the PBX's own machine: one test call, hung up as soon as it rings.")
    st.code(command(address, pop, snapshot.account.tech_prefix), language=None, wrap_lines=True)
    if snapshot.account.sample:
        st.caption("The PoPs of the sample account are names only, so nothing is asked from here.")
        return
    hosts = [*dict.fromkeys([pop, *filter(None, snapshot.edges["host"])])]
    if st.button("Ask the PoPs from here", icon=":material/network_check:", key="probe_ask"):
        with session.errors_said(), st.spinner("Asking the PoPs"):
            st.session_state[KEY] = asked(hosts)
    found: Sequence[Probe] = st.session_state.get(KEY, ())
    for one in found:
        st.markdown(said(one))
    if found:
        st.caption(
            "Asked from the machine of this dashboard, not from the PBX. Reachable is not admitted: "
            "a PoP answers this to anybody."
        )


def command(address: str, pop: str, prefix: str) -> str:
    """Return the command that places one test call from the PBX's own machine; the number is the operator's."""
    told = ["trunkgate", "probe", *(["--from", address] if address else []), "--pop", pop]
    told += ["--tech-prefix", prefix] if prefix else []
    return f"{shlex.join(told)} --number NUMBER"


def asked(hosts: Sequence[str]) -> list[Probe]:
    """
    Ask each PoP by OPTIONS, all at once.

    Raises:
        InputError: A host has no address.
    """
    targets = []
    for host in hosts:
        name, _, port = parse_pop(host).partition(":")
        targets.append(Target(name, int(port or 0)))
    with ThreadPoolExecutor(max_workers=len(targets)) as pool:
        return list(pool.map(lambda target: options(target, wait_s=WAIT_S), targets))


def said(probe: Probe) -> str:
    """Say what a PoP answered, after how long, and what it means."""
    color, icon = ("green", "good") if probe.sip_status else ("red", "error")
    answer = f"{probe.sip_status} {probe.sip_reason}".strip() if probe.sip_status else "no answer"
    took = f" after {probe.seconds:.3f} s" if probe.seconds is not None else ""
    return f":{color}[{ICONS[icon]}] `{probe.pop}`: {plain(answer)}{took}. {plain(probe.meaning)}"
