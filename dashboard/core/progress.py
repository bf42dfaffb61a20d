"""Progress of long work, as a callback."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, float], None]
"""Callback for progress: a description of the current step, and the fraction done, 0 to 1."""
