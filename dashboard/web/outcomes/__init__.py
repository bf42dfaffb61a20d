"""Parts of the Outcomes page."""

from __future__ import annotations
