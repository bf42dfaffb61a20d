"""Core: errors, settings, text, addresses, locks and HTTP; imports no other part of ``dashboard``."""

from __future__ import annotations
