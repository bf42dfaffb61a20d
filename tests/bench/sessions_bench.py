"""Benchmark of twenty concurrent sessions on one process, beside one session alone."""

from __future__ import annotations

from pathlib import Path

from tests.bench.account import Account
from tests.bench.apart import tell
from tests.bench.homes import filled
from tests.bench.serving import DASHBOARD, serving
from tests.bench.sessions_works import Load, load
from tests.bench.table import Ratio, Row, Time, calls_words, mb

SESSIONS = 20
RERUNS = 20
EVERY_S = 1.8
"""Seconds between clicks: twenty people who each click this often request eleven reruns a second."""
ALONE, ALONE_EVERY_S = 100, 0.5
"""
Reruns of the session alone, of which five exceed the p95, and its pause in seconds, so that no click waits for another.
"""
TOO_SLOW_S = 5.0
"""Twenty sessions with reruns this slow would take hours and add no information."""
P95 = 0.95
MOST_MB = 1000


def run(account: Account, folder: Path, calls: int) -> list[Row]:
    """
    Measure one session and twenty, with realistic pauses and without a pause.

    Args:
        account: Account that generates the calls.
        folder: Folder of its home; a missing home is created.
        calls: Number of calls in the home.
    """
    tell(f"{SESSIONS} sessions at once over {calls:,} calls")
    with serving(DASHBOARD, folder, home=filled(account, folder, calls), days=account.days) as served:
        load(served.url, served.link(), 1, RERUNS)
        alone = load(served.url, served.link(), 1, ALONE)
        if alone.share(0.5) > TOO_SLOW_S:
            return [_not_measured(calls, alone)]
        single = load(served.url, served.link(), 1, ALONE, every_s=ALONE_EVERY_S)
        paced = load(served.url, served.link(), SESSIONS, RERUNS, every_s=EVERY_S)
        flat_out = load(served.url, served.link(), SESSIONS, RERUNS)
        memory = f"resident {mb(served.resident_mb())}<br>peak {mb(served.peak_mb())}"
        peak = Ratio("peak", served.peak_mb(), most=MOST_MB, unit=" MB")
    pace = f"each clicks every {EVERY_S:g} s"
    return [
        _row(f"{SESSIONS} sessions at once, {pace}: p95 of a rerun", calls, paced, single, memory, [peak], most=4),
        _row(f"{SESSIONS} sessions at once, without a pause: p95 of a rerun", calls, flat_out, alone, memory, []),
    ]


def _not_measured(calls: int, alone: Load) -> Row:
    """Return the row for a size at which one session alone is already too slow."""
    missed = Ratio("median of one session alone, s", alone.share(0.5), most=TOO_SLOW_S, unit="")
    why = Time("", note="one session alone is too slow for twenty")
    return Row(f"{SESSIONS} sessions at once: p95 of a rerun", calls_words(calls), why, ratios=(missed,))


def _row(
    work: str, calls: int, many: Load, alone: Load, memory: str, more: list[Ratio], *, most: float | None = None
) -> Row:
    """
    Compare many sessions with one.

    Without a pause there is no target for a single rerun: Python threads take turns, so twenty sessions that never
    pause wait for each other whatever the page costs. Only the reruns per second count then.
    """
    single = alone.share(P95)
    return Row(
        work,
        f"{calls_words(calls)}, {len(many.seconds)} reruns",
        Time("", many.share(P95), note=f"median {many.share(0.5) * 1000:.0f} ms"),
        floor=(Time("one session alone", single, note=f"median {alone.share(0.5) * 1000:.0f} ms"),),
        ratios=(
            Ratio("p95 / one session", many.share(P95) / single, most=most),
            Ratio("reruns a second", many.per_second, least=10, unit=""),
            Ratio("errors", len(many.errors), most=0, unit=""),
            *more,
        ),
        memory=memory,
    )
