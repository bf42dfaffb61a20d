"""Parts of ``make soak``: each starts alone, and an unknown part gives an error that lists the valid names."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import pytest

from tests.soak import __main__ as soak
from tests.texts import golden

PARTS = soak.parts()
FOLDER = Path(soak.__file__).parent


@pytest.mark.parametrize("name", PARTS)
def test_part_has_docstring_and_main(name: str) -> None:
    """Each part has a docstring and a ``main`` that needs no argument and returns a line; importing runs nothing."""
    tree = ast.parse((FOLDER / f"{name}.py").read_text())
    (main,) = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "main"]

    assert ast.get_docstring(tree)
    assert ast.get_docstring(main)
    assert "str" == ast.unparse(main.returns or ast.Constant(None))
    needed = len(main.args.posonlyargs) + len(main.args.args) - len(main.args.defaults)
    assert 0 == needed + main.args.kw_defaults.count(None)


@pytest.mark.parametrize("name", PARTS)
def test_a_part_can_be_imported(name: str) -> None:
    """The imports of a part succeed; otherwise the part would fail only when it is run."""
    assert callable(import_module(f"tests.soak.{name}").main)


def test_parts_are_found() -> None:
    """Parts are found by file name, without the program that runs them."""
    assert PARTS == sorted(PARTS) != []
    assert not [name for name in PARTS if name.startswith("_")]


@pytest.mark.parametrize("names", [["nonsense"], [PARTS[0], "nonsense"], ["nonsense", "other"]])
def test_an_unknown_part_runs_nothing(names: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The program exits with status 2 before it starts anything; the message lists the valid names."""
    assert 2 == soak.main(names)

    told = capsys.readouterr()
    assert "" == told.out
    assert golden("soak.no_such_part") in told.err
    assert all(name in told.err for name in PARTS)
