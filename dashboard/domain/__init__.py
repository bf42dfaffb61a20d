"""Domain: the admission rule, changes, findings, claims and the snapshot; values and pure functions only."""

from __future__ import annotations
