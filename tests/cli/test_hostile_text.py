"""File names and contents never send control characters to the terminal, in any command and format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dashboard.cli.output import json_text
from dashboard.core.text import UNSAFE
from tests.calls.pbx_records.pbx_files import refused

pytestmark = pytest.mark.slow

HOSTILE = "a\u202eb\x1b[2Jc\x9b31md\x07"


def test_command_output_contains_no_unsafe_characters(shared: Any, tmp_path: Path) -> None:
    """Output is safe for files that are unreadable or have hostile text, missing findings and invalid options."""
    folder = tmp_path / HOSTILE
    folder.mkdir()
    table = folder / f"{HOSTILE}.csv"
    calls = folder / f"calls{HOSTILE}.csv"
    text = folder / f"{HOSTILE}.txt"
    table.write_text(f"Name,IP,Numbers\nDen{HOSTILE}ver,198.51.100.24,12065550142\n{HOSTILE},{HOSTILE},{HOSTILE}\n")
    calls.write_text(f"start_time,{HOSTILE}\n{HOSTILE},{HOSTILE}\n")
    text.write_text(HOSTILE)
    records = folder / f"Master{HOSTILE}.csv"
    records.write_text(
        refused(caller=HOSTILE, context=HOSTILE, to_channel="", data="") + refused(disposition=HOSTILE) + f"{HOSTILE}\n"
    )
    commands: list[tuple[object, ...]] = [
        ("inventory", "read", table),
        ("inventory", "lint", table),
        ("inventory", "lint", folder, "--format", "json"),
        ("calls", "import", calls),
        ("calls", "import", folder / "not-there"),
        ("calls", "import-pbx", "denver", records, "--utc"),
        ("calls", "import-pbx", "denver", records, "--utc", "--format", "json"),
        ("fix", HOSTILE, HOSTILE, "--dry-run"),
        ("fix", "pbx_address_is_allowed", HOSTILE, "--dry-run"),
        ("replay", "--allow", HOSTILE),
        ("onboard", "--no-sync", "--pbx", HOSTILE),
        ("check", "--format", HOSTILE),
        ("undo", HOSTILE),
        (HOSTILE,),
    ]
    for command in commands:
        answer = shared(*command)
        said = answer.out + answer.err
        assert said, command
        assert "Traceback" not in said, command
        assert not UNSAFE.search(said), (command, said)


def test_json_escapes_it_and_changes_nothing() -> None:
    """JSON has no unsafe characters, and a program reads the same value back."""
    value = {"name": HOSTILE, "rows": ["é", "北京", "tab\there"]}
    text = json_text(value)

    assert not UNSAFE.search(text)
    assert json.loads(text) == value
    assert "北京" in text
