"""
Every page on a desktop, in a real browser: both themes, no horizontal overflow, and every interactive element.

All of it under the content security policy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import PAGES, Program, check_looks, settle, visit
from tests.texts import golden
from tests.waiting import WAIT_MS

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MOST = 2
"""Maximum number of elements of a kind tried per page."""
ROW_PX = 35
CSV = {
    "name": "pbxs.csv",
    "mimeType": "text/csv",
    "buffer": b"Name,Public IP,Numbers\nTulsa,198.51.100.81,19185550100\n",
}
CLOSED = '[data-testid="stExpander"] details:not([open]) > summary'


def seen(found: Locator) -> list[Locator]:
    """Return some of the visible elements of a kind."""
    return found.locator("visible=true").all()[:MOST]


def open_expanders(page: Page) -> Iterator[str]:
    """Open closed expanders."""
    for closed in seen(page.get_by_test_id("stMain").locator(CLOSED)):
        closed.click()
        yield "expander"


def copy_code(page: Page) -> Iterator[str]:
    """Copy code blocks to the clipboard."""
    for code in seen(page.get_by_test_id("stMain").get_by_test_id("stCode")):
        code.hover()
        code.get_by_role("button").first.click()
        yield "code"


def open_tabs(page: Page) -> Iterator[str]:
    """Open every tab, with the code in it."""
    for tab in page.get_by_test_id("stMain").get_by_role("tab").locator("visible=true").all():
        tab.click()
        settle(page)
        yield "tab"
        yield from copy_code(page)


def enlarge(page: Page) -> Iterator[str]:
    """Open tables and charts in full screen."""
    for kind in ("stDataFrame", "stVegaLiteChart"):
        for element in seen(page.get_by_test_id("stMain").get_by_test_id(kind)):
            yield kind
            element.scroll_into_view_if_needed()
            element.hover(force=True)
            button = page.get_by_role("button", name="Fullscreen").locator("visible=true")
            if button.count():
                button.first.click(force=True)
                settle(page)
                page.keyboard.press("Escape")


def open_popovers(page: Page) -> Iterator[str]:
    """Open the menus of the header and the page."""
    for popover in seen(page.get_by_test_id("stPopover").get_by_role("button")):
        popover.click()
        expect(page.get_by_test_id("stPopoverBody")).to_be_visible()
        page.keyboard.press("Escape")
        yield "popover"


def upload(page: Page) -> Iterator[str]:
    """Upload a file to each uploader."""
    for field in page.get_by_test_id("stMain").locator('input[type="file"]').all()[:MOST]:
        field.set_input_files([CSV])
        settle(page)
        yield "upload"


def download(page: Page) -> Iterator[str]:
    """Click each download button."""
    for button in seen(page.get_by_test_id("stMain").get_by_test_id("stDownloadButton").get_by_role("button")):
        if button.is_enabled():
            button.click()
            yield "download"


KINDS: tuple[Callable[[Page], Iterator[str]], ...] = (
    open_expanders,
    open_tabs,
    copy_code,
    enlarge,
    open_popovers,
    upload,
    download,
)


@pytest.mark.timeout(900)
def test_pages_cause_no_policy_violation(
    shared_program: Program, open_page: Callable[..., Page], picture: Callable[..., None]
) -> None:
    """
    Drawing every page and opening every element of it causes no policy violation and no console error.

    ``open_page`` collects both. As a control, an injected script is refused and reported.
    """
    program = shared_program
    page = open_page(program.url)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=program.url)
    expect(page.get_by_text("Allow 198.51.100.24").first).to_be_visible(timeout=WAIT_MS)
    kinds: set[str] = set()
    for name in PAGES:
        visit(page, f"{program.url}/{name}")
        check_looks(page, name, picture)
        if name == "inventory":
            box = page.get_by_test_id("stDataFrame").first.bounding_box()
            assert box is not None
            page.mouse.click(box["x"] + 18, box["y"] + ROW_PX * 1.5)
            settle(page)
        for kind in KINDS:
            kinds |= {*kind(page)}
            settle(page)
        assert page.get_by_test_id("stException").count() == 0, name
    page.goto(program.url)
    settle(page)
    page.get_by_role("button", name="Review fix").first.click()
    expect(page.get_by_role("dialog").get_by_text(golden("pages.fixes.effect"))).to_be_visible()

    wanted = {"expander", "tab", "code", "stDataFrame", "stVegaLiteChart", "popover", "upload", "download"}
    assert set() == wanted - kinds

    control = open_page(program.url, expected=["script-src"])
    with control.expect_console_message(lambda message: message.text.startswith("policy: script-src")):
        control.evaluate(
            "document.head.append(Object.assign(document.createElement('script'), {textContent: 'window.run = 1'}))"
        )
    assert control.evaluate("window.run") is None
