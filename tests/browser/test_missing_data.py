"""Six states of missing data on a real account, in a real browser: both themes, desktop and phone."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests import faulty_homes
from tests.browser.conftest import QUIET_PROGRAM, WIDTHS, Program, looks, settle, visit
from tests.faulty_homes import KEYS, PUBLIC
from tests.texts import golden
from tests.waiting import WAIT_MS

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NOWHERE = "http://127.0.0.1:9"
"""Carrier URL of a local port that does not answer, so that no request leaves the machine."""
STATES = {
    "never-read": ("calls missing", "routes missing", "carrier down"),
    "stale-calls": ("calls stale",),
    "no-list": ("allowed_ips missing", "credentials missing"),
    "stale-inventory": ("inventory stale",),
    "carrier-down": ("carrier down",),
}
"""States beside the first run, each with its faults."""
POSITIVE = (
    golden("pages.overview.every_pbx_places_calls"),
    "Nothing to fix",
    "No failures found.",
    golden("pages.overview.each_belongs_to_a_pbx"),
)
"""Positive statements; the last one requires only the list and the inventory."""
PAGES = ("", "findings", "account")
"""Pages on a desktop; a phone shows the first one, because ``test_pages`` holds the layout of all."""
DESKTOP = max(WIDTHS)


def test_pages_name_missing_data_in_every_theme(
    serve: Callable[..., Program], open_page: Callable[..., Page], picture: Callable[..., None]
) -> None:
    """In every state and look, pages name the missing data, fit the screen, and make no positive statement."""
    program = serve(**KEYS, HTTPS_PROXY=NOWHERE, TRUNKGATE_PUBLIC_RANGES=PUBLIC)
    pages = {width: open_page(program.url, scheme=loaded, width=width) for width, loaded in WIDTHS.items()}
    for width, page in pages.items():
        expect(page.get_by_role("heading", level=1)).to_contain_text(
            golden("pages.overview.could_not_be_read_yet"), timeout=WAIT_MS
        )
        for scheme in looks(page):
            picture(page, f"missing-first-run-{scheme}-{width}", whole=True)
    for state, faults in STATES.items():
        write = faulty_homes.make if state == "stale-calls" else faulty_homes.set_faults
        write(program.home, faults, refused=True)
        claims = POSITIVE if state in ("no-list", "stale-inventory") else POSITIVE[:-1]
        for width, page in pages.items():
            for name in PAGES[: len(PAGES) if width == DESKTOP else 1]:
                _open(page, f"{program.url}/{name}")
                for scheme in looks(page):
                    said = page.get_by_test_id("stMain").inner_text()
                    assert [] == [words for words in claims if words in said], (state, name, scheme)
                    assert page.evaluate("document.documentElement.scrollWidth") <= width, (state, name, scheme)
                    picture(page, f"missing-{state}-{name or 'overview'}-{scheme}-{width}", whole=True)


def _open(page: Page, url: str) -> None:
    """Open a page; where calls were never read, show the data known so far."""
    visit(page, url)
    look = page.get_by_role("button", name="Show what is known so far")
    if look.count():
        look.click()
        expect(look).to_be_hidden(timeout=WAIT_MS)
        settle(page)
    expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=WAIT_MS)
    assert page.get_by_test_id("stException").count() == 0, url


def test_ages_update_while_a_page_is_open(serve: Callable[..., Program], open_page: Callable[..., Page]) -> None:
    """The header and the freshness of each input are updated without a click."""
    program = serve(**QUIET_PROGRAM)
    page = open_page(program.url)
    synced = page.get_by_text("Synced").first
    calls = page.get_by_test_id("stMain").get_by_text(re.compile(r"^Calls, "))
    before = synced.inner_text(), calls.inner_text()

    for each, was in zip((synced, calls), before, strict=True):
        expect(each).not_to_have_text(was, timeout=WAIT_MS)
        expect(each).to_contain_text("ago")
