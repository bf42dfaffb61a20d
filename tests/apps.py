"""The app under Streamlit's AppTest: in this process, without a browser."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from streamlit.components.v2.component_manager import BidiComponentManager
from streamlit.testing.v1 import AppTest

import dashboard
from tests.waiting import WAIT_S

APP = Path(dashboard.__file__).parent / "app.py"


def new_app() -> AppTest:
    """Return the app before its first run."""
    app = AppTest.from_file(str(APP), default_timeout=WAIT_S)
    app._bidi_component_manager = _components()  # noqa: SLF001 - there is no public way to share it
    return app


@cache
def _components() -> BidiComponentManager:
    """Return the components of installed packages, discovered once because discovery is slower than most pages."""
    found = BidiComponentManager()
    found.discover_and_register_components(start_file_watching=False)
    return found
