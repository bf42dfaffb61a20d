"""Which calls were refused for authorization, as far as the policy of their time tells, and is it the same now."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from dashboard.addresses import contains
from dashboard.calls.judging import NO_VERSION, version_index
from dashboard.policy import PolicyVersion


def refused(rows: pd.DataFrame, versions: Sequence[PolicyVersion]) -> pd.Series[bool]:
    """
    Say of each row whether its calls were refused for authorization.

    A 403 whose reason names the list says so itself. With credentials off nothing else lets an address in that is
    not on the list, and what it is refused with is not documented: then any 403 is such a refusal.

    Args:
        rows: Outbound rows with ``outcome``, ``source_ip`` and ``first_at``; none straddles a change of the policy.
        versions: Oldest first.
    """
    sure = rows["outcome"] == "refused_auth"
    open_ones = rows[rows["outcome"] == "refused_unknown"]
    numbers = version_index(open_ones["first_at"], versions)
    ruled = [
        number != NO_VERSION and _has_no_path(versions[number], source)
        for number, source in zip(numbers, open_ones["source_ip"], strict=True)
    ]
    return sure | pd.Series(ruled, index=open_ones.index, dtype=bool).reindex(rows.index, fill_value=False)


def as_now(rows: pd.DataFrame, versions: Sequence[PolicyVersion]) -> pd.Series[bool]:
    """
    Say of each row whether what let its calls in or refused them is the same now: then they speak of today.

    Args:
        rows: With ``source_ip`` and ``first_at``; none straddles a change of the policy.
        versions: Oldest first; without any, nothing is known to have changed.
    """
    numbers = version_index(rows["first_at"], versions)
    found = [
        not versions or (number != NO_VERSION and _meets(versions[number], source) == _meets(versions[-1], source))
        for number, source in zip(numbers, rows["source_ip"], strict=True)
    ]
    return pd.Series(found, index=rows.index, dtype=bool)


def _meets(version: PolicyVersion, source: str) -> tuple[bool, bool | None, str]:
    policy = version.policy
    return contains(policy.networks, source), policy.credentials_on, policy.tech_prefix


def _has_no_path(version: PolicyVersion, source: str) -> bool:
    return version.policy.credentials_on is False and source != "" and not contains(version.policy.networks, source)
