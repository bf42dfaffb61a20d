"""Data that the set-up steps are evaluated from, for all PBXs at once and indexed by PBX id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Self

import pandas as pd

from dashboard.calls import attribution
from dashboard.checks import ACCOUNT_SUBJECT
from dashboard.checks.evidence import calls as call_evidence
from dashboard.domain.admission import changed_at, counts_from
from dashboard.domain.findings import Finding, Status
from dashboard.domain.snapshot import Age, Snapshot
from dashboard.pbx import writers
from dashboard.services.onboarding.notes import Note, Notes, latest_notes
from dashboard.storage import State

ALLOWED_CHECK = "pbx_address_is_allowed"
ROUTED_CHECK = "pbx_has_inbound_route"
CREDENTIALS_CHECK = "credentials_are_off"
RETIRED = "retired"


@dataclass(frozen=True)
class OnboardingContext:
    """The account, the inventory, the calls, the findings and the set-up notes."""

    snapshot: Snapshot
    findings: Sequence[Finding]
    notes: Notes

    @classmethod
    def of_home(cls, snapshot: Snapshot, findings: Sequence[Finding], kept: State) -> Self:
        """Return the context with the latest notes of the state database."""
        return cls(snapshot, findings, latest_notes(kept))

    @cached_property
    def as_recorded(self) -> OnboardingContext:
        """The same data as if stale inputs were fresh, with findings as last known: gives last known results."""
        now = self.snapshot.taken_at
        stale = {name: one for name, one in self.snapshot.freshness.items() if one.age(now) is Age.STALE}
        freshness = {**self.snapshot.freshness, **{name: replace(one, as_of=now) for name, one in stale.items()}}
        findings = [
            replace(one, status=known.status, reason=known.reason, changes=known.changes, cause=None, last_known=None)
            if (known := one.last_known)
            else one
            for one in self.findings
        ]
        return replace(self, snapshot=replace(self.snapshot, freshness=freshness), findings=findings)

    @cached_property
    def pbxs(self) -> dict[str, dict[str, Any]]:
        """Rows of PBXS by id, in the order of the inventory."""
        rows = self.snapshot.pbxs.to_dict("records")
        return {str(row["pbx_id"]): {str(name): value for name, value in row.items()} for row in rows}

    @cached_property
    def addresses(self) -> dict[str, list[str]]:
        """Current source addresses by PBX id."""
        rows = self.snapshot.addresses_now
        addresses: dict[str, dict[str, None]] = {}
        for pbx_id, address in zip(rows["pbx_id"], rows["address"], strict=True):
            addresses.setdefault(str(pbx_id), {})[str(address)] = None
        return {pbx_id: [*pbx_addresses] for pbx_id, pbx_addresses in addresses.items()}

    @cached_property
    def heard(self) -> frozenset[str]:
        """Ids of PBXs with any outbound call on record, including calls that are only in imported files."""
        rows = self.snapshot.judged_traffic
        return frozenset(rows.loc[(rows["direction"] == "outbound").to_numpy(), "pbx_id"].unique())

    @cached_property
    def calls(self) -> dict[str, list[call_evidence.Tally]]:
        """
        Calls by PBX id, from its current addresses and since the latest policy change for each address.

        A PBX without current addresses has only calls that are attributed by something other than X-Tag or caller id:
        those two prove nothing about a PBX.
        """
        calls_by_pbx: dict[str, list[call_evidence.Tally]] = {}
        for source, calls in self.snapshot.memoize(call_evidence.OutboundCalls).by_source.items():
            for tally in call_evidence.of_today(self.snapshot, source, calls):
                pbx_addresses = self.addresses.get(tally.pbx_id)
                is_own = source in pbx_addresses if pbx_addresses else tally.attributed_by not in attribution.CLAIMS
                if tally.pbx_id and is_own:
                    calls_by_pbx.setdefault(tally.pbx_id, []).append(tally)
        return calls_by_pbx

    @cached_property
    def read(self) -> frozenset[str]:
        """Ids of PBXs whose configuration was read, at least in part."""
        return frozenset(self.snapshot.pbx_config["pbx_id"].unique())

    def of(self, check: str, pbx_id: str) -> list[Finding]:
        """Return the findings of a check on one PBX; if there are none, its unknown findings on the account."""
        return self._found.get((check, pbx_id)) or [
            finding for finding in self._found.get((check, ACCOUNT_SUBJECT), []) if finding.status is Status.UNKNOWN
        ]

    @cached_property
    def _found(self) -> dict[tuple[str, str], list[Finding]]:
        by_subject: dict[tuple[str, str], list[Finding]] = {}
        for finding in self.findings:
            for subject in dict.fromkeys((*finding.pbx_ids, finding.subject)):
                by_subject.setdefault((finding.check, subject), []).append(finding)
        return by_subject

    def note(self, pbx_id: str, kind: str) -> Note | None:
        """Return the latest note of a kind about a PBX."""
        return self.notes.get(pbx_id, {}).get(kind)

    def counts_from(self, addresses: Sequence[str]) -> datetime | None:
        """Return the time from which results reflect today's policy for addresses; ``None`` if it never changed."""
        changes = [at for address in addresses if (at := changed_at(self.snapshot.versions, address)) is not None]
        return counts_from(max(changes)) if changes else None

    def differs(self, pbx_id: str) -> list[writers.SettingComparison]:
        """
        Return the differences between the configuration read from a PBX and the one it should have.

        Raises:
            WritingError: The configuration that it should have cannot be determined.
        """
        spec = self.wanted(pbx_id)
        return [
            row for row in writers.compare(spec, self._config(pbx_id)) if row.state is not writers.SettingState.SAME
        ]

    def wanted(self, pbx_id: str) -> writers.TrunkSpec:
        """
        Return the trunk specification of a PBX, derived from its own rows only.

        Raises:
            WritingError: It must keep its credentials, or a required fact is unknown.
        """
        snapshot = self.snapshot
        groups = self._groups
        pbx_snapshot = replace(
            snapshot,
            pbxs=snapshot.pbxs.iloc[groups["pbxs"].get(pbx_id, [])],
            pbx_addresses=snapshot.egress.iloc[groups["egress"].get(pbx_id, [])],
            pbx_numbers=snapshot.pbx_numbers.iloc[groups["pbx_numbers"].get(pbx_id, [])],
        )
        return writers.trunk_spec_for(pbx_snapshot, pbx_id)

    def kind(self, pbx_id: str) -> str:
        """Return the kind of configuration for a PBX, according to its vendor in the inventory."""
        return writers.kind_for(str(self.pbxs[pbx_id]["vendor"]))

    def _config(self, pbx_id: str) -> pd.DataFrame:
        rows: pd.DataFrame = self.snapshot.pbx_config.iloc[self._groups["pbx_config"].get(pbx_id, [])]
        return rows

    @cached_property
    def _groups(self) -> Mapping[str, Mapping[Any, Any]]:
        snapshot = self.snapshot
        frames = {"pbxs": snapshot.pbxs, "egress": snapshot.egress, "pbx_numbers": snapshot.pbx_numbers}
        frames["pbx_config"] = snapshot.pbx_config
        return {name: frame.groupby("pbx_id").indices for name, frame in frames.items()}
