"""Two operators at once: what one saves never reverts what the other saved after the page was drawn."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.services.snapshot_builder import load_frame
from dashboard.services.workspace import Workspace
from dashboard.web import sessions
from tests.apps import elements, visible_text
from tests.texts import golden
from tests.web.pages.test_set_up_many import paste

OTHER = "Bo"
REFUSED = re.compile(
    r"^Bo \(unverified, link by kim\) changed the inventory at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, after it was shown "
    r"here, and that change was not overwritten\. Look at the inventory again, then repeat what you did\.$"
)


@pytest.fixture
def other(app: Callable[..., AppTest]) -> Callable[..., None]:
    """Return a function with which another operator sets the site of a PBX in another browser."""

    def edits(site: str, name: str = "Denver") -> None:
        mine = sessions.standing_in()
        sessions.stand_in(sessions.Session(made_by="kim", name=OTHER))
        at = selected(app("inventory"), name)
        at.text_input(key=f"pbx_site_{name.lower()}").set_value(site)
        press(at, "Save")
        assert not at.error
        sessions.stand_in(mine)

    return edits


def selected(at: AppTest, name: str) -> AppTest:
    """Select a PBX in the table of the inventory."""
    row = list(at.dataframe[0].value["name"]).index(name)
    at.session_state["inventory_table"] = {"selection": {"rows": [row], "columns": [], "cells": []}}
    return at.run()


def press(at: AppTest, label: str) -> AppTest:
    """Press the first button with a label."""
    next(button for button in at.button if button.label == label).click()
    at.run()
    assert not at.exception
    return at


def told(at: AppTest) -> list[str]:
    """Return the errors on a page, without escapes."""
    return [visible_text(box.value) for box in at.error]


def assert_refused(at: AppTest) -> None:
    """Assert that the page, below its title, says who changed the inventory and when, and that nothing was saved."""
    (error,) = told(at)
    assert REFUSED.match(error)
    kinds = [element.type for element in elements(at)]
    assert kinds.index("title") < kinds.index("error")
    assert [] == [toast.value for toast in at.toast]


def site(account: Workspace, pbx_id: str = "denver") -> str:
    """Return the recorded site of a PBX."""
    return str(load_frame(account.state, "pbxs").set_index("pbx_id").loc[pbx_id, "site"])


def test_a_confirmation_does_not_revert_an_edit(
    app: Callable[..., AppTest], account: Workspace, other: Callable[..., None]
) -> None:
    """A confirmation of an inventory that changed meanwhile is refused; once looked at again, it is accepted."""
    at = app("inventory")
    other("Hut 1")
    versions = account.state.versions("pbxs")
    at.button(key="inventory_confirm").click().run()

    assert_refused(at)
    assert "Hut 1" == site(account)
    assert versions == account.state.versions("pbxs")

    at.button(key="inventory_confirm").click().run()

    assert [] == told(at)
    assert [golden("pages.inventory.confirmed")] == [toast.value for toast in at.toast]


def test_a_confirmation_writes_no_content(app: Callable[..., AppTest], account: Workspace) -> None:
    """A confirmation changes the time and the person, and neither content nor number of versions."""
    before = account.state.sealed_versions()
    app("inventory").button(key="inventory_confirm").click().run()
    after = account.state.sealed_versions()

    assert [(row["id"], row["hash"]) for row in before] == [(row["id"], row["hash"]) for row in after]
    confirmed = {row["kind"] for row, same in zip(after, before, strict=True) if row["seen_at"] != same["seen_at"]}
    assert {"pbxs", "pbx_addresses", "pbx_numbers"} == confirmed


def test_an_import_does_not_revert_an_edit(
    app: Callable[..., AppTest], account: Workspace, other: Callable[..., None]
) -> None:
    """An import previewed before the edit is refused, and its new preview contains the edit."""
    at = app("inventory")
    at.file_uploader[0].upload("pbxs.csv", b"pbx_id,name\nprovo,Provo\n").run()
    other("Hut 2")
    at.button(key="inventory_import_keep").click().run()

    assert_refused(at)
    assert "Hut 2" == site(account)
    assert "provo" not in set(load_frame(account.state, "pbxs")["pbx_id"])

    at.button(key="inventory_import_keep").click().run()

    assert [] == told(at)
    assert "Hut 2" == site(account)
    assert "provo" in set(load_frame(account.state, "pbxs")["pbx_id"])


def test_a_paste_does_not_revert_an_edit(
    app: Callable[..., AppTest], account: Workspace, other: Callable[..., None]
) -> None:
    """A table of PBXs read before the edit is refused, stays in its field, and is added when pressed again."""
    at = paste(app("set_up_pbx"), "Ogden, 198.51.100.201, 18015550100\n")
    other("Hut 3")
    at.button(key="set_up_import_keep").click().run()

    assert_refused(at)
    assert "Hut 3" == site(account)

    at.button(key="set_up_import_keep").click().run()

    assert [] == told(at)
    assert ("Hut 3", True) == (site(account), "ogden" in set(load_frame(account.state, "pbxs")["pbx_id"]))


def test_a_form_does_not_put_an_old_value_back(
    app: Callable[..., AppTest], account: Workspace, other: Callable[..., None]
) -> None:
    """A form drawn before the edit is refused, then shows the new value, and saving it keeps that value."""
    at = selected(app("inventory"), "Denver")
    other("Hut 4")
    at.text_input(key="pbx_owner_denver").set_value("Facilities")
    press(at, "Save")

    assert_refused(at)
    assert "Hut 4" == site(account) == at.text_input(key="pbx_site_denver").value

    at.text_input(key="pbx_owner_denver").set_value("Facilities")
    press(at, "Save")

    assert [] == told(at)
    row = load_frame(account.state, "pbxs").set_index("pbx_id").loc["denver"]
    assert ("Hut 4", "Facilities") == (row["site"], row["owner"])


def test_a_form_drawn_again_shows_the_edit(
    app: Callable[..., AppTest], account: Workspace, other: Callable[..., None]
) -> None:
    """A form that is drawn again after the edit shows it, and keeps it when another field is saved."""
    at = selected(app("inventory"), "Denver")
    other("Hut 5")
    at.run()

    assert "Hut 5" == at.text_input(key="pbx_site_denver").value

    at.text_input(key="pbx_owner_denver").set_value("Telecom")
    press(at, "Save")

    assert ([], "Hut 5") == (told(at), site(account))


def test_what_is_typed_stays_when_another_pbx_changed(
    app: Callable[..., AppTest], account: Workspace, other: Callable[..., None]
) -> None:
    """A form refused because of another PBX keeps what was typed, so that it can be saved again."""
    at = selected(app("inventory"), "Denver")
    other("Pier 6", "Seattle")
    at.text_input(key="pbx_site_denver").set_value("Hut 6")
    press(at, "Save")

    assert_refused(at)

    press(at, "Save")

    assert ("Hut 6", "Pier 6") == (site(account), site(account, "seattle"))


def test_numbers_and_addresses_do_not_revert_an_edit(
    app: Callable[..., AppTest], account: Workspace, other: Callable[..., None]
) -> None:
    """The forms of numbers and of addresses, and the button that ends an address, are refused too."""
    for number, do in enumerate(("Save the numbers", "Add the address", "End 198.51.100.24")):
        at = selected(app("inventory"), "Denver")
        other(f"Hut 7{number}")
        at.text_input(key="address_denver").set_value("198.51.100.202")
        press(at, do)

        assert_refused(at)
        addresses = load_frame(account.state, "pbx_addresses").set_index("address")
        assert "198.51.100.202" not in addresses.index
        assert addresses.loc[["198.51.100.24"], "valid_to"].isna().all()
