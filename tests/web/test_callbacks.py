"""Callbacks of widgets: they run before the page, so they draw nothing; the page shows the error that they keep."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import dashboard
from tests.syntax import tree_of
from tests.waiting import WAIT_S

WEB = Path(dashboard.__file__).parent / "web"
CALLBACKS = {"on_change", "on_click", "on_dismiss", "on_select", "on_submit"}
DRAWS_NOTHING = {"rerun", "switch_page"}
"""Functions of Streamlit that a callback may call."""

Function = ast.FunctionDef | ast.Lambda


def page() -> None:
    """Draw a button whose callback fails, and below it the place that shows the error unless it is hidden."""
    import streamlit as st  # noqa: PLC0415 - Streamlit runs the source of this function alone

    from dashboard.core.errors import StoreError  # noqa: PLC0415 - as above
    from dashboard.web import session  # noqa: PLC0415 - as above

    def fail() -> None:
        with session.keep_errors("form"):
            raise StoreError("The disk is full: [free](http://evil.example) 1*2.")

    st.title("Page")
    st.button("Save", on_click=fail)
    if not st.checkbox("hide"):
        session.show_kept_error("form")
    session.show_other_kept_error()


@pytest.fixture
def at() -> AppTest:
    """Open the page."""
    return AppTest.from_function(page, default_timeout=WAIT_S).run()


def test_error_of_a_callback_is_shown_once_in_its_place(at: AppTest) -> None:
    """The error stands below the button, as text, and is gone after the next page run."""
    at.button[0].click().run()

    assert ["Title", "Button", "Checkbox", "Error"] == [type(element).__name__ for element in at.main.children.values()]
    assert "\\[free\\]" in at.error[0].value
    assert not at.toast

    at.run()

    assert not at.error


def test_error_of_a_callback_is_a_toast_if_its_place_is_gone(at: AppTest) -> None:
    """An error whose form is no longer drawn, because the data changed, is not lost."""
    at.checkbox[0].check()
    at.button[0].click().run()

    assert not at.error
    assert 1 == len(at.toast)

    at.checkbox[0].uncheck().run()

    assert not at.error


def functions_of(tree: ast.Module) -> dict[str, Function]:
    """Return the functions of a module by name."""
    return {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def drawing(function: Function, functions: dict[str, Function], seen: set[str]) -> Iterator[str]:
    """Yield the calls that draw, in a function and in the functions of its module that it calls."""
    for node in ast.walk(function):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        is_drawn = name.startswith("st.") and name.count(".") == 1 and name.removeprefix("st.") not in DRAWS_NOTHING
        if is_drawn or name.startswith("session.show_"):
            yield name
        elif name in functions and name not in seen:
            seen.add(name)
            yield from drawing(functions[name], functions, seen)


def drawn_by_callbacks() -> list[str]:
    """Return the calls that draw in callbacks of the web package, each with its module and function."""
    trees = {path: tree_of(path) for path in sorted(WEB.rglob("*.py"))}
    by_module: dict[str, dict[str, Function]] = defaultdict(dict)
    for path, tree in trees.items():
        by_module[path.stem] |= functions_of(tree)
    found = []
    for path, tree in trees.items():
        own = functions_of(tree)
        for keyword in (node for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg in CALLBACKS):
            functions = own
            callback = keyword.value.body if isinstance(keyword.value, ast.Lambda) else keyword.value
            name = ast.unparse(callback.func if isinstance(callback, ast.Call) else callback)
            module, _, function = name.rpartition(".")
            if module:
                functions = by_module[module.rpartition(".")[2]]
            if function in functions:
                calls = drawing(functions[function], functions, set())
                found += [f"{path.relative_to(WEB)}: {name} calls {call}" for call in calls]
    return found


def test_callbacks_draw_nothing() -> None:
    """What a callback draws would stand above the title of the page; see ``session.keep_errors``."""
    assert [] == drawn_by_callbacks()
