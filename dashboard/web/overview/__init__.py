"""Parts of the Overview page."""

from __future__ import annotations
