"""
Asterisk trunks: endpoints from ``pjsip.conf``, ``pjsip_wizard.conf`` and ``sip.conf``.

Only settings about call routing are kept, and only the host of a URI.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from dashboard.pbx.readers.asterisk.conf_grammar import Config, ConfSetting, Section
from dashboard.pbx.readers.facts import Place
from dashboard.pbx.readers.hosts import has_password, host_of
from dashboard.pbx.readers.secrets import Secret

URIS = frozenset({"contact", "server_uri", "client_uri", "outbound_proxy", "remote_hosts", "outboundproxy"})
PLAIN = frozenset(
    (
        "type",
        "aors",
        "endpoint",
        "outbound_auth",
        "auth",
        "transport",
        "context",
        "match",
        "bind",
        "protocol",
        "host",
        "externip",
        "externaddr",
        "externhost",
        "external_signaling_address",
        "external_media_address",
        "local_net",
        "localnet",
        "bindaddr",
        "udpbindaddr",
        "media_address",
        "sends_auth",
        "sends_registrations",
        "endpoint/context",
        "endpoint/transport",
        "identify/match",
    )
)
MOST_HOSTS = 200
"""Maximum number of contacts kept per endpoint; a trunk has a few, a shared AOR may have thousands of phones."""
YES = frozenset({"yes", "true", "on", "1", "y", "t"})


@dataclass
class TrunkEndpoint:
    """A PJSIP endpoint or a chan_sip peer."""

    name: str
    place: Place
    hosts: list[tuple[str, Place]] = field(default_factory=list)
    matches: list[tuple[str, Place]] = field(default_factory=list)
    signs_in: Place | None = None
    registers: Place | None = None
    context: str = ""
    transport: str = ""


@dataclass(frozen=True)
class AsteriskTransport:
    """Listening and public addresses of a transport; ``name`` is ``""`` if there is only one."""

    name: str
    settings: list[ConfSetting]


def keep_pjsip(_section: str, name: str, value: str) -> tuple[str, Secret | None]:
    """Return the part of a pjsip.conf setting about call routing, and the kind of a secret in it."""
    if name in URIS:
        hosts = [host_of(part) for part in value.split(",")]
        has_secret = any(has_password(part) for part in value.split(","))
        return ",".join(hosts), Secret.UNKNOWN if has_secret else None
    return (value if name in PLAIN else ""), None


def keep_sip(_section: str, name: str, value: str) -> tuple[str, Secret | None]:
    """Return the part of a sip.conf setting about call routing: the host of ``register``, the realm of ``auth``."""
    if name == "register":
        host = value.rpartition("@")[2].rpartition("?")[2]
        has_secret = ":" in value.rpartition("@")[0]
        host = host_of(re.split(r"[/~]", host.replace("://", ""), maxsplit=1)[0])
        return host, Secret.UNKNOWN if has_secret else None
    if name == "auth":
        return host_of(value.rpartition("@")[2]), Secret.UNKNOWN if re.search("[:#]", value) else None
    return keep_pjsip(_section, name, value)


def of_pjsip(config: Config) -> tuple[list[TrunkEndpoint], list[AsteriskTransport]]:
    """Return the endpoints and transports of a pjsip.conf."""
    of = {kind: [item for item in config.live() if item.get("type").lower() == kind] for kind in _KINDS}
    contacts = {item.name: _placed(item.all("contact")) for item in of["aor"]}
    lines = {}
    for section in of["endpoint"]:
        line = lines[section.name] = TrunkEndpoint(section.name, section.place, context=section.get("context"))
        line.transport = section.get("transport")
        for name in section.all("aors") or [ConfSetting("aors", section.name, section.place)]:
            line.hosts += contacts.get(name.value, [])[: MOST_HOSTS - len(line.hosts)]
        line.hosts += _placed(section.all("outbound_proxy"))
        auth = section.last("outbound_auth")
        line.signs_in = auth.place if auth and auth.value else None
    for section in of["identify"]:
        if section.get("endpoint") in lines:
            lines[section.get("endpoint")].matches += _placed(section.all("match"))
    _register(
        lines.values(),
        [(item, section.get("endpoint")) for section in of["registration"] for item in section.all("server_uri")],
    )
    lines |= {line.name: line for line in map(_of_wizard, of["wizard"])}
    return list(lines.values()), [AsteriskTransport(item.name, item.settings) for item in of["transport"]]


def of_sip(config: Config) -> tuple[list[TrunkEndpoint], list[AsteriskTransport]]:
    """Return the peers of a sip.conf with a static host, and its general section as transport."""
    lines = {}
    secrets = set(config.secrets)
    general = [section for section in config.live() if section.name == "general"]
    usual = next((item.get("context") for item in general), "")
    for section in config.live():
        host = section.last("host")
        if host and host.value and host.value != "dynamic" and section.name != "general":
            line = TrunkEndpoint(
                section.name, section.place, _placed(section.all("host")), _placed(section.all("host"))
            )
            line.hosts += _placed(section.all("outboundproxy"))
            line.context = section.get("context") or usual
            line.signs_in = next((item.place for item in section.settings if item.place in secrets), None)
            lines[section.name] = line
    _register(lines.values(), [(item, "") for section in general for item in section.all("register")])
    return list(lines.values()), [AsteriskTransport("", section.settings) for section in general]


_KINDS = ("endpoint", "aor", "identify", "registration", "transport", "wizard")


def _of_wizard(section: Section) -> TrunkEndpoint:
    hosts = _placed(section.all("remote_hosts"))
    line = TrunkEndpoint(section.name, section.place, hosts, _placed(section.all("identify/match")) or hosts)
    line.context = section.get("endpoint/context")
    line.transport = section.get("transport")
    signs = section.last("sends_auth")
    registers = section.last("sends_registrations")
    line.signs_in = signs.place if signs and signs.value.lower() in YES else None
    line.registers = registers.place if registers and registers.value.lower() in YES else None
    return line


def _register(lines: Iterable[TrunkEndpoint], servers: Iterable[tuple[ConfSetting, str]]) -> None:
    """Assign each endpoint the last registration for its name, or for its host if the registration has no name."""
    by_name: dict[str, tuple[int, Place]] = {}
    by_host: dict[str, tuple[int, Place]] = {}
    for number, (server, name) in enumerate(servers):
        (by_name if name else by_host)[name or server.value] = number, server.place
    for line in lines:
        fitting = [by_host[host] for host, _ in line.hosts if host in by_host]
        fitting += [by_name[line.name]] if line.name in by_name else []
        if fitting:
            line.registers = max(fitting, key=lambda entry: entry[0])[1]


def _placed(settings: Iterable[ConfSetting]) -> list[tuple[str, Place]]:
    return list(_hosts(settings))


def _hosts(settings: Iterable[ConfSetting]) -> Iterator[tuple[str, Place]]:
    for setting in settings:
        text = setting.value
        yield (text if setting.name.endswith("match") else host_of(text)), setting.place
