"""Tables: input conforms to its schema, or gives an error with its location."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd
import pytest

from dashboard.core.errors import TableError
from dashboard.schemas.tables import ALLOWED_IPS, FRAMES, MONEY, NUMBERS, PBXS, TRAFFIC, conform, empty
from tests.builders import calls_row, frame, pbx
from tests.texts import golden_pattern


def test_a_missing_column_is_named() -> None:
    """A field renamed by the carrier is an error, not an empty column."""
    with pytest.raises(TableError, match=golden_pattern("errors.frames.column_is_missing")):
        conform(pd.DataFrame({"nummer": ["1"]}), NUMBERS, source="flowroute /v2/numbers")


def test_a_value_that_is_not_allowed_is_named_with_its_row() -> None:
    """The error has row and column of the first invalid value, and the number of such values."""
    with pytest.raises(TableError, match=golden_pattern("errors.frames.not_allowed")):
        conform(pd.DataFrame([pbx("a"), pbx("b", ip_kind="sometimes")]), PBXS, source="pbxs.csv")


def test_optional_columns_are_filled_and_unknown_ones_dropped() -> None:
    """The frame has exactly the schema's columns in order; missing text is empty, a missing time is NaT."""
    made = conform(pd.DataFrame({"color": ["red"], "network": ["192.0.2.1"]}), ALLOWED_IPS, source="here")

    assert list(ALLOWED_IPS.columns) == list(made.columns)
    assert ("", True) == (made["label"].iloc[0], pd.isna(made["added_at"].iloc[0]))


def test_missing_text_is_empty_text() -> None:
    """No text column contains a missing value."""
    made = conform(pd.DataFrame({"network": ["192.0.2.1", "192.0.2.2"], "label": [None, "x"]}), ALLOWED_IPS, source="")

    assert ["", "x"] == list(made["label"])


def test_money_keeps_its_digits() -> None:
    """Eight decimal places are kept, and sums are exact."""
    made = frame(TRAFFIC, [calls_row("192.0.2.1", cost_usd="0.10000000")] * 3)

    assert made["cost_usd"].dtype == MONEY
    assert Decimal("0.30000000") == made["cost_usd"].sum()


def test_conform_leaves_its_argument_alone() -> None:
    """The caller's frame is not modified."""
    given = pd.DataFrame({"network": ["192.0.2.1"]})
    conform(given, ALLOWED_IPS, source="here")

    assert ["network"] == list(given.columns)


@pytest.mark.parametrize("name", sorted(FRAMES))
def test_an_empty_frame_keeps_the_contract(name: str) -> None:
    """Every schema accepts an empty frame, and empty frames are not shared."""
    first = empty(FRAMES[name])
    second = empty(FRAMES[name])

    assert list(FRAMES[name].columns) == list(first.columns)
    assert first is not second
    assert (len(first), first.dtypes.to_dict()) == (0, conform(first, FRAMES[name], source="").dtypes.to_dict())
