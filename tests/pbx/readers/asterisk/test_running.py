"""AMI reader: answers of a manager interface become the inventory, and misbehavior gives an error message."""

from __future__ import annotations

import hashlib
import shutil
import socket
import ssl
import subprocess
import time
import traceback
from contextlib import nullcontext
from pathlib import Path

import pytest

from dashboard.core.errors import (
    InputError,
    SettingsError,
    SourceAnswerError,
    SourceError,
    SourceRefusedError,
    SourceUnavailableError,
)
from dashboard.pbx import Inventory, read_running
from dashboard.pbx.readers.asterisk.manager_connection import ManagerTimeouts, Where
from dashboard.pbx.readers.asterisk.running import read_address
from dashboard.sip import Trunk
from tests.pbx.conftest import PUBLIC
from tests.pbx.facts import keys
from tests.pbx.readers.manager import BANNER, CHALLENGE, Script, answers, manager
from tests.texts import golden, golden_pattern
from tests.waiting import SLOW_S, WAIT_S

SECRET = "made-up-manager"
SECRETS = {"TRUNKGATE_AMI_USER": "trunkgate", "TRUNKGATE_AMI_SECRET": SECRET}
QUICK = ManagerTimeouts(connect_s=0.5, wait_s=1.5, all_s=4.0, most_bytes=1 << 20, most_lines=2_000)
PJSIP = (
    "Category-000000: wan\r\nLine-000000-000000: type=transport\r\nLine-000000-000001: bind=198.51.100.9\r\n"
    "Category-000001: base\r\nIsTemplate-000001: 1\r\nLine-000001-000000: type=endpoint\r\n"
    "Category-000002: t\r\nTemplates-000002: base\r\nLine-000002-000000: type=endpoint\r\n"
    "Line-000002-000001: aors=t\r\nLine-000002-000002: outbound_auth=t\r\nLine-000002-000003: transport=wan\r\n"
    "Category-000003: t\r\nLine-000003-000000: type=aor\r\n"
    "Line-000003-000001: contact=sip:a:not-a-real-one@us-west-or.sip.flowroute.com;lr\r\n"
    "Category-000004: t\r\nLine-000004-000000: type=auth\r\nLine-000004-000001: password=not-a-real-password\r\n\r\n"
)
LOADED = (
    "EventList: start\r\n\r\nEvent: EndpointList\r\nActionID: ?\r\nObjectName: t\r\n\r\n"
    "Event: EndpointListComplete\r\nActionID: ?\r\nEventList: Complete\r\n\r\n"
)
DIALPLAN = (
    "Category-000000: out\r\nLine-000000-000000: exten=_1NXXNXXXXXX,1,Dial(PJSIP/12345678*${EXTEN}@t,30)\r\n"
    "Line-000000-000001: same=n,Set(PASSWORD=not-a-real-secret)\r\n\r\n"
)
ALL = {"GetConfig pjsip.conf": PJSIP, "GetConfig extensions.conf": DIALPLAN, "PJSIPShowEndpoints": LOADED}


def read(script: Script, *, scheme: str = "ami", limits: ManagerTimeouts = QUICK) -> object:
    """Read a script's answers with short timeouts."""
    with manager(script) as port:
        return read_address(f"{scheme}://127.0.0.1:{port}/seattle", SECRETS, Trunk(), limits)


def inventory(script: Script) -> Inventory:
    """Read a script's answers with the product's settings."""
    with manager(script) as port:
        return read_running(f"ami://127.0.0.1:{port}/Seattle%20HQ", secrets=SECRETS, treated_as_public=PUBLIC)


def test_an_answer_is_an_inventory() -> None:
    """Sections, templates, a URI with a semicolon and the dialplan are read; the PBX is named after the address."""
    found = inventory(answers(ALL))
    (row,) = found.frames["pbxs"].to_dict("records")
    facts = found.frames["pbx_config"]

    assert found.problems == []
    assert (row["pbx_id"], row["name"], row["vendor"]) == ("seattle-hq", "Seattle HQ", "Asterisk")
    assert (row["auth_method"], row["dials_prefix"], row["pop"]) == ("both", "yes", "us-west-or.sip.flowroute.com")
    assert ["198.51.100.9"] == found.frames["pbx_addresses"]["address"].tolist()
    places = dict(zip(keys(facts), facts["file"].str.partition(" ")[2], strict=True))
    assert places.pop("secret_present") == "GetConfig extensions.conf [out]"
    assert places == {
        "trunk.t.host": "GetConfig pjsip.conf [t]",
        "trunk.t.auth": "GetConfig pjsip.conf [t]",
        "address.bind": "GetConfig pjsip.conf [wan]",
        "trunk.t.dial": "GetConfig extensions.conf [out]",
    }
    assert facts["line"].isna().all()


def test_no_password_is_returned_or_sent_in_clear() -> None:
    """Passwords that AMI sends in clear text are dropped, and the login secret is sent as a digest."""
    heard: list[str] = []
    found = inventory(answers(ALL, heard))
    everything = repr(found) + "".join(frame.to_csv() for frame in found.frames.values())
    key = hashlib.md5(f"{CHALLENGE}{SECRET}".encode(), usedforsecurity=False).hexdigest()

    assert "not-a-real" not in everything
    assert SECRET not in everything + "".join(heard)
    assert any(key in one for one in heard)
    assert {"Challenge", "Login", "GetConfig", "PJSIPShowEndpoints"} == {one.split("'")[3] for one in heard}


def test_other_messages_are_passed_over() -> None:
    """Unrelated events and answers to other requests are ignored."""
    noise = (
        "Event: FullyBooted\r\nPrivilege: system,all\r\nStatus: Fully Booted\r\n\r\n"
        "Response: Success\r\nActionID: 77\r\nCategory-000000: not-ours\r\n\r\n\r\n"
    )
    found = inventory(answers({name: text + noise for name, text in ALL.items()}))

    assert found.frames["pbxs"]["dials_prefix"].tolist() == ["yes"]
    assert "not-ours" not in found.frames["pbx_config"].to_csv()


def test_what_is_loaded_from_no_file_is_asked_for() -> None:
    """PJSIP endpoints, contacts, matches with masks and registrations without a file are queried, without secrets."""
    says = {
        "GetConfig extensions.conf": DIALPLAN,
        "PJSIPShowEndpoints": LOADED.replace(
            "ObjectName: t\r\n",
            "ObjectName: t\r\nContacts: t/sip:us-west-or.sip.flowroute.com:5060,\r\n\r\nEvent: EndpointList\r\n"
            "ActionID: ?\r\nObjectName: 100\r\nContacts: 100/sip:100@192.0.2.1:5060,\r\n",
        ),
        "PJSIPShowEndpoint": "EventList: start\r\n\r\n"
        "Event: EndpointDetail\r\nActionID: ?\r\nObjectName: t\r\nContext: in\r\nAors: t\r\nTransport: w\r\n\r\n"
        "Event: AuthDetail\r\nActionID: ?\r\nObjectName: t\r\nPassword: not-a-real-password\r\n\r\n"
        "Event: TransportDetail\r\nActionID: ?\r\nObjectName: w\r\nBind: 198.51.100.9:5060\r\nPassword: \r\n"
        "ExternalSignalingAddress: 198.51.100.10\r\n\r\n"
        "Event: AorDetail\r\nActionID: ?\r\nObjectName: t\r\nContacts: t/sip:us-west-or.sip.flowroute.com:5060\r\n\r\n"
        "Event: IdentifyDetail\r\nActionID: ?\r\nObjectName: t\r\nMatch: 34.210.91.112/255.255.255.240,"
        "192.0.2.1/255.255.255.255\r\n\r\n"
        "Event: EndpointDetailComplete\r\nActionID: ?\r\nEventList: Complete\r\n\r\n",
        "PJSIPShowRegistrationsOutbound": "EventList: start\r\n\r\n"
        "Event: OutboundRegistrationDetail\r\nActionID: ?\r\nObjectName: r\r\nEndpoint: t\r\n"
        "ServerUri: sip:us-west-or.sip.flowroute.com\r\n\r\n"
        "Event: OutboundRegistrationDetailComplete\r\nActionID: ?\r\nEventList: Complete\r\n\r\n",
    }
    found = inventory(answers(says))
    facts = found.frames["pbx_config"]
    shown = "PJSIPShowEndpoint t"
    told = [
        (key, value, file.partition(" ")[2])
        for key, value, file in zip(keys(facts), facts["value"], facts["file"], strict=True)
    ]

    assert found.problems == []
    assert told == [
        ("secret_present", "password", "GetConfig extensions.conf [out]"),
        ("secret_present", "password", shown),
        ("trunk.t.host", "us-west-or.sip.flowroute.com", shown),
        ("trunk.t.auth", "ip", shown),
        ("trunk.t.registration", "yes", "PJSIPShowRegistrationsOutbound r"),
        ("trunk.t.context", "in", shown),
        ("inbound.match", "34.210.91.112/28", shown),
        ("inbound.match", "192.0.2.1", shown),
        ("address.bind", "198.51.100.9", shown),
        ("address.external", "198.51.100.10", shown),
        ("trunk.t.dial", "12345678*1NXXNXXXXXX", "GetConfig extensions.conf [out]"),
    ]
    assert found.frames["pbx_addresses"]["address"].tolist() == ["198.51.100.10"]


def test_a_dialplan_of_no_file_is_read_from_what_is_loaded() -> None:
    """A loaded dialplan without a file gives steps, includes and the globals they use; passwords are dropped."""
    step = "Event: ListDialplan\r\nActionID: ?\r\nContext: {}\r\nExtension: {}\r\nPriority: {}\r\n"
    step += "Application: {}\r\nAppData: {}\r\n\r\n"
    steps = (
        ("out", "_1NXXNXXXXXX", 1, "Set", "PASSWORD=not-a-real-secret"),
        ("out", "_1NXXNXXXXXX", 2, "Dial", "PJSIP/${PREFIX}*${EXTEN}@t,30,${ARG1}${MYPASSWORD}"),
        ("in", "13125550100", 1, "NoOp", "${OTHER}"),
    )
    include = "Event: ListDialplan\r\nActionID: ?\r\nContext: in\r\nIncludeContext: more\r\n\r\n"
    end = "Event: ShowDialPlanComplete\r\nActionID: ?\r\nEventList: Complete\r\n\r\n"
    loaded = "EventList: start\r\n\r\n" + "".join(step.format(*one) for one in steps) + include + end
    heard: list[str] = []
    value = "Variable: PREFIX\r\nValue: 12345678\r\n\r\n"
    found = inventory(
        answers({**ALL, "GetConfig extensions.conf": "\r\n", "ShowDialPlan": loaded, "Getvar": value}, heard)
    )
    facts = found.frames["pbx_config"]
    dialed = facts[keys(facts) == "trunk.t.dial"]

    assert found.problems == []
    assert dialed["value"].tolist() == ["12345678*1NXXNXXXXXX"]
    assert [file.partition(" ")[2] for file in dialed["file"]] == ["ShowDialPlan out"]
    assert ["'Variable': 'PREFIX'" in one for one in heard if "Getvar" in one] == [True]
    assert "not-a-real" not in facts.to_csv() + repr(found)


def test_a_file_that_pjsip_has_not_loaded_is_said() -> None:
    """A file that PJSIP has not loaded is reported, because the running configuration differs from it."""
    found = inventory(answers({**ALL, "PJSIPShowEndpoints": LOADED.replace("ObjectName: t", "ObjectName: u")}))

    assert [str(one).partition(" ")[2] for one in found.problems] == [golden("pbx.running.not_loaded_full")]


def silent(line: socket.socket) -> None:
    """Send nothing until the other side disconnects."""
    while line.recv(4096):
        pass


def says(*pieces: bytes, stays: bool = False) -> Script:
    """Return a script that greets, reads a request, sends a text, and disconnects unless ``stays``."""

    def script(line: socket.socket) -> None:
        line.sendall(BANNER)
        line.recv(4096)
        for piece in pieces:
            line.sendall(piece)
        if stays:
            silent(line)

    return script


def endless(piece: bytes, pause: float = 0.0) -> Script:
    """Return a script that sends the same text until the other side disconnects."""

    def script(line: socket.socket) -> None:
        line.sendall(BANNER)
        line.recv(4096)
        line.sendall(b"Response: Success\r\nActionID: 1\r\n")
        while True:
            line.sendall(piece)
            time.sleep(pause)  # a server that sends slowly

    return script


def drips(line: socket.socket) -> None:
    """Send an endless greeting until the other side disconnects."""
    while True:
        line.sendall(b"A")
        time.sleep(0.1)  # a server that sends slowly


def repeated(action: str, event: str, count: int, more: dict[str, str]) -> dict[str, str]:
    """Return answers, one of them a list with the given number of events; ``#`` is replaced by the event's number."""
    events = "".join(f"{event}\r\n\r\n".replace("#", str(number)) for number in range(count))
    complete = "Event: Complete\r\nActionID: ?\r\nEventList: Complete\r\n\r\n"
    return {**ALL, **more, action: f"EventList: start\r\n\r\n{events}{complete}"}


ENDPOINT = "Event: EndpointList\r\nActionID: ?\r\nObjectName: e#\r\nContacts: e/sip:us-west-or.sip.flowroute.com"
ONE = "EventList: start\r\n\r\nEvent: EndpointDetailComplete\r\nActionID: ?\r\nEventList: Complete\r\n\r\n"
LONG_LISTS = {
    "endpoints": repeated("PJSIPShowEndpoints", ENDPOINT, 30_000, {"PJSIPShowEndpoint": ONE}),
    "registrations": repeated(
        "PJSIPShowRegistrationsOutbound",
        "Event: OutboundRegistrationDetail\r\nActionID: ?\r\nEndpoint: e29999",
        30_000,
        repeated("PJSIPShowEndpoints", ENDPOINT, 30_000, {"PJSIPShowEndpoint": ONE}),
    ),
    "transports": repeated(
        "PJSIPShowEndpoint",
        "Event: TransportDetail\r\nActionID: ?\r\nObjectName: t#",
        30_000,
        repeated("PJSIPShowEndpoints", ENDPOINT, 1, {}),
    ),
    "steps": repeated(
        "ShowDialPlan",
        "Event: ListDialplan\r\nActionID: ?\r\nContext: c#\r\nExtension: 1\r\nPriority: 1\r\nApplication: NoOp",
        101_000,
        {"GetConfig extensions.conf": "\r\n"},
    ),
    "sections": {**ALL, "GetConfig pjsip.conf": "".join(f"Category-{n}: n{n}\r\n" for n in range(101_000)) + "\r\n"},
}


@pytest.mark.parametrize("what", LONG_LISTS)
def test_a_list_without_measure_takes_no_time(what: str) -> None:
    """A list of unlimited length is read in linear time and truncated with a message."""
    with manager(answers(LONG_LISTS[what])) as port:
        began = time.monotonic()
        found = read_address(f"ami://127.0.0.1:{port}", SECRETS, Trunk())
        took = time.monotonic() - began

    assert took < SLOW_S
    said = " ".join(map(str, found.problems))
    assert what == "transports" or golden("pbx.running.rest_left_out") in said


REFUSED = "Response: Error\r\nMessage: Authentication failed for made-up-manager <script>\r\n\r\n"
DENIED = "Response: Error\r\nMessage: Permission denied\r\n\r\n"
MISBEHAVING = {
    "never says a word": (silent, SourceUnavailableError, golden("pbx.running.no_answer")),
    "greets and is silent": (says(stays=True), SourceUnavailableError, golden("pbx.running.no_answer")),
    "hangs up at once": (lambda _: None, SourceUnavailableError, golden("pbx.running.ended_in_the_middle")),
    "is cut": (says(b"Response: Succ"), SourceUnavailableError, golden("pbx.running.ended_in_the_middle")),
    "answers another": (
        says(b"Response: Success\r\nActionID: 99\r\nChallenge: 1\r\n\r\n", stays=True),
        SourceUnavailableError,
        golden("pbx.running.no_answer"),
    ),
    "is cut in a list": (
        answers({**ALL, "PJSIPShowEndpoints": "EventList: start\r\n\r\nEvent: EndpointList\r\nActionID: ?\r\nObj"}),
        SourceUnavailableError,
        golden("pbx.running.no_answer"),
    ),
    "drips a line": (
        drips,
        SourceUnavailableError,
        golden("pbx.running.not_everything"),
    ),
    "is no text": (
        lambda line: line.sendall(bytes(range(128, 256)) * 100 + b"\r\n"),
        SourceAnswerError,
        golden("pbx.running.not_a_manager"),
    ),
    "is a web server": (
        lambda line: line.sendall(b"HTTP/1.1 400 <script>alert(1)</script>\r\n\r\n"),
        SourceAnswerError,
        golden("pbx.running.not_a_manager"),
    ),
    "says one line of ten megabytes": (
        says(b"Response: " + b"x" * 10_000_000),
        SourceAnswerError,
        golden("pbx.running.line_too_long"),
    ),
    "never ends": (endless(b"A: b\r\n" * 100), SourceAnswerError, "more than 2,000 lines"),
    "has no end of bytes": (endless(b"A: " + b"b" * 60_000 + b"\r\n"), SourceAnswerError, "more than 1 MB"),
    "drips": (endless(b"A: b\r\n", 0.1), SourceUnavailableError, golden("pbx.running.not_everything")),
    "knows another secret": (answers({"Login": REFUSED}), SourceRefusedError, golden("pbx.running.login_refused")),
    "permits nothing": (
        answers({"GetConfig pjsip.conf": DENIED}),
        SourceRefusedError,
        golden("pbx.running.may_not_get_config"),
    ),
    "has no file": (answers({}), SourceAnswerError, golden("pbx.running.no_pjsip")),
}


@pytest.mark.parametrize("what", MISBEHAVING)
def test_misbehaving_server_gives_a_message(what: str) -> None:
    """The message names host and port, what is unaffected and the remedy, and repeats nothing of the answer."""
    script, kind, words = MISBEHAVING[what]
    with pytest.raises(kind) as raised:
        read(script)
    whole = "".join(traceback.format_exception(raised.value))

    assert words in str(raised.value)
    assert str(raised.value).startswith("ami://127.0.0.1:")
    assert golden("pbx.running.nothing_was_changed") in str(raised.value)
    assert "script" not in str(raised.value)
    assert SECRET not in whole


def test_what_pjsip_may_not_be_asked_leaves_the_files() -> None:
    """If the user may not query PJSIP, the missing permissions are named, and the files are read."""
    found = inventory(answers({**ALL, "PJSIPShowEndpoints": DENIED}))

    assert found.frames["pbxs"]["dials_prefix"].tolist() == ["yes"]
    assert ["write = config,system,reporting" in str(one) for one in found.problems] == [True]


def test_names_with_line_ends_ask_for_nothing_more() -> None:
    """A line end in a name from the server never becomes another action."""
    heard: list[str] = []
    hostile = LOADED.replace(
        "ObjectName: t\r\n", "ObjectName: t\rAction: Command\r\nContacts: t/sip:us-west-or.sip.flowroute.com,\r\n"
    )
    with pytest.raises(SourceAnswerError, match=golden_pattern("pbx.running.no_character")):
        inventory(answers({**ALL, "PJSIPShowEndpoints": hostile}, heard))

    assert not [one for one in heard if "Command" in one]


def test_hostile_sections_and_values_stay_text() -> None:
    """Settings before any section, an unnamed section, invisible characters and formulas stay text."""
    hostile = (
        "Line-000000-000000: type=endpoint\r\nIsTemplate-000000: 1\r\nCategory-000000: \r\nLine-x: =\r\n: \r\n"
        "Category-1: =cmd|\x1b[2J' /C calc'!A0\r\nLine-1: type=endpoint\r\nLine-1: aors=\x1b[31m\r\n"
    )
    found = inventory(answers({**ALL, "GetConfig pjsip.conf": hostile + PJSIP}))

    assert found.frames["pbxs"]["auth_method"].tolist() == ["both"]
    assert "\x1b" not in found.frames["pbx_config"].to_csv() + "".join(map(str, found.problems))


def test_markup_in_names_stays_text() -> None:
    """Names with markup are not used where a user would type them, and cannot break a message."""
    odd = PJSIP.replace("Category-000002: t", "Category-000002: <script>alert(1)</script>\u2028[x](//evil.example)")
    with manager(answers({**ALL, "GetConfig pjsip.conf": odd})) as port:
        found = read_running(f"ami://127.0.0.1:{port}/a", secrets=SECRETS, treated_as_public=PUBLIC)

    assert ["a"] == found.frames["pbxs"]["pbx_id"].tolist()
    assert all(str(one).isprintable() for one in found.problems)


@pytest.mark.parametrize("name", SECRETS)
def test_user_and_secret_stay_on_their_line(name: str) -> None:
    """A line end in the environment's user or secret never becomes another action."""
    heard: list[str] = []
    hostile = {**SECRETS, name: "a\r\nAction: Command\r\n"}
    with manager(answers(ALL, heard)) as port, pytest.raises(SourceError) if "USER" in name else nullcontext():
        read_address(f"ami://127.0.0.1:{port}", hostile, Trunk(), QUICK)

    assert not [one for one in heard if "Command" in one]


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("ami://", "is written ami://HOST"),
        ("ami:///name", "is written ami://HOST"),
        ("ami://host:0", "is written ami://HOST"),
        ("ami://host:99999", "is written ami://HOST"),
        ("ami://[::1", "is written ami://HOST"),
        ("ami+ssh://host", "is written ami://HOST"),
    ],
)
def test_an_address_that_is_none_is_refused(address: str, words: str) -> None:
    """An invalid address is refused before any connection."""
    with pytest.raises(InputError, match=words):
        read_address(address, SECRETS, Trunk())


def test_what_an_address_leaves_out() -> None:
    """The default port is AMI's, or its TLS port with TLS, and the name is the host's."""
    assert Where.of("ami://pbx.example.net") == Where("ami", "pbx.example.net", 5038, "pbx.example.net")
    assert Where.of("ami+tls://[2001:db8::1]/hq/") == Where("ami+tls", "2001:db8::1", 5039, "hq")
    assert str(Where.of("ami+tls://[2001:db8::1]")) == "ami+tls://[2001:db8::1]:5039"


@pytest.mark.parametrize("missing", SECRETS)
def test_user_and_secret_have_to_be_set(missing: str) -> None:
    """The message names the missing variables and the permissions that the user needs."""
    with pytest.raises(SettingsError, match=f"Set .*{missing}.* write = config,system,reporting"):
        read_address("ami://127.0.0.1", {**SECRETS, missing: ""}, Trunk())


@pytest.mark.parametrize("host", ["127.0.0.1", "a..b", "x" * 70])
def test_where_nothing_listens_is_said(host: str) -> None:
    """A refused connection and an unknown host name give a message."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(
        SourceUnavailableError, match="cannot be reached .* " + golden_pattern("pbx.running.enable_manager")
    ):
        read_address(f"ami://{host}:{port}", SECRETS, Trunk(), QUICK)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """Create a certificate for this machine that is not trusted yet."""
    program = shutil.which("openssl")
    if not program:
        pytest.skip("no certificate can be made: the program openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=pbx"]
    made += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run([program, *made], cwd=folder, capture_output=True, check=True, timeout=WAIT_S)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return folder / "cert.pem", context


def test_tls_is_verified(certificate: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch) -> None:
    """An untrusted or missing certificate ends before the login; a trusted one is accepted."""
    heard: list[str] = []
    trusted, context = certificate
    with manager(answers(ALL, heard), context) as port, pytest.raises(SourceUnavailableError) as raised:
        read_address(f"ami+tls://127.0.0.1:{port}", SECRETS, Trunk(), QUICK)
    with pytest.raises(SourceUnavailableError, match=golden_pattern("pbx.running.no_tls")):
        read(answers(ALL), scheme="ami+tls")

    assert golden("pbx.running.certificate") in str(raised.value)
    assert "SSL_CERT_FILE" in str(raised.value)
    assert heard == []
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with manager(answers(ALL, heard), context) as port:
        found = read_address(f"ami+tls://127.0.0.1:{port}", SECRETS, Trunk())
    assert found.problems == ()
    assert {row.cells["pbx_id"] for row in found.rows} == {"127.0.0.1"}
    assert heard
