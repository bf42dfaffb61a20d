"""Conventions of the repository that no single test covers."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

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
    text = path.read_text()

    assert ast.get_docstring(ast.parse(text))
    assert path not in PAGES or len(text.splitlines()) <= MOST_LINES_OF_A_PAGE


def test_class_name_has_one_meaning() -> None:
    """No two modules define a class of one name, so a search for the name finds one definition."""
    modules: dict[str, list[str]] = {}
    for path in MODULES:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef):
                modules.setdefault(node.name, []).append(str(path.relative_to(PACKAGE)))

    assert {} == {name: found for name, found in modules.items() if len(found) > 1}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_is_layout(path: Path) -> None:
    """A page defines no function and no class: its decisions belong in a module."""
    defined = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)

    assert not [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, defined)]


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
    found = [node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)]

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
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and (node.func.value.id, node.func.attr in sends) == ("requests", True)
    ]
    found += [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef) and {"requests.Session", "HTTPAdapter"} & set(map(ast.unparse, node.bases))
    ]
    others = {"aiohttp", "http.client", "httpx", "requests.adapters", "urllib.request"}
    imported = {
        name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names])
    }

    assert path.parent == PACKAGE / "core" / "http" or ([], set()) == (found, others & imported)
