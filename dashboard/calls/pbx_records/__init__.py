"""
CDRs written by PBXs: the only trace of a refusal that leaves no record at the carrier.

``readers`` has one module per format, ``reader`` converts a file to a frame, ``store`` keeps it on disk, ``matching``
and ``reconcile`` compare it with the carrier's calls.
"""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
