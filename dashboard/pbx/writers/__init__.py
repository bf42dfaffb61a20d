"""Configuration writers, one module per kind of PBX."""

from __future__ import annotations

from dashboard.pbx.writers.programs.asterisk_pjsip import write_with_credentials
from dashboard.pbx.writers.registry import (
    CredentialsSpec,
    PageSetting,
    SettingComparison,
    SettingState,
    Snippet,
    TrunkSpec,
    compare,
    kind_for,
    kinds,
    label_of,
    trunk_spec_for,
    vendor_of,
    write,
)

__all__ = [
    "CredentialsSpec",
    "PageSetting",
    "SettingComparison",
    "SettingState",
    "Snippet",
    "TrunkSpec",
    "compare",
    "kind_for",
    "kinds",
    "label_of",
    "trunk_spec_for",
    "vendor_of",
    "write",
    "write_with_credentials",
]
