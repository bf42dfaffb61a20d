"""Elapsed time in words, such as ``5 minutes ago``."""

from __future__ import annotations

from datetime import datetime

import humanize
import pandas as pd

from dashboard.core import clocks
from dashboard.core.clocks import TO_COME, to_come


def ago(moment: datetime | None, now: datetime | None = None) -> str:
    """Say how long ago, as people do; ``never`` where there is no such moment, and where it is in the future, that."""
    if moment is None or pd.isna(moment):
        return "never"
    now = now or clocks.now()
    if to_come(moment, now):
        return TO_COME
    return "just now" if (now - moment).total_seconds() < 1 else humanize.naturaltime(now - moment)
