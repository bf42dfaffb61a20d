"""
Direction in which a change can move a call whose facts are not all known.

``admission.admit`` evaluates every completion of the unknown facts under both policies at once: what a caller dials and
holds is the same before and after the change. Some calls that neither policy decides are therefore known not to change,
or to change in one direction only.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import numpy as np

from dashboard.calls.replay.exact_sums import Flags, Ints
from dashboard.calls.replay.policy_evaluator import FACTS, NOT_KNOWN, YES
from dashboard.domain.admission import CallFacts, Observations, admit

REJECTED, GAINED, LOST, ADMITTED = 1, 2, 4, 8
"""Possible pairs of before and after, as bits: rejected both times, admitted only after, only before, both times."""
ANY = REJECTED | GAINED | LOST | ADMITTED
BEFORE = np.array([REJECTED | GAINED, LOST | ADMITTED, ANY])
AFTER = np.array([REJECTED | LOST, GAINED | ADMITTED, ANY])
"""Pairs that one side's verdict leaves possible, by the verdict's code (``policy_evaluator.FACTS``)."""
VERDICTS = {(False, False): REJECTED, (False, True): GAINED, (True, False): LOST, (True, True): ADMITTED}
SIZE = len(FACTS)


def possible(
    before: Ints,
    after: Ints,
    admitted_before: Ints,
    admitted_after: Ints,
    *,
    same_unknown: Flags,
    observed: Observations,
) -> Ints:
    """
    Return the possible pairs of verdicts of each key.

    Args:
        before: Fact numbers (``Cases.facts``) under today's policy.
        after: The same under the proposal.
        admitted_before: Verdict under today's policy, a code of ``FACTS``; may be based on the call itself.
        admitted_after: The same under the proposal.
        same_unknown: Whether an authorization that is unknown on both sides is the same fact on both.
        observed: Observations of the carrier.

    Returns:
        Sums of the bits above; 0 if the verdicts contradict the rule.
    """
    dials, listed, switch, has_credentials = np.unravel_index(before, (SIZE,) * 4)
    _, listed_after, switch_after, _ = np.unravel_index(after, (SIZE,) * 4)
    index = (dials, has_credentials, listed, listed_after, switch, switch_after, same_unknown.astype(np.int64))
    pairs: Ints = _table(observed)[index] & BEFORE[admitted_before] & AFTER[admitted_after]
    return pairs


@lru_cache(maxsize=16)
def _table(observed: Observations) -> Ints:
    """Evaluate every combination of facts: dials, holds, listed on both sides, switch on both sides, same."""
    shape = (SIZE,) * 6 + (2,)
    pairs = [_pairs(codes, observed) for codes in product(*map(range, shape))]
    return np.array(pairs).reshape(shape)


def _pairs(codes: tuple[int, ...], observed: Observations) -> int:
    """Evaluate every completion of one combination."""
    *facts, same_unknown = codes
    _, _, listed, listed_after, switch, switch_after = facts
    one_list = bool(same_unknown) and listed == listed_after == NOT_KNOWN
    one_switch = switch == switch_after == NOT_KNOWN
    verdict_bits = 0
    for *values, rescue in product(*map(_values, facts), _rescues(observed)):
        dials, has_credentials, on, on_after, power, power_after = values
        if (one_list and on != on_after) or (one_switch and power != power_after):
            continue
        carrier = Observations(rescue, observed.no_path_status)
        before = bool(admit(CallFacts(dials, on, power, has_credentials), carrier).admitted)
        after = bool(admit(CallFacts(dials, on_after, power_after, has_credentials), carrier).admitted)
        verdict_bits |= VERDICTS[before, after]
    return verdict_bits


def _values(code: int) -> tuple[bool, ...]:
    return (True, False) if code == NOT_KNOWN else (code == YES,)


def _rescues(observed: Observations) -> tuple[bool, ...]:
    rescues = observed.digest_rescues_prefix
    return (True, False) if rescues is None else (rescues,)
