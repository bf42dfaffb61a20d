"""Connection to an Asterisk manager interface, with or without TLS: address, limits and errors."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from dashboard.core.errors import InputError, SourceUnavailableError

PORTS = {"ami": 5038, "ami+tls": 5039}
UNHARMED = "Nothing in the inventory was changed."


@dataclass(frozen=True)
class ManagerTimeouts:
    """Limits of a session: seconds to connect, between two reads and in total, and bytes and lines read."""

    connect_s: float = 5.0
    wait_s: float = 10.0
    all_s: float = 120.0
    most_bytes: int = 64 * 1024 * 1024
    most_lines: int = 1_000_000


LIMITS = ManagerTimeouts()


@dataclass(frozen=True)
class Where:
    """Address of a manager interface: ``ami://HOST:PORT/NAME`` with the name of the PBX."""

    scheme: str
    host: str
    port: int
    name: str

    @classmethod
    def of(cls, address: str) -> Where:
        """
        Parse an address.

        Raises:
            InputError: The address is invalid.
        """
        try:
            parts = urlsplit(address)
            host = parts.hostname or ""
            port = parts.port
        except ValueError:
            host = ""
            port = None
            parts = urlsplit("")
        scheme = parts.scheme.lower()
        if scheme not in PORTS or not host or not host.isprintable() or port == 0:
            raise InputError("The address of a manager interface is written ami://HOST:PORT/NAME, or ami+tls://.")
        return cls(scheme, host, port or PORTS[scheme], unquote(parts.path).strip("/") or host)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


@contextmanager
def connected(endpoint: Where, limits: ManagerTimeouts) -> Iterator[socket.socket]:
    """
    Connect, and close the connection at the end; convert connection errors raised in the block.

    Raises:
        SourceUnavailableError: The host is unreachable, does not respond, or has an invalid certificate.
    """
    with _translate_errors(endpoint, limits), _connection(endpoint, limits) as line:
        yield line


@contextmanager
def _connection(endpoint: Where, limits: ManagerTimeouts) -> Iterator[socket.socket]:
    try:
        plain = socket.create_connection((endpoint.host, endpoint.port), timeout=limits.connect_s)
    except TimeoutError as exc:
        raise _late(endpoint, limits.connect_s) from exc
    with plain:
        plain.settimeout(limits.wait_s)
        if endpoint.scheme == "ami":
            yield plain
            return
        with ssl.create_default_context().wrap_socket(plain, server_hostname=endpoint.host) as line:
            yield line


@contextmanager
def _translate_errors(endpoint: Where, limits: ManagerTimeouts) -> Iterator[None]:
    """Convert socket errors to ``SourceUnavailableError``."""
    try:
        yield
    except ssl.SSLCertVerificationError as exc:
        cure = "Give it a certificate for this name; one of your own is trusted where SSL_CERT_FILE names it."
        raise SourceUnavailableError(f"{endpoint}: Its certificate does not hold. {UNHARMED} {cure}") from exc
    except ssl.SSLError as exc:
        cure = "See tlsenable in manager.conf, or write ami:// for the port without TLS."
        raise SourceUnavailableError(f"{endpoint}: It does not speak TLS. {UNHARMED} {cure}") from exc
    except TimeoutError as exc:
        raise _late(endpoint, limits.wait_s) from exc
    except (OSError, UnicodeError) as exc:
        cure = "See enabled and bindaddr in manager.conf, and that a firewall lets this machine in."
        cause = getattr(exc, "strerror", None) or "it is no name of a host"
        raise SourceUnavailableError(f"{endpoint}: It cannot be reached ({cause}). {UNHARMED} {cure}") from exc


def _late(endpoint: Where, seconds: float) -> SourceUnavailableError:
    cure = "See that it is the port of AMI, and that a firewall lets this machine in."
    return SourceUnavailableError(f"{endpoint}: There was no answer within {seconds:g} s. {UNHARMED} {cure}")
