"""All texts that a page sends to the browser: of any element, options, tables, charts and their rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow
from streamlit.testing.v1 import AppTest

ARROW = b"\xff\xff\xff\xff"
"""First bytes of an Arrow stream."""


def sent(at: AppTest) -> Iterator[tuple[str, str, str]]:
    """Yield element kind, field name and text for each text of a page that ran."""
    assert not at.exception
    yield from _of_node(at._tree)  # noqa: SLF001 - elements of every kind


def _of_node(node: Any) -> Iterator[tuple[str, str, str]]:
    kind = str(getattr(node, "type", ""))
    for field, text in _of_message(getattr(node, "proto", None), ""):
        yield kind, field, text
    for child in getattr(node, "children", {}).values():
        yield from _of_node(child)


def _of_message(told: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(told, str):
        yield name, told
    elif isinstance(told, bytes):
        yield from ((name, text) for text in _of_bytes(told))
    elif hasattr(told, "ListFields"):
        for field, value in told.ListFields():
            yield from _of_message(value, field.name)
    elif hasattr(told, "items"):
        for key, value in told.items():
            yield from _of_message(key, name)
            yield from _of_message(value, name)
    elif hasattr(told, "__iter__"):
        for each in told:
            yield from _of_message(each, name)


def _of_bytes(told: bytes) -> Iterator[str]:
    """Yield the column names and texts of an Arrow stream; nothing for other bytes."""
    if told.startswith(ARROW):
        table = pyarrow.ipc.open_stream(told).read_all()
        yield from table.column_names
        yield from _of_rows(table.to_pylist())


def _of_rows(told: Any) -> Iterator[str]:
    if isinstance(told, str):
        yield told
    elif isinstance(told, dict):
        yield from _of_rows(list(told.values()))
    elif isinstance(told, list):
        for each in told:
            yield from _of_rows(each)
