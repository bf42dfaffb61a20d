"""If a call is in an imported file but not in the carrier's export, either record may be wrong."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from dashboard.checks.registry import ACCOUNT_SUBJECT, check, failed, passed, unknown
from dashboard.core.text import join
from dashboard.domain.capabilities import Capability
from dashboard.domain.findings import Cause, Confidence, Impact, Severity, Verdict
from dashboard.domain.snapshot import Snapshot

MOST_NAMED = 5
NEVER_COMPARED = (
    "For the account no call was compared, because its calls come from imported files alone. To compare them with an "
    "export of the carrier's, sync the account with its API key."
)


@check(
    title="Every imported call is in the carrier's export of its time",
    severity=Severity.MEDIUM,
    impact=Impact.LOSS,
    control=("SOC 2 CC7.2",),
    deciding=("calls",),
)
def imported_calls_are_in_export(snapshot: Snapshot) -> Iterator[Verdict]:
    """Every call of an imported file is in the carrier's export, where an export covers its time."""
    rows = snapshot.file_only_traffic
    if not rows.empty:
        yield _missing(rows)
    elif Capability.READ_CALLS not in snapshot.capabilities:
        yield unknown(ACCOUNT_SUBJECT, reason=NEVER_COMPARED, cause=Cause.MISSING)
    elif not snapshot.traffic.empty:
        yield passed(
            ACCOUNT_SUBJECT, reason="For the account no stored call is missing from the carrier's export of its time."
        )


def _missing(rows: Any) -> Verdict:
    """Return the failing verdict on calls that are in imported files but not in the carrier's export."""
    sources = [_of_source(str(source), calls_of_source) for source, calls_of_source in rows.groupby("source_ip")]
    sources.sort(key=lambda row: (-row["calls"], row["source address"]))
    calls = int(rows["calls"].sum())
    first = rows["first_at"].min()
    last = rows["last_at"].max()
    names = join((row["source address"] or "unknown" for row in sources), MOST_NAMED)
    days = f"on {first:%Y-%m-%d}" if first.date() == last.date() else f"from {first:%Y-%m-%d} to {last:%Y-%m-%d}"
    reason = (
        f"The account has {'1 call' if calls == 1 else f'{calls:,} calls'} in imported files but not in the carrier's "
        f"export of the same time: ${_dollars(rows):,.2f}, {days}, from {names}. They count in no "
        "total. Compare "
        "them with the carrier's invoice; to remove them, run: trunkgate calls drop-imported."
    )
    return failed(ACCOUNT_SUBJECT, reason=reason, confidence=Confidence.PROVEN, evidence=tuple(sources))


def _of_source(source: str, rows: Any) -> dict[str, Any]:
    return {
        "source address": source,
        "calls": int(rows["calls"].sum()),
        "cost (USD)": f"{_dollars(rows):f}",
        "first call": rows["first_at"].min().isoformat(),
        "last call": rows["last_at"].max().isoformat(),
    }


def _dollars(rows: Any) -> Decimal:
    return sum(rows["cost_usd"].dropna(), Decimal(0))
