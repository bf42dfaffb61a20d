"""``make soak``: each part can be started alone, and a part that does not exist is named with those that do."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import pytest

from tests.soak import __main__ as soak

PARTS = soak.parts()
FOLDER = Path(soak.__file__).parent


@pytest.mark.parametrize("name", PARTS)
def test_a_part_says_what_it_is_and_has_a_beginning(name: str) -> None:
    """A docstring, and ``main``, which needs no argument and returns a line; nothing runs when it is looked at."""
    tree = ast.parse((FOLDER / f"{name}.py").read_text())
    (main,) = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "main"]

    assert ast.get_docstring(tree)
    assert ast.get_docstring(main)
    assert "str" == ast.unparse(main.returns or ast.Constant(None))
    needed = len(main.args.posonlyargs) + len(main.args.args) - len(main.args.defaults)
    assert 0 == needed + main.args.kw_defaults.count(None)


@pytest.mark.parametrize("name", PARTS)
def test_a_part_can_be_imported(name: str) -> None:
    """What it imports is there; otherwise it would fail only when somebody starts it."""
    assert callable(import_module(f"tests.soak.{name}").main)


def test_there_are_parts() -> None:
    """They are found by their files; the program that runs them is none."""
    assert PARTS == sorted(PARTS) != []
    assert not [name for name in PARTS if name.startswith("_")]


@pytest.mark.parametrize("names", [["nonsense"], [PARTS[0], "nonsense"], ["nonsense", "other"]])
def test_an_unknown_part_runs_nothing(names: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Status 2 before anything is started; the message names what there is."""
    assert 2 == soak.main(names)

    told = capsys.readouterr()
    assert "" == told.out
    assert "There is no part nonsense" in told.err
    assert all(name in told.err for name in PARTS)
