"""One change has the same numbers wherever it is shown: they all come from one replay."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from dashboard.app_parts import cards
from dashboard.app_parts.words import plain
from dashboard.calls.replay import Replayer
from dashboard.changes import AllowAddress, Change, Impact, RemoveAddress, SetCredentials
from dashboard.cli import app as program
from dashboard.findings import Finding, Status
from dashboard.fixes.image import proposed
from dashboard.replay_labels import BROKEN, GONE, LABELS
from dashboard.settings import Settings
from dashboard.workspace import Workspace
from tests.pages.conftest import CALLS
from tests.pages.drafting import DENVER, OLD_DENVER, SEATTLE, counts, edit, row_of, shown, switch, words

pytestmark = pytest.mark.slow

STRANGER = "203.0.113.66"
WINDOW_DAYS = 31
"""A day more than the account has calls, so that no call leaves the window while the test runs."""
CHANGES: dict[str, tuple[Change, ...]] = {
    "allow Denver": (AllowAddress(network=DENVER),),
    "remove the address that Denver left": (RemoveAddress(network=OLD_DENVER),),
    "remove an unassigned address": (RemoveAddress(network=STRANGER),),
    "credentials off": (SetCredentials(enabled=False),),
    "unassigned out, credentials off": (RemoveAddress(network=STRANGER), SetCredentials(enabled=False)),
    "remove Seattle": (RemoveAddress(network=SEATTLE),),
}


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Keep a sample account open whose calls all lie within the window."""
    home = tmp_path_factory.mktemp("same")
    with Workspace.open(Settings(home=home, sample_calls=CALLS, window_days=WINDOW_DAYS)) as opened:
        opened.sync()
        yield opened


@pytest.fixture(autouse=True)
def _window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUNKGATE_WINDOW_DAYS", str(WINDOW_DAYS))


def run(*command: str) -> str:
    """Run a command on the account and return its standard output."""
    answer = CliRunner().invoke(program, command)
    assert 0 == answer.exit_code, answer.output
    return answer.stdout


def options(changes: tuple[Change, ...]) -> list[str]:
    """Write changes as options of ``replay``."""
    found = []
    for change in changes:
        match change:
            case AllowAddress():
                found += ["--allow", change.network]
            case RemoveAddress():
                found += ["--remove", change.network]
            case SetCredentials():
                found += ["--credentials", "on" if change.enabled else "off"]
    return found


def drafted(at: AppTest, changes: tuple[Change, ...]) -> AppTest:
    """Make the changes on the page What if."""
    removed = [row_of(at, change.network) for change in changes if isinstance(change, RemoveAddress)]
    added = [{"network": change.network} for change in changes if isinstance(change, AllowAddress)]
    if removed or added:
        edit(at, deleted_rows=removed, added_rows=added)
    for change in changes:
        if isinstance(change, SetCredentials):
            switch(at, "on" if change.enabled else "off")
    return at


def finding_of(account: Workspace, changes: tuple[Change, ...]) -> Finding | None:
    """Return a failure that proposes just these changes, if one does."""
    sentences = [change.sentence() for change in changes]
    failed = (finding for finding in account.findings() if finding.status is Status.FAIL)
    return next((each for each in failed if sentences == [change.sentence() for change in each.changes]), None)


def by_label(rows: list[dict[str, Any]]) -> dict[str, int]:
    """Add up calls by label; labels without calls are left out."""
    found: Counter[str] = Counter()
    for row in rows:
        found[row["label"]] += int(row["calls"])
    return dict(found)


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
def test_every_surface_has_the_same_numbers(
    app: Callable[..., AppTest], account: Workspace, changes: tuple[Change, ...]
) -> None:
    """Overview, What if, review dialog, guards, ``replay``, ``fix --dry-run`` and CSV say what the replay says."""
    known = account.snapshot()
    answer = Replayer(known).against(proposed(known.policy, changes))
    impact = answer.impact
    expected = {label: impact.calls(label) for label in LABELS if impact.calls(label)}

    at = drafted(app("what_if"), changes)
    assert counts(impact) == shown(at)
    at.button(key="what_if_review").click().run()
    assert not at.exception
    assert 2 * len(expected) == len(at.metric)  # the page's and the dialog's
    assert counts(impact) == shown(at)
    assert guard(impact) in words(at)

    printed = json.loads(run("replay", "--no-sync", *options(changes), "--format", "json"))
    assert expected == {name: row["calls"] for name, row in printed["labels"].items() if row["calls"]}
    assert expected == by_label(printed["rows"])
    rows = csv.DictReader(io.StringIO(run("replay", "--no-sync", *options(changes), "--format", "csv")))
    assert expected == by_label([*rows])

    if (finding := finding_of(account, changes)) is not None:
        text = run("fix", finding.check, finding.subject, "--dry-run")
        pairs = re.findall(rf"([\d,]+) ({'|'.join(LABELS)})(?=, | \()", text)
        assert expected == {label: int(calls.replace(",", "")) for calls, label in pairs}
        assert guard(impact) in text
        if not impact.calls(BROKEN):
            assert plain(cards.effect(impact)) in words(app())


def guard(impact: Impact) -> str:
    """Return what the guard has to say of calls that would be blocked."""
    if impact.calls(BROKEN):
        return f"It would block {impact.calls(BROKEN):,} of the past calls"
    gone = impact.calls(GONE)
    return f"{gone:,} calls of" if gone else "No past call of a PBX of yours is known to break."
