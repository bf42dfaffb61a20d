"""Importing a moved module gives an error that names the replacement."""

from __future__ import annotations

from importlib import import_module

import pytest

from dashboard.core.moved import MOVED
from tests.texts import golden


@pytest.mark.parametrize("name", MOVED)
def test_import_of_a_moved_module_names_its_replacement(name: str) -> None:
    """The named replacement is a working import."""
    with pytest.raises(ModuleNotFoundError) as caught:
        import_module(name)

    assert golden("errors.moved.moved", name=name, new_name=MOVED[name]) == str(caught.value)
    exec(MOVED[name], {})  # noqa: S102 - the import that the message recommends


def test_import_of_an_unknown_module_fails_as_usual() -> None:
    """Unknown modules give the usual error."""
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'dashboard\.nowhere'$"):
        import_module("dashboard.nowhere")
