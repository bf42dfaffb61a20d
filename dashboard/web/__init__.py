"""The web server of the dashboard: the Streamlit app behind a gate that accepts only browsers that opened a link."""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
