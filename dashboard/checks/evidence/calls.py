"""Calls as evidence about an address: relevant period, counts, and sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any, NamedTuple

import pandas as pd
import pyarrow

from dashboard.calls import is_only_claimed
from dashboard.core.address_index import AddressIndex
from dashboard.core.addresses import contains
from dashboard.core.text import join
from dashboard.domain.admission import changed_at, counts_from
from dashboard.domain.admission_proof import proof
from dashboard.domain.capabilities import Capability
from dashboard.domain.snapshot import Age, Snapshot, members
from dashboard.schemas.tables import ADMISSION, FILE_ONLY, OUTCOME_LABELS, REFUSAL, UTC_TIME

DAY = timedelta(days=1)
ONLY_FILES = "imported file only"
"""Value of ``record`` in evidence that is missing from the carrier's export for its time."""
KEYS = (
    *("source_ip", "pbx_id", "attributed_by", "outcome", "sip_status"),
    *("today", "in_day", "orphaned", "claimed", "on_record", "file_only"),
)


class Tally(NamedTuple):
    """Count of outbound calls with equal attributes; only outbound calls are evidence about admission."""

    source_ip: str
    pbx_id: str
    attributed_by: str
    outcome: str
    sip_status: int | None
    today: bool
    """Whether the calls are from after the latest policy change for the source; earlier ones reflect another policy."""
    in_day: bool
    """Whether the calls reach into the last 24 hours."""
    orphaned: bool
    """Whether the calls are from after the last PBX left the source address, as far as recorded."""
    claimed: bool
    """Whether only X-Tag or caller id ties the calls to the PBX: it never had the source address, or had left it."""
    on_record: bool
    """Whether the calls are from after the first policy on record began; the policy for earlier calls is unknown."""
    file_only: bool
    """Whether the calls are in an imported file but missing from the carrier's export for their time."""
    calls: int
    cost_usd: Decimal | None
    first_at: datetime
    last_at: datetime


Tallies = Sequence[Tally]


class OutboundCalls:
    """Outbound calls of a snapshot by source address."""

    def __init__(self, snapshot: Snapshot) -> None:
        rows = snapshot.judged_traffic[snapshot.judged_traffic["direction"] == "outbound"]
        sources = rows["source_ip"].unique()
        changes = {
            source: counts_from(change) for source in sources if (change := changed_at(snapshot.versions, source))
        }
        ends = snapshot.egress.sort_values("valid_to").drop_duplicates("address", keep="last")
        rows = rows.assign(
            today=_begins(rows, pd.Series(changes, dtype=UTC_TIME)),
            in_day=rows["last_at"] > snapshot.calls_at - DAY,
            orphaned=_begins(rows, ends.set_index("address")["valid_to"]),
            claimed=is_only_claimed(rows, snapshot.pbx_addresses),
            on_record=bool(snapshot.versions) & (rows["first_at"] >= record_begins(snapshot)),
            file_only=rows["provenance"] == FILE_ONLY,
        )
        sums = [("calls", "sum"), ("cost_usd", "sum"), ("first_at", "min"), ("last_at", "max")]
        table = pyarrow.Table.from_pandas(rows[[*KEYS, *(name for name, _ in sums)]], preserve_index=False)
        groups = table.group_by(list(KEYS)).aggregate(sums).sort_by("source_ip")
        names = [*KEYS, *(f"{name}_{aggregation}" for name, aggregation in sums)]
        tallies = [Tally(*values) for values in zip(*(groups[name].to_pylist() for name in names), strict=True)]
        self.by_source = {source: list(group) for source, group in groupby(tallies, key=lambda tally: tally.source_ip)}
        """Calls of each source address, in the order of the addresses as text."""
        self._within = AddressIndex((tally.source_ip, tally) for tally in tallies)

    def of(self, network: str) -> list[Tally]:
        """Return the calls of the whole window whose source address is in a network."""
        return self._within.of(network)


def _begins(rows: pd.DataFrame, since: pd.Series[pd.Timestamp]) -> pd.Series[bool]:
    """Return for each row whether it begins at or after the instant of its source; True if the source has none."""
    instants = pd.Series(since.reindex(rows["source_ip"]).array, index=rows.index)
    return instants.isna() | (rows["first_at"] >= instants)


def record_begins(snapshot: Snapshot) -> datetime:
    """Return the time from which calls reflect a policy on record; the time of the snapshot if there is none."""
    return counts_from(snapshot.versions[0].valid_from) if snapshot.versions else snapshot.taken_at


def of_today(snapshot: Snapshot, address: str, calls: Tallies) -> list[Tally]:
    """
    Return the calls from an address that are evidence of today's policy.

    These begin after the latest policy change for the address. A call from before the first policy on record that
    contradicts today's policy (refused from a listed address, admitted from an unlisted one with credentials off)
    was placed under another policy and is excluded.
    """
    listed = contains(snapshot.policy.networks, address)
    off = snapshot.account.credentials_on is False

    def contradicts(tally: Tally) -> bool:
        return bool(refused(snapshot, [tally])) if listed else off and bool(admitted(snapshot, [tally]))

    return [tally for tally in calls if tally.today and (tally.on_record or not contradicts(tally))]


def since_policy(snapshot: Snapshot, address: str) -> str:
    """Return the time from which calls are evidence of today's policy for an address, as the end of a sentence."""
    if changed_at(snapshot.versions, address) is not None:
        return "since the policy changed"
    return f"since {moment(record_begins(snapshot))}, when the policy on record begins"


def refused(snapshot: Snapshot, calls: Tallies) -> list[Tally]:
    """Return the calls that prove a refusal for authorization under today's policy."""
    return [tally for tally in calls if _proof(snapshot, tally) == REFUSAL]


def admitted(snapshot: Snapshot, calls: Tallies) -> list[Tally]:
    """Return the calls that prove admission: answered, busy, no answer, or canceled by the caller."""
    return [tally for tally in calls if _proof(snapshot, tally) == ADMISSION]


def _proof(snapshot: Snapshot, tally: Tally) -> str:
    return proof(
        tally.outcome,
        tally.sip_status,
        listed=tally.source_ip == "" or contains(snapshot.policy.networks, tally.source_ip),
        credentials_on=snapshot.account.credentials_on,
        no_path_status=snapshot.observed.no_path_status,
    )


def last_day(calls: Tallies) -> list[Tally]:
    """Return the calls that reach into the last 24 hours."""
    return [tally for tally in calls if tally.in_day]


def count(calls: Tallies) -> int:
    """Return the number of calls."""
    return sum(tally.calls for tally in calls)


def dollars(calls: Tallies) -> Decimal:
    """Return the cost of the calls, USD; calls without a price are ignored."""
    return sum((tally.cost_usd for tally in calls if tally.cost_usd is not None), Decimal(0))


def first(calls: Tallies) -> datetime:
    """Return the start of the first call; ``calls`` must not be empty."""
    return min(tally.first_at for tally in calls)


def last(calls: Tallies) -> datetime:
    """Return the start of the last call; ``calls`` must not be empty."""
    return max(tally.last_at for tally in calls)


def calls_and_dollars(calls: Tallies) -> str:
    """Return ``318 calls, $41.20``, and how many of them are only in imported files."""
    number = count(calls)
    return f"{number:,} {'call' if number == 1 else 'calls'}, ${dollars(calls):,.2f}{file_only(calls)}"


def file_only(calls: Tallies) -> str:
    """Return `` (12 of them only in imported files)``; ``""`` if the carrier's export has them all."""
    number = sum(tally.calls for tally in calls if tally.file_only)
    total = count(calls)
    if not number:
        return ""
    return " (only in imported files)" if number == total else f" ({number:,} of them only in imported files)"


def over_time(snapshot: Snapshot, calls: Tallies) -> str:
    """Return number and cost of the calls, the last 24 hours first; ``calls`` must not be empty."""
    day = last_day(calls)
    whole = f"{calls_and_dollars(calls)} since {moment(first(calls))}"
    window = day_window(snapshot)
    return f"{calls_and_dollars(day)} {window}, {whole}" if day else f"{whole}, none {window}"


def day_window(snapshot: Snapshot) -> str:
    """Return ``in the last 24 h``, or until when these hours are for calls that are out of date."""
    if snapshot.calls_at == snapshot.taken_at:
        return "in the last 24 h"
    return f"in the 24 h until {moment(snapshot.calls_at)}"


def summary(calls: Tallies) -> tuple[Mapping[str, Any], ...]:
    """Return evidence: a row per outcome and SIP status, most calls first; file-only calls have separate rows."""
    groups: dict[tuple[str, int | None, bool], list[Tally]] = {}
    order = sorted(
        calls, key=lambda tally: (tally.outcome, tally.sip_status is None, tally.sip_status or 0, tally.file_only)
    )
    for tally in order:
        groups.setdefault((tally.outcome, tally.sip_status, tally.file_only), []).append(tally)
    rows = [
        {
            "outcome": OUTCOME_LABELS[outcome],
            "SIP status": status,
            "calls in 24 h": count(last_day(group)),
            "calls": count(group),
            "cost in 24 h (USD)": f"{dollars(last_day(group)):f}",
            "cost (USD)": f"{dollars(group):f}",
            "first call": first(group).isoformat(),
            "last call": last(group).isoformat(),
        }
        | ({"record": ONLY_FILES} if only_files else {})
        for (outcome, status, only_files), group in groups.items()
    ]
    return tuple(sorted(rows, key=lambda row: -int(str(row["calls"]))))


def outcome_text(snapshot: Snapshot, calls: Tallies, result: str) -> str:
    """
    Return ``318 calls were refused in the last 24 h``, or the time of the last one; ``""`` for no calls.

    If the policy changed within those hours, the text says ``since`` that change: earlier calls reflect another policy.

    Args:
        snapshot: Provides the policy versions and the time.
        calls: Calls of one source address, from after the latest policy change.
        result: Outcome of the calls, such as ``refused``.
    """
    if not calls:
        return ""
    day = last_day(calls)
    change = changed_at(snapshot.versions, calls[0].source_ip)
    number = count(day) or count(calls)
    period = day_window(snapshot) if day else f"until {moment(last(calls))}"
    if change is not None and change > snapshot.calls_at - DAY:
        period = f"since the policy changed at {moment(change)}"
    described = day or calls
    return f"{number:,} {'call was' if number == 1 else 'calls were'} {result} {period}{file_only(described)}"


def silence(snapshot: Snapshot) -> str:
    """Return text on the absence of calls from an address, and whether it is significant."""
    if snapshot.age("calls") is not Age.FRESH:
        return "whether calls come from it is not known"
    if Capability.REFUSALS_IN_CDRS in snapshot.capabilities:
        return "no call from it is on record"
    return "no call from it is on record, and the carrier may not write refused calls into its CDRs"


def has_calls_since_change(snapshot: Snapshot, address: str) -> bool:
    """Return whether calls were fetched since today's policy for an address began: only then is absence significant."""
    change = changed_at(snapshot.versions, address)
    fetched = snapshot.freshness["calls"].as_of
    return fetched is not None and fetched > (record_begins(snapshot) if change is None else counts_from(change))


def callers(calls: Tallies) -> tuple[str, ...]:
    """Return the ids of the PBXs that calls are attributed to, all of a shared address, most calls first."""
    call_counts: dict[str, int] = {}
    for tally in calls:
        for pbx_id in members(tally.pbx_id):
            call_counts[pbx_id] = call_counts.get(pbx_id, 0) + tally.calls
    return tuple(sorted(call_counts, key=lambda pbx_id: (-call_counts[pbx_id], pbx_id)))


def moment(at: datetime) -> str:
    """Return a time for a sentence, as ``2026-11-20 10:00 UTC``."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def address_label(snapshot: Snapshot, pbx_ids: tuple[str, ...], address: str) -> str:
    """Return ``Denver (198.51.100.24)``; only the address if there is no PBX."""
    names = join((snapshot.name_of(pbx_id) for pbx_id in pbx_ids), None)
    return f"{names} ({address})" if names else address
