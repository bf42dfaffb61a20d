"""Storage: the state database, its migrations, the journal, its anchors and the account a home is bound to."""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
