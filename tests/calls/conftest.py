"""Fixtures: a store in a temporary folder, and export files for it."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from dashboard.calls.store.store import CallStore
from tests.calls.exports import Row, as_csv


@pytest.fixture
def store(tmp_path: Path) -> CallStore:
    """Return an empty store; a writer does not wait for another one."""
    return CallStore(tmp_path / "home", lock_wait_s=0)


@pytest.fixture
def export(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes an export file from rows, text or bytes, compressed if the name asks for it."""

    def make(content: Iterable[Row] | str | bytes, name: str = "export.csv") -> Path:
        if not isinstance(content, str | bytes):
            content = as_csv(content)
        data = content.encode() if isinstance(content, str) else content
        path = tmp_path / name
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return make
