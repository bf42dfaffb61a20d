"""
Fixes: plan, guard, apply, monitor and undo changes of the account.

plan -> apply exactly that plan, or refuse because the account changed -> verify by re-reading -> monitor
the affected sources -> done, or undo with the stored inverse. Only this package calls a carrier in order to
change the account.
"""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
