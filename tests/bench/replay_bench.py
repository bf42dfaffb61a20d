"""Benchmark of a proposal's replay beside row-by-row peers and the true labels, with drill-down to single calls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.bench import replay_works
from tests.bench.account import Account
from tests.bench.apart import in_turns, tell, time_of
from tests.bench.homes import filled, told
from tests.bench.table import Ratio, Row, Time, calls_words, ratio_to

SQL = "SQL row by row in DuckDB"
PANDAS = "vectorized pandas, loaded"
PERCENT = 100


def run(account: Account, folder: Path, calls: int) -> list[Row]:
    """
    Measure the replay at one size.

    Args:
        account: Account that generates the calls.
        folder: Folder of its home; a missing home is created.
        calls: Number of calls.
    """
    tell(f"Replay of {calls:,} calls")
    arguments = {"home": str(filled(account, folder, calls)), "account": told(account)}
    ways = {"": replay_works.ours, SQL: replay_works.row_by_row, PANDAS: replay_works.vectorized}
    turns = in_turns({name: (way, arguments) for name, way in ways.items()}, 1)
    ours, by_sql, by_pandas = (time_of(name, turns[name]) for name in ways)
    found = turns[""][0].answer
    size = f"{calls_words(calls)}, {account.entries:,} entries"
    total = found["snapshot_s"] + found["facts_s"] + found["first_s"]
    parts = (Time("snapshot", found["snapshot_s"]), Time("facts", found["facts_s"]), Time("answer", found["first_s"]))
    return [
        Row(
            f"Replay of a proposal (credentials off, {replay_works.REMOVED} addresses removed), sums by label",
            size,
            ours,
            peers=(by_sql, by_pandas),
            ratios=(
                ratio_to(ours, by_sql, least=5),
                ratio_to(ours, by_pandas, least=20),
                Ratio("decided", found["decided"] * PERCENT, least=95, unit=" %"),
            ),
            wrong=tuple(_wrong(found, turns[SQL][0].answer, turns[PANDAS][0].answer)),
        ),
        Row(
            f"The same from nothing: {found['segments']:,} rows of the roll-up, {found['keys']:,} keys",
            size,
            Time("", total),
            floor=parts,
            peers=(by_sql,),
            ratios=(Ratio(f"faster than {SQL}, which has no snapshot to make", (by_sql.seconds or 0) / total),),
        ),
        _drill_down("Drill-down to the newest 50 broken calls", size, found["newest"], found["parts"]),
        _drill_down("Drill-down to 50 broken calls of one day", size, found["day"], found["parts"]),
    ]


def _drill_down(work: str, size: str, found: dict[str, Any], parts: int) -> Row:
    strays = (f"{found['strays']} files of other days were opened",) if found["strays"] else ()
    files = Ratio(f"of {parts} files of calls opened", found["opened"], unit="")
    return Row(work, size, Time("", found["seconds"]), ratios=(files,), memory="as the replay", wrong=strays)


def _wrong(ours: dict[str, Any], by_sql: dict[str, Any], by_pandas: dict[str, Any]) -> list[str]:
    faults = [
        f"ours says {ours['labels']}, {name} {other['labels']}"
        for name, other in ((SQL, by_sql), (PANDAS, by_pandas))
        if _rounded(ours) != _rounded(other)
    ]
    faults += [
        f"{calls:,} calls are {label} against the truth" for label, calls in ours["against_truth"].items() if calls
    ]
    return faults


def _rounded(found: dict[str, Any]) -> dict[str, tuple[int, float, float]]:
    """
    Return calls, minutes and dollars by label, rounded because pandas sums money in floating point.

    Minutes are rounded to one digit.
    """
    return {
        label: (calls, round(minutes, 1), round(float(cost), 4))
        for label, (calls, minutes, cost) in found["labels"].items()
    }
