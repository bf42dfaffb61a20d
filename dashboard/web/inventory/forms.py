"""Parts of the Inventory page: table of PBXs, and forms that edit one PBX at a time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import pandas as pd
import streamlit as st

from dashboard.core import clocks
from dashboard.core.elapsed import ago
from dashboard.domain.snapshot import Age, Snapshot
from dashboard.services import declarations
from dashboard.web import session
from dashboard.web.components import empty_states, tables
from dashboard.web.components.formatting import ICONS, KIND_WORDS, METHOD_WORDS, exact, mono, plain
from dashboard.web.inventory import edits, pbx_config

STATUS_WORDS: Final = {"active": "Active", "standby": "Standby", "retired": "Retired"}
STATUS_STATES: Final = {"Active": "plain", "Standby": "plain", "Retired": "unknown"}
SHORT_KINDS: Final = {"static": "Static", "dynamic": "Dynamic"}
SHORT_METHODS: Final = {
    "ip": "IP address",
    "credentials": "Credentials",
    "both": "IP and credentials",
    "unknown": "Unknown",
}
SHORT_DIALS: Final = {"yes": "Yes", "no": "No", "unknown": "Unknown", "": "Unknown"}
"""Short labels of the table, whose headers give the context."""

DIAL_WORDS: Final = {"yes": "Yes", "no": "No", "unknown": "Not known", "": "Not known"}
NEW = {
    "pbx_id": "",
    "name": "",
    "ip_kind": "static",
    "auth_method": "unknown",
    "dials_prefix": "unknown",
    "status": "active",
}
TEXTS: Final = {
    "site": "Site",
    "timezone": "Time zone",
    "vendor": "Make",
    "owner": "Owner",
    "x_tag": "X-Tag it sends",
    "pop": "PoP it calls",
    "inbound_host": "Where its inbound calls should go (host or host:port)",
}


def table(snapshot: Snapshot) -> str:
    """Draw the PBXs; return the id of the selected one, empty for none."""
    if snapshot.pbxs.empty:
        empty_states.empty("The inventory is empty. Add a PBX, or import a CSV.", icon=ICONS["unknown"])
        return ""
    frame = frame_of(snapshot)
    event = st.dataframe(
        tables.shown(frame),
        hide_index=True,
        height=tables.height(len(frame)),
        column_config={
            "name": tables.text("PBX", width=75),
            "status": tables.chips("State", STATUS_STATES, width=82),
            "addresses": tables.text("Calls from", width=175),
            "kind": tables.text("Address", width=68),
            "method": tables.text("Authenticates by", width=116),
            "prefix": tables.text("Prefix", width=70),
            "numbers": tables.whole("Numbers") | {"width": 70},
            "host": tables.text("Inbound calls go to", width=156),
        },
        on_select="rerun",
        selection_mode="single-row",
        key="inventory_table",
    )
    rows = event["selection"]["rows"]
    return str(snapshot.pbxs["pbx_id"].iloc[rows[0]]) if rows and rows[0] < len(frame) else ""


def frame_of(snapshot: Snapshot) -> pd.DataFrame:
    """Return the PBXs as shown on the page, in the order of the inventory."""
    pbxs = snapshot.pbxs
    current = snapshot.addresses_now
    addresses = current.groupby("pbx_id")["address"].agg(lambda found: ", ".join(dict.fromkeys(found)))
    numbers = snapshot.pbx_numbers.groupby("pbx_id")["number"].size()
    return pd.DataFrame(
        {
            "name": pbxs["name"],
            "status": [[STATUS_WORDS[status]] for status in pbxs["status"]],
            "addresses": pbxs["pbx_id"].map(addresses).fillna("none"),
            "kind": pbxs["ip_kind"].map(SHORT_KINDS),
            "method": pbxs["auth_method"].map(SHORT_METHODS),
            "prefix": pbxs["dials_prefix"].map(SHORT_DIALS),
            "numbers": pbxs["pbx_id"].map(numbers).fillna(0),
            "host": pbxs["inbound_host"],
        }
    )


def bar(snapshot: Snapshot) -> None:
    """Draw the actions on the whole inventory: add a PBX, confirm that the inventory is still correct."""
    fresh = snapshot.freshness.get("inventory")
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.popover("Add a PBX", icon=":material/add:"):
            _details(snapshot, "")
        if fresh and fresh.as_of is not None:
            stale = fresh.age(snapshot.taken_at) is Age.STALE
            st.button(
                "Confirm that it holds",
                icon=":material/task_alt:",
                key="inventory_confirm",
                on_click=_confirm,
                args=(snapshot,),
                type="primary" if stale else "secondary",
            )
            st.caption(
                f"Last confirmed {ago(fresh.as_of, snapshot.taken_at)}.",
                width="content",
                help=exact(fresh.as_of, session.zone()),
            )
        if not snapshot.pbxs.empty:
            st.caption("Select a row to edit that PBX.", width="content")


def edit(snapshot: Snapshot, pbx_id: str) -> None:
    """Draw the edit forms of one PBX."""
    st.subheader(plain(snapshot.name_of(pbx_id)))
    details, addresses, numbers, configuration = st.tabs(["Details", "Addresses", "Numbers", "Configuration"])
    with details:
        _details(snapshot, pbx_id)
    with addresses:
        _addresses(snapshot, pbx_id)
    with numbers:
        _numbers(snapshot, pbx_id)
    with configuration:
        pbx_config.show(snapshot, pbx_id)


def _confirm(snapshot: Snapshot) -> None:
    with session.errors_said():
        by = session.who().name
        for name in ("pbxs", "pbx_addresses", "pbx_numbers"):
            declarations.keep_inventory(session.workspace(), name, getattr(snapshot, name), by=by)
        session.note("The inventory is confirmed as of now.")


def _keep(make: Callable[[], edits.Frames], note: str) -> None:
    with session.errors_said():
        for name, frame in make().items():
            declarations.keep_inventory(session.workspace(), name, frame, by=session.who().name)
        session.note(note)
        st.rerun()


def _details(snapshot: Snapshot, pbx_id: str) -> None:
    rows = snapshot.pbxs[snapshot.pbxs["pbx_id"] == pbx_id]
    row: dict[str, Any] = dict.fromkeys(map(str, snapshot.pbxs), "")
    row |= {str(name): value for name, value in rows.iloc[0].items()} if len(rows) else NEW
    key = pbx_id or "new"
    with st.form(f"inventory_pbx_{key}", border=False):
        row["name"] = st.text_input("Name", value=row["name"], key=f"pbx_name_{key}")
        if not pbx_id:
            row["pbx_id"] = st.text_input("Id", key="pbx_id_new", help="Letters, digits and hyphens; it never changes.")
        with st.grid(3, min_column_width=180):
            row["status"] = _choice("State", STATUS_WORDS, row["status"], f"pbx_status_{key}")
            row["ip_kind"] = _choice("Kind of address", KIND_WORDS, row["ip_kind"], f"pbx_kind_{key}")
            row["auth_method"] = _choice("Authenticates by", METHOD_WORDS, row["auth_method"], f"pbx_method_{key}")
            dials = {name: word for name, word in DIAL_WORDS.items() if name}
            row["dials_prefix"] = _choice(
                "Dials the prefix", dials, row["dials_prefix"] or "unknown", f"pbx_dials_{key}"
            )
            for name, label in TEXTS.items():
                row[name] = st.text_input(label, value=row[name], key=f"pbx_{name}_{key}")
        if st.form_submit_button("Save" if pbx_id else "Add the PBX", type="primary"):
            said = f"{row['name']} is saved."
            _keep(partial(edits.with_pbx, snapshot, row, replaces=pbx_id), said)


def _choice(label: str, words: dict[str, str], value: str, key: str) -> str:
    options = list(words)
    return st.selectbox(label, options, index=options.index(value), format_func=words.__getitem__, key=key)


def _addresses(snapshot: Snapshot, pbx_id: str) -> None:
    now = clocks.now()
    zone = session.zone()
    mine = snapshot.pbx_addresses[snapshot.pbx_addresses["pbx_id"] == pbx_id]
    for number, row in enumerate(mine.to_dict("records")):
        address = str(row["address"])
        ended = not pd.isna(row["valid_to"])
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(mono(address), width="content")
            until = f"until {ago(row['valid_to'])}" if ended else "in use"
            since = f", since {exact(row['valid_from'], zone)}" if not pd.isna(row["valid_from"]) else ""
            said = f", {row['source']}" if row["source"] in ("configured", "observed") else ""
            st.caption(f"{str(row['kind']).capitalize() or 'Primary'}{said}, {until}{since}", width="content")
            if not ended and st.button(f"End {address}", key=f"inventory_end_{pbx_id}_{number}"):
                _keep(
                    partial(edits.without_address, snapshot, pbx_id=pbx_id, address=address, now=now),
                    f"{address} is ended. Calls it placed before stay with this PBX.",
                )
    with st.form(f"inventory_address_{pbx_id}", border=False):
        typed = st.text_input("Another address it calls from", placeholder="198.51.100.24", key=f"address_{pbx_id}")
        failover = st.checkbox("Only used when the first one fails", key=f"failover_{pbx_id}")
        shared = st.checkbox(
            "Shared with another PBX behind the same NAT",
            key=f"shared_{pbx_id}",
            help="Give each of them an X-Tag: it tells apart whose calls come from the shared address.",
        )
        if st.form_submit_button("Add the address"):
            kind = "failover" if failover else "primary"
            edit = partial(edits.with_address, snapshot, pbx_id=pbx_id, address=typed or "", kind=kind, shared=shared)
            _keep(partial(edit, now=now), f"{(typed or '').strip()} is added.")


def _numbers(snapshot: Snapshot, pbx_id: str) -> None:
    mine = snapshot.pbx_numbers.loc[snapshot.pbx_numbers["pbx_id"] == pbx_id, "number"]
    with st.form(f"inventory_numbers_{pbx_id}", border=False):
        text = st.text_area("Numbers it should receive, one a line", value="\n".join(mine), key=f"numbers_{pbx_id}")
        if st.form_submit_button("Save the numbers"):
            _keep(partial(edits.with_numbers, snapshot, pbx_id=pbx_id, text=text or ""), "The numbers are saved.")
