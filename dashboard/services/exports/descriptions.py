"""Kinds and meanings of the columns of exported tables that are not frames of ``schemas``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from dashboard.schemas.contract import TEXT, TIME, USD, WHOLE

MINUTES: Final = "minutes"
"""Kind of a column with minutes to one decimal."""

COLUMNS: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    "findings": {
        "check": (TEXT, "Id of the check."),
        "title": (TEXT, "Title of the check: the good state."),
        "subject": (TEXT, "What the finding is about, such as an address, a PBX or `account`."),
        "pbx": (TEXT, "Names of the PBXs concerned, comma separated."),
        "status": (TEXT, "`pass`, `fail` or `unknown`."),
        "severity": (TEXT, "`critical`, `high`, `medium`, `low` or `informational`."),
        "confidence": (TEXT, "What the status rests on: calls, configuration, or nothing that decides it."),
        "impact": (TEXT, "`loss`, `outage` or `hygiene`."),
        "state": (TEXT, "Lifecycle state of the finding, such as `new`, `open` or `verified`."),
        "reason": (TEXT, "Why the finding has its status, in sentences."),
        "not_evaluated_because": (TEXT, "Cause of an unknown status, such as `missing` or `stale`; else empty."),
        "last_known_status": (TEXT, "Status on the last data, where a deciding input is out of date; else empty."),
        "last_known_at": (TIME, "When the oldest input of the last known status was read."),
        "last_known_age_s": (WHOLE, "Age of the last known status at the time of the evaluation."),
        "without": (TEXT, "Additional inputs that were missing or out of date, separated by semicolons."),
        "proposed_fix": (TEXT, "Changes that the check proposes, separated by semicolons."),
        "first_seen_at": (TIME, "When the finding was first seen."),
        "times_reopened": (WHOLE, "How often the finding was reopened."),
        "controls": (TEXT, "Requirements of frameworks that the check speaks to, separated by semicolons."),
        "evaluated_at": (TIME, "Time of the snapshot that was evaluated."),
    },
    "allowed_ips": {
        "network": (TEXT, "The entry: an IP address, or a network in CIDR notation."),
        "label": (TEXT, "Label of the entry."),
        "since": (TIME, "Since when the entry is on the list, by this product's records."),
        "since_known_by": (TEXT, "Where `since` comes from: `carrier`, `journal` or `first_seen`."),
        "added_by": (TEXT, "Who added the entry; empty where it was first seen in a pasted list."),
        "first_seen_by": (TEXT, "Who pasted the list in which the entry was first seen; else empty."),
        "earlier_periods": (TEXT, "Earlier periods on the list, separated by semicolons."),
        "owner": (TEXT, "Person or team that is responsible for the entry."),
        "purpose": (TEXT, "What the entry is for."),
        "review_by": (TIME, "When the entry is due for review."),
        "role": (TEXT, "`active` or `standby`."),
        "known_by": (TEXT, "Where the row comes from: `carrier` or `operator`."),
        "carrier_added_at": (TIME, "When the entry was added, as the carrier reports it."),
        "carrier_added_by": (TEXT, "Who added the entry, as the carrier reports it."),
    },
    "rejected_rows": {
        "file": (TEXT, "Name of the imported file."),
        "line": (WHOLE, "Physical line in the file, counted from 1."),
        "column": (TEXT, "Column that cannot be read; empty where the whole row is broken."),
        "reason": (TEXT, "Why the row was put aside."),
        "raw": (TEXT, "Text of the row, cut after 2,000 characters."),
        "imported_at": (TIME, "Time of the import."),
    },
    "journal": {
        "entry": (WHOLE, "Number of the journal entry."),
        "at": (TIME, "Time of the entry."),
        "phase": (TEXT, "`begun`, or the outcome of the fix."),
        "who": (TEXT, "Who applied the fix."),
        "what": (TEXT, "Title of the fix."),
        "undoes": (WHOLE, "Number of the entry that this one takes back; else empty."),
        "message": (TEXT, "Message of the outcome; `No recorded outcome.` for a fix without one."),
        "plan_hash": (TEXT, "SHA-256 of the plan, in hexadecimal digits."),
        "previous_hash": (TEXT, "Hash of the entry before; the chain is verified by it."),
        "hash": (TEXT, "Hash of this entry."),
    },
    "replay": {
        "who": (TEXT, "Name of the PBX, or an unassigned source address."),
        "label": (TEXT, "What the change does to the calls, such as `broken` or `saved`."),
        "calls": (WHOLE, "Number of calls."),
        "minutes": (MINUTES, "Talk time of the calls."),
        "cost_usd": (USD, "Total cost of the calls."),
        "decided_today_by": (TEXT, "What admits or rejects the calls today."),
        "decided_after_by": (TEXT, "What admits or rejects the calls after the change."),
        "undecided_because": (TEXT, "Why the calls cannot be decided; empty where they are."),
    },
}
"""
Kind and meaning by table and column.

``replay`` is the output of ``trunkgate replay --format csv``; the others are files of ``trunkgate export``.
"""
