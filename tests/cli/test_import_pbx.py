"""``trunkgate calls import-pbx``: import of a PBX's own call records."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.calls.pbx_records.pbx_files import PREFIX, master, refused
from tests.texts import golden


def ago(hours: float) -> str:
    """Return a past time in the format of a PBX that writes UTC."""
    return f"{datetime.now(UTC) - timedelta(hours=hours):%Y-%m-%d %H:%M:%S}"


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """Write records of a PBX and return the file: two refused attempts, an internal call, and an invalid line."""
    path = tmp_path / "Master.csv"
    internal = master(ago(5), data="PJSIP/101,20", to_channel="PJSIP/101-00000001")
    path.write_text(refused(ago(4)) + internal + "bad\n" + refused(ago(3)), encoding="utf-8")
    return path


def test_imported_records_become_evidence(homes: Any, records: Path) -> None:
    """The finding of a PBX without carrier records cites its own; importing them again adds nothing."""
    program = homes("unrecorded", refusals_in_cdrs=False)
    first = program("calls", "import-pbx", "denver", records, "--utc")
    again = program("calls", "import-pbx", "denver", records, "--utc", "--format", "json")
    found = {(one["check"], one["subject"]): one for one in program("check", "--format", "json").json}

    assert PREFIX in records.read_text()
    assert (1, golden("commands.calls.records_kept", records=records)) == (
        first.status,
        first.out.strip(),
    )
    assert golden("errors.pbx_records.too_few_fields") in first.err
    assert [(0, 2)] == [(one["kept"], one["duplicate"]) for one in again.json]
    denver = found["pbx_address_is_allowed", "198.51.100.24"]
    assert golden("checks.pbx_records.attempts_since", attempts=2) in denver["reason"]
    assert "fail" == denver["status"]


def test_sound_records_end_with_0_and_others_say_why(homes: Any, tmp_path: Path) -> None:
    """Valid records exit with 0; no carrier calls, another file format, an unknown PBX and two zones give an error."""
    program = homes("own-records")
    good, inside, other = (tmp_path / name for name in ("good.csv", "inside.csv", "other.csv"))
    good.write_text(refused(ago(4)), encoding="utf-8")
    inside.write_text(master(ago(4), data="PJSIP/101", to_channel="PJSIP/101-00000001"), encoding="utf-8")
    other.write_text("hello\n", encoding="utf-8")
    answers = {path: program("calls", "import-pbx", "denver", path, "--utc") for path in (good, inside, other)}

    assert [0, 1, 1] == [one.status for one in answers.values()]
    assert golden("errors.pbx_records.name_the_trunk") in answers[inside].err
    assert golden("errors.pbx_records.first_lines_are_neither") in answers[other].err
    assert "no PBX 'boise'" in program("calls", "import-pbx", "boise", good).sentence
    both = program("calls", "import-pbx", "denver", good, "--utc", "--timezone", "UTC")
    assert (2, golden("errors.pbx_records.utc_or_timezone")) == (both.status, both.sentence)


def test_help_says_the_exit_codes(bare: Any) -> None:
    """Help lists the exit statuses, e.g. for cron jobs."""
    said = " ".join(bare("calls", "import-pbx", "--help").out.split())

    assert "Ends with 0" in said
    assert golden("errors.pbx_records.on_an_error_of_its_own") in said
