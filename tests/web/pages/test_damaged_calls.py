"""Pages on a call store with a truncated file: each shows the repair command until the store is repaired."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.calls.store.repair import repair
from dashboard.services.workspace import Workspace
from tests.texts import golden

PAGES = ("overview", "findings", "calls", "outcomes", "what_if", "exports")


@pytest.fixture
def cut(account: Workspace) -> date:
    """Truncate the roll-up of a day and return the day."""
    generations = account.store.generations
    day = sorted(generations.current().days)[-5]
    part = generations.path(generations.current().days[day].traffic[0])
    part.write_bytes(part.read_bytes()[:100])
    return day


def test_every_page_says_the_cure_of_a_damaged_day(app: Callable[..., AppTest], account: Workspace, cut: date) -> None:
    """Each page shows an error with the repair command and no traceback; after the repair it shows no error."""
    for page in PAGES:
        found = app(page)
        assert any(golden("errors.calls.repair_day", day=cut) in error.value for error in found.error), page
        assert not found.exception

    repair(account.store, {cut})
    for page in PAGES:
        found = app(page)
        assert not found.error, page
        assert not found.exception
