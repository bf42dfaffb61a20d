"""
Packages import each other by their interfaces, and what ``docs/architecture.md`` names exists.

An interface is the ``__all__`` of a package's ``__init__.pyi``, or of its ``__init__.py`` where that imports at once.
"""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from tests.syntax import SOURCE, tree_of

pytestmark = SOURCE

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
LIBRARIES = {"core", "domain", "schemas"}
"""Packages without an interface: other packages import their modules."""
MODULES = sorted(PACKAGE.rglob("*.py"))
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


def imports_in(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield module (relative to ``dashboard``) and name of each import; ``import dashboard.x`` has an empty name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and re.match(r"dashboard(\.|$)", node.module or ""):
            yield from (((node.module or "").removeprefix("dashboard").lstrip("."), alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
            yield from ((name.removeprefix("dashboard."), "") for name in names if name.startswith("dashboard."))


@cache
def interface(package: str) -> Mapping[str, str]:
    """Return the names that a package's interface lists, each with its definition or module."""
    folder = PACKAGE.joinpath(*package.split("."))
    stub = folder / "__init__.pyi"
    file = stub if stub.is_file() else folder / "__init__.py"
    if not file.is_file():
        return {}
    origins: dict[str, str] = {}
    listed: list[str] = []
    for node in tree_of(file).body:
        if isinstance(node, ast.ImportFrom):
            module = f"{package}.{node.module or ''}" if node.level else (node.module or "").removeprefix("dashboard.")
            origins |= {alias.asname or alias.name: f"{module.rstrip('.')}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.List):
            listed += [str(one.value) for one in node.value.elts if isinstance(one, ast.Constant)]
    return {name: origins[name] for name in listed}


def interfaces() -> list[str]:
    """Return the dotted names of the packages that list names and are not libraries."""
    names = [".".join(path.parent.relative_to(PACKAGE).parts) for path in PACKAGE.rglob("__init__.py")]
    return sorted(name for name in names if name and name.partition(".")[0] not in LIBRARIES and interface(name))


def deep_imports(tree: ast.AST, top: str = "") -> list[str]:
    """Return the imports that name what no interface lists; ``top`` is the package that the code is in, if any."""
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    return [
        f"{module}.{name}".strip(".")
        for module, name in imports_in(tree)
        if (module or name).partition(".")[0] not in {top, *LIBRARIES}
        if name not in (interface(module) if module else {*packages, "__version__"})
    ]


def top_of(path: Path) -> str:
    """Return the top package, or top module, of a file of ``dashboard``."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def outside_code() -> dict[str, str]:
    """Return the Python code of notebooks, examples and the README by place."""
    code = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "examples").glob("*.py")}
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code[path.name] = "\n".join("".join(one["source"]) for one in cells if one["cell_type"] == "code")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    return {**code, "README.md": "\n".join(re.findall(r"^```python\n(.*?)^```", readme, re.DOTALL | re.MULTILINE))}


def uses_of(code: str) -> Iterator[tuple[str, str]]:
    """Yield package and name of all that code imports from ``dashboard``, or takes from an imported package."""
    if "dashboard" not in code:
        return
    tree = ast.parse(code)
    packages = {}
    for module, name in imports_in(tree):
        yield module, name
        packages[name] = f"{module}.{name}".lstrip(".")
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in packages:
            yield packages[node.value.id], node.attr


@cache
def uses_by_package() -> Mapping[str, set[tuple[str, str]]]:
    """Return what each top package uses, and under the empty name what code outside of ``dashboard`` does."""
    uses: dict[str, set[tuple[str, str]]] = {"": set()}
    for path in MODULES:
        uses.setdefault(top_of(path), set()).update(uses_of(path.read_text(encoding="utf-8")))
    for code in [*outside_code().values(), *(path.read_text() for path in (ROOT / "tests").rglob("*.py"))]:
        uses[""].update(uses_of(code))
    return uses


def is_defined(dotted: str) -> bool:
    """Return whether a dotted name, relative to ``dashboard``, is a package, module, listed, or defined in a module."""
    place = PACKAGE
    names = dotted.split(".")
    while names and (place / names[0]).is_dir():
        place /= names.pop(0)
    if not names:
        return True
    listed = interface(".".join(place.relative_to(PACKAGE).parts)).get(names[0])
    if listed is not None and not (place / f"{names[0]}.py").is_file():
        return is_defined(".".join([listed, *names[1:]]))
    module = place / f"{names.pop(0)}.py"
    if not module.is_file():
        return False
    tree: ast.stmt | ast.Module = tree_of(module)
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


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_package_imports_others_by_their_interfaces(path: Path) -> None:
    """Code names of another package only what an interface lists, except for libraries."""
    assert [] == deep_imports(tree_of(path), top_of(path))


@pytest.mark.parametrize("name", outside_code())
def test_outside_code_imports_interfaces(name: str) -> None:
    """Notebooks, examples and the README import interfaces and libraries only."""
    assert [] == deep_imports(ast.parse(outside_code()[name]))


@pytest.mark.parametrize(
    ("code", "deep"),
    [
        ("from dashboard.calls import CallStore", []),
        ("from dashboard.calls.analytics import metrics", []),
        ("from dashboard import checks, schemas", []),
        ("from dashboard.core.text import quoted", []),
        ("from dashboard.checks.registry import rank", []),
        ("def read():\n    from dashboard.calls.store.store import CallStore", ["calls.store.store.CallStore"]),
        ("from dashboard.calls.analytics.metrics import wilson", ["calls.analytics.metrics.wilson"]),
        ("from dashboard.calls.analytics import peaks", ["calls.analytics.peaks"]),
        ("from dashboard.calls import store", ["calls.store"]),
        ("import dashboard.storage.journal", ["storage.journal"]),
    ],
)
def test_deep_imports_are_found(code: str, deep: list[str]) -> None:
    """In ``checks`` an import is deep if it names what no interface of another package lists."""
    assert deep == deep_imports(ast.parse(code), "checks")


@pytest.mark.parametrize("package", interfaces())
def test_an_interface_lists_what_others_use(package: str) -> None:
    """Another package, a notebook, an example, a test or ``docs/architecture.md`` uses each listed name."""
    users = [uses for top, uses in uses_by_package().items() if top != package.partition(".")[0]]
    used = {use for uses in users for use in uses}

    assert [] == [
        name for name in interface(package) if (package, name) not in used and f"{package}.{name}" not in DOTTED
    ]


def test_a_listed_name_has_one_meaning() -> None:
    """No two interfaces list the same definition, or the same name for two definitions."""
    packages: dict[str, list[str]] = {}
    for package in interfaces():
        for name, origin in interface(package).items():
            if not (PACKAGE / f"{origin.replace('.', '/')}.py").is_file():
                packages.setdefault(name, []).append(package)

    assert {} == {name: found for name, found in packages.items() if len(found) > 1}


@pytest.mark.parametrize("package", interfaces())
def test_no_submodule_hides_a_listed_name(package: str) -> None:
    """A listed name that is also a submodule's is that submodule, because its import sets the attribute."""
    folder = PACKAGE.joinpath(*package.split("."))
    submodules = {path.stem for path in folder.glob("*.py")} | {path.name for path in folder.iterdir() if path.is_dir()}

    hidden = [
        name for name, origin in interface(package).items() if name in submodules and origin != f"{package}.{name}"
    ]
    assert [] == hidden


@pytest.mark.parametrize(
    "contract", [one for one in CONTRACTS if one["type"] == "forbidden"], ids=lambda one: one["name"]
)
def test_contracts_hold_through_interfaces(contract: Mapping[str, list[str]]) -> None:
    """A name that an interface lists is forbidden where its definition is: import-linter does not read stubs."""
    sources = tuple(name.removeprefix("dashboard.") for name in contract["source_modules"])
    forbidden = tuple(name.removeprefix("dashboard.") for name in contract["forbidden_modules"])
    found = []
    for path in MODULES:
        dotted = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        if not f"{dotted}.".startswith(tuple(f"{name}." for name in sources)):
            continue
        for module, name in imports_in(tree_of(path)):
            origin = interface(module).get(name, "") if module else name
            if f"{origin}.".startswith(tuple(f"{name}." for name in forbidden)):
                found.append((dotted, origin))

    assert [] == found
