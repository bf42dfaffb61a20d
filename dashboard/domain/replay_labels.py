"""
The labels of a replay: one table of names, order, colors, marks and meanings.

Every part that counts or shows replayed calls reads this table: replay, guards, pages, command line, exports.
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
    """How one label is shown."""

    name: str
    """Its value in frames, plans, JSON and CSV; capitalized on pages."""
    noun: str
    """One call of the label, as in "1 broken call"."""
    plural: str
    """Several, as in "1,204 broken calls"."""
    state: str
    """Its place in the theme's palette (``marks.STATES``)."""
    color: str
    """The same color as Markdown names it."""
    icon: str
    """Its mark, so that color is never the only sign."""
    opacity: float
    """Of its part of the bar: what shares a color differs here."""
    meaning: str
    """One sentence for glossary and help texts."""


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
"""Worst first: the order of bars, figures, tables, JSON and CSV."""

LABELS: Final = tuple(label.name for label in TABLE)
BY_NAME: Final = {label.name: label for label in TABLE}
UNDECIDED: Final = (MAY_BREAK, CANNOT, MAY_SAVE)
"""Labels of calls for which the replay has no answer, only at best a direction."""
AT_RISK: Final = (BROKEN, MAY_BREAK, CANNOT)
"""Labels that may cost a PBX of yours its calls: what guards ask about."""
