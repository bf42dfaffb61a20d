"""Parts of the What if page."""

from __future__ import annotations
