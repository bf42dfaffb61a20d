"""Workload: real clicks in Chromium, each timed in the page from the click to the last DOM change."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SETTLED = '[data-testid="stApp"][data-test-script-state="notRunning"]'
LONGEST_MS = 180_000
PAUSE_MS = 250
TIMER = Path(__file__).with_name("clicks.js").read_text(encoding="utf-8")
ROW_PX = 35
MARGIN_PX = 16
FIRST_ROW = 1.5
DAYS = 30
WARM_UP = 2
"""Turns before the first that is counted."""


def there() -> str | None:
    """Return the path of Chromium, or ``None`` if it is not installed."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=there(), args=QUIET)
        yield browser
        browser.close()


def opened(browser: Browser, url: str, link: str = "") -> Page:
    """Open a page in a new window, through a one-time link if there is a gate, and wait until it is drawn."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(LONGEST_MS)
    page.add_init_script(f"document.addEventListener('DOMContentLoaded', () => {{ {TIMER} }})")
    if link:
        page.goto(link)
        stand(page)
    page.goto(url)
    stand(page)
    return page


def stand(page: Page) -> None:
    """Wait until the page's script has run and its title is drawn."""
    page.get_by_role("heading", level=1).wait_for()
    page.wait_for_selector(SETTLED)
    page.wait_for_timeout(4 * PAUSE_MS)
    page.wait_for_selector(SETTLED)


def span(page: Page, turn: int) -> float:
    """Select the other time span."""
    chosen = page.get_by_role("radio", name=("30 days", "7 days")[turn % 2], exact=True)
    return _timed(page, chosen.click)


def outcome(page: Page, turn: int) -> float:
    """Select an outcome, or any outcome."""
    page.get_by_role("combobox", name="Outcome").click()
    chosen = page.get_by_role("option", name=("Answered", "Any outcome")[turn % 2], exact=True)
    chosen.wait_for()
    return _timed(page, chosen.click)


def row(page: Page, turn: int) -> float:
    """Select a row of the table."""
    table = page.get_by_test_id("stDataFrame").last
    table.scroll_into_view_if_needed()
    page.wait_for_timeout(PAUSE_MS)
    box = table.bounding_box()
    assert box is not None
    where = box["x"] + MARGIN_PX, box["y"] + ROW_PX * (FIRST_ROW + turn % 5)
    return _timed(page, lambda: page.mouse.click(*where))


def pbx(page: Page, turn: int) -> float:
    """Select a PBX that was not selected before."""
    box = page.get_by_role("combobox", name="PBX")
    box.click()
    box.fill(f"{turn + WARM_UP:03}")
    page.get_by_role("option").first.wait_for()
    return _timed(page, lambda: box.press("Enter"))


def search(page: Page, turn: int) -> float:
    """Search for digits that were not searched for before."""
    box = page.get_by_role("textbox", name="Number, or part of it")
    box.fill(f"55501{turn + WARM_UP:02}")
    return _timed(page, lambda: box.press("Enter"))


def switch(page: Page, turn: int) -> float:
    """Toggle the switch of the draft, so that every past call is evaluated."""
    chosen = page.get_by_role("radio", name=("Off", "On")[turn % 2], exact=True)
    return _timed(page, chosen.click)


def stretch(page: Page, turn: int) -> float:
    """Brush a range of the timeline chart, a different one each turn."""
    box = _chart(page, 0)
    left = box["x"] + box["width"] * (0.1 + (turn + WARM_UP) / DAYS)
    middle = box["y"] + box["height"] / 2

    def draw() -> None:
        page.mouse.down()
        page.mouse.move(left + box["width"] / 8, middle)
        page.mouse.move(left + box["width"] / 4, middle)
        page.mouse.up()

    page.mouse.move(left, middle)
    return _timed(page, draw)


def bar(page: Page, turn: int) -> float:
    """Select one of the bars by PBX, a different one each turn."""
    _chart(page, 1)
    bars = page.get_by_test_id("stVegaLiteChart").nth(1).locator(".mark-rect.role-mark path")
    chosen = bars.nth(bars.count() * (turn % 3) // 3)
    return _timed(page, lambda: chosen.click(force=True))


def review(page: Page, turn: int) -> float:
    """Open the review of a fix, which was closed before."""
    if page.get_by_role("dialog").count():
        page.keyboard.press("Escape")
        page.get_by_role("dialog").wait_for(state="detached")
    buttons = page.get_by_role("button", name="Review fix")
    chosen = buttons.nth(turn % buttons.count())
    return _timed(page, chosen.click)


def _chart(page: Page, place: int) -> Any:
    """Scroll a chart into view and return its position."""
    chart = page.get_by_test_id("stVegaLiteChart").nth(place)
    chart.scroll_into_view_if_needed()
    page.wait_for_timeout(PAUSE_MS)
    return chart.bounding_box()


def other_page(page: Page, turn: int) -> float:
    """Navigate to Findings, or back to Overview."""
    name = ("Findings", "Overview")[turn % 2]
    link = page.get_by_test_id("stSidebarNavLink").filter(has_text=name)
    return _timed(page, link.click)


CLICKS: dict[str, tuple[str, Callable[[Page, int], float]]] = {
    "Calls: time span": ("calls", span),
    "Calls: outcome": ("calls", outcome),
    "Calls: row of the table": ("calls", row),
    "Calls: another PBX each time": ("calls", pbx),
    "Calls: another number looked for each time": ("calls", search),
    "Calls: a stretch of time drawn": ("calls?span=30+days", stretch),
    "Calls: a bar": ("calls", bar),
    "Outcomes: time span": ("outcomes", span),
    "What if: credentials on and off": ("what_if", switch),
    "Overview to Findings and back": ("", other_page),
    "Overview: review of a fix": ("", review),
}
"""Kinds of click, each with its page."""


def _timed(page: Page, click: Callable[[], None]) -> float:
    page.wait_for_timeout(PAUSE_MS)
    page.wait_for_selector(SETTLED)
    page.evaluate("bench.arm()")
    click()
    return float(page.evaluate(f"bench.settled({LONGEST_MS})")) / 1000
