"""Written configurations are readable by the product's own readers and pass its lint rules."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import schemas
from dashboard.core.errors import DashboardError, WritingError
from dashboard.domain.snapshot import Account, Snapshot
from dashboard.pbx import Inventory, LintContext, Upload, lint_inventory, read_files
from dashboard.pbx.writers.registry import TrunkSpec, kind_for, kinds, trunk_spec_for, vendor_of, write
from dashboard.sip import Trunk
from tests.paths import PACKAGE
from tests.pbx.conftest import PUBLIC
from tests.pbx.facts import keys
from tests.pbx.writers.entered import entered
from tests.texts import golden_pattern

OREGON = "us-west-or.sip.flowroute.com"
VIRGINIA = "us-east-va.sip.flowroute.com"
RANGES = {OREGON: "34.210.91.112/28", VIRGINIA: "34.226.36.32/28"}
WANTED = TrunkSpec(
    pbx_id="seattle",
    name="Seattle",
    tech_prefix="12345678",
    pop=OREGON,
    second=VIRGINIA,
    pops=(OREGON, VIRGINIA),
    ranges=tuple(RANGES.values()),
    address="198.51.100.11",
    x_tag="seattle-1",
    numbers=("12065550100", "12065550101"),
)
TRUNK = Trunk.of("12345678", RANGES.items())
READ_BACK = [kind for kind in kinds() if vendor_of(kind) in ("Asterisk", "FreePBX", "FreeSWITCH", "Kamailio")]
PBXS = [kind for kind in READ_BACK if vendor_of(kind) != "Kamailio"]
"""Kinds that receive calls themselves: their output also contains numbers and addresses."""


def read_back(kind: str, wanted: TrunkSpec) -> Inventory:
    """Read the output as uploaded files of one PBX; settings as a dump of their database."""
    snippet = write(kind, wanted)
    files = [Upload(path, text.encode()) for path, text in snippet.files.items()]
    files += [Upload("asterisk.sql", entered(snippet.settings).encode())] if snippet.settings else []
    return read_files(files, treated_as_public=PUBLIC, trunk=TRUNK, name=wanted.pbx_id)


def framed(schema: Any, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return rows as a frame that conforms to its schema."""
    return schemas.conform(pd.DataFrame(rows), schema, source="test")


def snapshot(**changed: Any) -> Snapshot:
    """Return an account with one PBX; arguments override columns of its row."""
    row = {"pbx_id": "seattle", "name": "Seattle", "ip_kind": "static", "auth_method": "ip", "status": "active"}
    row |= {"x_tag": "seattle-1", "pop": VIRGINIA, "inbound_host": "198.51.100.11:5070", **changed}
    edges = [
        {"edge_strategy_id": str(number), "name": host, "host": host, "ranges": ranges}
        for number, (host, ranges) in enumerate(RANGES.items())
    ]
    addresses = [("198.51.100.12", "failover"), ("198.51.100.11", "primary")]
    return Snapshot(
        taken_at=datetime(2026, 11, 1, tzinfo=UTC),
        account=Account("12345678", credentials_on=False),
        pbxs=framed(schemas.PBXS, [row]),
        pbx_addresses=framed(
            schemas.PBX_ADDRESSES, [{"pbx_id": "seattle", "address": one, "kind": kind} for one, kind in addresses]
        ),
        pbx_numbers=framed(schemas.PBX_NUMBERS, [{"pbx_id": "seattle", "number": "12065550100"}]),
        edges=framed(schemas.EDGES, edges),
    )


@pytest.mark.parametrize("kind", READ_BACK)
def test_written_configuration_reads_back(kind: str) -> None:
    """The inventory row, address and numbers equal the intended ones."""
    found = read_back(kind, WANTED)

    assert found.problems == []
    (row,) = found.frames["pbxs"].to_dict("records")
    said = {name: row[name] for name in ("pbx_id", "vendor", "auth_method", "dials_prefix", "pop", "x_tag")}
    assert said == {
        "pbx_id": "seattle",
        "vendor": vendor_of(kind),
        "auth_method": "ip",
        "dials_prefix": "yes",
        "pop": OREGON,
        "x_tag": "seattle-1",
    }
    own = kind in PBXS
    assert found.frames["pbx_addresses"][["address", "kind", "source"]].to_numpy().tolist() == (
        [["198.51.100.11", "primary", "configured"]] if own else []
    )
    assert list(found.frames["pbx_numbers"]["number"]) == (["12065550100", "12065550101"] if own else [])


@pytest.mark.parametrize("kind", READ_BACK)
def test_what_is_written_has_no_pitfall(kind: str) -> None:
    """Not even a note: there is no password, every PoP is admitted, and the prefix is added once."""
    known = LintContext(TRUNK, allowed=("198.51.100.11/32",), credentials_on=False, treated_as_public=PUBLIC)

    assert lint_inventory(read_back(kind, WANTED).frames, known) == []


def test_what_is_written_for_kamailio_is_read_back_with_the_socket_it_asks_for() -> None:
    """The set of PoPs is one trunk in order of priority; the address is that of the socket in the steps."""
    snippet = write("kamailio", WANTED)
    main = 'listen=udp:10.0.0.5 advertise 198.51.100.11\ninclude_file "flowroute.cfg"\n'
    main += "request_route { route(FROM_FLOWROUTE); route(TO_FLOWROUTE); }\n"
    files = {"kamailio.cfg": main, **snippet.files}
    found = read_files(
        [Upload(path, text.encode()) for path, text in files.items()],
        treated_as_public=PUBLIC,
        trunk=TRUNK,
        name=WANTED.pbx_id,
    )
    config = found.frames["pbx_config"]
    facts = config.groupby(keys(config), sort=False)["value"].apply(list)

    assert found.problems == []
    assert list(found.frames["pbx_addresses"]["address"]) == ["198.51.100.11"]
    assert facts["trunk.dispatcher-21.host"] == [OREGON, VIRGINIA]
    assert {"12345678*1NXXXXXXXXX", "12345678*X.", "12345678*${EXTEN}"} == set(facts["trunk.dispatcher-21.dial"])
    assert facts["inbound.match"] == list(RANGES.values())
    assert any("198.51.100.11" in step and "socket" in step for step in snippet.steps)


@pytest.mark.parametrize("kind", PBXS)
def test_both_pops_are_dialed_with_the_prefix(kind: str) -> None:
    """The second PoP is called if the first fails, for every kind of number."""
    config = read_back(kind, WANTED).frames["pbx_config"]
    dialed = config[keys(config).str.endswith(".dial")]

    for trunk in ("flowroute", "flowroute-2"):
        own = set(dialed.loc[dialed["object_name"] == trunk, "value"])
        assert {"12345678*1NXXNXXXXXX", "12345678*." if kind == "freepbx" else "12345678*X."} <= own
        assert all(text.startswith("12345678*") for text in own)
    hosts = dict(zip(keys(config), config["value"], strict=True))
    assert hosts["trunk.flowroute-2.host"] == VIRGINIA


@pytest.mark.parametrize("kind", kinds())
def test_no_kind_speaks_of_what_is_not_wanted(kind: str) -> None:
    """Without a second PoP and an X-Tag, the output contains neither."""
    plain = "".join(write(kind, replace(WANTED, second="", x_tag="", pops=(OREGON,))).files.values())

    assert "X-Tag" in "".join(write(kind, WANTED).files.values())
    assert "X-Tag" not in plain
    assert VIRGINIA not in plain


def test_a_proxy_sends_one_tag() -> None:
    """A caller's X-Tag is removed before the PBX's own is added; without an own X-Tag nothing changes."""
    routes = write("kamailio", WANTED).files["flowroute.cfg"]
    plain = write("kamailio", replace(WANTED, x_tag="")).files["flowroute.cfg"]

    assert f'remove_hf("X-Tag");\n    append_hf("X-Tag: {WANTED.x_tag}\\r\\n");' in routes
    assert "remove_hf" not in plain


@pytest.mark.parametrize("kind", kinds())
@given(name=st.text(st.sampled_from("a;-<>\"'&]})[{\n\r\0\\$#!=,é ") | st.characters(), max_size=60))
def test_name_changes_only_a_comment(kind: str, name: str) -> None:
    """Whatever the PBX's name, the files differ in one comment only."""
    bare = write(kind, replace(WANTED, name="x")).files
    hostile = write(kind, replace(WANTED, name=name)).files

    for path, text in hostile.items():
        (first, *rest), (plain, *others) = text.splitlines(), bare[path].splitlines()
        assert rest == others
        assert first == plain or re.fullmatch(r"; [^;]*|# [^#!]*|<!-- [^<>]*(?<!-) -->", first)
        assert "--" not in first.removeprefix("<!--").removesuffix("-->")


HOSTILE = st.sampled_from(
    ["{}\n[general]", "{}]", "{};--", '{}"/><x y="', "{} ", "{}\0", "{}${{SHELL(id)}}", "{}|x", "{})", "{}%\nx"]
)


@pytest.mark.parametrize("field", ["tech_prefix", "pop", "second", "address", "x_tag"])
@given(shape=HOSTILE)
def test_a_value_with_syntax_in_it_is_refused(field: str, shape: str) -> None:
    """Values with syntax characters are used in valid form only, or refused."""
    with pytest.raises(DashboardError):
        replace(WANTED, **{field: shape.format(getattr(WANTED, field))})


@given(shape=HOSTILE)
def test_a_list_with_syntax_in_it_is_refused(shape: str) -> None:
    """Ranges, numbers and further addresses with syntax characters are refused, too."""
    for field in ("ranges", "numbers", "pops"):
        with pytest.raises(DashboardError):
            replace(WANTED, **{field: (shape.format(getattr(WANTED, field)[0]),)})
    with pytest.raises(DashboardError):
        replace(WANTED, other_addresses=(shape.format(WANTED.address),))


def test_the_inventory_says_what_is_wanted() -> None:
    """The PBX's PoP is first, the account's next one second; a failover address follows the primary one."""
    wanted = trunk_spec_for(snapshot(), "seattle")

    assert wanted == replace(
        WANTED,
        pop=VIRGINIA,
        second=OREGON,
        numbers=("12065550100",),
        other_addresses=("198.51.100.12",),
        port=5070,
    )
    assert trunk_spec_for(snapshot(), "seattle", pop=OREGON).second == VIRGINIA
    assert trunk_spec_for(snapshot(pop="sip.flowroute.com"), "seattle").pop == OREGON


@pytest.mark.parametrize(
    ("known", "words"),
    [
        (snapshot(ip_kind="dynamic"), "keep its credentials"),
        (replace(snapshot(), account=Account("", credentials_on=None)), golden_pattern("pbx.writers.prefix_not_known")),
        (replace(snapshot(pop=""), edges=schemas.empty(schemas.EDGES)), golden_pattern("pbx.writers.no_pop")),
        (replace(snapshot(), edges=schemas.empty(schemas.EDGES)), golden_pattern("pbx.writers.ranges_not_known")),
        (
            replace(snapshot(), pbx_addresses=schemas.empty(schemas.PBX_ADDRESSES)),
            golden_pattern("pbx.writers.no_address"),
        ),
        (replace(snapshot(), pbxs=schemas.empty(schemas.PBXS)), golden_pattern("pbx.writers.no_such_pbx")),
    ],
)
def test_what_is_not_known_is_said(known: Snapshot, words: str) -> None:
    """A missing value is reported and not replaced by a default."""
    with pytest.raises(WritingError, match=words):
        trunk_spec_for(known, "seattle")


def test_a_retired_or_the_same_pop_is_refused() -> None:
    """A retired PoP, or failover to the same PoP, is refused."""
    with pytest.raises(WritingError, match="retired"):
        trunk_spec_for(snapshot(), "seattle", pop="sip.flowroute.com")
    with pytest.raises(WritingError, match="first PoP already"):
        trunk_spec_for(snapshot(), "seattle", pop=OREGON, second=f"{OREGON}:5060")


def test_a_kind_is_a_file() -> None:
    """Each file without a leading underscore is a kind; an unknown kind gives an error that lists the valid ones."""
    files = {file.stem for file in (PACKAGE / "pbx" / "writers" / "programs").glob("[!_]*.py")}
    assert {kind.replace("-", "_") for kind in kinds()} == files
    with pytest.raises(WritingError, match="freeswitch"):
        write("pbxware", WANTED)


def test_chan_sip_has_a_limit() -> None:
    """Wide ranges would need one peer per address, so they are refused with the remedy."""
    with pytest.raises(WritingError, match="PJSIP"):
        write("asterisk-chan-sip", replace(WANTED, ranges=("34.210.0.0/16",)))


@pytest.mark.parametrize("address", ["fe80::1%a\nb", "fe80::1%]", "::", "pbx.example.com", ""])
def test_only_an_address_is_an_address(address: str) -> None:
    """IPv6 zone identifiers, which can contain anything, are refused."""
    with pytest.raises(WritingError, match="is no address"):
        replace(WANTED, address=address)


def test_chan_sip_lets_in_every_pop() -> None:
    """chan_sip admits every PoP, also those that this PBX never calls, by name and by each address of the ranges."""
    other = "us-central-tx.sip.flowroute.com"
    text = write("asterisk-chan-sip", replace(WANTED, pops=(OREGON, VIRGINIA, other))).files["sip.conf"]

    hosts = re.findall(r"^host=(.+)$", text, re.MULTILINE)
    assert hosts[:3] == [OREGON, VIRGINIA, other]
    assert len(hosts) == 3 + 2 * 16
    assert {"34.210.91.112", "34.226.36.47"} <= set(hosts)


def test_freepbx_is_told_what_to_enter() -> None:
    """
    The settings have no registration and no credentials.

    They have both PoPs, every range, and the prefix once, in the trunk's rules.
    """
    found = write("freepbx", WANTED).settings
    by_field = {(one.page, one.field): one.value for one in found}
    rules = [one.value for one in found if one.field.startswith("prepend |") and "flowroute," in one.page]

    for name, host in (("flowroute", OREGON), ("flowroute-2", VIRGINIA)):
        pjsip = f"Trunks, {name}, pjsip Settings"
        assert ("None", "None") == (by_field[pjsip, "Authentication"], by_field[pjsip, "Registration"])
        assert (host, "5060") == (by_field[pjsip, "SIP Server"], by_field[pjsip, "SIP Server Port"])
        assert by_field[f"{pjsip}, Advanced", "Match (Permit)"] == ",".join(RANGES.values())
    assert rules == [
        "12345678*1 |  | NXXNXXXXXX",
        "12345678* |  | 1NXXNXXXXXX",
        "12345678* | 011 | .",
        "12345678* |  | N11",
    ]
    assert by_field["Asterisk SIP Settings, General", "External Address"] == "198.51.100.11"
    assert [one.value for one in found if one.field == "DID Number"] == ["12065550100", "12065550101"]
    assert "12345678" not in by_field["Outbound Routes, Dial Patterns", "prepend"]


def test_the_tag_of_freepbx_is_written() -> None:
    """The X-Tag goes into the one file that FreePBX does not write itself; the folder reader finds it."""
    files = write("freepbx", WANTED).files
    trunk = (
        "[flowroute]\ntype=endpoint\naors=flowroute\n[flowroute]\ntype=aor\ncontact=sip:us-west-or.sip.flowroute.com\n"
    )
    own = {"pjsip.conf": trunk, "extensions.conf": "#include extensions_custom.conf\n"}
    uploads = [Upload(path, text.encode()) for path, text in {**files, **own}.items()]
    found = read_files(uploads, treated_as_public=PUBLIC, trunk=TRUNK, name="seattle")

    assert list(files) == ["extensions_custom.conf"]
    assert list(found.frames["pbxs"]["x_tag"]) == ["seattle-1"]
    assert not write("freepbx", replace(WANTED, x_tag="")).files


def test_vendor_selects_the_kind() -> None:
    """Asterisk gets PJSIP, an unknown product gets the same, and case does not matter."""
    made = {vendor: kind_for(vendor) for vendor in ("Asterisk", "freepbx", " FreeSWITCH", "Kamailio", "Avaya", "")}

    assert {
        "Asterisk": "asterisk-pjsip",
        "freepbx": "freepbx",
        " FreeSWITCH": "freeswitch",
        "Kamailio": "kamailio",
        "Avaya": "asterisk-pjsip",
        "": "asterisk-pjsip",
    } == made
