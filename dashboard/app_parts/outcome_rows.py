"""The numbers of the page Outcomes: which calls are added up by what, and what is divided."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import pandas as pd

from dashboard.app_parts.words import count, money, plain
from dashboard.calls import metrics
from dashboard.calls.cube import Cube, Part
from dashboard.calls.definitions import DEFINITIONS, MIN_SAMPLE
from dashboard.calls.destinations import described
from dashboard.calls.store import CallStore
from dashboard.snapshot import Snapshot

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
UNKNOWN_POP = "Not known"


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
        pops = {pbx or pbx_id: pop for pbx_id, pbx, pop in zip(*_columns(snapshot.pbxs), strict=True)}
        return found.assign(of=[pops.get(who) or UNKNOWN_POP for who in found["who"]])
    return found.assign(of=found[name].replace("", "Not known") if name else "All")


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """
    Divide what was added up, a row for each ``of``.

    Args:
        rows: As ``grouped`` makes them.

    Returns:
        ``of``, ``calls``, each of ``SHARES`` (0 to 1), ``low`` and ``high`` (the interval of ASR), ``acd_s``,
        ``cost_usd``. A share of fewer than ``MIN_SAMPLE`` calls is missing. The fewest answered come first.
    """
    shares = metrics.ratios(rows, ["of"], only=SHARES)
    wide = shares.pivot_table(index="of", columns="ratio", values="value", dropna=False, observed=True)
    answered = shares[shares["ratio"] == "asr"].set_index("of")
    sums, talk = metrics.totals(rows, ["of"]).set_index("of"), metrics.acd(rows, ["of"]).set_index("of")
    found = pd.DataFrame({"calls": sums["calls"]}).join(wide[list(SHARES)])
    found = found.assign(
        low=answered["low"], high=answered["high"], acd_s=talk["acd_s"], cost_usd=sums["cost_usd"]
    ).reset_index()
    found = found.sort_values(["asr", "calls"], ascending=[True, False], na_position="last", ignore_index=True)
    return found.head(MOST_ROWS)


def ratios(rows: pd.DataFrame, by: str, of: Collection[str]) -> pd.DataFrame:
    """Return every ratio of some of the rows, with what was divided and the interval, for a file; ``by`` names them."""
    found = metrics.ratios(rows[rows["of"].isin(of)], ["of"], only=SHARES)
    return found.rename(columns={"of": by})


def figures(rows: pd.DataFrame, load: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """
    Say the numbers of all calls together.

    Args:
        rows: As ``grouped`` makes them of all calls.
        load: Of ``CallStore.load``.

    Returns:
        Name to its value and what stands behind it, in the order to be shown; ``-`` for too few calls.
    """
    found: dict[str, tuple[str, str]] = {}
    for row in metrics.ratios(rows, only=("asr", "ner", "short_calls", "refusal_share")).to_dict("records"):
        value = f"{row['value']:.1%}" if pd.notna(row["value"]) else "-"
        found[str(row["ratio"])] = value, f"{row['numerator']:,} of {row['denominator']:,}{_interval(row)}"
    talk = metrics.acd(rows).iloc[0]
    enough = pd.notna(talk["acd_s"])
    found["acd"] = f"{talk['acd_s']:.0f} s" if enough else "-", f"{count(int(talk['calls']), 'answered call')}"
    peaks = metrics.peaks(load[load["direction"] == "outbound"]) if len(load) else pd.DataFrame()
    for name in ("peak_1s", "peak_60s", "concurrent") if len(peaks) else ():
        at = pd.Timestamp(peaks[f"{name}_at"].iloc[0])
        found[name] = f"{int(peaks[name].iloc[0]):,}", f"First reached at {at:%Y-%m-%d %H:%M} UTC"
    return found


def explained(name: str, behind: str = "") -> str:
    """Say what a number means, for a tooltip: formula, what was divided, source and its doubts."""
    made = DEFINITIONS[name]
    said = [f"{made.name}: {made.formula}.", f"{behind}." if behind else "", f"Source: {made.source}.", made.note]
    if made.unit in ("share", "s"):
        said.append(f"Hidden below {MIN_SAMPLE} calls.")
    return plain(" ".join(filter(None, said)))


def title(rows: pd.DataFrame, by_pbx: pd.DataFrame, words: str) -> str:
    """
    Answer how many calls were answered, and of whom the fewest.

    Args:
        rows: As ``grouped`` makes them of all calls.
        by_pbx: As ``table`` makes it by PBX.
        words: How the time is said.
    """
    asr = metrics.ratios(rows, only=("asr",)).iloc[0] if len(rows) else None
    if asr is None or not asr["denominator"]:
        return f"No outbound call {words}."
    calls = count(int(asr["denominator"]), "outbound call")
    if pd.isna(asr["value"]):
        return f"{calls} {words}: too few to say how many are answered."
    answer = f"{asr['value']:.0%} of {calls} {words} were answered"
    told = by_pbx[by_pbx["asr"].notna()]
    if len(told) < 2:  # noqa: PLR2004 - of one there is no fewest
        return f"{answer}."
    return f"{answer}, those of {plain(str(told['of'].iloc[0]))} least often ({told['asr'].iloc[0]:.0%})."


def dialed(store: CallStore, since: datetime, most: int = 50) -> pd.DataFrame:
    """Return the numbers dialed that cost most, with the country and the kind of number."""
    return described(store.top_destinations(since=since, limit=most))


def new(store: CallStore, since: datetime, now: datetime) -> pd.DataFrame:
    """Return the sources and destinations that were first seen since then, the newest first."""
    hours = (now - since).total_seconds() / 3600
    return metrics.first_seen(store.first_seen(until=now), now=now, hours=hours)


def said_new(found: pd.DataFrame) -> str:
    """Say how much is new."""
    if found.empty:
        return "No source and no destination is new, or the record is no older."
    sources, zones = (found[found["kind"] == kind] for kind in ("source", "zone"))
    cost = f"; what these addresses called cost {money(sources['cost_usd'].sum())}" if len(sources) else ""
    seen = f"{count(len(sources), 'source address', 'source addresses')} and {count(len(zones), 'destination')}"
    return f"{seen} first seen in this time{cost}."


def _interval(row: Mapping[Hashable, Any]) -> str:
    if row["low"] is pd.NA:
        return ""
    return f", 95% interval {row['low']:.1%} to {row['high']:.1%}"


def _columns(pbxs: pd.DataFrame) -> list[pd.Series]:
    return [pbxs["pbx_id"], pbxs["name"], pbxs["pop"]]
