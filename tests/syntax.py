"""Syntax trees of source files, for tests of how the code is written."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

SOURCE = pytest.mark.xdist_group("source")
"""Mark of tests that read the syntax trees of all files: they run on one worker."""


@cache
def tree_of(path: Path) -> ast.Module:
    """Return the syntax tree of a file, which is parsed once per process; a test must not modify it."""
    return ast.parse(path.read_text(encoding="utf-8"))
