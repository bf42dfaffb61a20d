"""Anyone who reads a PBX's files, in a backup, in a repository or after a break-in, can use the secrets in them."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from dashboard.checks.evidence import ownership, secrets
from dashboard.checks.registry import ACCOUNT_SUBJECT, check, unknown
from dashboard.domain.findings import Cause, Impact, Severity, Verdict
from dashboard.domain.snapshot import Snapshot
from dashboard.schemas.object_types import ObjectType

CURE = "Import its folder of configuration on the page Inventory."


@check(
    title="The configuration of PBXs holds no secret of the account that nobody needs",
    severity=Severity.MEDIUM,
    impact=Impact.LOSS,
    control=("CIS v8.1 4.2", "CIS v8.1 5.5", "SOC 2 CC6.1", "ISO 27001:2022 A.5.17", "ISO 27001:2022 A.8.9"),
    deciding=("configurations", "inventory"),
    additional=("allowed_ips", "credentials"),
)
def pbx_config_has_no_secret(snapshot: Snapshot) -> Iterator[Verdict]:
    """No API key stands in a PBX's files, and no SIP password of the trunk once calls are let in by address."""
    facts = secrets.config_facts(snapshot)
    need = ownership.needs_of_credentials(snapshot, ("active", ownership.STANDBY))
    if facts.empty:
        reason = f"For the account, no configuration of a PBX was ever read. {CURE}"
        yield unknown(ACCOUNT_SUBJECT, reason=reason, cause=Cause.MISSING)
        return
    for pbx_id in ownership.live(snapshot)["pbx_id"]:
        yield from _verdicts(snapshot, pbx_id, facts[facts["pbx_id"] == pbx_id], need.get(pbx_id, ownership.Need.PROOF))


def _verdicts(snapshot: Snapshot, pbx_id: str, facts: pd.DataFrame, need: ownership.Need) -> Iterator[Verdict]:
    pbx_name = snapshot.name_of(pbx_id)
    locations = secrets.find_secrets(facts)
    if not (facts["object_type"] == ObjectType.TRUNK).any() and not any(locations.values()):
        gap = "shows no trunk to the carrier" if len(facts) else "was never read"
        reason = f"The configuration of {pbx_name} {gap}, so nobody knows which secrets it holds. {CURE}"
        yield unknown(pbx_id, reason=reason, cause=Cause.MISSING, pbx_ids=(pbx_id,))
        return
    yield secrets.judge_api_key(pbx_name, pbx_id, locations)
    yield secrets.judge_password(snapshot, pbx_name, pbx_id, locations, need)
