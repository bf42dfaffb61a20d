"""Parts of the Exports page."""

from __future__ import annotations
