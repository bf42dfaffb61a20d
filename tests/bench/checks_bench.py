"""Benchmark of checks, fixes and replays with few and with many calls in the store."""

from __future__ import annotations

from pathlib import Path
from statistics import median

from tests.bench import checks_works
from tests.bench.account import Account
from tests.bench.apart import in_turns, tell, time_of
from tests.bench.homes import filled, told
from tests.bench.table import Row, Time, calls_words, ratio_to

FEW = 10_000
ROUNDS = 3
MOST = 1.2
"""Upper limit of the ratio of many calls to few; pages have the same limit."""


def run(account: Account, folder: Path, calls: int, *, most: float = MOST) -> list[Row]:
    """
    Measure every check, the plan of a fix, and a replay, on a made snapshot of few and of many calls in turns.

    Args:
        account: Account that generates the calls.
        folder: Folder of its homes; missing homes are created.
        calls: Number of calls in the large home.
        most: Upper limit of the ratios of many calls to few.
    """
    tell(f"Checks and fixes over {FEW:,} and {calls:,} calls")
    sizes = {"": calls, calls_words(FEW): FEW}
    ways = {
        name: (checks_works.judged, {"home": str(filled(account, folder, size)), "account": told(account)})
        for name, size in sizes.items()
    }
    turns = in_turns(ways, ROUNDS)
    checked = [time_of(name, turns[name]) for name in sizes]
    planned, replayed = (
        [Time(name, median(turn.answer[part] for turn in turns[name])) for name in sizes]
        for part in ("plan_s", "replay_s")
    )
    size = f"{calls_words(calls)}, {account.entries:,} entries"
    found = turns[""][0].answer["findings"]
    works = (
        (f"Every check: {found:,} findings", checked),
        ("The plan of a fix, with its replay and guards", planned),
        ("Replay of a proposal on a made snapshot", replayed),
    )
    return [
        Row(work, size, ours, peers=(few,), ratios=(ratio_to(ours, few, most=most),)) for work, (ours, few) in works
    ]
