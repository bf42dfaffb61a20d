"""
Host names of inbound routes: where a route leads, and the addresses that names resolve to.

A name is resolved during a sync, by a ``Resolver``, and kept with its time; checks only read what was kept.
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
"""Where SIP is taken unless an address says otherwise; the second over TLS (RFC 3261, 19.1.2)."""
TIMEOUT_S = 5.0
MOST_AT_ONCE = 16

_TARGET = re.compile(
    r"(?:(?P<scheme>sips?):)?(?:[^@]*@)?(?:\[(?P<v6>[^\]]*)\]|(?P<host>[^:;?>]*))(?::(?P<port>\d+))?(?P<more>.*)",
    re.IGNORECASE,
)
_TLS = re.compile(r";\s*transport\s*=\s*tls\b", re.IGNORECASE)
_RESERVED = re.compile(r"(^|\.)(test|example|invalid|localhost|onion|example\.(com|net|org))\.?$", re.IGNORECASE)
"""Names that no name server knows (RFC 6761): they are never asked for."""


@dataclass(frozen=True)
class SipTarget:
    """Where SIP requests are sent: a host in lower case, an address or a name, and a port."""

    host: str
    port: int
    over_tls: bool = False
    has_port: bool = True
    """Whether the port was given; otherwise it is the default of the transport."""

    @property
    def is_name(self) -> bool:
        """Whether the host is a name that has to be resolved."""
        return bool(self.host) and not is_address(self.host)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == SIP_PORT else f"{host}:{self.port}"


class Resolver(Protocol):
    """Looks host names up."""

    def resolve(self, hosts: Collection[str]) -> Mapping[str, tuple[str, ...]]:
        """Return the addresses of each host as text, sorted; a host that could not be resolved is not there."""
        ...


@dataclass(frozen=True)
class StaticResolver:
    """Knows the addresses of some hosts and asks nobody."""

    known: Mapping[str, tuple[str, ...]]

    def resolve(self, hosts: Collection[str]) -> Mapping[str, tuple[str, ...]]:
        """Return what is known."""
        return {host: self.known[host] for host in hosts if host in self.known}


@dataclass(frozen=True)
class SystemResolver:
    """
    Asks the machine's own resolver, in threads that are given up after a while: it has no timeout of its own.

    Args:
        timeout_s: For all hosts of one call together.
        look_up: Returns the addresses of one host, or raises ``OSError``.
    """

    timeout_s: float = TIMEOUT_S
    look_up: Callable[[str], Collection[str]] = field(default_factory=lambda: _look_up)

    def resolve(self, hosts: Collection[str]) -> Mapping[str, tuple[str, ...]]:
        """Look up hosts, some at once; reserved names are not asked for."""
        resolved: dict[str, tuple[str, ...]] = {}

        def one(host: str) -> None:
            with suppress(OSError, UnicodeError):
                resolved[host] = tuple(sorted(self.look_up(host)))

        wanted = sorted(host for host in hosts if not _RESERVED.search(host))
        deadline = time.monotonic() + self.timeout_s
        for first in range(0, len(wanted), MOST_AT_ONCE):
            batch = wanted[first : first + MOST_AT_ONCE]
            threads = [Thread(target=one, args=(host,), daemon=True) for host in batch]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(max(0.0, deadline - time.monotonic()))
        return dict(resolved)


def _look_up(host: str) -> set[str]:
    return {str(answer[4][0]) for answer in socket.getaddrinfo(host, None, proto=socket.IPPROTO_UDP)}


def target_of(value: str) -> SipTarget:
    """
    Read where a route leads.

    Args:
        value: ``host[:port]`` or a SIP URI.

    Returns:
        The host without brackets, and the port: 5060 unless it is given, 5061 over TLS.
    """
    parts = _TARGET.match(value.strip().strip("<>"))
    if parts is None:
        return SipTarget("", SIP_PORT)
    over_tls = (parts["scheme"] or "").lower() == "sips" or _TLS.search(parts["more"]) is not None
    host = (parts["v6"] or parts["host"] or "").strip().lower().rstrip(".")
    port = int(parts["port"] or (SIPS_PORT if over_tls else SIP_PORT))
    return SipTarget(_canonical(host), port, over_tls, parts["port"] is not None)


def is_address(host: str) -> bool:
    """Say whether a host is an address."""
    return _canonical(host, "") != ""


def _canonical(host: str, otherwise: str | None = None) -> str:
    try:
        return str(ip_address(host))
    except ValueError:
        return host if otherwise is None else otherwise


def same(one: SipTarget, other: SipTarget, resolved: Mapping[str, frozenset[str]]) -> bool | None:
    """
    Say whether a target leads where another does.

    Args:
        one: Where a route leads.
        other: Where it should lead; without a port at the default one of the first's transport.
        resolved: Addresses by host name, as far as they are known.

    Returns:
        ``None`` where a name is not resolved, or where only some of its addresses are the other's.
    """
    default = SIPS_PORT if one.over_tls else SIP_PORT
    if one.port != (other.port if other.has_port else default) or not one.host or not other.host:
        return False
    if one.host == other.host:
        return True
    mine, wanted = (_addresses(target, resolved) for target in (one, other))
    if not mine or not wanted:
        return None
    if mine <= wanted:
        return True
    return None if mine & wanted else False


def _addresses(target: SipTarget, resolved: Mapping[str, frozenset[str]]) -> frozenset[str]:
    return resolved.get(target.host, frozenset()) if target.is_name else frozenset({target.host})


SAMPLE = StaticResolver({"pbx-denver.example.net": ("198.51.100.24",), "miami.dyn.example.net": ("203.0.113.167",)})
"""The names of the sample account, which no name server knows."""
