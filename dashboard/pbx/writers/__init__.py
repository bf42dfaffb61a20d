"""Configuration writers, one module per kind of PBX."""

from __future__ import annotations

from dashboard.pbx.writers.registry import (
    PageSetting,
    SettingComparison,
    SettingState,
    Snippet,
    TrunkSpec,
    compare,
    kind_for,
    kinds,
    label_of,
    vendor_of,
    wanted_for,
    write,
)

__all__ = [
    "PageSetting",
    "SettingComparison",
    "SettingState",
    "Snippet",
    "TrunkSpec",
    "compare",
    "kind_for",
    "kinds",
    "label_of",
    "vendor_of",
    "wanted_for",
    "write",
]
