"""``trunkgate fix``, ``undo`` and ``journal``: exactly the plan shown, or nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.slow

CHECK, DENVER = "pbx_address_is_allowed", "198.51.100.24"
MIAMI_STAYS = ("credentials_are_off", "account")


def failing(program: Any) -> list[tuple[str, str]]:
    """Return the failing pairs, in the order they are shown."""
    found = program("check", "--format", "json").json
    return [(row["check"], row["subject"]) for row in found if row["status"] == "fail"]


def test_a_dry_run_shows_the_hash_and_writes_nothing(shared: Any) -> None:
    """The plan comes as JSON with its hash and its changes; neither the account nor the journal moves."""
    plan = shared.plan(CHECK, DENVER)

    assert len(plan["hash"]) == 64
    assert [change["network"] for change in plan["changes"]] == [DENVER]
    assert (CHECK, DENVER) in failing(shared)
    assert shared("journal", "list", "--format", "json").json == []


def test_a_wrong_hash_is_refused(shared: Any) -> None:
    """Another plan than the one made now is not applied: status 1, and the account is as it was."""
    answer = shared("fix", CHECK, DENVER, "--plan", "0" * 64)

    assert answer.status == 1
    assert "Nothing was changed." in answer.sentence
    assert (CHECK, DENVER) in failing(shared)


def test_without_a_terminal_and_a_plan_it_says_how_to_go_on(shared: Any) -> None:
    """Nobody can be asked: status 1, with the option and the hash that would apply it."""
    answer = shared("fix", CHECK, DENVER, "--format", "json")

    assert answer.status == 1
    assert f"--plan {shared.plan(CHECK, DENVER)['hash']}" in answer.sentence


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("fix", "no_such_check", "x"), "There is no check no_such_check."),
        (("fix", CHECK, "192.0.2.77"), "has nothing on 192.0.2.77"),
        (("undo", "99"), "99"),
    ],
)
def test_what_is_not_there_is_an_error_of_its_own(shared: Any, arguments: tuple[str, ...], words: str) -> None:
    """A check, subject or entry that does not exist is one sentence and status 2."""
    answer = shared(*arguments)

    assert answer.status == 2
    assert words in answer.sentence


def test_everything_fixable_fixed_check_ends_with_0(homes: Callable[..., Any]) -> None:
    """Plan by plan through the command line; Miami alone keeps its finding; then one is taken back."""
    program = homes("fixed")
    done = []
    for _ in range(12):
        left = [pair for pair in failing(program) if pair != MIAMI_STAYS]
        if not left:
            break
        plan = program.plan(*left[0])
        phrases = [lock["confirm"] for lock in plan["interlocks"] if lock["confirm"] and not lock["met"]]
        if phrases:
            unconfirmed = program("fix", *left[0], "--plan", plan["hash"])
            assert (unconfirmed.status, "type exactly" in unconfirmed.sentence) == (1, True)
        typed = [part for phrase in phrases for part in ("--confirm", phrase)]
        answer = program("fix", *left[0], "--plan", plan["hash"], *typed, "--format", "json")
        assert answer.status == 0, answer.err
        done.append(answer.json["entry"]["id"])

    assert program("check").status == 0
    assert failing(program) == [MIAMI_STAYS]

    held = program("journal", "verify")
    head = held.out.split()[-1].rstrip(".")
    assert (held.status, f"{2 * len(done)} entries" in held.out) == (0, True)
    assert program("journal", "verify", "--head", head).status == 0
    assert program("journal", "verify", "--head", "f" * 64).status == 1

    back = program("undo", done[-1], "--dry-run", "--format", "json").json
    typed = [
        part
        for lock in back["interlocks"]
        if lock["confirm"] and not lock["met"]
        for part in ("--confirm", lock["confirm"])
    ]
    assert program("undo", done[-1], "--plan", back["hash"], *typed).status == 0
    again = program("undo", done[-1])
    assert (again.status, "taken back already" in again.sentence) == (2, True)

    with sqlite3.connect(program.home / "state.db") as database:
        database.execute("UPDATE journal SET title = 'Something else' WHERE id = 1")
    tampered = program("journal", "verify")
    assert tampered.status == 1
    assert "1" in tampered.sentence
