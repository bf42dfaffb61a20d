"""Errors and notes with text from outside, such as a carrier's answer or a file name: never shown as markup."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import dashboard
from tests.syntax import tree_of
from tests.waiting import WAIT_S

WEB = Path(dashboard.__file__).parent / "web"
DETAIL = "The carrier answered 401: [Sign in again](http://evil.example), 1*2065550142, costs $5 and $6, :red[x]."
ESCAPED = (
    "The carrier answered 401: \\[Sign in again\\](http:\u2060//evil.example), 1\\*2065550142, costs \\$5 and \\$6, "
    ":\u2060red\\[x\\]."
)


def page() -> None:
    """Draw an error of the carrier, and a note, with the text in the session."""
    import streamlit as st  # noqa: PLC0415 - Streamlit runs the source of this function alone

    from dashboard.core.errors import CarrierRefusedError  # noqa: PLC0415 - as above
    from dashboard.web import session  # noqa: PLC0415 - as above

    session.note(st.session_state["detail"])
    session.show_note()
    with session.show_errors():
        raise CarrierRefusedError(st.session_state["detail"])


def test_an_error_and_a_note_draw_no_markup() -> None:
    """Links, formulas, colors and the asterisk of a dial string in a message are shown as text."""
    at = AppTest.from_function(page, default_timeout=WAIT_S)
    at.session_state["detail"] = DETAIL
    at.run()

    assert not at.exception
    assert ([ESCAPED], [ESCAPED]) == ([box.value for box in at.error], [toast.value for toast in at.toast])


@pytest.mark.parametrize("path", sorted(WEB.rglob("*.py")), ids=lambda path: str(path.relative_to(WEB)))
def test_no_exception_is_drawn_as_markdown(path: Path) -> None:
    """The text of an exception reaches Streamlit only through ``plain``."""
    handlers = [node for node in ast.walk(tree_of(path)) if isinstance(node, ast.ExceptHandler)]
    drawn = [
        call.lineno
        for handler in handlers
        if handler.name
        for call in ast.walk(handler)
        if isinstance(call, ast.Call) and _of_streamlit(call) and handler.name in _bare(call)
    ]

    assert [] == drawn


@pytest.mark.parametrize("path", sorted(WEB.rglob("*.py")), ids=lambda path: str(path.relative_to(WEB)))
def test_a_toast_has_one_place(path: Path) -> None:
    """Toasts are drawn in ``session.show_note`` alone, which escapes their text."""
    calls = [node for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call)]
    toasts = [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "toast"]

    assert (path == WEB / "session.py") is bool(toasts)


def _of_streamlit(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name) and call.func.value.id == "st"


def _bare(node: ast.AST) -> set[str]:
    """Return the names used below a node, except within a call of ``plain``."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "plain":
        return set()
    if isinstance(node, ast.Name):
        return {node.id}
    return {name for child in ast.iter_child_nodes(node) for name in _bare(child)}
