"""Types of the objects that configuration facts (PBX_CONFIG) describe."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class ObjectType(StrEnum):
    """
    Type of an object in a PBX's configuration, with its attributes.

    Only a trunk has a name: a PBX has several.
    """

    TRUNK = "trunk"
    """A trunk to the carrier: ``host``, ``auth``, ``registration``, ``context``, ``dial``."""
    INBOUND = "inbound"
    """Inbound calls: ``match``, a source accepted as the carrier."""
    ADDRESS = "address"
    """Addresses of the PBX: ``external``, ``media``, ``bind``, ``local_net``."""
    NUMBER = "number"
    """Numbers that it accepts: ``pattern``."""
    DIALPLAN = "dialplan"
    """The dialplan: ``dial``, a call that passes through it again."""
    PBX = "pbx"
    """The PBX as a whole: ``x_tag``, and ``secret_present`` with the kind of a password; the password is dropped."""
    RECORD = "record"
    """Its record in an asset register such as NetBox, not its own configuration; attributes as in the register."""


def with_object(fact: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return a recorded fact with the columns of its object.

    Versions recorded before these columns have a ``key`` instead: TYPE.ATTRIBUTE, of a trunk TYPE.NAME.ATTRIBUTE.
    """
    columns = {name: value for name, value in fact.items() if name != "key"}
    if "key" not in fact:
        return columns
    whole, _, attribute = str(fact["key"]).rpartition(".")
    object_type, _, object_name = whole.partition(".")
    columns |= {"object_type": object_type or ObjectType.PBX.value, "object_name": object_name, "attribute": attribute}
    return columns
