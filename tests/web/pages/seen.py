"""All that a page sends to the browser as text: elements of any kind, options, tables, charts and their rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow
from streamlit.testing.v1 import AppTest

ARROW = b"\xff\xff\xff\xff"
"""What a stream of Arrow begins with."""


def sent(at: AppTest) -> Iterator[tuple[str, str, str]]:
    """Yield the kind of element, the name of the field, and the text, of each text of a page that ran."""
    assert not at.exception
    yield from _of_node(at._tree)  # noqa: SLF001 - every element, of whatever kind


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
    """Return the texts of rows of Arrow, their names among them."""
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
