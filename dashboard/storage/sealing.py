"""
Seals: the hash that chains a journal row or a recorded version to the row before it.

The fields of a seal must never change, because rows on disk must keep verifying.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashboard.domain.changes import digest

GENESIS = "0" * 64
"""Hash used as the predecessor of the first row."""

OF_A_VERSION = ("id", "kind", "valid_from", "recorded_at", "recorded_by", "digest", "previous_hash")
"""Columns of ``versions`` that its seal covers; ``digest`` represents the content."""


def of_entry(row: Mapping[str, Any]) -> str:
    """Return the seal of a journal entry; it covers every column except the seal itself."""
    body = {key: value for key, value in row.items() if key != "hash"}
    return digest(body | {"at": row["at"].isoformat()})


def of_version(row: Mapping[str, Any]) -> str:
    """Return the seal of a version; it excludes when and by whom the version was last confirmed."""
    body = {name: row[name] for name in OF_A_VERSION}
    return digest(body | {name: row[name].isoformat() for name in ("valid_from", "recorded_at")})
