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
    kept: PbxRecords,
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
        kept: The PBXs' records.
        span: Period for which calls were fetched; ``None`` if none ever were.
        since: Include attempts from this time on, UTC.
        split_at: Instants that no row may straddle.
        owners: PBXs that ever had each source address: a carrier record from such an address matches only these PBXs.
    """
    rows = kept.rows(since) if kept.digest else None
    if rows is None or not len(rows):
        return Reconciliation(schemas.empty(schemas.PBX_RECORDS), schemas.empty(schemas.PBX_ATTEMPTS))
    coded = _coded(rows["destination"])
    names = pyarrow.table({"destination": coded.dictionary, "place": pyarrow.array(range(len(coded.dictionary)))})
    at_s, duration_s, talk_s = (_whole(rows[name]) for name in ("at_s", "duration_s", "billed_s"))
    attempts = Side(_whole(coded.indices), at_s, talk_s, rows["answered"].to_numpy())
    low, high = (datetime.fromtimestamp(at, UTC) for at in (at_s.min(), at_s.max()))
    calls, sources, days = _carriers(store, names, low - AROUND, high + AROUND)
    whose = _coded(rows["pbx_id"])
    by_source = _whole(sources.indices)
    fates = np.full(len(rows), OPEN)
    begun = at_s.copy()
    latest = np.ones(len(rows), np.bool_)
    free = np.ones(len(by_source), np.bool_)
    told = []
    for code, pbx_id in sorted(enumerate(whose.dictionary.to_pylist()), key=lambda one: one[1]):
        its_own = [pbx_id in owners.get(source, (pbx_id,)) for source in sources.dictionary.to_pylist()]
        of_it = _whole(whose.indices) == code
        theirs = free & np.array(its_own, np.bool_)[by_source]
        mine = np.flatnonzero(of_it)
        records = np.flatnonzero(theirs)
        one = _compare_one(attempts.only(of_it), (at_s + duration_s - talk_s)[of_it], calls.only(theirs))
        begun[mine] += one.skew.ahead_s
        judged = _judged(begun[mine], begun[mine] + duration_s[mine], span, days)
        found = one.found >= 0
        fault = one.fault(attempts.answered[mine] & judged)
        if not fault:
            free[records[one.found[found]]] = False
            fates[mine[found]] = MATCHED
            fates[mine[~found & judged]] = MISSING
            latest[mine] = begun[mine] > begun[mine[found]].max(initial=-1)
        told.append(_told(pbx_id, begun[mine], one, fault))
    return Reconciliation(
        schemas.conform(pd.DataFrame(told), schemas.PBX_RECORDS, source="the records of PBXs"),
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
        known = int((self.found[answered] >= 0).sum())
        return "answered" if known < KNOWN_SHARE * int(answered.sum()) else ""


def _compare_one(mine: Side, talk_begins_s: Whole, theirs: Side) -> _One:
    """Compare by start of call or by start of talk, whichever is closer to the carrier's times."""
    ways = [mine, mine.by_answer(talk_begins_s)]
    skews = [skew(way, theirs) for way in ways]
    best = min((0, 1), key=lambda way: skews[way].spread_s)
    return _One(skews[best], pair(ways[best], theirs, ahead_s=skews[best].ahead_s))


def _told(pbx_id: str, at_s: Whole, one: _One, fault: str) -> dict[str, Any]:
    ends = {"first_at": datetime.fromtimestamp(at_s.min(), UTC), "last_at": datetime.fromtimestamp(at_s.max(), UTC)}
    counts = {"attempts": len(at_s), "compared": one.skew.compared, "skew_s": one.skew.ahead_s}
    return {"pbx_id": pbx_id, **ends, **counts, "fault": fault}


def _carriers(
    store: CallStore, names: pyarrow.Table, low: datetime, high: datetime
) -> tuple[Side, pyarrow.DictionaryArray, set[date]]:
    """Return the carrier's calls to these numbers, their source addresses, and the days whose calls are stored."""

    def ask(generation: Generation) -> tuple[pyarrow.Table, set[date]]:
        since = utc(low)
        until = utc(high)
        days = [day for day in days_between(generation, since, until) if generation.days[day].calls]
        parts = store.parts(part for day in days for part in generation.days[day].calls)
        asked = {"calls": parts, "since": since, "until": until}
        what = "compare calls with the records of PBXs"
        return store.engine.fetch("pbx_counterparts", asked, what=what, given={"names": names}), set(days)

    rows, days = store.ask(ask)
    place, at_s, talk_s = (_whole(rows[name]) for name in ("place", "at_s", "duration_s"))
    side = Side(place, at_s, talk_s, rows["answered"].to_numpy().astype(np.bool_))
    return side, _coded(rows["source_ip"]), days


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
    there = [(day - date(1970, 1, 1)).days for day in days]
    again = span.again_from.timestamp()
    judged: Flags = (begun >= since) & (ended < until) & (np.isin(day_of, there) | (begun >= again))
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
    told = pyarrow.table({**columns, "at": pyarrow.array(times)})
    found = told.group_by(list(columns)).aggregate([("at", "count"), ("at", "min"), ("at", "max")]).sort_by("at_min")
    frame = found.rename_columns({"at_count": "attempts", "at_min": "first_at", "at_max": "last_at"}).to_pandas()
    utc_times = {name: frame[name].dt.tz_localize("UTC") for name in ("first_at", "last_at")}
    return schemas.conform(frame.assign(**utc_times), schemas.PBX_ATTEMPTS, source="the records of PBXs")
