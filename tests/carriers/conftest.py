"""Fixtures for a carrier over scripted answers; every test checks that no secret leaks and the key stays home."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from dashboard.carriers.flowroute.client import FlowrouteCarrier
from dashboard.carriers.flowroute.portal import DeclaredPortal
from dashboard.core.http.session import HttpSession
from dashboard.emulator.lifecycle import process
from dashboard.storage.database import State
from tests.carriers.scripted import ACCESS, BASIC, ORIGIN, SECRET, SIGNATURE, Script


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[process.Running]:
    """Run one emulator with few calls; each test leaves its account unchanged."""
    home = tmp_path_factory.mktemp("emulator")
    yield process.start(home, calls=300, days=3)
    process.stop(home)


@pytest.fixture
def script() -> Script:
    """Return the scripted carrier."""
    return Script()


@pytest.fixture
def session(script: Script) -> Iterator[requests.Session]:
    """Open a session that sends every request to the scripted carrier."""
    with requests.Session() as opened:
        opened.mount("https://", script)
        opened.mount("http://", script)
        yield opened


@pytest.fixture
def slept() -> list[float]:
    """Collect the seconds of each skipped wait."""
    return []


@pytest.fixture
def transport(session: requests.Session, slept: list[float]) -> HttpSession:
    """Return a transport with the key, over the scripted carrier."""
    return HttpSession(ORIGIN, ACCESS, SECRET, session=session, sleep=slept.append)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """Open an empty state database."""
    opened = State.open(tmp_path / "home")
    yield opened
    opened.close()


@pytest.fixture
def carrier(transport: HttpSession, state: State) -> FlowrouteCarrier:
    """Return a real account over the scripted carrier."""
    return FlowrouteCarrier(transport, DeclaredPortal(state))


@pytest.fixture
def fails() -> Callable[[type[Exception], Callable[[], Any]], str]:
    """Return a function that expects an error and returns its message; no error in the chain may contain a secret."""

    def check(kind: type[Exception], call: Callable[[], Any]) -> str:
        with pytest.raises(kind) as caught:
            call()
        said = "".join(traceback.format_exception(caught.value))
        chain: BaseException | None = caught.value
        while chain is not None:
            said += f"{chain!s}{chain!r}"
            chain = chain.__cause__
        assert not [secret for secret in (ACCESS, SECRET, BASIC, SIGNATURE) if secret in said]
        return str(caught.value)

    return check


@pytest.fixture(autouse=True)
def _no_secret_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Check that the key is in no log record of any library at the most verbose level."""
    caplog.set_level(logging.DEBUG)
    yield
    assert not [secret for secret in (ACCESS, SECRET, BASIC) if secret in caplog.text]


@pytest.fixture(autouse=True)
def _the_key_stays_home(script: Script) -> Iterator[None]:
    """Check that the test sent the key only to the account's origin."""
    yield
    for request in script.sent:
        at_home = str(request.url).startswith(f"{ORIGIN}/")
        assert request.headers.get("Authorization") == (f"Basic {BASIC}" if at_home else None)
        everything = f"{request.url}{request.body!r}"
        assert not [secret for secret in (ACCESS, SECRET, BASIC) if secret in everything]
