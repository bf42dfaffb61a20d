"""Carriers: the ``Carrier`` protocol, its implementations, and the function that opens the configured account."""

from __future__ import annotations

from dashboard.carriers.registry import (
    AccountState,
    Carrier,
    ExportedWindow,
    PortalStep,
    open_carrier,
    step_for,
)

__all__ = [
    "AccountState",
    "Carrier",
    "ExportedWindow",
    "PortalStep",
    "open_carrier",
    "step_for",
]
