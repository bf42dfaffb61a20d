"""Account page: entries with their owners, reviews of changes, and pastes that remove no entry by themselves."""

from __future__ import annotations

from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from dashboard.services.workspace import Workspace
from tests.texts import golden


def words(at: AppTest) -> str:
    """Return the titles, Markdown, captions and warnings of the page as one string."""
    return " ".join(text.value for text in [*at.title, *at.markdown, *at.caption, *at.warning])


def test_every_entry_has_its_owner(app: Callable[..., AppTest]) -> None:
    """Each entry is shown with its PBX, as formerly of a PBX, or as unassigned."""
    rows = app("account").dataframe[0].value.set_index("network")

    assert "Seattle" == rows.loc["198.51.100.11", "pbx"]
    assert "Formerly Denver" == rows.loc["198.51.100.23", "pbx"]
    assert "Unassigned" == rows.loc["203.0.113.66", "pbx"]
    assert ["Needs review"] == list(rows.loc["203.0.113.66", "control"])


def test_the_title_counts_what_the_table_marks(app: Callable[..., AppTest]) -> None:
    """
    The title counts the entries that the table marks for review.

    These include a former address and a network with an unassigned caller, which do belong to a PBX.
    """
    at = app("account")
    control = at.dataframe[0].value["control"]
    marked = sum(list(chips) == ["Needs review"] for chips in control)

    assert golden("pages.account.addresses_need_review", addresses=len(control), marked=marked) == at.title[0].value


def test_only_standby_role_is_shown(app: Callable[..., AppTest]) -> None:
    """The purpose of an entry is preceded by the role standby, but not by the role active."""
    why = app("account").dataframe[0].value.set_index("network")["why"]

    assert golden("pages.account.standby") == why["198.51.100.13"]
    assert golden("fixes.changes.purpose", pbx="Boston") == why["198.51.100.50"]


def test_a_selected_entry_says_who_put_it_there(app: Callable[..., AppTest]) -> None:
    """A selected entry is shown in full below the table, including who added it and when it is due for review."""
    at = app("account")
    row = list(at.dataframe[0].value["network"]).index("198.51.100.12")
    at.session_state["account_entries"] = {"selection": {"rows": [row], "columns": [], "cells": []}}
    at.run()

    assert not at.exception
    assert golden("pages.account.due_for_review") in words(at)


def test_a_selected_entry_can_be_removed_through_a_review(app: Callable[..., AppTest], account: Workspace) -> None:
    """The button names the removal and opens the review; the entry stays until the plan is applied."""
    at = app("account")
    row = list(at.dataframe[0].value["network"]).index("203.0.113.66")
    at.session_state["account_entries"] = {"selection": {"rows": [row], "columns": [], "cells": []}}
    at.run()

    assert "Remove 203.0.113.66" == at.button(key="account_remove").label

    at.button(key="account_remove").click().run()

    assert not at.exception
    assert "Remove 203.0.113.66" == at.button(key="review_apply").label
    assert "203.0.113.66" in set(account.carrier.allowed_ips()[0]["network"])


def test_a_part_of_the_list_pasted_removes_nothing(app: Callable[..., AppTest]) -> None:
    """Entries missing from a paste stay; each has an unticked checkbox for its removal."""
    at = app("account")
    at.text_area(key="account_pasted").set_value("Seattle  198.51.100.11\nNew office  192.0.2.77").run()

    assert not at.exception
    assert "**1 entry to add**" in words(at)
    assert "**1 the same**" in words(at)
    assert golden("pages.account.not_in_paste", entries=9) in words(at)
    assert not any(box.value for box in at.checkbox if box.key and box.key.startswith("account_gone_"))
    assert golden("pages.account.review_one_change") == at.button(key="account_accept").label


def test_what_is_ticked_is_removed_with_the_rest_kept(app: Callable[..., AppTest]) -> None:
    """A ticked entry is one more change of the plan; other entries are kept."""
    at = app("account")
    at.text_area(key="account_pasted").set_value("192.0.2.77").run()
    at.checkbox(key="account_gone_203.0.113.66").check().run()
    at.button(key="account_accept").click().run()

    assert not at.exception
    assert "| `192.0.2.77` " in words(at)
    assert "| `203.0.113.66` " in words(at)
    assert "| `198.51.100.11` " not in words(at)


def test_what_is_no_address_is_said_with_its_line(app: Callable[..., AppTest]) -> None:
    """A private address in a paste is rejected with its line and the reason."""
    at = app("account")
    at.text_area(key="account_pasted").set_value("198.51.100.11\n10.0.0.8").run()

    assert "Line 2: 10.0.0.8 " + golden("errors.addresses.is_private") in words(at)
    assert "private" in words(at)


def test_a_paste_without_an_address_changes_nothing(app: Callable[..., AppTest]) -> None:
    """A paste without an address gets a message and no button to accept it."""
    at = app("account")
    at.text_area(key="account_pasted").set_value("see attached").run()

    assert golden("pages.account.no_address") in words(at)
    assert "account_accept" not in [button.key for button in at.button]


def test_credentials_go_through_a_review(app: Callable[..., AppTest]) -> None:
    """The review of disabling credentials names the PBXs whose calls would break and asks for their names."""
    at = app("account")
    at.button(key="account_credentials").click().run()

    assert not at.exception
    assert at.button(key="review_apply").disabled
    assert "Miami" in words(at)
    assert [box for box in at.text_input if (box.key or "").startswith("review_phrase_")]
