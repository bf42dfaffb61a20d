"""Workload: every check, and the plan of a fix, over an account's calls."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from dashboard import checks
from dashboard.calls.store.store import CallStore
from dashboard.core.settings import Settings
from dashboard.domain.changes import RemoveAddress
from dashboard.fixes import planner
from dashboard.storage.database import State
from tests.bench.apart import timed
from tests.bench.homes import account_of, snapshot

TURNS = 5
PLANS = 20


def judged(home: str, account: dict[str, Any]) -> tuple[float, Any]:
    """Run every check; also time a plan that removes an allow list entry, including replay and guards."""
    made = account_of(account)
    store = CallStore(Path(home))
    state = State.open(Path(home))
    known = snapshot(made, state, store)
    took = []
    plans = []
    most = Settings().max_changes
    for _ in range(TURNS):
        fresh = replace(known)  # without caches of the previous turn
        with timed() as again:
            found = checks.run(fresh)
        took.append(again.seconds)
    for network in sorted(made.policy.networks)[:PLANS]:
        with timed() as again:
            plan = planner.build(known, [RemoveAddress(network=network)], max_changes=most)
        assert plan.impact.labels
        plans.append(again.seconds)
    state.close()
    return median(took), {"plan_s": median(plans), "findings": len(found)}
