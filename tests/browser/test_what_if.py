"""The What-if page in a real browser: a draft entered by keyboard, its counts, its calls, and the resulting plan."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.browser.conftest import Program, settle
from tests.texts import golden
from tests.waiting import WAIT_MS, WAIT_S

pytestmark = [pytest.mark.browser, pytest.mark.slow]

DENVER = "198.51.100.24"
SEATTLE = "198.51.100.11"
LABELS = ("Unchanged", "Saved", "Broken", "Cannot tell")
CHANGES = [
    [f"{DENVER} (Denver)", golden("pages.policy.not_on_the_list"), "On the list"],
    [f"{SEATTLE} (Seattle)", golden("pages.policy.on_the_list_of_seattle"), golden("pages.policy.not_on_the_list")],
    ["Outbound credentials", "Enabled", "Disabled"],
]
ROW_PX = 35
TYPING_MS = 40


def networks(program: Program) -> list[str]:
    """Return the allowed addresses from the account itself."""
    account = program.account
    answer = requests.get(
        f"{account.url}/portal/allowed-ips", auth=(account.access_key, account.secret_key), timeout=WAIT_S
    )
    return [entry["network"] for entry in answer.json()["entries"]]


def counts(page: Page, where: str) -> list[str]:
    """Return the replay's counts in a part of the page by label; labels without calls are absent."""
    metrics = page.get_by_test_id(where).get_by_test_id("stMetric").filter(visible=True)
    texts = [metric.inner_text() for metric in metrics.all()]
    found = {label: text.rpartition("\n")[2] for text in texts for label in LABELS if label in text}
    return [found.get(label, "0 calls") for label in LABELS]


def add_by_keyboard(page: Page, text: str) -> None:
    """Type an address below the last row of the list."""
    grid = page.get_by_test_id("stDataFrame").first
    box = grid.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 100, box["y"] + box["height"] - ROW_PX / 2)
    field = page.locator("#portal").get_by_role("textbox")
    field.wait_for()
    field.press_sequentially(text, delay=TYPING_MS)
    expect(field).to_have_value(text)
    page.keyboard.press("Enter")
    field.wait_for(state="detached")
    settle(page)


def delete_row(page: Page, place: int) -> None:
    """Select a row of the list and press Delete."""
    grid = page.get_by_test_id("stDataFrame").first
    box = grid.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 18, box["y"] + ROW_PX * (place + 1.5))
    expect(grid.locator('tbody tr[aria-selected="true"]')).to_have_count(1)
    page.keyboard.press("Delete")
    settle(page)


def test_a_draft_becomes_a_plan(
    shared_program: Program, open_page: Callable[..., Page], picture: Callable[..., None]
) -> None:
    """After each edit the counts update at once, lead to calls, and equal those of the plan."""
    program = shared_program
    page = open_page(program.url)
    title = page.get_by_role("heading", level=1)
    expect(page.get_by_text(f"Allow {DENVER}").first).to_be_visible(timeout=WAIT_MS)
    page.goto(f"{program.url}/what_if")
    expect(title).to_contain_text(golden("pages.what_if.nothing_is_changed"), timeout=WAIT_MS)
    settle(page)
    listed = networks(program)
    assert ["0 calls"] * 3 == counts(page, "stMain")[1:]

    add_by_keyboard(page, DENVER)

    expect(title).to_contain_text(golden("pages.what_if.allowing_would_admit", address=DENVER))
    expect(title).to_contain_text("of Denver")
    saved = counts(page, "stMain")[1]
    assert saved != "0 calls"

    delete_row(page, listed.index(SEATTLE))

    expect(title).to_contain_text(golden("pages.what_if.changes_would_block", changes=2))
    expect(title).to_contain_text("of Seattle")
    assert saved == counts(page, "stMain")[1]

    before = counts(page, "stMain")
    page.get_by_test_id("stButtonGroup").get_by_text("Off", exact=True).click()

    expect(title).to_contain_text(golden("pages.what_if.changes_would_block", changes=3))
    settle(page)
    drafted = counts(page, "stMain")
    assert before != drafted

    page.get_by_test_id("stButtonGroup").get_by_text("Saved", exact=True).click()

    expect(
        page.get_by_text(golden("pages.calls.of_calls_in_times", calls=saved.replace(" call", " saved call")))
    ).to_be_visible()
    page.get_by_test_id("stMain").evaluate("main => main.scrollTo(0, 0)")
    page.mouse.move(0, 0)
    settle(page)
    picture(page, "what-if")

    page.get_by_role("button", name="Review as a plan").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text(golden("pages.fixes.effect"))).to_be_visible()
    settle(page)

    rows = dialog.get_by_role("table").get_by_role("row").all()[1:]
    assert CHANGES == [row.get_by_role("cell").all_inner_texts() for row in rows]
    assert drafted == counts(page, "stDialog")
    assert listed == networks(program)

    dialog.get_by_role("button", name="Close", exact=True).last.click()
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="Start over").click()

    expect(title).to_contain_text(golden("pages.what_if.nothing_is_changed"))
    assert ["0 calls"] * 3 == counts(page, "stMain")[1:]
