"""Signals of one process."""

from __future__ import annotations

from dashboard.core.signals import Signal


def test_signal_runs_connected_callbacks_in_order() -> None:
    """Each occurrence runs the callbacks that are connected then, in order."""
    signal = Signal()
    calls: list[str] = []

    def first() -> None:
        calls.append("first")

    signal.send()
    signal.connect(first)
    signal.connect(lambda: calls.append("second"))
    signal.send()
    signal.disconnect(first)
    signal.disconnect(first)
    signal.send()

    assert ["first", "second", "second"] == calls
