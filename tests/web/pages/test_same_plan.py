"""The plan that a finding proposes, and its undo, have the same hash, numbers and guards everywhere."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.calls.replay.replayer import Replayer
from dashboard.core.settings import Settings
from dashboard.domain.actors import Actor, Role
from dashboard.domain.changes import Change, RemoveAddress, SetCredentials
from dashboard.domain.findings import Finding, Status
from dashboard.domain.replay_labels import BROKEN, LABELS
from dashboard.fixes.account_image import proposed
from dashboard.services.snapshot_builder import load_frame, save_frame
from dashboard.services.workspace import Workspace
from dashboard.web.components.formatting import plain
from dashboard.web.overview import cards
from tests.web.pages.conftest import CALLS
from tests.web.pages.drafting import SEATTLE, words
from tests.web.pages.test_same_numbers import STRANGER, WINDOW_DAYS, guard, run

pytestmark = pytest.mark.slow

RETIRED = ("seattle", "denver", "atlanta", "miami")
"""PBXs marked as retired in the inventory although they still call, so that findings propose blocking changes."""
CASES: dict[str, tuple[Change, bool]] = {
    "an unassigned address out": (RemoveAddress(network=STRANGER), False),
    "Seattle out": (RemoveAddress(network=SEATTLE), True),
    "credentials off": (SetCredentials(enabled=False), True),
}
"""A change that a finding proposes, and whether it breaks past calls."""


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Open a sample account whose inventory marks as retired some PBXs that still call."""
    settings = Settings(home=tmp_path_factory.mktemp("plan"), sample_calls=CALLS, window_days=WINDOW_DAYS)
    with Workspace.open(settings) as opened:
        opened.sync()
        pbxs = load_frame(opened.state, "pbxs")
        pbxs.loc[pbxs["pbx_id"].isin(RETIRED), "status"] = "retired"
        assert save_frame(opened.state, "pbxs", pbxs, now=datetime.now(UTC), known_by="operator")
        yield opened


@pytest.fixture(autouse=True)
def _its_home(monkeypatch: pytest.MonkeyPatch, account: Workspace) -> None:
    """Make commands work on the account."""
    monkeypatch.setenv("TRUNKGATE_HOME", str(account.settings.home))
    monkeypatch.setenv("TRUNKGATE_WINDOW_DAYS", str(WINDOW_DAYS))


def proposing(account: Workspace, change: Change) -> Finding:
    """Return the failure that proposes exactly this change; there must be one."""
    failed = [finding for finding in account.findings() if finding.status is Status.FAIL]
    return next(one for one in failed if [change.describe()] == [other.describe() for other in one.changes])


@pytest.mark.parametrize(("change", "breaks"), CASES.values(), ids=CASES)
def test_overview_and_fix_have_the_same_plan(
    app: Callable[..., AppTest], account: Workspace, change: Change, *, breaks: bool
) -> None:
    """
    ``fix --dry-run``, as text and JSON, has the account's plan; Overview offers it only if it breaks no past call.

    Counts and hash are compared in both formats, the guard in the text.
    """
    known = account.snapshot()
    impact = Replayer(known).against(proposed(known.policy, (change,))).impact
    finding = proposing(account, change)
    plan = account.plan(finding.check, finding.subject)
    expected = {label: impact.calls(label) for label in LABELS if impact.calls(label)}
    assert breaks is bool(impact.calls(BROKEN))

    text = run("fix", finding.check, finding.subject, "--dry-run")
    pairs = re.findall(rf"([\d,]+) ({'|'.join(LABELS)})(?=, | \()", text)
    assert expected == {label: int(calls.replace(",", "")) for calls, label in pairs}
    assert guard(impact) in text
    assert f"Plan {plan.hash}" in text
    told = json.loads(run("fix", finding.check, finding.subject, "--dry-run", "--format", "json"))
    assert plan.hash == told["hash"]
    assert expected == counted(told)
    assert [change.describe()] == [one.describe() for one in plan.changes]
    assert (plain(cards.effect(impact)) in words(app())) is not breaks, (
        "Overview offers what breaks nothing, and no more"
    )


@pytest.mark.parametrize(("change", "breaks"), CASES.values(), ids=CASES)
def test_an_undo_has_the_same_plan(account: Workspace, change: Change, *, breaks: bool) -> None:
    """After a fix ``undo --dry-run`` has the hash of the undo plan, as text and JSON, and its counts, as JSON."""
    finding = proposing(account, change)
    plan = account.plan(finding.check, finding.subject)
    assert breaks is bool(plan.impact.calls(BROKEN))
    actor = Actor("ana (test)", Role.APPROVER)
    done = account.apply(plan, actor=actor, typed=plan.phrases)
    back = account.undo_plan(done.id)
    expected = {label: back.impact.calls(label) for label in LABELS if back.impact.calls(label)}

    told = json.loads(run("undo", str(done.id), "--dry-run", "--format", "json"))
    text = run("undo", str(done.id), "--dry-run")

    assert (back.hash, expected) == (told["hash"], counted(told))
    assert f"Plan {back.hash}" in text
    assert plan.inverse_changes() == back.changes
    account.apply(back, actor=actor, typed=back.phrases)


def counted(told: dict[str, Any]) -> dict[str, int]:
    """Return the counts of a plan's JSON; labels without calls are left out."""
    return {label: one["calls"] for label, one in told["impact"]["labels"].items() if one["calls"]}
