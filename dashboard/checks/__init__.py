"""Checks: one module each, named for the good state, and the registry that discovers and runs them."""

from __future__ import annotations

from dashboard.checks.registry import (
    ACCOUNT,
    INPUTS,
    Check,
    check,
    discover,
    explain_gap,
    rank,
    run,
)

__all__ = [
    "ACCOUNT",
    "INPUTS",
    "Check",
    "check",
    "discover",
    "explain_gap",
    "rank",
    "run",
]
