"""Elapsed time in words, such as ``5 minutes ago``."""

from __future__ import annotations

from datetime import datetime

import humanize
import pandas as pd

from dashboard.core import clocks
from dashboard.core.clocks import TO_COME, to_come


def ago(moment: datetime | None, now: datetime | None = None) -> str:
    """Return the time elapsed since a moment, e.g. '5 minutes ago'; 'never' for no moment, TO_COME for a future one."""
    if moment is None or pd.isna(moment):
        return "never"
    now = now or clocks.now()
    if to_come(moment, now):
        return TO_COME
    return "just now" if (now - moment).total_seconds() < 1 else humanize.naturaltime(now - moment)
