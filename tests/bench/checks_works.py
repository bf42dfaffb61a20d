"""Workload: every check, the plan of a fix, and the replay of a proposal, over an account's calls."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from dashboard import checks
from dashboard.calls.replay.replayer import Replayer
from dashboard.calls.store.store import CallStore
from dashboard.core.settings import Settings
from dashboard.domain.changes import RemoveAddress
from dashboard.fixes import planner
from dashboard.storage.database import State
from tests.bench.apart import timed
from tests.bench.homes import account_of, snapshot
from tests.bench.replay_works import proposal

TURNS = 5
PLANS = 20


def judged(home: str, account: dict[str, Any]) -> tuple[float, Any]:
    """Run every check; also time a plan that removes an allow list entry, with its guards, and a replay."""
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
    replayer = Replayer(known)
    replays = []
    for turn in range(PLANS):
        other = proposal(made, skip=turn)
        with timed() as again:
            impact = replayer.against(other).impact
        assert impact.labels
        replays.append(again.seconds)
    state.close()
    return median(took), {"plan_s": median(plans), "replay_s": median(replays), "findings": len(found)}
