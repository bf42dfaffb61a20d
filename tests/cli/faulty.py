"""Check commands on a home with any number of faults against the data, by the rules of ``test_faults``."""

from __future__ import annotations

import csv
import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dashboard.cli.entry_point import app
from dashboard.core.errors import CarrierError, DashboardError, UnknownFindingError
from dashboard.domain.claims import BY_CALLS
from dashboard.domain.snapshot import Age
from tests.faulty_homes import CARRIERS, DENVER, INPUTS, KEYS, PUBLIC, SEATTLE, ages
from tests.texts import golden
from tests.web.pages.faults import beyond

CHECK = "pbx_address_is_allowed"
UNKNOWABLE = ("allowed_ips missing", "inventory missing")
"""Faults with which the data cannot show that Denver's address is not listed."""
NEVER_READ = {"calls missing", "allowed_ips missing", "credentials missing"}
"""Faults that together mean that the carrier was never read; if it cannot be read now, there is no result to show."""


@dataclass(frozen=True)
class Answer:
    """Exit status, output and exception of a command."""

    status: int
    out: str
    err: str
    error: BaseException | None


@dataclass(frozen=True)
class Commands:
    """Commands that run in this process on a home with faults."""

    home: Path
    faults: Collection[str]
    environment: pytest.MonkeyPatch
    refusing: str
    """URL of a carrier that rejects every key."""
    down: str
    """URL of a carrier that answers 503; without an answer each command would retry for eight seconds."""

    @property
    def carrier(self) -> bool:
        """Return whether one of the faults is of the carrier; only then may a command contact it."""
        return bool(set(self.faults) & set(CARRIERS))

    @property
    def asked(self) -> tuple[str, ...]:
        """Return the option that prevents a sync, unless a fault of the carrier is tested."""
        return () if self.carrier else ("--no-sync",)

    def __call__(self, *arguments: str) -> Answer:
        """Run a command until it ends."""
        told = {
            **KEYS,
            "HTTPS_PROXY": self.down,
            "TRUNKGATE_HOME": str(self.home),
            "TRUNKGATE_PUBLIC_RANGES": PUBLIC,
            "TRUNKGATE_SYNC_EVERY_S": "30" if self.carrier else "300",
        }
        if self.carrier:
            told["FLOWROUTE_BASE_URL"] = self.refusing if "wrong key" in self.faults else self.down
        with self.environment.context() as here:
            for name, value in told.items():
                here.setenv(name, value)
            found = CliRunner().invoke(app, list(arguments))
        error = None if isinstance(found.exception, SystemExit) else found.exception
        return Answer(found.exit_code, found.stdout, found.stderr, error)


def hold(run: Commands, out: Path, *, refused: bool) -> int:
    """
    Run ``check``, ``onboard``, ``replay``, ``fix --dry-run`` and ``export``, and check each against the data.

    Returns how many ran.

    Args:
        run: Commands on a home made by ``faulty_homes.make``.
        out: Folder for the export; it must not exist yet.
        refused: Argument ``refused`` with which the home was made.

    Raises:
        AssertionError: A command claims more than the data supports, or ends with a wrong status or error.
    """
    if run.carrier and NEVER_READ <= set(run.faults):
        return _refuse(run, out)
    answers = [
        _check(run, refused=refused),
        _onboard(run, refused=refused),
        _replay(run),
        _fix(run, refused=refused),
        _export(run, out, refused=refused),
    ]
    for answer in answers:
        found = [line for line in answer.out.splitlines() if beyond(line, run.faults)]
        assert not found, (run.faults, refused, found)
    return len(answers)


def _refuse(run: Commands, out: Path) -> int:
    """Check that each command raises an error and prints nothing, because there is no last result to show."""
    commands = [("check",), ("onboard",), ("replay", "--remove", SEATTLE)]
    commands += [("fix", CHECK, DENVER, "--dry-run"), ("export", str(out))]
    for command in commands:
        answer = run(*command)
        assert isinstance(answer.error, CarrierError), (run.faults, command, answer)
        assert "" == answer.out, (run.faults, command, answer)
    return len(commands)


def _known(run: Commands, *, refused: bool) -> bool:
    """Return whether the data can show that Denver is refused."""
    return refused and not set(UNKNOWABLE) & set(run.faults)


def _check(run: Commands, *, refused: bool) -> Answer:
    answer = run("check", "--fail-on", "informational", *run.asked)
    place = (run.faults, refused, answer)
    assert answer.error is None, place
    assert (1 if _known(run, refused=refused) else 3) == answer.status or (refused and answer.status == 3), place
    assert ("ago)." in answer.err) is run.carrier, place
    rows = json.loads(run("check", *run.asked, "--format", "json").out)
    for row in rows:
        assert row["status"] != "unknown" or row["cause"], place
        assert (row["cause"] == "stale") is (row["last_known"] is not None), place
    return answer


def _onboard(run: Commands, *, refused: bool) -> Answer:
    answer = run("onboard", *run.asked)
    told = run("onboard", *run.asked, "--format", "json")
    place = (run.faults, refused, told)
    assert answer.error is None, place
    assert answer.status == told.status, place
    assert ("ago)." in answer.err) is run.carrier, place
    hold_onboarding(json.loads(told.out), told.status, run.faults, refused=refused)
    return answer


def hold_onboarding(told: Any, status: int, faults: Collection[str], *, refused: bool) -> None:
    """
    Check the JSON output and the exit status of ``onboard`` against the data.

    Args:
        told: The parsed output.
        status: Exit status.
        faults: Faults of the home, made by ``faulty_homes.make``.
        refused: Argument ``refused`` with which the home was made.

    Raises:
        AssertionError: The output claims more than the data supports, or the status is wrong.
    """
    steps = [*(step for one in told["pbxs"] for step in one["steps"]), told["account"]]
    age = ages(faults)
    assert {name: str(one) for name, one in age.items()} == {name: one["age"] for name, one in told["inputs"].items()}
    for name, one in told["inputs"].items():
        assert (one["as_of"] is None) is (age[name] is Age.MISSING)
        assert (one["reason"] is None) is (age[name] is Age.FRESH)
    for step in steps:
        assert (step["state"] == "unknown") is (step["cause"] is not None), step
        assert (step["cause"] == "stale") is (step["last_known"] is not None), step
        assert step["state"] != "done" or not step["lacking"], step
        assert step["reason"], step
    if age["inventory"] is not Age.FRESH:
        assert "done" not in {step["state"] for step in steps}
    states = {step["last_known"]["state"] if step["last_known"] else step["state"] for step in steps}
    expected = 1 if states & {"to_do", "blocked"} else 3 if states & {"unknown", "stated"} or faults else 0
    assert expected == status, (faults, refused, told)
    if refused and not set(UNKNOWABLE) & set(faults):
        assert 1 == status, (faults, told)


def _replay(run: Commands) -> Answer:
    answer = run("replay", "--remove", SEATTLE, *run.asked)
    place = (run.faults, answer)
    if "allowed_ips missing" in run.faults:
        assert answer.status == 0 or isinstance(answer.error, DashboardError), place
        return answer
    assert (0, None) == (answer.status, answer.error), place
    for said, of_age in ((golden("commands.fix.last_known_only") + " ", Age.STALE), ("Missing: ", Age.MISSING)):
        named = {name for name, age in ages(run.faults).items() if age is of_age}
        assert (said in answer.out) is bool(named & {*BY_CALLS}), place
    assert "could be decided" not in answer.out or "calls missing" not in run.faults, place
    assert ("ago)." in answer.err) is run.carrier, place
    return answer


def _fix(run: Commands, *, refused: bool) -> Answer:
    answer = run("fix", CHECK, DENVER, "--dry-run")
    place = (run.faults, refused, answer)
    if set(run.faults) >= NEVER_READ:  # it has no option against a sync
        assert isinstance(answer.error, CarrierError), place
        return answer
    if not _known(run, refused=refused):
        assert isinstance(answer.error, UnknownFindingError), place
        return answer
    assert (0, None) == (answer.status, answer.error), place
    decided = bool({"allowed_ips stale", "inventory stale"} & set(run.faults))
    assert (golden("commands.fix.based_on_last_known") in answer.out) is decided, place
    if ages(run.faults)["calls"] is not Age.FRESH:
        assert golden("commands.fix.calls_unknown") in answer.out, place
        assert golden("commands.fix.no_past_call") not in answer.out, place
    assert "decided)" not in answer.out or "calls missing" not in run.faults, place
    if "allowed_ips stale" in run.faults:
        assert golden("commands.fix.list_is_stale") in answer.out, place
    return answer


def _export(run: Commands, out: Path, *, refused: bool) -> Answer:
    answer = run("export", str(out), *run.asked)
    place = (run.faults, refused, answer)
    assert (0, None) == (answer.status, answer.error), place
    with (out / "findings.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert rows or len(run.faults) >= len(INPUTS), place
    for row in rows:
        assert row["status"] != "unknown" or row["not_evaluated_because"], place
        old = row["not_evaluated_because"] == "stale"
        assert [old] * 3 == [bool(row[name]) for name in ("last_known_status", "last_known_at", "last_known_age_s")]
        assert row["status"] != "unknown" or row["state"] != "verified", place
    if _known(run, refused=refused) and {"allowed_ips stale", "inventory stale"} & set(run.faults):
        assert "fail" in {row["last_known_status"] for row in rows}, place
    return answer
