"""Writers: the configuration that a PBX should have, one module per kind of PBX."""

from __future__ import annotations

from dashboard.pbx.writers.registry import (
    Compared,
    Setting,
    Snippet,
    State,
    Wanted,
    compare,
    kind_for,
    kinds,
    label_of,
    vendor_of,
    wanted_for,
    write,
)

__all__ = [
    "Compared",
    "Setting",
    "Snippet",
    "State",
    "Wanted",
    "compare",
    "kind_for",
    "kinds",
    "label_of",
    "vendor_of",
    "wanted_for",
    "write",
]
