"""Verdicts on secrets in a PBX's configuration."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from dashboard.checks.evidence import ownership
from dashboard.checks.registry import failed, passed, unknown
from dashboard.domain.findings import Severity, Verdict
from dashboard.domain.snapshot import Snapshot
from dashboard.pbx.sources import OF_SIP, PRESENT, Secret, place_of
from dashboard.schemas.object_types import ObjectType

Found = Mapping[Secret, tuple[str, ...]]
"""Locations of secrets by kind, as ``FILE, line N``."""

MOST_PLACES = 3


def read(snapshot: Snapshot) -> pd.DataFrame:
    """Return the facts that were read from PBXs' own configuration, without those from an asset register."""
    facts = snapshot.pbx_config
    return facts[facts["object_type"] != ObjectType.RECORD]


def of(facts: pd.DataFrame) -> Found:
    """Return the locations of secrets among the facts of one PBX."""
    found: dict[Secret, tuple[str, ...]] = {}
    rows = facts[facts["attribute"] == PRESENT]
    for value, file, line in zip(rows["value"], rows["file"], rows["line"], strict=True):
        kind = Secret.of(value)
        found[kind] = (*found.get(kind, ()), place_of(str(file), None if pd.isna(line) else line))
    return found


def key(who: str, pbx_id: str, found: Found) -> Verdict:
    """Return the verdict on API keys in a PBX's files."""
    subject = f"{pbx_id}: {Secret.API_KEY}"
    places = found.get(Secret.API_KEY, ())
    if not places:
        reason = f"No API key stands in what was read of {who}."
        return passed(subject, reason=reason, pbx_ids=(pbx_id,))
    reason = (
        f"An API key stands in the files of {who} ({_at(places)}). The carrier's keys have no scope: whoever reads one "
        "changes numbers and inbound routes. Make a new one, and take this one out."
    )
    evidence = _rows({Secret.API_KEY: places})
    return failed(subject, reason=reason, severity=Severity.HIGH, pbx_ids=(pbx_id,), evidence=evidence)


def password(snapshot: Snapshot, who: str, pbx_id: str, found: Found, need: ownership.Need) -> Verdict:
    """Return the verdict on SIP passwords of the trunk in a PBX's files."""
    subject = f"{pbx_id}: SIP password"
    ours = {kind: found[kind] for kind in OF_SIP if kind in found}
    places = tuple(at for kind in ours.values() for at in kind)
    open_ones = found.get(Secret.UNKNOWN, ())
    if not places and open_ones:
        reason = f"A password stands in the files of {who} ({_at(open_ones)}), and what it opens does not stand there."
        rows = _rows({Secret.UNKNOWN: open_ones})
        return unknown(subject, reason=reason, severity=Severity.LOW, pbx_ids=(pbx_id,), evidence=rows)
    if not places:
        return passed(subject, reason=f"No SIP password of the trunk stands in the files of {who}.", pbx_ids=(pbx_id,))
    base = f"SIP credentials of the trunk stand in the files of {who} ({_at(places)})"
    rows = _rows(ours)
    if need in (ownership.Need.PROOF, ownership.Need.LIST, ownership.Need.LISTING_AND_PROOF):
        reason = f"{base}. {who} {need}."
        return unknown(subject, reason=reason, severity=Severity.LOW, pbx_ids=(pbx_id,), evidence=rows)
    if need is not ownership.Need.NONE:
        return passed(subject, reason=f"{base}, and {who} {need}.", pbx_ids=(pbx_id,), evidence=rows)
    off = snapshot.account.credentials_on is False
    serves = "open nothing while they are off for the account" if off else "serve only a thief"
    reason = f"{base}. {who} {need}: they {serves}. Take them out."
    severity = Severity.LOW if off else None
    return failed(subject, reason=reason, severity=severity, pbx_ids=(pbx_id,), evidence=rows)


def _at(places: tuple[str, ...]) -> str:
    more = len(places) - MOST_PLACES
    return "; ".join(places[:MOST_PLACES]) + (f"; and {more} more" if more > 0 else "")


def _rows(found: Found) -> tuple[dict[str, str], ...]:
    return tuple({"secret": kind.value, "place": place} for kind, places in found.items() for place in places)
