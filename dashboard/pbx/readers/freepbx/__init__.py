"""FreePBX: backups, database dumps and exported tables."""

from __future__ import annotations
