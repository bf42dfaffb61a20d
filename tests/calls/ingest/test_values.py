"""Parsing of file text into values: the macros of ``sql/macros.sql`` alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from ipaddress import IPv4Address, IPv4Network, IPv6Address
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.calls.store.engine import Engine, sql


@pytest.fixture(scope="module")
def ask(tmp_path_factory) -> Iterator[Any]:
    """Return a function that evaluates a macro call on one text."""
    with Engine(tmp_path_factory.mktemp("work")).cursor("test", macros=True) as cursor:
        cursor.execute(sql("macros"))
        yield lambda call, text: cursor.execute(f"SELECT {call}", {"x": text}).fetchone()[0]


moments = st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)).map(lambda at: at.replace(microsecond=0))  # noqa: DTZ001 - the test treats it as UTC


@settings(max_examples=30, deadline=None)
@given(moments)
def test_every_documented_form_of_a_time(ask, moment):
    """The documented form and ISO 8601 with T, Z, a fraction or a short offset all give the same second."""
    for text in (
        f"{moment:%Y-%m-%d %H:%M:%S}+00",
        f"{moment:%Y-%m-%dT%H:%M:%S}Z",
        f"{moment:%Y-%m-%dT%H:%M:%S}.987654+00:00",
        f"{moment:%Y-%m-%d %H:%M:%S}",
        f"{moment:%Y-%m-%d %H:%M:%S} +0000",
        f"{moment:%Y-%m-%d %H:%M:%S} UTC",
    ):
        assert ask("utc_of($x)", text) == moment, text


@settings(max_examples=30, deadline=None)
@given(moments, st.integers(-14 * 4, 14 * 4))
def test_an_offset_is_taken_off(ask, moment, quarters):
    """A time with another offset is converted to UTC."""
    zone = timezone(timedelta(minutes=15 * quarters))
    local = moment.replace(tzinfo=UTC).astimezone(zone)

    assert ask("utc_of($x)", local.isoformat()) == moment


@pytest.mark.parametrize(
    "text", ["", "yesterday", "infinity", "2026-02-30 10:00:00+00", "11/02/2026 10:00", "1793620800", "2026-11-02"]
)
def test_invalid_time_is_missing(ask, text):
    """A date alone, another order, a number or an invalid day gives no time."""
    assert ask("utc_of($x)", text) is None


@settings(max_examples=30, deadline=None)
@given(st.decimals(-(10**4), 10**4, places=8))
def test_money_keeps_every_place(ask, amount):
    """An amount with eight decimal places is unchanged."""
    assert ask("usd_of($x)", f"{amount:f}") == amount


@pytest.mark.parametrize("text", ["", "free", "$1.00", "1,5", "NaN", "10000.01", "1__0", "12345678901"])
def test_invalid_amount_is_missing(ask, text):
    """A currency sign, a comma, a word or an amount beyond the store's range gives no amount."""
    assert ask("usd_of($x)", text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("60", 60),
        ("60.0", 60),
        (" 7 ", 7),
        ("0", 0),
        ("", None),
        ("6.5", None),
        ("1.99999", None),
        ("-1", None),
        ("9" * 12, None),
    ],
)
def test_whole_numbers(ask, text, expected):
    """A count is a non-negative integer; nothing is rounded."""
    assert ask("whole_of($x)", text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12065550100", "12065550100"),
        ("+12065550100", "12065550100"),
        ("+1 (206) 555-0100", "12065550100"),
        ("1.206.555.0100", "12065550100"),
        ("12065550100.0", "12065550100"),
        ("+12065550100.", "12065550100"),
        ("", ""),
        ("+", "+"),
        ("anonymous", "anonymous"),
        ("*97", "*97"),
        ("sip:reception@pbx.example.net", "sip:reception@pbx.example.net"),
    ],
)
def test_numbers(ask, text, expected):
    """A number is digits without '+'; any other text does not change."""
    assert ask("number_of($x)", text) == expected


@settings(max_examples=30, deadline=None)
@given(st.integers(2**24, 2**32 - 1).map(IPv4Address), st.none() | st.integers(0, 65535))
def test_an_address_and_its_port(ask, address, port):
    """Every IPv4 address that can be a source is parsed, with and without a port."""
    text = f"{address}" if port is None else f"{address}:{port}"

    assert ask("address_of($x).ip", text) == str(address)
    assert ask("port_of(address_of($x).port)", text) == port


@pytest.mark.parametrize(
    ("text", "ip", "port"),
    [
        ("2001:DB8::1", "2001:db8::1", None),
        ("[2001:db8::1]:5060", "2001:db8::1", 5060),
        ("[2001:db8::1]", "2001:db8::1", None),
        ("2001:0DB8::0001", "2001:db8::1", None),
        ("2001:db8:0:0::1", "2001:db8::1", None),
        ("::ffff:192.0.2.1", "192.0.2.1", None),
        ("::ffff:c000:0201", "192.0.2.1", None),
        ("[2001:db8::1", None, None),
        ("192.0.2.1:", "192.0.2.1", None),
        ("192.0.2.1:70000", "192.0.2.1", None),
        ("192.0.2.256", None, None),
        ("010.1.2.3", None, None),
        ("0.0.0.0:5060", None, None),
        ("0.1.2.3", None, None),
        ("1.0.0.0", "1.0.0.0", None),
        ("::ffff:0:0", None, None),
        ("::", None, None),
        ("::1", "::1", None),
        ("192.0.2", None, None),
        ("pbx.example.net", None, None),
        ("", None, None),
    ],
)
def test_addresses_at_the_edge(ask, text, ip, port):
    """IPv6 with and without brackets is parsed; leading zeros, short forms and names are not addresses."""
    assert (ask("address_of($x).ip", text), ask("port_of(address_of($x).port)", text)) == (ip, port)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from([0, 0, 0, 1, 0xABC, 0xFFFF]), min_size=8, max_size=8).map(
        lambda groups: IPv6Address(sum(group << 16 * place for place, group in enumerate(groups)))
    )
)
def test_an_ipv6_address_has_one_text(ask, address):
    """Every notation of an address gives the form of RFC 5952; 0.0.0.0/8 and :: are not sources of calls."""
    mapped = address.ipv4_mapped
    nowhere = address.is_unspecified or (mapped is not None and mapped in IPv4Network("0.0.0.0/8"))
    expected = None if nowhere else str(mapped or address)

    for text in (str(address), address.exploded, str(address).upper(), f"[{address.exploded}]:5060"):
        assert ask("address_of($x).ip", text) == expected


@pytest.mark.parametrize("text", [" x", "x ", "\tx", "x\t", "x\r", "x\n", " \t x \n "])
def test_text_loses_the_blanks_around_it(ask, text):
    """Blanks, tabs and line ends around a value are removed."""
    assert ask("text_of($x)", text) == "x"


@settings(max_examples=30, deadline=None)
@given(st.text(st.characters(exclude_characters="\x00", codec="utf-8")))
def test_text_keeps_everything_else(ask, text):
    """Any text is unchanged except for the surrounding blanks."""
    assert ask("text_of($x)", text) == text.strip(" \t\n\r")


def test_decimal_of_the_store_is_decimal(ask):
    """Money is decimal in every step, never floating point."""
    assert ask("usd_of($x)", "0.1") == Decimal("0.10000000")
