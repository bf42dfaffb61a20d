"""Charts: data frame in, Altair chart out."""

from __future__ import annotations

from dashboard.charts.charts import (
    KIND_OF,
    KINDS,
    LETTER,
    NOTE_ROOM,
    NOTEBOOK_COLORS,
    PANEL_HEIGHT,
    REPLAY,
    SEVERITY_STATES,
    STATUS_STATES,
    Drawn,
    calls_by_code,
    calls_by_pbx,
    findings_by_severity,
    hour_of_week,
    outcomes_over_time,
    refusal_share,
    replay_bar,
    top_destinations,
    use_in_notebook,
)

__all__ = [
    "KINDS",
    "KIND_OF",
    "LETTER",
    "NOTEBOOK_COLORS",
    "NOTE_ROOM",
    "PANEL_HEIGHT",
    "REPLAY",
    "SEVERITY_STATES",
    "STATUS_STATES",
    "Drawn",
    "calls_by_code",
    "calls_by_pbx",
    "findings_by_severity",
    "hour_of_week",
    "outcomes_over_time",
    "refusal_share",
    "replay_bar",
    "top_destinations",
    "use_in_notebook",
]
