"""The words of calls: their directions and their outcomes."""

from __future__ import annotations

DIRECTIONS = ("outbound", "inbound")

FILE_ONLY = "file_only"
"""``provenance`` of a call that is in an imported file and not in the carrier's export of its time."""
PROVENANCE = ("", FILE_ONLY)
"""Where a call is known from; ``""`` is the carrier's export, or a file whose time no export covers yet."""

OUTCOMES = (
    "answered",
    "gave_up",
    "busy_or_no_answer",
    "bad_number",
    "refused_auth",
    "refused_unknown",
    "media",
    "network",
    "other",
)
"""Mutually exclusive; ``sip/call_outcomes.py`` holds the table that decides. Labels: ``OUTCOME_LABELS``."""

OUTCOME_LABELS = {
    "answered": "Answered",
    "gave_up": "Caller gave up",
    "busy_or_no_answer": "Busy or no answer",
    "bad_number": "Bad number",
    "refused_auth": "Refused for authorization",
    "refused_unknown": "Refused, cause unknown",
    "media": "Media",
    "network": "Capacity or network",
    "other": "Other",
}

ADMISSION = "admission"
REFUSAL = "refusal"
NOTHING = "nothing"

PROVES = {
    "answered": ADMISSION,
    "gave_up": ADMISSION,
    "busy_or_no_answer": ADMISSION,
    "bad_number": NOTHING,
    "refused_auth": REFUSAL,
    "refused_unknown": NOTHING,
    "media": NOTHING,
    "network": NOTHING,
    "other": NOTHING,
}
"""
What an outcome proves about admission. The carrier, a network on the way or the far end may send every other final
code, whether or not the carrier admitted the call. ``domain/admission_proof.py`` adds the one case that depends on the
policy.
"""
