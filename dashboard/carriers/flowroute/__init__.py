"""Flowroute: the API client, CDR exports, pagination, and settings that exist only in the carrier's portal."""

from __future__ import annotations
