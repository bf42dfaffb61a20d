"""A session that ends during an action, in a real browser, by sign-out in another tab."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
import requests
from playwright.sync_api import Page, expect

from dashboard.services.access import links
from dashboard.storage.database import State
from dashboard.storage.journal import PHASE_BEGUN, PHASE_DONE, Journal
from tests.browser.conftest import HOMES, NAME, QUIET_PROGRAM, Program, settle
from tests.browser.test_story import DENVER, card, networks
from tests.texts import golden
from tests.waiting import WAIT_MS, WAIT_S, until

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SLOW_S = 5
ENDED = golden("pages.entrance.session_has_ended")


def review(page: Page) -> None:
    """Open the review of Denver's fix."""
    expect(page.get_by_text(f"Allow {DENVER}").first).to_be_visible(timeout=WAIT_MS)
    settle(page)
    card(page, f"Allow {DENVER}").get_by_role("button", name="Review fix").click()
    expect(page.get_by_role("dialog").get_by_text(golden("pages.fixes.effect"))).to_be_visible()
    settle(page)


def phases(program: Program) -> list[str]:
    """Return the phases of a home's fixes, oldest first."""
    return [entry.phase for entry in Journal(State.open(program.home)).entries()]


@pytest.mark.timeout(900)
def test_fix_completes_when_its_session_ends(serve: Callable[..., Program], open_page: Callable[..., Page]) -> None:
    """The fix completes with an outcome; both tabs show the ended session; a new link shows the fix."""
    program = serve(**QUIET_PROGRAM)
    page = open_page(program.url, expected=["401 (Unauthorized)"])
    review(page)
    tab = page.context.new_page()
    tab.goto(f"{program.url}/fixes")
    tab.get_by_test_id("stPopover").get_by_text(NAME).click()
    out = tab.get_by_role("button", name="Sign out")
    expect(out).to_be_visible()
    account = program.account
    faults = f"{account.url}/portal/faults"
    key = (account.access_key, account.secret_key)
    assert requests.patch(faults, json={"slow_s": SLOW_S}, auth=key, timeout=WAIT_S).ok

    page.get_by_role("dialog").get_by_role("button", name=f"Allow {DENVER}").click()
    until(lambda: phases(program) == [PHASE_BEGUN])
    out.click()

    for each in (page, tab):
        expect(each.get_by_role("heading", name=ENDED)).to_be_visible()
    assert phases(program) == [PHASE_BEGUN]
    assert requests.delete(faults, auth=key, timeout=WAIT_S).ok
    until(lambda: len(phases(program)) > 1)
    assert phases(program) == [PHASE_BEGUN, PHASE_DONE]
    assert DENVER in networks(program)

    page.goto(links.address(program.url, links.make(HOMES[program.url], name="Kim")))
    page.get_by_test_id("stPopover").get_by_text("Kim").wait_for()
    page.goto(f"{program.url}/fixes")
    expect(page.get_by_role("heading", level=1)).to_contain_text("1 active fix.")


def test_tab_of_an_earlier_process_is_disabled(serve: Callable[..., Program], open_page: Callable[..., Page]) -> None:
    """Buttons in a tab of an earlier process are disabled, and the tab names the command that creates a new link."""
    program = serve(**QUIET_PROGRAM)
    page = open_page(program.url, expected=[""])  # Streamlit logs an error for each request to a stopped server
    review(page)
    program.stop()
    again = serve(urlsplit(program.url).port, **QUIET_PROGRAM)
    before = networks(again)

    expect(page.get_by_role("dialog").get_by_text("Connection error")).to_be_visible()
    expect(page.get_by_text(ENDED)).to_be_visible()
    expect(page.get_by_text("Run trunkgate link")).to_be_visible()
    press = page.get_by_role("button", name=f"Allow {DENVER}").last
    expect(press).to_be_disabled()
    press.dispatch_event("click")
    page.reload()

    expect(page.get_by_role("heading", name=ENDED)).to_be_visible()
    assert before == networks(again)
    assert [] == phases(again)
