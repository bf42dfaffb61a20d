"""Onboarding of several PBXs in a real browser: pasted, added, reviewed, interrupted and resumed, allowed together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.browser.conftest import QUIET_PROGRAM, WIDTHS, Program, looks, settle, visit
from tests.texts import golden
from tests.waiting import WAIT_MS, WAIT_S

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TABLE = (
    "Name\tPublic IP\tNumbers\n"
    "Tulsa\t198.51.100.81\t19185550100\n"
    "Omaha\t198.51.100.82\t14025550100\n"
    "Reno\t10.0.0.1\t17755550100\n"
    "Boise\tdynamic\t12085550100\n"
    "<script>document.title = 'run'</script>\t198.51.100.83\t\n"
    "=cmd()\t198.51.100.84\t\n"
)
NEW = ["198.51.100.81", "198.51.100.82", "198.51.100.83"]
ROW_PX = 35


def networks(program: Program) -> set[str]:
    """Return the allowed addresses from the account itself."""
    account = program.account
    answer = requests.get(
        f"{account.url}/portal/allowed-ips", auth=(account.access_key, account.secret_key), timeout=WAIT_S
    )
    return {entry["network"] for entry in answer.json()["entries"]}


def paste(page: Page, text: str) -> None:
    """Open the input field and enter a table."""
    page.get_by_text("Add PBXs from a table").click()
    page.get_by_role("textbox", name="Table of PBXs").fill(text)
    page.keyboard.press("Control+Enter")
    settle(page)


def test_several_pbxs_are_set_up_at_once(  # noqa: PLR0915 - one complete user story
    serve: Callable[..., Program], open_page: Callable[..., Page], picture: Callable[..., None]
) -> None:
    """A pasted table leads to allowed addresses, and interrupted work can be resumed."""
    program = serve(**QUIET_PROGRAM)
    page = open_page(program.url)

    def opened(url: str = "", **looks: Any) -> Page:
        """Open a page in a new browser context."""
        other = open_page(program.url, **looks)
        visit(other, url or f"{program.url}/set_up_pbx")
        return other

    title = page.get_by_role("heading", level=1)
    expect(page.get_by_text("Allow 198.51.100.24").first).to_be_visible(timeout=WAIT_MS)
    page.goto(f"{program.url}/set_up_pbx")
    expect(title).to_contain_text("next: allow 2 addresses", timeout=WAIT_MS)
    settle(page)
    tab = page.title()

    paste(page, TABLE)

    expect(page.get_by_text(golden("pages.set_up.two_cannot_be_taken"))).to_be_visible()
    expect(page.get_by_text("Line 4: 10.0.0.1 " + golden("errors.addresses.is_private"))).to_be_visible()
    for width, loaded in WIDTHS.items():
        other = opened(width=width, scheme=loaded)
        paste(other, TABLE)
        for scheme in looks(other):
            assert other.evaluate("document.documentElement.scrollWidth") <= width
            picture(other, f"set-up-paste-{scheme}-{width}", whole=True)
    page.get_by_role("button", name="Add 4 PBXs").click()

    expect(title).to_contain_text(golden("pages.set_up.progress"))
    expect(title).to_contain_text("next: allow 5 addresses")
    settle(page)
    assert tab == page.title()
    for width, loaded in WIDTHS.items():
        other = opened(width=width, scheme=loaded)
        for scheme in looks(other):
            assert other.evaluate("document.documentElement.scrollWidth") <= width
            picture(other, f"set-up-many-{scheme}-{width}", whole=True)

    box = page.get_by_test_id("stDataFrame").filter(visible=True).last.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 18, box["y"] + ROW_PX * 2.5)

    expect(title).to_contain_text(golden("pages.set_up.next_is_dial", step=2))
    settle(page)
    left = page.url
    assert "pbx_id=" in left
    page.get_by_text("3. Put its configuration on it").click()
    settle(page)
    page.get_by_role("button", name="I put it on the PBX").click()
    expect(title).to_contain_text(golden("pages.set_up.next_is_allow", step=4))

    again = opened(left)
    expect(again.get_by_role("heading", level=1)).to_contain_text(golden("pages.set_up.next_is_allow", step=4))
    expect(again.get_by_text("Said, not proven").first).to_be_visible()
    picture(again, "set-up-one", whole=True)

    page.get_by_role("button", name="All PBXs").click()
    settle(page)
    page.get_by_role("button", name="Allow 5 addresses").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text(golden("pages.fixes.effect"))).to_be_visible()
    settle(page)
    assert 6 == dialog.get_by_role("table").get_by_role("row").count()
    picture(page, "set-up-plan")
    assert not networks(program) & {*NEW}

    dialog.get_by_role("button", name="Make these 5 changes").click()

    expect(dialog.get_by_text("Done, and verified")).to_be_visible()
    assert {*NEW} <= networks(program)
    dialog.get_by_role("button", name="Done", exact=True).click()
    expect(title).not_to_contain_text("allow")
