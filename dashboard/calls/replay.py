"""
Call replay: which past calls would a change save or break.

Each outbound call is judged under today's policy and under the proposal, by ``policy.admit``, from
what is proven about its PBX. Decided once per distinct key of the roll-up, never call by call.
Labels as in the design, section 3. Inbound calls are not judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from dashboard.addresses import membership
from dashboard.changes import Impact, LabelCount
from dashboard.policy import CANNOT_TELL, Decision, Facts, Policy, PolicyVersion, admit
from dashboard.snapshot import Snapshot

UNCHANGED, SAVED, BROKEN, CANNOT = "unchanged", "saved", "broken", "cannot tell"
Key = Mapping[Any, Any]
"""A distinct key of the roll-up: ``source_ip``, ``pbx_id``, ``version``, ``met`` and where it was listed."""

ADMITTED, REFUSED, UNCLEAR = "admitted", "refused", "unclear"
MET = {"refused_auth": REFUSED, "refused_unknown": UNCLEAR}
"""
How the carrier met a call. Every other outcome was let in first. A 403 that does not name the ACL may be the
carrier's (its code without prefix and credentials is not known) or the far end's: it contradicts neither.
"""

LABELS = (UNCHANGED, SAVED, BROKEN, CANNOT)
NO_VERSION = -1
"""No policy is on record for that time, or the call fell into the very second of a change."""

DIALS: Mapping[str, bool | None] = {"yes": True, "no": False}
HOLDS: Mapping[str, bool] = {"ip": False, "credentials": True, "both": True}


@dataclass(frozen=True)
class Replay:
    """
    A replay's answer.

    ``rows`` are the outbound rows of the snapshot's traffic with ``label``, ``today_by`` and
    ``then_by`` (``ip``, ``credentials``, ``refused`` or ``""`` for cannot tell).
    """

    rows: pd.DataFrame
    names: Mapping[str, str]
    since: pd.Timestamp | None

    @cached_property
    def impact(self) -> Impact:
        """Counts by label, the decided share, and who would lose or gain calls."""
        total = int(self.rows["calls"].sum())
        undecided = int(self.rows.loc[self.rows["label"] == CANNOT, "calls"].sum())
        moved = (self.rows["label"] == UNCHANGED) & (self.rows["today_by"] == "credentials")
        return Impact(
            labels={label: _count(self.rows[self.rows["label"] == label]) for label in LABELS},
            decided=1.0 if not total else (total - undecided) / total,
            since=None if self.since is None else self.since.to_pydatetime(),
            breaks=self._who(BROKEN),
            saves=self._who(SAVED),
            to_ip=int(self.rows.loc[moved & (self.rows["then_by"] == "ip"), "calls"].sum()),
        )

    def by_pbx(self) -> pd.DataFrame:
        """Return ``who``, ``label``, ``calls``, ``minutes``, ``cost_usd``: a row per PBX or address and label."""
        rows = self.rows.assign(who=self._names(self.rows), minutes=self.rows["duration_s"].astype("float64") / 60)
        grouped = rows.groupby(["who", "label"], as_index=False)[["calls", "minutes", "cost_usd"]].sum()
        return grouped.sort_values("calls", ascending=False, ignore_index=True)

    def broken_pbxs(self) -> tuple[str, ...]:
        """Return the ids of PBXs of ours that would lose calls."""
        rows = self.rows[(self.rows["label"] == BROKEN) & (self.rows["pbx_id"] != "")]
        return tuple(sorted(rows["pbx_id"].unique()))

    def _who(self, label: str) -> tuple[str, ...]:
        return tuple(sorted(set(self._names(self.rows[self.rows["label"] == label]))))

    def _names(self, rows: pd.DataFrame) -> list[str]:
        pairs = zip(rows["pbx_id"], rows["source_ip"], strict=True)
        return [self.names.get(pbx, pbx) if pbx else f"{address} (nobody's)" for pbx, address in pairs]


def replay(snapshot: Snapshot, proposal: Policy) -> Replay:
    """
    Judge the snapshot's outbound calls under today's policy and under a proposal.

    Args:
        snapshot: Traffic attributed and split at the instants of its versions.
        proposal: The policy to compare with ``snapshot.policy``.

    Returns:
        The labeled rows; nothing of the snapshot is changed.
    """
    rows = snapshot.traffic[snapshot.traffic["direction"] == "outbound"].reset_index(drop=True)
    rows = rows.assign(
        version=version_index(rows["first_at"], snapshot.versions),
        met=rows["outcome"].map(MET).fillna(ADMITTED),
    )
    keys = rows[["source_ip", "pbx_id", "version", "met"]].drop_duplicates().reset_index(drop=True)
    keys["listed_today"] = membership(snapshot.policy.networks, keys["source_ip"])
    keys["listed_then"] = _listed_then(keys, snapshot.versions)
    keys["listed_new"] = membership(proposal.networks, keys["source_ip"])
    judge = _Judge(snapshot, proposal, keys)
    answers = [judge.label(key) for key in keys.to_dict("records")]
    keys[["label", "today_by", "then_by"]] = pd.DataFrame(answers, index=keys.index, columns=["a", "b", "c"])
    told = ["source_ip", "pbx_id", "version", "met", "label", "today_by", "then_by"]
    labeled = rows.merge(keys[told], on=told[:4], how="left", validate="many_to_one")
    since = None if snapshot.since is None else pd.Timestamp(snapshot.since)
    return Replay(labeled, dict(zip(snapshot.pbxs["pbx_id"], snapshot.pbxs["name"], strict=True)), since)


def version_index(times: pd.Series, versions: Iterable[PolicyVersion]) -> np.ndarray:
    """
    Say which policy version was in force at each time.

    CDRs carry whole seconds, so a call in the very second of a change may have been judged by
    either policy: it belongs to no version, and proves nothing.

    Args:
        times: UTC timestamps.
        versions: Oldest first.

    Returns:
        Index into ``versions``, or ``NO_VERSION``.
    """
    versions = list(versions)
    starts = pd.DatetimeIndex([v.valid_from for v in versions], dtype="datetime64[us, UTC]")
    floors = starts.floor("s")
    instants = pd.DatetimeIndex(times)
    index = np.asarray(np.searchsorted(floors, instants, side="right")) - 1
    if versions:
        same_second = (index >= 1) & (instants.floor("s") == floors[np.maximum(index, 0)])
        index = np.where(same_second, NO_VERSION, index)
    return index


def _listed_then(keys: pd.DataFrame, versions: tuple[PolicyVersion, ...]) -> pd.Series:
    listed = pd.Series(data=False, index=keys.index)
    for number, version in enumerate(versions):
        chosen = keys["version"] == number
        listed[chosen] = membership(version.policy.networks, keys.loc[chosen, "source_ip"])
    return listed


class _Judge:
    """What is proven about each caller, and the label of each key."""

    def __init__(self, snapshot: Snapshot, proposal: Policy, keys: pd.DataFrame) -> None:
        self._versions = snapshot.versions
        self._observed = snapshot.observed
        self._today, self._proposal = snapshot.policy, proposal
        pbxs = snapshot.pbxs.set_index("pbx_id")
        self._dials = {str(k): DIALS.get(v) for k, v in pbxs["dials_prefix"].items()}
        self._holds: dict[str, bool] = {str(k): HOLDS[v] for k, v in pbxs["auth_method"].items()}
        self._seen_to_hold: set[tuple[str, str]] = set()
        self._seen_to_dial: set[tuple[str, str]] = set()
        for key in keys[(keys["version"] != NO_VERSION) & (keys["met"] == ADMITTED)].to_dict("records"):
            credentials_on = self._versions[key["version"]].policy.credentials_on
            if credentials_on is True and not key["listed_then"]:
                self._seen_to_hold.add(_caller(key))
            if credentials_on is False and key["listed_then"]:
                self._seen_to_dial.add(_caller(key))

    def label(self, key: Key) -> tuple[str, str, str]:
        """Return label, how the call is admitted today, and how under the proposal."""
        now = self._facts(key, listed=bool(key["listed_today"]), credentials_on=self._today.credentials_on)
        then = self._facts(key, listed=bool(key["listed_new"]), credentials_on=self._proposal.credentials_on)
        if self._contradicted(key):
            return (UNCHANGED if now == then else CANNOT), "", ""
        today = self._with_evidence(key, now)
        new = today if then == now else admit(then, self._observed)
        if now == then:
            return UNCHANGED, _way(today), _way(new)
        if today.admitted is None or new.admitted is None:
            return CANNOT, _way(today), _way(new)
        if today.admitted == new.admitted:
            return UNCHANGED, _way(today), _way(new)
        return (SAVED if new.admitted else BROKEN), _way(today), _way(new)

    def _facts(self, key: Key, *, listed: bool, credentials_on: bool | None) -> Facts:
        pbx, caller = str(key["pbx_id"]), _caller(key)
        return Facts(
            dials_prefix=True if caller in self._seen_to_dial else self._dials.get(pbx),
            authorized=listed,
            credentials_on=credentials_on,
            digest_valid=True if caller in self._seen_to_hold else self._holds.get(pbx),
        )

    def _past(self, key: Key) -> Facts | None:
        number = int(key["version"])
        if number == NO_VERSION:
            return None
        policy = self._versions[number].policy
        return self._facts(key, listed=bool(key["listed_then"]), credentials_on=policy.credentials_on)

    def _contradicted(self, key: Key) -> bool:
        """Say whether the call ended otherwise than the rule says it must have: then something on record is wrong."""
        past = self._past(key)
        if past is None:
            return False
        expected = admit(past, self._observed).admitted
        return expected is not None and key["met"] == (REFUSED if expected else ADMITTED)

    def _with_evidence(self, key: Key, now: Facts) -> Decision:
        """Decide today's side; the call itself is the answer where today's facts are those it met."""
        decision = admit(now, self._observed)
        if decision.admitted is None and key["met"] != UNCLEAR and self._past(key) == now:
            return Decision(admitted=key["met"] == ADMITTED)
        return decision


def _caller(key: Key) -> tuple[str, str]:
    """Name who calls: what a call proves, it proves of this PBX at this address."""
    return str(key["pbx_id"]), str(key["source_ip"])


def _way(decision: Decision) -> str:
    if decision.admitted is None or decision == CANNOT_TELL:
        return ""
    return decision.by if decision.admitted else "refused"


def _count(rows: pd.DataFrame) -> LabelCount:
    cost = rows["cost_usd"].sum() if len(rows) else Decimal(0)
    return LabelCount(
        calls=int(rows["calls"].sum()),
        minutes=round(float(rows["duration_s"].sum()) / 60, 1),
        cost_usd=f"{cost:f}",
    )
