"""The lifecycle of findings, step by step, on a database alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dashboard.domain.changes import AllowAddress, Plan, ReplayImpact
from dashboard.domain.findings import Confidence, Finding, LastKnown, Life, Severity, Status
from dashboard.domain.findings import Impact as Harm
from dashboard.services.finding_lifecycle import with_lifecycle
from dashboard.storage.database import State
from dashboard.storage.journal import PHASE_DONE, PHASE_FAILED, Journal

CHECK = "pbx_address_is_allowed"
SUBJECT = "198.51.100.24"


class Story:
    """One finding over time; the clock is the real one, as in the journal."""

    def __init__(self, home: Path) -> None:
        self.state = State.open(home)
        self.journal = Journal(self.state)

    def see(self, status: Status, last_known: LastKnown | None = None, *, ahead: timedelta = timedelta(0)) -> Finding:
        """Run the checks once, with a clock that may be ahead."""
        found = Finding(
            check=CHECK,
            title="Address is allowed",
            subject=SUBJECT,
            status=status,
            severity=Severity.HIGH,
            confidence=Confidence.INFERRED,
            impact=next(iter(Harm)),
            reason="For the test.",
            last_known=last_known,
        )
        (stamped,) = with_lifecycle([found], state=self.state, journal=self.journal, now=datetime.now(UTC) + ahead)
        return stamped

    def plan(self, *, label: str = "", undoes: int | None = None) -> Plan:
        """Save a plan for the finding, as displaying it does."""
        plan = Plan(
            title="Allow 198.51.100.24",
            check=CHECK,
            subject=SUBJECT,
            changes=(AllowAddress(network=SUBJECT, label=label),),
            before={"allowed_ips": {}},
            impact=ReplayImpact(labels={}, decided=1),
            undoes=undoes,
            made_at=datetime.now(UTC),
        )
        self.state.save_plan(plan)
        return plan

    def carry_out(self, plan: Plan, phase: str = PHASE_DONE) -> int:
        """Write the journal entries of an applied plan; return the number of the last entry."""
        begun = self.journal.begin(plan, actor="ana", before={})
        return self.journal.finish(begun, plan, phase=phase, before={}, after={}).id


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    """Create a story on an empty database."""
    made = Story(tmp_path)
    yield made
    made.state.close()


def test_finding_passes_through_every_state(story: Story) -> None:
    """The states are new, open, planned, applied while still failing, verified, regressed, and verified again."""
    seen = [story.see(Status.FAIL), story.see(Status.FAIL)]
    plan = story.plan()
    seen.append(story.see(Status.FAIL))
    story.carry_out(plan)
    seen += [story.see(status) for status in (Status.FAIL, Status.PASS, Status.PASS, Status.FAIL, Status.FAIL)]
    seen.append(story.see(Status.PASS))

    assert ["new", "open", "planned", "applied", "verified", "verified", "regressed", "regressed", "verified"] == [
        finding.life for finding in seen
    ]
    assert len({finding.first_seen_at for finding in seen}) == 1
    assert [0, 0, 0, 0, 0, 0, 1, 1, 1] == [finding.times_reopened for finding in seen]


def test_passing_subject_is_not_recorded(story: Story) -> None:
    """A subject that passed from the start has no recorded failure."""
    finding = story.see(Status.PASS)

    assert (finding.life, finding.first_seen_at) == (Life.VERIFIED, None)
    assert story.see(Status.FAIL).life == Life.NEW


def test_unknown_result_keeps_the_failure_open(story: Story) -> None:
    """A failure that is unknown for a while remains the same open failure, not a regressed one."""
    story.see(Status.FAIL)
    story.see(Status.FAIL)

    assert story.see(Status.UNKNOWN).life == Life.OPEN
    again = story.see(Status.FAIL)
    assert (again.life, again.times_reopened) == (Life.OPEN, 0)


def test_a_failed_or_undone_fix_does_not_count_as_applied(story: Story) -> None:
    """Only a fix that succeeded and was not undone counts as applied."""
    story.see(Status.FAIL)
    story.carry_out(story.plan(), phase=PHASE_FAILED)
    assert story.see(Status.FAIL).life == Life.PLANNED

    done = story.carry_out(story.plan())
    assert story.see(Status.FAIL).life == Life.APPLIED

    story.carry_out(story.plan(undoes=done))
    assert story.see(Status.FAIL).life == Life.PLANNED


def test_the_newest_plan_counts(story: Story) -> None:
    """A plan from before the failure was first seen does not hide a later one."""
    story.plan(label="before")
    story.see(Status.FAIL)
    assert story.see(Status.FAIL).life == Life.OPEN

    story.plan(label="since")
    assert story.see(Status.FAIL).life == Life.PLANNED


def test_last_seen_is_updated(story: Story) -> None:
    """Each run updates the time when the failure was last seen."""
    first = story.see(Status.FAIL)
    second = story.see(Status.FAIL)

    assert first.last_seen_at is not None
    assert second.last_seen_at is not None
    assert timedelta(0) < second.last_seen_at - first.last_seen_at


def test_a_fault_that_came_back_goes_the_same_way_again(story: Story) -> None:
    """After a regression, earlier plans and fixes do not count; a new plan and a new fix do."""
    story.see(Status.FAIL)
    story.carry_out(story.plan())
    for status in (Status.PASS, Status.FAIL):
        story.see(status)
    seen = [story.see(Status.FAIL).life]
    plan = story.plan()
    seen += [story.see(Status.FAIL).life, story.see(Status.FAIL).life]
    story.carry_out(plan)
    seen += [story.see(Status.FAIL).life, story.see(Status.FAIL).life]

    assert ["regressed", "planned", "planned", "applied", "applied"] == seen


OLD = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


def test_a_last_known_failure_stays_open(story: Story) -> None:
    """A last known failure keeps its state and first-seen time, also when it fails again on fresh data."""
    story.see(Status.FAIL)
    first = story.see(Status.FAIL)

    stale = story.see(Status.UNKNOWN, last_known=LastKnown(Status.FAIL, OLD))
    again = story.see(Status.FAIL)

    assert [Life.OPEN] * 3 == [first.life, stale.life, again.life]
    assert first.first_seen_at == stale.first_seen_at == again.first_seen_at
    assert stale.open
    assert 0 == again.times_reopened


def test_a_failure_first_seen_on_stale_data_is_new(story: Story) -> None:
    """A failure first seen on stale data is open."""
    assert Life.NEW == story.see(Status.UNKNOWN, last_known=LastKnown(Status.FAIL, OLD)).life


@pytest.mark.parametrize("last", [None, LastKnown(Status.PASS, OLD), LastKnown(Status.UNKNOWN, OLD)])
def test_what_is_unknown_is_never_verified(story: Story, last: LastKnown | None) -> None:
    """A subject is never verified on stale data, whether it had failed before or not."""
    assert Life.UNCONFIRMED == story.see(Status.UNKNOWN, last_known=last).life

    story.see(Status.FAIL)
    assert Life.NEW == story.see(Status.UNKNOWN, last_known=last).life
    assert Life.VERIFIED == story.see(Status.PASS).life
    assert Life.UNCONFIRMED == story.see(Status.UNKNOWN, last_known=last).life
    assert Life.REGRESSED == story.see(Status.FAIL).life


def test_what_was_seen_while_the_clock_was_ahead_was_before_now(story: Story) -> None:
    """A fix from now on counts for a failure that was first seen at a time in the future."""
    story.see(Status.FAIL, ahead=timedelta(days=3))

    again = story.see(Status.FAIL)
    assert again.first_seen_at is not None
    assert again.first_seen_at <= datetime.now(UTC)
    story.carry_out(story.plan())
    assert Life.APPLIED == story.see(Status.FAIL).life


def test_what_was_done_while_the_clock_was_ahead_is_history_once_it_came_back(story: Story) -> None:
    """A fix recorded at a time in the future does not count for a failure that regressed since."""
    story.see(Status.FAIL)
    story.carry_out(story.plan())
    behind = -timedelta(days=3)
    story.see(Status.PASS, ahead=behind)

    assert Life.REGRESSED == story.see(Status.FAIL, ahead=behind).life
    assert Life.REGRESSED == story.see(Status.FAIL, ahead=behind).life
