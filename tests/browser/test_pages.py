"""Every page in a real browser: both themes, desktop and phone, no traceback, no horizontal overflow."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import WIDTHS, Program, looks, visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAGES = ("", "findings", "fixes", "calls", "outcomes", "what_if", "account", "inventory", "set_up_pbx", "exports")


def test_every_page_in_every_look(
    serve: Callable[..., Program], open_page: Callable[..., Page], picture: Callable[..., None]
) -> None:
    """A page shows its title and no error, and does not scroll horizontally."""
    program = serve()
    for width, loaded in WIDTHS.items():
        page = open_page(program.url, width=width, scheme=loaded)
        for name in PAGES:
            visit(page, f"{program.url}/{name}")
            for scheme in looks(page):
                assert page.get_by_test_id("stException").count() == 0, (name, scheme)
                assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, scheme)
                picture(page, f"{name or 'overview'}-{scheme}-{width}", whole=True)
