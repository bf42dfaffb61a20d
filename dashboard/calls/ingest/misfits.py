"""Reasons why the reader chosen by the beginning of an export file does not accept a later row."""

from __future__ import annotations

from enum import Enum


class Misfit(Enum):
    """Kind of problem in a row; ``readers.choice.fallback_of`` selects the fallback by it."""

    LAYOUT = "The rows are not one line each, in order of their days."
    FORM = "A value is in another form than the documented one."
    FAULT = "A row is not a call, or the order of rows matters: lines must be numbered."


class MisfitError(Exception):
    """The reader cannot read the whole file; nothing of it is staged."""

    def __init__(self, misfit: Misfit) -> None:
        """Store the reason."""
        super().__init__(misfit.value)
        self.misfit = misfit


class NoCallError(ValueError):
    """A row cannot be a call, whatever the format."""


class OddTextError(ValueError):
    """A time or number is not in the documented form; another reader may understand it."""

    def __init__(self, text: str) -> None:
        """Store the text of the value."""
        super().__init__("A time or number is in another form.")
        self.text = text
