"""Probes against a far end on loopback: sent requests, interpretation of answers, and no call left active."""

from __future__ import annotations

import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain, repeat
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from dashboard.core.errors import InputError
from dashboard.sip.probe import ProbeTarget, call, options, safe_number
from dashboard.sip.probe.messages import LONGEST_REASON
from tests.sip.probe.far_end import FarEnd, Say, answer, far_end
from tests.texts import golden, golden_pattern
from tests.waiting import until

NUMBER = "12065550142"
PREFIX = "12345678"
ACL = "403 Tech Prefix and IP not in ACL - support@example.net"
WAIT_S = 60.0
"""Limit in seconds for an answer that is expected; a probe ends with it."""


def at(end: FarEnd, **more: Any) -> ProbeTarget:
    """Return the address of a far end."""
    return ProbeTarget("127.0.0.1", end.port, **more)


def says(*statuses: str, **headers: str) -> Say:
    """Answer INVITE with these, every other request with 200."""

    def say(method: str, request: str) -> list[bytes]:
        if method == "ACK":
            return []
        if method == "CANCEL":
            ended = request.replace("CSeq: 1 CANCEL", "CSeq: 1 INVITE")
            return [answer(request, "200 OK"), answer(ended, "487 Request Terminated")]
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        return [answer(request, status, *lines) for status in (statuses if method == "INVITE" else ("200 OK",))]

    return say


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """Create a self-signed certificate for 127.0.0.1, and a server context with it."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("NOT AVAILABLE: openssl, which makes the certificate of the TLS tests.")
    folder = tmp_path_factory.mktemp("tls")
    made = folder / "made.pem"
    key = folder / "key.pem"
    more = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", made]
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", *more],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made, key)
    return made, context


@pytest.mark.parametrize("status", ["200 OK", "404 Not Found", "503 Service Unavailable"])
def test_any_answer_to_options_is_a_pop_that_is_there(status: str) -> None:
    """Any answer to OPTIONS proves reachability, and never admission."""
    with far_end(lambda _, request: [answer(request, status)]) as end:
        found = options(at(end), wait_s=WAIT_S)

    assert (int(status[:3]), status[4:]) == (found.sip_status, found.sip_reason)
    assert golden("probe.not_yet_admitted") in found.meaning
    assert found.admitted is None
    assert found.seconds is not None
    assert 0 <= found.seconds < WAIT_S
    assert ["OPTIONS"] == end.methods


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_every_transport_carries_a_call(transport: str, certificate: tuple[Path, ssl.SSLContext]) -> None:
    """Refusals have the same text on every transport, and are acknowledged."""
    made, context = certificate
    with far_end(says("100 Trying", ACL), transport, context if transport == "tls" else None) as end:
        target = at(end, transport=transport, authorities=made if transport == "tls" else None)
        found = call(target, NUMBER, tech_prefix=PREFIX, wait_s=WAIT_S)
        _until(lambda: "ACK" in end.methods)

    assert (403, False) == (found.sip_status, found.admitted)
    assert "not authorized together" in found.meaning
    assert ["INVITE", "ACK"] == end.methods
    assert f"Via: SIP/2.0/{transport.upper()} " in end.seen[0]


def test_a_certificate_that_nobody_signed_is_refused(certificate: tuple[Path, ssl.SSLContext]) -> None:
    """An untrusted certificate gives an error message."""
    with far_end(says("200 OK"), "tls", certificate[1]) as end:
        found = options(at(end, transport="tls"), wait_s=WAIT_S)

    assert found.sip_status is None
    assert found.meaning.startswith("No connection: ")


def test_a_call_is_dialed_as_the_carrier_wants_it() -> None:
    """Prefix, star and number are dialed from the requested source, without media and without credentials."""
    with far_end(says("486 Busy Here")) as end:
        found = call(at(end, source="127.0.0.77"), NUMBER, tech_prefix=PREFIX, caller_id="14255550111", wait_s=WAIT_S)
        _until(lambda: "ACK" in end.methods)
    invite, ack = end.seen

    assert invite.startswith(f"INVITE sip:{PREFIX}*{NUMBER}@127.0.0.1:{end.port} SIP/2.0\r\n")
    assert "From: <sip:14255550111@127.0.0.77>;tag=" in invite
    assert "a=inactive" in invite
    assert "authorization" not in invite.lower()
    assert _branch(invite) == _branch(ack)
    assert ";tag=far" in ack
    assert ("127.0.0.77", 486, True) == (found.source, found.sip_status, found.admitted)
    assert found.meaning.startswith(golden("probe.admitted"))


def test_a_call_that_rings_is_canceled() -> None:
    """Ringing proves admission, so the call is canceled before it is answered."""
    with far_end(says("100 Trying", "180 Ringing")) as end:
        found = call(at(end), NUMBER, tech_prefix=PREFIX, wait_s=WAIT_S)
        _until(lambda: "ACK" in end.methods)

    assert (180, True) == (found.sip_status, found.admitted)
    assert ["INVITE", "CANCEL", "ACK"] == end.methods
    assert _branch(end.seen[0]) == _branch(end.seen[1])


def test_a_call_that_is_answered_is_hung_up() -> None:
    """BYE follows the route set of the answer, so that it reaches the answering end."""
    with far_end(says("200 OK", Contact="<sip:gw@127.0.0.9:5070>", Record_Route="<sip:127.0.0.8;lr>")) as end:
        found = call(at(end), NUMBER, tech_prefix=PREFIX, wait_s=WAIT_S)
        _until(lambda: "BYE" in end.methods)

    assert (200, True) == (found.sip_status, found.admitted)
    assert ["INVITE", "ACK", "BYE"] == end.methods
    assert end.seen[2].startswith("BYE sip:gw@127.0.0.9:5070 SIP/2.0")
    assert "Route: <sip:127.0.0.8;lr>" in end.seen[2]
    assert "CSeq: 2 BYE" in end.seen[2]


@pytest.mark.parametrize("status", ["180 Ringing", "200 OK"])
def test_answer_counts_if_the_connection_closes_early(status: str) -> None:
    """A connection that is closed while the call is ended does not change the result of the answer."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer_and_leave() -> None:
            peer, _ = listening.accept()
            with peer:
                peer.sendall(answer(peer.recv(65_536).decode(), status))

        leaving = Thread(target=answer_and_leave, daemon=True)
        leaving.start()
        target = ProbeTarget("127.0.0.1", listening.getsockname()[1], "tcp")
        found = call(target, NUMBER, tech_prefix=PREFIX, wait_s=WAIT_S)
        leaving.join(WAIT_S)

    assert (int(status[:3]), True) == (found.sip_status, found.admitted)


@pytest.mark.parametrize(
    ("status", "admitted", "words"),
    [
        ("407 Proxy Authentication Required", False, golden("probe.with_allowed_ips")),
        ("403 Forbidden", None, golden("probe.does_not_say_why")),
        ("404 Not Found", None, golden("probe.number_was_refused")),
        ("488 Not Acceptable Here", None, "The sound offered"),
        ("503 Service Unavailable", None, golden("pages.set_up.says_nothing_of_admission")),
        ("699 Odd", None, golden("pages.set_up.says_nothing_of_admission")),
    ],
)
def test_refusals_are_classified(status: str, admitted: bool | None, words: str) -> None:
    """Authorization, number and path failures are distinguished."""
    with far_end(says(status)) as end:
        found = call(at(end), NUMBER, tech_prefix=PREFIX, wait_s=WAIT_S)

    assert admitted is found.admitted
    assert words in found.meaning


def test_a_call_without_a_prefix_says_so() -> None:
    """A call without a prefix that went through was not admitted by the prefix."""
    with far_end(says("180 Ringing")) as end:
        found = call(at(end), NUMBER, wait_s=WAIT_S)

    assert end.seen[0].startswith(f"INVITE sip:{NUMBER}@")
    assert golden("probe.without_prefix") in found.meaning


def test_a_challenge_without_a_prefix_is_for_want_of_it() -> None:
    """An address alone is never admitted, so a missing prefix is named before the address."""
    with far_end(says("407 Proxy Authentication Required")) as end:
        found = call(at(end), NUMBER, wait_s=WAIT_S)

    assert (False, golden("probe.wants_credentials")) == (
        found.admitted,
        found.meaning,
    )


def test_request_is_retransmitted_until_answered() -> None:
    """Over UDP a lost request is sent again and answered."""
    with far_end(lambda _, request: [answer(request, "200 OK")] if len(end.seen) > 1 else []) as end:
        found = options(at(end), wait_s=WAIT_S)

    assert 200 == found.sip_status
    assert ["OPTIONS", "OPTIONS"] == end.methods
    assert end.seen[0] == end.seen[1]


def test_silence_and_closed_port_have_messages() -> None:
    """No answer and a closed port each have their own message, and no status."""
    with far_end(lambda *_: []) as end:
        silent = options(at(end), wait_s=0.3)
    closed = options(at(end, transport="tcp"), wait_s=0.3)

    assert (None, None) == (silent.sip_status, silent.seconds)
    assert golden("probe.nothing_came_back") in silent.meaning
    assert closed.sip_status is None
    assert closed.meaning.startswith(golden("probe.connection_refused"))


def test_a_call_that_is_only_tried_is_canceled() -> None:
    """100 Trying alone decides nothing, and the call is canceled."""
    with far_end(says("100 Trying")) as end:
        found = call(at(end), NUMBER, tech_prefix=PREFIX, wait_s=0.5, ring_s=0.2)
        _until(lambda: "ACK" in end.methods)

    assert (None, None) == (found.sip_status, found.admitted)
    assert "said nothing more" in found.meaning
    assert ["INVITE", "CANCEL", "ACK"] == end.methods


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "not in SIP"),
        (b"SIP/2.0 200 OK\r\nCall-ID: cut", "not in SIP"),
        (b"\x00\xff" * 500, "not in SIP"),
        (b"SIP/2.0 200 OK\r\nCall-ID: another\r\nCSeq: 1 OPTIONS\r\n\r\n", "Nothing came back"),
    ],
    ids=["another_protocol", "cut_short", "noise", "another_call"],
)
def test_invalid_answer_gives_no_status(sent: bytes, words: str) -> None:
    """Another protocol, a truncated message, noise, and an answer to another request give no status."""
    with far_end(lambda *_: [sent]) as end:
        found = options(at(end), wait_s=0.4)

    assert found.sip_status is None
    assert words in found.meaning


@pytest.mark.parametrize(("transport", "length"), [("udp", 64_000), ("tcp", 65_536), ("tls", 65_536), ("tcp", 300_000)])
def test_a_hostile_reason_is_cut_and_cleaned(
    transport: str, length: int, certificate: tuple[Path, ssl.SSLContext]
) -> None:
    """With 64 KB of reason, escape codes or markup, the status counts and one short printable line is returned."""
    made, context = certificate
    status = "403 No\x1b[31m\x07 <script>alert(1)</script>" + "x" * length

    with far_end(says(status), transport, context if transport == "tls" else None) as end:
        target = at(end, transport=transport, authorities=made if transport == "tls" else None)
        found = call(target, NUMBER, tech_prefix=PREFIX, wait_s=WAIT_S)
        _until(lambda: "ACK" in end.methods)

    assert (403, None) == (found.sip_status, found.admitted)
    assert found.sip_reason.isprintable()
    assert LONGEST_REASON == len(found.sip_reason)
    assert ["INVITE", "ACK"] == end.methods


def test_a_reason_that_never_ends_is_given_up() -> None:
    """A reason of a megabyte without an end gives no answer."""
    with far_end(lambda *_: [b"SIP/2.0 403 " + b"x" * 50_000] + [b"x" * 50_000] * 40, "tcp") as end:
        found = options(at(end, transport="tcp"), wait_s=WAIT_S)

    assert found.sip_status is None
    assert found.meaning.startswith(golden("probe.answer_has_no_end"))


@pytest.mark.parametrize("told", ["5", "999999", "99999999999"])
def test_a_body_that_does_not_come_keeps_the_answer(told: str) -> None:
    """The headers decide, whatever body is announced; an answer after a body is found."""

    def say(method: str, request: str) -> list[bytes]:
        trying = answer(request, "100 Trying").replace(
            b"Content-Length: 0\r\n\r\n", b"Content-Length: 4\r\n\r\nbody\r\n"
        )
        refused = answer(request, "486 Busy Here").replace(b"Length: 0", f"Length: {told}".encode())
        return [trying, refused] if method == "INVITE" else []

    with far_end(say, "tcp") as end:
        found = call(at(end, transport="tcp"), NUMBER, tech_prefix=PREFIX, wait_s=WAIT_S)

    assert (486, True) == (found.sip_status, found.admitted)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_empty_lines_before_an_answer_are_passed_over(transport: str) -> None:
    """Empty lines, which some servers send as keep-alive, are skipped."""
    with far_end(lambda _, request: [b"\r\n\r\n" + answer(request, "200 OK")], transport) as end:
        found = options(at(end, transport=transport), wait_s=WAIT_S)

    assert 200 == found.sip_status


def test_something_else_on_the_port_is_not_called_silent() -> None:
    """Another protocol that greets and waits is reported as such, because "silent" would suggest a firewall."""
    with far_end(lambda *_: [b"SSH-2.0-OpenSSH_9\r\n"], "tcp") as end:
        found = options(at(end, transport="tcp"), wait_s=0.3)

    assert found.sip_status is None
    assert "not in SIP" in found.meaning


def test_a_hostile_header_puts_nothing_into_what_is_sent() -> None:
    """Values copied from an answer into a request stay on their own line, whatever line separators they contain."""

    def say(method: str, request: str) -> list[bytes]:
        lines = ("Contact: <sip:x@127.0.0.1>\rInjected: 1", "Record-Route: <sip:y@127.0.0.1>\r\n \x00\rInjected: 2")
        return [] if method == "ACK" else [answer(request, "200 OK", *lines, tag=";tag=far\rInjected: 3\x0b")]

    with far_end(say) as end:
        found = call(at(end), NUMBER, tech_prefix=PREFIX, wait_s=WAIT_S)

    assert (200, True) == (found.sip_status, found.admitted)
    assert ["INVITE", "ACK", "BYE"] == end.methods
    assert [] == [one for one in end.seen if re.search("[\r\n\x00\x0b]Injected|[\x00\x0b]", one)]


def test_slow_bytes_do_not_extend_the_probe() -> None:
    """Slow single bytes do not extend the probe's time limit."""

    def trickle(*_: str) -> Iterator[bytes]:
        while True:  # until the probe closes the connection
            time.sleep(0.05)  # a PoP that sends slowly
            yield b"x"

    with far_end(trickle, "tcp") as end:
        found = options(at(end, transport="tcp"), wait_s=0.4)

    assert found.sip_status is None


@pytest.mark.parametrize(("transport", "calls"), [("udp", False), ("tcp", False), ("udp", True)])
def test_provisional_answers_without_end_are_given_up(transport: str, calls: bool) -> None:
    """Endless provisional answers do not extend the probe's time limit."""
    given_up = Event()

    def flood(_: str, request: str) -> Iterator[bytes]:
        while not given_up.is_set():
            yield answer(request, "100 Trying") * (5 if transport == "tcp" else 1)
            time.sleep(0.05)  # a PoP that sends slowly

    with far_end(flood, transport) as end:
        target = at(end, transport=transport)
        found = call(target, NUMBER, wait_s=0.3, ring_s=0.2) if calls else options(target, wait_s=0.3)
        given_up.set()

    assert found.sip_status is None


def test_slow_handshake_times_out() -> None:
    """A TLS handshake that sends single bytes runs into the time limit."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def trickle() -> None:
            peer, _ = listening.accept()
            with peer, suppress(OSError):  # until the probe disconnects
                for byte in chain(b"\x16\x03\x03\x40\x00", repeat(0)):
                    peer.sendall(bytes([byte]))
                    time.sleep(0.05)  # a PoP that sends slowly

        trickling = Thread(target=trickle, daemon=True)
        trickling.start()
        found = options(ProbeTarget("127.0.0.1", listening.getsockname()[1], "tls"), wait_s=0.4)
        trickling.join(WAIT_S)

    assert found.sip_status is None
    assert found.meaning.startswith("No connection: ")


def test_an_answer_without_an_end_is_given_up() -> None:
    """A stream with endless headers is cut at 64 KB."""
    with far_end(lambda *_: [b"SIP/2.0 200 OK\r\n" + b"X: y\r\n" * 20_000], "tcp") as end:
        found = options(at(end, transport="tcp"), wait_s=WAIT_S)

    assert found.sip_status is None
    assert found.meaning.startswith(golden("probe.answer_has_no_end") + " The PoP")


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (ProbeTarget("pbx.invalid"), golden_pattern("probe.no_ipv4") + ".*this machine.s DNS"),
        (ProbeTarget("127.0.0.1", source="203.0.113.9"), "cannot send from '203.0.113.9'"),
        (ProbeTarget("127.0.0.1", source="here"), golden_pattern("probe.cannot_send_from")),
    ],
)
def test_a_wrong_host_or_source_is_named(target: ProbeTarget, words: str) -> None:
    """A wrong host or source is named before anything is sent."""
    with pytest.raises(InputError, match=words):
        options(target, wait_s=0.2)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("911", "service code"),
        ("411", "service code"),
        ("12069110142", golden_pattern("probe.service_code")),
        ("12115550142", golden_pattern("probe.service_code")),
        ("17005550142", "premium"),
        ("16005550142", "premium"),
        ("19005550123", "premium"),
        ("12069765555", "premium"),
        ("12065551212", "premium"),
        ("12345678*19005550123", "digits only"),
        ("+1 900 555 0123", "premium"),
        ("+44 20 7946 0123", "abroad"),
        ("011442079460123", "begins with 011"),
        ("1206555014\uff12", "digits only"),
        ("12065550142\n", "digits only"),
        ("442079460123", "abroad"),
        ("18765550123", "abroad"),
        ("5550142", "The number"),
        ("12065550142;x=1", "digits only"),
        ("", "digits only"),
    ],
)
def test_numbers_that_a_test_call_never_goes_to(text: str, words: str) -> None:
    """Emergency and service codes, premium numbers, other countries and invalid numbers are refused."""
    with pytest.raises(InputError, match=words):
        safe_number(text)


@pytest.mark.parametrize("text", [NUMBER, "+1 (206) 555-0142", "18005550199", "14165550123"])
def test_plain_numbers_are_taken(text: str) -> None:
    """Numbers are accepted as digits, however they are written."""
    assert safe_number(text).isdigit()


def _branch(request: str) -> str:
    return request.partition(";branch=")[2].partition(";")[0]


def _until(holds: Callable[[], bool]) -> None:
    """Wait until a condition is true, because the last message of a call has no answer."""
    until(holds)
