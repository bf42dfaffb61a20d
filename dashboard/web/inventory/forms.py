"""Parts of the Inventory page: table of PBXs, and forms that edit one PBX at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
from dashboard.web.components.fields import fill
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

NEW_ID: Final = "pbx_id_new"
DIAL_WORDS: Final = {"yes": "Yes", "no": "No", "unknown": "Not known", "": "Not known"}
CONFIRM_KEY = "inventory_confirm"
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
        tables.sanitized(frame),
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
    addresses = current.groupby("pbx_id")["address"].agg(lambda values: ", ".join(dict.fromkeys(values)))
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
                key=CONFIRM_KEY,
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
    session.show_kept_error(CONFIRM_KEY)


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
    with session.keep_errors(CONFIRM_KEY):
        declarations.confirm_inventory(session.workspace(), version_ids=snapshot.version_ids, by=session.actor().name)
        session.note("The inventory is confirmed as of now.")


def _save_edit(place: str, snapshot: Snapshot, build_frames: Callable[[], edits.Frames], note: str) -> None:
    """
    Save an edit of the inventory as it was shown, and show a message.

    Args:
        place: Key of the form, which shows an error.
        snapshot: The snapshot that the page was drawn from when the button was pressed.
        build_frames: Makes the edited frames.
        note: Message after they are saved.
    """
    with session.keep_errors(place):
        by = session.actor().name
        declarations.save_inventory(session.workspace(), build_frames(), version_ids=snapshot.version_ids, by=by)
        session.note(note)


def _details(snapshot: Snapshot, pbx_id: str) -> None:
    rows = snapshot.pbxs[snapshot.pbxs["pbx_id"] == pbx_id]
    row: dict[str, Any] = dict.fromkeys(map(str, snapshot.pbxs), "")
    row |= {str(name): value for name, value in rows.iloc[0].items()} if len(rows) else NEW
    row["dials_prefix"] = row["dials_prefix"] or "unknown"
    key = pbx_id or "new"
    fields = _fields(key)
    fill(f"inventory_filled_{key}", {field: row[name] for name, field in fields.items()})
    with st.form(_details_form(pbx_id), border=False):
        st.text_input("Name", key=fields["name"])
        if not pbx_id:
            st.text_input("Id", key=NEW_ID, help="Letters, digits and hyphens; it never changes.")
        with st.grid(3, min_column_width=180):
            _choice("State", STATUS_WORDS, fields["status"])
            _choice("Kind of address", KIND_WORDS, fields["ip_kind"])
            _choice("Authenticates by", METHOD_WORDS, fields["auth_method"])
            _choice(
                "Dials the prefix", {name: word for name, word in DIAL_WORDS.items() if name}, fields["dials_prefix"]
            )
            for name, label in TEXTS.items():
                st.text_input(label, key=fields[name])
        session.show_kept_error(_details_form(pbx_id))
        st.form_submit_button(
            "Save" if pbx_id else "Add the PBX", type="primary", on_click=_save_details, args=(snapshot, row, pbx_id)
        )


def _details_form(pbx_id: str) -> str:
    """Return the key of the form of a PBX's details; of the form for a new PBX if ``pbx_id`` is empty."""
    return f"inventory_pbx_{pbx_id or 'new'}"


def _addresses_form(pbx_id: str) -> str:
    """Return the key of the form of a PBX's addresses."""
    return f"inventory_address_{pbx_id}"


def _numbers_form(pbx_id: str) -> str:
    """Return the key of the form of a PBX's numbers."""
    return f"inventory_numbers_{pbx_id}"


def _fields(key: str) -> dict[str, str]:
    """Return the session key of each field of a PBX's details by column."""
    short = {"ip_kind": "kind", "auth_method": "method", "dials_prefix": "dials"}
    columns = ["name", "status", "ip_kind", "auth_method", "dials_prefix", *TEXTS]
    return {column: f"pbx_{short.get(column, column)}_{key}" for column in columns}


def _save_details(snapshot: Snapshot, row: Mapping[str, Any], pbx_id: str) -> None:
    typed = {name: st.session_state[field] for name, field in _fields(pbx_id or "new").items()}
    if not pbx_id:
        typed["pbx_id"] = st.session_state[NEW_ID]
    edited = {**row, **typed}
    edit = partial(edits.with_pbx, snapshot, edited, replaces=pbx_id)
    _save_edit(_details_form(pbx_id), snapshot, edit, f"{edited['name']} is saved.")


def _choice(label: str, words: dict[str, str], key: str) -> None:
    st.selectbox(label, list(words), format_func=words.__getitem__, key=key)


def _addresses(snapshot: Snapshot, pbx_id: str) -> None:
    zone = session.zone()
    pbx_addresses = snapshot.pbx_addresses[snapshot.pbx_addresses["pbx_id"] == pbx_id]
    for number, row in enumerate(pbx_addresses.to_dict("records")):
        address = str(row["address"])
        ended = not pd.isna(row["valid_to"])
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(mono(address), width="content")
            until = f"until {ago(row['valid_to'])}" if ended else "in use"
            since = f", since {exact(row['valid_from'], zone)}" if not pd.isna(row["valid_from"]) else ""
            source_note = f", {row['source']}" if row["source"] in ("configured", "observed") else ""
            st.caption(f"{str(row['kind']).capitalize() or 'Primary'}{source_note}, {until}{since}", width="content")
            if not ended:
                st.button(
                    f"End {address}",
                    key=f"inventory_end_{pbx_id}_{number}",
                    on_click=_end,
                    args=(snapshot, pbx_id, address),
                )
    with st.form(_addresses_form(pbx_id), border=False):
        st.text_input("Another address it calls from", placeholder="198.51.100.24", key=f"address_{pbx_id}")
        st.checkbox("Only used when the first one fails", key=f"failover_{pbx_id}")
        st.checkbox(
            "Shared with another PBX behind the same NAT",
            key=f"shared_{pbx_id}",
            help="Give each of them an X-Tag: it tells apart whose calls come from the shared address.",
        )
        session.show_kept_error(_addresses_form(pbx_id))
        st.form_submit_button("Add the address", on_click=_add_address, args=(snapshot, pbx_id))


def _end(snapshot: Snapshot, pbx_id: str, address: str) -> None:
    edit = partial(edits.without_address, snapshot, pbx_id=pbx_id, address=address, now=clocks.now())
    ended = f"{address} is ended. Calls it placed before stay with this PBX."
    _save_edit(_addresses_form(pbx_id), snapshot, edit, ended)


def _add_address(snapshot: Snapshot, pbx_id: str) -> None:
    typed = str(st.session_state[f"address_{pbx_id}"] or "")
    kind = "failover" if st.session_state[f"failover_{pbx_id}"] else "primary"
    shared = bool(st.session_state[f"shared_{pbx_id}"])
    edit = partial(edits.with_address, snapshot, pbx_id=pbx_id, address=typed, kind=kind, shared=shared)
    _save_edit(_addresses_form(pbx_id), snapshot, partial(edit, now=clocks.now()), f"{typed.strip()} is added.")


def _numbers(snapshot: Snapshot, pbx_id: str) -> None:
    pbx_numbers = snapshot.pbx_numbers.loc[snapshot.pbx_numbers["pbx_id"] == pbx_id, "number"]
    field = f"numbers_{pbx_id}"
    fill(f"inventory_filled_numbers_{pbx_id}", {field: "\n".join(pbx_numbers)})
    with st.form(_numbers_form(pbx_id), border=False):
        st.text_area("Numbers it should receive, one a line", key=field)
        session.show_kept_error(_numbers_form(pbx_id))
        st.form_submit_button("Save the numbers", on_click=_save_numbers, args=(snapshot, pbx_id))


def _save_numbers(snapshot: Snapshot, pbx_id: str) -> None:
    text = str(st.session_state[f"numbers_{pbx_id}"] or "")
    edit = partial(edits.with_numbers, snapshot, pbx_id=pbx_id, text=text)
    _save_edit(_numbers_form(pbx_id), snapshot, edit, "The numbers are saved.")
