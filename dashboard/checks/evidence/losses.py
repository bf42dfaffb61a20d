"""Past losses: calls by unauthorized callers at the account's cost, before the policy for their source changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import pandas as pd

from dashboard.calls import attribution, confirmed_callers
from dashboard.calls.replay import admission_proofs
from dashboard.checks.evidence import calls as call_evidence
from dashboard.checks.evidence import ownership
from dashboard.core.addresses import contains
from dashboard.domain.admission import changed_at, counts_from
from dashboard.domain.changes import digest
from dashboard.domain.snapshot import Snapshot
from dashboard.schemas.tables import ADMISSION, FILE_ONLY

DIGEST = "evidence digest"
"""Evidence key of the digest that a review records."""


@dataclass(frozen=True)
class Loss:
    """Admitted calls of one source from before the latest policy change for it."""

    source_ip: str
    pbx_ids: tuple[str, ...]
    """Ids of the PBXs that the caller claimed to be."""
    calls: int
    cost_usd: Decimal
    first_at: datetime
    last_at: datetime
    goes_on: bool
    """Whether calls of the same source were also admitted after that change."""
    all_claimed: bool = False
    """Whether the caller claimed to be one of ``pbx_ids`` in every call."""
    file_only: int = 0
    """Number of calls in imported files that are missing from the carrier's export for their time."""

    @property
    def digest(self) -> str:
        """Digest of the evidence."""
        times = [self.first_at.isoformat(), self.last_at.isoformat()]
        file_only_calls = [self.file_only] if self.file_only else []
        return digest([self.source_ip, self.calls, f"{self.cost_usd:.8f}", *times, *file_only_calls])

    @property
    def sentence(self) -> str:
        """
        Text such as ``60 calls, $412.50, by someone else until 2026-11-20 10:00 UTC``.

        If all calls are claimed, it says ``from an address of no PBX`` instead of ``by someone else``.
        """
        calls = f"{self.calls:,} {'call' if self.calls == 1 else 'calls'}"
        origin = "from an address of no PBX" if self.all_claimed else "by someone else"
        file_only_note = ""
        if self.file_only:
            share = "" if self.file_only == self.calls else f"{self.file_only:,} of them "
            file_only_note = f" ({share}only in imported files, not in the carrier's export)"
        return f"{calls}, ${self.cost_usd:,.2f}, {origin} until {call_evidence.moment(self.last_at)}{file_only_note}"

    @property
    def evidence(self) -> Mapping[str, Any]:
        """The loss as an evidence row; with its digest if it can be reviewed."""
        row = {
            "source": self.source_ip,
            "calls": self.calls,
            "cost (USD)": f"{self.cost_usd:f}",
            "first call": self.first_at.isoformat(),
            "last call": self.last_at.isoformat(),
        } | ({"only in imported files": self.file_only} if self.file_only else {})
        return row if self.goes_on else row | {DIGEST: self.digest}


def losses(snapshot: Snapshot) -> list[Loss]:
    """
    Return the past losses of all sources, costliest first, including calls that are only in imported files.

    If calls from before the first policy on record were admitted although that policy would have rejected them,
    the policy changed before it was recorded, so they are past losses as well.
    """
    if not snapshot.versions:
        return []
    rows = _of_others(snapshot)
    result = []
    for source, calls in rows.groupby("source_ip"):
        if (ended := _ended_at(snapshot, str(source))) is None:
            continue
        is_past = calls["first_at"] < ended
        past = calls[is_past]
        if past.empty:
            continue
        loss = Loss(
            source_ip=str(source),
            pbx_ids=tuple(sorted({*past["pbx_id"]} - {""})),
            calls=int(past["calls"].sum()),
            cost_usd=sum(past["cost_usd"].dropna(), Decimal(0)),
            first_at=past["first_at"].min().to_pydatetime(),
            last_at=past["last_at"].max().to_pydatetime(),
            goes_on=not bool(is_past.all()),
            all_claimed=bool((past["pbx_id"] != "").all()),
            file_only=int(past.loc[past["provenance"] == FILE_ONLY, "calls"].sum()),
        )
        result.append(loss)
    return sorted(result, key=lambda loss: (-loss.cost_usd, -loss.calls, loss.source_ip))


def reviews_of(snapshot: Snapshot, source_ip: str) -> Sequence[Mapping[Any, Any]]:
    """Return the reviews of a source's past loss, oldest first."""
    reviews = snapshot.loss_reviews
    return reviews[reviews["subject"] == source_ip].to_dict("records")


def covers(review: Mapping[Any, Any], loss: Loss) -> bool:
    """Return whether a review covers a loss: no later call, and no more calls or cost than it recorded."""
    cost = review["cost_usd"]
    return bool(review["calls"] >= loss.calls and cost >= loss.cost_usd and review["last_at"] >= loss.last_at)


def _ended_at(snapshot: Snapshot, source_ip: str) -> datetime | None:
    """Return the time from which today's policy applied to a source; ``None`` if no change of it is evident."""
    if (change := changed_at(snapshot.versions, source_ip)) is not None:
        return counts_from(change)
    first = snapshot.versions[0].policy
    rejected = first.credentials_on is False and not contains(first.networks, source_ip)
    return call_evidence.record_begins(snapshot) if rejected else None


def _of_others(snapshot: Snapshot) -> pd.DataFrame:
    """
    Return the admitted outbound calls that no PBX in use placed from an address of its own.

    A current address of a PBX in use counts as its own also for calls from before its start date in the inventory.
    Calls that claim to be of a PBX are of others where it had left the address by then, and no other PBX had it.
    """
    parts = [part for part in (snapshot.past_traffic, snapshot.judged_traffic) if len(part)] or [snapshot.traffic]
    rows = pd.concat(parts, ignore_index=True)
    rows = rows[
        (rows["direction"] == "outbound") & ((rows["pbx_id"] == "") | rows["attributed_by"].isin(attribution.CLAIMS))
    ]
    rows = rows[~rows["source_ip"].isin(["", *snapshot.memoize(ownership.current)["address"]])]
    rows = rows[admission_proofs(rows, snapshot.versions, snapshot.observed) == ADMISSION]
    return rows[confirmed_callers.is_of_others(rows, snapshot)]
