"""Carriers: one contract, its implementations, and the function that opens the account in use."""

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
