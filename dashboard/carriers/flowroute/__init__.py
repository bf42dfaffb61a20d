"""Flowroute: the API client, CDR exports, pagination, and settings that exist only in the carrier's portal."""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
