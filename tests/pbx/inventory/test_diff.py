"""Differences between an import and the inventory, and validation of edits."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from dashboard.pbx import InventoryRow, read_edit
from dashboard.pbx.inventory.diff import ADDED, CHANGED, GONE, STAYS, merge
from dashboard.pbx.inventory.validation import validate
from dashboard.pbx.sources import validate_edit
from tests.pbx.conftest import PUBLIC
from tests.pbx.facts import about
from tests.texts import golden

CURRENT = (
    "pbx_id,name,ip_kind,auth_method,site,address,number\n"
    "seattle,Seattle,static,ip,West,198.51.100.11,12065550111\n"
    "miami,Miami,dynamic,credentials,South,203.0.113.130,13055550130\n"
)


@pytest.fixture
def current(read):
    """Return an inventory of two PBXs."""
    return read(CURRENT).frames


def test_partial_import_removes_nothing(read, current):
    """Rows that the import does not contain remain, and the diff reports them."""
    found = merge(current, read("pbx_id,name,address\ndenver,Denver,198.51.100.24\n"))

    assert found.merged["pbxs"]["pbx_id"].tolist() == ["seattle", "miami", "denver"]
    assert found.merged["pbx_addresses"]["address"].tolist() == ["198.51.100.11", "203.0.113.130", "198.51.100.24"]
    assert found.merged["pbx_numbers"].equals(current["pbx_numbers"])
    assert (found.count(ADDED), found.count(CHANGED), found.count(STAYS)) == (2, 0, 4)
    assert found.sentence() == golden("pbx.inventory.adds_two_rows")


def test_only_given_columns_change(read, current):
    """Only given values are compared: a missing address kind leaves Miami dynamic."""
    found = merge(current, read("pbx_id,name\nmiami,Miami Beach\nseattle,Seattle\n"))

    assert found.merged["pbxs"].set_index("pbx_id").loc["miami", ["name", "ip_kind", "site"]].tolist() == [
        "Miami Beach",
        "dynamic",
        "South",
    ]
    assert found.changes.to_dict("records") == [
        {
            "frame": "pbxs",
            "key": "miami",
            "change": CHANGED,
            "column": "name",
            "before": "Miami",
            "after": "Miami Beach",
        }
    ]


def test_the_same_again_changes_nothing(read, current):
    """Importing the same file again changes nothing."""
    found = merge(current, read(CURRENT))

    assert found.empty
    assert found.sentence() == golden("commands.inventory.changes_nothing")
    for name, frame in found.merged.items():
        pd.testing.assert_frame_equal(frame, current[name])


def test_removing_is_the_operators_choice(read, current):
    """``replaced`` removes rows that an imported frame lacks; a PBX is removed with its addresses and numbers."""
    found = merge(current, read("pbx_id,name\nseattle,Seattle\n"))

    assert found.replaced["pbxs"]["pbx_id"].tolist() == ["seattle"]
    assert found.replaced["pbx_addresses"]["pbx_id"].tolist() == ["seattle"]
    assert found.replaced["pbx_numbers"]["pbx_id"].tolist() == ["seattle"]
    assert len(found.merged["pbxs"]) == 2


def test_an_address_is_matched_by_its_time(read, current):
    """Two validity periods of one address are two rows; importing them again changes nothing."""
    text = (
        "pbx_id,address,valid_from,valid_to\nmiami,203.0.113.7,2026-01-01,2026-02-01\nmiami,203.0.113.7,2026-03-01,\n"
    )
    new = read(text, current=current)
    merged = merge(current, new).merged
    again = merge(merged, new)

    assert len(merged["pbx_addresses"]) == 4
    assert again.empty
    assert len(again.merged["pbx_addresses"]) == 4


def test_an_import_into_nothing(read):
    """The first import adds everything."""
    found = merge({}, read(CURRENT))

    assert found.count(ADDED) == 6
    assert len(found.merged["pbxs"]) == 2


def test_an_edit_is_held_to_the_rules_of_an_import(current):
    """The problem names the frame, row and column; cells left empty in the table editor are missing values."""
    pbxs = pd.DataFrame(current["pbxs"]).astype(object)
    pbxs.loc[len(pbxs)] = {"pbx_id": "denver", "name": None, "ip_kind": float("nan")}
    addresses = pd.DataFrame(current["pbx_addresses"]).astype(object)
    addresses.loc[len(addresses)] = {"pbx_id": "seattle", "address": "10.0.0.1", "valid_from": pd.NaT}
    problems = validate_edit({"pbxs": pbxs, "pbx_addresses": addresses}, PUBLIC)

    assert [(problem.file, problem.line, problem.column) for problem in problems] == [
        ("pbxs", 3, "name"),
        ("pbx_addresses", 3, "address"),
    ]


def test_a_good_edit_comes_back_conformed(current):
    """A valid edit keeps times, numbers are digits, and blank rows of the editor are ignored."""
    numbers = pd.DataFrame([{"pbx_id": "seattle", "number": "+1 206 555 0112"}, {"pbx_id": None, "number": ""}])
    addresses = current["pbx_addresses"].assign(valid_from=pd.Timestamp("2026-11-01", tz="UTC"))
    found = read_edit({**current, "pbx_numbers": numbers, "pbx_addresses": addresses}, PUBLIC)

    assert found.problems == []
    assert found.frames["pbx_numbers"]["number"].tolist() == ["12065550112"]
    assert (found.frames["pbx_addresses"]["valid_from"] == pd.Timestamp("2026-11-01", tz="UTC")).all()
    assert validate_edit(current, PUBLIC) == []


def config(pbx_id, *facts, address="", x_tag="", **more):
    """Return what a configuration reader gives: a PBX, its facts, and an address."""
    only = frozenset({"name"})
    rows = [InventoryRow("pbxs", "pjsip.conf", 1, {"pbx_id": pbx_id, "name": "Made up", **more}, only_new=only)]
    if x_tag:
        rows[0] = replace(rows[0], cells={**rows[0].cells, "x_tag": x_tag})
    if address:
        cells = {"pbx_id": pbx_id, "address": address, "source": "configured"}
        rows.append(InventoryRow("pbx_addresses", "pjsip.conf", 2, cells, if_fit=True))
    for line, (key, value) in enumerate(facts, start=3):
        cells = {"pbx_id": pbx_id, **about(key), "value": value, "file": "pjsip.conf", "line": str(line)}
        rows.append(InventoryRow("pbx_config", "pjsip.conf", line, cells, if_fit=True))
    return rows


def test_what_is_configured_stands_beside_what_is_declared(current):
    """An address that is both declared and configured is two rows: neither replaces the other."""
    found = merge(
        current, validate(config("seattle", ("bind", "+x"), address="198.51.100.11"), treated_as_public=PUBLIC)
    )
    rows = found.merged["pbx_addresses"]

    assert rows.loc[rows["pbx_id"] == "seattle", "source"].tolist() == ["declared", "configured"]
    assert found.merged["pbx_config"].to_dict("records") == [
        {"pbx_id": "seattle", **about("bind"), "value": "+x", "file": "pjsip.conf", "line": 3}
    ]
    assert found.merged["pbxs"].equals(current["pbxs"])


def test_a_configuration_read_again_replaces_what_it_said(current):
    """Reading a configuration again replaces that PBX's facts and configured addresses; other rows remain."""
    first = validate(
        config("seattle", ("bind", "a"), ("auth", "ip"), address="198.51.100.77"), treated_as_public=PUBLIC
    )
    other = validate(config("miami", ("bind", "b"), address="198.51.100.78"), treated_as_public=PUBLIC)
    kept = merge(merge(current, first).merged, other).merged
    again = validate(config("seattle", ("bind", "c"), address="198.51.100.79"), treated_as_public=PUBLIC)
    found = merge(kept, again)

    assert merge(kept, first).empty
    assert found.merged["pbx_config"]["value"].tolist() == ["b", "c"]
    assert found.merged["pbx_addresses"]["address"].tolist() == [
        "198.51.100.11",
        "203.0.113.130",
        "198.51.100.78",
        "198.51.100.79",
    ]
    assert (found.count(ADDED), found.count(CHANGED), found.count(GONE)) == (1, 1, 1)
    assert found.sentence().startswith(golden("pbx.inventory.adds_changes_and_takes"))


def test_what_a_register_says_and_what_a_pbx_says_stand_apart(current):
    """Reading a register or a PBX again replaces only the rows from the same source."""
    facts = [("x_tag", "a"), ("record.status", "active")]
    first = validate(config("seattle", *facts, address="198.51.100.77"), treated_as_public=PUBLIC)
    register = merge(merge(current, first).merged, validate(config("seattle", ("record.status", "retired"))))
    pbx = merge(register.merged, validate(config("seattle", ("x_tag", "b"))))

    assert register.merged["pbx_config"]["value"].tolist() == ["a", "retired"]
    assert register.count(GONE) == 0
    assert pbx.merged["pbx_config"]["value"].tolist() == ["b", "retired"]
    assert pbx.count(GONE) == 1
    assert merge(pbx.merged, validate(config("seattle", ("x_tag", "b")))).empty


def test_each_row_changes_its_own_columns_only(current):
    """A missing X-Tag or name in one PBX's configuration does not remove another's."""
    tagged = merge(current, validate(config("miami", x_tag="mia")))
    both = validate([*config("miami", ("a", "b")), *config("seattle", ("a", "b"), x_tag="sea")])
    pbxs = merge(tagged.merged, both).merged["pbxs"].set_index("pbx_id")

    assert pbxs["x_tag"].to_dict() == {"seattle": "sea", "miami": "mia"}
    assert pbxs["name"].to_dict() == {"seattle": "Seattle", "miami": "Miami"}


def test_a_guess_that_cannot_be_kept_is_left_out_without_a_word():
    """A private address in a configuration is a fact, not an address that the carrier sees; no row is refused."""
    inventory = validate(config("seattle", ("bind", "10.0.0.5"), address="10.0.0.5"))

    assert inventory.problems == []
    assert inventory.frames["pbx_addresses"].empty
    assert inventory.frames["pbx_config"]["value"].tolist() == ["10.0.0.5"]


def test_two_pbxs_may_be_configured_with_one_address():
    """PBXs behind one configured address are told apart by their X-Tags; a declared address belongs to one PBX."""
    rows = [*config("a", address="198.51.100.7"), *config("b", address="198.51.100.7")]

    assert validate(rows, treated_as_public=PUBLIC).frames["pbx_addresses"]["pbx_id"].tolist() == ["a", "b"]
