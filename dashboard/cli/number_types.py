"""Numbers on the command line."""

from __future__ import annotations

import math

import typer


def finite(number: float) -> float:
    """
    Return the value of an option, for its ``callback``: a range lets through what is no number at all.

    Raises:
        typer.BadParameter: It is not a finite number.
    """
    if not math.isfinite(number):
        raise typer.BadParameter(f"{number} is not a number that can be used here. Give a finite one, such as 1.5.")
    return number
