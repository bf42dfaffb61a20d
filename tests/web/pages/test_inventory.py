"""Inventory page: edits with validation messages, imports with a preview, and generated configurations."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.core.settings import Settings
from dashboard.services.snapshot_builder import load_frame
from dashboard.services.workspace import Workspace
from tests.apps import form_errors, new_app
from tests.paths import PBX_CASES
from tests.pbx.readers.netboxes import TOKEN, Fake, running
from tests.texts import golden

NETBOXES = PBX_CASES / "netbox"


def words(at: AppTest) -> str:
    """Return the titles, headings, Markdown and captions of the page as one string."""
    return " ".join(text.value for text in [*at.title, *at.subheader, *at.markdown, *at.caption])


@pytest.fixture
def seattle(app: Callable[..., AppTest]) -> AppTest:
    """Open the page with Seattle selected."""
    at = app("inventory")
    row = list(at.dataframe[0].value["name"]).index("Seattle")
    at.session_state["inventory_table"] = {"selection": {"rows": [row], "columns": [], "cells": []}}
    return at.run()


def test_the_title_counts_by_state(app: Callable[..., AppTest]) -> None:
    """The title states the number of PBXs, in total and by state."""
    assert golden("pages.inventory.counts") == app("inventory").title[0].value


def submit(at: AppTest, label: str) -> AppTest:
    """Press the form button with the given label."""
    next(button for button in at.button if button.label == label).click()
    return at.run()


def test_an_edit_is_kept_as_a_new_version(seattle: AppTest, account: Workspace) -> None:
    """A saved edit has the typed value and the actor, and changes no other column."""
    before = load_frame(account.state, "pbxs")
    seattle.text_input(key="pbx_site_seattle").set_value("Pier 57")
    submit(seattle, "Save")
    after = load_frame(account.state, "pbxs")

    assert not seattle.exception
    assert not seattle.error
    assert "Pier 57" == after.set_index("pbx_id").loc["seattle", "site"]
    assert before.drop(columns="site").equals(after.drop(columns="site"))
    assert account.state.latest("pbxs")["known_by"] == golden(
        "pages.operators.named_by_link", name="Ola", inviter="kim"
    )


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("10.1.2.3", "private"),
        ("010.1.2.3", "leading zeros"),
        ("100.64.0.9", "carrier-grade"),
        ("pbx.example.net", "host"),
        ("=1+1", "formula"),
        ("198.51.100.12", golden("pages.inventory.in_use_by_chicago")),
    ],
)
def test_an_address_that_cannot_be_is_refused_with_its_rule(
    seattle: AppTest, account: Workspace, typed: str, said: str
) -> None:
    """Each kind of invalid address is rejected with its own message, and nothing is saved."""
    before = load_frame(account.state, "pbx_addresses")
    seattle.text_input(key="address_seattle").set_value(typed)
    submit(seattle, "Add the address")

    assert not seattle.exception
    assert said in form_errors(seattle, "inventory_address_seattle")[0]
    assert 1 == len(seattle.error)
    assert before.equals(load_frame(account.state, "pbx_addresses"))


def test_an_address_is_added_and_ended(seattle: AppTest, account: Workspace) -> None:
    """An ended address stays on record with an end time, because past calls came from it."""
    seattle.text_input(key="address_seattle").set_value("192.0.2.90")
    submit(seattle, "Add the address")

    assert not seattle.error
    assert "192.0.2.90" in set(load_frame(account.state, "pbx_addresses")["address"])

    submit(seattle, "End 192.0.2.90")
    rows = load_frame(account.state, "pbx_addresses").set_index("address")

    assert rows.loc["192.0.2.90", "valid_to"] is not None
    assert rows["valid_to"].notna()["192.0.2.90"]


def test_numbers_are_read_in_any_common_form(seattle: AppTest, account: Workspace) -> None:
    """A number in any common format is saved as digits with the country code."""
    field = seattle.text_area(key="numbers_seattle")
    field.set_value(f"{field.value}\n+1 (206) 555-0199")
    submit(seattle, "Save the numbers")
    rows = load_frame(account.state, "pbx_numbers")

    assert not seattle.error
    assert "12065550199" in set(rows.loc[rows["pbx_id"] == "seattle", "number"])


IMPORT = (
    "pbx_id,name,ip_kind,auth_method,status,site\n"
    "tulsa,Tulsa,static,ip,active,\n"
    "denver,Denver,static,ip,active,Hut 4\n"
    "bad id!,X,static,ip,active,\n"
)


def test_an_import_is_looked_at_before_it_is_kept(app: Callable[..., AppTest], account: Workspace) -> None:
    """Valid and invalid rows are previewed; a button that names its effect saves the valid ones."""
    at = app("inventory")
    at.file_uploader[0].upload("pbxs.csv", IMPORT.encode()).run()

    assert not at.exception
    assert golden("pages.set_up.one_cannot_be_taken") in at.warning[0].value
    assert "adds 1" in words(at)
    assert "Import 2 changes" == at.button(key="inventory_import_keep").label
    assert "tulsa" not in set(load_frame(account.state, "pbxs")["pbx_id"])

    at.button(key="inventory_import_keep").click().run()

    assert not at.exception
    assert {"tulsa", "seattle"} <= set(load_frame(account.state, "pbxs")["pbx_id"])


def test_a_running_netbox_is_read_when_somebody_presses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A NetBox named in the settings is read only on a button press, then previewed and saved like a file."""
    with running(Fake.of(NETBOXES / "nat")) as fake:
        monkeypatch.setenv("TRUNKGATE_INVENTORY_SOURCES", fake.address)
        monkeypatch.setenv("TRUNKGATE_NETBOX_TOKEN", TOKEN)
        monkeypatch.setenv("TRUNKGATE_PUBLIC_RANGES", "203.0.113.0/24,198.51.100.0/24,192.0.2.0/24")
        settings = Settings(home=tmp_path / "running", sample_calls=0)
        with Workspace.open(settings) as account:
            account.sync()
            monkeypatch.setenv("TRUNKGATE_HOME", str(settings.home))
            at = new_app().run()
            at.switch_page("web/pages/inventory.py").run()
            assert fake.asked == []

            next(button for button in at.button if button.label.startswith("Read ")).click().run()
            assert not at.exception
            assert not at.error
            asked = len(fake.asked)
            at.button(key="inventory_import_keep").click().run()

            assert not at.exception
            assert "miami-pbx" in set(load_frame(account.state, "pbxs")["pbx_id"])
            assert (asked, True) == (len(fake.asked), asked > 0)
            assert "inventory_import_keep" not in [button.key for button in at.button]


def test_what_was_imported_is_said_and_gone_from_the_page(app: Callable[..., AppTest]) -> None:
    """After an import the file, the differences and the button are gone, and one toast states the result."""
    at = app("inventory")
    at.file_uploader[0].upload("pbxs.csv", b"pbx_id,name\nprovo,Provo\n").run()
    at.button(key="inventory_import_keep").click().run()

    assert not at.exception
    assert "inventory_import_keep" not in [button.key for button in at.button]
    assert not at.file_uploader[0].value
    assert ["Imported: 1 added, 0 changed."] == [toast.value for toast in at.toast]


def test_rows_that_the_import_lacks_are_removed_only_when_ticked(app: Callable[..., AppTest]) -> None:
    """Rows missing from the import are listed separately; once ticked, the button says that it removes them."""
    at = app("inventory")
    at.file_uploader[0].upload("pbxs.csv", b"pbx_id,name\nseattle,Seattle North\n").run()

    assert "Import 1 change" == at.button(key="inventory_import_keep").label
    assert "PBX denver" in words(at)

    at.checkbox(key="inventory_import_replace").check().run()

    assert at.button(key="inventory_import_keep").label.startswith(golden("pages.inventory.import_and_remove"))


CASES = PBX_CASES / "asterisk"


def zipped(folder: Path) -> bytes:
    """Return the ``.conf`` files of a folder as a zip archive, as an operator would upload it."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for path in sorted(folder.rglob("*.conf")):
            archive.write(path, path.relative_to(folder))
    return data.getvalue()


def test_a_pbxs_folder_is_read_linted_and_kept(app: Callable[..., AppTest], account: Workspace) -> None:
    """Faults in a PBX's configuration are shown with file and line; its facts are saved without a password."""
    at = app("inventory")
    at.file_uploader[0].upload("tulsa.zip", zipped(CASES / "wrong-prefix")).run()
    tables = [frame.value for frame in at.dataframe]
    lint = next(table for table in tables if "cure" in table)

    assert not at.exception
    assert golden("pages.inventory.put_right") in " ".join(box.value for box in at.warning)
    assert ("tulsa/etc/asterisk/extensions.conf", 6) in set(zip(lint["file"], lint["line"], strict=True))

    at.button(key="inventory_import_keep").click().run()
    facts = load_frame(account.state, "pbx_config")

    assert not at.exception
    assert {"tulsa"} == set(facts["pbx_id"])
    assert "unknown" == load_frame(account.state, "pbxs").set_index("pbx_id").loc["tulsa", "dials_prefix"]
    assert "0123456789abcdef" not in facts.to_csv()


def test_what_is_read_ages_by_itself(app: Callable[..., AppTest], account: Workspace) -> None:
    """Confirming an unchanged configuration resets its age; importing a table does not."""
    data = zipped(CASES / "wrong-prefix")
    at = app("inventory")
    at.file_uploader[0].upload("tulsa.zip", data).run()
    at.button(key="inventory_import_keep").click().run()
    first = account.state.latest("pbx_config")["seen_at"]
    at.file_uploader[0].upload("pbxs.csv", b"pbx_id,name\ntulsa,Tulsa North\n").run()
    at.button(key="inventory_import_keep").click().run()
    between = account.state.latest("pbx_config")["seen_at"]
    at.file_uploader[0].upload("tulsa.zip", data).run()
    label = at.button(key="inventory_import_keep").label
    at.button(key="inventory_import_keep").click().run()

    assert not at.exception
    assert "Confirm the configuration" == label
    assert (
        first
        == between
        < account.state.latest("pbx_config")["seen_at"]
        == account.snapshot().freshness["configurations"].as_of
    )


def test_single_files_are_read_once_it_is_said_whose_they_are(app: Callable[..., AppTest]) -> None:
    """A single ``pjsip.conf`` does not name its PBX, so it is read once a PBX of the inventory is selected."""
    at = app("inventory")
    data = (CASES / "in-order" / "etc" / "asterisk" / "pjsip.conf").read_bytes()
    at.file_uploader[0].upload("pjsip.conf", data).run()

    assert not at.exception
    assert "inventory_import_keep" not in [button.key for button in at.button]

    at.selectbox(key="inventory_import_whose").set_value("seattle").run()
    changes = next(frame.value for frame in at.dataframe if "change" in frame.value)

    assert not at.exception
    assert golden("pages.inventory.configured_address") in set(changes["what"])
    assert "Configuration of seattle" in set(changes["what"])
    assert not changes["what"].str.startswith("PBX seattle").where(changes["column"] == "Name", other=False).any()


def test_a_configured_address_can_be_declared(app: Callable[..., AppTest], account: Workspace) -> None:
    """An address that only a configuration has does not count as taken; once declared, both rows are kept."""
    trunk = b"[t]\ntype=endpoint\naors=t\n[t]\ntype=aor\ncontact=sip:us-west-or.sip.flowroute.com\n"
    at = app("inventory")
    data = trunk + b"[w]\ntype=transport\nbind=203.0.113.77\n"
    at.file_uploader[0].upload("pjsip.conf", data).run()
    at.selectbox(key="inventory_import_whose").set_value("denver").run()
    at.button(key="inventory_import_keep").click().run()
    row = list(at.dataframe[0].value["name"]).index("Denver")
    at.session_state["inventory_table"] = {"selection": {"rows": [row], "columns": [], "cells": []}}
    at.run()

    assert not at.exception
    assert golden("pages.inventory.primary_configured") in words(at)

    at.text_input(key="address_denver").set_value("203.0.113.77")
    submit(at, "Add the address")
    rows = load_frame(account.state, "pbx_addresses")

    assert not at.error
    mine = rows[rows["address"] == "203.0.113.77"]
    assert [("denver", "configured"), ("denver", "declared")] == [*zip(mine["pbx_id"], mine["source"], strict=True)]


def test_a_configuration_is_written_for_the_chosen_pbx(seattle: AppTest) -> None:
    """A configuration is generated for the PBX's own product first, then for the selected one."""
    from dashboard.pbx.writers.registry import kinds  # noqa: PLC0415 - beside its only use

    chosen = seattle.selectbox(key="writing_kind_seattle")
    assert "asterisk-pjsip" == chosen.value
    assert any("external_signaling_address=198.51.100.11\n" in code.value for code in seattle.code)
    assert any("type=identify" in code.value for code in seattle.code)

    at = chosen.set_value("freeswitch").run()
    assert not at.exception
    assert not at.error
    assert any('<gateway name="flowroute">' in code.value for code in at.code)
    assert not any("type=identify" in code.value for code in at.code)
    assert len(chosen.options) == len(kinds())


def test_a_dynamic_pbx_keeps_its_credentials(app: Callable[..., AppTest]) -> None:
    """For a dynamic PBX the page says that credentials are required and generates no configuration."""
    at = app("inventory")
    row = list(at.dataframe[0].value["kind"]).index("Dynamic")
    at.session_state["inventory_table"] = {"selection": {"rows": [row], "columns": [], "cells": []}}
    at.run()

    assert not at.exception
    assert golden("pages.inventory.keeps_credentials") in words(at)
    assert not at.code
