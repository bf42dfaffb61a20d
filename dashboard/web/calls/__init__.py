"""Parts of the Calls page."""

from __future__ import annotations
