"""Short notation of facts in tests and recorded cases: ``trunk.NAME.host``, ``inbound.match``, ``x_tag``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from dashboard.schemas.object_types import ObjectType


def key_of(fact: Mapping[Any, Any]) -> str:
    """Return the notation of what a fact is about."""
    object_type = "" if fact["object_type"] == ObjectType.PBX else fact["object_type"]
    name = fact["object_name"]
    parts = (
        [object_type, name, fact["attribute"]] if object_type == ObjectType.TRUNK else [object_type, fact["attribute"]]
    )
    return ".".join(parts).removeprefix(".")


def keys(facts: pd.DataFrame) -> pd.Series:
    """Return the notation of each fact."""
    return pd.Series([key_of(row) for row in facts.to_dict("records")], index=facts.index, dtype="str")


def about(key: str) -> dict[str, str]:
    """Return the columns that a notation stands for."""
    whole, _, attribute = key.rpartition(".")
    object_type, _, name = whole.partition(".")
    return {"object_type": object_type or ObjectType.PBX.value, "object_name": name, "attribute": attribute}
