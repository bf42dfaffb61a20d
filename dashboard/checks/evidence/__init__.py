"""Evidence shared by several checks: calls, ownership, networks, routes, secrets and PBXs' own records."""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
