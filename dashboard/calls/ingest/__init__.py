"""Ingest: CDR export files become staged days, which are merged into the call store."""

from __future__ import annotations
