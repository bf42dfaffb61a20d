"""Verdicts on secrets in a PBX's configuration."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from dashboard.checks.evidence import ownership
from dashboard.checks.registry import failed, passed, unknown
from dashboard.core.text import first_of
from dashboard.domain.findings import Severity, Verdict
from dashboard.domain.snapshot import Snapshot
from dashboard.pbx import SECRET_PRESENT, SIP_SECRETS, Secret, location_text
from dashboard.schemas.object_types import ObjectType

Found = Mapping[Secret, tuple[str, ...]]
"""Locations of secrets by kind, as ``FILE, line N``."""

MOST_PLACES = 3


def config_facts(snapshot: Snapshot) -> pd.DataFrame:
    """Return the facts that were read from PBXs' own configuration, without those from an asset register."""
    facts = snapshot.pbx_config
    return facts[facts["object_type"] != ObjectType.RECORD]


def find_secrets(facts: pd.DataFrame) -> Found:
    """Return the locations of secrets among the facts of one PBX."""
    locations: dict[Secret, tuple[str, ...]] = {}
    rows = facts[facts["attribute"] == SECRET_PRESENT]
    for value, file, line in zip(rows["value"], rows["file"], rows["line"], strict=True):
        kind = Secret.of(value)
        locations[kind] = (*locations.get(kind, ()), location_text(str(file), None if pd.isna(line) else line))
    return locations


def judge_api_key(pbx_name: str, pbx_id: str, secret_locations: Found) -> Verdict:
    """Return the verdict on API keys in a PBX's files."""
    subject = f"{pbx_id}: {Secret.API_KEY}"
    locations = secret_locations.get(Secret.API_KEY, ())
    if not locations:
        reason = f"No API key stands in what was read of {pbx_name}."
        return passed(subject, reason=reason, pbx_ids=(pbx_id,))
    reason = (
        f"An API key stands in the files of {pbx_name} ({_locations_text(locations)}). The carrier's keys have no "
        "scope: whoever reads one "
        "changes numbers and inbound routes. Make a new one, and take this one out."
    )
    evidence = _rows({Secret.API_KEY: locations})
    return failed(subject, reason=reason, severity=Severity.HIGH, pbx_ids=(pbx_id,), evidence=evidence)


def judge_password(
    snapshot: Snapshot, pbx_name: str, pbx_id: str, secret_locations: Found, need: ownership.Need
) -> Verdict:
    """Return the verdict on SIP passwords of the trunk in a PBX's files."""
    subject = f"{pbx_id}: SIP password"
    trunk_secrets = {kind: secret_locations[kind] for kind in SIP_SECRETS if kind in secret_locations}
    locations = tuple(at for kind in trunk_secrets.values() for at in kind)
    open_ones = secret_locations.get(Secret.UNKNOWN, ())
    if not locations and open_ones:
        reason = (
            f"A password stands in the files of {pbx_name} ({_locations_text(open_ones)}), and what it opens does not "
            "stand there."
        )
        rows = _rows({Secret.UNKNOWN: open_ones})
        return unknown(subject, reason=reason, severity=Severity.LOW, pbx_ids=(pbx_id,), evidence=rows)
    if not locations:
        return passed(
            subject, reason=f"No SIP password of the trunk stands in the files of {pbx_name}.", pbx_ids=(pbx_id,)
        )
    base = f"SIP credentials of the trunk stand in the files of {pbx_name} ({_locations_text(locations)})"
    rows = _rows(trunk_secrets)
    if need in (ownership.Need.PROOF, ownership.Need.LIST, ownership.Need.LISTING_AND_PROOF):
        reason = f"{base}. {pbx_name} {need}."
        return unknown(subject, reason=reason, severity=Severity.LOW, pbx_ids=(pbx_id,), evidence=rows)
    if need is not ownership.Need.NONE:
        return passed(subject, reason=f"{base}, and {pbx_name} {need}.", pbx_ids=(pbx_id,), evidence=rows)
    off = snapshot.account.credentials_on is False
    serves = "open nothing while they are off for the account" if off else "serve only a thief"
    reason = f"{base}. {pbx_name} {need}: they {serves}. Take them out."
    severity = Severity.LOW if off else None
    return failed(subject, reason=reason, severity=severity, pbx_ids=(pbx_id,), evidence=rows)


def _locations_text(locations: tuple[str, ...]) -> str:
    return first_of(locations, MOST_PLACES, separator="; ")


def _rows(secret_locations: Found) -> tuple[dict[str, str], ...]:
    return tuple(
        {"secret": kind.value, "place": location}
        for kind, locations in secret_locations.items()
        for location in locations
    )
