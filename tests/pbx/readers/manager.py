"""Fake of Asterisk's manager interface on loopback, controlled by a script."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import IO

from tests.waiting import WAIT_S

BANNER = b"Asterisk Call Manager/5.0.4\r\n"
CHALLENGE = "845116211"
Script = Callable[[socket.socket], None]


def answers(says: Mapping[str, str], heard: list[str] | None = None) -> Script:
    """
    Return a script of a manager interface that accepts every login.

    Args:
        says: Rest of the answer by action, or by ``GetConfig`` and file; a missing key gives an error response.
        heard: Receives every request.
    """

    def script(line: socket.socket) -> None:
        line.sendall(BANNER)
        with line.makefile("rb") as stream:
            while request := _request(stream):
                if heard is not None:
                    heard.append(str(request))
                line.sendall(_answer(request, says).encode())

    return script


def _request(stream: IO[bytes]) -> dict[str, str]:
    """Read the next request; empty if the other side has disconnected."""
    request: dict[str, str] = {}
    while text := stream.readline().decode(errors="replace").rstrip("\r\n"):
        name, _, value = text.partition(": ")
        request[name] = value
    return request


def _answer(request: Mapping[str, str], says: Mapping[str, str]) -> str:
    action = request["Action"]
    name = f"{action} {request['Filename']}" if "Filename" in request else action
    tag = f"ActionID: {request['ActionID']}\r\n"
    login = {"Challenge": f"Challenge: {CHALLENGE}\r\n\r\n", "Login": "Message: Authentication accepted\r\n\r\n"}
    rest = {**login, **says}.get(name)
    if rest is None:
        return f"Response: Error\r\n{tag}Message: Config file not found\r\n\r\n"
    if rest.startswith("Response: "):
        first, _, rest = rest.partition("\r\n")
        return f"{first}\r\n{tag}{rest}"
    return f"Response: Success\r\n{tag}{rest.replace('ActionID: ?', tag.strip())}"


@contextmanager
def manager(script: Script, certificate: ssl.SSLContext | None = None) -> Iterator[int]:
    """Listen for the duration of the block and run the script for each connection; yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        ended = threading.Event()
        thread = threading.Thread(target=_serve, args=(server, script, certificate, ended))
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            ended.set()
            thread.join()


def _serve(server: socket.socket, script: Script, certificate: ssl.SSLContext | None, ended: threading.Event) -> None:
    while not ended.is_set():
        with suppress(OSError):
            line, _ = server.accept()
            line.settimeout(WAIT_S)
            with certificate.wrap_socket(line, server_side=True) if certificate else line as speaking:
                script(speaking)
