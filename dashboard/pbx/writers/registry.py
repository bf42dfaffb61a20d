"""
Write the configuration of a PBX: IP authentication with the tech prefix, two PoPs, and every range let in.

A kind of PBX is one module of ``programs``, found by its file. It has ``LABEL``, ``VENDOR`` as the inventory has it,
and ``write(wanted) -> Snippet``. ``trunk_spec.Wanted`` validates all values first; none is a password.
"""

from __future__ import annotations

from functools import cache
from types import ModuleType

from dashboard.core.errors import WritingError
from dashboard.core.plugins import modules_of
from dashboard.pbx.writers.comparison import SettingComparison, SettingState, compare
from dashboard.pbx.writers.trunk_spec import PageSetting, Snippet, TrunkSpec, wanted_for

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


DEFAULT = "asterisk-pjsip"


@cache
def _writers() -> dict[str, ModuleType]:
    modules = modules_of(f"{__name__.rpartition('.')[0]}.programs")
    return {module.__name__.rpartition(".")[2].replace("_", "-"): module for module in modules}


def kinds() -> tuple[str, ...]:
    """Return the kinds of PBX that can be written for, by name."""
    return tuple(_writers())


def label_of(kind: str) -> str:
    """Return how people call a kind."""
    return str(_writer(kind).LABEL)


def vendor_of(kind: str) -> str:
    """Return the make of a kind, as the inventory has it."""
    return str(_writer(kind).VENDOR)


def kind_for(vendor: str) -> str:
    """Return the kind that a make takes: PJSIP for Asterisk and for whatever nobody knows."""
    mine = [kind for kind in kinds() if vendor_of(kind).lower() == vendor.strip().lower()]
    return DEFAULT if DEFAULT in mine or not mine else mine[0]


def write(kind: str, wanted: TrunkSpec) -> Snippet:
    """
    Write the configuration of a PBX.

    Args:
        kind: One of ``kinds()``.
        wanted: What it is to say.

    Returns:
        Files by their path below the PBX's folder of configuration, and what to do with them.

    Raises:
        WritingError: There is no such kind, or it cannot say what is wanted.
    """
    snippet: Snippet = _writer(kind).write(wanted)
    return snippet


def _writer(kind: str) -> ModuleType:
    if kind not in _writers():
        raise WritingError(f"Nothing is written for {kind[:80]!r}. Choose one of {', '.join(kinds())}.")
    return _writers()[kind]
