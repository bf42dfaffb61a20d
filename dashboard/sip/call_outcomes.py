"""
Call outcomes: the only table that classifies a call by its SIP status, the carrier's result and the reason.

Rules apply from the top and the first match wins, so outcomes are mutually exclusive. The final SIP status
decides; the carrier's word (``result``) counts only for a call without a status. Classes follow the response
codes of RFC 3261; the carrier documents only ``completed`` with 200 (facts: the export's result file).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from dashboard.schemas.tables import PROVES

ACL_WORD = r"\bacl\b"
"""Pattern in the reason of a 403 that names the carrier's ACL: prefix and source are not authorized together."""


@dataclass(frozen=True)
class OutcomeRule:
    """One row of the table; every condition that is set must match."""

    outcome: str
    statuses: tuple[int, ...] = ()
    results: tuple[str, ...] = ()
    """The carrier's result words, in lower case; compared only for calls without a SIP status."""
    reason: str = ""
    """Lower-case regular expression that the reason must contain."""

    @property
    def proves(self) -> str:
        """Return what the outcome proves about admission: ``admission``, ``refusal`` or ``nothing``."""
        return PROVES[self.outcome]


RULES: tuple[OutcomeRule, ...] = (
    OutcomeRule("answered", statuses=(200,)),
    OutcomeRule("refused_auth", statuses=(401, 407)),
    OutcomeRule("refused_auth", statuses=(403,), reason=ACL_WORD),
    OutcomeRule("refused_unknown", statuses=(403,)),
    OutcomeRule("gave_up", statuses=(487,)),
    OutcomeRule("busy_or_no_answer", statuses=(480, 486, 600, 603)),
    OutcomeRule("bad_number", statuses=(404, 410, 484, 604)),
    OutcomeRule("media", statuses=(488, 606)),
    OutcomeRule("network", statuses=(408, 500, 502, 503, 504)),
    OutcomeRule("answered", results=("completed", "answered")),
    OutcomeRule("gave_up", results=("canceled", "cancelled", "abandoned")),
    OutcomeRule("busy_or_no_answer", results=("busy", "no answer", "no-answer", "no_answer", "noanswer")),
)
"""Result words other than ``completed`` are undocumented; those above are unambiguous."""

OTHERWISE = "other"
SHORT_S = 6
"""Shorter answered calls, in seconds, are short calls: they end in the first billing step of the sample rows."""


def outcome(result: str, sip_status: int | None, sip_reason: str) -> str:
    """
    Classify how a call ended.

    Args:
        result: The carrier's result word, in any case.
        sip_status: Final SIP status; ``None`` if the file has none.
        sip_reason: Reason phrase, in any case.

    Returns:
        One of ``tables.OUTCOMES``.
    """
    word = result.strip(" ").lower()
    reason = sip_reason.lower()
    for rule in RULES:
        if rule.statuses and sip_status not in rule.statuses:
            continue
        if rule.results and (sip_status is not None or word not in rule.results):
            continue
        if rule.reason and not re.search(rule.reason, reason, re.ASCII):
            continue
        return rule.outcome
    return OTHERWISE


def outcome_sql() -> str:
    """Return the same table as a SQL expression over ``result``, ``sip_status`` and ``sip_reason``."""
    branches = " ".join(f"WHEN {_condition(rule)} THEN '{rule.outcome}'" for rule in RULES)
    return f"CASE {branches} ELSE '{OTHERWISE}' END"


def _condition(rule: OutcomeRule) -> str:
    parts = []
    if rule.statuses:
        parts.append(f"sip_status IN ({', '.join(map(str, rule.statuses))})")
    if rule.results:
        words = ", ".join(f"'{word}'" for word in rule.results)
        parts.append(f"sip_status IS NULL AND lower(trim(result)) IN ({words})")
    if rule.reason:
        parts.append(f"regexp_matches(lower(sip_reason), '{rule.reason}')")
    return " AND ".join(parts)
