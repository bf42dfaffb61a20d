"""
Host names of inbound routes: SIP targets, and the addresses that names resolve to.

A ``Resolver`` resolves names during a sync, and the results are stored with their time; checks only read the stored
results.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from threading import Thread
from typing import Protocol

SIP_PORT, SIPS_PORT = 5060, 5061
"""Default ports of SIP and of SIP over TLS (RFC 3261, 19.1.2)."""
TIMEOUT_S = 5.0
MOST_AT_ONCE = 16

_TARGET = re.compile(
    r"(?:(?P<scheme>sips?):)?(?:[^@]*@)?(?:\[(?P<v6>[^\]]*)\]|(?P<host>[^:;?>]*))(?::(?P<port>\d{1,99}))?(?P<more>.*)",
    re.IGNORECASE,
)
_TLS = re.compile(r";\s*transport\s*=\s*tls\b", re.IGNORECASE)
_RESERVED = re.compile(r"(^|\.)(test|example|invalid|localhost|onion|example\.(com|net|org))\.?$", re.IGNORECASE)
"""Reserved names that no name server resolves (RFC 6761); they are never looked up."""


@dataclass(frozen=True)
class SipTarget:
    """Destination of SIP requests: a host in lower case (an address or a name) and a port."""

    host: str
    port: int
    over_tls: bool = False
    has_port: bool = True
    """Whether the port was specified; otherwise it is the default of the transport."""

    @property
    def is_name(self) -> bool:
        """Whether the host is a name that must be resolved."""
        return bool(self.host) and not is_address(self.host)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == SIP_PORT else f"{host}:{self.port}"


class Resolver(Protocol):
    """Interface for looking up host names."""

    def resolve(self, hosts: Collection[str]) -> Mapping[str, tuple[str, ...]]:
        """Return the addresses of each host as sorted text; hosts that could not be resolved are omitted."""
        ...


@dataclass(frozen=True)
class StaticResolver:
    """Resolver with fixed addresses that sends no queries."""

    known: Mapping[str, tuple[str, ...]]

    def resolve(self, hosts: Collection[str]) -> Mapping[str, tuple[str, ...]]:
        """Return the fixed addresses of the hosts; unknown hosts are omitted."""
        return {host: self.known[host] for host in hosts if host in self.known}


@dataclass(frozen=True)
class SystemResolver:
    """
    Resolver of the operating system, called in threads that are abandoned after a timeout: it has none of its own.

    Args:
        timeout_s: Timeout in seconds for all hosts of one call together.
        look_up: Function that returns the addresses of one host, or raises ``OSError``.
    """

    timeout_s: float = TIMEOUT_S
    look_up: Callable[[str], Collection[str]] = field(default_factory=lambda: _look_up)

    def resolve(self, hosts: Collection[str]) -> Mapping[str, tuple[str, ...]]:
        """Look up hosts, up to MOST_AT_ONCE at a time; reserved names are skipped."""
        resolved: dict[str, tuple[str, ...]] = {}

        def look_up_host(host: str) -> None:
            with suppress(OSError, UnicodeError):
                resolved[host] = tuple(sorted(self.look_up(host)))

        names = sorted(host for host in hosts if not _RESERVED.search(host))
        deadline = time.monotonic() + self.timeout_s
        for first in range(0, len(names), MOST_AT_ONCE):
            batch = names[first : first + MOST_AT_ONCE]
            threads = [Thread(target=look_up_host, args=(host,), daemon=True) for host in batch]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(max(0.0, deadline - time.monotonic()))
        return dict(resolved)


def _look_up(host: str) -> set[str]:
    return {str(answer[4][0]) for answer in socket.getaddrinfo(host, None, proto=socket.IPPROTO_UDP)}


def target_of(value: str) -> SipTarget:
    """
    Parse the value of an inbound route.

    Args:
        value: ``host[:port]`` or a SIP URI.

    Returns:
        The host without brackets, and the port: by default 5060, or 5061 over TLS.
    """
    parts = _TARGET.match(value.strip().strip("<>"))
    if parts is None:
        return SipTarget("", SIP_PORT)
    over_tls = (parts["scheme"] or "").lower() == "sips" or _TLS.search(parts["more"]) is not None
    host = (parts["v6"] or parts["host"] or "").strip().lower().rstrip(".")
    port = int(parts["port"] or (SIPS_PORT if over_tls else SIP_PORT))
    return SipTarget(_canonical(host), port, over_tls, parts["port"] is not None)


def is_address(host: str) -> bool:
    """Return whether a host is an IP address."""
    return _canonical(host, "") != ""


def _canonical(host: str, otherwise: str | None = None) -> str:
    try:
        return str(ip_address(host))
    except ValueError:
        return host if otherwise is None else otherwise


def is_same_target(target: SipTarget, expected: SipTarget, resolved: Mapping[str, frozenset[str]]) -> bool | None:
    """
    Return whether two SIP targets are the same destination.

    Args:
        target: Target of a route.
        expected: Expected target; without a port, the default port of the first target's transport applies.
        resolved: Addresses by host name, as far as they are known.

    Returns:
        ``None`` if a name is not resolved, or if the expected target has only some of the first target's addresses.
    """
    default = SIPS_PORT if target.over_tls else SIP_PORT
    if target.port != (expected.port if expected.has_port else default) or not target.host or not expected.host:
        return False
    if target.host == expected.host:
        return True
    target_addresses, expected_addresses = (_addresses(target, resolved) for target in (target, expected))
    if not target_addresses or not expected_addresses:
        return None
    if target_addresses <= expected_addresses:
        return True
    return None if target_addresses & expected_addresses else False


def _addresses(target: SipTarget, resolved: Mapping[str, frozenset[str]]) -> frozenset[str]:
    return resolved.get(target.host, frozenset()) if target.is_name else frozenset({target.host})


SAMPLE = StaticResolver({"pbx-denver.example.net": ("198.51.100.24",), "miami.dyn.example.net": ("203.0.113.167",)})
"""Addresses of the sample account's host names, which no name server resolves."""
