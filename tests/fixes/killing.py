"""
Fixes in child processes that are killed at a given step, or at any time.

Every step goes through one of two interfaces: the carrier, and the anchors of the journal. A process that must end at
step N counts both and sends itself SIGKILL before or after it.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from dashboard.carriers import open_carrier
from dashboard.core.errors import CarrierRefusedError
from dashboard.core.settings import Settings
from dashboard.domain.actors import Actor, Role
from dashboard.domain.changes import Plan
from dashboard.emulator.lifecycle import process
from dashboard.fixes.executor import apply
from dashboard.services.workspace import Workspace
from dashboard.storage.anchors import Anchors, Head
from dashboard.storage.database import State
from dashboard.storage.journal import PHASE_BEGUN, PHASE_DONE, PHASE_FAILED, PHASE_PARTLY, Journal
from tests.waiting import WAIT_S, until

ANA = Actor("ana (test)", Role.APPROVER)
STEPS_AT_MOST = 60
ROUTED = ("allowed_ips", "numbers", "routes", "account", "apply")


class Steps:
    """Counter of steps that ends the process before or after one of them."""

    def __init__(self, last: int, *, after: bool) -> None:
        self.count = 0
        self.last = last
        self.after = after

    def take(self, step: Callable[[], Any]) -> Any:
        """Execute one step."""
        self.count += 1
        if self.count == self.last and not self.after:
            os.kill(os.getpid(), signal.SIGKILL)
        done = step()
        if self.count == self.last:
            os.kill(os.getpid(), signal.SIGKILL)
        return done


class SteppedCarrier:
    """Carrier whose every answer is a step."""

    def __init__(self, carrier: Any, steps: Steps, refused: int) -> None:
        self.carrier = carrier
        self.steps = steps
        self.refused = refused

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.carrier, name)
        if name not in ROUTED:
            return found
        return lambda *arguments: self.steps.take(lambda: self._answer(name, found, arguments))

    def _answer(self, name: str, found: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        """Answer as the carrier does, but refuse the selected change."""
        if name == "apply":
            self.refused -= 1
            if self.refused == 0:
                raise CarrierRefusedError("The test refuses this change.")
        return found(*arguments)


class SteppedAnchors(Anchors):
    """Anchors whose every append is a step: the database commits between two of them."""

    steps: Steps

    def append(self, *heads: Head, after_calls: bool = False) -> None:
        """Execute the step."""
        self.steps.take(lambda: super(SteppedAnchors, self).append(*heads, after_calls=after_calls))


def run_and_end(home: str, plan: str, last: int, after: bool, refused: int) -> None:
    """Apply a plan in this process, and end it at a step; 0 means never."""
    steps = Steps(last, after=after)
    anchors = SteppedAnchors(Path(home))
    anchors.steps = Steps(0, after=False)
    state = State.open(Path(home), anchors=anchors)
    anchors.steps = steps
    running = process.running(Path(home))
    assert running is not None
    carrier = open_carrier(
        Settings(home=Path(home)),
        state,
        url=running.url,
        access_key=running.access_key,
        secret_key=running.secret_key,
        emulated=True,
    )
    parsed = Plan.model_validate_json(plan)
    stepped: Any = SteppedCarrier(carrier, steps, refused)
    with suppress(CarrierRefusedError):
        apply(parsed, carrier=stepped, journal=Journal(state), home=Path(home), actor=ANA, typed=parsed.phrases)
    carrier.close()
    state.close()


@contextmanager
def without_main() -> Iterator[None]:
    """Hide the main module, whose file a child would run; page tests of the same worker leave a script there."""
    kept = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = kept


@dataclass(frozen=True)
class Round:
    """Result of one round."""

    killed: bool
    """False if the fix ended before it was to be killed."""
    phase: str
    """Recorded phase of the fix; ``""`` if nothing was recorded."""


class Kills:
    """Rounds of kills on one embedded account, which each round restores."""

    def __init__(self, account: Workspace) -> None:
        self.account = account
        self.processes = multiprocessing.get_context("forkserver")
        self.processes.set_forkserver_preload([__name__])
        self.took_s = 0.0

    def image(self) -> Any:
        """Return the carrier's state: list, switch, routes by alias, numbers by alias."""
        carrier = self.account.carrier
        entries, _ = carrier.allowed_ips()
        routes = carrier.routes()
        numbers = carrier.numbers()
        aliases = dict(zip(routes["route_id"], routes["alias"], strict=True))
        return (
            sorted(entries["network"]),
            carrier.account().credentials_on,
            sorted(zip(routes["alias"], routes["value"], strict=True)),
            sorted((number, aliases.get(route, route)) for number, route in numbers[["number", "route_id"]].to_numpy()),
        )

    def at_step(self, plan: Plan, last: int, *, after: bool, refused: int = 0) -> Round:
        """Kill the fix before or after a step; the carrier refuses the change with the given number."""
        return self._round(plan, last, after=after, refused=refused)

    def at_random(self, plan: Plan, rng: random.Random) -> Round:
        """Kill the fix at a random time within the duration of the last complete fix."""
        return self._round(plan, 0, after=False, wait_s=rng.uniform(0, self.took_s) if self.took_s else WAIT_S)

    def _round(self, plan: Plan, last: int, *, after: bool, refused: int = 0, wait_s: float | None = None) -> Round:
        """
        Kill a fix, reopen the home, and compare the records with the account.

        Raises:
            AssertionError: An entry has no outcome, a change has no entry, or the account differs from the records.
        """
        home = self.account.settings.home
        before = self.image()
        count = len(self.account.journal.entries())
        child = self.processes.Process(
            target=run_and_end, args=(str(home), plan.model_dump_json(), last, after, refused)
        )
        with without_main():
            child.start()
        if wait_s is not None:
            begun = wait_for_lock(home, child)
            child.join(wait_s)
            if child.exitcode == 0:
                self.took_s = time.monotonic() - begun
            child.kill()
        child.join(WAIT_S)
        assert child.exitcode in (0, -signal.SIGKILL), child.exitcode
        killed = child.exitcode != 0
        left = self.image()
        with Workspace.open(self.account.settings) as again:
            assert [] == again.journal.open_entries()
            again.journal.verify()
            entries = again.journal.entries()[count:]
            assert [PHASE_BEGUN] * (len(entries) // 2) == [entry.phase for entry in entries[::2]]
            phase = entries[-1].phase if entries else ""
            assert left == self.image()
            assert (left == before) == (phase in ("", PHASE_FAILED)), (phase, before, left)
            if phase in (PHASE_DONE, PHASE_PARTLY):
                back = again.undo_plan(entries[-1].id)
                assert again.apply(back, actor=ANA, typed=back.phrases).phase == PHASE_DONE
            assert before == self.image()
        return Round(killed, phase)


def wait_for_lock(home: Path, child: Any) -> float:
    """Wait until a fix runs and return the time, so that process startup is not counted."""
    lock = home / "fix.lock"
    lock.unlink(missing_ok=True)
    until(lambda: lock.exists() or not child.is_alive(), every_s=0.005)
    return time.monotonic()
