"""The numbers of the page Outcomes: which calls are added up by what, and what is divided."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import pandas as pd

from dashboard.calls.analytics import metrics
from dashboard.calls.analytics.cube import Cube, Part
from dashboard.calls.analytics.definitions import ANSWERED, DEFINITIONS, MIN_SAMPLE
from dashboard.calls.analytics.peaks import Peaks
from dashboard.calls.store.store import CallStore
from dashboard.core.text import counted
from dashboard.domain.changes import UNASSIGNED
from dashboard.domain.snapshot import Snapshot
from dashboard.web.components.formatting import exact, money, plain

BY: Final[Mapping[str, str]] = {
    "pbx": "PBX",
    "source": "Source address",
    "destination": "Destination",
    "pop": "PoP",
    "day": "Day",
}
"""What calls can be added up by."""
SHARES: Final = ("asr", "ner", "short_calls", "refusal_share", "ser", "seer", "isa")
MOST_ROWS = 500
NOT_KNOWN = "Not known"
DASH: Final = f"A dash: fewer than {MIN_SAMPLE} calls to divide by (for Short and ACD: answered calls)."
SUMS: Final[Mapping[str, str]] = {
    "calls": "Outbound calls on record, whatever became of them.",
    "cost": "Sum of what the carrier charged for outbound calls, from their call records.",
}


@dataclass(frozen=True)
class OutcomeMetric:
    """A number of all calls together."""

    value: str
    """``-`` where there are too few calls."""
    behind: str
    """What was divided, and the interval; or when a peak was reached."""
    why: str = ""
    """Why there is no value."""


def whole_hour(since: datetime) -> datetime:
    """Return the first full hour of UTC from then on: days of some zones begin at half past, the roll-up at none."""
    floor = since.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return floor if floor == since else floor + timedelta(hours=1)


def grouped(
    by: str, *, cube: Cube, snapshot: Snapshot, store: CallStore, since: datetime, zone: ZoneInfo
) -> pd.DataFrame:
    """
    Add up the outbound calls.

    Args:
        by: One of ``BY``; ``""`` for all calls together.
        cube: The calls by hour and caller.
        snapshot: For the PoP of each PBX.
        store: For the calls by source address.
        since: A whole hour.
        zone: Whose days.

    Returns:
        ``of`` (text), ``outcome``, ``sip_status``, ``calls``, ``short_calls``, ``duration_s``, ``cost_usd``.
    """
    if by == "source":
        return store.by_source(since=since).rename(columns={"source_ip": "of"})
    name = {"pbx": "who", "pop": "who", "destination": "zone"}.get(by)
    part, step = Part(since=since), "day" if by == "day" else ""
    found = cube.sums(*([name] if name else []), "outcome", "code", part=part, step=step, zone=zone)
    codes = found["code"].str.extract(r"^(\d*)", expand=False)
    found = found.assign(sip_status=pd.to_numeric(codes, errors="coerce").astype("Int64"))
    if by == "day":
        return found.assign(of=found["at"].dt.strftime("%Y-%m-%d"))
    if by == "pop":
        return found.assign(of=pd.Series(list(map(pop_of(snapshot), found["who"])), found.index, dtype="str"))
    return found.assign(of=found[name].replace("", NOT_KNOWN) if name else "All")


def pops_of(snapshot: Snapshot) -> dict[str, str]:
    """Return the PoP of each PBX by its name, where it is known; not where two of one name differ."""
    named = snapshot.pbxs[["pop"]].assign(name=[snapshot.name_of(pbx_id) for pbx_id in snapshot.pbxs["pbx_id"]])
    pops = named.groupby("name")["pop"].agg(set)
    return {str(name): str(*pop) for name, pop in pops.items() if len(pop) == 1 and pop != {""}}


def pop_of(snapshot: Snapshot) -> Callable[[str], str]:
    """Return what names the PoP of a caller as the table does."""
    pops = pops_of(snapshot)
    return lambda who: pops.get(who, NOT_KNOWN)


def peaks_by_day(load: pd.DataFrame, zone: ZoneInfo) -> pd.DataFrame:
    """
    Return the peaks of outbound calls by day.

    Args:
        load: Of ``CallStore.load``.
        zone: Whose days.

    Returns:
        ``of`` as ``grouped`` names days, and ``metrics.PEAKS``.
    """
    rows = load[load["direction"] == "outbound"]
    number, days = pd.factorize(rows["minute_at"].dt.tz_convert(zone).dt.normalize())
    found = metrics.peaks(rows.assign(of=number), ["of"])
    return found.assign(of=days.strftime("%Y-%m-%d").take(found["of"]).astype("str"))[["of", *metrics.PEAKS]]


def peaks_shown(peaks: Peaks) -> pd.DataFrame:
    """Return ``of`` as ``grouped`` names what it groups by, and the peaks of outbound calls."""
    rows = peaks.rows[peaks.rows["direction"] == "outbound"]
    return rows.assign(of=rows["of"].replace("", NOT_KNOWN))[["of", *metrics.PEAKS]]


def said_peaks(peaks: Peaks, at: str) -> str:
    """Say when peaks were counted, and of which days no calls are left to be counted."""
    days = [f"{day:%-d %b %Y}" for day in peaks.gone]
    if not days:
        return f"Peaks counted at {at}."
    spans = days[0] if len(days) == 1 else f"{counted(len(days), 'day')} from {days[0]} to {days[-1]}"
    return f"Peaks counted at {at}, without {spans} (UTC): single calls of that time are no longer kept."


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """
    Divide what was added up, a row for each ``of``.

    Args:
        rows: As ``grouped`` makes them.

    Returns:
        ``of``, ``calls``, each of ``SHARES`` (0 to 1), ``low`` and ``high`` (the interval of ASR), ``acd_s``,
        ``cost_usd``. A share of fewer than ``MIN_SAMPLE`` calls is missing. The fewest answered come first.
        At most the ``MOST_ROWS`` with the most calls: those who only knock may be tens of thousands.
    """
    busiest = rows.groupby("of")["calls"].sum().nlargest(MOST_ROWS).index
    rows = rows[rows["of"].isin(busiest)]
    shares = metrics.ratios(rows, ["of"], only=SHARES)
    wide = shares.pivot_table(index="of", columns="ratio", values="value", dropna=False, observed=True)
    answered = shares[shares["ratio"] == "asr"].set_index("of")
    sums, talk = metrics.totals(rows, ["of"]).set_index("of"), metrics.acd(rows, ["of"]).set_index("of")
    found = pd.DataFrame({"calls": sums["calls"]}).join(wide[list(SHARES)])
    found = found.assign(
        low=answered["low"], high=answered["high"], acd_s=talk["acd_s"], cost_usd=sums["cost_usd"]
    ).reset_index()
    return found.sort_values(["asr", "calls"], ascending=[True, False], na_position="last", ignore_index=True)


def said_table(by: str, shown: int, there: int) -> str:
    """Say what the table shows, and in which order."""
    most = f"The {shown:,} with the most calls, of {there:,}. " if shown < there else ""
    order = "The newest first." if by == "day" else "The fewest answered first."
    return f"{most}{order} {DASH} Select a row for every interval."


def behind_shares(rows: pd.DataFrame, of: str) -> pd.DataFrame:
    """Return the shares of a row of the table: ``ratio`` in words, and the rest as ``metrics.ratios`` has it."""
    found = metrics.ratios(rows[rows["of"] == of], only=SHARES)
    return found.assign(ratio=[DEFINITIONS[name].name for name in found["ratio"]])


def in_full(rows: pd.DataFrame, by: str, of: Sequence[str], peaks: pd.DataFrame | None = None) -> pd.DataFrame:
    """
    Return rows of the table with all that was divided, for a file.

    Args:
        rows: As ``grouped`` makes them.
        by: Names the first column.
        of: Which rows, in their order.
        peaks: ``of`` and ``metrics.PEAKS``, where they are known.

    Returns:
        ``by``, ``calls``; each of ``SHARES`` with its ``_numerator``, ``_denominator`` and interval (``_low``,
        ``_high``); ``acd_s`` and what it divides, ``talk_s`` and ``answered``; ``cost_usd``; the peaks.
    """
    rows = rows[rows["of"].isin(of)]
    sums, talk = metrics.totals(rows, ["of"]).set_index("of"), metrics.acd(rows, ["of"]).set_index("of")
    columns = {"calls": sums["calls"]}
    for name, mine in metrics.ratios(rows, ["of"], only=SHARES).groupby("ratio", sort=False):
        told = mine.set_index("of")
        columns[str(name)] = told["value"]
        columns |= {f"{name}_{part}": told[part] for part in ("numerator", "denominator", "low", "high")}
    columns |= {"acd_s": talk["acd_s"], "talk_s": talk["duration_s"], "answered": talk["calls"]}
    found = pd.DataFrame({**columns, "cost_usd": sums["cost_usd"]})
    if peaks is not None:
        found = found.join(peaks.set_index("of").astype("Int64"))
    return found.loc[list(of)].rename_axis(by).reset_index()


def figures(rows: pd.DataFrame, load: pd.DataFrame, zone: ZoneInfo) -> dict[str, OutcomeMetric]:
    """
    Say the numbers of all calls together.

    Args:
        rows: As ``grouped`` makes them of all calls.
        load: Of ``CallStore.load``.
        zone: The viewer's.

    Returns:
        By name, in the order to be shown.
    """
    shares = {}
    for row in metrics.ratios(rows, only=("asr", "ner", "refusal_share", "short_calls")).to_dict("records"):
        behind = f"{row['numerator']:,} of {row['denominator']:,}{_interval(row)}"
        shares[str(row["ratio"])] = _figure(row["value"], "{:.1%}", behind, row["ratio"])
    talk = metrics.acd(rows).iloc[0]
    behind = f"{int(talk['duration_s']):,} s of talk in {counted(int(talk['calls']), 'answered call')}"
    acd = _figure(talk["acd_s"], "{:.0f} s", behind, "acd")
    short = shares.pop("short_calls")
    total = metrics.totals(rows).iloc[0]
    cost = OutcomeMetric(
        money(total["cost_usd"]),
        f"{counted(int(total['calls']), 'call')}, {counted(round(total['minutes']), 'minute')}",
    )
    calls = OutcomeMetric(f"{int(total['calls']):,}", f"{counted(round(total['minutes']), 'minute')} of talk")
    found = {"calls": calls, **shares, "acd": acd, "short_calls": short, "cost": cost}
    peaks = metrics.peaks(load[load["direction"] == "outbound"]) if len(load) else pd.DataFrame()
    for name in metrics.PEAKS if len(peaks) else ():
        at = exact(peaks[f"{name}_at"].iloc[0], zone, "%-d %b %Y %H:%M %Z")
        found[name] = OutcomeMetric(f"{int(peaks[name].iloc[0]):,}", f"First reached {at}")
    return found


def explained(name: str, behind: str = "") -> str:
    """Say what a number means, for a tooltip: formula, what was divided, source and its doubts."""
    told = f"{behind}." if behind else ""
    if name not in DEFINITIONS:
        return plain(" ".join(filter(None, [SUMS[name], told])))
    made = DEFINITIONS[name]
    said = [f"{made.name}: {made.formula}.", told, f"Source: {made.source}.", made.note]
    if made.denominator:
        said.append(f"Hidden where there are fewer than {MIN_SAMPLE} {_sample(name)}.")
    return plain(" ".join(filter(None, said)))


def title(rows: pd.DataFrame, by_pbx: pd.DataFrame, words: str) -> str:
    """
    Answer how many calls were answered, and of which PBX the fewest.

    Args:
        rows: As ``grouped`` makes them of all calls.
        by_pbx: As ``table`` makes it by PBX.
        words: Text of the time span.
    """
    asr = metrics.ratios(rows, only=("asr",)).iloc[0] if len(rows) else None
    if asr is None or not asr["denominator"]:
        return f"No outbound call on record {words}."
    calls = counted(int(asr["denominator"]), "outbound call")
    if pd.isna(asr["value"]):
        return f"{calls} {words}: too few to say how many are answered."
    answer = f"{asr['value']:.0%} of {calls} {words} were answered"
    told = by_pbx[by_pbx["asr"].notna() & ~by_pbx["of"].str.endswith(UNASSIGNED)]
    if len(told) < 2:  # noqa: PLR2004 - of one there is no fewest
        return f"{answer}."
    return f"{answer}, those of {plain(str(told['of'].iloc[0]))} least often ({told['asr'].iloc[0]:.0%})."


def _figure(value: Any, form: str, behind: str, name: str) -> OutcomeMetric:
    if pd.isna(value):
        return OutcomeMetric("-", behind, f"fewer than {MIN_SAMPLE} {_sample(name)}")
    return OutcomeMetric(form.format(value), behind)


def _sample(name: str) -> str:
    """Say of which calls there have to be enough."""
    made = DEFINITIONS[name].denominator
    return "answered calls" if made is ANSWERED else "calls"


def _interval(row: Mapping[Hashable, Any]) -> str:
    if pd.isna(row["low"]):
        return ""
    return f", 95% interval {row['low']:.1%} to {row['high']:.1%}"
