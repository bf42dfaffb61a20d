"""Objects of configuration facts, also of those recorded before facts had objects."""

from __future__ import annotations

import pandas as pd
import pytest

from dashboard import schemas
from dashboard.core.errors import TableError
from dashboard.schemas.object_types import with_object


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("trunk.flowroute.host", ("trunk", "flowroute", "host")),
        ("trunk.us-west-or.sip.flowroute.com.dial", ("trunk", "us-west-or.sip.flowroute.com", "dial")),
        ("trunk..auth", ("trunk", "", "auth")),
        ("inbound.match", ("inbound", "", "match")),
        ("address.local_net", ("address", "", "local_net")),
        ("dialplan.dial", ("dialplan", "", "dial")),
        ("record.secret_present", ("record", "", "secret_present")),
        ("secret_present", ("pbx", "", "secret_present")),
        ("x_tag", ("pbx", "", "x_tag")),
    ],
)
def test_recorded_key_becomes_the_columns_of_an_object(key: str, expected: tuple[str, str, str]) -> None:
    """A version recorded before the columns existed is read as if it had them, and conforms."""
    fact = with_object({"pbx_id": "denver", "key": key, "value": "a", "file": "pjsip.conf", "line": 3})
    frame = schemas.conform(pd.DataFrame([fact]), schemas.PBX_CONFIG, source="test")

    assert expected == tuple(frame.loc[0, ["object_type", "object_name", "attribute"]])


def test_fact_with_columns_is_unchanged() -> None:
    """A version with the columns needs no reading of names."""
    fact = {"pbx_id": "denver", "object_type": "trunk", "object_name": "a.b", "attribute": "host", "value": "x"}

    assert fact == with_object(fact)


def test_unknown_object_type_is_refused() -> None:
    """The types are those of the contract."""
    fact = {"pbx_id": "denver", "object_type": "gateway", "attribute": "host", "value": "x"}
    with pytest.raises(TableError, match="object_type"):
        schemas.conform(pd.DataFrame([fact]), schemas.PBX_CONFIG, source="test")
