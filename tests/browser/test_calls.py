"""The Calls page in a real browser: selections on a chart filter the whole page, and the link is shareable."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from dashboard.charts.encodings import NOT_CHOSEN
from tests.browser.conftest import Program, settle
from tests.texts import golden, golden_pattern
from tests.waiting import WAIT_MS

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def dimmed(page: Page) -> Locator:
    """Return the bars of the timeline chart that are outside the selected range."""
    return page.get_by_test_id("stVegaLiteChart").nth(0).locator(f'path[opacity="{NOT_CHOSEN}"]')


def test_bar_click_and_brushed_range_filter_the_page(shared_program: Program, open_page: Callable[..., Page]) -> None:
    """A click on a PBX's bar and a brushed time range update title and link, and the link shows the same page."""
    program = shared_program
    page = open_page(program.url)
    page.goto(f"{program.url}/calls?span=30+days")
    title = page.get_by_role("heading", level=1)
    charts = page.get_by_test_id("stVegaLiteChart")
    expect(title).to_contain_text(golden("pages.calls.in_30_days"), timeout=WAIT_MS)
    settle(page)  # a chart that is still being drawn would move the bars under the click

    charts.nth(1).locator('path[aria-label*="Denver"]').first.click(force=True)

    expect(title).to_contain_text(golden("pages.calls.of_pbx_in_30_days"))
    expect(page).to_have_url(re.compile("from=Denver"))
    settle(page)

    box = charts.nth(0).bounding_box()
    assert box is not None
    height = box["y"] + box["height"] * 0.6
    page.mouse.move(box["x"] + box["width"] * 0.4, height)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, height, steps=8)
    page.mouse.up()

    expect(title).to_contain_text(re.compile(r"of Denver from \d+ \w+ 00:00 to \d+ \w+ 00:00"))
    settle(page)
    expect(dimmed(page).first).to_be_attached()
    narrowed = title.inner_text()
    shared = page.url
    matching = narrowed.partition(" ")[0]
    expect(
        page.get_by_text(
            re.compile(
                golden_pattern("pages.calls.matching", matching=matching) + f"|^{matching} calls?: all that match"
            )
        )
    ).to_be_visible()
    other = open_page(program.url)
    other.goto(shared)
    expect(other.get_by_role("heading", level=1)).to_have_text(narrowed)
    expect(dimmed(other).first).to_be_attached()

    page.get_by_role("button", name="Clear filters").click()
    expect(title).to_contain_text(golden("pages.calls.in_30_days"))
    settle(page)
    expect(dimmed(page)).to_have_count(0)
