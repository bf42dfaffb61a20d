"""NetBox: devices and virtual machines over its API."""

from __future__ import annotations
