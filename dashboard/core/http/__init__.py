"""HTTP requests to one origin: limits, retries and translation of failures into ``core.errors``."""

from __future__ import annotations
