"""Conventions of the repository that no single test covers."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.syntax import SOURCE, tree_of

pytestmark = SOURCE

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "dashboard"
MODULES = sorted(PACKAGE.rglob("*.py"))
PAGES = sorted((PACKAGE / "web" / "pages").glob("*.py"))
MOST_LINES_OF_A_PAGE = 120


def test_no_module_beside_the_app_shadows_the_standard_library() -> None:
    """
    No module in dashboard/ shadows the standard library.

    ``streamlit run dashboard/app.py`` puts dashboard/ first on ``sys.path``, so a ``calendar.py`` there would replace
    the standard library's.
    """
    names = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or path.is_dir()}

    assert set() == names & set(sys.stdlib_module_names)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_module_has_a_docstring(path: Path) -> None:
    """The first statement of a module is a docstring; a page, which is layout only, is short."""
    assert ast.get_docstring(tree_of(path))
    assert path not in PAGES or len(path.read_text().splitlines()) <= MOST_LINES_OF_A_PAGE


def test_class_name_has_one_meaning() -> None:
    """No two modules define a class of one name, so a search for the name finds one definition."""
    modules: dict[str, list[str]] = {}
    for path in MODULES:
        for node in tree_of(path).body:
            if isinstance(node, ast.ClassDef):
                modules.setdefault(node.name, []).append(str(path.relative_to(PACKAGE)))

    assert {} == {name: found for name, found in modules.items() if len(found) > 1}


def test_class_is_in_one_module() -> None:
    """A class has its methods in one module: no base class exists only for one class of another module."""
    homes: dict[str, Path] = {}
    derived: dict[str, list[str]] = {}
    for path in MODULES:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ClassDef):
                homes[node.name] = path
                for base in node.bases:
                    derived.setdefault(ast.unparse(base).partition("[")[0], []).append(node.name)
    only = {base: names[0] for base, names in derived.items() if base in homes and len(names) == 1}

    assert {} == {base: name for base, name in only.items() if homes[base] != homes[name]}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_is_layout(path: Path) -> None:
    """A page defines no function and no class: its decisions belong in a module."""
    defined = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)

    assert not [node for node in ast.walk(tree_of(path)) if isinstance(node, defined)]


def test_every_ignore_has_its_reason() -> None:
    """Every ``noqa`` and ``type: ignore`` has a code and a reason on its line."""
    bare = re.compile(r"#\s*(noqa(?!: [A-Z0-9, ]+ - \S)|type:\s*ignore(?!\[[a-z-, ]+\]\s+# \S))")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in [*MODULES, *sorted((ROOT / "tests").rglob("*.py"))]
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if bare.search(line) and path != Path(__file__)
    ]

    assert [] == found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_what_is_a_terminal_is_asked_of_the_system(path: Path) -> None:
    """
    The operating system decides what is a terminal, not rich.

    Variables such as ``FORCE_COLOR`` make rich treat a log file as a terminal, and a secret would be written to it.
    """
    asked = {"is_terminal", "is_interactive", "is_dumb_terminal"}
    found = [node.attr for node in ast.walk(tree_of(path)) if isinstance(node, ast.Attribute)]

    assert asked.isdisjoint(found)


def test_locks_name_no_index() -> None:
    """A lock file contains versions and hashes, and no index URL."""
    for lock in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / lock).read_text()
        assert "://" not in text
        assert "index" not in text.replace("index-", "").split("\n", maxsplit=1)[0]
        pins = re.findall(r"^[A-Za-z0-9_.-]+==\S+", text, re.MULTILINE)
        assert len(pins) > 40
        assert text.count("--hash=sha256:") >= len(pins)


def test_both_locks_agree() -> None:
    """Tests run on the same versions that users install."""
    pins = [
        dict(re.findall(r"^([A-Za-z0-9_.-]+)==(\S+)", (ROOT / lock).read_text(), re.MULTILINE))
        for lock in ("requirements.lock", "requirements-dev.lock")
    ]

    assert pins[0].items() <= pins[1].items()


def test_importing_the_command_line_does_not_load_streamlit() -> None:
    """``trunkgate check`` in cron does not load Streamlit."""
    code = "import sys, dashboard.cli.entry_point; sys.exit('streamlit' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_requests_are_sent_by_core_http(path: Path) -> None:
    """
    Only ``core.http`` sends a request by a function of ``requests``, opens a plain session of it, or derives one.

    Such a request goes through the proxy of the environment, also if it is for this machine, and has no limit.
    ``core.http.loopback`` and ``core.http.exchange`` do not send it there.
    """
    sends = {"delete", "get", "head", "options", "patch", "post", "put", "request", "session", "Session", "urlopen"}
    found = [
        node.lineno
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and (node.func.value.id, node.func.attr in sends) == ("requests", True)
    ]
    found += [
        node.lineno
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ClassDef) and {"requests.Session", "HTTPAdapter"} & set(map(ast.unparse, node.bases))
    ]
    others = {"aiohttp", "http.client", "httpx", "requests.adapters", "urllib.request"}
    imported = {
        name
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names])
    }

    assert path.parent == PACKAGE / "core" / "http" or ([], set()) == (found, others & imported)


def own_no_ops(path: Path) -> list[str]:
    """Return the callbacks of a module that ignore their arguments and do nothing."""
    tree = tree_of(path)
    nothing = (ast.Constant, ast.Pass, type(None))

    def is_empty(body: list[ast.stmt]) -> bool:
        """Return whether a function has no statement but a docstring, ``pass`` or a constant result."""
        return all(isinstance(getattr(statement, "value", statement), nothing) for statement in body)

    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and not node.decorator_list]
    found = [
        f"{node.name}, line {node.lineno}"
        for node in functions
        if is_empty(node.body) and all(each.arg.startswith("_") for each in node.args.args)
    ]
    return found + [
        f"{ast.unparse(node)}, line {node.lineno}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Lambda) and node.args.args and ast.unparse(node.body) == "None"
    ]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_callbacks_that_do_nothing_come_from_core_progress(path: Path) -> None:
    """``core.progress`` has the only callbacks that ignore progress and never stop."""
    assert path == PACKAGE / "core" / "progress.py" or [] == own_no_ops(path)


def own_text_code(path: Path) -> list[str]:
    """Return the places of a module that clean, escape, shorten or join text by their own code."""
    tree = tree_of(path)
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "join":
            separator = ast.unparse(node.func.value)
            inner = {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}
            is_cut = [type(getattr(each, "slice", None)) for each in node.args] == [ast.Slice]
            if "isprintable" in inner or separator == "' and '" or (is_cut and separator in {"', '", "'; '"}):
                found.append(ast.unparse(node))
        if (
            isinstance(node, ast.FormattedValue)
            and node.conversion == ord("r")
            and isinstance(node.value, ast.Subscript)
        ):
            found += [ast.unparse(node.value)] if isinstance(node.value.slice, ast.Slice) else []
        if isinstance(node, ast.Constant) and node.value == "unicode_escape":
            found.append("unicode_escape")
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = node.module if isinstance(node, ast.ImportFrom) else ""
            found += [
                f"{module}.{each.name}"
                for each in node.names
                if f"{module}.{each.name}" in {".html", "html.escape", ".textwrap", "textwrap.shorten"}
            ]
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_text_is_made_fit_for_display_by_one_function_per_medium(path: Path) -> None:
    """
    Only ``core.text`` cleans, escapes, shortens and joins text for display.

    ``web.components.formatting`` does so for Markdown, and ``cli.output`` for JSON on a terminal.
    """
    assert path == PACKAGE / "core" / "text.py" or [] == own_text_code(path)


def test_markdown_is_escaped_in_one_module() -> None:
    """Only ``web.components.formatting`` has escapes of Markdown."""
    escape = re.compile(r"""\\\\[`*_\[\]$~<>#|!\\{]""")
    found = [path for path in (PACKAGE / "web").rglob("*.py") if escape.search(path.read_text())]

    assert [PACKAGE / "web" / "components" / "formatting.py"] == found


def test_every_pause_of_a_test_has_its_reason() -> None:
    """
    A test waits for an event with ``tests.waiting``; a line that sleeps for a fixed time states why.

    The event loop's own ``asyncio.sleep(0)`` only gives way to other tasks.
    """
    found = []
    for path in sorted((ROOT / "tests").rglob("*.py")):
        lines = path.read_text().splitlines()
        found += [
            f"{path.relative_to(ROOT)}:{node.lineno}"
            for node in ast.walk(tree_of(path))
            if isinstance(node, ast.Call)
            and ast.unparse(node.func) == "time.sleep"
            and not re.search(r"# \w", lines[node.lineno - 1])
        ]

    assert [place for place in found if not place.startswith("tests/waiting.py:")] == []


def test_no_test_replaces_an_object_of_the_product() -> None:
    """A test uses a fake at an interface; a monkeypatch only sets environment variables and the working folder."""
    replacing = {"setattr", "setitem", "delattr", "delitem"}
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for node in ast.walk(tree_of(path))
        if (isinstance(node, ast.Attribute) and node.attr in replacing)
        or (isinstance(node, ast.ImportFrom) and str(node.module).startswith("unittest"))
    ]

    assert [] == found


def test_hooks_of_pre_commit_need_no_network() -> None:
    """Every hook is local, and its program is one of the development environment."""
    text = (ROOT / ".pre-commit-config.yaml").read_text()
    programs = re.findall(r"entry: \.venv/bin/([\w-]+)", text)

    assert ["local"] == re.findall(r"- repo: (.+)", text)
    assert {"pygrep", "system"} == set(re.findall(r"language: (\w+)", text))
    assert {"lint-imports", "mypy", "python", "ruff"} == set(programs)
    assert all((Path(sys.executable).parent / program).exists() for program in programs)


def test_commands_open_the_state_with_the_anchors_of_the_settings() -> None:
    """A database that is opened without its anchors would anchor its first entries unsigned."""
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "State.open"
        and "anchors" not in {keyword.arg for keyword in node.keywords}
    ]

    assert [] == found
