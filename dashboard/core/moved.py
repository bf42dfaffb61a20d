"""Names of modules that were moved: an import of an old name fails with the new one in its message."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Final

MOVED: Final = {
    "dashboard.workspace": "from dashboard.services import Workspace",
    "dashboard.calls.cube": "from dashboard.calls import build_cube",
    "dashboard.tables": "from dashboard import schemas",
    "dashboard.inventory": "from dashboard import pbx",
    "dashboard.writing": "from dashboard.pbx import writers",
    "dashboard.dialing": "from dashboard import sip",
    "dashboard.settings": "from dashboard.core import settings",
}
"""Modules that notebooks and scripts could import before version 0.2, each with the import that replaces it."""


class MovedModules(MetaPathFinder):
    """Finder of modules that are no longer there; it comes last, so it sees only what no other finder found."""

    def find_spec(
        self, name: str, _path: Sequence[str] | None, _target: ModuleType | None = None, /
    ) -> ModuleSpec | None:
        """
        Refuse a moved module; see ``MetaPathFinder``.

        Raises:
            ModuleNotFoundError: The module was moved.
        """
        if name in MOVED:
            raise ModuleNotFoundError(f"{name} was moved. Write instead: {MOVED[name]}", name=name)
        return None


def explain_moved_modules() -> None:
    """Make imports of moved modules fail with the import that replaces them."""
    if not any(isinstance(finder, MovedModules) for finder in sys.meta_path):
        sys.meta_path.append(MovedModules())
