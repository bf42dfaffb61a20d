"""No-op callbacks of long work."""

from __future__ import annotations

from dashboard.core.progress import Progress, Stop, never_stop, no_progress


def test_no_progress_takes_any_step_and_never_stop_lets_work_run_to_its_end() -> None:
    """The pair fits the callbacks it replaces, and changes nothing."""
    progress: Progress = no_progress
    stop: Stop = never_stop

    progress("Reading", 0.5)

    assert not stop()
