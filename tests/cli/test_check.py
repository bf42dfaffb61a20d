"""``trunkgate check``: output and exit status."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from tests.texts import golden

pytestmark = pytest.mark.slow

PLANTED = Path(__file__).parent.parent / "planted.csv"


def test_json_has_exactly_the_planted_failures(shared: Any) -> None:
    """Standard output is only JSON; exactly the planted pairs fail, each once; the status is 1."""
    answer = shared("check", "--format", "json")

    found = answer.json
    failed = [(row["check"], row["subject"]) for row in found if row["status"] == "fail"]
    with PLANTED.open() as lines:
        planted = {(row["check"], row["subject"]) for row in csv.DictReader(lines)}
    assert answer.status == 1
    assert sorted(planted) == sorted(failed)
    assert all({"check", "subject", "status", "severity", "confidence", "reason"} <= row.keys() for row in found)
    assert all(row["reason"].strip() for row in found)


def test_text_names_the_fix_command(shared: Any) -> None:
    """Text output shows each failure with its reason and the command that resolves it, and counts the passes."""
    answer = shared("check")

    assert answer.status == 1
    assert "HIGH      pbx_address_is_allowed  198.51.100.24 (Denver)\n" in answer.out
    assert (
        golden("commands.check.fix_command", check="pbx_address_is_allowed", subject="198.51.100.24") + "\n"
        in answer.out
    )
    assert "Review: trunkgate review 203.0.113.88\n" in answer.out
    assert answer.out.rstrip().endswith("passed.")
    assert answer.err == ""


def test_the_status_counts_from_a_severity_on(shared: Any) -> None:
    """No failure of this account is critical, so --fail-on critical exits with 0."""
    assert shared("check", "--no-sync", "--fail-on", "critical").status == 0


def test_unknown_is_not_good_unless_allowed(bare: Any) -> None:
    """Without any sync every result is unknown and the status is 3, or 0 with --allow-unknown; nothing is fetched."""
    answer = bare("check", "--no-sync", "--format", "json")

    assert answer.status == 3
    assert {row["status"] for row in answer.json} == {"unknown"}
    assert bare("check", "--no-sync", "--allow-unknown").status == 0


def test_a_wrong_option_is_an_error_of_its_own(bare: Any) -> None:
    """An invalid severity exits with 2 and creates no home."""
    answer = bare("check", "--fail-on", "dreadful")

    assert (answer.status, answer.out) == (2, "")
    assert "dreadful" in answer.err
    assert not bare.home.exists()
