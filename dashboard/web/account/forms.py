"""Forms of the Account page: allow list, outbound credentials, tech prefix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.core.addresses import membership, parse_entry
from dashboard.core.elapsed import ago
from dashboard.core.errors import AddressError
from dashboard.core.text import counted, titled
from dashboard.domain.capabilities import Capability
from dashboard.domain.changes import AllowAddress, RemoveAddress, SetCredentials
from dashboard.domain.claims import Claims, GroupStatus, file_only_sentence
from dashboard.domain.findings import Finding, Status
from dashboard.domain.snapshot import Age, Snapshot
from dashboard.fixes import account_image
from dashboard.services import declarations
from dashboard.services.exports import frames
from dashboard.web import session
from dashboard.web.components import empty_states, tables
from dashboard.web.components.fields import fill
from dashboard.web.components.formatting import (
    ICONS,
    SEVERITY_COLORS,
    STATUS_COLORS,
    STATUS_WORDS,
    Color,
    exact,
    owner_of,
    plain,
)
from dashboard.web.fixes import review

ENABLED = "Enabled"
DISABLED = "Disabled"
CREDENTIAL_WORDS = {True: ENABLED, False: DISABLED, None: "Not known"}
PREFIX_KEY = "account_declared_prefix"
SWITCH_KEY = "account_declared_credentials"
DECLARE_FORM = "account_declare"
AGES_S = 15
"""Refresh interval of displayed ages in seconds."""
DAY_FORM = "%-d %b %Y"
NOT_JUDGED = STATUS_WORDS[Status.UNKNOWN]
CONTROL_WORDS = {
    GroupStatus.OPEN: "Needs review",
    GroupStatus.LAST_KNOWN: "Failed last",
    GroupStatus.UNKNOWN: NOT_JUDGED,
    GroupStatus.CLEAR: "OK",
}
CONTROL_STATES = {"OK": "good", "Needs review": "risk", "Failed last": "risk", NOT_JUDGED: "unknown"}
FIRST = (
    "Without the list no call can be evaluated. First record the tech prefix and the credentials below, then paste the "
    "list under Compare with the portal."
)


def entries(claims: Claims) -> None:
    """
    Draw the allow list with the PBX, origin, purpose and last call of each entry.

    Also draw a button that removes the selected entry and a form that allows an address.
    """
    snapshot = claims.snapshot
    declares = Capability.READ_ALLOWED_IPS not in snapshot.capabilities
    source_note = declared_note("allowed_ips", "pasted") if declares else ""
    if declares and not source_note:
        empty_states.empty(FIRST, icon=ICONS["unknown"])
    elif snapshot.allowed_ips.empty:
        gap = claims.lacking("allowed_ips") or "The list is empty."
        empty_states.empty(f"{gap} Add an address, or paste what the portal shows.", icon=ICONS["unknown"])
    else:
        _table(claims)
    if source_note:
        st.caption(source_note)
    with st.popover("Allow an address", icon=":material/add:"), st.form("account_allow", border=False):
        _allow(snapshot)


def declared_note(kind: str, action: str) -> str:
    """
    Return a sentence on when and by whom a declared copy was entered; empty if there is none.

    Args:
        kind: ``account`` or ``allowed_ips``.
        action: How it was entered: ``recorded`` or ``pasted``.
    """
    declaration = declarations.last_shown(session.workspace(), kind)
    return (
        f"As the portal showed on {exact(declaration.at, session.zone())}, {action} by {plain(declaration.by)}."
        if declaration
        else ""
    )


def _table(claims: Claims) -> None:
    snapshot = claims.snapshot
    frame = entries_frame(claims)
    event = st.dataframe(
        tables.sanitized(frame),
        hide_index=True,
        height=tables.height(len(frame)),
        column_config={
            "network": tables.text("Address", width=100),
            "pbx": tables.text("PBX", width=126),
            "control": tables.chips("Control", CONTROL_STATES, width=106),
            "why": tables.text("Purpose", width=176),
            "last_call": tables.relative_time("Last call") | {"width": 108},
            "calls": tables.whole("Calls")
            | {"width": 60, "help": f"Outbound calls of the last {counted(snapshot.window_days, 'day')}."},
            "since": tables.text("On the list since", width=138),
        },
        on_select="rerun",
        selection_mode="single-row",
        placeholder="-",
        key="account_entries",
    )
    selected_rows = event["selection"]["rows"]
    if file_only_note := file_only_sentence(snapshot):
        st.caption(file_only_note)
    if not selected_rows or selected_rows[0] >= len(snapshot.allowed_ips):
        st.caption("Select a row to remove its address.")
        return
    row = snapshot.allowed_ips.iloc[selected_rows[0]].to_dict()
    if history := entry_history_text(row, snapshot):
        st.caption(plain(history))
    st.button(
        f"Remove {row['network']}",
        icon=":material/delete:",
        key="account_remove",
        on_click=review.ask_changes,
        args=([RemoveAddress(network=row["network"], **account_image.entry(row))],),
    )


def entry_history_text(row: Mapping[Any, Any], snapshot: Snapshot) -> str:
    """Return sentences on an entry's history, its review date, and what the carrier reports about it."""
    period = snapshot.listed_since.get(row["network"])
    sentences = []
    if period:
        word = "First seen" if period["since_known_by"] == "first_seen" else "On the list since"
        date = exact(period["since"], session.zone(), DAY_FORM)
        by = (
            f", {'declared' if word == 'First seen' else 'added'} by {period['added_by']}" if period["added_by"] else ""
        )
        sentences.append(f"{word} {date} ({ago(period['since'], snapshot.taken_at)}){by}.")
    if earlier := frames.earlier_periods(snapshot, str(row["network"])):
        sentences.append(f"Earlier: {'; '.join(earlier)}.")
    if review_date := exact(row["review_by"], session.zone(), DAY_FORM):
        sentences.append(f"Due for review by {review_date}.")
    if row["known_by"] != "operator" and not pd.isna(row["added_at"]):
        by = f" by {row['added_by']}" if row["added_by"] else ""
        sentences.append(f"Reported by Flowroute: added {exact(row['added_at'], session.zone(), DAY_FORM)}{by}.")
    return " ".join(sentences)


def entries_frame(claims: Claims) -> pd.DataFrame:
    """Return the table of the page: one row per entry, in the order of the allow list."""
    snapshot = claims.snapshot
    outbound = snapshot.traffic[snapshot.traffic["direction"] == "outbound"]
    rows = snapshot.allowed_ips
    sources = outbound["source_ip"]
    for network in rows.loc[rows["network"].str.contains("/"), "network"]:
        inside = outbound[membership((network,), sources)].assign(source_ip=network)
        outbound = pd.concat([outbound, inside])
    last = outbound.groupby("source_ip")["last_at"].max()
    calls = outbound.groupby("source_ip")["calls"].sum()
    zero = 0 if snapshot.age("calls") is Age.FRESH else None
    return pd.DataFrame(
        {
            "network": rows["network"],
            "pbx": [titled(owner_of(network, snapshot)) for network in rows["network"]],
            "control": [[CONTROL_WORDS[claims.entry(network)]] for network in rows["network"]],
            "why": [_purpose_text(row) for row in rows.to_dict("records")],
            "last_call": last.reindex(rows["network"]).array,
            "calls": calls.reindex(rows["network"], fill_value=zero).astype("Int64").array,
            "since": [_since(snapshot.listed_since.get(network, {})) for network in rows["network"]],
        }
    )


def _purpose_text(row: Mapping[Any, Any]) -> str:
    """Return the purpose or label of an entry, preceded by its role unless it is ``active``."""
    purpose = row["purpose"] or row["label"]
    role = str(row["role"]).replace("_", " ") if row["role"] != "active" else ""
    return ": ".join(filter(None, (titled(role), purpose)))


def _since(period: Mapping[str, Any]) -> str:
    """Return the date when an entry was added and by whom; for a pasted entry, the date when it was first seen."""
    if not period:
        return ""
    date = exact(period["since"], session.zone(), DAY_FORM)
    if period["since_known_by"] == "first_seen":
        return f"First seen {date}"
    return ", ".join(filter(None, (date, period["added_by"])))


def _allow(snapshot: Snapshot) -> None:
    network = st.text_input("Address", placeholder="198.51.100.24", help="One public IPv4 address.") or ""
    label = st.text_input("Label") or ""
    owner = st.text_input("Owner") or ""
    purpose = st.text_input("Purpose") or ""
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
    """Draw the state of the outbound credentials, the finding about them, and the button that switches them."""
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
    """Draw the form in which an operator records what the portal shows, for a carrier without API access to it."""
    on = snapshot.account.credentials_on
    recorded = None if on is None else CREDENTIAL_WORDS[on]
    fill("account_declare_filled", {PREFIX_KEY: snapshot.account.tech_prefix, SWITCH_KEY: recorded})
    with st.form(DECLARE_FORM, border=False):
        st.text_input("Tech prefix, as the portal shows it", key=PREFIX_KEY)
        choices = [ENABLED, DISABLED]
        st.radio("Outbound SIP credentials in the portal", choices, index=None, horizontal=True, key=SWITCH_KEY)
        session.show_kept_error(DECLARE_FORM)
        st.form_submit_button("Record what the portal shows", on_click=_record, args=(snapshot,))


def _record(snapshot: Snapshot) -> None:
    """Store what an operator typed and chose in the form, made from the account as shown."""
    switch = st.session_state[SWITCH_KEY]
    if switch is None:
        session.keep_error(DECLARE_FORM, "Say whether the portal shows the credentials as enabled or disabled.")
        return
    with session.keep_errors(DECLARE_FORM):
        declarations.save_account(
            session.workspace(),
            tech_prefix=st.session_state[PREFIX_KEY] or "",
            credentials_on=switch == ENABLED,
            version_ids=snapshot.version_ids,
            by=session.actor().name,
        )
        session.note("Recorded what the portal shows.")


def prefix(snapshot: Snapshot) -> None:
    """Draw the tech prefix for copying, with instructions."""
    if not snapshot.account.tech_prefix:
        empty_states.empty("The tech prefix is not known yet.", icon=ICONS["unknown"])
        return
    st.code(snapshot.account.tech_prefix, language=None)
    st.caption("Every PBX dials it, then `*`, then the number. Set up PBXs shows the whole dial string.")
    if Capability.READ_CREDENTIALS not in snapshot.capabilities:
        st.caption(declared_note("account", "recorded"))
    else:
        _reported(snapshot.account.known_by)


@st.fragment(run_every=AGES_S)
def _reported(by: str) -> None:
    """Show when the prefix was read; the fragment reruns every ``AGES_S`` seconds to keep the age current."""
    with session.show_errors():
        freshness = session.freshness()["credentials"]
        st.caption(f"Reported by the {plain(by)} {ago(freshness.as_of)}.")
