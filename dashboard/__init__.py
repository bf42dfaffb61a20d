"""trunkgate: the operations dashboard of phone systems behind an IP-authenticated SIP trunk."""

from __future__ import annotations

__version__ = "0.1.0"
