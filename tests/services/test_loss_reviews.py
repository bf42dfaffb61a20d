"""Review of a past loss: from a home, from the command line and from the page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dashboard.calls.ingest.importer import import_files
from dashboard.cli.entry_point import app as commands
from dashboard.core.errors import FixError, UnknownFindingError
from dashboard.core.settings import Settings
from dashboard.domain.actors import Actor, Role
from dashboard.domain.findings import Finding, Life, Status
from dashboard.services.workspace import Workspace
from dashboard.web import sessions
from tests.apps import new_app
from tests.calls.exports import as_csv, rows_at
from tests.texts import golden, golden_pattern

CHECK = "past_loss_is_reviewed"
THIEF = "203.0.113.66"
NOW = datetime.now(UTC).replace(microsecond=0)
OFF_AT = NOW - timedelta(days=40)
STOLEN_AT = [NOW - timedelta(days=60) + timedelta(minutes=number) for number in range(60)]
LEE = Actor("j.lee", Role.OPERATOR)
WAIT_S = 600


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Workspace]:
    """Open a real account whose credentials were switched off after a theft, before the window of the checks."""
    settings = {"FLOWROUTE_ACCESS_KEY": "access-7f3c91", "FLOWROUTE_SECRET_KEY": "secret-b52e08"}
    for name, value in {**settings, "TRUNKGATE_HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    with Workspace.open(Settings.read()) as opened:
        state = opened.state
        long_ago = NOW - timedelta(days=80)
        account = {"tech_prefix": "12345678", "credentials_on": True}
        pbx = {"pbx_id": "denver", "name": "Denver", "ip_kind": "static", "status": "active"}
        listed = [{"network": "198.51.100.24"}]
        state.save_version("allowed_ips", listed, valid_from=long_ago, seen_at=NOW, known_by="m.ortiz")
        state.save_version("account", account, valid_from=long_ago, seen_at=long_ago, known_by="m.ortiz")
        state.save_version(
            "account", account | {"credentials_on": False}, valid_from=OFF_AT, seen_at=NOW, known_by="m.ortiz"
        )
        state.save_version("pbxs", [pbx], valid_from=long_ago, seen_at=NOW, known_by="m.ortiz")
        state.put("calls_until", NOW.isoformat())
        stolen(opened, *STOLEN_AT)
        yield opened


def stolen(home: Workspace, *moments: datetime) -> None:
    """Import a thief's calls."""
    path = home.settings.home / f"export-{len(moments)}.csv"
    rows = rows_at(*moments, customer_ip=THIEF, custom_x_tag="", callerid="+17025550199", total_cost="6.87500000")
    path.write_text(as_csv(rows))
    import_files(home.store, [path])


def found(home: Workspace) -> Finding:
    """Return the current finding of the check on the thief."""
    (finding,) = (one for one in home.findings() if one.check == CHECK)
    return finding


def test_a_theft_older_than_the_window_is_a_finding_until_it_is_reviewed(home: Workspace) -> None:
    """The finding has calls, dollars and time; the review is saved with name, time and digest of the evidence."""
    before = found(home)
    home.review(THIEF, actor=LEE, evidence_digest=home.loss(THIEF).digest)
    after, (review,) = found(home), home.snapshot().loss_reviews.to_dict("records")

    assert (THIEF, Status.FAIL) == (before.subject, before.status)
    assert golden("checks.past_loss.stranger_until", calls=60, cost="$412.50") in before.reason
    assert (Status.PASS, Life.VERIFIED) == (after.status, after.life)
    assert ("j.lee", 60, home.loss(THIEF).digest) == tuple(
        review[name] for name in ("reviewed_by", "calls", "evidence_digest")
    )


def test_new_calls_after_a_review_open_it_again(home: Workspace) -> None:
    """
    A late record exceeds the reviewed loss and opens the finding again.

    A second review covers it, and both are kept.
    """
    home.review(THIEF, actor=LEE, evidence_digest=home.loss(THIEF).digest)
    stolen(home, OFF_AT - timedelta(days=1))
    again = found(home)
    home.review(THIEF, actor=Actor("m.ortiz", Role.OPERATOR), evidence_digest=home.loss(THIEF).digest)

    assert Status.FAIL is again.status
    assert "did not see" in again.reason
    assert Status.PASS is found(home).status
    assert ["j.lee", "m.ortiz"] == list(home.snapshot().loss_reviews["reviewed_by"])


def test_only_what_was_shown_is_marked(home: Workspace) -> None:
    """Another digest or source, or a reviewer without the permission, is refused and nothing is saved."""
    with pytest.raises(UnknownFindingError, match="than was shown"):
        home.review(THIEF, actor=LEE, evidence_digest="another")
    with pytest.raises(UnknownFindingError, match=golden_pattern("errors.loss_reviews.sources", address=THIEF)):
        home.review("203.0.113.9", actor=LEE, evidence_digest="")
    with pytest.raises(FixError, match="may not"):
        home.review(THIEF, actor=Actor("guest", Role.VIEWER), evidence_digest=home.loss(THIEF).digest)

    assert home.snapshot().loss_reviews.empty


def test_the_command_marks_it(home: Workspace) -> None:
    """The command shows the loss first, and saves the review only after confirmation."""
    declined = CliRunner().invoke(commands, ["review", THIEF, "--no-sync"])
    unmarked = found(home).status
    marked = CliRunner().invoke(commands, ["review", THIEF, "--no-sync", "--yes"])

    assert (1, Status.FAIL) == (declined.exit_code, unmarked)
    assert golden("errors.loss_reviews.source_until", source=THIEF) in declined.output
    assert (0, Status.PASS) == (marked.exit_code, found(home).status)


@pytest.fixture
def browser() -> Iterator[None]:
    """Run the app as for a browser whose user is Ola."""
    sessions.stand_in(sessions.Session(made_by="kim", name="Ola"))
    yield
    sessions.stand_in(None)


@pytest.mark.usefixtures("browser")
def test_the_button_marks_it(home: Workspace) -> None:
    """Findings offers the review at the finding, which then passes with the name of the browser's user."""
    page = new_app().run()
    if "first_run_look" in [button.key for button in page.button]:
        page.button(key="first_run_look").click().run()
    page.switch_page("web/pages/findings.py").run()
    page.button(key="findings_review").click().run()

    assert not page.exception
    assert "findings_review" not in [button.key for button in page.button]
    assert Status.PASS is found(home).status
    assert [golden("pages.operators.named_by_link", name="Ola", inviter="kim")] == list(
        home.snapshot().loss_reviews["reviewed_by"]
    )
