"""Pasted tables: columns recognized by header or content, several values per cell, and no crashes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.pbx import EDITABLE_FRAMES, Inventory, Upload, read_files
from dashboard.pbx.inventory.ids import LONGEST
from dashboard.pbx.readers.csv import pasted
from tests.builders import make_snapshot
from tests.texts import golden

PUBLIC = make_snapshot().treated_as_public


def read(text: str | bytes) -> Inventory:
    """Read one paste."""
    data = text if isinstance(text, bytes) else text.encode()
    return read_files([Upload(pasted.table_name("Your paste"), data)], treated_as_public=PUBLIC)


def pairs(found: Inventory, frame: str) -> list[tuple[str, ...]]:
    """Return PBX and value of each row of addresses or numbers."""
    column = {"pbx_addresses": "address", "pbx_numbers": "number"}[frame]
    return list(found.frames[frame][["pbx_id", column]].itertuples(index=False, name=None))


@pytest.mark.parametrize(
    "text",
    [
        "Denver\t198.51.100.24\t13035550120\n",
        "13035550120,Denver,198.51.100.24\n",
        "Name;Public IP;DIDs\nDenver;198.51.100.24;+1 303 555 0120\n",
        "numbers,pbx,ip address\n(1) 303-555-0120,Denver,198.51.100.24\n",
    ],
)
def test_columns_are_told_by_header_or_by_cells(text: str) -> None:
    """Tabs, commas or semicolons, any column order, with or without headers, give the same PBX."""
    found = read(text)

    assert [] == found.problems
    assert [("denver", "Denver")] == list(found.frames["pbxs"][["pbx_id", "name"]].itertuples(index=False, name=None))
    assert [("denver", "198.51.100.24")] == pairs(found, "pbx_addresses")
    assert [("denver", "13035550120")] == pairs(found, "pbx_numbers")


def test_cell_holds_several_values() -> None:
    """Addresses are split at spaces and commas, numbers at commas and semicolons."""
    found = read("Name\tIP\tNumbers\nTulsa\t198.51.100.77 198.51.100.78\t+1 918 555 0100; 19185550101\n")

    assert ["198.51.100.77", "198.51.100.78"] == [address for _, address in pairs(found, "pbx_addresses")]
    assert ["19185550100", "19185550101"] == [number for _, number in pairs(found, "pbx_numbers")]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Denver,198.51.100.24,3035550120\n", 1),
        ("Name,IP,Numbers\nDenver,198.51.100.24,(303) 555-0120\n", 2),
        ("Name,IP,Numbers,Country\nDenver,198.51.100.24,303.555.0120,US\n", 2),
        ("Name,IP,Numbers,Country Code\nDenver,198.51.100.24,3035550120,+1\n", 2),
    ],
)
def test_ten_digits_are_read_with_country_code_1(text: str, line: int) -> None:
    """Ten digits get the country code 1, as written in North America, with a note for the line; the PBX is complete."""
    found = read(text)

    assert [] == found.problems
    assert [("denver", "13035550120")] == pairs(found, "pbx_numbers")
    assert [("denver", "198.51.100.24")] == pairs(found, "pbx_addresses")
    (note,) = found.notes
    assert ("Your paste", line, "number") == (note.file, note.line, note.column)
    assert golden("errors.inventory_table.ten_digits") in note.message


@pytest.mark.parametrize(
    ("cell", "number"),
    [("+65 6234 5678", "6562345678"), ("13035550120", "13035550120"), ("+47 22 12 34 56", "4722123456")],
)
def test_a_number_that_says_its_country_is_left_alone(cell: str, number: str) -> None:
    """A number with a country code is not changed and has no note."""
    found = read(f"Name,Numbers,Country\nDenver,{cell},Norway\n")

    assert ([], ()) == (found.problems, found.notes)
    assert [("denver", number)] == pairs(found, "pbx_numbers")


@pytest.mark.parametrize("bad", ["5550120", "3035550120 or so", "911", "=1+1", "13035550120;13035550120"])
def test_a_bad_number_never_drops_its_pbx(bad: str) -> None:
    """Name, address and the other numbers are kept; the bad number is reported with its line."""
    found = read(f'Name,IP,Numbers\nDenver,198.51.100.24,"13035550199;{bad}"\n')

    assert ["denver"] == list(found.frames["pbxs"]["pbx_id"])
    assert [("denver", "198.51.100.24")] == pairs(found, "pbx_addresses")
    assert ("denver", "13035550199") in pairs(found, "pbx_numbers")
    (problem,) = found.problems
    assert (2, "number") == (problem.line, problem.column)


def test_a_line_that_is_left_out_has_no_note() -> None:
    """A rejected line has no note about its numbers."""
    found = read("Name,IP,Numbers\nReno,10.0.0.1,3035550120\n")

    assert () == found.notes
    assert found.frames["pbx_numbers"].empty


def test_a_dynamic_pbx_keeps_its_credentials() -> None:
    """The word "dynamic" in place of an address sets the address kind and the credentials."""
    found = read("Denver,198.51.100.24\nMiami,dynamic\n")
    miami = found.frames["pbxs"].set_index("pbx_id").loc["miami"]

    assert ("dynamic", "credentials", "no") == (miami["ip_kind"], miami["auth_method"], miami["dials_prefix"])
    assert ["denver"] == [pbx_id for pbx_id, _ in pairs(found, "pbx_addresses")]


def test_long_names_that_are_alike_in_front_are_two_pbxs() -> None:
    """Long names with the same beginning get different ids, so that the PBXs are not merged."""
    front = "Regional Distribution Center of the North, Building "
    found = read_files(
        [Upload(pasted.table_name("x"), f'"{front}A",198.51.100.1\n"{front}B",198.51.100.2\n'.encode())],
        treated_as_public=["198.51.100.0/24"],
    )

    assert found.problems == []
    assert 2 == found.frames["pbx_addresses"]["pbx_id"].nunique()
    assert all(len(pbx_id) <= LONGEST for pbx_id in found.frames["pbxs"]["pbx_id"])


def test_a_name_that_comes_again_is_the_same_pbx() -> None:
    """A repeated name is the same PBX; its second line adds an address."""
    found = read("Denver,198.51.100.24\nDenver,198.51.100.25\n")

    assert [] == found.problems
    assert [("denver", "198.51.100.24"), ("denver", "198.51.100.25")] == pairs(found, "pbx_addresses")


@pytest.mark.parametrize(
    ("text", "line", "column", "said"),
    [
        ("Denver,10.0.0.1\n", 1, "address", "private address"),
        ("Denver,100.64.0.9\n", 1, "address", "carrier-grade"),
        ("Denver,198.51.100.0/24\n", 1, "address", "CIDR"),
        ("Denver,2001:db8::1\n", 1, "address", "IPv6"),
        ("=cmd(),198.51.100.24\n", 1, "name", "spreadsheet formula"),
        ("Name,Numbers\nDenver,5550120\n", 2, "number", "wrong length"),
        (
            "Name,Numbers,Country\nBonn,3035550120,Germany\n",
            2,
            "number",
            golden("errors.inventory_table.country_of_row"),
        ),
        ("Name,IP\n,198.51.100.24\n", 2, "", "names no PBX"),
        ('Name,IP\n"Denver,198.51.100.24\n', 2, "", "not closed"),
        ("198.51.100.24\n198.51.100.25\n", None, "", golden("errors.inventory_table.no_column_has_names")),
        ("Name,IP\n", None, "", golden("errors.inventory_table.nothing_below_headers")),
        ("", None, "", "empty"),
        (b"\x00\x01" * 200, None, "", "zero bytes"),
        (b"PK\x03\x04" + b"x" * 99, None, "", "workbook"),
    ],
)
def test_problems_have_line_field_and_remedy(text: str | bytes, line: int | None, column: str, said: str) -> None:
    """Each problem has line, field and remedy; the name is the paste's, without internal markers."""
    (problem,) = read(text).problems

    assert ("Your paste", line, column) == (problem.file, problem.line, problem.column)
    assert said in problem.message


def test_good_lines_are_kept_beside_bad_ones() -> None:
    """A bad line does not affect the other lines."""
    found = read("Denver,198.51.100.24\nReno,10.0.0.1\nTulsa,198.51.100.77\n")

    assert ["denver", "tulsa"] == list(found.frames["pbxs"]["pbx_id"])
    assert [2] == [problem.line for problem in found.problems]


def test_ten_thousand_lines_are_cut_with_a_sentence() -> None:
    """A paste of ten thousand lines is truncated to a reviewable number, and the first unread line is named."""
    found = read("Name\n" + "".join(f"PBX {n}\n" for n in range(10_000)))

    assert pasted.MOST_ROWS == len(found.frames["pbxs"])
    (problem,) = found.problems
    assert pasted.MOST_ROWS + 2 == problem.line
    assert "10,000 rows" in problem.message


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("name,address\nDenver,198.51.100.24,13035550120\n", 2),
        (f"{'Denver,198.51.100.24' + chr(10)}{'Tulsa,' + chr(10)}" * 25 + "Miami,198.51.100.25,13035550120\n", 51),
    ],
)
def test_cells_beyond_the_columns_are_said(text: str, line: int) -> None:
    """Cells beyond the columns are reported; the rest of the line is used."""
    found = read(text)
    said = [one for one in found.problems if "more cells" in one.message]

    assert [(line, "13035550120")] == [(one.line, one.value) for one in said]
    assert [] == pairs(found, "pbx_numbers")


def test_headers_are_shown_without_what_cannot_be_seen() -> None:
    """Invisible characters are removed from headers in messages."""
    given = Upload(pasted.table_name("Your paste"), "name,co\x00st\x1b[31m\u202e\nDenver,1\n".encode())
    layout = pasted.layout_of(given.name, given.data)

    assert layout
    assert ("cost[31m",) == layout.left_out


def test_columns_that_are_not_read_are_named() -> None:
    """Every ignored column is named."""
    layout = pasted.layout_of("Table: x", b"Name,Color,IP\nDenver,red,198.51.100.24\n")

    assert layout is not None
    assert {"name": 0, "address": 2} == layout.columns
    assert ("Color",) == layout.left_out


def test_other_files_are_left_to_other_readers() -> None:
    """Only input named as a table is read as one."""
    assert pasted.accepts(pasted.table_name("pbxs.csv"), b"")
    assert not pasted.accepts("pbxs.csv", b"")


@given(
    st.lists(
        st.lists(
            st.one_of(st.text(max_size=12), st.sampled_from(["198.51.100.24", "dynamic", "Name", "IP", '"', "=1"]))
        )
    )
)
def test_any_paste_keeps_or_reports_every_line(rows: list[list[str]]) -> None:
    """For any paste, each line is kept or reported, and frames conform to their schemas."""
    found = read("\n".join("\t".join(row) for row in rows))

    assert set(EDITABLE_FRAMES) <= set(found.frames)
    assert found.problems or len(found.frames["pbxs"])
