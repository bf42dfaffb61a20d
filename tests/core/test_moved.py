"""Imports of modules that were moved say what replaces them."""

from __future__ import annotations

from importlib import import_module

import pytest

from dashboard.core.moved import MOVED


@pytest.mark.parametrize("name", MOVED)
def test_import_of_a_moved_module_names_its_replacement(name: str) -> None:
    """The replacement is an import that works."""
    with pytest.raises(ModuleNotFoundError) as caught:
        import_module(name)

    assert f"{name} was moved. Write instead: {MOVED[name]}" == str(caught.value)
    exec(MOVED[name], {})  # noqa: S102 - the import that the message tells people to write


def test_import_of_an_unknown_module_fails_as_usual() -> None:
    """Only moved modules are explained."""
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'dashboard\.nowhere'$"):
        import_module("dashboard.nowhere")
