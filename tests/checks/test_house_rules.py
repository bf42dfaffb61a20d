"""Rules that hold for every check, including those added later."""

from __future__ import annotations

import ast
import inspect
import re
from copy import deepcopy
from dataclasses import fields, replace
from pathlib import Path

import pandas as pd
import pytest

from dashboard import checks
from dashboard.checks.evidence.ownership import EMPTY_LIST
from dashboard.checks.registry import INPUTS, Check, check, discover, failed, passed, run, unknown
from dashboard.domain.claims import cure
from dashboard.domain.findings import Cause, Confidence, Impact, Severity, Status, Verdict
from dashboard.domain.snapshot import Freshness
from dashboard.fixes.account_image import after, image
from tests.builders import NOW, make_snapshot
from tests.syntax import tree_of
from tests.texts import golden

FOLDER = Path(checks.__file__).parent
FILES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in {"__init__", "registry"})
ALL = pytest.mark.parametrize("one", discover(), ids=lambda one: one.id)
MOST_LINES = 75
OLD = NOW.replace(hour=1)
READ_AT_THEIR_SOURCE = {
    "CIS v8.1 ": "1.1 1.2 4.2 5.3 5.5 6.1 6.2 6.8 8.2 8.11 8.12 12.2 13.4 13.11 15.6",
    "SOC 2 CC": "4.2 6.1 6.2 6.3 6.6 7.1 7.2 7.3 8.1",
    "ISO 27001:2022 A.": "5.15 5.17 5.18 5.22 8.9 8.15 8.16 8.20 8.21 8.32",
    "NIST 800-53r5 ": "AC-2(3) AC-3 AC-4 AC-6 AU-6 CA-7",
    "PCI DSS v4 ": "1.2.7 7.2.4 8.2.6",
}
"""Requirement ids that were verified at their source; no other may be printed."""


def test_every_file_is_found():
    """Every check file is discovered."""
    assert [one.id for one in discover()] == FILES
    assert len(FILES) >= 6


@ALL
def test_name_is_file_is_function(one):
    """Id, file and function have the same name; the file is short and has its own test."""
    path = FOLDER / f"{one.id}.py"
    assert one.evaluate.__name__ == one.id
    assert one.evaluate.__module__ == f"dashboard.checks.{one.id}"
    assert len(path.read_text().splitlines()) <= MOST_LINES
    assert (Path(__file__).parent / f"test_{one.id}.py").is_file()


@ALL
def test_docstrings_state_expectation_and_reason(one):
    """The title states the good state; the docstrings state the expectation and the reason for it."""
    assert 0 < len(one.title) <= 150
    assert not re.match(r"ensure|check|verify", one.title, re.IGNORECASE)
    assert not one.title.endswith(".")
    assert one.description.endswith(".")
    assert (ast.get_docstring(tree_of(FOLDER / f"{one.id}.py")) or "").endswith(".")
    assert {*one.deciding, *one.additional} <= set(INPUTS)
    assert not set(one.deciding) & set(one.additional)
    assert one.deciding


@ALL
def test_controls_were_read_at_their_source(one):
    """Framework ids that were not verified at their source are not printed."""
    known = {f"{name}{number}" for name, numbers in READ_AT_THEIR_SOURCE.items() for number in numbers.split()}
    assert one.controls
    assert set(one.controls) <= known


@ALL
def test_check_takes_only_a_snapshot(one):
    """A check takes a snapshot as its only argument and imports nothing that reads or writes."""
    assert list(inspect.signature(one.evaluate).parameters) == ["snapshot"]
    imported = {
        node.module or "" for node in ast.walk(tree_of(FOLDER / f"{one.id}.py")) if isinstance(node, ast.ImportFrom)
    }
    foreign = re.compile(r"^dashboard\.(carriers|storage|services|calls|pbx|core\.settings|core\.http)|^requests|^os$")
    assert not [name for name in imported if foreign.search(name)]


@ALL
def test_a_check_is_pure(one, story):
    """A check does not modify the snapshot, and a second run gives the same result."""
    before = deepcopy(story)
    first = list(one.evaluate(story))

    assert list(one.evaluate(story)) == first
    for field in fields(story):
        now = getattr(story, field.name)
        then = getattr(before, field.name)
        if isinstance(now, pd.DataFrame):
            pd.testing.assert_frame_equal(now, then)
        else:
            assert now == then


@ALL
def test_reasons_are_sentences_that_name_the_subject(one, story):
    """A reason begins with a capital or a digit, ends with a full stop, and names the subject or its PBX."""
    verdicts = list(one.evaluate(story))

    assert verdicts
    for verdict in verdicts:
        names = [verdict.subject, *(story.name_of(pbx_id) for pbx_id in verdict.pbx_ids)]
        assert re.fullmatch(r"[A-Z0-9].*\.", verdict.reason), verdict.reason
        assert any(name.lower() in verdict.reason.lower() for name in names), verdict.reason
        assert ".." not in verdict.reason
        assert "  " not in verdict.reason


@ALL
def test_each_subject_is_judged_once(one, story):
    """Each subject has one finding."""
    subjects = [finding.subject for finding in one.findings(story)]

    assert len(subjects) == len(set(subjects))


@ALL
def test_every_proposed_change_can_be_taken_back(one, story):
    """The changes followed by their inverses restore the account with complete rows."""
    for verdict in one.evaluate(story):
        before = image(story, verdict.changes)
        there = after(before, verdict.changes)
        back = after(there, [change.inverse() for change in reversed(verdict.changes)])
        assert back == before
        if verdict.changes:
            assert there != before
        assert not verdict.changes or verdict.status is Status.FAIL


@ALL
def test_an_empty_account_never_passes(one):
    """An empty account with fresh inputs never passes, except an empty list, whose reason says so."""
    findings = one.findings(make_snapshot(credentials_on=None))
    expected = Status.PASS if one.id in ("allowed_ip_has_pbx", "allowed_ip_is_used") else Status.UNKNOWN

    assert findings
    assert {finding.status for finding in findings} == {expected}
    assert all(EMPTY_LIST in finding.reason for finding in findings if finding.status is Status.PASS)


def aged(story, need, age):
    """Return the story with one input fresh, stale or missing; a missing one has no rows."""
    if age == "missing":
        gone = story.without([need])
        return replace(gone, freshness={name: fresh for name, fresh in gone.freshness.items() if name != need})
    return replace(story, freshness={**story.freshness, need: Freshness(OLD, 60)}) if age == "stale" else story


@ALL
@pytest.mark.parametrize("need", INPUTS)
def test_a_missing_deciding_input_is_one_unknown_finding(one, need, story):
    """
    A missing deciding input gives one unknown finding that names it, with the remedy.

    A missing additional input hides no subject.
    """
    findings = one.findings(aged(story, need, "missing"))

    if need not in one.deciding:
        fresh = {finding.subject for finding in one.findings(story)}
        assert fresh == {finding.subject for finding in findings}
        return
    (finding,) = findings
    assert (finding.status, finding.cause, finding.subject) == (Status.UNKNOWN, Cause.MISSING, "account")
    assert INPUTS[need][0] in finding.reason
    assert "never" in finding.reason
    assert finding.reason.endswith(cure(story, need))


@ALL
@pytest.mark.parametrize("need", INPUTS)
def test_a_stale_deciding_input_keeps_the_last_known_verdicts(one, need, story):
    """With a stale deciding input every subject is unknown, with its last status, time and proposed change."""
    if need not in one.deciding:
        return
    before = {finding.subject: finding for finding in one.findings(aged(story, need, "fresh"))}
    after = {finding.subject: finding for finding in one.findings(aged(story, need, "stale"))}

    assert before.keys() == after.keys()
    for subject, finding in after.items():
        assert (Status.UNKNOWN, Cause.STALE) == (finding.status, finding.cause)
        assert finding.last_known is not None
        assert before[subject].status is finding.last_known.status
        assert OLD == finding.last_known.as_of
        assert before[subject].changes == finding.last_known.changes == finding.proposals
        assert before[subject].severity is finding.severity
        assert finding.confidence is Confidence.CANNOT_TELL
        assert not finding.changes
        assert golden("checks.read_over_a_minute_ago") in finding.reason
        assert finding.reason.endswith(cure(story, need))


@ALL
@pytest.mark.parametrize("age", ["stale", "missing"])
@pytest.mark.parametrize("need", INPUTS)
def test_an_additional_input_never_changes_a_verdict(one, need, age, story):
    """
    An additional input never turns a pass into a failure or the reverse.

    Without it nothing is proven, and each finding names it.
    """
    if need not in one.additional:
        return
    before = {finding.subject: finding for finding in one.findings(story)}

    for finding in one.findings(aged(story, need, age)):
        if finding.last_known or finding.status is Status.UNKNOWN:
            continue
        assert before[finding.subject].status in (finding.status, Status.UNKNOWN)
        assert finding.confidence is not Confidence.PROVEN
        assert finding.without == (need,)
        assert INPUTS[need][0][1:] in finding.reason


@ALL
def test_a_check_reads_only_what_it_declares(one, story):
    """Inputs that are neither deciding nor additional can be missing without changing any finding."""
    undeclared = set(INPUTS) - {*one.deciding, *one.additional}

    assert one.findings(story) == one.findings(story.without(undeclared))


def test_stale_calls_keep_the_severity_they_gave(story):
    """Stale calls of an unassigned address keep the severity that they gave when fresh."""
    (one,) = [each for each in discover() if each.id == "allowed_ip_has_pbx"]
    before = {finding.subject: finding for finding in one.findings(story)}

    after = {finding.subject: finding for finding in one.findings(aged(story, "calls", "stale"))}

    assert {k: (v.status, v.severity) for k, v in before.items()} == {
        k: (v.status, v.severity) for k, v in after.items()
    }


def test_an_outage_of_the_carrier_does_not_clear_what_failed(story):
    """With stale calls every failure remains open in the same place."""
    fresh = [finding.id for finding in run(story) if finding.open]
    stale = [finding.id for finding in run(aged(story, "calls", "stale")) if finding.open]

    assert fresh == stale


def made(evaluate):
    """Return a check of a function."""
    return check(title="All is well", severity=Severity.HIGH, impact=Impact.LOSS, control=(), deciding=())(evaluate)


def test_a_crash_is_a_finding_and_hides_no_other(story, caplog):
    """A crashing check becomes one unknown finding with the error's type; other checks still run."""

    def breaks(snapshot):
        """Say that it is never so."""
        yield passed("first", reason="First is fine.")
        raise KeyError(snapshot.account.tech_prefix)

    found = run(story, [made(breaks), *discover()])
    (crashed,) = [finding for finding in found if finding.check == "breaks"]

    assert (crashed.status, crashed.cause, crashed.subject) == (Status.UNKNOWN, Cause.CRASHED, "account")
    assert "KeyError" in crashed.reason
    assert "Traceback" not in crashed.reason
    assert "12345678" not in crashed.reason
    assert len(found) > len(discover())
    assert "Check breaks stopped." in caplog.text


def test_nothing_to_examine_is_not_a_pass(story):
    """A check without subjects gives a finding that says so, not a pass."""

    def nothing(snapshot):  # noqa: ARG001 - signature of a check
        """Nothing is ever there."""
        return ()

    (finding,) = run(story, [made(nothing)])

    assert (finding.status, finding.cause, finding.subject) == (Status.UNKNOWN, Cause.MISSING, "account")
    assert golden("checks.nothing_to_examine") in finding.reason


def test_the_worst_verdict_of_a_subject_stands(story):
    """If one subject has two verdicts, the worse one is kept."""

    def twice(snapshot):  # noqa: ARG001 - signature of a check
        """Say that it is so."""
        yield passed("a", reason="A is fine.")
        yield failed("a", reason="A is bad.", severity=Severity.LOW)
        yield failed("a", reason="A is worse.", severity=Severity.CRITICAL)
        yield unknown("a", reason="A is not known.")

    (finding,) = run(story, [made(twice)])

    assert finding.reason == "A is worse."


def test_findings_come_worst_first(story):
    """The order is failures, unknown, passes; by severity; outage before loss before hygiene."""
    found = run(story)
    ranks = [(list(Status).index(f.status), f.severity.rank) for f in found]

    assert ranks == sorted(ranks)
    assert found[0].status is Status.FAIL
    assert found[0].impact is Impact.OUTAGE


def test_story_fails_exactly_the_planted_subjects(story):
    """Each problem of the story gives its own findings and no others."""
    failing = {(f.check, f.subject) for f in run(story) if f.status is Status.FAIL}

    assert failing == {
        ("pbx_address_is_allowed", "198.51.100.24"),
        ("call_source_is_allowed", "198.51.100.24"),
        ("allowed_ip_has_pbx", "198.51.100.23"),
        ("pbx_address_is_allowed", "198.51.100.40"),
        ("call_source_is_allowed", "198.51.100.40"),
        ("credentials_are_off", "account"),
        ("allowed_ip_has_pbx", "198.51.100.50"),
        ("allowed_ip_is_used", "198.51.100.50"),
        ("pbx_has_inbound_route", "phoenix"),
        ("allowed_ip_has_pbx", "203.0.113.66"),
    }


def test_a_finding_carries_its_check():
    """Fields that a verdict leaves empty are filled from the check."""
    one = Check("c", "Title", "Doc.", Severity.LOW, Impact.HYGIENE, ("SOC 2 CC6.1",), (), (), lambda _: [])
    (finding,) = replace(one, evaluate=lambda _: [Verdict("s", Status.PASS, "S is fine.")]).findings(make_snapshot())

    assert (finding.check, finding.severity, finding.impact, finding.controls) == (
        "c",
        Severity.LOW,
        Impact.HYGIENE,
        ("SOC 2 CC6.1",),
    )
    assert finding.confidence is Confidence.INFERRED
