"""Parts of the Account page."""

from __future__ import annotations
