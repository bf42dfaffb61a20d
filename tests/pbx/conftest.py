"""Fixture that reads one file from text or bytes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dashboard.pbx import Inventory, Upload, read_files

PUBLIC = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")


@pytest.fixture
def read() -> Callable[..., Inventory]:
    """Return a function that reads one file; documentation address ranges count as public."""

    def one(content: str | bytes, name: str = "pbxs.csv", **context) -> Inventory:
        data = content if isinstance(content, bytes) else content.encode()
        return read_files([Upload(name, data)], treated_as_public=PUBLIC, **context)

    return one
