"""Comparison with the portal: paste its list, review the difference, accept it. Missing entries stay unless ticked."""

from __future__ import annotations

import streamlit as st

from dashboard.carriers.flowroute.portal_paste import PasteDiff, PastedList, difference, read_pasted
from dashboard.core.text import counted
from dashboard.domain.capabilities import Capability
from dashboard.domain.changes import AllowAddress, RemoveAddress
from dashboard.domain.claims import lacking
from dashboard.domain.snapshot import Snapshot
from dashboard.fixes.account_image import entry
from dashboard.services import declarations
from dashboard.web import session
from dashboard.web.components.formatting import ICONS, mono, owner_of, plain
from dashboard.web.fixes import review

TEXT_KEY = "account_pasted"


def show(snapshot: Snapshot) -> None:
    """Draw the text area for the pasted list and, once it has text, the difference."""
    st.caption("Copy the page Outbound Allowed IPs as it is, in any layout. The addresses are read out of it.")
    text = st.text_area("What the portal shows", key=TEXT_KEY, height=120, label_visibility="collapsed") or ""
    st.button("Compare", icon=":material/difference:", key="account_compare")
    if not text.strip():
        if snapshot.allowed_ips.empty and Capability.READ_ALLOWED_IPS not in snapshot.capabilities:
            nothing = PasteDiff(added=(), missing=(), same=())
            st.button(
                "The list in the portal is empty", key="account_empty", on_click=_keep, args=(nothing, [], snapshot)
            )
        return
    with session.errors_said():
        pasted = read_pasted(text, public_ranges=snapshot.treated_as_public)
        found = difference(snapshot.allowed_ips["network"], pasted)
        _difference(pasted, found, snapshot)


def _difference(pasted: PastedList, found: PasteDiff, snapshot: Snapshot) -> None:
    for fault in pasted.unusable:
        st.markdown(f":orange[{ICONS['warning']}] Line {fault.line}: {plain(fault.sentence)}")
    if not pasted.entries:
        st.warning("No address was found in what was pasted. The list is unchanged.", icon=ICONS["warning"])
        return
    added, missing, same = st.columns(3)
    with added:
        st.markdown(f"**{counted(len(found.added), 'entry', 'entries')} to add**")
        for new in found.added:
            st.markdown(f":green[:material/add:] {mono(new.network)} {plain(new.label)}")
    with missing:
        st.markdown(f"**{len(found.missing)} not in what was pasted**")
        if found.missing:
            st.caption("They stay on the list. Tick those that are really gone.")
        gone = [network for network in found.missing if _gone(network, snapshot)]
    with same:
        st.markdown(f"**{len(found.same)} the same**")
        for network in found.same:
            st.markdown(f":gray[:material/check:] {mono(network)} {plain(owner_of(network, snapshot))}")
    _accept(found, gone, snapshot)


def _gone(network: str, snapshot: Snapshot) -> bool:
    return st.checkbox(f"{mono(network)} {plain(owner_of(network, snapshot))}", key=f"account_gone_{network}")


def _accept(found: PasteDiff, gone: list[str], snapshot: Snapshot) -> None:
    changes = len(found.added) + len(gone)
    if Capability.READ_ALLOWED_IPS not in snapshot.capabilities:
        label = "Accept as the list" if changes else "Confirm that the list is the same"
        st.button(label, type="primary", key="account_accept", on_click=_keep, args=(found, gone, snapshot))
        return
    if not changes:
        if old := lacking(snapshot, "allowed_ips"):
            st.markdown(f":gray[{ICONS['unknown']}] What was pasted is on the last known list. {plain(old)}")
        else:
            st.markdown(f":green[{ICONS['good']}] Nothing to change: what was pasted is on the list.")
        return
    rows = snapshot.allowed_ips.set_index("network")
    planned = [AllowAddress(network=new.network, label=new.label) for new in found.added]
    removed = [RemoveAddress(network=network, **entry(rows.loc[network])) for network in gone]
    st.button(
        f"Review {counted(changes, 'change')} of the account",
        type="primary",
        key="account_accept",
        on_click=review.ask_changes,
        args=([*planned, *removed],),
    )


def _keep(found: PasteDiff, gone: list[str], snapshot: Snapshot) -> None:
    """Save the accepted list and clear the text area."""
    with session.errors_said():
        opened = session.workspace()
        by = session.who().name
        shown = snapshot.version_ids
        declarations.keep_list(opened, snapshot.allowed_ips, found, remove=gone, shown=shown, by=by)
        session.note(f"Accepted: {len(found.added)} added, {len(gone)} removed, the rest kept.")
        st.session_state[TEXT_KEY] = ""
