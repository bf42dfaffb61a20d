"""Access: one-time links into a running dashboard."""

from __future__ import annotations
