"""
Seals: the hash that chains a row of the journal, or a recorded version, to the row before it.

The fields of a seal never change: rows that are on disk have to keep verifying.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashboard.domain.changes import digest

GENESIS = "0" * 64
"""Stands for the row before the first one."""

OF_A_VERSION = ("id", "kind", "valid_from", "recorded_at", "recorded_by", "digest", "previous_hash")
"""Columns of ``versions`` that its seal covers; ``digest`` stands for the content."""


def of_entry(row: Mapping[str, Any]) -> str:
    """Return the seal of a journal entry: over every column but the seal itself."""
    body = {key: value for key, value in row.items() if key != "hash"}
    return digest(body | {"at": row["at"].isoformat()})


def of_version(row: Mapping[str, Any]) -> str:
    """Return the seal of a version; when and by whom it was last confirmed is not part of it."""
    body = {name: row[name] for name in OF_A_VERSION}
    return digest(body | {name: row[name].isoformat() for name in ("valid_from", "recorded_at")})
