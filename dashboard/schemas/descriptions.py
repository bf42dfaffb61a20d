"""Meaning and unit of every column of every frame; ``contract.schema`` attaches them to the columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_PBX_ID: Final = "Id of the PBX in the inventory."
_ATTRIBUTED: Final = {
    "pbx_id": (
        "Id of the PBX that the calls are attributed to; the ids of all owners, joined by `|`, where PBXs share the "
        "source address; empty where the calls belong to no PBX of the inventory."
    ),
    "attributed_by": (
        "Rule that attributed the calls: `x_tag`, `address`, `caller_id`, `number` or `shared_address`; empty where "
        "none applies. An X-Tag and a caller id are supplied by the caller and authenticate nothing."
    ),
}
_PROVENANCE: Final = {
    "provenance": (
        "`file_only`: the call is in an imported file and not in the carrier's export of the same time, so no total "
        "counts it. Empty: the call is in the carrier's export, or no export covers its time yet."
    ),
}
_ENTRY: Final = {
    "network": "The entry: an IP address, or a network in CIDR notation.",
    "label": "Label of the entry, usually the name of the PBX.",
    "added_at": (
        "When the entry was added, as the carrier reports it, which dates an entry anew whenever it is put back; of a "
        "pasted list, when the entry was first pasted."
    ),
    "added_by": "Who added the entry, as the carrier reports it; of a pasted list, who pasted the entry first.",
    "owner": "Person or team that is responsible for the entry.",
    "purpose": "What the entry is for.",
    "review_by": "When the entry is due for review.",
    "role": "`active`: the entry carries calls. `standby`: it is held in reserve and may be silent.",
}
_SOURCE: Final = {
    "direction": "Direction of the calls, seen from the account.",
    "source_ip": (
        "IP address that the call came from (column `customer_ip` of the export). Of a value that is no address, the "
        "value in lower case; empty where the export has none."
    ),
    "x_tag": "Value of the X-Tag header that the caller sent (column `custom_x_tag`); empty where it sent none.",
    "number": (
        "The account's own number: of an inbound call the number dialed; of an outbound call without an X-Tag the "
        "caller id, if it is a number of the account or of the inventory; else empty. Digits without `+`. Days past "
        "the retention of single calls keep the list of numbers that they were counted with."
    ),
    "outcome": "How the calls ended, derived from SIP status, reason phrase and result.",
    "zone": "The carrier's name of the destination (column `destination_name` of the export).",
}

COLUMNS: Final[Mapping[str, Mapping[str, str]]] = {
    "allowed_ips": {
        **_ENTRY,
        "known_by": (
            "Where the row comes from: `carrier` (read from the account) or `operator` (pasted from the portal)."
        ),
    },
    "past_allowed_ips": {**_ENTRY, "removed_at": "When the entry was removed."},
    "entry_periods": {
        "network": _ENTRY["network"],
        "since": "Start of the period.",
        "since_known_by": (
            "Where the start comes from: `carrier` (the carrier's date), `journal` (a fix of this product) or "
            "`first_seen` (the entry was in a copy of the list, and when it was added is not known)."
        ),
        "added_by": ("Who added the entry; for `first_seen`, who declared the list. Empty where nobody is on record."),
        "until": "End of the period; empty while the entry is on the list.",
    },
    "pbxs": {
        "pbx_id": "Identifier of the PBX, unique in the inventory.",
        "name": "Name of the PBX, as pages and sentences show it.",
        "site": "Where the PBX is.",
        "timezone": "IANA time zone of the PBX, such as `America/Denver`; its own call records are read in it.",
        "vendor": "Product, such as `Asterisk` or `FreePBX`.",
        "ip_kind": "Whether the PBX has a fixed public address.",
        "auth_method": "How the PBX authenticates at the carrier; `unknown` where nothing was recorded.",
        "dials_prefix": "Whether the PBX dials the account's tech prefix; empty where nothing was recorded.",
        "x_tag": "X-Tag that the PBX sends with its outbound calls; attributes calls to it where no other PBX has it.",
        "pop": "PoP that the PBX sends its calls to.",
        "inbound_host": "Host and optional port that calls to its numbers should be routed to.",
        "owner": "Person or team that is responsible for the PBX.",
        "status": "`active`, `standby` (held in reserve), or `retired` (no longer in use).",
    },
    "pbx_addresses": {
        "pbx_id": _PBX_ID,
        "address": "Public IP address that the PBX sends calls from.",
        "kind": "`primary`, or `failover` (held in reserve).",
        "source": (
            "Where the address comes from: `declared` by an operator, `configured` in the PBX's own files, or "
            "`observed` in calls. A configured address counts only where nothing else is known of the PBX."
        ),
        "valid_from": "Start of the validity, inclusive; empty where it has no start.",
        "valid_to": "End of the validity, exclusive; empty where it has no end.",
    },
    "pbx_numbers": {
        "pbx_id": _PBX_ID,
        "number": "DID that the PBX should receive, digits without `+`.",
    },
    "pbx_config": {
        "pbx_id": _PBX_ID,
        "object_type": "Type of the object that the fact describes.",
        "object_name": "Name of the trunk; empty for the other types, of which a PBX has one.",
        "attribute": "Attribute of the object, such as `host` of a trunk.",
        "value": "Value of the fact; never a password.",
        "file": "File that the fact was read from; empty where it was not read from a file.",
        "line": "Line in that file, counted from 1.",
    },
    "numbers": {
        "number": "DID, digits without `+`.",
        "alias": "Alias of the number at the carrier.",
        "number_type": "The carrier's type of the number, such as `standard`.",
        "route_id": "Id of the primary inbound route; empty where unassigned, `0` for SIP registration.",
        "failover_route_id": "Id of the failover route; empty where there is none.",
    },
    "routes": {
        "route_id": "Id of the inbound route at the carrier.",
        "alias": "Alias of the route, unique on the account.",
        "route_type": "`host`, `uri`, `number` or `sip-reg` (SIP registration).",
        "value": "Where the route leads: a host with an optional port, a SIP URI or a number.",
        "edge_strategy_id": "Id of the PoP that inbound calls leave from; see the table `edges`.",
    },
    "resolved_hosts": {
        "host": "Host name of a route or of a PBX.",
        "address": "IP address that the name resolved to.",
        "resolved_at": "When the name was last looked up.",
    },
    "edges": {
        "edge_strategy_id": "Id of the PoP (edge strategy) at the carrier.",
        "name": "Name of the PoP, such as `US-West-OR`.",
        "host": "Host name that PBXs send calls to.",
        "description": "The carrier's description, such as the place.",
        "ranges": "Networks of the PoP that a firewall has to let in, comma separated.",
    },
    "limits": {
        "key": "Name of the restriction.",
        "value": "Value of the restriction, as text.",
    },
    "calls": {
        "call_key": (
            "Identity of the call: `cdr_id` of the export, else a key that begins with `#`, made of the row's "
            "fingerprint and an ordinal among equal rows."
        ),
        "direction": "Direction of the call, seen from the account.",
        "started_at": "Start of the call, whole seconds.",
        "ended_at": "End of the call, whole seconds.",
        "destination": "Number dialed, digits without `+`; text that is no number is kept as it is.",
        "caller_id": "Caller id, digits without `+`; text that is no number is kept as it is.",
        "number_alias": "Alias of the account's number at the carrier.",
        "destination_name": "The carrier's name of the destination, such as a country or region.",
        "caller_id_country": "Country of the caller id, as the carrier reports it.",
        "line_information": "Line information of the export, unchanged.",
        "result": "Result of the export, unchanged.",
        "sip_status": "Final SIP status, 100 to 699 (column `call_fail_sip_code`); absent for 0 or no value.",
        "sip_reason": "Reason phrase of the final SIP status (column `call_fail_reason`).",
        "outcome": "How the call ended, derived from SIP status, reason phrase and result.",
        "duration_s": "Talk time.",
        "billed_s": "Talk time, rounded up to the billing increments.",
        "rate_usd_per_min": "Rate of the destination.",
        "first_increment_s": "First billing increment.",
        "next_increment_s": "Each further billing increment.",
        "subtotal_usd": "Cost before fees.",
        "connect_fee_usd": "Connection fee.",
        "usf_fee_usd": "Universal Service Fund fee.",
        "ccrf_usd": "Carrier cost recovery fee.",
        "cnam_fee_usd": "Fee of the caller name lookup.",
        "cost_usd": "Total cost with all fees; negative for a credit.",
        "x_tag": _SOURCE["x_tag"],
        "source_ip": _SOURCE["source_ip"],
        "source_port": "UDP or TCP port that the call came from.",
        "sip_call_id": "Call-ID of the SIP dialog; empty where the export has none.",
        **_ATTRIBUTED,
        **_PROVENANCE,
    },
    "traffic": {
        "hour_at": "Hour in which the calls started.",
        **_SOURCE,
        "sip_status": "Final SIP status of the calls.",
        "sip_reason": "Reason phrase of the final SIP status.",
        "calls": "Number of calls.",
        "short_calls": "Number of answered calls with a talk time below 6 s.",
        "duration_s": "Talk time of all calls.",
        "billed_s": "Billed talk time of all calls.",
        "cost_usd": "Total cost of all calls with all fees.",
        "first_at": "Start of the first call.",
        "last_at": "Start of the last call.",
        **_ATTRIBUTED,
        **_PROVENANCE,
    },
    "call_patterns": {
        **_SOURCE,
        "hour": "Hour of the day in which the calls started, 0 to 23.",
        "calls": "Number of calls.",
        "first_at": "Start of the first call.",
        "last_at": "Start of the last call.",
        **_ATTRIBUTED,
    },
    "loss_reviews": {
        "subject": "Source address of the reviewed calls.",
        "calls": "Number of calls that the reviewer saw.",
        "cost_usd": "Total cost of these calls.",
        "last_at": "Start of the last of these calls.",
        "evidence_digest": "SHA-256 of the evidence that was shown, in hexadecimal digits.",
        "reviewed_by": "Name of the reviewer.",
        "reviewed_at": "Time of the review.",
    },
    "pbx_calls": {
        "pbx_id": "Id of the PBX that wrote the record.",
        "started_at": "Start of the attempt.",
        "answered_at": "When the call was answered; absent where it was not.",
        "ended_at": "End of the attempt.",
        "caller_id": "Caller id in the record.",
        "destination": "Number dialed, digits without `+` and without the tech prefix.",
        "dialed": "Number dialed, as the PBX's file has it.",
        "duration_s": "Length of the attempt, ringing included.",
        "billed_s": "Talk time.",
        "disposition": "The PBX's own word for the result, such as `ANSWERED` or `NO ANSWER`.",
        "answered": "Whether the call was answered.",
        "q850_cause": "Q.850 release cause; absent where the record has none.",
        "sip_status": "SIP status; absent where the record has none.",
        "trunk": "Trunk that the attempt used; the host dialed where the record names no trunk.",
        "channel": "Channel of the PBX.",
        "unique_id": "The PBX's identifier of the call; empty where the record has none.",
        "record_key": "Identity of the record: the same record of another file has the same key.",
    },
    "pbx_records": {
        "pbx_id": "Id of the PBX that wrote the records.",
        "first_at": "Start of the first attempt on record.",
        "last_at": "Start of the last attempt on record.",
        "attempts": "Number of attempts on record.",
        "compared": "Number of answered calls that the clocks were compared by.",
        "skew_s": "Seconds by which the carrier's clock is ahead of the PBX's.",
        "fault": (
            "Why nothing is concluded from the records: `clock` (the clocks are too far apart) or `answered` (the "
            "carrier has no record of answered calls). Empty where conclusions are drawn."
        ),
    },
    "pbx_attempts": {
        "pbx_id": "Id of the PBX that wrote the records.",
        "fate": (
            "`matched`: the carrier has a record of the attempt. `missing`: it has none, though its records of that "
            "time are there. `open`: it cannot be decided."
        ),
        "disposition": "The PBX's own word for the result.",
        "q850_cause": "Q.850 release cause; absent where the records have none.",
        "sip_status": "SIP status; absent where the records have none.",
        "at_once": "Whether the attempts ended within seconds, neither answered nor busy.",
        "latest": "Whether the attempts are later than the last one of this PBX that the carrier has.",
        "attempts": "Number of attempts.",
        "first_at": "Start of the first attempt.",
        "last_at": "Start of the last attempt.",
    },
}
"""Meaning by frame and column."""

UNITS: Final[Mapping[str, str]] = {
    "calls": "calls",
    "short_calls": "calls",
    "compared": "calls",
    "attempts": "attempts",
    "hour": "h, UTC",
    "rate_usd_per_min": "USD/min",
}
"""Unit by column, where neither the kind of the column nor the suffix of its name tells it."""


def unit_of(column: str, *, time: bool, money: bool) -> str:
    """
    Return the unit of a column; empty where it has none.

    Args:
        column: Name of the column; the suffix ``_s`` means seconds.
        time: Whether it holds times.
        money: Whether it holds amounts.
    """
    if column in UNITS:
        return UNITS[column]
    if time or money:
        return "UTC" if time else "USD"
    return "s" if column.endswith("_s") else ""
