"""What the steps of a set-up are judged by, of every PBX at once and looked up by its id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

import pandas as pd

from dashboard.calls.attribution import CLAIMS
from dashboard.checks.evidence import calls as _evidence
from dashboard.checks.evidence.calls import OutboundCalls, Tally, of_today
from dashboard.checks.registry import ACCOUNT
from dashboard.domain.findings import Finding, Status
from dashboard.domain.snapshot import Snapshot
from dashboard.pbx import writers
from dashboard.services.onboarding.notes import Note, Notes

ALLOWED, ROUTED, CREDENTIALS = "pbx_address_is_allowed", "pbx_has_inbound_route", "credentials_are_off"
RETIRED = "retired"


@dataclass(frozen=True)
class OnboardingContext:
    """The account, the inventory, the calls, what the checks say, and what was noted."""

    snapshot: Snapshot
    findings: Sequence[Finding]
    notes: Notes

    @cached_property
    def pbxs(self) -> dict[str, dict[str, Any]]:
        """Rows of PBXS by id, in the inventory's order."""
        rows = self.snapshot.pbxs.to_dict("records")
        return {str(row["pbx_id"]): {str(name): value for name, value in row.items()} for row in rows}

    @cached_property
    def addresses(self) -> dict[str, list[str]]:
        """The addresses that each PBX calls from today."""
        rows = self.snapshot.addresses_now
        found: dict[str, dict[str, None]] = {}
        for pbx_id, address in zip(rows["pbx_id"], rows["address"], strict=True):
            found.setdefault(str(pbx_id), {})[str(address)] = None
        return {pbx_id: [*mine] for pbx_id, mine in found.items()}

    @cached_property
    def heard(self) -> frozenset[str]:
        """Those of which any outbound call is on record, be it in an imported file only."""
        rows = self.snapshot.judged_traffic
        return frozenset(rows.loc[(rows["direction"] == "outbound").to_numpy(), "pbx_id"].unique())

    @cached_property
    def calls(self) -> dict[str, list[Tally]]:
        """
        Return the calls of each PBX from its addresses of today, from after the latest policy change for each.

        Calls that only an X-Tag or a caller id ties to a PBX prove nothing about it.
        """
        found: dict[str, list[Tally]] = {}
        for source, calls in self.snapshot.once(OutboundCalls).by_source.items():
            for one in of_today(self.snapshot, source, calls):
                mine = self.addresses.get(one.pbx_id)
                own = source in mine if mine else one.attributed_by not in CLAIMS
                if one.pbx_id and own:
                    found.setdefault(one.pbx_id, []).append(one)
        return found

    @cached_property
    def read(self) -> frozenset[str]:
        """Those of whose configuration something was read."""
        return frozenset(self.snapshot.pbx_config["pbx_id"].unique())

    def of(self, check: str, pbx_id: str) -> list[Finding]:
        """Return what a check says of one PBX; where it could not be made at all, that it could not."""
        return self._found.get((check, pbx_id)) or [
            one for one in self._found.get((check, ACCOUNT), []) if one.status is Status.UNKNOWN
        ]

    @cached_property
    def _found(self) -> dict[tuple[str, str], list[Finding]]:
        found: dict[tuple[str, str], list[Finding]] = {}
        for finding in self.findings:
            for whose in dict.fromkeys((*finding.pbx_ids, finding.subject)):
                found.setdefault((finding.check, whose), []).append(finding)
        return found

    def note(self, pbx_id: str, kind: str) -> Note | None:
        """Return the latest note of a kind about a PBX."""
        return self.notes.get(pbx_id, {}).get(kind)

    def counts_from(self, addresses: Sequence[str]) -> datetime | None:
        """Return from when what was met speaks of today's policy for addresses; ``None`` where it never changed."""
        changes = [at for one in addresses if (at := _evidence.changed_at(self.snapshot, one)) is not None]
        return _evidence.counts_from(max(changes)) if changes else None

    def differs(self, pbx_id: str) -> list[writers.SettingComparison]:
        """
        Return what differs between what was read of a PBX and what it should have.

        Raises:
            WritingError: What it should have cannot be said.
        """
        wanted = self.wanted(pbx_id)
        return [
            row for row in writers.compare(wanted, self._config(pbx_id)) if row.state is not writers.SettingState.SAME
        ]

    def wanted(self, pbx_id: str) -> writers.TrunkSpec:
        """
        Say what the configuration of a PBX is to be, looking at its own rows only.

        Raises:
            WritingError: It must keep its credentials, or something is not known.
        """
        known = self.snapshot
        groups = self._groups
        own = replace(
            known,
            pbxs=known.pbxs.iloc[groups["pbxs"].get(pbx_id, [])],
            pbx_addresses=known.egress.iloc[groups["egress"].get(pbx_id, [])],
            pbx_numbers=known.pbx_numbers.iloc[groups["pbx_numbers"].get(pbx_id, [])],
        )
        return writers.wanted_for(own, pbx_id)

    def kind(self, pbx_id: str) -> str:
        """Return the kind of configuration that a PBX takes, by the make that the inventory has of it."""
        return writers.kind_for(str(self.pbxs[pbx_id]["vendor"]))

    def _config(self, pbx_id: str) -> pd.DataFrame:
        rows: pd.DataFrame = self.snapshot.pbx_config.iloc[self._groups["pbx_config"].get(pbx_id, [])]
        return rows

    @cached_property
    def _groups(self) -> Mapping[str, Mapping[Any, Any]]:
        known = self.snapshot
        frames = {"pbxs": known.pbxs, "egress": known.egress, "pbx_numbers": known.pbx_numbers}
        frames["pbx_config"] = known.pbx_config
        return {name: frame.groupby("pbx_id").indices for name, frame in frames.items()}
