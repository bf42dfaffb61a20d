"""Every page in a real browser: both themes, a desk and a telephone, no traceback, nothing wider than the screen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Program, settle
from tests.waiting import WAIT_MS

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAGES = ("", "findings", "fixes", "calls", "outcomes", "what_if", "account", "inventory", "set_up_pbx", "exports")
LOOKS = [(scheme, width) for scheme in ("light", "dark") for width in (1280, 390)]
TALLEST = 3200


def test_every_page_in_every_look(
    serve: Callable[..., Program], open_page: Callable[..., Page], screenshots: Path
) -> None:
    """A page shows its title and no error, and never has to be scrolled sideways."""
    program = serve()
    for scheme, width in LOOKS:
        page = open_page(program.url, width=width, scheme=scheme)
        expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=WAIT_MS)
        for name in PAGES:
            page.goto(f"{program.url}/{name}")
            settle(page)
            expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=WAIT_MS)
            assert page.get_by_test_id("stException").count() == 0, name
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name
            main = page.get_by_test_id("stMain")
            height = min(TALLEST, max(900, int(main.evaluate("element => element.scrollHeight"))))
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_timeout(500)  # charts fit themselves to the size; only the picture depends on it
            page.screenshot(path=screenshots / f"{name or 'overview'}-{scheme}-{width}.png")
            page.set_viewport_size({"width": width, "height": 900})
