"""Call analytics: the hourly cube, metrics with their definitions, and peaks."""

from __future__ import annotations
