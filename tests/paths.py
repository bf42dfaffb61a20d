"""Repository folders that tests read."""

from __future__ import annotations

from pathlib import Path
from typing import Final

TESTS: Final = Path(__file__).parent
ROOT: Final = TESTS.parent
PACKAGE: Final = ROOT / "dashboard"
PAGES: Final = PACKAGE / "web" / "pages"
PBX_CASES: Final = TESTS / "pbx" / "cases"
"""Recorded configurations by product, each with its expected inventory."""
