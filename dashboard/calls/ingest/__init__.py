"""Import of CDR export files: staging by day, then merging into the call store."""

from __future__ import annotations
