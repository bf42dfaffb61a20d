"""Lint rules for trunks with IP authentication: each pitfall is found at its line, and there are no false positives."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dashboard.pbx import LintContext, LintLevel, Upload, lint_inventory, read_files
from dashboard.pbx.inventory.diff import merge
from dashboard.pbx.lint.dial_strings import faults_of, sample_of
from dashboard.sip import Trunk
from tests.builders import calls_row, make_snapshot
from tests.pbx.conftest import PUBLIC
from tests.texts import golden

TRUNK = """[t]
type=endpoint
aors=t
{more}
[t]
type=aor
contact=sip:{host}
[t]
type=identify
endpoint=t
match={match}
[wan]
type=transport
external_signaling_address={address}
{end}
"""
EDGES = [
    ("us-west-or.sip.flowroute.com", "34.210.91.112/28"),
    ("us-east-va.sip.flowroute.com", "34.226.36.32/28"),
]
BOTH = "34.210.91.112/28,34.226.36.32/28"
ALL = LintContext(
    Trunk.of("12345678", EDGES), allowed=("198.51.100.11",), credentials_on=False, treated_as_public=tuple(PUBLIC)
)


def codes(pitfalls):
    """Return code and line of each pitfall."""
    return [(pitfall.code, pitfall.line) for pitfall in pitfalls]


def look(known=ALL, *, dial="12345678*${EXTEN}", declared="", **parts):
    """Lint one trunk; values that are not given are correct."""
    filled = {"more": "", "host": EDGES[0][0], "match": BOTH, "address": "198.51.100.11", "end": ""} | parts
    files = [
        Upload("pjsip.conf", TRUNK.format(**filled).encode()),
        Upload("extensions.conf", f"[o]\nexten => _1NXXNXXXXXX,1,Dial(PJSIP/{dial}@t)\n".encode()),
    ]
    current = {}
    if declared:
        table = f"pbx_id,name,address,kind\npbx,PBX,{declared}\n"
        current = read_files([Upload("a.csv", table.encode())], treated_as_public=PUBLIC).frames
    found = read_files(files, treated_as_public=PUBLIC, current=current, trunk=known.trunk, name="pbx")
    return lint_inventory({**merge(current, found).merged, "pbx_config": found.frames["pbx_config"]}, known)


def test_a_trunk_in_order_has_none():
    """A trunk with prefix, both PoPs, a listed address and no credentials has no pitfall."""
    assert look() == []
    assert look(host="us-east-va.sip.flowroute.com", match="us-west-or.sip.flowroute.com, 34.226.36.0/24") == []


@pytest.mark.parametrize(
    ("parts", "code", "line"),
    [
        ({"dial": "1234567*${EXTEN}"}, "prefix_length", 2),
        ({"dial": "87654321*${EXTEN}"}, "prefix_wrong", 2),
        ({"dial": "${EXTEN}"}, "prefix_missing", 2),
        ({"dial": "12345678${EXTEN}"}, "separator_missing", 2),
        ({"dial": "*${EXTEN}"}, "star_swallowed", 2),
        ({"dial": "${PREFIX}*${EXTEN}"}, "prefix_not_set", 2),
        ({"dial": "12345678*12345678*${EXTEN}"}, "prefix_twice", 2),
        ({"dial": "12345678*1234567812345678${EXTEN}"}, "wrong_length", 2),
        ({"dial": "12345678*${EXTEN:1}"}, "one_missing", 2),
        ({"dial": "12345678*+${EXTEN}"}, "plus_left_in", 2),
        ({"dial": "12345678*011${EXTEN}"}, "access_code_left_in", 2),
        ({"dial": "12345678*${EXTEN:4}"}, "wrong_length", 2),
        ({"host": "us-east-nj.sip.flowroute.com"}, "pop_retired", 7),
        ({"match": f"147.75.65.200,{BOTH}"}, "pop_retired", 11),
        ({"match": "34.210.91.112/28"}, "one_pop_matched", 11),
        ({"match": "34.210.91.113,34.226.36.32/28"}, "one_pop_matched", 11),
        ({"address": "10.0.0.5"}, "private_address", 14),
        ({"address": "100.64.1.1"}, "private_address", 14),
        ({"address": "203.0.113.9"}, "egress_not_listed", 14),
        ({"declared": "198.51.100.99,primary"}, "egress_differs", 14),
        ({"address": "203.0.113.9", "declared": "203.0.113.9,failover"}, "failover_not_listed", 14),
        ({"more": "outbound_auth=a"}, "digest_on_trunk", 4),
        ({"end": "[r]\ntype=registration\nserver_uri=sip:us-west-or.sip.flowroute.com"}, "registration_left", 17),
    ],
)
def test_each_pitfall_is_found_alone_at_its_line(parts, code, line):
    """Each pitfall is found alone, with a message and a remedy in whole sentences."""
    (pitfall,) = look(**parts)

    assert (pitfall.code, pitfall.line) == (code, line)
    assert pitfall.sentence.endswith(".")
    assert pitfall.cure.endswith(".")
    assert pitfall.level is not LintLevel.NOTE
    assert str(pitfall).startswith(f"{'extensions' if line == 2 else 'pjsip'}.conf, line {line}: ")


def test_a_plus_that_the_carrier_may_take_is_a_warning():
    """A plus sign is a warning: the service guide calls it optional, the article on dialing formats says to omit it."""
    (pitfall,) = look(dial="12345678*+${EXTEN}")

    assert pitfall.level is LintLevel.WARNING
    assert golden("pbx.lint.guide_on_plus") in pitfall.sentence
    assert golden("pbx.lint.article_on_plus") in pitfall.sentence
    (other,) = look(dial="12345678*011${EXTEN}")
    assert other.level is LintLevel.ERROR


def test_a_second_address_that_is_not_listed_is_the_fail_over():
    """Of two transports the second one is for failover."""
    end = "[wan2]\ntype=transport\nexternal_signaling_address=203.0.113.9"

    assert codes(look(end=end)) == [("failover_not_listed", 17)]


def test_credentials_left_enabled_are_noted():
    """Enabled credentials on the account are noted if the trunk does not use them."""
    known = LintContext(ALL.trunk, ALL.allowed, credentials_on=True, treated_as_public=ALL.treated_as_public)

    assert [(one.code, one.level) for one in look(known)] == [("credentials_left_on", LintLevel.NOTE)]
    assert codes(look(known, more="outbound_auth=a")) == [("digest_on_trunk", 4)]


def test_a_trunk_with_credentials_may_dial_without_the_prefix():
    """A trunk with credentials needs neither the prefix nor a listed address."""
    assert look(dial="${EXTEN}", more="outbound_auth=a", address="203.0.113.9") == []


def test_without_an_account_the_configuration_is_held_to_itself():
    """Without an account, the most common prefix is expected (one match is too few); the list is not checked."""
    bare = LintContext(treated_as_public=tuple(PUBLIC))

    assert look(bare, address="203.0.113.9") == []
    assert codes(look(bare, dial="123456781${EXTEN:1}")) == [("separator_missing", 2)]
    assert codes(look(bare, match="34.210.91.112/28")) == [("one_pop_matched", 11)]


def test_a_number_of_any_country_may_have_any_length():
    """A pattern with an international country code allows any length; North American patterns do not."""
    assert list(faults_of("12345678*ZXXXXXXXX", "12345678", signs_in=False)) == []
    assert [fault[0] for fault in faults_of("12345678*NXXXXXX", "12345678", signs_in=False)] == ["wrong_length"]
    assert [fault[0] for fault in faults_of("12345678*1NXXNXXXXX", "12345678", signs_in=False)] == ["wrong_length"]


def test_letters_become_digits():
    """Letters are converted to digits as dialed."""
    assert sample_of("12345678*1NXXNXXXXXX") == "12345678*12552555555"
    assert sample_of("[2-9]Z.${EXTEN}") == "25${REST}${EXTEN}"


@pytest.mark.parametrize(
    ("seen", "by", "expected"),
    [
        (("203.0.113.9",), "x_tag", ["egress_observed_differs"]),
        (("203.0.113.9", "198.51.100.11"), "x_tag", []),
        (("203.0.113.9",), "address", []),
        ((), "x_tag", []),
    ],
)
def test_what_is_configured_is_compared_with_what_the_carrier_saw(seen, by, expected):
    """Only calls with the PBX's own X-Tag prove its source address; calls attributed by address prove nothing."""
    rows = [calls_row(source, pbx_id="pbx", x_tag="pbx", attributed_by=by) for source in seen]
    known = replace(ALL, observed=LintContext.of(make_snapshot(traffic=rows)).observed)
    found = look(known)

    assert expected == [one.code for one in found]
    assert [True] * len(expected) == ["came from 203.0.113.9." in str(one) and one.line == 14 for one in found]
