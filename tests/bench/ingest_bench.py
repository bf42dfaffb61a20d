"""Benchmark of ingest of export files, and of one new day, beside the bare engine, pandas and Polars."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.bench import ingest_ours, ingest_works, other_files
from tests.bench.account import Account
from tests.bench.apart import Measured, in_turns, tell, time_of
from tests.bench.homes import exports, home, own_numbers
from tests.bench.ingest_works import NEED_POLARS
from tests.bench.table import Ratio, Row, Time, calls_words, ratio_to

MOST_MB = 1500
SHORT, SHORT_TURNS = range(500_000, 2_000_001), 3
"""Sizes that take only a second or two, where a single turn is too noisy, and their minimum number of turns."""
NEW_DAY_TURNS = 7
FLOORS = ("bare engine", "bare engine, by day")
TARGETS: dict[str, dict[str, Any]] = {
    "bare engine": {"most": 1.5},
    "bare engine, by day": {},
    "pandas": {"least": 2.0},
    "pandas with pyarrow": {"least": 1.0},
    "Polars": {"most": 1.2},
    "pandas, reading and writing only": {},
    "Polars, reading and writing only": {},
}


@dataclass(frozen=True)
class Ingested:
    """Measurements of one size."""

    calls: int
    ours: Time
    row: Row


def run(account: Account, folder: Path, sizes: list[int], rounds: int) -> list[Row]:
    """
    Measure every size, then a new day.

    Args:
        account: Account that generates the calls.
        folder: Folder for files, which are kept: the exports, and the homes into which they are imported.
        sizes: Numbers of calls, ascending.
        rounds: Turns of each implementation.
    """
    done = []
    for calls in sizes:
        tell(f"Ingest of {calls:,} calls")
        turns = max(rounds, SHORT_TURNS) if calls in SHORT else rounds
        done.append(_size(account, folder, calls, turns, done[0] if done else None))
    return [
        *(each.row for each in done),
        *_other_files(account, folder, done[0]),
        _new_day(account, folder, sizes[-1]),
    ]


def _size(account: Account, folder: Path, calls: int, rounds: int, smallest: Ingested | None) -> Ingested:
    files = exports(account, folder, calls)
    for path in files:
        path.read_bytes()
    there = {name: way for name, way in ingest_works.WAYS.items() if name not in NEED_POLARS or find_spec("polars")}
    turns: dict[str, list[Measured]] = {name: [] for name in ("ours", *there)}
    target = folder / "target"
    for _ in range(rounds):
        shutil.rmtree(home(account, folder, calls), ignore_errors=True)
        told = [str(path) for path in files]
        for name, way in {"ours": ingest_ours.ours, **there}.items():
            where = home(account, folder, calls) if name == "ours" else target
            own = {"own": own_numbers(account)} if name == "ours" else {}
            turns[name] += in_turns({name: (way, {"files": told, "target": str(where), **own})}, 1)[name]
            shutil.rmtree(target, ignore_errors=True)
    ours = time_of("", turns["ours"])
    peers = {name: time_of(name, turns[name]) if name in there else _missing(name) for name in TARGETS}
    ratios = [ratio_to(ours, peer, **TARGETS[name]) for name, peer in peers.items()]
    ratios += _memory(ours, peers["Polars"], smallest)
    row = Row(
        "Ingest of plain CSV: typed, bad rows and duplicates sorted out, by day, rolled up by hour and by minute",
        calls_words(calls),
        ours,
        floor=tuple(peers[name] for name in FLOORS),
        peers=tuple(peers[name] for name in TARGETS if name not in FLOORS),
        ratios=tuple(ratios),
        wrong=tuple(_wrong(calls, turns)),
    )
    return Ingested(calls, ours, row)


def _other_files(account: Account, folder: Path, plain: Ingested) -> list[Row]:
    """Import the same calls compressed, unordered, and with faults, once each, at the smallest size."""
    files = exports(account, folder, plain.calls)
    rows = []
    for kind, make in other_files.KINDS.items():
        tell(f"Ingest of {plain.calls:,} calls, {kind}")
        made = folder / "other-files"
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir()
        paths, faults = make(files, made)
        target = {"files": [str(path) for path in paths], "target": str(folder / "target"), "own": own_numbers(account)}
        (turn,) = in_turns({kind: (ingest_ours.ours, target)}, 1)[kind]
        shutil.rmtree(folder / "target", ignore_errors=True)
        shutil.rmtree(made)
        ours = time_of("", [turn])
        expected = plain.calls - faults
        wrong = () if turn.answer["rows"] == expected else (f"{turn.answer['rows']:,} of {expected:,} calls",)
        peak = Ratio("peak", ours.memory_mb, most=MOST_MB, unit=" MB")
        ratio = Ratio("time / plain and in order", (ours.seconds or 0) / (plain.ours.seconds or 1))
        rows.append(Row(f"Ingest of files {kind}", calls_words(plain.calls), ours, ratios=(ratio, peak), wrong=wrong))
    return rows


def _memory(ours: Time, polars: Time, smallest: Ingested | None) -> list[Ratio]:
    mine = ours.memory_mb or 0
    found = [Ratio("peak", mine, most=MOST_MB, unit=" MB")]
    share = mine / polars.memory_mb if polars.memory_mb else None
    grown = smallest is not None  # with few calls the process itself dominates memory
    found.append(Ratio("peak ours / Polars", share, most=0.25 if grown else None))
    if smallest is not None and smallest.ours.memory_mb and smallest.ours.seconds and ours.seconds:
        found.append(Ratio(f"peak / that of {calls_words(smallest.calls)}", mine / smallest.ours.memory_mb, most=1.5))
        found.append(Ratio(f"time / that of {calls_words(smallest.calls)}", ours.seconds / smallest.ours.seconds))
    return found


def _missing(name: str) -> Time:
    return Time(name, note="not installed")


def _wrong(calls: int, turns: dict[str, list[Measured]]) -> list[str]:
    """Return errors: missing calls, a roll-up that differs from ours, and complaints of our import."""
    groups = turns["ours"][0].answer["groups"]
    faults = {fault for turn in turns["ours"] for fault in turn.answer["faults"]}
    for name, kept in turns.items():
        for told in (turn.answer for turn in kept):
            if told["rows"] != calls:
                faults.add(f"{name} has {told['rows']:,} of {calls:,} calls")
            if (told.get("rolled", calls), told.get("groups", groups)) != (calls, groups):
                faults.add(f"{name} adds up {told['rolled']:,} calls in {told['groups']:,} rows, ours are {groups:,}")
    return sorted(faults)


def _new_day(account: Account, folder: Path, calls: int) -> Row:
    """Import one more day into the full store and into an empty one, in alternating turns."""
    tell(f"A new day after {calls:,} calls")
    rows = max(calls // account.days, 1)
    file = account.write_day(folder / f"new-day-{rows}.csv", account.days, rows)
    full = folder / "full"
    turns = {"full": list[Measured](), "empty": list[Measured]()}
    for turn in range(NEW_DAY_TURNS):
        for name in list(turns)[:: -1 if turn % 2 else 1]:  # alternate which goes first
            shutil.rmtree(full, ignore_errors=True)
            if name == "full":
                shutil.copytree(home(account, folder, calls), full, copy_function=os.link)
            target = {"files": [str(file)], "target": str(full), "own": own_numbers(account)}
            turns[name] += in_turns({name: (ingest_ours.ours, target)}, 1)[name]
    shutil.rmtree(full, ignore_errors=True)
    ours = time_of("", turns["full"])
    empty = time_of("into an empty store", turns["empty"])
    return Row(
        "Ingest of one new day into a full store",
        f"{rows:,} calls into {calls_words(calls)}",
        ours,
        floor=(empty,),
        ratios=(ratio_to(ours, empty, most=1.3),),
        wrong=tuple(
            f"{name} took {turn.answer['rows']:,} of {rows:,} calls {' '.join(turn.answer['faults'])}".strip()
            for name, kept in turns.items()
            for turn in kept
            if turn.answer["rows"] != rows or turn.answer["faults"]
        ),
    )
