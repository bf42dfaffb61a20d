"""A carrier over the script, and what holds in every test here: no secret comes out, the key stays home."""

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
    """Run one emulator with few calls; each test leaves its account as it was."""
    home = tmp_path_factory.mktemp("emulator")
    yield process.start(home, calls=300, days=3)
    process.stop(home)


@pytest.fixture
def script() -> Script:
    """Return the scripted carrier."""
    return Script()


@pytest.fixture
def session(script: Script) -> Iterator[requests.Session]:
    """Open a session in which every address leads to the script."""
    with requests.Session() as opened:
        opened.mount("https://", script)
        opened.mount("http://", script)
        yield opened


@pytest.fixture
def slept() -> list[float]:
    """Collect the seconds that would have been waited."""
    return []


@pytest.fixture
def transport(session: requests.Session, slept: list[float]) -> HttpSession:
    """Return a transport with the key, over the script."""
    return HttpSession(ORIGIN, ACCESS, SECRET, session=session, sleep=slept.append)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """Open an empty state database."""
    opened = State.open(tmp_path / "home")
    yield opened
    opened.close()


@pytest.fixture
def carrier(transport: HttpSession, state: State) -> FlowrouteCarrier:
    """Return a real account over the script."""
    return FlowrouteCarrier(transport, DeclaredPortal(state))


@pytest.fixture
def fails() -> Callable[[type[Exception], Callable[[], Any]], str]:
    """Call what must fail and return the message; no error, and none behind it, may hold a secret."""

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
    """At the most talkative level, the key is in no record of any library."""
    caplog.set_level(logging.DEBUG)
    yield
    assert not [secret for secret in (ACCESS, SECRET, BASIC) if secret in caplog.text]


@pytest.fixture(autouse=True)
def _the_key_stays_home(script: Script) -> Iterator[None]:
    """Whatever a test does, the key went to the account's origin and to nothing else."""
    yield
    for request in script.sent:
        at_home = str(request.url).startswith(f"{ORIGIN}/")
        assert request.headers.get("Authorization") == (f"Basic {BASIC}" if at_home else None)
        everything = f"{request.url}{request.body!r}"
        assert not [secret for secret in (ACCESS, SECRET, BASIC) if secret in everything]
