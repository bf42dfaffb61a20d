"""Configuration writers, one module per kind of PBX."""

from __future__ import annotations

from dashboard.pbx.writers.comparison import SettingComparison, SettingState, compare
from dashboard.pbx.writers.programs.asterisk_pjsip import write_with_credentials
from dashboard.pbx.writers.registry import kind_for, kinds, label_of, write
from dashboard.pbx.writers.trunk_spec import CredentialsSpec, Snippet, TrunkSpec, trunk_spec_for

__all__ = [
    "CredentialsSpec",
    "SettingComparison",
    "SettingState",
    "Snippet",
    "TrunkSpec",
    "compare",
    "kind_for",
    "kinds",
    "label_of",
    "trunk_spec_for",
    "write",
    "write_with_credentials",
]
