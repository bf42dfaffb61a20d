"""Proof of admission from calls, under the policy of their time, and whether that policy still applies."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from dashboard.calls.replay.policy_evaluator import NO_VERSION, version_index
from dashboard.core.addresses import contains
from dashboard.domain.admission import Observations, PolicyVersion
from dashboard.domain.admission_proof import SURE, proof
from dashboard.schemas.tables import PROVES, REFUSAL


def admission_proofs(rows: pd.DataFrame, versions: Sequence[PolicyVersion], observed: Observations) -> pd.Series[str]:
    """
    Return what each row's calls prove about admission, under the policy in force when they were made.

    Args:
        rows: Outbound rows with ``outcome``, ``sip_status``, ``source_ip`` and ``first_at``; none straddles a policy
            change.
        versions: Policy versions, oldest first.
        observed: Observations of the carrier.

    Returns:
        ``admission``, ``refusal`` or ``nothing`` for each row.
    """
    proofs = rows["outcome"].map(PROVES).astype("str")
    if observed.no_path_status is None:
        return proofs
    may_be = (rows["sip_status"] == observed.no_path_status).to_numpy(dtype=bool, na_value=False)
    open_ones = rows[may_be & ~rows["outcome"].isin(SURE).to_numpy()]
    numbers = version_index(open_ones["first_at"], versions)
    decided = [
        PROVES[outcome] if number == NO_VERSION else _under(versions[number], source, outcome, status, observed)
        for number, source, outcome, status in zip(
            numbers, open_ones["source_ip"], open_ones["outcome"], open_ones["sip_status"], strict=True
        )
    ]
    ruled = pd.Series(decided, index=open_ones.index, dtype="str").reindex(rows.index)
    return ruled.fillna(proofs)


def refused(rows: pd.DataFrame, versions: Sequence[PolicyVersion], observed: Observations) -> pd.Series[bool]:
    """Return for each row whether its calls prove a refusal for authorization; arguments as in ``admission_proofs``."""
    return admission_proofs(rows, versions, observed) == REFUSAL


def is_judged_as_now(rows: pd.DataFrame, versions: Sequence[PolicyVersion]) -> pd.Series[bool]:
    """
    Return for each row whether the policy still treats its source the same way, so that its calls describe today.

    Args:
        rows: With ``source_ip`` and ``first_at``; none straddles a policy change.
        versions: Policy versions, oldest first; without any, no change is known.
    """
    numbers = version_index(rows["first_at"], versions)
    unchanged = [
        not versions or (number != NO_VERSION and _meets(versions[number], source) == _meets(versions[-1], source))
        for number, source in zip(numbers, rows["source_ip"], strict=True)
    ]
    return pd.Series(unchanged, index=rows.index, dtype=bool)


def _meets(version: PolicyVersion, source: str) -> tuple[bool, bool | None, str]:
    policy = version.policy
    return contains(policy.networks, source), policy.credentials_on, policy.tech_prefix


def _under(version: PolicyVersion, source: str, outcome: str, status: int, observed: Observations) -> str:
    policy = version.policy
    return proof(
        outcome,
        status,
        listed=source == "" or contains(policy.networks, source),
        credentials_on=policy.credentials_on,
        no_path_status=observed.no_path_status,
    )
