"""The account page: the list of allowed addresses, the switch, the prefix."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dashboard import session
from dashboard.addresses import parse_entry
from dashboard.app_parts import declared, grids, review, states
from dashboard.app_parts.words import ICONS, SEVERITY_COLORS, STATUS_COLORS, Color, ago, owner_of, plain, titled
from dashboard.capabilities import Capability
from dashboard.changes import AllowAddress, RemoveAddress, SetCredentials
from dashboard.errors import AddressError
from dashboard.findings import Finding, Status
from dashboard.fixes.image import entry
from dashboard.snapshot import Snapshot

CREDENTIAL_WORDS = {True: "Enabled", False: "Disabled", None: "Not known"}


def entries(snapshot: Snapshot, findings: Sequence[Finding]) -> None:
    """Draw the list with whose each address is, who put it there, why, and its last call; one may be removed."""
    if snapshot.allowed_ips.empty:
        states.empty("The list is empty. Add an address, or paste what the portal shows.", icon=ICONS["unknown"])
    else:
        _table(snapshot, findings)
    with st.popover("Allow an address", icon=":material/add:"), st.form("account_allow", border=False):
        _allow(snapshot)


def _table(snapshot: Snapshot, findings: Sequence[Finding]) -> None:
    frame = entries_frame(snapshot, findings)
    event = st.dataframe(
        frame,
        hide_index=True,
        height=grids.height(len(frame)),
        column_config={
            "control": grids.chips("Control", {"In order": "good", "Look at it": "risk"}, width=100),
            "network": grids.text("Address", width=120),
            "pbx": grids.text("PBX", width=140),
            "why": grids.text("Why it is here", width=220),
            "role": grids.text("Role", width=80),
            "last_call": grids.when("Last call"),
            "calls": grids.whole("Calls, 30 days"),
            "added_by": grids.text("Added by", width=110),
            "added_at": grids.when("Added"),
            "review_by": grids.when("Review by"),
        },
        on_select="rerun",
        selection_mode="single-row",
        placeholder="-",
        key="account_entries",
    )
    chosen = event["selection"]["rows"]
    if not chosen or chosen[0] >= len(snapshot.allowed_ips):
        st.caption("Select a row to remove its address.")
        return
    row = snapshot.allowed_ips.iloc[chosen[0]].to_dict()
    st.button(
        f"Remove {row['network']}",
        icon=":material/delete:",
        key="account_remove",
        on_click=review.ask_changes,
        args=([RemoveAddress(network=row["network"], **entry(row))],),
    )


def entries_frame(snapshot: Snapshot, findings: Sequence[Finding]) -> pd.DataFrame:
    """Return the list as the page shows it, a row an entry in the list's own order."""
    outbound = snapshot.traffic[snapshot.traffic["direction"] == "outbound"]
    last = outbound.groupby("source_ip")["last_at"].max()
    calls = outbound.groupby("source_ip")["calls"].sum()
    bad = {finding.subject for finding in findings if finding.status is Status.FAIL}
    rows = snapshot.allowed_ips
    return pd.DataFrame(
        {
            "control": [["Look at it"] if network in bad else ["In order"] for network in rows["network"]],
            "network": rows["network"],
            "pbx": [titled(owner_of(network, snapshot)) for network in rows["network"]],
            "why": [purpose or label for purpose, label in zip(rows["purpose"], rows["label"], strict=True)],
            "role": rows["role"].str.capitalize(),
            "last_call": rows["network"].map(last),
            "calls": rows["network"].map(calls).fillna(0),
            "added_by": rows["added_by"],
            "added_at": rows["added_at"],
            "review_by": rows["review_by"],
        }
    )


def _allow(snapshot: Snapshot) -> None:
    network = st.text_input("Address", placeholder="198.51.100.24", help="One public IPv4 address.") or ""
    label = st.text_input("Label") or ""
    owner = st.text_input("Owner") or ""
    purpose = st.text_input("Why it is here") or ""
    standby = st.checkbox("Standby: no calls are expected from it")
    if st.form_submit_button("Review the change", type="primary"):
        try:
            clean = parse_entry(network.strip(), public_ranges=snapshot.treated_as_public)
        except AddressError as exc:
            st.error(plain(str(exc)), icon=ICONS["error"])
            return
        role = "standby" if standby else "active"
        review.ask_changes([AllowAddress(network=clean, label=label, owner=owner, purpose=purpose, role=role)])
        st.rerun()


def credentials(snapshot: Snapshot, findings: Sequence[Finding]) -> None:
    """Draw the switch, what the check says of it, and the button that turns it."""
    on = snapshot.account.credentials_on
    finding = next((finding for finding in findings if finding.check == "credentials_are_off"), None)
    color: Color = STATUS_COLORS[finding.status] if finding else "gray"
    color = SEVERITY_COLORS[finding.severity] if finding and finding.status is Status.FAIL else color
    st.badge(CREDENTIAL_WORDS[on], color=color, icon=":material/key:")
    if finding:
        st.markdown(plain(finding.reason))
    if on is None:
        _declare(snapshot)
        return
    st.button(
        "Disable outbound credentials" if on else "Enable outbound credentials",
        key="account_credentials",
        on_click=review.ask_changes,
        args=([SetCredentials(enabled=not on)], "", finding.check if finding and on else "", "account" if on else ""),
    )
    if Capability.READ_CREDENTIALS not in snapshot.capabilities:
        _declare(snapshot)


def _declare(snapshot: Snapshot) -> None:
    """Let an operator say what the portal shows, where no program can read it."""
    with st.form("account_declare", border=False):
        prefix = st.text_input("Tech prefix, as the portal shows it", value=snapshot.account.tech_prefix) or ""
        shown = st.radio("Outbound SIP credentials in the portal", ["Enabled", "Disabled"], horizontal=True)
        if st.form_submit_button("Record what the portal shows"):
            with session.errors_said():
                by, on = session.who().name, shown == "Enabled"
                declared.keep_account(session.workspace(), tech_prefix=prefix, credentials_on=on, by=by)
                session.note("Recorded what the portal shows.")
                st.rerun()


def prefix(snapshot: Snapshot) -> None:
    """Draw the prefix so that it can be copied, and what to do with it."""
    if not snapshot.account.tech_prefix:
        states.empty("The tech prefix is not known yet.", icon=ICONS["unknown"])
        return
    st.code(snapshot.account.tech_prefix, language=None)
    st.caption("Every PBX dials it, then `*`, then the number. Set up a PBX shows the whole dial string.")
    seen = snapshot.freshness.get("credentials")
    if seen:
        st.caption(f"Known by the {snapshot.account.known_by}, read {ago(seen.as_of, snapshot.taken_at)}.")
