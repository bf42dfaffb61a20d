"""Parts of the Findings page."""

from __future__ import annotations
