"""
Benchmark of a dialer that shows thousands of local caller IDs and sends no X-Tag.

Caller IDs are not part of the roll-up's key unless they are the account's own numbers; otherwise this account's roll-up
would be as long as its calls. Pages read the second level of the roll-up, which has no source addresses either.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.bench import checks_bench, ingest_ours, ingest_works, pages_bench
from tests.bench.account import Account
from tests.bench.apart import ROOT, in_turns, peak_mb, tell, time_of, timed
from tests.bench.homes import filled, own_numbers
from tests.bench.serving import NOBODY
from tests.bench.table import Ratio, Row, calls_words, ratio_to

SOURCES = 60
CALLER_IDS = 10_000
TURNS = 3
MOST = 1.3
"""Upper limit of the ratio of many calls to ten thousand, for checks, replays and clicks."""
MOST_S, MOST_MB = 3.0, 600
"""Limits of a command that reads every call's sums."""
COMMANDS = {"check": (1, 3), "authorized": (0,)}
"""Commands with their exit statuses: ``check`` ends so with open findings, or with verdicts that are unknown."""
FILES = {"one plain file": (False, 1.3), "one gzip file": (True, 1.6)}
"""Kinds of files: whether compressed, and the upper limit of the ratio to the bare engine's copy of the same file."""


def run(account: Account, folder: Path, calls: int) -> list[Row]:
    """
    Measure ingest, checks, replays, commands and clicks.

    Args:
        account: Account whose PBXs, entries and days the dialer has.
        folder: Folder for generated files.
        calls: Number of calls.
    """
    dialer = replace(account, sources=SOURCES, caller_ids=CALLER_IDS, tagged=False)
    rows = [_ingest(dialer, folder, calls, kind) for kind in FILES]
    rows += checks_bench.run(dialer, folder, calls, most=MOST)
    rows += [_command(dialer, folder, calls, name) for name in COMMANDS]
    rows += pages_bench.run(dialer, folder, calls, most=MOST)
    return [replace(row, work=f"{row.work}; dialer") for row in rows]


def _ingest(dialer: Account, folder: Path, calls: int, kind: str) -> Row:
    packed, most = FILES[kind]
    tell(f"Ingest of {calls:,} calls of a dialer, {kind}")
    files = [str(path) for path in dialer.write(folder / "dialer", calls, files=1, packed=packed)]
    target = str(folder / "target")
    ways: dict[str, tuple[Any, dict[str, Any]]] = {
        "": (ingest_ours.ours, {"files": files, "target": target, "own": own_numbers(dialer)}),
        "bare engine": (ingest_works.bare_engine, {"files": files, "target": target}),
    }
    turns: dict[str, list[Any]] = {name: [] for name in ways}
    for _ in range(TURNS):
        for name, way in ways.items():
            shutil.rmtree(target, ignore_errors=True)
            turns[name] += in_turns({name: way}, 1)[name]
    shutil.rmtree(folder / "dialer")
    shutil.rmtree(target)
    ours, bare = (time_of(name, turns[name]) for name in ways)
    answer = turns[""][0].answer
    share = Ratio("rows of the roll-up / calls", answer["groups"] / calls)
    wrong = () if answer["rows"] == calls else (f"{kind}: {answer['rows']:,} of {calls:,} calls",)
    ratios = (ratio_to(ours, bare, most=most), share)
    return Row(f"Ingest of {kind}", calls_words(calls), ours, floor=(bare,), ratios=ratios, wrong=wrong)


def _command(dialer: Account, folder: Path, calls: int, name: str) -> Row:
    tell(f"trunkgate {name} over {calls:,} calls of a dialer")
    home = str(filled(dialer, folder, calls))
    turns = in_turns({"": (command, {"name": name, "home": home, "days": dialer.days})}, TURNS)[""]
    ours = replace(time_of("", turns), memory_mb=max(turn.answer["peak_mb"] for turn in turns))
    time = Ratio("time", ours.seconds, most=MOST_S, unit=" s")
    peak = Ratio("peak", ours.memory_mb, most=MOST_MB, unit=" MB")
    ends = [turn.answer["exit"] for turn in turns]
    wrong = tuple(f"trunkgate {name} ended with {end}" for end in ends if end not in COMMANDS[name])
    return Row(f"trunkgate {name} --no-sync", calls_words(calls), ours, ratios=(time, peak), wrong=wrong)


def command(name: str, home: str, days: int) -> tuple[float, Any]:
    """Run a command in a process of its own; its peak memory is added as ``peak_mb``."""
    told = {name: value for name, value in os.environ.items() if not name.startswith(("TRUNKGATE_", "FLOWROUTE_"))}
    told |= {
        "TRUNKGATE_HOME": home,
        "TRUNKGATE_WINDOW_DAYS": str(days),
        "FLOWROUTE_BASE_URL": NOBODY,
        "FLOWROUTE_ACCESS_KEY": "bench",
        "FLOWROUTE_SECRET_KEY": "bench",
        "PYTHONPATH": str(ROOT),
    }
    program = [sys.executable, "-m", "tests.bench.dialer_bench", name]
    with timed() as watch:
        child = subprocess.run(program, env=told, capture_output=True, text=True, check=False)
    return watch.seconds, {"exit": child.returncode, "peak_mb": float(child.stderr.splitlines()[-1])}


if __name__ == "__main__":
    from dashboard.cli.entry_point import main

    sys.argv = ["trunkgate", sys.argv[1], "--no-sync", "--format", "json"]
    try:
        main()
    finally:
        print(peak_mb(), file=sys.stderr)  # noqa: T201 - result for the parent process
