"""Readers of PBX CDR files: both formats, every template, and rejected lines."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from dashboard.calls.pbx_records.reader import LONGEST, Read, read, readers
from dashboard.calls.pbx_records.readers.freeswitch_csv import TEMPLATES
from dashboard.calls.pbx_records.record_source import RecordOrigin
from dashboard.core.errors import FileError, InputError
from tests.calls.pbx_records.pbx_files import CALLED, PREFIX, UUID, master, origin, refused, switched
from tests.paths import PACKAGE
from tests.pbx.facts import about
from tests.texts import golden, golden_pattern
from tests.waiting import SLOW_S


@pytest.fixture
def reads(tmp_path: Path) -> Any:
    """Return a function that reads lines or bytes as one file."""

    def one(*lines: str | bytes, whose: RecordOrigin | None = None) -> Read:
        path = tmp_path / "Master.csv"
        path.write_bytes(b"".join(line.encode() if isinstance(line, str) else line for line in lines))
        return read(path, whose or origin(), lambda _what, _share: None)

    return one


def rows(made: Read) -> list[dict[str, Any]]:
    """Return the rows read."""
    return [row for table in made.rows for row in table.to_pylist()]


def test_readers_are_discovered_by_file_name() -> None:
    """Every file of the folder is a reader, without a list of them."""
    files = sorted(path.stem for path in (PACKAGE / "calls" / "pbx_records" / "readers").glob("[!_]*.py"))

    assert len(files) > 1
    assert files == sorted(one.__name__.rpartition(".")[2] for one in readers())


def test_a_call_through_the_trunk_is_read_whole(reads: Any) -> None:
    """A call over the trunk has its number without prefix, original dial string, UTC times and disposition."""
    (row,) = rows(reads(master("2026-11-02 05:00:00", more=("1793620800.7",)), whose=origin("America/Denver")))

    assert (row["pbx_id"], row["destination"]) == ("denver", CALLED)
    assert (row["dialed"], row["trunk"]) == (f"PJSIP/{PREFIX}*{CALLED}@flowroute", "flowroute")
    assert ["2026-11-02 12:00:00", "2026-11-02 12:00:06", "2026-11-02 12:01:06"] == [
        str(row[name]) for name in ("started_at", "answered_at", "ended_at")
    ]
    assert (row["disposition"], row["answered"], row["billed_s"]) == ("ANSWERED", True, 60)
    assert (row["unique_id"], row["caller_id"]) == ("1793620800.7", "13035550100")


@pytest.mark.parametrize(
    ("data", "dialed"),
    [
        (f"PJSIP/{PREFIX}*{CALLED}@flowroute,20,tT", CALLED),
        (f"PJSIP/flowroute/sip:{PREFIX}*{CALLED}@us-west-or.sip.flowroute.com:5060,20", CALLED),
        (f"SIP/flowroute/{PREFIX}#{CALLED}", CALLED),
        (f"SIP/{PREFIX}%23{CALLED}@192.0.2.10|20", CALLED),
        (f"PJSIP/101&PJSIP/{PREFIX}*{CALLED}@flowroute", CALLED),
        (f"PJSIP/{PREFIX}*+{CALLED}@flowroute", CALLED),
        (f"PJSIP/{CALLED}@us-east-va.sip.flowroute.com", CALLED),
        (f"PJSIP/{PREFIX}*442079460000@flowroute", "442079460000"),
    ],
)
def test_every_form_of_a_dial_string_is_read(reads: Any, data: str, dialed: str) -> None:
    """Trunk or host, ``*``, ``#`` or ``%23``, several legs: the called number is the same."""
    (row,) = rows(reads(master(data=data)))

    assert dialed == row["destination"]


@pytest.mark.parametrize(
    "more",
    [
        {"data": "PJSIP/101,20", "to_channel": "PJSIP/101-00000002"},
        {"data": f"PJSIP/87654321*{CALLED}@other", "to_channel": "PJSIP/other-00000002"},
        {"application": "Playback", "data": "tt-weasels", "to_channel": ""},
        {"data": f"PJSIP/{PREFIX}*echo@flowroute"},
    ],
)
def test_calls_not_to_the_carrier_are_counted_and_left_out(reads: Any, more: dict[str, str]) -> None:
    """Internal calls, other carriers, applications and invalid numbers are counted and left out."""
    made = reads(master(**more), master())

    assert (1, 1, 0) == (len(rows(made)), made.left_out, made.rejected)


def test_a_trunk_is_known_by_its_configuration_or_by_name(reads: Any) -> None:
    """Calls of a PBX that dials no prefix are read if its trunk is known to be the carrier's."""
    line = master(data=f"PJSIP/{CALLED}@uplink", to_channel="PJSIP/uplink-00000002")
    fact = {"pbx_id": "denver", **about("trunk.uplink.host"), "value": "us-west-or.sip.flowroute.com"}
    ended = master(application="Hangup", data="", to_channel="PJSIP/uplink-00000002")

    assert not rows(reads(line))
    assert [CALLED] == [row["destination"] for row in rows(reads(line, whose=origin(config=[fact])))]
    assert [CALLED] == [row["destination"] for row in rows(reads(ended, whose=origin(trunks=["Uplink"])))]


def test_the_cause_is_read_where_the_dialplan_wrote_it(reads: Any) -> None:
    """The cause is read only with its name, because a bare number in the user field may be anything."""
    told = refused(more=("1793620800.7", "hangupcause=21;sip=403"))
    bare = refused(more=("1793620801.8", "21"))

    assert [(21, 403), (None, None)] == [(row["q850_cause"], row["sip_status"]) for row in rows(reads(told, bare))]


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_every_template_that_says_when_a_call_began_is_read(reads: Any, name: str) -> None:
    """The shipped templates are distinguished by their fields; the cause has its number."""
    fields = TEMPLATES[name]
    more = {"hangup_cause": "CALL_REJECTED", "billsec": "0", "answer_stamp": "", "duration": "0"}
    sent = {"last_app": "bridge", "last_arg": f"{{a=1,b=2}}sofia/gateway/flowroute/{PREFIX}*{CALLED}"}
    lines = [switched(fields, **sent), switched(fields, uuid=f"{UUID}2", **sent, **more)]
    if name == "sql":
        begin = "INSERT INTO cdr VALUES ("
        end = ");\n"
        lines = [begin + line.strip() + end for line in lines]
    made = reads(*lines)

    assert 0 == made.rejected
    assert [(CALLED, True, 16), (CALLED, False, 21)] == [
        (row["destination"], row["answered"], row["q850_cause"]) for row in rows(made)
    ]


def test_custom_template_defines_the_fields(reads: Any) -> None:
    """A custom template's text defines the fields; one without a start time is refused."""
    text = (
        '"${uuid}","${start_stamp}","${duration}","${billsec}","${hangup_cause}","${destination_number}",'
        '"${sip_gateway_name}","${sip_term_status}"'
    )
    line = f'"{UUID}1","2026-11-02 12:00:00","0","0","CALL_REJECTED","{CALLED}","flowroute","403"\n'
    (row,) = rows(reads(line, whose=origin(template=text, trunks=["flowroute"])))

    assert (CALLED, 403, 21) == (row["destination"], row["sip_status"], row["q850_cause"])
    with pytest.raises(InputError, match=golden_pattern("errors.pbx_records.needs_fields")):
        origin(template='"${uuid}","${answer_stamp}"')


def test_an_extension_of_freeswitch_says_nothing_of_a_trunk(reads: Any) -> None:
    """A FreeSWITCH A leg has the extension that a user dialed but not the trunk, so it is counted and left out."""
    made = reads(switched(TEMPLATES["example"], destination_number=f"9{CALLED}"))

    assert ([], 1) == (rows(made), made.left_out)


BAD = {
    "fields missing": (refused().rsplit(",", 3)[0] + "\n", ""),
    "an open quote": (refused(source="555").replace('"555"', '"555'), ""),
    "no disposition": (refused(disposition="REFUSED"), "disposition"),
    "no number of seconds": (refused(duration="-1"), "duration"),
    "longer talk than call": (master(duration=5), "billsec"),
    "no time": (refused("02.11.2026 12:00:00"), "start"),
    "no such day": (refused("2026-02-30 12:00:00"), "start"),
    "the future": (refused("2027-11-02 12:00:00"), "start"),
    "before there was such a PBX": (refused("1970-01-01 00:00:00"), "start"),
    "binary": ("\x00\x01\x02\n", ""),
    "a formula": ("=cmd|' /C calc'!A0,@SUM(1)\n", ""),
}


@pytest.mark.parametrize("what", sorted(BAD))
def test_a_bad_line_is_put_aside_and_the_others_count(reads: Any, what: str) -> None:
    """A bad line is rejected with line, field and reason; the good records before and after it are kept."""
    line, column = BAD[what]
    made = reads(master(), line, master("2026-11-02 12:05:00"))

    assert 2 == len(rows(made))
    assert [(2, column)] == [(bad.line, bad.column) for bad in made.rejects]
    assert made.rejects[0].reason.endswith((".", "?"))


def test_encodings_and_line_ends_lose_no_record(reads: Any) -> None:
    """CRLF, a byte order mark, Latin-1 beside UTF-8 and empty lines lose no record."""
    accent = master("2026-11-02 12:05:00", caller='"Zoë" <101>')
    made = reads("\ufeff", master().replace("\n", "\r\n"), "\n", accent.encode("latin-1"), accent.encode())

    assert (3, 0) == (len(rows(made)), made.rejected)


def test_a_carriage_return_within_a_line_ends_no_record(reads: Any) -> None:
    """A line with a carriage return within it is one record or a reject, and the next line is read."""
    broken = [master().replace(",", "\r,", 1), master().replace("ANSWERED", "ANS\rWERED"), "\rx,\ry\n"]
    made = reads(master("2026-11-02 12:05:00"), *broken, refused())

    assert (3, [3, 4]) == (len(rows(made)), [bad.line for bad in made.rejects])


def test_brackets_that_are_never_closed_take_no_time(reads: Any) -> None:
    """A dial string with tens of thousands of open brackets is read in normal time."""
    begun = time.monotonic()
    opened = [
        switched(TEMPLATES["asterisk"], last_app="bridge", last_arg=sign * 50_000, uuid=f"{UUID}{number}")
        for number, sign in enumerate("{[<")
    ]
    made = reads(*opened)

    assert 3 == len(rows(made)) + made.rejected + made.left_out
    assert time.monotonic() - begun < SLOW_S


def test_a_cut_last_line_and_a_line_without_end_cost_only_themselves(reads: Any) -> None:
    """A truncated last line is rejected, and ten megabytes without a line end are not held in memory."""
    made = reads(master(), b"x" * (10 << 20) + b"\n", master("2026-11-02 12:05:00"), refused().rstrip("\n"))

    assert 2 == len(rows(made))
    assert [2, 4] == [bad.line for bad in made.rejects]
    assert golden("errors.pbx_records.longer_than", longest=f"{LONGEST:,}") in made.rejects[0].reason
    assert "may be cut" in made.rejects[1].reason


@pytest.mark.parametrize("with_template", [False, True])
def test_a_pipe_or_device_is_refused_before_it_is_read(tmp_path: Path, with_template: bool) -> None:
    """
    A file is read twice, for its format and for its records: a pipe would lose the records read first.

    A pipe without a writer would block, and a device has no end.
    """
    fields = ("start_stamp", "duration", "billsec", "hangup_cause", "destination_number")
    whose = origin(template=",".join(f"${{{name}}}" for name in fields) if with_template else "")
    os.mkfifo(tmp_path / "Master.csv")

    for path in (tmp_path / "Master.csv", Path("/dev/zero")):
        with pytest.raises(FileError, match=golden_pattern("errors.csv.not_a_file_on_disk")):
            read(path, whose, lambda _what, _share: None)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", golden("errors.pbx_records.file_is_empty")),
        (b"\x1f\x8b\x08\x00", "packed"),
        (b"pbx_id,name\nseattle,Seattle\n", golden("errors.pbx_records.neither_asterisk_nor_template")),
        (b'"' + b"a" * 100, "neither of Asterisk's"),
    ],
)
def test_another_kind_of_file_is_refused_with_a_cure(reads: Any, content: bytes, said: str) -> None:
    """The message names the file and the expected format."""
    with pytest.raises(FileError, match="csv") as told:
        reads(content)

    assert said in str(told.value)


def test_ambiguous_local_time_is_resolved_by_unique_id(reads: Any) -> None:
    """
    A local time that occurs twice is resolved by the unique id; without one the line is rejected.

    A time skipped by daylight saving is rejected, too.
    """
    denver = origin("America/Denver")
    first, second = (refused("2026-11-01 01:30:00", more=(f"{epoch}.1",)) for epoch in (1793518200, 1793521800))
    made = reads(first, second, whose=denver)
    assert ["2026-11-01 07:30:00", "2026-11-01 08:30:00"] == [str(row["started_at"]) for row in rows(made)]

    made = reads(refused("2026-11-01 01:30:00"), refused("2026-03-08 02:30:00"), master(), whose=denver)
    assert (1, 2) == (len(rows(made)), made.rejected)
    assert golden("errors.pbx_records.time_is_twice") in made.rejects[0].reason
    assert golden("errors.pbx_records.time_does_not_exist") in made.rejects[1].reason


def test_times_that_contradict_the_unique_ids_are_refused(reads: Any) -> None:
    """
    Times that contradict the unique ids are refused.

    A file in UTC that is read as local time would make every call unknown to the carrier.
    """
    with pytest.raises(
        FileError, match=golden_pattern("errors.pbx_records.does_not_fit_zone") + " .* off by 7 h.*--utc"
    ):
        reads(master("2026-11-02 12:00:00", more=("1793620800.7",)), whose=origin("America/Denver"))


def test_unknown_pbx_or_zone_is_refused() -> None:
    """An unknown PBX and a PBX without a time zone are refused with the remedy."""
    with pytest.raises(InputError, match=golden_pattern("errors.pbx_records.no_such_pbx")):
        origin(pbx_id="boston")
    with pytest.raises(InputError, match="Give --timezone"):
        origin("", pbx_id="seattle")
    with pytest.raises(InputError, match=golden_pattern("errors.pbx_records.no_time_zone")):
        origin("Mars/Base")
    assert "America/Denver" == origin("").clock.name
