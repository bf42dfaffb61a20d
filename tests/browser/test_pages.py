"""Every page on a phone, in a real browser: both themes, no traceback, no horizontal overflow."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import PAGES, WIDTHS, Program, check_looks, visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PHONE = min(WIDTHS)


def test_every_page_fits_a_phone(
    shared_program: Program, open_page: Callable[..., Page], picture: Callable[..., None]
) -> None:
    """A page shows its title and no error, and does not scroll horizontally; ``test_policy`` holds the desktop."""
    page = open_page(shared_program.url, width=PHONE, scheme=WIDTHS[PHONE])
    for name in PAGES:
        visit(page, f"{shared_program.url}/{name}")
        check_looks(page, name, picture)
