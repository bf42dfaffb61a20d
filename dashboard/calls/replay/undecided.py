"""
Reasons why a replay cannot decide some calls: the missing facts.

A fact matters for a call's verdict if one of its two values alone would decide it. ``admission.admit`` is evaluated
once for each combination of facts, as for the verdicts themselves.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from itertools import product

import numpy as np

from dashboard.calls.replay.exact_sums import Flags, Ints
from dashboard.calls.replay.policy_evaluator import FACTS, NOT_KNOWN, Cases
from dashboard.core.text import join
from dashboard.domain.admission import CallFacts, Observations, admit

UNKNOWN = {
    "dials_prefix": "whether the caller dials the tech prefix",
    "authorized": "whether the tech prefix is authorized with the caller's address",
    "credentials_on": "whether outbound credentials are on",
    "digest_valid": "whether the caller has the SIP password",
}
"""Text for each unknown fact, in the order of the rule's columns."""
CARRIER = "whether the SIP password admits a call whose prefix and address do not match (not documented by the carrier)"
INVENTORY = (
    "the inventory is stale or missing, so we don't know whether the calls are of a PBX of yours at that address"
)
CONTRADICTED = "the carrier's answer contradicts the list and the credentials switch on record for that time"
CLAIMED = "only an X-Tag or a caller id, which any caller can write, says that the calls are of a PBX of yours"
LEFT = (
    "the PBX has left the address, and only an X-Tag or a caller id, which any caller can write, says that it still "
    "calls from there"
)
OF_CARRIER, OF_RECORD, OF_INVENTORY, OF_CLAIM, OF_LEFT = (1 << (len(UNKNOWN) + place) for place in range(5))


def reasons(cases: Cases, fact_numbers: tuple[Ints, ...], observed: Observations) -> Ints:
    """
    Return for each key the missing facts that matter for it.

    Args:
        cases: The keys and what is proven about them.
        fact_numbers: Fact numbers of each key, one array per policy.
        observed: Observations of the carrier.

    Returns:
        For each key a bit set for ``reason_text``; 0 if every side is decided.
    """
    missing = np.zeros(len(cases.keys), dtype=np.int64)
    for facts in fact_numbers:
        is_open: Flags = cases.verdicts(facts).admitted == NOT_KNOWN
        missing |= np.where(is_open, _missing(observed)[facts], 0)
    return np.where(cases.contradicted, OF_RECORD, missing)


def reason_text(missing: int) -> str:
    """Return a bit set of ``reasons`` as a clause that follows a colon; ``""`` for 0."""
    if missing & OF_RECORD:
        return CONTRADICTED
    words = [*UNKNOWN.values(), CARRIER]
    unknown = [word for bit, word in enumerate(words) if missing & (1 << bit)]
    clauses = [f"we don't know {join(unknown, None)}"] if unknown else []
    if missing & OF_INVENTORY:
        clauses.append(INVENTORY)
    if missing & OF_CLAIM:
        clauses.append(CLAIMED)
    if missing & OF_LEFT:
        clauses.append(LEFT)
    return "; ".join(clauses)


@lru_cache(maxsize=64)
def _missing(observed: Observations) -> Ints:
    """Return for each combination of facts the unknown ones that matter."""
    return np.array([_bearing(CallFacts(*facts), observed) for facts in product(FACTS, repeat=len(UNKNOWN))])


def _bearing(facts: CallFacts, observed: Observations) -> int:
    if admit(facts, observed).admitted is not None:
        return 0
    unknown = {name: 1 << bit_position for bit_position, name in enumerate(UNKNOWN) if getattr(facts, name) is None}
    bearing = [
        bit
        for name, bit in unknown.items()
        if any(admit(replace(facts, **{name: value}), observed).admitted is not None for value in (True, False))
    ]
    return sum(bearing or unknown.values()) or OF_CARRIER
