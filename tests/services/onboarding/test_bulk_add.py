"""Bulk add: the preview of each pasted line compared with the inventory, before anything is saved."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dashboard.services.onboarding import bulk_add
from dashboard.services.onboarding.bulk_add import COMPLETE, LEFT_OUT, MISSING, PARTLY, SAME, PastedFleet
from tests.builders import make_snapshot, pbx
from tests.texts import golden

WORLD = make_snapshot(
    pbxs=[pbx("seattle", site="Pier 4", inbound_host="198.51.100.11"), pbx("pbx-7", name="Denver")],
    addresses=[{"pbx_id": "seattle", "address": "198.51.100.11"}],
    pbx_numbers=[{"pbx_id": "seattle", "number": "12065550100"}],
)


def read(text: str) -> PastedFleet:
    """Read a paste with Seattle and Denver in the inventory."""
    return bulk_add.read(WORLD, bulk_add.upload(text))


def only(text: str) -> dict[str, object]:
    """Return the only row of a one-line paste, with its chip as text."""
    (row,) = read(text).rows.to_dict("records")
    return {str(name): value for name, value in row.items()} | {"state": row["state"][0]}


@pytest.mark.parametrize(
    ("text", "state", "says"),
    [
        ("Tulsa,198.51.100.77,19185550100", COMPLETE, "New."),
        ("Miami,dynamic,13055550140", COMPLETE, golden("pages.bulk_add.keeps_credentials")),
        ("Name\nTulsa", MISSING, golden("pages.bulk_add.new_without_anything")),
        ("Seattle,198.51.100.11,12065550100", SAME, golden("pages.bulk_add.nothing_changes")),
        ("Seattle,198.51.100.12", COMPLETE, "Known. Changes: address."),
        ("Name,Site\nSeattle,Pier 5", COMPLETE, "Known. Changes: site."),
        ("Denver,198.51.100.24", LEFT_OUT, golden("pages.bulk_add.name_is_known")),
        ("Lima,198.51.100.11,16125550100", COMPLETE, golden("pages.bulk_add.shares_address")),
        ("Lima,198.51.100.99,12065550100", PARTLY, golden("pages.bulk_add.number_is_known")),
        ("Lima,10.0.0.1", LEFT_OUT, "Calls from: 10.0.0.1 " + golden("errors.addresses.is_private")),
    ],
)
def test_each_line_has_state_and_sentence(text: str, state: str, says: str) -> None:
    """Each line has one word and a sentence: new or known, complete or not, accepted or rejected."""
    row = only(text)

    assert state == row["state"]
    assert str(row["says"]).startswith(says)
    assert (golden("pages.bulk_add.rest_of_the_line") in str(row["says"])) is (state == PARTLY)


def test_what_is_wrong_stands_in_front_and_nothing_of_it_is_kept() -> None:
    """Lines with problems are first and not saved; good lines are, and a PBX may share another's address."""
    found = read("Tulsa,198.51.100.77,19185550100\nLima,10.0.0.1,\nRome,198.51.100.11,\nDenver,198.51.100.24,\n")
    merged = found.difference.merged

    assert [LEFT_OUT, LEFT_OUT, MISSING, COMPLETE] == [state for (state,) in found.rows["state"]]
    assert {"seattle", "pbx-7", "tulsa", "rome"} == set(merged["pbxs"]["pbx_id"])
    assert {("seattle", "198.51.100.11"), ("rome", "198.51.100.11"), ("tulsa", "198.51.100.77")} == set(
        merged["pbx_addresses"][["pbx_id", "address"]].itertuples(index=False, name=None)
    )
    assert (2, "Add 2 PBXs") == (found.added, bulk_add.press_of(found))


def test_a_line_whose_name_gives_the_id_of_another_line_is_left_out_whole() -> None:
    """Its address and number are not given to the PBX that has the id."""
    found = read("St. Paul,198.51.100.77,19185550100\nSt-Paul,198.51.100.78,19185550101\n")
    merged = found.difference.merged

    assert [(LEFT_OUT, "St-Paul"), (COMPLETE, "St. Paul")] == [
        (state, name) for (state,), name in zip(found.rows["state"], found.rows["name"], strict=True)
    ]
    assert golden("pages.bulk_add.rest_of_the_line") not in found.rows["says"].iloc[0]
    assert ["198.51.100.11", "198.51.100.77"] == list(merged["pbx_addresses"]["address"])
    assert ["12065550100", "19185550100"] == list(merged["pbx_numbers"]["number"])


def test_id_of_an_earlier_version_is_kept() -> None:
    """The id that an earlier version made from a name stays, and another name gets an id of its own."""
    home = make_snapshot(pbxs=[pbx("1", name="北京 1", inbound_host="198.51.100.24")])

    found = bulk_add.read(home, bulk_add.upload("北京 1,198.51.100.24\n上海 1,198.51.100.25\n"))

    assert ("1", 1) == (found.difference.merged["pbxs"]["pbx_id"].iloc[0], found.added)
    assert {golden("pages.bulk_add.changes"), golden("pages.bulk_add.missing", fields="its numbers")} == set(
        found.rows["says"]
    )


def test_inbound_calls_of_a_new_static_pbx_go_to_its_address() -> None:
    """
    A new static PBX receives inbound calls at its address, as in the carrier's set-up, unless the table has a host.

    A known PBX keeps its own host.
    """
    rows = read("Tulsa,198.51.100.77\nSeattle,198.51.100.12\n").difference.merged["pbxs"].set_index("pbx_id")

    assert ("198.51.100.77", "198.51.100.11") == tuple(rows.loc[["tulsa", "seattle"], "inbound_host"])
    told = read("Name,IP,Host\nTulsa,198.51.100.77,pbx.example.net\n").difference.merged["pbxs"].set_index("pbx_id")
    assert "pbx.example.net" == told.loc["tulsa", "inbound_host"]


def test_what_changes_of_known_pbxs_can_be_looked_at() -> None:
    """Changes of known PBXs are listed with before and after; additions are listed as rows."""
    changes = bulk_add.changed_only(read("Name,Site\nSeattle,Pier 5\nTulsa,Hut\n").difference).changes

    assert [("seattle", "site", "Pier 4", "Pier 5")] == list(
        changes[["key", "column", "before", "after"]].itertuples(index=False, name=None)
    )


def test_the_same_table_twice_changes_nothing() -> None:
    """Ids depend only on names, so pasting the same table again changes nothing."""
    text = "Tulsa,198.51.100.77,19185550100\nMiami,dynamic,13055550140\n"
    merged = read(text).difference.merged
    frames = {name: merged[f"pbx_{name}"].to_dict("records") for name in ("addresses", "numbers")}
    after = make_snapshot(
        pbxs=merged["pbxs"].to_dict("records"), addresses=frames["addresses"], pbx_numbers=frames["numbers"]
    )
    again = bulk_add.read(after, bulk_add.upload(text))

    assert again.empty
    assert "Nothing to add" == bulk_add.press_of(again)
    assert {SAME} == {state for (state,) in again.rows["state"]}


def test_a_paste_of_nothing_is_a_sentence() -> None:
    """An empty paste adds nothing and gives a message."""
    found = read("\n\n")

    assert found.empty
    assert "empty" in found.problems[0].message
    assert [LEFT_OUT] == [state for (state,) in found.rows["state"]]


CELLS = st.sampled_from(
    [
        "Seattle",
        "Denver",
        "Lima",
        "198.51.100.11",
        "198.51.100.12",
        "10.0.0.1",
        "12065550100",
        "1",
        "dynamic",
        "Name",
        "",
    ]
)


@settings(deadline=None, max_examples=60)  # each paste is merged with an inventory
@given(st.lists(st.lists(st.one_of(CELLS, st.text(max_size=6)), max_size=4), max_size=6))
@example([["Denver", "\U00018cd6"], ["Denver"]])
def test_any_paste_keeps_values_of_other_pbxs(rows: list[list[str]]) -> None:
    """For any paste, Seattle keeps its address and number, and every row has a state and a sentence."""
    found = read("\n".join(",".join(row) for row in rows))
    merged = found.difference.merged
    owners = set(zip(merged["pbx_addresses"]["pbx_id"], merged["pbx_addresses"]["address"], strict=True))

    assert ("seattle", "198.51.100.11") in owners
    assert ["seattle"] == list(merged["pbx_numbers"].set_index("number").loc[["12065550100"], "pbx_id"])
    assert {"seattle", "pbx-7"} <= set(merged["pbxs"]["pbx_id"])
    assert all(found.rows["says"])


def test_a_thousand_lines_are_read_in_a_second() -> None:
    """A thousand lines, half of which conflict with the other half, are read in a second."""
    text = "".join(f"PBX {n},198.51.100.{n % 250 + 1},1206555{n:04}\n" for n in range(1_000))
    begun = time.process_time()
    found = read(text)

    assert 1_000 == len(found.rows)
    assert time.process_time() - begun < 1
