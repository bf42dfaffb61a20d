"""Limit of one log message per kind and minute in the web server."""

from __future__ import annotations

import json
import logging
import sys
from contextlib import closing

from dashboard.web.quiet_log import EVERY_S, MOST_KINDS, OncePerMinute
from tests.texts import golden
from tests.web.conftest import Web

RUBBISH = (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n", b"GET\r\n\r\n", b"\r\n\0\0\0\r\n\r\n")
UPGRADE = b"GET / HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: rubbish\r\nContent-Length: x\r\n\r\n"


def send(web: Web, data: bytes) -> bytes:
    """Send bytes and return the first data of the response; empty if the server closed the connection."""
    with closing(web.connect()) as line:
        line.sendall(data)
        try:
            return line.recv(4096)
        except ConnectionResetError:
            return b""


def test_repeated_invalid_requests_are_logged_once(web: Web) -> None:
    """300 invalid requests over plain sockets add one log line per kind of message, not one per request."""
    before = len(web.log.read_text().splitlines())
    for number in range(300):
        send(web, [*RUBBISH, UPGRADE % web.host.encode()][number % 4])

    said = web.log.read_text().splitlines()[before:]

    assert any("Invalid HTTP request" in line for line in web.log.read_text().splitlines())
    assert len(said) <= 5, said
    assert web.ask("/healthz").status == 200


def test_omitted_messages_are_counted() -> None:
    """
    Omitted messages are counted by kind.

    Values in a message make no new kind, and kinds above the maximum share one limit.
    """
    now = [0.0]
    bound = OncePerMinute(lambda: now[0])

    def said(text: str, *values: object) -> str:
        record = logging.LogRecord("uvicorn.error", logging.WARNING, "", 0, text, values, None)
        return record.getMessage() if bound.filter(record) else ""

    assert [said("Bad %s.", number) for number in range(4)] == ["Bad 0.", "", "", ""]
    assert said("Other.") == "Other."
    now[0] += EVERY_S
    assert said("Bad %s.", 9) == golden("commands.output.left_out_of_the_log")
    assert len([text for number in range(10 * MOST_KINDS) if (text := said(f"Kind {number}"))]) <= MOST_KINDS


def test_each_exception_is_a_kind() -> None:
    """Exceptions of different types are different kinds, although the server logs them with the same message."""
    bound = OncePerMinute(lambda: 0.0)

    def let_through(fault: Exception) -> bool:
        try:
            raise fault
        except type(fault):
            found = sys.exc_info()
        return bound.filter(logging.LogRecord("uvicorn.error", logging.ERROR, "", 0, "Exception\n", (), found))

    assert [let_through(fault) for fault in (ValueError("a"), ValueError("b"), KeyError("a"))] == [True, False, True]
    assert not let_through(ValueError("c"))
    assert (
        sum(let_through(type(f"Fault{number}", (Exception,), {})()) for number in range(10 * MOST_KINDS)) <= MOST_KINDS
    )


def test_exceptions_of_one_type_at_two_places_are_two_kinds() -> None:
    """Exceptions of one type raised on two lines are two kinds."""
    bound = OncePerMinute(lambda: 0.0)
    for text in ("x", "1/0"):
        try:
            int(text) if text == "x" else json.loads(text)
        except ValueError:
            assert bound.filter(logging.LogRecord("uvicorn.error", logging.ERROR, "", 0, "E", (), sys.exc_info()))
