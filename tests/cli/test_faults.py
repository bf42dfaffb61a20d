"""Commands with each single fault of the data or the carrier: no claim beyond the data."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dashboard.core.errors import CarrierError, UnknownFindingError
from dashboard.domain.claims import BY_CALLS
from dashboard.domain.snapshot import Age
from tests import faulty_homes
from tests.cli.conftest import answering
from tests.cli.faulty import CHECK, UNKNOWABLE, Answer, Commands, hold
from tests.faulty_homes import AHEAD, CARRIERS, DENVER, FAULTS, SEATTLE
from tests.texts import golden, golden_pattern

pytestmark = pytest.mark.slow

NEVER_SYNCED = "never synced"


@pytest.fixture(scope="module")
def refusing() -> Iterator[str]:
    """Run a carrier that rejects every key."""
    with answering(401) as url:
        yield url


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, refusing: str, unavailable: str) -> Callable[..., Answer]:
    """Return a function that runs a command on a home with a fault; only carrier faults let it contact a carrier."""

    def command(fault: str, *arguments: str, refused: bool = False) -> Answer:
        home = tmp_path / f"{fault or 'none'} {refused}"
        faults = (fault,) if fault and fault != NEVER_SYNCED else ()
        if not home.exists() and fault != NEVER_SYNCED:
            faulty_homes.make(home, faults, refused=refused)
        told = faults if fault != NEVER_SYNCED else ("carrier down",)
        return Commands(home, told, monkeypatch, refusing, unavailable)(*arguments)

    return command


def asked(fault: str) -> tuple[str, ...]:
    """Return the option that prevents a sync, unless a fault of the carrier is tested."""
    return () if fault in CARRIERS else ("--no-sync",)


@pytest.mark.parametrize("fault", FAULTS)
def test_check_with_a_fault_never_passes(run: Callable[..., Answer], fault: str) -> None:
    """With a fault, an otherwise correct account is unknown and the status 3; only --allow-unknown accepts that."""
    answer = run(fault, "check", "--fail-on", "informational", *asked(fault))

    assert answer.error is None
    assert 3 == answer.status
    assert ("ago)." in answer.err) is (fault in CARRIERS)
    if fault not in CARRIERS:
        assert 0 == run(fault, "check", *asked(fault), "--allow-unknown").status


def test_check_reports_that_no_pbx_calls(run: Callable[..., Answer], tmp_path: Path) -> None:
    """Where every check passes and no PBX called for days, the counts stand below a line that says so."""
    faulty_homes.make(tmp_path / "none False", silent=True)

    answer = run("", "check", "--no-sync")

    assert 0 == answer.status
    assert re.search(
        r"\n" + golden_pattern("commands.check.no_admitted_call_since") + r" \d+ \w+\.\n0 failed, .*passed\.\n$",
        answer.out,
    )


@pytest.mark.parametrize("fault", FAULTS)
def test_check_keeps_failures_with_stale_data(run: Callable[..., Answer], fault: str) -> None:
    """A failure stays a failure as long as the data can show it; its last known status and age are reported."""
    answer = run(fault, "check", *asked(fault), "--format", "json", refused=True)

    assert (3 if fault in UNKNOWABLE else 1) == answer.status
    for row in json.loads(answer.out):
        assert row["status"] != "unknown" or row["cause"]
        assert (row["cause"] == "stale") is (row["last_known"] is not None)
        if row["last_known"]:
            assert {"status", "as_of", "age_s", "changes", "reason"} == row["last_known"].keys()
            assert (row["last_known"]["age_s"] is None) is fault.endswith(AHEAD)
            assert row["last_known"]["age_s"] is None or row["last_known"]["age_s"] > 0
    if fault in CARRIERS:
        return
    text = run(fault, "check", *asked(fault), refused=True).out
    assert ("Last known: failed, " in text) is (fault.endswith((Age.STALE, AHEAD)) and not fault.startswith("routes"))
    assert (golden("domain.claims.last_known_future") + "." in text) <= fault.endswith(AHEAD)
    assert (golden("commands.check.clock_was_set_back") in text) is fault.endswith(AHEAD)


@pytest.mark.parametrize("fault", FAULTS)
def test_replay_names_missing_and_stale_inputs(run: Callable[..., Answer], fault: str) -> None:
    """A replay names each of its inputs that is missing or stale."""
    if fault == "allowed_ips missing":
        return
    answer = run(fault, "replay", "--remove", SEATTLE, *asked(fault))
    name = fault.partition(" ")[0]
    bears = name in BY_CALLS and fault not in CARRIERS

    assert 0 == answer.status
    never = fault.endswith(" missing")
    assert (golden("commands.fix.last_known_only") in answer.out) is (bears and not never)
    assert ("Missing: " in answer.out) is (bears and never)
    assert "could be decided" not in answer.out or fault != "calls missing"
    if fault in CARRIERS:
        assert "ago)." in answer.err


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fix_can_be_shown_and_claims_nothing(run: Callable[..., Answer], fault: str) -> None:
    """The plan of a last known failure is marked as such; without fresh calls no guard claims that nothing breaks."""
    answer = run(fault, "fix", CHECK, DENVER, "--dry-run", refused=True)

    if fault in UNKNOWABLE:
        assert isinstance(answer.error, UnknownFindingError)
        return
    assert answer.error is None
    assert 0 == answer.status
    name, _, age = fault.partition(" ")
    decided = name in ("allowed_ips", "inventory") and age in (Age.STALE, AHEAD)
    assert (golden("commands.fix.based_on_last_known") in answer.out) is decided
    if fault.startswith("calls"):
        why = (
            golden("commands.fix.calls_read_in_the_future")
            if fault.endswith(AHEAD)
            else golden("commands.fix.no_calls_on_record")
        )
        assert f"[no] Unknown: {why}" in answer.out
    assert (golden("commands.fix.no_past_call") in answer.out) is not fault.startswith("calls")
    if fault == "calls missing":
        assert "decided)" not in answer.out
    if decided and name == "allowed_ips":
        assert golden("commands.fix.list_is_stale") in answer.out


@pytest.mark.parametrize("fault", FAULTS)
def test_exports_carry_the_last_known_result(run: Callable[..., Answer], fault: str, tmp_path: Path) -> None:
    """findings.csv has the cause of each unknown verdict, and last known status, time and age of each stale one."""
    answer = run(fault, "export", str(tmp_path / "out"), *asked(fault), refused=True)

    assert 0 == answer.status
    with (tmp_path / "out" / "findings.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert rows
    for row in rows:
        assert row["status"] != "unknown" or row["not_evaluated_because"]
        old = row["not_evaluated_because"] == "stale"
        assert [old] * 2 == [bool(row[name]) for name in ("last_known_status", "last_known_at")]
        assert (old and not fault.endswith(AHEAD)) is bool(row["last_known_age_s"])
        assert row["status"] != "unknown" or row["state"] != "verified"
    if fault in ("allowed_ips stale", "inventory stale"):
        assert "fail" in {row["last_known_status"] for row in rows}


def test_a_clock_that_was_set_back_does_not_pass_for_a_recent_sync(run: Callable[..., Answer]) -> None:
    """Calls fetched at a time in the future are fetched again; results without a successful read are unknown."""
    answer = run("calls ahead", "check")

    assert 3 == answer.status
    assert golden("commands.check.of_last_synced_data") in answer.err
    assert golden("commands.check.at_a_time_in_the_future") in answer.err
    assert golden("commands.check.in_the_future_sync") in answer.out


def test_without_anything_synced_a_carrier_that_is_down_is_an_error(run: Callable[..., Answer]) -> None:
    """With a carrier that is down and no earlier sync, ``check`` raises an error and prints nothing."""
    answer = run(NEVER_SYNCED, "check")

    assert isinstance(answer.error, CarrierError)
    assert "" == answer.out


@pytest.mark.parametrize("refused", [False, True])
@pytest.mark.parametrize(
    "faults",
    [
        (),
        ("calls stale", "credentials missing", "wrong key"),
        ("allowed_ips stale", "inventory stale", "routes missing"),
    ],
    ids=" and ".join,
)
def test_commands_hold_with_several_faults(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    refusing: str,
    unavailable: str,
    faults: tuple[str, ...],
    *,
    refused: bool,
) -> None:
    """The rules hold for combined faults; ``make soak PART=claims`` tests other combinations as its time allows."""
    home = faulty_homes.make(tmp_path / "home", faults, refused=refused)

    assert 5 == hold(Commands(home, faults, monkeypatch, refusing, unavailable), tmp_path / "out", refused=refused)
