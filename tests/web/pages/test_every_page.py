"""Requirements on every page: it renders, its title is a sentence, and the header names the account."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.services.workspace import Workspace
from tests.apps import new_app
from tests.paths import PAGES as FOLDER
from tests.router import PAGES
from tests.texts import golden


def test_router_has_every_page() -> None:
    """Every script of the folder of pages is in the router, so every test that opens all pages opens it."""
    assert sorted(PAGES) == sorted(path.stem for path in FOLDER.glob("*.py"))


@pytest.mark.parametrize("page", PAGES)
def test_page_title_is_a_sentence(app: Callable[..., AppTest], page: str) -> None:
    """The title is a sentence, and the header names the account and marks it as a sample."""
    at = app(page)

    assert at.title[0].value.endswith(".")
    assert any("account `12345678`" in text.value for text in at.markdown)
    assert any("SAMPLE" in text.value for text in at.markdown)


@pytest.mark.parametrize("page", PAGES)
def test_no_page_shows_a_name_of_the_code(app: Callable[..., AppTest], page: str) -> None:
    """Titles, headings, captions and buttons contain no underscore outside monospace text."""
    at = app(page)
    said = [text.value for text in [*at.title, *at.subheader, *at.caption]] + [button.label for button in at.button]

    assert [] == [text for text in said if "_" in re.sub(r"`[^`]*`", "", text)]


def test_first_sync_is_announced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the first sync has ended, the app says that it reads the account and offers the data so far."""
    monkeypatch.setenv("TRUNKGATE_HOME", str(tmp_path / "new"))
    monkeypatch.setenv("TRUNKGATE_SAMPLE_CALLS", "100")
    at = new_app().run()

    assert not at.exception
    assert golden("pages.overview.read_for_the_first_time") == at.title[0].value

    at.button(key="first_run_look").click().run()

    assert not at.exception
    assert at.title[0].value.startswith(golden("pages.overview.nothing_checked") + " Calls never fetched.")


def test_a_wrong_setting_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """An invalid setting is shown as an error with its cure, not as a traceback."""
    monkeypatch.setenv("FLOWROUTE_BASE_URL", "https://api.flowroute.com")
    at = new_app().run()

    assert not at.exception
    assert "FLOWROUTE_ACCESS_KEY" in at.error[0].value.replace("\\", "")


def test_what_is_out_of_date_is_named(app: Callable[..., AppTest], account: Workspace) -> None:
    """Out-of-date calls are named with their age in a warning above the page and in its text."""
    fetched = account.state.get("calls_until")
    account.state.put("calls_until", (datetime.now(UTC) - timedelta(hours=5)).isoformat())
    try:
        at = app("findings")
    finally:
        account.state.put("calls_until", fetched)

    assert golden("pages.account.calls_out_of_date") in at.warning[0].value
    assert any("5 hours ago" in text.value for text in at.markdown)


def test_sync_now_reads_the_account(app: Callable[..., AppTest], account: Workspace) -> None:
    """The sync button reads the account again and advances the time until which calls are fetched."""
    before = account.state.get("calls_until")
    at = app()
    at.button(key="header_sync").click().run()

    assert not at.exception
    assert not at.error
    assert before < account.state.get("calls_until")
