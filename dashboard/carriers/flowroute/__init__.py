"""Flowroute: the API client, CDR exports, pagination, and what the carrier offers only in its portal."""

from __future__ import annotations
