"""
Configuration of a PBX, written: IP authentication with the tech prefix, two PoPs, and every range let in.

A kind of PBX is one file of this package, found by being there. It has ``LABEL``, ``VENDOR`` as its reader in
``inventory`` says it, and ``write(wanted) -> Snippet``. Files that begin with an underscore are what kinds share.
What is to be written is checked in one place, ``Wanted``, before a kind sees it; no password is ever among it.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from dashboard.errors import WritingError
from dashboard.writing._compare import Compared, State, compare
from dashboard.writing._wanted import Setting, Snippet, Wanted, wanted_for

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


DEFAULT = "asterisk-pjsip"


@cache
def _writers() -> dict[str, ModuleType]:
    names = sorted(module.name for module in iter_modules(__path__) if not module.name.startswith("_"))
    return {name.replace("_", "-"): import_module(f"{__name__}.{name}") for name in names}


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


def write(kind: str, wanted: Wanted) -> Snippet:
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
