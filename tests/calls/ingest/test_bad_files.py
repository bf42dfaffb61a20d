"""Bad input: each fault has its own message, every good row is stored, every bad row is recorded as a reject."""

from __future__ import annotations

import codecs
import gzip
import os
import random
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard.calls.ingest.files import UnpackLimits, prepare
from dashboard.calls.ingest.importer import FileResult, import_files
from dashboard.calls.ingest.readers.numbered_lines import MOST_KEPT
from dashboard.core.errors import FileError
from tests.calls.exports import HEADER, NOON, a_row, as_csv, rows_at
from tests.texts import golden, golden_pattern

GOOD = as_csv(rows_at(*[NOON.replace(minute=n) for n in range(20)])).encode()


def keep(store, path):
    """Import one file; return its result and the rejects as tuples."""
    (result,) = import_files(store, [path])
    frame = store.rejects()
    return result, list(zip(frame["line"], frame["column"], frame["reason"], strict=True))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", golden("errors.csv.file_is_empty")),
        (gzip.compress(b"", mtime=0), golden("errors.csv.nothing_once_unpacked")),
        (b"Hello, here is no export.\n", golden("errors.csv.names_no_column_of_calls")),
        (random.Random(1).randbytes(5000), golden("errors.csv.names_no_column")),
        (GOOD.replace(b",", b";"), golden("errors.csv.semicolons")),
        ("direction,start_time\n".encode("utf-16-le"), golden("errors.csv.utf_16")),
        ("direction,start_time\n".encode("utf-16"), golden("errors.csv.utf_16")),
        (",".join(f"column_{n}" for n in range(100_000)).encode(), "names 100,000 columns"),
        (GOOD.replace(b"customer_ip", b"customer", 1), golden("errors.csv.column_is_missing")),
        (
            GOOD.replace(b"customer_ip", b"x", 1).replace(b"duration", b"y", 1),
            golden("errors.csv.columns_are_missing"),
        ),
        (GOOD.replace(b"rate", b"result", 1), golden("errors.csv.column_is_twice")),
        (gzip.compress(b"\0" * (64 << 20), mtime=0), golden("errors.csv.unpacks_to_too_much")),
        (gzip.compress(GOOD, mtime=0)[:-4] + b"\1\2\3\4", golden("errors.csv.gzip_is_damaged")),
        (gzip.compress(GOOD, mtime=0)[:10], golden("errors.csv.gzip_ends_before_first_line")),
        (b"x" * 5_000_000, golden("errors.csv.not_column_names")),
    ],
    ids=[
        "zero_bytes",
        "nothing_packed",
        "another_text",
        "noise",
        "semicolons",
        "utf_16_without_mark",
        "utf_16",
        "hundred_thousand_columns",
        "missing_column",
        "missing_columns",
        "column_twice",
        "gzip_bomb",
        "damaged_gzip",
        "gzip_header_only",
        "one_endless_line",
    ],
)
def test_file_without_usable_rows_has_its_own_message(store, export, content, sentence):
    """A file without any usable row has its own message, which names the file; the store stays empty."""
    result, rejects = keep(store, export(content, "bad.csv"))

    assert sentence in result.error
    assert result.error.startswith("bad.csv")
    assert (result.kept, result.duplicate, rejects, store.digest) == (0, 0, [], "")


def test_header_without_rows_is_valid(store, export):
    """A header without rows is valid: the carrier sends it for a window without calls."""
    result, rejects = keep(store, export(GOOD.splitlines()[0], "quiet.csv"))

    assert result == FileResult(result.file)
    assert (rejects, store.digest) == ([], "")


def test_missing_file_is_reported(store, tmp_path):
    """A path without a file, or of a folder, gives a normal result with a message."""
    missing, folder = import_files(store, [tmp_path / "nothing.csv", tmp_path])

    assert missing.error.startswith(golden("errors.csv.cannot_be_read_no_such_file", file="nothing.csv"))
    assert "Is a directory" in folder.error


def test_bad_file_does_not_affect_other_files(store, export):
    """An import stores good files even if other files are bad."""
    results = import_files(store, [export(b"", "bad.csv"), export(GOOD, "good.csv")])

    assert [result.kept for result in results] == [0, 20]


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + GOOD,
        b"\xef\xbb\xbf" * 2 + GOOD,
        GOOD.replace(b"\n", b"\r\n"),
        GOOD.replace(b"\n", b"\r"),
        GOOD.replace(b"\n", b"\r\n", 5),
        GOOD.replace(b"\n", b"\n\n"),
        GOOD + b"\n   \n\t\n",
        GOOD.rstrip(b"\n"),
        b"\n\n" + GOOD,
        GOOD.replace(b"UNITED STATES", b'"UNITED STATES"'),
        GOOD.replace(b"UNITED STATES", b'"UNITED\nSTATES"'),
        GOOD.replace(b"UNITED STATES", b'"UNITED, ""STATES"""'),
        GOOD.replace(b"UNITED STATES", "MÉXICO".encode()),
        GOOD.replace(b"UNITED STATES", "MÉXICO".encode("latin-1")),
        codecs.BOM_UTF8 + GOOD.replace(b"destination_name", "destination_nombré".encode("latin-1"), 1),
        GOOD.replace(b"UNITED STATES", "MÉXICO".encode("latin-1"), 3).replace(b"UNITED STATES", "PERÚ".encode()),
        gzip.compress(GOOD[:900], mtime=0) + gzip.compress(GOOD[900:], mtime=0),
        gzip.compress(GOOD, mtime=0) + b"\0" * 100,
        gzip.compress(GOOD, mtime=0) + b"\r\n",
    ],
    ids=[
        "bom",
        "two_boms",
        "crlf",
        "cr",
        "mixed_line_ends",
        "blank_lines",
        "blank_end",
        "no_last_line_end",
        "blank_start",
        "quotes",
        "quoted_newline",
        "quoted_comma_and_quote",
        "utf_8",
        "latin_1",
        "latin_1_header_after_bom",
        "latin_1_and_utf_8",
        "two_gzip_members",
        "gzip_padding",
        "line_end_after_gzip",
    ],
)
def test_unusual_valid_files_keep_all_rows(store, export, content):
    """BOM, line ends, blank lines, quoting, encodings and compression do not change the rows."""
    result, rejects = keep(store, export(content))

    assert (result.kept, result.rejected, result.error, rejects) == (20, 0, "", [])


def test_invalid_utf_8_line_is_read_as_latin_1(store, export):
    """Lines that are not UTF-8 are read as Latin-1, so the accent is right; the other lines stay UTF-8."""
    rows = as_csv([a_row(destination_name="MÉXICO"), a_row(destination_name="PERÚ")]).encode()
    import_files(store, [export(rows.replace("É".encode(), "É".encode("latin-1")))])

    assert set(store.calls()["destination_name"]) == {"MÉXICO", "PERÚ"}


TIME = golden("errors.csv.not_a_time")
SECONDS = golden("errors.csv.not_a_number_of_seconds")
DOLLARS = "not an amount"
BAD_VALUES = [
    ("direction", "sideways", golden("errors.csv.not_a_direction")),
    ("direction", "", golden("errors.csv.not_a_direction")),
    ("start_time", "02/11/2026 12:00", TIME),
    ("start_time", "", TIME),
    ("start_time", "1970-01-01 00:00:00+00", TIME),
    ("start_time", "2099-12-31 00:00:00+00", TIME),
    ("start_time", "2026-11-01 10:00:00+99", TIME),
    ("end_time", "later", TIME),
    ("end_time", "9999-12-31 00:00:00+00", TIME),
    ("call_fail_sip_code", "OK", golden("errors.csv.not_a_status_from_100")),
    ("call_fail_sip_code", "99999", golden("errors.csv.not_a_status_from_100")),
    ("duration", "one minute", SECONDS),
    ("duration", "-5", SECONDS),
    ("duration", "1__0", SECONDS),
    ("duration", "1.99999", SECONDS),
    ("call_fail_sip_code", "20x", golden("errors.csv.not_a_status")),
    ("billed_duration", "6.5", SECONDS),
    ("total_cost", "free", DOLLARS),
    ("usf_fee", "$1", DOLLARS),
    ("total_cost", "9999999999", DOLLARS),
    ("customer_ip", "10:00:00", golden("errors.csv.not_an_address")),
    ("customer_ip", ":::", golden("errors.csv.not_an_address")),
    ("customer_ip", "a:b:c:d:e:f:1.2", golden("errors.csv.not_an_address")),
    ("customer_ip", "1:2:3:4::5:6:7:8", golden("errors.csv.not_an_address")),
    ("customer_ip", "198.51.100.300", golden("errors.csv.not_an_address")),
    ("customer_ip", "pbx.example.net", golden("errors.csv.not_an_address")),
    ("customer_ip", "198.51.100.1:99999", golden("errors.csv.not_an_address")),
]


def test_row_with_bad_value_is_rejected_with_its_location(store, export):
    """An unreadable value rejects its row with file, line, column, reason and text; other rows are stored."""
    rows = [a_row(number_alias=str(n), **{column: value}) for n, (column, value, _) in enumerate(BAD_VALUES)]
    path = export([a_row(), *rows, a_row(number_alias="last")])

    (result,) = import_files(store, [path])
    rejects = store.rejects()

    assert (result.kept, result.rejected, result.error) == (2, len(BAD_VALUES), "")
    assert set(rejects["file"]) == {"export.csv"}
    assert list(rejects["line"]) == list(range(3, len(BAD_VALUES) + 3))
    assert list(rejects["column"]) == [column for column, *_ in BAD_VALUES]
    assert all(reason in said for said, (*_, reason) in zip(rejects["reason"], BAD_VALUES, strict=True))
    assert list(rejects["raw"]) == path.read_text().splitlines()[2:-1]


def test_an_inbound_call_may_name_its_pbx(store, export):
    """The delivery address of an inbound call may be a host name; only outbound sources must be addresses."""
    result, _ = keep(store, export([a_row(direction="Inbound", customer_ip="pbx.example.net:5060")]))

    assert result.kept == 1


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("Outbound,2026-11-02 12:30:00+00", golden("errors.csv.fields_of_row", fields=2, header=25)),
        (",".join(["x"] * 26), golden("errors.csv.fields_of_row", fields=26, header=25)),
        ('Outbound,"2026-11-02', golden("errors.csv.open_quote")),
        ('Outbound,"2026-11-02" 12:30,x', golden("errors.csv.open_quote")),
        ("x" * 300_000, golden("errors.csv.line_is_too_long")),
        ("x" * 3_000_000, golden("errors.csv.line_is_too_long")),
    ],
    ids=["too_few", "too_many", "open_quote", "text_after_quote", "long", "longer_than_the_engine_reads"],
)
@pytest.mark.parametrize("place", [1, 20])
def test_broken_row_rejects_only_itself(store, export, bad, reason, place):
    """A row that violates the rules of CSV is rejected with its line; every row before and after it is stored."""
    lines = GOOD.decode().splitlines()
    lines.insert(place, bad)

    result, rejects = keep(store, export("\n".join(lines) + "\n"))

    assert (result.kept, result.rejected) == (20, 1)
    assert rejects == [(place + 1, "", reason)]


def test_quoted_line_break_keeps_line_numbers(store, export):
    """A quoted line break before a bad row does not shift its line number."""
    rows = [a_row(number_alias="two\nlines"), a_row(duration="long")]

    _, rejects = keep(store, export(rows))

    assert [line for line, *_ in rejects] == [4]


def test_a_cut_gzip_keeps_the_rows_before_the_cut(store, export):
    """
    Rows before the cut of a truncated gzip file are stored, the cut row is rejected, and the result reports it.

    Importing the complete file adds the rest.
    """
    packed = gzip.compress(GOOD, compresslevel=1)
    path = export(packed[: len(packed) * 3 // 4])

    (result,) = import_files(store, [path])

    assert 0 < result.kept < 20
    assert result.error == (golden("errors.csv.gzip_ends_early", kept=result.kept))
    assert result.rejected == len(store.rejects()) == 1
    assert store.rejects()["reason"].item() == golden("errors.csv.cut_in_this_row")
    assert store.rejects()["line"].item() == result.kept + 2

    (again,) = import_files(store, [export(packed)])
    assert (again.kept, again.duplicate) == (20 - result.kept, result.kept)
    assert store.rejects().empty


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_line_of_a_cut_row_counts_every_line_end(store, export, line_end):
    """The cut row has the number of its line, also if a line before it ends in a carriage return only."""
    lines = GOOD.splitlines()
    packed = zlib.compressobj(wbits=31)
    data = packed.compress(lines[0] + b"\n" + lines[1] + line_end + lines[2] + b"\n" + lines[3][:50])

    _, rejects = keep(store, export(data + packed.flush(zlib.Z_SYNC_FLUSH)))

    assert [(4, "", golden("errors.csv.cut_in_this_row"))] == rejects


def test_a_cut_gzip_replaces_no_window(store, export):
    """A truncated export must not replace the whole window: none of it is stored."""
    import_files(store, [export(GOOD)])
    packed = gzip.compress(GOOD, mtime=0)
    digest = store.digest

    (result,) = import_files(
        store, [export(packed[: len(packed) // 2], "cut.csv")], window=(NOON, NOON.replace(hour=13))
    )

    assert golden("errors.csv.nothing_was_taken") in result.error
    assert (result.kept, store.digest) == (0, digest)


def test_unreadable_file_stops_the_whole_window(store, export):
    """If one file of a window cannot be read, none of its files replaces anything."""
    paths = [export(GOOD, "good.csv"), export(b"", "bad.csv")]

    good, bad = import_files(store, paths, window=(NOON, NOON.replace(hour=13)))

    assert golden("errors.csv.other_file_of_export") in good.error
    assert "zero bytes" in bad.error
    assert store.digest == ""


def test_oversized_gzip_is_refused(export, tmp_path):
    """A file that decompresses to more than the limit is refused whatever its ratio; the message names the limit."""
    noise = random.Random(1).randbytes(1 << 20)

    with pytest.raises(FileError, match=golden_pattern("errors.csv.unpacks_to_too_many_bytes")):
        prepare(export(noise, "big.csv.gz"), tmp_path, UnpackLimits(unpacked_bytes=1 << 19))


def test_rejects_of_a_file_are_those_of_its_last_import(store, export):
    """Importing a corrected file removes its old rejects; rejects of other files remain."""
    import_files(store, [export([a_row(duration="x")], "a.csv"), export([a_row(rate="y")], "b.csv")])
    assert len(store.rejects()) == 2

    import_files(store, [export([a_row()], "a.csv")])
    assert list(store.rejects()["file"]) == ["b.csv"]


def test_the_same_bad_row_in_two_exports_is_kept_once(store, export):
    """A bad row repeated by overlapping windows is listed once and counted each time."""
    for name in ("a.csv", "b.csv"):
        (result,) = import_files(store, [export([a_row(duration="x")], name)])
        assert result.rejected == 1

    assert list(store.rejects()["file"]) == ["a.csv"]


broken = st.sampled_from(['"', 'a,"b', '"x"y,z', "a,b,c", ",,,", "x" * 50, "Outbound," * 30, "\x00", "é", "'", "\t"])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(1, 20), broken), max_size=6), st.sampled_from(["\n", "\r\n"]))
def test_no_good_row_is_ever_lost(store, export, damage, newline):
    """All good rows of a file are stored, whatever damage lies between them."""
    lines = GOOD.decode().splitlines()
    for place, text in damage:
        lines.insert(place, text)
    text = newline.join(lines) + newline

    (result,) = import_files(store, [export(text, f"{zlib.crc32(text.encode())}.csv")])

    assert result.kept + result.duplicate == 20
    assert result.rejected == sum(1 for _, text in damage if text.strip())


def test_header_of_the_helper_is_the_documented_one():
    """The test helper's files have the 25 documented columns."""
    assert len(HEADER) == 25


def test_named_pipe_does_not_block_the_import(store, tmp_path):
    """A named pipe without a writer does not block the import."""
    os.mkfifo(tmp_path / "pipe.csv")

    (result,) = import_files(store, [tmp_path / "pipe.csv"])

    assert result.error == golden("errors.csv.not_a_file_on_disk_save")


def test_a_last_line_without_end_is_put_aside(store, export):
    """A last line without a line end is rejected, however long it is; the engine alone would drop it silently."""
    result, rejects = keep(store, export(GOOD + b"A" * (31 << 20)))

    assert (result.kept, result.rejected) == (20, 1)
    assert [(22, "", golden("errors.csv.line_is_too_long"))] == rejects


def test_endless_bad_rows_are_counted_and_only_the_first_are_stored(store, export):
    """Of a file with endless bad rows, the first are recorded with their text, and all are counted."""
    header = GOOD.splitlines()[0].decode()
    row = a_row(start_time="never")
    text = as_csv([row] * (MOST_KEPT + 5))

    result, rejects = keep(store, export(text + as_csv([a_row()]).removeprefix(header)))

    assert (result.kept, result.rejected, len(rejects)) == (1, MOST_KEPT + 5, MOST_KEPT)
    assert golden("errors.csv.too_many_bad_rows") in result.error


def test_an_ipv4_address_in_ipv6_form_is_one_source(store, export):
    """An IPv4 address and its IPv6-mapped form are one source; a true IPv6 address does not change."""
    rows = [a_row(customer_ip=ip) for ip in ("::ffff:198.51.100.11", "[::ffff:198.51.100.11]:5060", "2001:DB8::1")]

    import_files(store, [export(rows)])

    assert {"198.51.100.11", "2001:db8::1"} == set(store.calls()["source_ip"])
