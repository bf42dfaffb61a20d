"""
Proven facts about callers, and evaluation of policies against their calls.

``admission.admit`` holds the rule and is evaluated once per possible combination of facts; arrays of keys are then
looked up in the results. A key contains everything that can make a difference to a call: its caller (this PBX at this
address, or another that only claims to be the PBX), the policy version in force, and how the carrier treated it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from dashboard import schemas
from dashboard.calls.attribution import is_only_claimed
from dashboard.calls.replay.exact_sums import Flags, Ints
from dashboard.core.addresses import membership
from dashboard.domain.admission import CallFacts, Decision, Observations, Policy, PolicyVersion, admit
from dashboard.domain.snapshot import Snapshot, members

NO = 0
YES = 1
NOT_KNOWN = 2
FACTS: tuple[bool | None, ...] = (False, True, None)
"""Value of a fact by its code: ``NO``, ``YES``, ``NOT_KNOWN``."""
CODES = {value: code for code, value in enumerate(FACTS)}

ADMITTED = 0
REFUSED = 1
UNCLEAR = 2
CHALLENGED = 3
MET = {schemas.ADMISSION: ADMITTED, schemas.REFUSAL: REFUSED, schemas.NOTHING: UNCLEAR}
"""
How the carrier treated a call, by what its outcome proves (``schemas.PROVES``).

``CHALLENGED`` is a refusal with 401 or 407: the carrier asked for a digest, and none was valid. An outcome that proves
nothing contradicts nothing. Neither does a call with the status observed for calls without a path
(``Observations.no_path_status``) while credentials are not known to be on: the carrier or the far end may have sent it.
"""
NAMED = (401, 407)
"""SIP status codes that mean a refusal for authorization whatever the reason."""

NEVER = np.iinfo(np.int64).min
"""Earlier than every time."""
NO_VERSION = -1
"""No policy is on record for that time, or the call started in the second of a policy change."""

DIALS = {"yes": YES, "no": NO}
HOLDS = {"ip": NO, "credentials": YES, "both": YES}

WAYS = ("", "ip", "credentials", "refused")
"""How a call is admitted or refused, by code: ``""`` if unknown, or if several ways agree on admission."""
SOME_WAY = WAYS.index("")
NO_WAY = WAYS.index("refused")


@dataclass(frozen=True)
class Keys:
    """Distinct keys of a frame of calls or of their roll-up, as codes into lists of distinct values."""

    sources: pd.Series
    """Distinct source addresses."""
    pbxs: pd.Series
    """Distinct PBX IDs, including ``""`` if a call belongs to no PBX."""
    source: Ints
    """Index of each key into ``sources``."""
    pbx: Ints
    claimed: Ints
    """1 where only the caller's own X-Tag or caller ID ties the calls to the PBX, else 0."""
    version: Ints
    """Index into the snapshot's versions, or ``NO_VERSION``."""
    met: Ints
    last_us: Ints
    """Start of each key's last call, in microseconds since 1970."""
    of_row: Ints
    """Key index of each row of the frame."""

    @classmethod
    def of(
        cls,
        frame: pd.DataFrame,
        at: str,
        versions: tuple[PolicyVersion, ...],
        observed: Observations,
        pbx_addresses: pd.DataFrame,
    ) -> Keys:
        """
        Find the keys of outbound calls.

        Args:
            frame: ``direction``, ``source_ip``, ``pbx_id``, ``attributed_by``, ``outcome``, ``sip_status`` and a time.
            at: Name of the time column.
            versions: Policy versions, oldest first.
            observed: Observations of the carrier.
            pbx_addresses: PBX_ADDRESSES, which decide which calls are only claimed.
        """
        source, sources = pd.factorize(frame["source_ip"])
        pbx, pbxs = pd.factorize(frame["pbx_id"])
        outcome, outcomes = pd.factorize(frame["outcome"])
        observed_result = np.array([MET[schemas.PROVES[name]] for name in outcomes], dtype=np.int64)[outcome]
        observed_result[
            (observed_result == REFUSED) & frame["sip_status"].isin(NAMED).to_numpy(dtype=bool, na_value=False)
        ] = CHALLENGED
        index = version_index(frame[at], versions)
        observed_result[_may_be_no_path(frame, index, versions, observed.no_path_status)] = UNCLEAR
        version = index - NO_VERSION
        claimed = is_only_claimed(frame, pbx_addresses).to_numpy(dtype=np.int64)
        shape = (len(sources), len(pbxs), 2, len(versions) - NO_VERSION, CHALLENGED + 1)
        packed = np.ravel_multi_index((source, pbx, claimed, version, observed_result), shape) if len(frame) else source
        of_row, distinct = pd.factorize(packed)
        parts = np.unravel_index(distinct, shape) if len(frame) else (distinct,) * len(shape)
        last_us = np.full(len(distinct), NEVER, dtype=np.int64)
        ends = frame["last_at" if "last_at" in frame else at].to_numpy(dtype="datetime64[us]").astype(np.int64)
        np.maximum.at(last_us, of_row, ends)
        return cls(
            sources=pd.Series(sources, dtype="object"),
            pbxs=pd.Series(pbxs, dtype="object"),
            source=parts[0],
            pbx=parts[1],
            claimed=parts[2],
            version=parts[3] + NO_VERSION,
            met=parts[4],
            last_us=last_us,
            of_row=of_row,
        )

    def __len__(self) -> int:
        return len(self.source)


@dataclass(frozen=True)
class Verdicts:
    """Verdict of a policy on each key: whether it is admitted (a code of ``FACTS``), and the way (of ``WAYS``)."""

    admitted: Ints
    way: Ints


class Judge:
    """Facts that a snapshot proves about its callers. Built once, evaluates any number of policies."""

    def __init__(self, snapshot: Snapshot, keys: Keys) -> None:
        """
        Collect the facts that the calls prove.

        Args:
            snapshot: Source of the inventory, the versions and the observations of the carrier.
            keys: Keys of the snapshot's outbound calls.
        """
        self._versions = snapshot.versions
        self._tech_prefix = snapshot.account.tech_prefix
        self._table = _table(snapshot.observed)
        self._dials = _coded(snapshot.pbxs, "dials_prefix", DIALS)
        self._holds = _coded(snapshot.pbxs, "auth_method", HOLDS)
        self._sources = pd.Index(keys.sources)
        self._pbxs = pd.Index(keys.pbxs)
        callers = self._callers(keys, keys.source, keys.pbx)
        listed, credentials = self._policy_then(keys, np.ones(len(keys), dtype=np.bool_))
        has_version = keys.version != NO_VERSION
        let_in = has_version & (keys.met == ADMITTED)
        by_digest = let_in & (credentials == YES) & (listed == NO)
        self._holders, self._without = _latest(callers, keys.last_us, by_digest, self._refused_digest(keys))
        self._dialers = np.unique(callers[let_in & (credentials == NO) & (listed == YES)])

    def _callers(self, keys: Keys, source: Ints, pbx: Ints) -> Ints:
        """Return the number of each key's caller, from indexes into the snapshot's sources and PBXs."""
        return (pbx * len(self._sources) + source) * 2 + keys.claimed

    def cases(self, keys: Keys) -> Cases:
        """
        Combine each key with its proven facts, ready for evaluation under policies.

        The inventory's facts about a PBX apply to its own addresses. An X-Tag sent from another address proves nothing.
        """
        source = self._sources.get_indexer(keys.sources)[keys.source]
        pbx = self._pbxs.get_indexer(keys.pbxs)[keys.pbx]
        caller = np.where((source < 0) | (pbx < 0), -1, self._callers(keys, source, pbx))
        dials, has_credentials = (
            np.array([_agreed(recorded, pbx) for pbx in keys.pbxs], dtype=np.int64)[keys.pbx]
            for recorded in (self._dials, self._holds)
        )
        claimed: Flags = keys.claimed == YES
        dials[claimed] = NOT_KNOWN
        has_credentials[claimed] = NOT_KNOWN
        proven = np.isin(caller, self._dialers)
        dials[proven] = YES
        has_credentials[np.isin(caller, self._holders)] = YES
        has_credentials[np.isin(caller, self._without)] = NO
        listed, credentials = self._policy_then(keys, proven)
        credentials_then = np.where(
            (keys.met == ADMITTED) & (credentials == YES) & (listed == NO), YES, has_credentials
        )
        credentials_then = np.where(self._refused_digest(keys), NO, credentials_then)
        then = np.where(keys.version == NO_VERSION, -1, _numbered(dials, listed, credentials, credentials_then))
        return Cases(self, self._table, keys, dials, has_credentials, proven, claimed, then)

    def _refused_digest(self, keys: Keys) -> Flags:
        """
        Return for each key whether its calls prove that their caller had no valid digest.

        While credentials are on, the carrier refuses with 401 or 407 only a call whose digest is missing or bad.
        """
        on = np.array([*(version.policy.credentials_on is True for version in self._versions), False])[keys.version]
        is_refused: Flags = on & (keys.met == CHALLENGED)
        return is_refused

    def listed(self, policy: Policy, keys: Keys, proven: Flags) -> Ints:
        """
        Return for each key whether the prefix that its caller dials is authorized with its address.

        Args:
            policy: Source of the list and the prefix.
            keys: Keys of the calls.
            proven: For each key, whether calls prove that its caller dials the account's prefix.

        Returns:
            Codes of ``FACTS``. A call without a source address may come from any address on the list.
        """
        is_other_prefix = policy.tech_prefix and self._tech_prefix and policy.tech_prefix != self._tech_prefix
        on_list = membership(policy.networks, keys.sources).to_numpy()
        by_source = np.where(on_list, YES, NO)
        if policy.networks:
            by_source = np.where(keys.sources == "", NOT_KNOWN, by_source)
        result: Ints = by_source[keys.source]
        unsure = np.full(len(keys), bool(is_other_prefix)) | (not policy.prefix_known) & ~proven
        return np.where(unsure & (result == YES), NOT_KNOWN, result)

    def _policy_then(self, keys: Keys, proven: Flags) -> tuple[Ints, Ints]:
        """Return for each key whether its source was listed at the time of the call, and the state of credentials."""
        listed = np.full(len(keys), NOT_KNOWN)
        credentials = np.full(len(keys), NOT_KNOWN)
        for number, version in enumerate(self._versions):
            of_version = keys.version == number
            if of_version.any():
                listed[of_version] = self.listed(version.policy, keys, proven)[of_version]
                credentials[of_version] = CODES[version.policy.credentials_on]
        return listed, credentials


@dataclass(frozen=True)
class Cases:
    """Keys and the known facts about their callers, ready for evaluation under any policy."""

    judge: Judge
    table: Verdicts
    keys: Keys
    dials: Ints
    holds: Ints
    proven: Flags
    """Calls prove that the caller dials the account's prefix; the inventory alone does not."""
    claimed: Flags
    """Only the caller's own X-Tag or caller ID ties the calls to one of our PBXs."""
    then: Ints
    """Fact number at the time of each call; -1 if no version is on record."""

    def facts(self, policy: Policy) -> Ints:
        """Return the facts of each key under a policy, numbered: equal numbers are equal facts."""
        listed = self.judge.listed(policy, self.keys, self.proven)
        return _numbered(self.dials, listed, CODES[policy.credentials_on], self.holds)

    def alike(self, first: Policy, second: Policy) -> Flags:
        """Return which keys have no relevant difference between two policies."""
        equal: Flags = self.facts(first) == self.facts(second)
        return equal if first.networks == second.networks else equal & ~self.anywhere

    @cached_property
    def anywhere(self) -> Flags:
        """Calls without a source address: whether two different lists treat them alike is unknown."""
        blank: Flags = (self.keys.sources == "").to_numpy(dtype=bool)[self.keys.source]
        return blank

    @cached_property
    def contradicted(self) -> Flags:
        """Calls whose outcome contradicts the rule, which means that something on record is wrong."""
        expected = self.table.admitted[self.then]
        refused = np.isin(self.keys.met, (REFUSED, CHALLENGED))
        against = ((expected == YES) & refused) | ((expected == NO) & (self.keys.met == ADMITTED))
        result: Flags = against & (self.then >= 0)
        return result

    def verdicts(self, facts: Ints) -> Verdicts:
        """
        Return the verdict of each key under numbered facts.

        If the rule leaves a key undecided and the facts equal those at the time of the call, the call's own outcome
        decides.
        """
        admitted = self.table.admitted[facts]
        method = self.table.way[facts]
        shown_by_call = (admitted == NOT_KNOWN) & (facts == self.then) & (self.keys.met != UNCLEAR) & ~self.anywhere
        let_in = self.keys.met == ADMITTED
        return Verdicts(
            np.where(shown_by_call, np.where(let_in, YES, NO), admitted),
            np.where(shown_by_call, np.where(let_in, SOME_WAY, NO_WAY), method),
        )


def version_index(times: pd.Series, versions: Iterable[PolicyVersion]) -> Ints:
    """
    Return the policy version in force at each time.

    CDRs carry whole seconds, so a call in the same second as a change may have met either policy: it is assigned to no
    version and proves nothing.

    Args:
        times: UTC timestamps.
        versions: Oldest first.

    Returns:
        Index into ``versions``, or ``NO_VERSION``.
    """
    starts = pd.DatetimeIndex([version.valid_from for version in versions], dtype="datetime64[us, UTC]")
    floors = starts.floor("s")
    instants = pd.DatetimeIndex(times)
    index = np.asarray(np.searchsorted(floors, instants, side="right")).astype(np.int64) - 1
    if len(floors):
        same_second = (index >= 1) & (instants.floor("s") == floors[np.maximum(index, 0)])
        index = np.where(same_second, NO_VERSION, index)
    return index


def _may_be_no_path(
    frame: pd.DataFrame, version: Ints, versions: tuple[PolicyVersion, ...], status: int | None
) -> Flags:
    """Return which calls the carrier may have refused for lack of both prefix and credentials."""
    if status is None or status in NAMED:
        return np.zeros(len(frame), dtype=np.bool_)
    off = np.array([*(policy_version.policy.credentials_on is not True for policy_version in versions), False])[version]
    is_conclusive = frame["outcome"].isin(["answered", "refused_auth"]).to_numpy()
    return np.asarray(off & ~is_conclusive & (frame["sip_status"] == status).to_numpy(dtype=bool, na_value=False))


def _latest(callers: Ints, last_us: Ints, valid: Flags, refused: Flags) -> tuple[Ints, Ints]:
    """Return the callers whose latest proof is a valid digest, and those whose latest proof is a refused one."""
    latest: dict[int, tuple[int, bool]] = {}
    for index in np.flatnonzero(valid | refused):
        proof = (int(last_us[index]), bool(valid[index]))
        latest[int(callers[index])] = max(proof, latest.get(int(callers[index]), proof))
    holders = [caller for caller, (_, is_valid) in latest.items() if is_valid]
    without = [caller for caller, (_, is_valid) in latest.items() if not is_valid]
    return np.array(holders, dtype=np.int64), np.array(without, dtype=np.int64)


def _numbered(dials: Ints, listed: Ints, credentials: Ints | int, has_credentials: Ints) -> Ints:
    numbers: Ints = ((dials * 3 + listed) * 3 + credentials) * 3 + has_credentials
    return numbers


@lru_cache(maxsize=64)
def _table(observed: Observations) -> Verdicts:
    """Evaluate the rule for every combination of facts, in the order of ``_numbered``."""
    decisions = [admit(CallFacts(*facts), observed) for facts in product(FACTS, repeat=4)]
    return Verdicts(
        np.array([CODES[decision.admitted] for decision in decisions]),
        np.array([WAYS.index(_method_name(decision)) for decision in decisions]),
    )


def _method_name(decision: Decision) -> str:
    return "refused" if decision.admitted is False else decision.by


def _coded(pbxs: pd.DataFrame, column: str, codes: Mapping[str, int]) -> dict[Any, int]:
    """Return the inventory's value for each PBX, as codes of ``FACTS``."""
    return {pbx: codes.get(recorded, NOT_KNOWN) for pbx, recorded in zip(pbxs["pbx_id"], pbxs[column], strict=True)}


def _agreed(codes: Mapping[Any, int], pbx_id: str) -> int:
    """Return a fact of a PBX as a code of ``FACTS``; for PBXs that share an address, the value on which all agree."""
    values = {codes.get(member, NOT_KNOWN) for member in members(pbx_id)}
    return values.pop() if len(values) == 1 else NOT_KNOWN
