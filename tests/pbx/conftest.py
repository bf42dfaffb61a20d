"""Reading one file made of text or bytes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dashboard.pbx.sources import Inventory, Upload, read_files

PUBLIC = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")


@pytest.fixture
def read() -> Callable[..., Inventory]:
    """Return a reader of one file; the documentation ranges are public."""

    def one(content: str | bytes, name: str = "pbxs.csv", **context) -> Inventory:
        data = content if isinstance(content, bytes) else content.encode()
        return read_files([Upload(name, data)], treated_as_public=PUBLIC, **context)

    return one
