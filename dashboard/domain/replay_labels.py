"""
Replay labels: one table of names, order, colors, icons and meanings.

The replay, guards, pages, command line and exports all use this table to count or show replayed calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

BROKEN: Final = "broken"
MAY_BREAK: Final = "may be broken"
CANNOT: Final = "cannot tell"
SAVED: Final = "saved"
MAY_SAVE: Final = "may be saved"
STOPPED: Final = "stopped"
GONE: Final = "cannot recur"
UNCHANGED: Final = "unchanged"


@dataclass(frozen=True)
class Label:
    """Display attributes of one label."""

    name: str
    """Value in frames, plans, JSON and CSV; capitalized on pages."""
    noun: str
    """Singular, as in "1 broken call"."""
    plural: str
    """Plural, as in "1,204 broken calls"."""
    state: str
    """Key of the color in the theme's palette (``charts.encodings.STATES``)."""
    color: str
    """Name of the same color in Markdown."""
    icon: str
    """Icon, so that color is never the only distinction."""
    opacity: float
    """Opacity of its bar segment; it distinguishes labels of the same color."""
    meaning: str
    """One sentence for the glossary and help texts."""


TABLE: Final = (
    Label(
        BROKEN,
        "broken call",
        "broken calls",
        "lost",
        "red",
        ":material/block:",
        1.0,
        "Admitted today and rejected after the change: calls of your PBXs that can recur.",
    ),
    Label(
        MAY_BREAK,
        "call that may be broken",
        "calls that may be broken",
        "risk",
        "orange",
        ":material/warning:",
        1.0,
        "Calls that the change may reject, of PBXs of yours or of callers that claim to be one; a fact is missing.",
    ),
    Label(
        CANNOT,
        "undecided call",
        "undecided calls",
        "unknown",
        "gray",
        ":material/help:",
        1.0,
        "Not known: a fact that decides it is missing, and not even the direction is known.",
    ),
    Label(
        SAVED,
        "saved call",
        "saved calls",
        "good",
        "green",
        ":material/check_circle:",
        1.0,
        "Rejected today and admitted after the change.",
    ),
    Label(
        MAY_SAVE,
        "call that may be saved",
        "calls that may be saved",
        "good",
        "gray",
        ":material/arrow_circle_up:",
        0.45,
        "Calls that the change either admits or leaves as they are; a fact that decides it is missing.",
    ),
    Label(
        STOPPED,
        "stopped call",
        "stopped calls",
        "plain",
        "gray",
        ":material/front_hand:",
        1.0,
        "Admitted today and rejected after the change: calls of unassigned addresses, so loss that ends.",
    ),
    Label(
        GONE,
        "call that cannot recur",
        "calls that cannot recur",
        "plain",
        "gray",
        ":material/history:",
        0.6,
        "Admitted today and rejected after the change, but its PBX has left the address.",
    ),
    Label(
        UNCHANGED,
        "unchanged call",
        "unchanged calls",
        "plain",
        "gray",
        ":material/horizontal_rule:",
        0.3,
        "The change makes no difference to these calls.",
    ),
)
"""All labels, worst first: the order in charts, tables, JSON and CSV."""

LABELS: Final = tuple(label.name for label in TABLE)
BY_NAME: Final = {label.name: label for label in TABLE}
UNDECIDED: Final = (MAY_BREAK, CANNOT, MAY_SAVE)
"""Labels of calls that the replay could not decide; for some it knows the possible direction."""
AT_RISK: Final = (BROKEN, MAY_BREAK, CANNOT)
"""Labels of calls that a PBX of yours may lose; guards ask about these."""
