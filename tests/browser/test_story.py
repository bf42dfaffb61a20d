"""
The complete workflow in a real browser against the running program.

A user finds the refused PBX and the unwanted address, applies a fix, watches the next calls complete, undoes the fix,
and downloads the compliance CSV.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page, expect
from playwright.sync_api import TimeoutError as NothingCame

from tests.browser.conftest import Program, settle
from tests.texts import golden
from tests.waiting import WAIT_MS, WAIT_S

pytestmark = [pytest.mark.browser, pytest.mark.slow]

DENVER = "198.51.100.24"
INTRUDER = "203.0.113.66"
WATCH_MS = 90_000


def networks(program: Program) -> set[str]:
    """Return the allowed addresses from the account itself."""
    account = program.account
    answer = requests.get(
        f"{account.url}/portal/allowed-ips", auth=(account.access_key, account.secret_key), timeout=WAIT_S
    )
    return {entry["network"] for entry in answer.json()["entries"]}


def card(page: Page, text: str) -> Page:
    """Return the card of Overview with this proposal."""
    cards = page.locator('[data-testid="stVerticalBlock"]').filter(has_text=text)
    return cards.filter(has=page.get_by_role("button", name="Review fix")).last


@pytest.mark.parametrize("refusals_in_cdrs", ["true", "false"])
def test_whole_workflow_succeeds(
    serve: Callable[..., Program], open_page: Callable[..., Page], picture: Callable[..., None], refusals_in_cdrs: str
) -> None:
    """The workflow succeeds whether or not the carrier's CDRs contain refused attempts."""
    ending = "" if refusals_in_cdrs == "true" else "-refusals-unseen"
    program = serve(TRUNKGATE_SAMPLE_REFUSALS_IN_CDRS=refusals_in_cdrs)
    page = open_page(program.url)

    expect(page.get_by_text("SAMPLE", exact=True).locator("visible=true").first).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_text(f"Allow {DENVER}").first).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_text(f"Remove {INTRUDER}").first).to_be_visible()
    title = page.get_by_role("heading", level=1)
    expect(title).to_contain_text("Denver")
    expect(title).to_contain_text(INTRUDER)
    settle(page)
    said = (
        golden("pages.overview.calls_are_rejected", pbx="Denver")
        if refusals_in_cdrs == "true"
        else golden("pages.overview.silent_and_not_listed")
    )
    expect(title).to_contain_text(said)
    picture(page, f"overview{ending}")

    card(page, f"Allow {DENVER}").get_by_role("button", name="Review fix").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text(golden("pages.fixes.effect"))).to_be_visible()
    settle(page)
    picture(page, f"review{ending}")
    assert DENVER not in networks(program)
    dialog.get_by_role("button", name=f"Allow {DENVER}").click()

    expect(dialog.get_by_text(golden("pages.fixes.verified"))).to_be_visible(timeout=WAIT_MS)
    assert DENVER in networks(program)
    expect(dialog.get_by_text(re.compile(r"calls.*, all admitted"))).to_be_visible(timeout=WATCH_MS)
    picture(page, f"watching{ending}")

    dialog.get_by_role("button", name="Undo").click()
    phrase = page.get_by_role("dialog").get_by_label("Type ")
    expect(phrase).to_be_visible(timeout=WAIT_MS)
    undo = page.get_by_role("dialog").get_by_role("button", name="Undo: remove")
    expect(undo).to_be_disabled()
    phrase.fill("Denver")
    expect(undo).to_be_enabled(timeout=WAIT_MS)
    undo.click()
    expect(page.get_by_text(golden("pages.fixes.verified"))).to_be_visible(timeout=WAIT_MS)
    assert DENVER not in networks(program)
    page.get_by_role("dialog").get_by_role("button", name="Close", exact=True).last.click()

    rows = download_findings(page, program)
    assert {"SAMPLE"} == {row["account"] for row in rows}
    failed = {(row["check"], row["subject"]) for row in rows if row["status"] == "fail"}
    assert {("pbx_address_is_allowed", DENVER), ("allowed_ip_has_pbx", INTRUDER)} <= failed
    assert {"pass", "fail"} <= {row["status"] for row in rows}


def download_findings(page: Page, program: Program) -> list[dict[str, str]]:
    """Download the compliance CSV through the page and return its rows."""
    page.goto(f"{program.url}/exports")
    settle(page)
    for patience_ms in (15_000, 120_000, WAIT_MS):
        try:
            with page.expect_download(timeout=patience_ms) as event:
                page.get_by_role("button", name="Download findings.csv").click()
        except NothingCame:
            continue
        return list(csv.DictReader(io.StringIO(Path(event.value.path()).read_bytes().decode())))
    raise AssertionError("three clicks on Download findings.csv brought no file")
