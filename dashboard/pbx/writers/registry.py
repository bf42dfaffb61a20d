"""
Registry of configuration writers: IP authentication with the tech prefix, two PoPs, and all carrier ranges allowed.

A kind of PBX is one module of ``programs``, found by its file. It has ``LABEL``, ``VENDOR`` as in the inventory, and
``write(wanted) -> Snippet``. ``trunk_spec.TrunkSpec`` validates all values first; none is a password.
"""

from __future__ import annotations

from functools import cache
from types import ModuleType

from dashboard.core.errors import WritingError
from dashboard.core.plugins import modules_of
from dashboard.core.text import quoted
from dashboard.pbx.writers.comparison import SettingComparison, SettingState, compare
from dashboard.pbx.writers.trunk_spec import CredentialsSpec, PageSetting, Snippet, TrunkSpec, trunk_spec_for

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
]


DEFAULT = "asterisk-pjsip"


@cache
def _writers() -> dict[str, ModuleType]:
    modules = modules_of(f"{__name__.rpartition('.')[0]}.programs")
    return {module.__name__.rpartition(".")[2].replace("_", "-"): module for module in modules}


def kinds() -> tuple[str, ...]:
    """Return the names of the supported kinds of PBX."""
    return tuple(_writers())


def label_of(kind: str) -> str:
    """Return the display name of a kind."""
    return str(_writer(kind).LABEL)


def vendor_of(kind: str) -> str:
    """Return the vendor of a kind, as in the inventory."""
    return str(_writer(kind).VENDOR)


def kind_for(vendor: str) -> str:
    """Return the kind for a vendor; ``asterisk-pjsip`` for Asterisk and for unknown vendors."""
    matching_kinds = [kind for kind in kinds() if vendor_of(kind).lower() == vendor.strip().lower()]
    return DEFAULT if DEFAULT in matching_kinds or not matching_kinds else matching_kinds[0]


def write(kind: str, spec: TrunkSpec) -> Snippet:
    """
    Write the configuration of a PBX.

    Args:
        kind: One of ``kinds()``.
        spec: The trunk specification.

    Returns:
        Files by path below the PBX's configuration folder, and the installation steps.

    Raises:
        WritingError: The kind does not exist or cannot express the specification.
    """
    snippet: Snippet = _writer(kind).write(spec)
    return snippet


def _writer(kind: str) -> ModuleType:
    if kind not in _writers():
        raise WritingError(f"Nothing is written for {quoted(kind)}. Choose one of {', '.join(kinds())}.")
    return _writers()[kind]
