"""Attempts in PBXs' own records for which the carrier has no CDR."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import humanize
import pandas as pd

from dashboard.checks.evidence import calls as call_evidence
from dashboard.core.addresses import membership
from dashboard.domain.admission import changed_at, counts_from
from dashboard.domain.capabilities import Capability
from dashboard.domain.snapshot import Age, Snapshot

ENOUGH = 3
"""Minimum consecutive attempts without a CDR that count against a listed PBX; fewer may be a network fault."""


@dataclass(frozen=True)
class Lost:
    """Consecutive attempts up to the newest that PBXs recorded and the carrier did not; at least one."""

    attempts: int
    since: datetime
    evidence: tuple[Mapping[str, Any], ...]

    @property
    def sentence(self) -> str:
        """Text such as ``2 attempts in the PBX's own records since ... have no record at the carrier``."""
        singular = self.attempts == 1
        subject = "1 attempt" if singular else f"{self.attempts:,} attempts"
        return (
            f"{subject} in the PBX's own records since {call_evidence.moment(self.since)} "
            f"{'has' if singular else 'have'} no record at the carrier"
        )


def meaning(snapshot: Snapshot) -> str:
    """Return the possible causes of missing carrier records, as the end of a sentence about the attempts."""
    if Capability.REFUSALS_IN_CDRS in snapshot.capabilities:
        return "though it records what it refuses: they did not reach it"
    return "as a refusal looks where the carrier writes none, and as a fault of the network would"


def silence(snapshot: Snapshot, pbx_ids: tuple[str, ...]) -> str:
    """Return text on the absence of calls: whether it is significant, and why PBXs' own records are not usable."""
    own_records = snapshot.pbx_records[snapshot.pbx_records["pbx_id"].isin(pbx_ids)]
    reasons = [text for row in own_records.to_dict("records") if (text := _why_unusable(snapshot, row))]
    return "; ".join([call_evidence.silence(snapshot), *reasons])


def _why_unusable(snapshot: Snapshot, row: Mapping[Any, Any]) -> str:
    records_of_pbx = f"{snapshot.name_of(row['pbx_id'])}'s own records"
    if row["fault"] == "clock":
        off = humanize.precisedelta(abs(int(row["skew_s"])))
        return f"{records_of_pbx} are {off} off the carrier's times, so import them again with the right time zone"
    if row["fault"] == "answered":
        return f"{records_of_pbx} were not compared, because the carrier does not know the answered calls in them"
    fresh = snapshot.pbx_freshness.get(row["pbx_id"])
    if fresh is not None and fresh.to_come(snapshot.taken_at):
        last = call_evidence.moment(row["last_at"])
        return f"{records_of_pbx} end at {last}, which is in the future, so its clock or ours was wrong"
    if fresh is None or fresh.age(snapshot.taken_at) is not Age.FRESH:
        return f"{records_of_pbx} end at {call_evidence.moment(row['last_at'])}, so import newer ones"
    return ""


def find_lost_attempts(
    snapshot: Snapshot, pbx_ids: tuple[str, ...], address: str, let_in: call_evidence.Tallies = ()
) -> Lost | None:
    """
    Return the attempts of PBXs that ended at once and of which the carrier has no record.

    An attempt counts only if it is later than the latest policy change for the address, the start of the PBX's use of
    the address, and the PBX's last attempt that the carrier has. A PBX is ignored if some of its addresses are on the
    list and others are not, because its records do not contain the source address, or if its records are not fresh or
    not comparable with the carrier's. Returns ``None`` if no attempts remain, or if calls from the address were
    admitted (``let_in``) after them.
    """
    speaking = [pbx_id for pbx_id in pbx_ids if _is_usable(snapshot, pbx_id)]
    if not speaking:
        return None
    rows = snapshot.pbx_attempts
    rows = rows[rows["pbx_id"].isin(speaking) & (rows["fate"] == "missing") & rows["at_once"] & rows["latest"]]
    changes = [
        change
        for change in (changed_at(snapshot.versions, address), _first_use_of(snapshot, address))
        if change is not None
    ]
    if changes:
        rows = rows[rows["first_at"] >= counts_from(max(changes))]
    if rows.empty or (let_in and call_evidence.last(let_in) >= rows["last_at"].max()):
        return None
    return Lost(int(rows["attempts"].sum()), rows["first_at"].min(), _evidence(snapshot, rows))


def _first_use_of(snapshot: Snapshot, address: str) -> datetime | None:
    """Return when the last PBX began to call from an address; ``None`` if not recorded."""
    addresses = snapshot.addresses_now
    first_use = addresses.loc[addresses["address"] == address, "valid_from"].max()
    return None if pd.isna(first_use) else first_use


def _is_usable(snapshot: Snapshot, pbx_id: str) -> bool:
    """Return whether a PBX's records are fresh and its addresses are either all listed or all unlisted."""
    fresh = snapshot.pbx_freshness.get(pbx_id)
    if fresh is None or fresh.age(snapshot.taken_at) is not Age.FRESH:
        return False
    addresses = snapshot.addresses_now
    own_addresses = addresses.loc[addresses["pbx_id"] == pbx_id, "address"]
    return len(set(membership(snapshot.policy.networks, own_addresses))) == 1


def _evidence(snapshot: Snapshot, rows: pd.DataFrame) -> tuple[Mapping[str, Any], ...]:
    """Return a row per PBX, disposition, Q.850 cause and SIP status, with the comparison of the PBX's clock."""
    keys = ["pbx_id", "disposition", "q850_cause", "sip_status"]
    sums = {"attempts": ("attempts", "sum"), "first_at": ("first_at", "min"), "last_at": ("last_at", "max")}
    groups = rows.groupby(keys, dropna=False, as_index=False).agg(**sums)
    return tuple(
        {
            "PBX": snapshot.name_of(row["pbx_id"]),
            "PBX's own word": row["disposition"],
            "Q.850 cause": None if pd.isna(row["q850_cause"]) else int(row["q850_cause"]),
            "SIP status": None if pd.isna(row["sip_status"]) else int(row["sip_status"]),
            "attempts without a record": int(row["attempts"]),
            "first call": row["first_at"].isoformat(),
            "last call": row["last_at"].isoformat(),
            "answered calls compared": int(row["compared"]),
            "carrier's clock ahead (s)": int(row["skew_s"]) if row["compared"] else None,
        }
        for row in groups.merge(snapshot.pbx_records[["pbx_id", "compared", "skew_s"]], on="pbx_id").to_dict("records")
    )
