"""Pages of the app, as its router ``dashboard/app.py`` lists them."""

from __future__ import annotations

import ast
from typing import Final

from tests.paths import PACKAGE


def _scripts() -> dict[str, bool]:
    """Return the name of each page in the order of the router, and whether a URL without a path opens it."""
    calls = [node for node in ast.walk(ast.parse((PACKAGE / "app.py").read_text())) if isinstance(node, ast.Call)]
    pages = [call for call in calls if ast.unparse(call.func) == "st.Page"]
    scripts = [node.value for page in pages for node in ast.walk(page.args[0]) if isinstance(node, ast.Constant)]
    is_first = [any(keyword.arg == "default" for keyword in page.keywords) for page in pages]
    return {str(script).removesuffix(".py"): first for script, first in zip(scripts, is_first, strict=True)}


PAGES: Final = tuple(_scripts())
"""Names of all pages."""
FIRST_PAGE: Final = next(name for name, is_first in _scripts().items() if is_first)
"""Name of the page that a URL without a path opens."""
