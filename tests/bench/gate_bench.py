"""Benchmark of the latency that the gate adds to a request."""

from __future__ import annotations

from statistics import median

from tests.bench.apart import tell
from tests.bench.gate_works import by_turns
from tests.bench.table import NOT_MEASURED, Ratio, Row, Time, ratio_to

REQUESTS = 200
MOST_MS = 2.0


def run() -> list[Row]:
    """Measure requests through the gate and through a pass-through middleware in alternating turns."""
    tell(f"{REQUESTS} requests through the gate")
    took = by_turns(REQUESTS)
    ours = Time("", median(took["gate"]))
    floor = Time("pass-through middleware", median(took["pass-through"]))
    added = (median(took["gate"]) - median(took["pass-through"])) * 1000
    return [
        Row(
            "A request through the gate",
            f"{REQUESTS} requests of each, by turns",
            ours,
            floor=(floor,),
            ratios=(ratio_to(ours, floor), Ratio("added", added, most=MOST_MS, unit=" ms")),
            memory=NOT_MEASURED,
        )
    ]
