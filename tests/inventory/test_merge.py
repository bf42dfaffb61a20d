"""What an import changes, and what an edit may not say."""

from __future__ import annotations

import pandas as pd
import pytest

from dashboard.inventory import ADDED, CHANGED, STAYS, merge, read_edit, validate_edit
from tests.inventory.conftest import PUBLIC

CURRENT = (
    "pbx_id,name,ip_kind,auth_method,site,address,number\n"
    "seattle,Seattle,static,ip,West,198.51.100.11,12065550111\n"
    "miami,Miami,dynamic,credentials,South,203.0.113.130,13055550130\n"
)


@pytest.fixture
def current(read):
    """Return an inventory of two PBXs."""
    return read(CURRENT).frames


def test_a_part_never_removes_the_rest(read, current):
    """What the import does not have stays, and is said to."""
    found = merge(current, read("pbx_id,name,address\ndenver,Denver,198.51.100.24\n"))

    assert found.merged["pbxs"]["pbx_id"].tolist() == ["seattle", "miami", "denver"]
    assert found.merged["pbx_addresses"]["address"].tolist() == ["198.51.100.11", "203.0.113.130", "198.51.100.24"]
    assert found.merged["pbx_numbers"].equals(current["pbx_numbers"])
    assert (found.count(ADDED), found.count(CHANGED), found.count(STAYS)) == (2, 0, 4)
    assert found.sentence() == "The import adds 2 rows. 4 rows are not in the import and stay as they are."


def test_only_given_columns_change(read, current):
    """A file without the kind of address leaves Miami dynamic; a cell that is given and differs is a change."""
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
    """Importing twice is importing once."""
    found = merge(current, read(CURRENT))

    assert found.empty
    assert found.sentence() == "The import changes nothing."
    for name, frame in found.merged.items():
        pd.testing.assert_frame_equal(frame, current[name])


def test_removing_is_the_operators_choice(read, current):
    """``replaced`` drops what an imported frame lacks, and with a PBX its addresses and numbers."""
    found = merge(current, read("pbx_id,name\nseattle,Seattle\n"))

    assert found.replaced["pbxs"]["pbx_id"].tolist() == ["seattle"]
    assert found.replaced["pbx_addresses"]["pbx_id"].tolist() == ["seattle"]
    assert found.replaced["pbx_numbers"]["pbx_id"].tolist() == ["seattle"]
    assert len(found.merged["pbxs"]) == 2


def test_an_address_is_matched_by_its_time(read, current):
    """Two stays at one address are two rows; re-importing them changes nothing."""
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
    """The problem names the frame, the row and the column; what a table editor leaves empty is empty."""
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
    """Times survive, numbers are digits, and blank rows of the editor are passed over."""
    numbers = pd.DataFrame([{"pbx_id": "seattle", "number": "+1 206 555 0112"}, {"pbx_id": None, "number": ""}])
    addresses = current["pbx_addresses"].assign(valid_from=pd.Timestamp("2026-11-01", tz="UTC"))
    found = read_edit({**current, "pbx_numbers": numbers, "pbx_addresses": addresses}, PUBLIC)

    assert found.problems == []
    assert found.frames["pbx_numbers"]["number"].tolist() == ["12065550112"]
    assert (found.frames["pbx_addresses"]["valid_from"] == pd.Timestamp("2026-11-01", tz="UTC")).all()
    assert validate_edit(current, PUBLIC) == []
