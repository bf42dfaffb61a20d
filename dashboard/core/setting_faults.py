"""Error messages for invalid settings: source, value unless it is secret, and allowed values."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import get_args

from annotated_types import Ge, Le
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from dashboard.core.text import join, quoted

SWITCH = "1 or 0, or true or false"
KINDS: Mapping[type, str] = {
    bool: SWITCH,
    int: "a whole number",
    float: "a number",
    Path: "the path of a folder",
}
"""Description of valid values by type; any other type is text."""
MAY_BE_SECRET = "text"  # noqa: S105 - a kind of value, not a value


def sentence(source: str, field: FieldInfo, fault: ErrorDetails) -> str:
    """
    Return a sentence for the operator about one invalid setting.

    Args:
        source: Source of the value: the environment variable, or the key of the file.
        field: Field of the settings model.
        fault: Validation error of the model.
    """
    own_error = fault.get("ctx", {}).get("error")
    if isinstance(own_error, ValueError):
        return f"{source} {own_error}."
    must = demand(field)
    if must == MAY_BE_SECRET:
        return f"{source} must be text, in quotes."
    return f"{source} is {quoted(fault['input'])}. It must be {must}."


def demand(field: FieldInfo) -> str:
    """Return a description of the valid values of a field, with limits."""
    kind = next(
        (annotation for annotation in (field.annotation, *get_args(field.annotation)) if isinstance(annotation, type)),
        str,
    )
    if issubclass(kind, StrEnum):
        return join(kind, None, last="or")
    least = next((f"{limit.ge:,}" for limit in field.metadata if isinstance(limit, Ge)), "")
    most = next((f"{limit.le:,}" for limit in field.metadata if isinstance(limit, Le)), "")
    limits = f" from {least} to {most}" if least and most else ""
    return f"{KINDS.get(kind, MAY_BE_SECRET)}{limits}"
