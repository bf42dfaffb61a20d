"""Onboarding notes: persistent, latest per kind, and strict parsing of test call output."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dashboard.core.errors import InputError
from dashboard.services.onboarding import notes
from dashboard.storage.database import State
from tests.builders import NOW
from tests.texts import golden_pattern

PRINTED: dict[str, Any] = {
    "method": "INVITE",
    "pop": "us-west-or.sip.flowroute.com",
    "source": "198.51.100.24",
    "sip_status": 180,
    "sip_reason": "Ringing",
    "seconds": 0.2,
    "meaning": "Admitted by address and tech prefix.",
    "admitted": True,
}


def test_latest_note_of_each_kind_is_kept(tmp_path: Path) -> None:
    """The latest note of each kind keeps its author and time in a reopened database."""
    state = State.open(tmp_path)
    assert 0 == notes.newest_note_id(state)
    notes.add_note(state, "denver", notes.CONFIGURED, {}, at=NOW - timedelta(hours=1), by="kim")
    notes.add_note(state, "denver", notes.CONFIGURED, {}, at=NOW, by="lee")
    notes.add_note(state, "tulsa", notes.CALLED, {"admitted": None}, at=NOW, by="kim")
    state.close()

    again = State.open(tmp_path)
    found = notes.latest_notes(again)

    assert {"denver", "tulsa"} == set(found)
    assert notes.Note(notes.CONFIGURED, NOW, "lee", {}) == found["denver"][notes.CONFIGURED]
    assert 3 == notes.newest_note_id(again)
    again.close()


def test_what_a_test_call_printed_is_read() -> None:
    """One object, or a list of one, is accepted; unknown fields are dropped."""
    found = notes.read_call(json.dumps(PRINTED), ["198.51.100.24"])

    assert (180, "Ringing", True) == (found["sip_status"], found["sip_reason"], found["admitted"])
    assert found == notes.read_call(json.dumps([PRINTED]), ["198.51.100.24"])
    assert "seconds" not in found
    beside = "By what was read of the account at 2026-11-03 15:04 UTC: 198.51.100.24 is on Outbound Allowed IPs."
    assert found == notes.read_call(
        json.dumps(PRINTED | {"meaning": f"{PRINTED['meaning']} {beside}", "account": beside}), []
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", golden_pattern("pages.set_up.not_printed_by_the_test_call")),
        ("Admitted!", golden_pattern("pages.set_up.not_printed_by_the_test_call")),
        ("[" * 15_000, golden_pattern("pages.set_up.not_printed_by_the_test_call")),
        ("{" + " " * 30_000 + "}", golden_pattern("pages.set_up.not_printed_by_the_test_call")),
        ("[1, 2]", golden_pattern("pages.set_up.not_printed_by_the_test_call")),
        (json.dumps(PRINTED | {"method": "OPTIONS"}), "anybody"),
        (json.dumps(PRINTED | {"sip_status": "180"}), "something else"),
        (json.dumps(PRINTED | {"admitted": "yes"}), "something else"),
        (json.dumps(PRINTED | {"source": "198.51.100.25"}), "calls from 198.51.100.24"),
    ],
)
def test_other_text_is_refused(text: str, said: str) -> None:
    """Free text, and output of another PBX, is refused with a message."""
    with pytest.raises(InputError, match=said):
        notes.read_call(text, ["198.51.100.24"])


def test_texts_are_short_and_of_one_line() -> None:
    """Noted texts are one short line, because the page displays them within sentences."""
    found = notes.read_call(json.dumps(PRINTED | {"sip_reason": "a\nb\u202e" + "x" * 900}), [])

    assert "a b" == found["sip_reason"][:3]
    assert notes.CUT == len(found["sip_reason"])
