"""Figures of the Outcomes page: grouping of calls, ratios and sums."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import pandas as pd

from dashboard.calls import CallStore, Cube
from dashboard.calls.analytics import CubePart, Peaks, definitions, metrics
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
"""Dimension by which calls can be grouped, to its label."""
SHARES: Final = ("asr", "ner", "short_calls", "refusal_share", "ser", "seer", "isa")
MOST_ROWS = 500
NOT_KNOWN = "Not known"
DASH: Final = f"A dash: fewer than {definitions.MIN_SAMPLE} calls to divide by (for Short and ACD: answered calls)."
SUMS: Final[Mapping[str, str]] = {
    "calls": "Outbound calls on record, whatever became of them.",
    "cost": "Sum of what the carrier charged for outbound calls, from their call records.",
}


@dataclass(frozen=True)
class OutcomeMetric:
    """A figure over all calls."""

    value: str
    """Formatted value; ``-`` for too few calls."""
    behind: str
    """Numerator, denominator and interval, or the time when a peak was reached."""
    why: str = ""
    """Reason for a missing value."""


def whole_hour(since: datetime) -> datetime:
    """
    Return the first full UTC hour at or after a time.

    Days of some time zones start at half past a UTC hour; the roll-up has full hours only.
    """
    floor = since.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return floor if floor == since else floor + timedelta(hours=1)


def grouped(
    by: str, *, cube: Cube, snapshot: Snapshot, store: CallStore, since: datetime, zone: ZoneInfo
) -> pd.DataFrame:
    """
    Sum the outbound calls by group.

    Args:
        by: One of ``BY``; ``""`` for all calls together.
        cube: Calls by hour and caller.
        snapshot: Snapshot with the PoP of each PBX.
        store: Call store with the calls by source address.
        since: Start of the period; a full hour.
        zone: Time zone of the days.

    Returns:
        ``of`` (text), ``outcome``, ``sip_status``, ``calls``, ``short_calls``, ``duration_s``, ``cost_usd``.
    """
    if by == "source":
        return store.by_source(since=since).rename(columns={"source_ip": "of"})
    name = {"pbx": "who", "pop": "who", "destination": "zone"}.get(by)
    part = CubePart(since=since)
    step = "day" if by == "day" else ""
    sums = cube.sums(*([name] if name else []), "outcome", "code", part=part, step=step, zone=zone)
    sums = sums.assign(sip_status=cube.statuses(sums["code"]))
    if by == "day":
        return sums.assign(of=sums["at"].dt.strftime("%Y-%m-%d"))
    if by == "pop":
        return sums.assign(of=pd.Series(list(map(pop_of(snapshot), sums["who"])), sums.index, dtype="str"))
    return sums.assign(of=sums[name].replace("", NOT_KNOWN) if name else "All")


def pops_of(snapshot: Snapshot) -> dict[str, str]:
    """Return PBX name to PoP; omits PBXs without a known PoP and names shared by PBXs with different PoPs."""
    pbxs = snapshot.pbxs[["pop"]].assign(name=[snapshot.name_of(pbx_id) for pbx_id in snapshot.pbxs["pbx_id"]])
    pops = pbxs.groupby("name")["pop"].agg(set)
    return {str(name): str(*pop) for name, pop in pops.items() if len(pop) == 1 and pop != {""}}


def pop_of(snapshot: Snapshot) -> Callable[[str], str]:
    """Return a function that maps a caller to its PoP as named in the table."""
    pops = pops_of(snapshot)
    return lambda caller: pops.get(caller, NOT_KNOWN)


def peaks_by_day(load: pd.DataFrame, zone: ZoneInfo) -> pd.DataFrame:
    """
    Return the peaks of outbound calls by day.

    Args:
        load: Result of ``CallStore.load``.
        zone: Time zone of the days.

    Returns:
        ``of`` with days as in ``grouped``, and ``metrics.PEAKS``.
    """
    rows = load[load["direction"] == "outbound"]
    number, days = pd.factorize(rows["minute_at"].dt.tz_convert(zone).dt.normalize())
    result = metrics.peaks(rows.assign(of=number), ["of"])
    return result.assign(of=days.strftime("%Y-%m-%d").take(result["of"]).astype("str"))[["of", *metrics.PEAKS]]


def outbound_peaks(peaks: Peaks) -> pd.DataFrame:
    """Return ``of`` with the names used by ``grouped``, and the peaks of outbound calls."""
    rows = peaks.rows[peaks.rows["direction"] == "outbound"]
    return rows.assign(of=rows["of"].replace("", NOT_KNOWN))[["of", *metrics.PEAKS]]


def peaks_text(peaks: Peaks, at: str) -> str:
    """Return when the peaks were counted, and which days have no single calls left to count."""
    days = [f"{day:%-d %b %Y}" for day in peaks.gone]
    if not days:
        return f"Peaks counted at {at}."
    spans = days[0] if len(days) == 1 else f"{counted(len(days), 'day')} from {days[0]} to {days[-1]}"
    return f"Peaks counted at {at}, without {spans} (UTC): single calls of that time are no longer kept."


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """
    Compute the ratios of each group, one row per ``of``.

    Args:
        rows: Result of ``grouped``.

    Returns:
        ``of``, ``calls``, each of ``SHARES`` (0 to 1), ``low`` and ``high`` (the interval of ASR), ``acd_s``,
        ``cost_usd``. A share of fewer than ``MIN_SAMPLE`` calls is missing. The lowest ASR comes first. Contains only
        the ``MOST_ROWS`` groups with the most calls, because tens of thousands of addresses may try a call without
        ever being admitted.
    """
    busiest = rows.groupby("of")["calls"].sum().nlargest(MOST_ROWS).index
    rows = rows[rows["of"].isin(busiest)]
    shares = metrics.ratios(rows, ["of"], only=SHARES)
    wide = shares.pivot_table(index="of", columns="ratio", values="value", dropna=False, observed=True)
    asr = shares[shares["ratio"] == "asr"].set_index("of")
    sums = metrics.totals(rows, ["of"]).set_index("of")
    talk = metrics.acd(rows, ["of"]).set_index("of")
    result = pd.DataFrame({"calls": sums["calls"]}).join(wide[list(SHARES)])
    result = result.assign(
        low=asr["low"], high=asr["high"], acd_s=talk["acd_s"], cost_usd=sums["cost_usd"]
    ).reset_index()
    return result.sort_values(["asr", "calls"], ascending=[True, False], na_position="last", ignore_index=True)


def table_note(by: str, shown_count: int, total: int) -> str:
    """Return sentences on the rows and the order of the table."""
    most = f"The {shown_count:,} with the most calls, of {total:,}. " if shown_count < total else ""
    order = "The newest first." if by == "day" else "The fewest answered first."
    return f"{most}{order} {DASH} Select a row for every interval."


def share_details(rows: pd.DataFrame, of: str) -> pd.DataFrame:
    """Return the shares of one row of the table: the result of ``metrics.ratios`` with ``ratio`` in words."""
    shares = metrics.ratios(rows[rows["of"] == of], only=SHARES)
    return shares.assign(ratio=[definitions.DEFINITIONS[name].name for name in shares["ratio"]])


def export_rows(rows: pd.DataFrame, by: str, of: Sequence[str], peaks: pd.DataFrame | None = None) -> pd.DataFrame:
    """
    Return rows of the table with numerators and denominators, for a CSV file.

    Args:
        rows: Result of ``grouped``.
        by: Name of the first column.
        of: Groups to return, in this order.
        peaks: ``of`` and ``metrics.PEAKS``, if known.

    Returns:
        ``by``, ``calls``; each of ``SHARES`` with its ``_numerator``, ``_denominator`` and interval (``_low``,
        ``_high``); ``acd_s`` with its numerator ``talk_s`` and denominator ``answered``; ``cost_usd``; the peaks.
    """
    rows = rows[rows["of"].isin(of)]
    sums = metrics.totals(rows, ["of"]).set_index("of")
    talk = metrics.acd(rows, ["of"]).set_index("of")
    columns = {"calls": sums["calls"]}
    for name, ratio_rows in metrics.ratios(rows, ["of"], only=SHARES).groupby("ratio", sort=False):
        ratio_by_group = ratio_rows.set_index("of")
        columns[str(name)] = ratio_by_group["value"]
        columns |= {f"{name}_{part}": ratio_by_group[part] for part in ("numerator", "denominator", "low", "high")}
    columns |= {"acd_s": talk["acd_s"], "talk_s": talk["duration_s"], "answered": talk["calls"]}
    result = pd.DataFrame({**columns, "cost_usd": sums["cost_usd"]})
    if peaks is not None:
        result = result.join(peaks.set_index("of").astype("Int64"))
    return result.loc[list(of)].rename_axis(by).reset_index()


def figures(rows: pd.DataFrame, load: pd.DataFrame, zone: ZoneInfo) -> dict[str, OutcomeMetric]:
    """
    Return the figures over all calls.

    Args:
        rows: Result of ``grouped`` for all calls.
        load: Result of ``CallStore.load``.
        zone: The viewer's time zone.

    Returns:
        Figures by name, in display order.
    """
    shares = {}
    for row in metrics.ratios(rows, only=("asr", "ner", "refusal_share", "short_calls")).to_dict("records"):
        basis = f"{row['numerator']:,} of {row['denominator']:,}{_interval(row)}"
        shares[str(row["ratio"])] = _figure(row["value"], "{:.1%}", basis, row["ratio"])
    talk = metrics.acd(rows).iloc[0]
    basis = f"{int(talk['duration_s']):,} s of talk in {counted(int(talk['calls']), 'answered call')}"
    acd = _figure(talk["acd_s"], "{:.0f} s", basis, "acd")
    short = shares.pop("short_calls")
    total = metrics.totals(rows).iloc[0]
    cost = OutcomeMetric(
        money(total["cost_usd"]),
        f"{counted(int(total['calls']), 'call')}, {counted(round(total['minutes']), 'minute')}",
    )
    calls = OutcomeMetric(f"{int(total['calls']):,}", f"{counted(round(total['minutes']), 'minute')} of talk")
    result = {"calls": calls, **shares, "acd": acd, "short_calls": short, "cost": cost}
    peaks = metrics.peaks(load[load["direction"] == "outbound"]) if len(load) else pd.DataFrame()
    for name in metrics.PEAKS if len(peaks) else ():
        at = exact(peaks[f"{name}_at"].iloc[0], zone, "%-d %b %Y %H:%M %Z")
        result[name] = OutcomeMetric(f"{int(peaks[name].iloc[0]):,}", f"First reached {at}")
    return result


def metric_help(name: str, basis: str = "") -> str:
    """Return the tooltip of a figure: formula, numerator and denominator, source and caveats."""
    basis_sentence = f"{basis}." if basis else ""
    if name not in definitions.DEFINITIONS:
        return plain(" ".join(filter(None, [SUMS[name], basis_sentence])))
    definition = definitions.DEFINITIONS[name]
    sentences = [
        f"{definition.name}: {definition.formula}.",
        basis_sentence,
        f"Source: {definition.source}.",
        definition.note,
    ]
    if definition.denominator:
        sentences.append(f"Hidden where there are fewer than {definitions.MIN_SAMPLE} {_sample(name)}.")
    return plain(" ".join(filter(None, sentences)))


def title(rows: pd.DataFrame, by_pbx: pd.DataFrame, words: str) -> str:
    """
    Return the page title: the share of calls answered, and the PBX with the lowest share.

    Args:
        rows: Result of ``grouped`` for all calls.
        by_pbx: Result of ``table`` by PBX.
        words: Text of the time span.
    """
    asr = metrics.ratios(rows, only=("asr",)).iloc[0] if len(rows) else None
    if asr is None or not asr["denominator"]:
        return f"No outbound call on record {words}."
    calls = counted(int(asr["denominator"]), "outbound call")
    if pd.isna(asr["value"]):
        return f"{calls} {words}: too few to say how many are answered."
    answer = f"{asr['value']:.0%} of {calls} {words} were answered"
    with_asr = by_pbx[by_pbx["asr"].notna() & ~by_pbx["of"].str.endswith(UNASSIGNED)]
    if len(with_asr) < 2:  # noqa: PLR2004 - a lowest share needs two PBXs
        return f"{answer}."
    return f"{answer}, those of {plain(str(with_asr['of'].iloc[0]))} least often ({with_asr['asr'].iloc[0]:.0%})."


def _figure(value: Any, form: str, basis: str, name: str) -> OutcomeMetric:
    if pd.isna(value):
        return OutcomeMetric("-", basis, f"fewer than {definitions.MIN_SAMPLE} {_sample(name)}")
    return OutcomeMetric(form.format(value), basis)


def _sample(name: str) -> str:
    """Return the name of the calls that the minimum sample size applies to."""
    denominator = definitions.DEFINITIONS[name].denominator
    return "answered calls" if denominator is definitions.ANSWERED else "calls"


def _interval(row: Mapping[Hashable, Any]) -> str:
    if pd.isna(row["low"]):
        return ""
    return f", 95% interval {row['low']:.1%} to {row['high']:.1%}"
