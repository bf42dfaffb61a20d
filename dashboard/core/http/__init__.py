"""HTTP requests to one origin: limits, retries and the translation of failures into our errors."""

from __future__ import annotations
