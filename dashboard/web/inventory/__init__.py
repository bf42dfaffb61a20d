"""Parts of the Inventory page."""

from __future__ import annotations
