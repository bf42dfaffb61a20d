"""Names of moved modules: importing an old name fails with a message that gives the new import."""

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
"""Replacement imports by former module name, for notebooks and scripts."""


class MovedModules(MetaPathFinder):
    """Finder for moved modules; it is last in ``sys.meta_path``, so it sees only names that no other finder found."""

    def find_spec(
        self, name: str, _path: Sequence[str] | None, _target: ModuleType | None = None, /
    ) -> ModuleSpec | None:
        """
        Reject moved modules; see ``MetaPathFinder``.

        Raises:
            ModuleNotFoundError: The module was moved.
        """
        if name in MOVED:
            raise ModuleNotFoundError(f"{name} was moved. Write instead: {MOVED[name]}", name=name)
        return None


def explain_moved_modules() -> None:
    """Make imports of moved modules fail with a message that gives the new import."""
    if not any(isinstance(finder, MovedModules) for finder in sys.meta_path):
        sys.meta_path.append(MovedModules())
