"""Fixtures: one lab per module, for tests that place real calls."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import lab as labs
from tests.lab.lab import Lab

SOURCES = ("198.51.100.11", "198.51.100.12", "198.51.100.24", "198.51.100.40", "203.0.113.66")


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run these tests on one worker, and skip them with a reason if a part of the lab is not available."""
    why = labs.missing()
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.xdist_group("sip"))
            item.add_marker(pytest.mark.slow)
            if why:
                item.add_marker(pytest.mark.skip(reason=f"no SIP lab: {why}"))


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Run a lab on the sample account."""
    with labs.lab(tmp_path_factory.mktemp("lab"), SOURCES) as running:
        yield running
