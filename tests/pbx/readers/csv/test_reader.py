"""CSV reader of the inventory: every good row is kept, and every other row has a problem."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import schemas
from dashboard.pbx import EDITABLE_FRAMES, Upload, read_files
from dashboard.pbx.inventory.columns import NAMES
from dashboard.pbx.readers.csv import pasted
from dashboard.pbx.readers.text_records import LARGEST_BYTES
from tests.texts import golden

GOOD = "pbx_id,name,address\nseattle,Seattle,198.51.100.11\ndenver,Denver,198.51.100.24\n"


def ids(inventory, frame="pbxs"):
    """Return the PBX ids of a frame."""
    return inventory.frames[frame]["pbx_id"].tolist()


def test_a_simple_file_gives_pbxs_and_addresses(read):
    """One line is a PBX and its address; missing values are unknown or have their defaults."""
    inventory = read(GOOD)

    assert inventory.problems == []
    assert ids(inventory) == ["seattle", "denver"]
    assert inventory.frames["pbx_addresses"]["address"].tolist() == ["198.51.100.11", "198.51.100.24"]
    row = inventory.frames["pbxs"].iloc[0]
    assert (row["ip_kind"], row["auth_method"], row["dials_prefix"], row["status"]) == (
        "static",
        "unknown",
        "unknown",
        "active",
    )
    assert inventory.given["pbxs"] == {"pbx_id", "name"}
    for name in EDITABLE_FRAMES:
        schemas.conform(inventory.frames[name], schemas.FRAMES[name], source="a test")


def test_one_file_for_each_frame():
    """Addresses and numbers may precede their PBXs, because files are validated together."""
    inventory = read_files(
        [
            Upload("numbers.csv", b"pbx_id,number\ndenver,+1 (303) 555-0124\n"),
            Upload("addresses.csv", b"pbx_id,address,kind,valid_from\ndenver,198.51.100.24,failover,2026-11-01\n"),
            Upload("pbxs.csv", b"pbx_id,name,ip_kind,timezone\ndenver,Denver,Static,America/Denver\n"),
        ],
        treated_as_public=("198.51.100.0/24",),
    )

    assert inventory.problems == []
    assert inventory.frames["pbx_numbers"]["number"].tolist() == ["13035550124"]
    assert inventory.frames["pbx_addresses"]["valid_from"].iloc[0].isoformat() == "2026-11-01T00:00:00+00:00"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("\ufeff" + GOOD, id="BOM"),
        pytest.param(GOOD.replace("\n", "\r\n"), id="CRLF"),
        pytest.param(GOOD.replace("\n", "\r"), id="CR"),
        pytest.param(GOOD.replace(",", ";"), id="semicolon"),
        pytest.param(GOOD.replace(",", "\t"), id="tab"),
        pytest.param(GOOD.replace("pbx_id,name,address", " PBX ID ,NAME,Ip-Address"), id="header"),
        pytest.param(GOOD.replace("pbx_id,name,address", '"pbx_id","name","address"'), id="quotes"),
        pytest.param("\n\n" + GOOD.replace("\n", "\n\n,,\n"), id="blank lines"),
        pytest.param(GOOD.encode("utf-16"), id="UTF-16"),
        pytest.param(GOOD.replace("\n", ",,\n"), id="empty columns at the end"),
        pytest.param(GOOD.rstrip("\n"), id="no last newline"),
    ],
)
def test_equivalent_csv_formats_give_equal_rows(read, content):
    """Byte order mark, line ends, delimiters and the header's case and spaces make no difference."""
    if isinstance(content, str) and ",,\n" in content and "\n\n" not in content:
        content = content.replace(",,", ",x,y", 1).replace(",x,y", ",note,note_2", 1)
    inventory = read(content)

    assert inventory.problems == []
    assert ids(inventory) == ["seattle", "denver"]
    assert len(inventory.frames["pbx_addresses"]) == 2


def test_latin_1_and_a_quoted_newline(read):
    """A name in Latin-1 is read, a quoted newline becomes a space, and line numbers stay right."""
    inventory = read('pbx_id,name\nzurich,"Zürich\nSüd"\nbad id,X\n'.encode("latin-1"))

    assert inventory.frames["pbxs"]["name"].tolist() == ["Zürich Süd"]
    assert [(problem.line, problem.column) for problem in inventory.problems] == [(4, "pbx_id")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "It is empty."),
        (b" \r\n\r\n", "It is empty."),
        (b"\xef\xbb\xbf", "It is empty."),
        (gzip.compress(GOOD.encode(), mtime=0), "compressed with gzip"),
        (gzip.compress(GOOD.encode(), mtime=0)[:20], "compressed with gzip"),
        (b"PK\x03\x04rest", "workbook"),
        (GOOD.encode("utf-16-le"), "zero bytes"),
        (b"a" * (LARGEST_BYTES + 1), "larger than 32 MB"),
        (b'pbx_id,"name\n', "quote is opened"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_is_no_table(read, content, message):
    """A file that is not a table gives one problem with its own message."""
    inventory = read(content)

    (problem,) = inventory.problems
    assert message in problem.message
    assert problem.file == "pbxs.csv"
    assert all(frame.empty for frame in inventory.frames.values())


@pytest.mark.parametrize(
    ("header", "column"),
    [
        ("name,address", "pbx_id"),
        ("pbx_id,vendor", "name"),
        ("pbx_id", "name"),
        ("first,second", "pbx_id"),
        ("address", "pbx_id"),
        ("number;pbxid", "pbx_id"),
    ],
)
def test_a_missing_column_is_named(read, header, column):
    """The message names the missing column and shows the actual header."""
    (problem,) = read(f"{header}\na,b\n").problems

    assert (problem.line, problem.column) == (1, column)
    assert problem.message.startswith(golden("errors.inventory_table.column_is_missing"))
    assert str(problem) == golden("errors.inventory_table.at_column", column=column, message=problem.message)


def test_a_column_that_is_there_twice(read):
    """A column that occurs twice is refused as ambiguous."""
    (problem,) = read("pbx_id,name,Address,ip address\n").problems

    assert (problem.column, problem.message) == ("address", golden("errors.inventory_table.column_is_twice"))


def test_a_hundred_thousand_columns(read):
    """The reader keeps known columns, names the others in one short note, and loses no row."""
    header = ",".join(["pbx_id", "name", *(f"c{n}" for n in range(99_998))])
    inventory = read(f"{header}\nseattle,Seattle{',' * 99_998}\n")
    missing = read(header.replace("pbx_id", "c") + "\n")

    assert ids(inventory) == ["seattle"]
    assert inventory.problems == []
    (note,) = inventory.notes
    assert note.message == (
        golden("errors.inventory_table.columns_left_out", columns=", ".join(f"c{n}" for n in range(12)))
    )
    assert len(missing.problems[0].message) < 400
    assert missing.problems[0].message.endswith("and 99,988 more.")


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("10.1.2.3", golden("errors.addresses.private_of_rfc_1918")),
        ("100.64.1.1", "carrier-grade NAT"),
        ("224.0.0.5", "multicast"),
        ("127.0.0.1", "loopback"),
        ("pbx.example.net", golden("errors.addresses.is_host_name")),
        ("2001:db8::1", golden("errors.addresses.is_ipv6")),
        ("1.2.3.4/0", golden("errors.addresses.is_network")),
        ("010.1.2.3", "leading zeros"),
        ("=1+1", golden("errors.addresses.is_formula")),
        ("=HYPERLINK(A1)", golden("errors.addresses.is_formula")),
        ("198.51.100.12:5060", "has a port"),
        ("198.51.100.12 10.1.2.3", golden("errors.addresses.private_of_rfc_1918")),
        ("198.51.100.300", golden("errors.addresses.not_whole")),
    ],
)
def test_a_bad_address_is_put_aside_with_its_rule(read, address, message):
    """A row with a bad address is a problem with line, column and value; the rows around it are kept."""
    inventory = read(
        f"pbx_id,name,address\nseattle,Seattle,198.51.100.11\nbad,Bad,{address}\ndenver,Denver,198.51.100.24\n"
    )

    (problem,) = inventory.problems
    assert (problem.file, problem.line, problem.column) == ("pbxs.csv", 3, "address")
    assert problem.value == address.split()[-1]
    assert message in problem.message
    assert ids(inventory) == ["seattle", "denver"]


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("pbx_id", "", "It is empty."),
        ("pbx_id", "two words", "is no id"),
        ("pbx_id", "@SUM(A1)", "spreadsheet formula"),
        ("name", "", "It is empty."),
        ("name", "=cmd|' /C calc'!A0", "spreadsheet formula"),
        ("name", "-1+1|x", "spreadsheet formula"),
        ("name", "x" * 201, "201 characters"),
        ("name", "a\u200bb", "invisible character"),
        ("name", "a\0b", "invisible character"),
        ("ip_kind", "fixed", golden("errors.inventory_table.static_or_dynamic")),
        ("auth_method", "none", golden("errors.inventory_table.ip_or_credentials")),
        ("status", "on", golden("errors.inventory_table.active_or_retired")),
        ("x_tag", "a b", "is no X-Tag"),
        ("timezone", "Mars/Base", golden("errors.inventory_table.no_time_zone")),
        ("inbound_host", "10.0.0.1:5060", "private"),
        ("inbound_host", "bad-.example", "no host name"),
        ("inbound_host", "host:99999", "no host"),
        ("inbound_host", "1.2.3", golden("errors.addresses.not_whole")),
    ],
)
def test_a_bad_cell_is_put_aside_with_its_rule(read, column, value, message):
    """Every column has its rule and its message."""
    row = {"pbx_id": "bad", "name": "Bad", column: value}
    header = ",".join(row)
    line = ",".join(f'"{cell}"' for cell in row.values())
    inventory = read(f"{header}\n{line}\n")

    (problem,) = inventory.problems
    assert (problem.line, problem.column) == (2, column)
    assert message in problem.message
    assert ids(inventory) == []


def test_every_bad_cell_of_a_row_is_told(read):
    """All bad cells of a row are reported at once, so that the operator corrects it once."""
    problems = read("pbx_id,name,address,number\nx y,,10.0.0.1,1\n").problems

    assert [problem.column for problem in problems] == ["pbx_id", "name", "address", "number"]


def test_duplicates_name_the_first(read):
    """An id, a number and an X-Tag belong to one PBX; the duplicate is rejected and names the first row."""
    inventory = read(
        "pbx_id,name,address,number,x_tag\n"
        "seattle,Seattle,198.51.100.11,12065550111,sea\n"
        "seattle,Other,198.51.100.12,,\n"
        "denver,Denver,198.51.100.11,12065550111,den\n"
        "boston,Boston,,,sea\n"
    )

    assert [(problem.line, problem.column) for problem in inventory.problems] == [
        (3, "pbx_id"),
        (5, "x_tag"),
        (4, "number"),
    ]
    assert all("line 2" in problem.message for problem in inventory.problems)
    assert ids(inventory) == ["seattle", "denver"]


def test_a_second_line_may_bring_a_second_address(read):
    """Two lines with different addresses are one PBX; a line without anything new is a duplicate."""
    inventory = read(
        "pbx_id,name,address\nchicago,Chicago,198.51.100.12\nchicago,Chicago,198.51.100.13\nchicago,Chicago,\n"
    )

    assert ids(inventory) == ["chicago"]
    assert inventory.frames["pbx_addresses"]["address"].tolist() == ["198.51.100.12", "198.51.100.13"]
    assert [problem.message for problem in inventory.problems] == [golden("errors.inventory_table.row_repeats")]


def test_one_address_of_two_pbxs_at_different_times(read):
    """An observed address belongs to one PBX at a time; later another PBX may use it."""
    current = read("pbx_id,name\na,A\nb,B\n").frames
    inventory = read(
        "pbx_id,address,source,valid_from,valid_to\n"
        "a,198.51.100.1,observed,,2026-11-01\n"
        "b,198.51.100.1,observed,2026-11-01T00:00:00Z,\n"
        "a,198.51.100.1,observed,2026-12-01,\n"
        "a,198.51.100.2,observed,2026-12-01,2026-11-01\n"
        "a,198.51.100.3,observed,soon,\n",
        current=current,
    )

    assert ids(inventory, "pbx_addresses") == ["a", "b"]
    assert [(problem.line, problem.column) for problem in inventory.problems] == [
        (6, "valid_from"),
        (4, "address"),
        (5, "valid_to"),
    ]


def test_pbxs_behind_one_nat_address_share_it(read):
    """Several PBXs may declare one address; one PBX declares it once, also under an id of the paste."""
    inventory = read(
        "pbx_id,name,address,x_tag\na,A,198.51.100.1,a\nb,B,198.51.100.1,b\nc,C,198.51.100.1,\na,A,198.51.100.1,a\n"
    )

    assert ids(inventory, "pbx_addresses") == ["a", "b", "c"]
    assert inventory.frames["pbx_addresses"]["address"].unique().tolist() == ["198.51.100.1"]
    assert {problem.line for problem in inventory.problems} == {5}


def test_an_unknown_pbx_is_named_with_a_guess(read):
    """A misspelled PBX is shown with the suggestion; the inventory's PBXs count as known."""
    current = read(GOOD).frames
    inventory = read(
        "pbx_id,number\nDenver,13035550124\nseatle,12065550111\nseattle,12065550112\nx,1\n", current=current
    )

    assert ids(inventory, "pbx_numbers") == ["seattle"]
    assert [problem.message.partition("inventory. ")[2] for problem in inventory.problems[1:]] == [
        golden("errors.inventory_table.did_you_mean", pbx_id="denver"),
        golden("errors.inventory_table.did_you_mean", pbx_id="seattle"),
    ]


def test_rows_of_the_wrong_width(read):
    """A row with fewer or more cells than the header is rejected, because its cells may be shifted."""
    inventory = read("pbx_id,name,site\na,A,x\nb,B\nc,C,x,y\nd,D,x,,\n")

    assert ids(inventory) == ["a", "d"]
    assert [(problem.line, problem.message.partition(".")[0]) for problem in inventory.problems] == [
        (3, golden("errors.csv.cells_of_row", cells=2, header=3)),
        (4, golden("errors.csv.cells_of_row", cells=4, header=3)),
    ]


def test_an_open_quote_costs_its_own_line(read):
    """An open quote costs only its own line; the rows after it are read."""
    rows = "".join(f"p{n},P{n}\n" for n in range(300))
    inventory = read(f'pbx_id,name\nfirst,First\nbad,"open\n{rows}x,"a"b\nlast,Last\n')

    assert len(inventory.frames["pbxs"]) == 302
    assert [(problem.line, problem.message.partition(".")[0]) for problem in inventory.problems] == [
        (3, golden("errors.inventory_table.quote_not_closed")),
        (304, golden("errors.inventory_table.quote_in_the_middle")),
    ]


def test_many_open_quotes_end_in_time(read):
    """Reading time is proportional to the file size."""
    inventory = read("pbx_id,name\n" + 'bad,"open\n' * 5_001)

    assert len(inventory.problems) + len(inventory.frames["pbxs"]) > 0


def test_a_huge_cell_is_a_problem(read):
    """A cell beyond the reader's size limit is reported as a problem."""
    inventory = read(f"pbx_id,name\na,{'x' * 200_000}\nb,B\n")

    assert golden("errors.inventory_table.cell_too_long") in inventory.problems[0].message
    assert ids(inventory) == ["b"]


def test_files_that_cannot_be_read(tmp_path):
    """A missing path and an unknown kind of file are problems; the other files are read."""
    good = tmp_path / "good.csv"
    good.write_text(GOOD)
    inventory = read_files(
        [tmp_path / "none.csv", Upload("x.pdf", b"%PDF-1"), good], treated_as_public=("198.51.100.0/24",)
    )

    assert [(p.file, p.line) for p in inventory.problems] == [("none.csv", None), ("x.pdf", None)]
    assert "No such file" in inventory.problems[0].message
    assert len(inventory.frames["pbxs"]) == 2


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_bytes_end_in_rows_or_problems(data):
    """No bytes raise an exception, and every frame conforms to its schema."""
    inventory = read_files([Upload("any.csv", data)])

    assert inventory.problems or any(len(frame) for frame in inventory.frames.values()) or data
    assert all(problem.message.endswith((".", "?")) for problem in inventory.problems)


cell = st.text(st.characters(codec="utf-8"), max_size=12)


@given(st.lists(st.tuples(cell, cell, cell), max_size=6))
def test_every_row_is_kept_or_reported(rows):
    """Each row is in a frame, or a problem names its line."""
    text = "pbx_id,name,address\n" + "".join(
        ",".join('"' + value.replace('"', '""') + '"' for value in row) + "\n" for row in rows
    )
    inventory = read_files([Upload("any.csv", text.encode("utf-8"))])
    told = {problem.line for problem in inventory.problems}
    blank = sum(not any(value.strip() for value in row) for row in rows)

    assert len(inventory.frames["pbxs"]) + len(told) + blank >= len(rows)


@pytest.mark.parametrize("data", [b",,,,\n,,,,\n", b";;\n", b"\n,\n"])
def test_a_sheet_without_a_word_is_empty(data):
    """Delimiters alone are an empty sheet; good files imported with it are read."""
    inventory = read_files(
        [Upload("empty.csv", data), Upload("good.csv", GOOD.encode())], treated_as_public=("198.51.100.0/24",)
    )

    assert [problem.file for problem in inventory.problems] == ["empty.csv"]
    assert ids(inventory) == ["seattle", "denver"]


def test_a_line_in_latin_1_leaves_the_others_alone():
    """Each line is decoded by itself: a Latin-1 line does not spoil names in UTF-8."""
    data = "pbx_id,name\nzurich,Zürich\n".encode() + "geneve,Genève\n".encode("latin-1")

    inventory = read_files([Upload("names.csv", data)], treated_as_public=())

    assert inventory.frames["pbxs"]["name"].tolist() == ["Zürich", "Genève"]


@pytest.mark.parametrize("text", ["9999-12-31", "0001-01-01"])
def test_a_year_far_away_is_named(read, text):
    """A year out of range is refused in its own column, with the remedy."""
    inventory = read(f"pbx_id,name,address,valid_from\nseattle,Seattle,198.51.100.11,{text}\n")

    assert [("valid_from", True)] == [(p.column, "not between 1970 and 2200" in p.message) for p in inventory.problems]


@pytest.mark.parametrize(("cell", "message"), [("555-0100", "wrong length"), ("+1+1", "spreadsheet formula")])
def test_a_bad_number_costs_itself(read, cell, message):
    """The PBX and the address of the line are kept."""
    inventory = read(f"pbx_id,name,address,number\ndenver,Denver,198.51.100.24,{cell}\n")

    (problem,) = inventory.problems
    assert (problem.line, problem.column) == (2, "number")
    assert message in problem.message
    assert ids(inventory) == ["denver"]
    assert ids(inventory, "pbx_addresses") == ["denver"]
    assert ids(inventory, "pbx_numbers") == []


@pytest.mark.parametrize(("country", "numbers"), [("", ["12065550100"]), ("USA", ["12065550100"]), ("Norway", [])])
def test_ten_digits_have_country_code_1_unless_the_file_says_otherwise(read, country, numbers):
    """A country column determines the country code; an assumed code is noted."""
    inventory = read(f"pbx_id,name,number,country\nseattle,Seattle,206-555-0100,{country}\n")

    assert ids(inventory) == ["seattle"]
    assert inventory.frames["pbx_numbers"]["number"].tolist() == numbers
    assert len(inventory.notes) == len(numbers)
    assert len(inventory.problems) == 1 - len(numbers)


@pytest.mark.parametrize("header", sorted(name for name, column in NAMES.items() if column in ("address", "number")))
def test_a_file_and_a_paste_know_the_same_headers(read, header):
    """Files and pastes accept the same headers for addresses and numbers."""
    cell = {"address": "198.51.100.24", "number": "13035550124"}[NAMES[header]]
    text = f"id,name,{header}\ndenver,Denver,{cell}\n"
    again = read(text, name=pasted.table_name("x"))

    assert (read(text).problems, again.problems) == ([], [])
    for frame in ("pbx_addresses", "pbx_numbers"):
        assert read(text).frames[frame].to_dict("records") == again.frames[frame].to_dict("records")
    assert len(again.frames["pbx_addresses"]) + len(again.frames["pbx_numbers"]) == 1


def test_a_cell_with_several_addresses_or_numbers(read):
    """Each value of a cell is kept, whatever the column is called."""
    inventory = read(
        'id,name,addresses,DIDs\ndenver,Denver,"198.51.100.24, 198.51.100.25","13035550124; (303) 555-0125"\n'
    )

    assert inventory.problems == []
    assert inventory.frames["pbx_addresses"]["address"].tolist() == ["198.51.100.24", "198.51.100.25"]
    assert inventory.frames["pbx_numbers"]["number"].tolist() == ["13035550124", "13035550125"]


@pytest.mark.parametrize(
    ("header", "left", "seen"),
    [
        ("id,name,address,auth", "auth", "pbx_id, name, address"),
        ("id,name,kind,note", "kind and note", "pbx_id, name"),
        ("id,address,country,note", "country and note", "pbx_id, address"),
        ("id,name,site,city", "city", "pbx_id, name, site"),
        ("id,name,site,", "column 4", "pbx_id, name, site"),
    ],
)
def test_columns_that_are_not_read_are_named(read, header, left, seen):
    """Unknown columns, columns of an absent frame, and the second of two equal columns are named."""
    inventory = read(f"{header}\ndenver,198.51.100.24,x,y\n")

    were = "These columns were" if " and " in left else "The column was"
    assert [(note.line, note.message) for note in inventory.notes if note.line == 1] == [
        (1, golden("errors.inventory_table.left_out", were=were, columns=left, seen=seen))
    ]


def test_a_file_of_which_every_column_is_read_has_no_note(read):
    """An empty unnamed column at the end of a sheet does not count as ignored."""
    assert read("id,name,addresses,,\ndenver,Denver,198.51.100.24,,\n").notes == ()


@pytest.mark.parametrize(
    ("first", "later", "said"),
    [
        ("denver,,,,", "denver,Dup,,,", [(2, "name"), (4, "pbx_id")]),
        ("denver,Denver,,,10.0.0.1", "denver,Dup,,,", [(2, "address"), (4, "pbx_id")]),
        ("denver,,den,,", "dallas,Dallas,den,,", [(2, "name"), (4, "x_tag")]),
        ("denver,,,13035550124,", "dallas,Dallas,,13035550124,", [(2, "name"), (4, "number")]),
    ],
)
def test_what_a_bad_row_claims_no_later_row_has(read, first, later, said):
    """An id, X-Tag or number of a rejected row is reserved: a later row of another PBX cannot use it."""
    inventory = read(f"pbx_id,name,x_tag,number,address\n{first}\nseattle,Seattle,,,\n{later}\n")

    assert [(problem.line, problem.column) for problem in inventory.problems] == said
    assert golden("errors.inventory_table.put_aside") in inventory.problems[-1].message
    assert "denver" not in ids(inventory)


def test_a_second_line_of_the_same_pbx_outlives_a_bad_address(read):
    """If the lines agree on the PBX, only the line with the bad address is rejected."""
    inventory = read("pbx_id,name,address\ndenver,Denver,10.0.0.1\ndenver,Denver,198.51.100.24\n")

    assert [problem.line for problem in inventory.problems] == [2]
    assert inventory.frames["pbx_addresses"]["address"].tolist() == ["198.51.100.24"]
