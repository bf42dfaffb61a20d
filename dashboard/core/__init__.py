"""Core: errors, settings, text, addresses, locks and HTTP; imports nothing else of this package."""

from __future__ import annotations
