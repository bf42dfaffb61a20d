"""Files, modules and tests named in documents exist, and CONTRIBUTING.md is short."""

from __future__ import annotations

import ast
import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.paths import ROOT

DOCUMENTS = [
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs" / "adr").glob("*.md")),
]
ADRS = [path for path in DOCUMENTS if path.parent.name == "adr"]
CONTRIBUTING_MAX_BYTES = 6_000
FOLDERS = ("dashboard/", "tests/", "docs/", "data/", "notebooks/")
PACKAGES = ("dashboard.", "tests.")

FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"`([^`\n]+)`")
TESTS_OF_FILE = re.compile(r"`(tests/[\w/]+\.py)`((?:[:,;(\s]|and|`test_\w+`)*)")
"""A test file and the test functions that directly follow it."""
TEST_NAME = re.compile(r"`(test_\w+)`")

every_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())


def code_spans(text: str) -> list[str]:
    """Return the text of each inline code span outside code blocks."""
    return CODE.findall(FENCE.sub("", text))


def path_exists(path: str) -> bool:
    """Return whether a path relative to the root exists; a pattern with ``*`` must match a file."""
    return any(ROOT.glob(path)) if "*" in path else (ROOT / path).exists()


def resolves(name: str) -> bool:
    """Return whether a dotted name is a module, or an attribute of one at any depth."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        try:
            spec = find_spec(".".join(parts[:count]))
        except ModuleNotFoundError:
            continue
        if spec is None:
            continue
        found: object = import_module(".".join(parts[:count])) if count < len(parts) else spec
        for attribute in parts[count:]:
            if not hasattr(found, attribute):
                return False
            found = getattr(found, attribute)
        return True
    return False


def missing_names(text: str) -> list[str]:
    """Return the paths and dotted names in code spans that do not exist."""
    spans = code_spans(text)
    paths = [span for span in spans if span.startswith(FOLDERS) and not path_exists(span)]
    names = [span.removesuffix("()") for span in spans if span.startswith(PACKAGES)]
    return [*paths, *(name for name in names if not resolves(name))]


def named_tests(text: str) -> list[tuple[str, str]]:
    """Return each test file with each test function that the text names directly after it."""
    return [(file, name) for file, after in TESTS_OF_FILE.findall(text) for name in TEST_NAME.findall(after)]


def functions_of(file: Path) -> set[str]:
    """Return the names of the functions that a file defines at any depth."""
    return {node.name for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.FunctionDef)}


@every_document
def test_named_files_and_modules_exist(document: Path) -> None:
    """Every path and dotted name of the repository in a code span exists."""
    assert [] == missing_names(document.read_text())


@pytest.mark.parametrize("document", [ROOT / "SECURITY.md", *ADRS], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_named_tests_exist_in_their_files(document: Path) -> None:
    """A test function named directly after a test file is defined in that file."""
    named = named_tests(document.read_text())

    assert [] == [(file, name) for file, name in named if name not in functions_of(ROOT / file)]


def test_security_policy_names_tests() -> None:
    """The pattern matches the test names in SECURITY.md."""
    assert len(named_tests((ROOT / "SECURITY.md").read_text())) > 50


def test_contributing_is_short() -> None:
    """CONTRIBUTING.md has at most 6,000 bytes; decisions belong in docs/adr."""
    assert (ROOT / "CONTRIBUTING.md").stat().st_size <= CONTRIBUTING_MAX_BYTES


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("`tests/paths.py` and `dashboard/checks/*.py`", []),
        ("`tests/absent.py`", ["tests/absent.py"]),
        ("`dashboard/absent/*.py`", ["dashboard/absent/*.py"]),
        ("`dashboard.domain.claims`, `tests.paths.ROOT`", []),
        ("`dashboard.domain.claims.Claims.headline()`", []),
        (
            "`dashboard.absent`, `dashboard.domain.claims.Absent`",
            ["dashboard.absent", "dashboard.domain.claims.Absent"],
        ),
        ("dashboard/absent.py outside of a code span", []),
        ("```\n`tests/absent.py`\n```", []),
    ],
)
def test_missing_names_are_found(text: str, missing: list[str]) -> None:
    """A name in a code span is reported only if it does not exist."""
    assert missing == missing_names(text)


def test_tests_are_read_with_their_file() -> None:
    """Test names belong to the preceding file, up to the next other text."""
    text = "`tests/a.py`: `test_x`, `test_y`; `tests/b.py` and `test_z`. Later `test_other` is named."

    assert [("tests/a.py", "test_x"), ("tests/a.py", "test_y"), ("tests/b.py", "test_z")] == named_tests(text)
