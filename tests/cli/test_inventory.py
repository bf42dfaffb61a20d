"""``inventory lint``: what is wrong with a configuration, for people and for programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

CASES = Path(__file__).parent.parent / "inventory" / "asterisk"
RANGES = {"TRUNKGATE_PUBLIC_RANGES": "192.0.2.0/24,198.51.100.0/24,203.0.113.0/24"}

pytestmark = pytest.mark.slow


def test_a_configuration_in_order_ends_with_0(bare: Any) -> None:
    """A note is told and fails nothing; no home is made."""
    answer = bare("inventory", "lint", CASES / "in-order", **RANGES)

    assert answer.status == 0
    assert "NOTE      in-order/etc/asterisk/phones.conf, line 11: " in answer.out
    assert answer.out.endswith("1 PBX read, 1 found, 0 not understood.\n")
    assert not bare.home.exists()


def test_pitfalls_are_json_for_programs(bare: Any) -> None:
    """Each with code, place, sentence and cure; the status says that there is something to do."""
    answer = bare("inventory", "lint", CASES / "wrong-prefix", "--format", "json", **RANGES)

    assert answer.status == 1
    assert answer.json["problems"] == []
    assert {"prefix_length", "prefix_twice", "pop_retired"} <= {one["code"] for one in answer.json["pitfalls"]}
    assert {"code", "level", "pbx_id", "file", "line", "sentence", "cure"} == set(answer.json["pitfalls"][0])


def test_the_accounts_prefix_can_be_given(bare: Any) -> None:
    """What is dialed is then held to it."""
    answer = bare("inventory", "lint", CASES / "in-order", "--tech-prefix", "87654321", **RANGES)

    assert answer.status == 1
    assert "has another tech prefix than the account's 87654321" in answer.out


def test_what_cannot_be_read_is_told(bare: Any, tmp_path: Path) -> None:
    """A folder without a configuration ends with 1, one that is not there with 2."""
    (tmp_path / "pbx").mkdir()
    (tmp_path / "pbx" / "notes.md").write_text("nothing")

    assert bare("inventory", "lint", tmp_path / "pbx").status == 1
    assert "There is no file or folder" in bare("inventory", "lint", tmp_path / "none").sentence
    assert "It has eight" in bare("inventory", "lint", CASES / "in-order", "--tech-prefix", "1").sentence


def test_the_account_of_the_home_is_compared(shared: Any) -> None:
    """Its prefix, its list, its PoPs and what its inventory knows of the PBX."""
    answer = shared("inventory", "lint", CASES / "two-wans", "--account", "--format", "json")

    assert answer.status == 1
    assert {"failover_not_listed"} <= {one["code"] for one in answer.json["pitfalls"]}
