"""trunkgate: the operations dashboard of phone systems behind an IP-authenticated SIP trunk."""

from __future__ import annotations

import os

from dashboard.core.moved import explain_moved_modules

__version__ = "0.1.0"

os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
"""Arrow's own pool keeps what it once held, for each thread; the system's takes as long, and gives it back."""

explain_moved_modules()
