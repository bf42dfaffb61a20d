"""Fixtures for pages: the app on a small sample account of its own, without a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit import config
from streamlit.testing.v1 import AppTest

from dashboard.core.settings import SYNCED_BY, Settings
from dashboard.services.workspace import Workspace
from dashboard.web import sessions
from tests.apps import new_app

CALLS = 3_000
PERSON = "Ola"
"""Name of the person at the browser."""


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a module on one worker, in their order, because they share an account."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


@pytest.fixture(autouse=True)
def _shown_errors(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Show errors in full, disable the background sync, and set the browser's session."""
    monkeypatch.setenv(SYNCED_BY, "tests")
    config.set_option("client.showErrorDetails", "full")
    sessions.stand_in(sessions.Session(made_by="kim", name=PERSON))
    yield
    sessions.stand_in(None)


def clear_caches() -> None:
    """Close the homes that pages have opened, and forget what they have computed."""
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture(autouse=True, scope="module")
def _caches_of_a_module() -> Iterator[None]:
    """Keep the caches from test to test of a module, as a server does from page to page."""
    yield
    clear_caches()


@pytest.fixture
def no_caches() -> Iterator[None]:
    """Clear the caches before and after a test that changes what pages do not read again at once, such as calls."""
    clear_caches()
    yield
    clear_caches()


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Open a sample account that is synced once for all tests of a module."""
    settings = Settings(home=tmp_path_factory.mktemp("account"), sample_calls=CALLS)
    with Workspace.open(settings) as opened:
        opened.sync()
        yield opened


@pytest.fixture
def app(account: Workspace, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """Return a function that opens a page of the app on the sample account."""
    monkeypatch.setenv("TRUNKGATE_HOME", str(account.settings.home))

    def opened(page: str = "", **query: Any) -> AppTest:
        at = new_app()
        if page:
            at.switch_page(f"web/pages/{page}.py")
        at.query_params.update(query)
        at.run()
        assert not at.exception
        return at

    return opened
