"""
Many calls while the list changes repeatedly: each is decided by the policy in force and recorded exactly once.

LAB_CALLS and LAB_RATE set the number of calls and their rate at the edge in calls per second. ``make soak`` sets more
than a regular test run has time for.
"""

from __future__ import annotations

import os
import threading
import time
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field

from dashboard.core.settings import Settings
from dashboard.services.workspace import Workspace
from tests.lab.billing import Ended
from tests.lab.calling import Dialed, place
from tests.lab.lab import POPS, PREFIX, Lab

SOURCE = "198.51.100.12"
CALLS = int(os.environ.get("LAB_CALLS", "2000"))
RATE = float(os.environ.get("LAB_RATE", "200"))
CHANGE_EVERY_S = 0.025
AHEAD = 1.08
"""Factor by which calls are placed faster than ``RATE``, to compensate for a slow beginning and end."""
ANSWERED_DIGITS = "012589"
LEAST_SURE = 0.8
LEAST_CHANGES = 50
LEAST_RATE = RATE if "LAB_RATE" in os.environ else 0.0
"""Least calls per second at the edge; 0 unless LAB_RATE is set, because the machine may be busy otherwise."""


@dataclass
class Switching:
    """A list entry that is removed and added repeatedly, with the times before and after each change."""

    lab: Lab
    changes: list[tuple[float, float, bool]] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Change the list every ``CHANGE_EVERY_S`` seconds until ``ended`` is set."""
        listed = True
        while not self.ended.wait(CHANGE_EVERY_S):
            listed = not listed
            before = time.time()
            self.lab.list_only([SOURCE] if listed else [])
            self.changes.append((before, time.time(), listed))

    def possible(self, asked_s: float, told_s: float) -> set[bool]:
        """Return whether the entry was listed for a read between these times; both values if it changed meanwhile."""
        first = bisect_right([after for _, after, _ in self.changes], asked_s)
        found = {self.changes[first - 1][2] if first else True}
        for before, _, listed in self.changes[first:]:
            if before > told_s:
                break
            found.add(listed)
        return found


def numbers(count: int) -> list[str]:
    """Return distinct numbers reserved for fiction, all of which the far end answers."""
    made = (f"1{area}55501{tens}{last}" for area in range(201, 999) for tens in range(10) for last in ANSWERED_DIGITS)
    return [next(made) for _ in range(count)]


def arriving(calls: list[Ended]) -> float:
    """Return the rate of calls at the edge in calls per second, from the first to the last."""
    asked = [call.asked_s for call in calls]
    return (len(asked) - 1) / (max(asked) - min(asked))


def test_no_call_is_decided_against_the_policy_of_its_time(lab: Lab) -> None:
    """The edge reads the list for every call; each call is recorded once, and the dashboard has the same counts."""
    lab.set(credentials_enabled=False, digest_rescues_prefix=True)
    lab.list_only([SOURCE])
    dialed = numbers(CALLS)
    switching = Switching(lab)
    changing = threading.Thread(target=switching.run)
    changing.start()
    try:
        users = [Dialed(f"{PREFIX}*{number}") for number in dialed]
        ended = place(lab.net, lab.folder, users, source=SOURCE, pop=POPS[1], rate=AHEAD * RATE)
    finally:
        switching.ended.set()
        changing.join()
    kept = lab.settled(set(dialed), CALLS)

    assert arriving(kept) >= LEAST_RATE
    assert len(switching.changes) >= LEAST_CHANGES
    said = {call.user.removeprefix(f"{PREFIX}*"): call.status for call in ended}
    lost = Counter(said[number] for number in set(dialed) - {call.number for call in kept})
    assert (Counter(call.number for call in kept), lost) == (Counter(dialed), Counter())
    assert {call.number: call.code for call in kept} == said
    assert {200, 403} == set(said.values())
    ways = [switching.possible(call.asked_s, call.told_s) for call in kept]
    assert [call.number for call, way in zip(kept, ways, strict=True) if (call.code == 200) not in way] == []
    assert sum(len(way) == 1 for way in ways) >= LEAST_SURE * CALLS

    with Workspace.open(Settings(home=lab.folder)) as office:
        office.sync()
        found = office.store.by_source(since=office.snapshot().window_start)
    mine = found[found["source_ip"] == SOURCE].groupby("outcome")["calls"].sum().to_dict()
    assert {"answered": list(said.values()).count(200), "refused_auth": list(said.values()).count(403)} == mine
