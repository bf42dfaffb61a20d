"""Country and kind of dialed numbers."""

from __future__ import annotations

import re

import pandas as pd
import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.sip import numbering_plan


@pytest.mark.parametrize(
    ("number", "region", "country", "number_type"),
    [
        ("12065550100", "US", "United States", "fixed or mobile"),
        ("18005550100", "US", "United States", "toll-free"),
        ("19005550100", "US", "United States", "premium"),
        ("18765550100", "JM", "Jamaica", "mobile"),
        ("442079460000", "GB", "United Kingdom", "fixed"),
        ("447011234567", "GB", "United Kingdom", "personal"),
        ("448081570000", "GB", "United Kingdom", "toll-free"),
        ("4790012345", "NO", "Norway", "mobile"),
        ("390612345678", "IT", "Italy", "fixed"),
        ("77012345678", "KZ", "Kazakhstan", "mobile"),
        ("80012345678", "", "International toll-free", "toll-free"),
        ("881612345678", "", "Satellite networks", "mobile"),
        ("882161234567", "", "International networks", "VoIP"),
        ("411", "", "", "service"),
        ("911", "", "", "service"),
    ],
)
def test_country_and_kind(number, region, country, number_type):
    """A number gives country and kind; a code without a country gives its service."""
    found = numbering_plan.kind_of(number)

    assert (found.region, found.country) == (region, country)
    assert found.number_type == number_type


@pytest.mark.parametrize(
    ("number", "region"),
    [
        ("", ""),
        ("anonymous", ""),
        ("+12065550100", ""),
        ("011442079460000", ""),
        ("2065550100000000", ""),
        ("1206555010", ""),
        ("10115550100", ""),
        ("999123456", ""),
        ("441632960123", ""),
        ("97112345678", "AE"),
        ("\u0661\u0662\u0660\u0666\u0665\u0665\u0665\u0660\u0661\u0660\u0660", ""),
    ],
)
def test_unassigned_code_is_unknown(number, region):
    """No kind is guessed, and no country if several share the code."""
    found = numbering_plan.kind_of(number)

    assert (found.region, found.number_type) == (region, "unknown")


def test_a_column_is_classified_row_by_row():
    """Every row keeps its index and gets the result of its number alone; a missing number is unknown."""
    numbers = pd.Series(["4790012345", "12065550100", None, "4790012345"], index=[7, 3, 5, 1], dtype="str")

    found = numbering_plan.classify(numbers)

    assert found.index.tolist() == [7, 3, 5, 1]
    assert found["country"].tolist() == ["Norway", "United States", "", "Norway"]
    assert found["number_type"].tolist() == ["mobile", "fixed or mobile", "unknown", "mobile"]


def test_a_column_without_rows():
    """An empty column gives the same columns."""
    assert numbering_plan.classify(pd.Series([], dtype="str")).columns.tolist() == ["region", "country", "number_type"]


def test_each_number_is_looked_at_once():
    """Each distinct number is parsed once, however often it was dialed."""
    numbering_plan.kind_of.cache_clear()

    numbering_plan.classify(pd.Series(["4790012345", "12065550100"] * 500, dtype="str"))

    assert numbering_plan.kind_of.cache_info().misses == 2


def test_every_country_has_a_name():
    """Every region that the library can return has a name."""
    assert set(numbering_plan.COUNTRIES) == set(phonenumbers.SUPPORTED_REGIONS)
    assert "" not in numbering_plan.COUNTRIES.values()


@settings(max_examples=200, deadline=None)
@given(
    number=st.from_regex(r"[2-9][0-9]{4,14}", fullmatch=True)
    | st.from_regex(r"1[2-9][0-9]{2}[2-9][0-9]{6}", fullmatch=True)
    | st.text(max_size=16)
)
def test_shortcut_equals_the_library(number):
    """The shortcut before parsing gives the library's result."""
    found = numbering_plan.kind_of(number)

    try:
        is_valid = re.fullmatch("[0-9]{5,15}", number) and phonenumbers.is_valid_number(
            phonenumbers.parse(f"+{number}")
        )
    except phonenumbers.NumberParseException:
        is_valid = False
    expected = {"unknown", "service"} if not is_valid else set(numbering_plan.NUMBER_TYPES.values()) - {"unknown"}
    assert found.number_type in expected
