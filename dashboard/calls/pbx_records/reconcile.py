"""
Comparison of PBX records with the carrier's: attempts without a carrier record, and whether that is conclusive.

If the carrier's records for the time are in the store, an attempt without a record never became a call at the carrier,
according to its CDRs. If the carrier writes no CDR for refused calls, a refusal looks like this; so does a network
fault between the two, or a PBX that never sent the call. It proves neither a refusal nor its cause.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.compute as pc

from dashboard import schemas
from dashboard.calls.pbx_records.matching import MOST_SKEW_S, TOLERANCE_S, Flags, Side, Skew, Whole, pair, skew
from dashboard.calls.pbx_records.store import PbxRecords
from dashboard.calls.store.engine import utc
from dashboard.calls.store.generations import Generation
from dashboard.calls.store.queries import days_between
from dashboard.calls.store.store import CallStore, cuts_of, segments_of
from dashboard.schemas.pbx_records import FATES

AROUND = timedelta(hours=15)
"""Search range for a clock that is wrong: the widest zones are 14 hours from UTC."""
AT_ONCE_S = 5
"""Maximum seconds from start to end of a refused attempt; a ringing telephone takes longer."""
KNOWN_SHARE = 0.9
"""Minimum share of a PBX's answered calls that the carrier must know; below it, the two are not about the same
calls."""
BUSY = ("BUSY", "USER_BUSY")
MATCHED, MISSING, OPEN = range(len(FATES))


@dataclass(frozen=True)
class Span:
    """Period for which the carrier's records are in the store; times are UTC."""

    since: datetime
    until: datetime
    """Calls that ended before this are in the store, if the carrier wrote them."""
    again_from: datetime
    """Start of the period that every sync fetches again; an earlier day without any call may have been removed."""


@dataclass(frozen=True)
class Reconciliation:
    """Result of the comparison, for the snapshot."""

    records: pd.DataFrame
    """PBX_RECORDS."""
    attempts: pd.DataFrame
    """PBX_ATTEMPTS."""


def compare(
    store: CallStore,
    pbx_records: PbxRecords,
    span: Span | None,
    *,
    since: datetime,
    split_at: Sequence[datetime],
    owners: Mapping[str, Sequence[str]],
) -> Reconciliation:
    """
    Compare the records of every PBX with the carrier's.

    Args:
        store: The carrier's calls.
        pbx_records: The PBXs' records.
        span: Period for which calls were fetched; ``None`` if none ever were.
        since: Include attempts from this time on, UTC.
        split_at: Instants that no row may straddle.
        owners: PBXs that ever had each source address: a carrier record from such an address matches only these PBXs.
    """
    rows = pbx_records.rows(since) if pbx_records.digest else None
    if rows is None or not len(rows):
        return Reconciliation(schemas.empty(schemas.PBX_RECORDS), schemas.empty(schemas.PBX_ATTEMPTS))
    coded = _coded(rows["destination"])
    names = pyarrow.table({"destination": coded.dictionary, "place": pyarrow.array(range(len(coded.dictionary)))})
    at_s, duration_s, talk_s = (_whole(rows[name]) for name in ("at_s", "duration_s", "billed_s"))
    attempts = Side(_whole(coded.indices), at_s, talk_s, rows["answered"].to_numpy())
    low, high = (datetime.fromtimestamp(at, UTC) for at in (at_s.min(), at_s.max()))
    calls, sources, days = _carrier_calls(store, names, low - AROUND, high + AROUND)
    pbx_ids = _coded(rows["pbx_id"])
    by_source = _whole(sources.indices)
    fates = np.full(len(rows), OPEN)
    begun = at_s.copy()
    latest = np.ones(len(rows), np.bool_)
    free = np.ones(len(by_source), np.bool_)
    summaries = []
    for code, pbx_id in sorted(enumerate(pbx_ids.dictionary.to_pylist()), key=lambda comparison: comparison[1]):
        its_own = [pbx_id in owners.get(source, (pbx_id,)) for source in sources.dictionary.to_pylist()]
        of_it = _whole(pbx_ids.indices) == code
        candidate_mask = free & np.array(its_own, np.bool_)[by_source]
        own_attempts = np.flatnonzero(of_it)
        records = np.flatnonzero(candidate_mask)
        comparison = _compare_one(attempts.only(of_it), (at_s + duration_s - talk_s)[of_it], calls.only(candidate_mask))
        begun[own_attempts] += comparison.skew.ahead_s
        judged = _judged(begun[own_attempts], begun[own_attempts] + duration_s[own_attempts], span, days)
        is_matched = comparison.found >= 0
        fault = comparison.fault(attempts.answered[own_attempts] & judged)
        if not fault:
            free[records[comparison.found[is_matched]]] = False
            fates[own_attempts[is_matched]] = MATCHED
            fates[own_attempts[~is_matched & judged]] = MISSING
            latest[own_attempts] = begun[own_attempts] > begun[own_attempts[is_matched]].max(initial=-1)
        summaries.append(_summary_row(pbx_id, begun[own_attempts], comparison, fault))
    return Reconciliation(
        schemas.conform(pd.DataFrame(summaries), schemas.PBX_RECORDS, source="the records of PBXs"),
        _rolled(rows, fates, begun, latest, split_at),
    )


@dataclass(frozen=True)
class _One:
    """Comparison of one PBX's attempts."""

    skew: Skew
    found: Whole

    def fault(self, answered: Flags) -> str:
        """Return why the comparison is inconclusive; ``""`` if it is conclusive."""
        if abs(self.skew.ahead_s) > MOST_SKEW_S:
            return "clock"
        matched_answered = int((self.found[answered] >= 0).sum())
        return "answered" if matched_answered < KNOWN_SHARE * int(answered.sum()) else ""


def _compare_one(attempts: Side, talk_begins_s: Whole, calls: Side) -> _One:
    """Compare by start of call or by start of talk, whichever is closer to the carrier's times."""
    variants = [attempts, attempts.by_answer(talk_begins_s)]
    skews = [skew(index, calls) for index in variants]
    best = min((0, 1), key=lambda index: skews[index].spread_s)
    return _One(skews[best], pair(variants[best], calls, ahead_s=skews[best].ahead_s))


def _summary_row(pbx_id: str, at_s: Whole, comparison: _One, fault: str) -> dict[str, Any]:
    ends = {"first_at": datetime.fromtimestamp(at_s.min(), UTC), "last_at": datetime.fromtimestamp(at_s.max(), UTC)}
    counts = {"attempts": len(at_s), "compared": comparison.skew.compared, "skew_s": comparison.skew.ahead_s}
    return {"pbx_id": pbx_id, **ends, **counts, "fault": fault}


def _carrier_calls(
    store: CallStore, names: pyarrow.Table, low: datetime, high: datetime
) -> tuple[Side, pyarrow.DictionaryArray, set[date]]:
    """Return the carrier's calls to these numbers, their source addresses, and the days whose calls are stored."""

    def fetch(generation: Generation) -> tuple[pyarrow.Table, set[date]]:
        since = utc(low)
        until = utc(high)
        days = [day for day in days_between(generation, since, until) if generation.days[day].calls]
        parts = store.parts(part for day in days for part in generation.days[day].calls)
        parameters = {"calls": parts, "since": since, "until": until}
        operation = "compare calls with the records of PBXs"
        return store.engine.fetch("pbx_counterparts", parameters, operation=operation, tables={"names": names}), set(
            days
        )

    rows, days = store.ask(fetch)
    position, at_s, talk_s = (_whole(rows[name]) for name in ("place", "at_s", "duration_s"))
    calls = Side(position, at_s, talk_s, rows["answered"].to_numpy().astype(np.bool_))
    return calls, _coded(rows["source_ip"]), days


def _coded(texts: pyarrow.ChunkedArray) -> pyarrow.DictionaryArray:
    return texts.combine_chunks().dictionary_encode()


def _whole(numbers: pyarrow.Array | pyarrow.ChunkedArray) -> Whole:
    return np.asarray(numbers).astype("int64")


def _judged(begun: Whole, ended: Whole, span: Span | None, days: set[date]) -> Flags:
    """Return which attempts would have a carrier record in the store, had the carrier written one."""
    if span is None:
        return np.zeros(len(begun), np.bool_)
    since = span.since.timestamp() + TOLERANCE_S
    until = span.until.timestamp()
    day_of = begun // 86400
    stored_days = [(day - date(1970, 1, 1)).days for day in days]
    refetched_from = span.again_from.timestamp()
    judged: Flags = (begun >= since) & (ended < until) & (np.isin(day_of, stored_days) | (begun >= refetched_from))
    return judged


def _rolled(
    rows: pyarrow.Table, fates: Whole, begun: Whole, latest: Flags, split_at: Sequence[datetime]
) -> pd.DataFrame:
    """Count equal attempts."""
    times = begun.astype("datetime64[s]").astype("datetime64[us]")
    unanswered = ~rows["answered"].to_numpy()
    busy = pc.is_in(rows["disposition"], pyarrow.array(BUSY)).to_numpy()
    columns = {
        **{name: rows[name] for name in ("pbx_id", "disposition", "q850_cause", "sip_status")},
        "fate": pyarrow.array(np.array(FATES)[fates]),
        "at_once": pyarrow.array((_whole(rows["duration_s"]) <= AT_ONCE_S) & unanswered & ~busy),
        "latest": pyarrow.array(latest),
        "segment": pyarrow.array(segments_of(times, cuts_of(split_at))),
    }
    outcomes = pyarrow.table({**columns, "at": pyarrow.array(times)})
    groups = (
        outcomes.group_by(list(columns)).aggregate([("at", "count"), ("at", "min"), ("at", "max")]).sort_by("at_min")
    )
    frame = groups.rename_columns({"at_count": "attempts", "at_min": "first_at", "at_max": "last_at"}).to_pandas()
    utc_times = {name: frame[name].dt.tz_localize("UTC") for name in ("first_at", "last_at")}
    return schemas.conform(frame.assign(**utc_times), schemas.PBX_ATTEMPTS, source="the records of PBXs")
