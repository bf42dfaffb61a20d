"""Sentences that contain a count use the singular noun for one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeGuard

import pytest

import dashboard
from dashboard.core.text import counted
from tests.syntax import SOURCE, tree_of

pytestmark = SOURCE

ROOT = Path(dashboard.__file__).parent
NOUNS = (
    "attempts|bytes|calls|cells|characters|columns|days|digits|entries|fields|files|findings|hours|lines|minutes|"
    "numbers|records|routes|rows|seconds|sources|values|versions"
)
PLURAL = re.compile(rf"\s(?:(?:past|such|more|outbound|journal|wrong) )?(?:{NOUNS})\b")
IN_PATTERN = re.compile(rf"\{{\w+(?::[^}}]*)?\}}\s(?:{NOUNS})\b")
MANY = {
    "pasted.py: len(body)": "more than the most rows that are read",
    "files.py: len(header)": "more than an export ever has",
    "file_reader.py: staged.rejected": "more than are put aside one by one",
    "destination.py: len(digits)": "more than a number has",
    "editor.py: len(reading.faults)": "a count above the number of faults that are listed",
    "text_records.py: csv.field_size_limit()": "a limit",
    "files.py: limits.unpacked_bytes": "a limit",
    "client.py: len(route_ids)": "an alias that is not unique",
    "journal.py: len(positions)": "a head that is not unique",
    "conf_grammar.py: len(line)": "a line that is too long",
    "tables.py: len(line)": "a line that is too long",
    "grammar.py: len(line)": "a line that is too long",
    "cells.py: len(plain)": "a cell that is too long",
    "anchors.py: head.entries": "a line for machines, which find it by its form",
    "allowed_ip_is_used.py: days": "four weeks",
}
"""Counts that are never one, or that only machines read, each with its reason."""


def limit(node: ast.expr) -> bool:
    """Return whether a value is a limit: its last name is a constant, or begins with ``most``."""
    names = [one.id if isinstance(one, ast.Name) else one.attr for one in ast.walk(node) if named(one)]
    return any(name.isupper() or name.startswith("most") for name in names)


def named(node: ast.AST) -> TypeGuard[ast.Name | ast.Attribute]:
    """Return whether part of an expression contains a name."""
    return isinstance(node, (ast.Name, ast.Attribute))


def counts(path: Path) -> Iterator[str]:
    """Yield each count that is followed by a plural noun without a singular alternative."""
    tree = tree_of(path)
    beside = {id(one) for node in ast.walk(tree) if isinstance(node, ast.IfExp) for one in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr) and id(node) not in beside:
            for value, after in zip(node.values, node.values[1:], strict=False):
                if not isinstance(value, ast.FormattedValue) or not isinstance(after, ast.Constant):
                    continue
                if PLURAL.match(str(after.value)) and not limit(value.value):
                    yield f"{path.name}: {ast.unparse(value.value)}"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and IN_PATTERN.search(node.value):
            yield f"{path.name}: {node.value}"


def test_no_count_of_one_has_a_plural() -> None:
    """Sentences use ``counted``; each exception is listed, and no listed exception is unused."""
    found = {count for path in sorted(ROOT.rglob("*.py")) for count in counts(path)}

    assert set(MANY) == found


@pytest.mark.parametrize(
    ("number", "noun", "plural", "said"),
    [
        (0, "call", "", "0 calls"),
        (1, "call", "", "1 call"),
        (2, "call", "", "2 calls"),
        (1, "entry", "entries", "1 entry"),
        (1_200, "entry", "entries", "1,200 entries"),
    ],
)
def test_noun_follows_its_number(number: int, noun: str, plural: str, said: str) -> None:
    """One takes the singular; every other number takes the plural."""
    assert said == counted(number, noun, plural)
