"""
Why nobody can tell what becomes of some calls: what would have to be known of them.

A fact bears on a call's verdict where one of its two values alone would decide it. Facts are asked of
``policy.admit``, once for each combination of them, as the verdicts themselves are.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from itertools import product

import numpy as np

from dashboard.calls.judging import FACTS, NOT_KNOWN, Cases
from dashboard.calls.sums import Flags, Ints
from dashboard.policy import Facts, Observations, admit

UNKNOWN = {
    "dials_prefix": "whether the caller dials the tech prefix",
    "authorized": "whether the prefix is authorized with the caller's address",
    "credentials_on": "whether outbound credentials are on",
    "digest_valid": "whether the caller holds credentials",
}
"""What is said of a fact that is not known, in the order of the rule's columns."""
CARRIER = "whether credentials help a call whose prefix and address do not match, which nobody has observed"
CONTRADICTED = "the carrier met them otherwise than the list and the switch of that time say"
OF_CARRIER, OF_RECORD = 1 << len(UNKNOWN), 2 << len(UNKNOWN)


def reasons(cases: Cases, sides: tuple[Ints, ...], observed: Observations) -> Ints:
    """
    Say of each key what is not known that bears on it.

    Args:
        cases: The keys and what is proven about them.
        sides: Numbered facts of each key, under each policy that it is judged under.
        observed: What has been observed of the carrier.

    Returns:
        Of each key a sum of powers of two for ``said``; 0 where every side is decided.
    """
    missing = np.zeros(len(cases.keys), dtype=np.int64)
    for facts in sides:
        is_open: Flags = cases.verdicts(facts).admitted == NOT_KNOWN
        missing |= np.where(is_open, _missing(observed)[facts], 0)
    return np.where(cases.contradicted, OF_RECORD, missing)


def said(missing: int) -> str:
    """Say one number of ``reasons`` as what follows "because"; empty for 0."""
    if missing & OF_RECORD:
        return CONTRADICTED
    words = [*UNKNOWN.values(), CARRIER]
    named = [word for place, word in enumerate(words) if missing & (1 << place)]
    return f"it is not known {' and '.join(named)}" if named else ""


@lru_cache(maxsize=64)
def _missing(observed: Observations) -> Ints:
    """Return for each combination of facts those that are not known and bear on it."""
    return np.array([_bearing(Facts(*facts), observed) for facts in product(FACTS, repeat=len(UNKNOWN))])


def _bearing(facts: Facts, observed: Observations) -> int:
    if admit(facts, observed).admitted is not None:
        return 0
    unknown = {name: 1 << place for place, name in enumerate(UNKNOWN) if getattr(facts, name) is None}
    bearing = [
        bit
        for name, bit in unknown.items()
        if any(admit(replace(facts, **{name: value}), observed).admitted is not None for value in (True, False))
    ]
    return sum(bearing or unknown.values()) or OF_CARRIER
