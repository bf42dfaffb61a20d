"""The examples in docs/examples satisfy the contracts of real plug-ins and run on real objects."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType

import pandas as pd
import pytest
import requests
import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboard import schemas
from dashboard.carriers.base import AccountState, Carrier
from dashboard.checks.registry import run
from dashboard.core.errors import CapabilityError, CarrierAnswerError
from dashboard.core.settings import SYNCED_BY, Settings
from dashboard.domain.capabilities import Capability
from dashboard.domain.changes import AllowAddress, SetCredentials
from dashboard.domain.findings import Cause, Status
from dashboard.pbx.inventory.rows import Inventory
from dashboard.pbx.inventory.validation import validate
from dashboard.pbx.readers.config_folder import from_disk
from dashboard.services import snapshot_builder
from dashboard.services.workspace import Workspace
from dashboard.sip import Trunk
from tests.builders import make_snapshot
from tests.carriers.scripted import Reply, Script
from tests.paths import ROOT
from tests.pbx.facts import keys
from tests.texts import golden, golden_pattern
from tests.waiting import WAIT_S

EXAMPLES = ROOT / "docs" / "examples"
PUBLIC = ("198.51.100.0/24",)
ORIGIN = "https://api.carrier.example"
ACL = f"GET {ORIGIN}/acl"
CONFIGURATION = """\
# Example PBX
trunk_host = us-west-or.sip.flowroute.com
trunk_auth = ip
trunk_password = made-up-word
dial = 12345678*${EXTEN}
public_address = 198.51.100.11
a line without a value
"""


def load(name: str) -> ModuleType:
    """Import an example as a module."""
    spec = spec_from_file_location(f"docs_examples_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# The check


@pytest.mark.parametrize(
    ("network", "status"),
    [
        ("198.51.100.8/29", Status.PASS),
        ("198.51.100.0/28", Status.FAIL),
        ("198.51.100.11", Status.PASS),
        ("2001:db8::/56", Status.FAIL),
        ("not-an-address", Status.UNKNOWN),
    ],
)
def test_check_judges_each_entry_by_its_width(network: str, status: Status) -> None:
    """A /29 passes, a wider network fails, and text that is not a network is unknown."""
    (finding,) = run(make_snapshot(allowed=(network,)), [load("check").allowed_ip_is_narrow])

    assert (network, status) == (finding.subject, finding.status)
    assert network in finding.reason
    assert finding.reason.endswith(".")


def test_check_without_data_is_unknown() -> None:
    """An empty list and a list that was never read give an unknown finding, never a pass."""
    check = load("check").allowed_ip_is_narrow
    never_read = make_snapshot(allowed=("198.51.100.11",)).without({"allowed_ips"})

    for snapshot in (make_snapshot(), never_read):
        (finding,) = check.findings(snapshot)
        assert (Status.UNKNOWN, Cause.MISSING) == (finding.status, finding.cause)


# The PBX configuration reader


@pytest.fixture
def inventory(tmp_path) -> Inventory:
    """Return the inventory that the example reads from a folder on disk."""
    reader = load("pbx_reader")
    etc = tmp_path / "reno" / "etc"
    etc.mkdir(parents=True)
    (etc / reader.FILE).write_text(CONFIGURATION)
    folder, problems = from_disk(tmp_path / "reno")
    assert [] == problems
    assert reader.accepts_folder(folder)
    reading = reader.read_folder(folder, Trunk(tech_prefix="12345678"))
    return validate(reading.rows, treated_as_public=PUBLIC, problems=reading.problems)


def test_reader_gives_pbx_address_and_facts(inventory: Inventory) -> None:
    """The rows pass inventory validation, and each fact has its file and line."""
    (pbx,) = inventory.frames["pbxs"].to_dict("records")
    (address,) = inventory.frames["pbx_addresses"].to_dict("records")
    facts = inventory.frames["pbx_config"]

    assert ("reno", "Example PBX", "ip", "yes") == (
        pbx["pbx_id"],
        pbx["vendor"],
        pbx["auth_method"],
        pbx["dials_prefix"],
    )
    assert ("198.51.100.11", "configured") == (address["address"], address["source"])
    assert [
        ("trunk.main.host", 2),
        ("trunk.main.auth", 3),
        ("trunk.main.dial", 5),
        ("address.external", 6),
        ("secret_present", 4),
    ] == list(zip(keys(facts), facts["line"], strict=True))
    assert {"reno/etc/examplepbx.conf"} == set(facts["file"])


def test_reader_drops_the_password(inventory: Inventory) -> None:
    """A secret is recorded by its purpose and its location, never by its value."""
    facts = inventory.frames["pbx_config"].set_index("attribute")

    assert "trunk password" == facts.loc["secret_present", "value"]
    assert not any("made-up-word" in frame.to_csv() for frame in inventory.frames.values())


def test_reader_reports_a_bad_line_with_its_place(inventory: Inventory) -> None:
    """An unreadable line becomes a problem with file, line and remedy; the reader keeps every other line."""
    assert [golden("examples.no_equals_sign")] == [str(problem) for problem in inventory.problems]


def test_reader_leaves_other_folders_alone(tmp_path) -> None:
    """The reader does not accept a folder of another product."""
    (tmp_path / "pjsip.conf").write_text("[trunk]\n")
    folder, _ = from_disk(tmp_path)

    assert not load("pbx_reader").accepts_folder(folder)


# The carrier


@pytest.fixture
def script() -> Script:
    """Return scripted answers that replace the carrier's API."""
    answers = Script()
    answers.answers[ACL] = Reply({"items": [{"cidr": "198.51.100.11", "note": "Seattle"}]})
    return answers


@pytest.fixture
def carrier(script: Script) -> Iterator[Carrier]:
    """Open the example carrier over the scripted answers."""
    with requests.Session() as session:
        session.mount("https://", script)
        yield load("carrier").open_example(ORIGIN, "user-0100", "secret-0100", tech_prefix="12345678", session=session)


def test_carrier_has_the_methods_of_the_protocol(carrier: Carrier) -> None:
    """Every method has the parameters, parameter kinds and defaults of the protocol."""
    methods = [name for name, value in vars(Carrier).items() if inspect.isfunction(value) and not name.startswith("_")]

    assert len(methods) > 5
    for name in methods:
        expected, given = (inspect.signature(getattr(kind, name)).parameters for kind in (Carrier, type(carrier)))
        assert [(one.name, one.kind, one.default) for one in expected.values()] == [
            (one.name, one.kind, one.default) for one in given.values()
        ]
    assert carrier.name
    assert carrier.capabilities <= set(Capability)


def test_carrier_returns_conformed_frames(carrier: Carrier) -> None:
    """Frames satisfy their schemas: conforming them again changes nothing."""
    frames = {"allowed_ips": carrier.allowed_ips()[0]}
    frames |= {name: getattr(carrier, name)() for name in ("numbers", "routes", "edges")}

    for name, frame in frames.items():
        pd.testing.assert_frame_equal(frame, schemas.conform(frame, schemas.FRAMES[name], source=name))
    assert [["198.51.100.11", "Seattle"]] == frames["allowed_ips"][["network", "label"]].to_numpy().tolist()
    assert AccountState(tech_prefix="12345678", credentials_on=None) == carrier.account()
    assert carrier.inventory() is None


@pytest.mark.parametrize("body", [{}, {"items": None}, {"items": {}}])
def test_carrier_answer_without_a_list_is_an_error(carrier: Carrier, script: Script, body: dict[str, object]) -> None:
    """An answer that is not understood raises an error and never yields an empty list."""
    script.answers[ACL] = Reply(body)

    with pytest.raises(CarrierAnswerError, match=golden_pattern("examples.no_list_of_items")):
        carrier.allowed_ips()


def test_carrier_applies_a_change_and_its_inverse(carrier: Carrier, script: Script) -> None:
    """Each change is one request; a change that the API does not support is refused with the manual step."""
    script.answers |= {f"POST {ORIGIN}/acl": Reply(status=201), f"DELETE {ORIGIN}/acl/198.51.100.12": Reply(status=204)}
    change = AllowAddress(network="198.51.100.12", label="Denver")

    carrier.apply(change)
    carrier.apply(change.inverse())

    assert ["POST", "DELETE"] == [request.method for request in script.sent]
    assert [{"cidr": "198.51.100.12", "note": "Denver"}] == script.bodies("POST")
    with pytest.raises(CapabilityError, match="Disable outbound credentials"):
        carrier.apply(SetCredentials(enabled=False))


def test_carrier_has_no_calls(carrier: Carrier, tmp_path) -> None:
    """Without READ_CALLS the carrier exports no window and writes no file."""
    now = datetime.now(UTC)

    assert [] == carrier.export_calls(now, now, tmp_path)
    assert [] == list(tmp_path.iterdir())


# The page


@pytest.fixture
def page(tmp_path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    """Return the example page on a home in mode ``files`` with one PBX; no emulator is started."""
    home = tmp_path / "home"
    for name, value in {"TRUNKGATE_ACCOUNT": "files", "TRUNKGATE_HOME": str(home), SYNCED_BY: "tests"}.items():
        monkeypatch.setenv(name, value)
    rows = {
        "pbxs": {"pbx_id": "seattle", "name": "Seattle", "ip_kind": "static", "status": "active"},
        "pbx_addresses": {"pbx_id": "seattle", "address": "198.51.100.11", "source": "declared"},
    }
    with Workspace.open(Settings.read()) as opened:
        for name, row in rows.items():
            snapshot_builder.save_frame(
                opened.state, name, pd.DataFrame([row]), now=datetime.now(UTC), known_by="operator"
            )
    yield AppTest.from_file(str(EXAMPLES / "page.py"), default_timeout=WAIT_S)
    st.cache_resource.clear()
    st.cache_data.clear()


def test_page_shows_what_the_snapshot_has(page: AppTest) -> None:
    """The title answers the question of the page, and the table lists the addresses in use."""
    page.run()

    assert not page.exception
    assert "1 PBX: 1 is active." == page.title[0].value
    assert ["198.51.100.11"] == list(page.dataframe[0].value["address"])


def test_page_is_layout_only() -> None:
    """A page defines no function and no class."""
    defined = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    tree = ast.parse((EXAMPLES / "page.py").read_text())

    assert not [node for node in ast.walk(tree) if isinstance(node, defined)]
