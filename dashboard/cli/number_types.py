"""Validation of numeric command-line options."""

from __future__ import annotations

import math

import typer


def finite(number: float) -> float:
    """
    Return a finite option value; used as ``callback`` of options, because a range check accepts NaN.

    Raises:
        typer.BadParameter: The value is NaN or infinite.
    """
    if not math.isfinite(number):
        raise typer.BadParameter(f"{number} is not a number that can be used here. Give a finite one, such as 1.5.")
    return number
