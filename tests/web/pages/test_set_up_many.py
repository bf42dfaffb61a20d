"""Set up PBXs page: all PBXs at once, PBXs added from a table, joint plans, and a setup that is resumed."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.services import declarations
from dashboard.services.onboarding import notes
from dashboard.services.onboarding.fleet import NEXT
from dashboard.services.snapshot_builder import load_frame
from dashboard.services.workspace import Workspace
from dashboard.web.onboarding import overview
from tests.texts import golden

SELECTED = {"selection": {"rows": [0], "columns": [], "cells": []}}


def words(at: AppTest) -> str:
    """Return the titles, headings, Markdown and captions of the page as one string."""
    return " ".join(text.value for text in [*at.title, *at.subheader, *at.markdown, *at.caption])


def paste(at: AppTest, text: str) -> AppTest:
    """Paste a table into the field."""
    return next(field for field in at.text_area if field.label == "Table of PBXs").set_value(text).run()


def pasted(at: AppTest) -> list[tuple[str, str]]:
    """Return state and name of each line that was parsed."""
    frame = at.dataframe[0].value
    return [(state[0], name) for state, name in zip(frame["state"], frame["name"], strict=True)]


def test_title_states_progress_and_next_action(app: Callable[..., AppTest]) -> None:
    """The title states how many PBXs have placed calls by address, and the next action."""
    at = app("set_up_pbx")

    assert golden("pages.set_up.progress_of_all", done=6, all=8, kept=1, next_=2) == (at.title[0].value)
    assert golden("pages.set_up.stay_on_for_some") in words(at)


def test_the_matrix_is_sorted_by_what_is_next(app: Callable[..., AppTest]) -> None:
    """Refused PBXs come first, then active ones with a next step; the retired PBX is omitted."""
    frame = app("set_up_pbx").dataframe[0].value

    assert ["Denver", "Atlanta", "Phoenix", "Dallas"] == list(frame["name"])[:4]
    assert [[NEXT], [NEXT], ["✓ Done"]] == list(frame["allow"])[:3]
    assert ["✕ Refused"] == frame["call"][0]
    assert "Boston" not in set(frame["name"])


def test_a_filter_shows_what_is_left(app: Callable[..., AppTest]) -> None:
    """The filter ``To do`` in the URL shows the PBXs with open steps."""
    at = app("set_up_pbx", set_up_show="To do")

    assert {"Atlanta", "Denver", "Phoenix", "Dallas"} == set(at.dataframe[0].value["name"])


def test_a_row_leads_to_its_pbx_and_back(app: Callable[..., AppTest]) -> None:
    """A selected row shows the steps of its PBX; one button leads back to all PBXs."""
    at = app("set_up_pbx")
    at.session_state[overview.TABLE] = SELECTED
    at.session_state[overview.CHOSEN] = "atlanta"
    at.run()

    assert not at.exception
    assert "Atlanta: " + golden("pages.set_up.next_is_allow", step=4) + "." == at.title[0].value

    at.button(key="set_up_all").click().run()

    assert at.title[0].value.startswith("6 of 8 static PBXs")


def test_an_address_of_the_page_that_names_nobody_shows_all(app: Callable[..., AppTest]) -> None:
    """A URL with an unknown PBX shows all PBXs."""
    assert app("set_up_pbx", pbx_id="<script>").title[0].value.startswith("6 of 8 static PBXs")


def test_addresses_are_planned_together(app: Callable[..., AppTest]) -> None:
    """One plan allows both addresses, in the same review as any fix."""
    at = app("set_up_pbx")
    at.button(key="set_up_many_pbx_address_is_allowed").click().run()

    assert not at.exception
    assert "Make these 2 changes" == at.button(key="review_apply").label
    assert "**Allow 2 addresses**" in words(at)
    assert "`198.51.100.24`" in words(at)
    assert "`198.51.100.40`" in words(at)


def test_numbers_are_planned_together(app: Callable[..., AppTest]) -> None:
    """One plan routes both numbers, and its review says that outbound calls are not affected."""
    at = app("set_up_pbx")
    at.button(key="set_up_many_pbx_has_inbound_route").click().run()

    assert not at.exception
    assert "**Route 2 numbers**" in words(at)
    assert golden("pages.set_up.outbound_calls_are_untouched") in words(at)


TABLE = "Tulsa,198.51.100.77,19185550100\nLima,198.51.100.11,\nReno,10.0.0.1,\n=cmd(),198.51.100.78,\nBoise,dynamic,\n"


def test_a_table_is_looked_at_before_it_is_added(app: Callable[..., AppTest], account: Workspace) -> None:
    """A pasted table is previewed with the state of each line, and nothing is saved yet."""
    before = load_frame(account.state, "pbxs")
    at = paste(app("set_up_pbx"), TABLE)

    assert not at.exception
    assert golden("pages.set_up.two_cannot_be_taken_good_can") == at.warning[0].value
    assert [
        ("✕ Left out", "Reno"),
        ("✕ Left out", "=cmd()"),
        ("○ Incomplete", "Lima"),
        ("○ Incomplete", "Boise"),
        ("✓ Complete", "Tulsa"),
    ] == pasted(at)
    assert "Add 3 PBXs" == at.button(key="set_up_import_keep").label
    assert before.equals(load_frame(account.state, "pbxs"))


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>,198.51.100.77\n",
        "[x](javascript:alert(1)) $a$ :red[b],198.51.100.77\n",
        "\x00\x00\x00",
        "=1+1\n" * 3,
        "Name\n" + "x\n" * 10_000,
        '"' * 500,
    ],
)
def test_a_hostile_table_is_a_sentence(app: Callable[..., AppTest], text: str) -> None:
    """A hostile table causes no traceback, and none of its text becomes markup."""
    at = paste(app("set_up_pbx"), text)

    assert not at.exception
    assert "<script>" not in words(at)
    assert "](javascript" not in words(at)


def test_an_uploaded_file_is_read_the_same(app: Callable[..., AppTest]) -> None:
    """A binary file named as a table is rejected with the advice to save it as CSV."""
    at = app("set_up_pbx")
    at.file_uploader[0].upload("pbxs.csv", b"PK\x03\x04 a workbook").run()

    assert not at.exception
    assert golden("pages.set_up.save_as_csv") in words(at)


def test_the_good_lines_are_added(app: Callable[..., AppTest], account: Workspace) -> None:
    """Valid lines are saved in the inventory with the actor, as from an import, and are in the matrix."""
    at = paste(app("set_up_pbx"), TABLE)
    at.button(key="set_up_import_keep").click().run()
    at.run()

    assert not at.exception
    rows = load_frame(account.state, "pbxs").set_index("pbx_id")
    assert {"tulsa", "boise", "lima"} <= set(rows.index)
    assert "198.51.100.77" == rows.loc["tulsa", "inbound_host"]
    assert account.state.latest("pbxs")["known_by"] == golden(
        "pages.operators.named_by_link", name="Ola", inviter="kim"
    )
    assert "" == next(field for field in at.text_area if field.label == "Table of PBXs").value
    assert "next: allow 3 addresses" in at.title[0].value
    frame = at.dataframe[0].value.set_index("name")
    assert [NEXT] == frame.loc["Tulsa", "dial"]
    assert ["∅ Skip"] == frame.loc["Boise", "allow"]
    assert ["✓ Done"] == list(frame.loc["Lima", "kind"])


@pytest.fixture
def _added(app: Callable[..., AppTest], account: Workspace) -> None:
    """Add the valid lines, unless an earlier test did."""
    if "tulsa" not in set(load_frame(account.state, "pbxs")["pbx_id"]):
        paste(app("set_up_pbx"), TABLE).button(key="set_up_import_keep").click().run()


@pytest.mark.usefixtures("_added")
def test_step_marked_done_is_saved_as_said(app: Callable[..., AppTest], account: Workspace) -> None:
    """A step marked as done is saved with the actor, also for later sessions, and counts as said, not as proven."""
    at = app("set_up_pbx", pbx_id="Tulsa")
    assert "Tulsa: " + golden("pages.set_up.next_is_dial", step=2) + "." == at.title[0].value

    at.button(key="set_up_configured").click().run()

    assert not at.exception
    note = notes.latest_notes(account.state)["tulsa"][notes.CONFIGURED]
    assert note.by == golden("pages.operators.named_by_link", name="Ola", inviter="kim")
    again = app("set_up_pbx", pbx_id="Tulsa")
    assert "Tulsa: " + golden("pages.set_up.next_is_allow", step=4) + "." == again.title[0].value
    assert "Said, not proven" in " ".join(step.label for step in again.expander)


@pytest.mark.usefixtures("_added")
def test_a_test_call_is_noted_as_it_was_printed(app: Callable[..., AppTest], account: Workspace) -> None:
    """Only what the probe printed is accepted as a test call, not free text; the step shows its result."""
    at = app("set_up_pbx", pbx_id="Tulsa")
    press = "Note the result"
    at.text_area(key="probe_printed").set_value("It rang!")
    next(button for button in at.button if press == button.label).click()
    at.run()

    assert golden("pages.set_up.not_printed_by_the_test_call") in at.error[0].value

    printed = {"method": "INVITE", "source": "198.51.100.77", "pop": "x", "sip_status": 403, "admitted": False}
    at.text_area(key="probe_printed").set_value(json.dumps(printed | {"sip_reason": "Tech Prefix and IP not in ACL"}))
    next(button for button in at.button if press == button.label).click()
    at.run()

    assert not at.exception
    assert 403 == notes.latest_notes(account.state)["tulsa"][notes.CALLED].content["sip_status"]
    assert golden("pages.set_up.last_test_call_was_refused") in words(at)


def test_an_empty_inventory_asks_for_a_table(app: Callable[..., AppTest], account: Workspace) -> None:
    """With an empty inventory the title says that no PBX is being set up, and the field for a table is expanded."""
    nothing = {name: load_frame(account.state, name).iloc[:0] for name in ("pbxs", "pbx_addresses", "pbx_numbers")}
    declarations.save_inventory(account, nothing, version_ids=account.snapshot().version_ids, by="a test")
    at = app("set_up_pbx")

    assert not at.exception
    assert golden("pages.set_up.no_pbx_is_set_up") == at.title[0].value
    assert at.expander[0].proto.expanded
