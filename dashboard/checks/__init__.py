"""Checks: one module each, named for the good state, and the registry that discovers and runs them."""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
