"""Packages, modules and functions named in ``docs/architecture.md`` exist."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "dashboard"
TEXT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
SPANS = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", TEXT, flags=re.DOTALL | re.MULTILINE))
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
LAYERS = [re.findall(r"\w+", layer) for contract in CONTRACTS for layer in contract.get("layers", ())]
PACKAGES = {name for layer in LAYERS for name in layer}
FILES = (".py", ".lock", ".users")
NAMES = {span for span in SPANS if re.fullmatch(r"\w+(\.\w+)+", span) and not span.endswith(FILES)}
DOTTED = sorted(name for name in NAMES if name.partition(".")[0] in PACKAGES)
PATHS = sorted({span for span in SPANS if re.fullmatch(r"[\w./]+\.(py|csv)", span) and "NAME" not in span})


def defined_in(tree: ast.Module | ast.ClassDef) -> Iterator[tuple[str, ast.stmt]]:
    """Yield the names that a module or class defines, each with its statement."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node
        elif isinstance(node, ast.Assign):
            yield from ((target.id, node) for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id, node


def is_defined(dotted: str) -> bool:
    """Return whether a dotted name, relative to ``dashboard``, is a package, a module, or defined in a module."""
    place = PACKAGE
    names = dotted.split(".")
    while names and (place / names[0]).is_dir():
        place /= names.pop(0)
    if not names:
        return True
    module = place / f"{names.pop(0)}.py"
    if not module.is_file():
        return False
    tree: ast.stmt | ast.Module = ast.parse(module.read_text(encoding="utf-8"))
    for name in names:
        inside = dict(defined_in(tree)) if isinstance(tree, ast.Module | ast.ClassDef) else {}
        if name not in inside:
            return False
        tree = inside[name]
    return True


@pytest.mark.parametrize("dotted", DOTTED)
def test_every_dotted_name_is_defined(dotted: str) -> None:
    """Each dotted name is a package, module, class, method, function or constant of ``dashboard``."""
    assert is_defined(dotted)


@pytest.mark.parametrize("path", PATHS)
def test_every_path_exists(path: str) -> None:
    """Each path is a file below the root or below ``dashboard``."""
    assert (ROOT / path).is_file() or (PACKAGE / path).is_file()


def test_an_unknown_name_is_not_defined() -> None:
    """The lookup rejects a wrong module, a wrong function and a wrong method."""
    wrong = ("checks.nothing", "fixes.executor.nothing", "storage.journal.Journal.nothing")

    assert [] == [name for name in wrong if is_defined(name)]


def test_the_diagram_has_the_layers_of_the_contract() -> None:
    """The diagram boxes hold the packages of the import contract, in the same order."""
    boxes = re.findall(r'^ +L\d\["(.*?)( \(.*)?"\]$', TEXT, re.MULTILINE)

    assert LAYERS == [re.findall(r"<b>(\w+)</b>", box) for box, _ in boxes]


def test_the_table_has_every_package_once() -> None:
    """The table "Where is what" has one row per package of the import contract, in the same order."""
    (table,) = re.findall(r"^## Where is what\n(.*?)^## ", TEXT, re.DOTALL | re.MULTILINE)

    assert [name for layer in LAYERS for name in layer] == re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
