"""Comparison with the portal: paste its list, review the difference, accept it. Missing entries stay unless ticked."""

from __future__ import annotations

import streamlit as st

from dashboard.carriers.flowroute import portal_paste
from dashboard.core.text import counted
from dashboard.domain.capabilities import Capability
from dashboard.domain.changes import AllowAddress, RemoveAddress
from dashboard.domain.claims import lacking
from dashboard.domain.snapshot import Snapshot
from dashboard.fixes import account_image
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
    _compare(text, snapshot)
    session.show_kept_error(TEXT_KEY)


def _compare(text: str, snapshot: Snapshot) -> None:
    """Draw the difference between the pasted text and the list, or the button for an empty list in the portal."""
    if not text.strip():
        if snapshot.allowed_ips.empty and Capability.READ_ALLOWED_IPS not in snapshot.capabilities:
            no_difference = portal_paste.PasteDiff(added=(), missing=(), same=())
            st.button(
                "The list in the portal is empty",
                key="account_empty",
                on_click=_save_list,
                args=(no_difference, [], snapshot),
            )
        return
    with session.show_errors():
        pasted = portal_paste.read_pasted(text, public_ranges=snapshot.treated_as_public)
        diff = portal_paste.difference(snapshot.allowed_ips["network"], pasted)
        _difference(pasted, diff, snapshot)


def _difference(pasted: portal_paste.PastedList, diff: portal_paste.PasteDiff, snapshot: Snapshot) -> None:
    for fault in pasted.unusable:
        st.markdown(f":orange[{ICONS['warning']}] Line {fault.line}: {plain(fault.sentence)}")
    if not pasted.entries:
        st.warning("No address was found in what was pasted. The list is unchanged.", icon=ICONS["warning"])
        return
    added, missing, unchanged = st.columns(3)
    with added:
        st.markdown(f"**{counted(len(diff.added), 'entry', 'entries')} to add**")
        for new in diff.added:
            st.markdown(f":green[:material/add:] {mono(new.network)} {plain(new.label)}")
    with missing:
        st.markdown(f"**{len(diff.missing)} not in what was pasted**")
        if diff.missing:
            st.caption("They stay on the list. Tick those that are really gone.")
        removed = [network for network in diff.missing if _is_ticked(network, snapshot)]
    with unchanged:
        st.markdown(f"**{len(diff.same)} the same**")
        for network in diff.same:
            st.markdown(f":gray[:material/check:] {mono(network)} {plain(owner_of(network, snapshot))}")
    _accept(diff, removed, snapshot)


def _is_ticked(network: str, snapshot: Snapshot) -> bool:
    return st.checkbox(f"{mono(network)} {plain(owner_of(network, snapshot))}", key=f"account_gone_{network}")


def _accept(diff: portal_paste.PasteDiff, removed_networks: list[str], snapshot: Snapshot) -> None:
    changes = len(diff.added) + len(removed_networks)
    if Capability.READ_ALLOWED_IPS not in snapshot.capabilities:
        label = "Accept as the list" if changes else "Confirm that the list is the same"
        st.button(
            label, type="primary", key="account_accept", on_click=_save_list, args=(diff, removed_networks, snapshot)
        )
        return
    if not changes:
        if old := lacking(snapshot, "allowed_ips"):
            st.markdown(f":gray[{ICONS['unknown']}] What was pasted is on the last known list. {plain(old)}")
        else:
            st.markdown(f":green[{ICONS['good']}] Nothing to change: what was pasted is on the list.")
        return
    rows = snapshot.allowed_ips.set_index("network")
    planned = [AllowAddress(network=new.network, label=new.label) for new in diff.added]
    removed = [RemoveAddress(network=network, **account_image.entry(rows.loc[network])) for network in removed_networks]
    st.button(
        f"Review {counted(changes, 'change')} of the account",
        type="primary",
        key="account_accept",
        on_click=review.ask_changes,
        args=([*planned, *removed],),
    )


def _save_list(diff: portal_paste.PasteDiff, removed_networks: list[str], snapshot: Snapshot) -> None:
    """Save the accepted list and clear the text area."""
    with session.keep_errors(TEXT_KEY):
        opened = session.workspace()
        by = session.actor().name
        version_ids = snapshot.version_ids
        declarations.save_list(
            opened, snapshot.allowed_ips, diff, remove=removed_networks, version_ids=version_ids, by=by
        )
        session.note(f"Accepted: {len(diff.added)} added, {len(removed_networks)} removed, the rest kept.")
        st.session_state[TEXT_KEY] = ""
