"""Fixtures for the running program and a real browser."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Page, expect, sync_playwright

from dashboard.emulator.lifecycle import process
from dashboard.services.access import links
from tests import router
from tests.waiting import WAIT_MS, WAIT_S, until

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
expect.set_options(timeout=WAIT_MS)
NAMES = ("chromium", "chromium-browser", "google-chrome")
NAME = "Ola"
"""Name of the person at the browser in these tests."""
HOMES: dict[str, Path] = {}
"""Home of each program, by its URL."""
PROBE = re.compile(r"/\w+/_stcore/(health|host-config)$")
"""URLs that the browser requests to find the path of the app; it logs each one that is not found as an error."""
TELL = """
addEventListener("securitypolicyviolation", event =>
    console.error(`policy: ${event.effectiveDirective} refuses ${event.blockedURI} at ${event.sourceFile}`));
"""
"""Script that reports violations of the content security policy, including those that the browser does not log."""
SETTLED = '[data-testid="stApp"][data-test-script-state="notRunning"]'
DRAWN = """
settled => new Promise(stands => {
    const quiet_ms = 300;
    let since = performance.now();
    const seen = new MutationObserver(() => { since = performance.now(); });
    seen.observe(document, {subtree: true, childList: true, attributes: true, characterData: true});
    const moves = animation =>
        animation.playState === "running" && Number.isFinite(animation.effect?.getComputedTiming().endTime);
    const look = setInterval(() => {
        if (!document.querySelector(settled) || document.getAnimations().some(moves)) since = performance.now();
        if (performance.now() - since < quiet_ms) return;
        clearInterval(look);
        seen.disconnect();
        stands();
    }, 20);
})
"""
"""Script that resolves once the app's script is idle and the page has neither changed nor moved for a while."""
DARKNESS = 3 * 128
PAINTED = f"""
dark => {{
    const color = getComputedStyle(document.querySelector('[data-testid="stApp"]')).backgroundColor;
    return color.match(/[0-9.]+/g).slice(0, 3).map(Number).reduce((a, b) => a + b) < {DARKNESS} === dark;
}}
"""
"""Whether the page has a dark background."""
SCHEMES = ("light", "dark")
WIDTHS = {1280: "light", 390: "dark"}
"""
Widths of a desktop and of a phone in pixels, each with the color scheme in which the page is loaded. See ``looks``.
"""
TALLEST = 3200
PAGES = tuple("" if name == router.FIRST_PAGE else name for name in router.PAGES)
"""Paths of the pages in URLs, from the router; that of its start page is empty."""


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run these tests on one worker: they share a browser and mostly wait, while other workers compute."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.xdist_group("browser"))


@dataclass(frozen=True)
class Program:
    """Running ``trunkgate serve`` process."""

    url: str
    home: Path
    child: subprocess.Popen[bytes]

    def stop(self) -> None:
        """Stop the process as its operator does."""
        _stop(self.child)

    @property
    def account(self) -> process.Running:
        """Return the embedded account that it started."""
        found = process.running(self.home)
        assert found is not None
        return found


@pytest.fixture(scope="session")
def picture() -> Callable[..., None]:
    """Take screenshots, of the viewport or of the whole page, if the environment names a folder for them."""
    named = os.environ.get("TRUNKGATE_SCREENSHOTS")
    if not named:
        return lambda *_, **__: None
    folder = Path(named)
    folder.mkdir(parents=True, exist_ok=True)

    def take(page: Page, name: str, *, whole: bool = False) -> None:
        shown = page.viewport_size
        assert shown is not None
        if whole:
            height = int(page.get_by_test_id("stMain").evaluate("element => element.scrollHeight"))
            page.set_viewport_size({"width": shown["width"], "height": min(TALLEST, max(shown["height"], height))})
            settle(page)
        page.screenshot(path=folder / f"{name}.png")
        page.set_viewport_size(shown)

    return take


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Start Chromium, or skip the test with a reason."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("NOT AVAILABLE: chromium. Install it with: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


QUIET_PROGRAM = {"TRUNKGATE_LIVE_CALLS_PER_S": "0", "TRUNKGATE_EMBEDDED_SYNC_EVERY_S": "3600"}
"""Settings of a program without new calls, which syncs once."""


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """Run ``trunkgate serve`` on its own home with live traffic; it ends with the test."""
    with ExitStack() as stack:

        def run(port: int = 0, **settings: str) -> Program:
            return _start(tmp_path, stack, port, settings)

        yield run


@pytest.fixture(scope="session")
def shared_program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """Run ``trunkgate serve`` without live traffic, for tests that do not change the account."""
    with ExitStack() as stack:
        yield _start(tmp_path_factory.mktemp("shared"), stack, 0, QUIET_PROGRAM)


def _start(folder: Path, stack: ExitStack, port: int, settings: Mapping[str, str]) -> Program:
    """Start ``trunkgate serve`` on the home of a folder and wait until it responds; the stack stops it."""
    home = folder / "home"
    port = port or _free_port()
    defaults = {
        "TRUNKGATE_SAMPLE_CALLS": "6000",
        "TRUNKGATE_LIVE_CALLS_PER_S": "5",
        "TRUNKGATE_EMBEDDED_SYNC_EVERY_S": "2",
    }
    log = (folder / "serve.log").open("wb")
    stack.callback(log.close)
    child = subprocess.Popen(
        [Path(sys.executable).with_name("trunkgate"), "serve", "--port", str(port)],
        env={**defaults, **os.environ, **settings, "TRUNKGATE_HOME": str(home)},
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    stack.callback(_stop, child)
    program = Program(f"http://127.0.0.1:{port}", home, child)
    _wait(program, child, folder / "serve.log")
    HOMES[program.url] = home
    return program


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """
    Open pages in a separate context; an error in a page, or a request that leaves the machine, fails the test.

    A console error that contains one of the texts in ``expected`` is allowed.
    """
    faults: list[str] = []
    with ExitStack() as stack:

        def make(
            url: str, *, width: int = 1280, height: int = 900, scheme: str = "light", expected: Sequence[str] = ()
        ) -> Page:
            context = chromium.new_context(
                viewport={"width": width, "height": height},
                color_scheme="dark" if scheme == "dark" else "light",
                accept_downloads=True,
            )
            stack.callback(context.close)
            context.add_init_script(TELL)
            page = context.new_page()
            page.set_default_timeout(WAIT_MS)
            page.on("pageerror", lambda error: faults.append(f"script error: {error}"))
            page.on(
                "request",
                lambda request: (
                    None
                    if request.url.startswith((url, url.replace("http", "ws"), "data:", "blob:"))
                    else faults.append(f"left the machine: {request.url}")
                ),
            )
            page.on(
                "console",
                lambda message: (
                    faults.append(f"console: {message.text} ({message.location['url']})")
                    if message.type == "error"
                    and not PROBE.search(message.location["url"])
                    and not any(words in message.text for words in expected)
                    else None
                ),
            )
            enter(page, url)
            return page

        yield make
    assert [] == faults


def enter(page: Page, url: str) -> None:
    """Admit a browser with a new one-time link and set the person's name."""
    page.goto(links.address(url, links.make(HOMES[url])))
    name = page.get_by_role("textbox", name="Your name")
    name.fill(NAME)
    name.press("Enter")
    page.get_by_test_id("stPopover").get_by_text(NAME).wait_for()
    settle(page)


def visit(page: Page, url: str) -> None:
    """Open a page of the app and wait until it is drawn."""
    page.goto(url)
    page.get_by_role("heading", level=1).first.wait_for(timeout=WAIT_MS)
    settle(page)


def settle(page: Page) -> None:
    """Wait until the page's script has run and the page is drawn."""
    page.wait_for_selector(SETTLED, timeout=WAIT_MS)
    page.evaluate(DRAWN, SETTLED)


def looks(page: Page) -> Iterator[str]:
    """Show a drawn page in both color schemes, first the one it was loaded in; it ends in that one."""
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    for scheme in (SCHEMES[dark], SCHEMES[not dark]):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(PAINTED, arg=scheme == "dark", timeout=WAIT_MS)
        yield scheme
    page.emulate_media(color_scheme=SCHEMES[dark])


def check_looks(page: Page, name: str, picture: Callable[..., None]) -> None:
    """Check in both color schemes that a drawn page has no error and does not scroll horizontally."""
    size = page.viewport_size
    assert size is not None
    for scheme in looks(page):
        assert page.get_by_test_id("stException").count() == 0, (name, scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], (name, scheme)
        picture(page, f"{name or router.FIRST_PAGE}-{scheme}-{size['width']}", whole=True)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait(program: Program, child: subprocess.Popen[bytes], log: Path) -> None:
    until(lambda: _is_healthy(program), going=lambda: child.poll() is None, say=log.read_text)


def _is_healthy(program: Program) -> bool:
    try:
        return requests.get(f"{program.url}/healthz", timeout=WAIT_S).ok
    except requests.RequestException:
        return False


def _stop(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is not None:
        return
    child.send_signal(signal.SIGTERM)
    try:
        child.wait(WAIT_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
        raise AssertionError(f"serve did not end within {WAIT_S} s of SIGTERM") from None
