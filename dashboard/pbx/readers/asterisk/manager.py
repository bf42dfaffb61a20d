"""
Client of the Asterisk Manager Interface (AMI) for reading a configuration: log in, then one action after the other.

Every wait, line and response has a limit. Secrets in a response are dropped while its line is parsed, and errors never
quote a response, because it may repeat what was sent. The login secret is sent as a digest, but Asterisk's responses
are in clear text, so use ``ami+tls`` on a network where others can listen.
https://docs.asterisk.org/Configuration/Interfaces/Asterisk-Manager-Interface-AMI/
"""

from __future__ import annotations

import hashlib
import socket
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

from dashboard.core.errors import SourceAnswerError, SourceRefusedError, SourceUnavailableError
from dashboard.pbx.readers.asterisk.manager_connection import LIMITS, UNHARMED, ManagerTimeouts, Where, connected
from dashboard.pbx.readers.secrets import NamesOf, is_secret_name

LONGEST_LINE = 64 * 1024
"""Longest response line, in bytes; Asterisk reads a line of a file into 8,192 bytes."""
RIGHTS = "config,system,reporting"
"""Permissions that the user in ``manager.conf`` needs."""
_BEFORE_ID = 3
"""Number of first headers of a message that include the id of its action."""

Header = tuple[str, str]


class DeniedError(SourceRefusedError):
    """The user lacks the permission for an action."""


class AbsentError(SourceRefusedError):
    """The requested object does not exist."""


@contextmanager
def logged_in(endpoint: Where, user: str, secret: str, limits: ManagerTimeouts = LIMITS) -> Iterator[Ami]:
    """
    Log in, yield the session, and close the connection at the end.

    Args:
        endpoint: Host and port.
        user: Name of a section of ``manager.conf``.
        secret: The user's secret; only its digest is sent.
        limits: Time and size limits.

    Raises:
        SourceError: The connection, the login or an action failed; the subclass and the message state the remedy.
    """
    with connected(endpoint, limits) as line:
        ami = Ami(endpoint, line, limits)
        ami.log_in(user, secret)
        yield ami


class Ami:
    """An AMI session."""

    def __init__(self, endpoint: Where, line: socket.socket, limits: ManagerTimeouts) -> None:
        """Initialize the session on a new connection, before the greeting is read."""
        self.where = endpoint
        self._line_to = line
        self._limits = limits
        self._buffer = bytearray()
        self._until = time.monotonic() + limits.all_s
        self._bytes = self._lines = self._asked = 0

    def log_in(self, user: str, secret: str) -> None:
        """Read the greeting and log in; the secret is sent as an MD5 digest with the server's challenge."""
        if not self._line().startswith("Asterisk Call Manager"):
            raise self._not_understood("What listens there is not a manager interface. Give host and port of AMI.")
        try:
            challenge = dict(self._answer("Challenge", {"AuthType": "MD5"})).get("Challenge", "")
            key = hashlib.md5(f"{challenge}{secret}".encode(), usedforsecurity=False).hexdigest()
            for _ in self._answer("Login", {"AuthType": "MD5", "Username": user, "Key": key, "Events": "off"}):
                pass
        except (DeniedError, AbsentError):
            raise SourceRefusedError(
                f"{self.where}: The login was refused. {UNHARMED} Compare TRUNKGATE_AMI_USER and TRUNKGATE_AMI_SECRET "
                f"with manager.conf, and see that its permit lets this machine in."
            ) from None

    def config(self, file: str) -> Iterator[Header]:
        """
        Yield the headers of ``GetConfig`` for a file while they arrive.

        Raises:
            DeniedError: The user lacks the permission to read files.
            AbsentError: The file does not exist or cannot be parsed.
        """
        yield from self._answer("GetConfig", {"Filename": file})

    def value(self, variable: str) -> str:
        """
        Return the value of a global variable from ``Getvar``; ``""`` if it is not set.

        Raises:
            DeniedError: The user lacks the permission to read variables.
        """
        return dict(self._answer("Getvar", {"Variable": variable})).get("Value", "")

    def events(self, action: str, headers: Collection[str], **fields: str) -> Iterator[Mapping[str, str]]:
        """
        Yield the events of a list action, each with the wanted headers.

        Args:
            action: Name of the action.
            headers: Names of the headers to keep; a header with the name of a secret is kept with the value ``""``.
            fields: Parameters of the action.

        Raises:
            DeniedError: The user lacks the permission for the action.
            AbsentError: The list is empty, or Asterisk does not support the action.
        """
        for _ in self._answer(action, fields):
            pass
        while True:
            event: dict[str, str] = {}
            ended = False
            for name, value in self._message():
                ended = ended or (name == "EventList" and value.lower() == "complete")
                if name in headers and value:
                    event[name] = "" if is_secret_name(name, NamesOf.ASTERISK) else value
            if ended:
                return
            yield event

    def _answer(self, action: str, fields: Mapping[str, str]) -> Iterator[Header]:
        """Send an action and yield the headers of its successful response."""
        self._asked += 1
        lines = {"Action": action, "ActionID": str(self._asked), **fields}
        if not all(value.isprintable() for value in lines.values()):
            raise self._not_understood(f"A name that {action} was to be asked for has a character that is none.")
        self._line_to.sendall("".join(f"{name}: {value}\r\n" for name, value in lines.items()).encode() + b"\r\n")
        message = self._message()
        if next(message, ("", ""))[1] == "Success":
            yield from message
            return
        message_text = dict(message).get("Message", "").lower()
        if "permission" in message_text or "privilege" in message_text or "authentication" in message_text:
            raise DeniedError(
                f"{self.where}: The user may not ask for {action}. {UNHARMED} Give it write = {RIGHTS} in "
                f"manager.conf, and reload it with 'manager reload'."
            )
        raise AbsentError(f"{self.where}: {action} found nothing. {UNHARMED} See whether Asterisk has it.")

    def _message(self) -> Iterator[Header]:
        """Yield the headers of the next message for the last action; other messages are skipped."""
        while True:
            first: list[Header] = []
            is_answer = ended = False
            while len(first) < _BEFORE_ID and not is_answer and not ended:
                header = self._header()
                ended = header is None
                if header is not None:
                    first.append(header)
                    is_answer = header == ("ActionID", str(self._asked))
            if is_answer:
                yield from first
            while not ended:
                header = self._header()
                ended = header is None
                if header is not None and is_answer:
                    yield header
            if is_answer:
                return

    def _header(self) -> Header | None:
        """Return the next header; ``None`` at the end of a message."""
        self._lines += 1
        if self._lines > self._limits.most_lines:
            raise self._not_understood(f"It answered more than {self._limits.most_lines:,} lines, which no PBX has.")
        line = self._line()
        name, _, value = line.partition(":")
        return (name.strip(), value.strip()) if line else None

    def _line(self) -> str:
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            if searched > LONGEST_LINE:
                raise self._not_understood(f"It answered a line of more than {LONGEST_LINE:,} bytes.")
            self._buffer += self._received()
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line.rstrip(b"\r").decode("utf-8", "replace")

    def _received(self) -> bytes:
        """Receive the next bytes, within all limits."""
        remaining_s = self._until - time.monotonic()
        late = SourceUnavailableError(
            f"{self.where}: It did not answer everything within {self._limits.all_s:g} s. {UNHARMED} Try again."
        )
        if remaining_s <= 0:
            raise late
        self._line_to.settimeout(min(self._limits.wait_s, remaining_s))
        try:
            piece = self._line_to.recv(64 * 1024)
        except TimeoutError:
            if remaining_s > self._limits.wait_s:
                raise
            raise late from None
        if not piece:
            raise SourceUnavailableError(
                f"{self.where}: The connection ended in the middle of an answer. {UNHARMED} Try again; if it stays, "
                f"look into Asterisk's log."
            )
        self._bytes += len(piece)
        if self._bytes > self._limits.most_bytes:
            raise self._not_understood(f"It answered more than {self._limits.most_bytes >> 20} MB, which no PBX has.")
        return piece

    def _not_understood(self, sentence: str) -> SourceAnswerError:
        return SourceAnswerError(f"{self.where}: {sentence} {UNHARMED}")
