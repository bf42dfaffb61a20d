"""
Evaluation of an Asterisk configuration: trunks to the carrier, addresses, dial strings and accepted sources.

It is independent of the configuration's source, a folder or a running system.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dashboard.pbx.inventory.ids import pbx_id_of
from dashboard.pbx.inventory.rows import Problem
from dashboard.pbx.readers.asterisk.conf_grammar import Config, Keep
from dashboard.pbx.readers.asterisk.dialplan import Dialed, Dialplan, keep
from dashboard.pbx.readers.asterisk.secrets import WATCHED, secrets_of
from dashboard.pbx.readers.asterisk.trunks import (
    AsteriskTransport,
    TrunkEndpoint,
    keep_pjsip,
    keep_sip,
    of_pjsip,
    of_sip,
)
from dashboard.pbx.readers.facts import Found, Place
from dashboard.pbx.readers.hosts import host_of
from dashboard.pbx.readers.secrets import report_secrets
from dashboard.schemas.object_types import ObjectType
from dashboard.sip import Trunk

DIALPLAN = "extensions.conf"
FILES: Mapping[str, Keep] = {
    "pjsip.conf": keep_pjsip,
    "pjsip_wizard.conf": keep_pjsip,
    "sip.conf": keep_sip,
    DIALPLAN: keep,
}
"""Asterisk's top-level files, with the function that selects the values to keep."""
ADDRESSES = {
    "external_signaling_address": "external",
    "externip": "external",
    "externaddr": "external",
    "externhost": "external",
    "external_media_address": "media",
    "media_address": "media",
    "bind": "bind",
    "bindaddr": "bind",
    "udpbindaddr": "bind",
    "local_net": "local_net",
    "localnet": "local_net",
}
"""Fact key suffix by setting of a transport or of sip.conf's general section."""
TAG = "X-Tag"


class Pbx:
    """Evaluator of one Asterisk configuration."""

    def __init__(self, name: str, location: Place, trunk: Trunk) -> None:
        """
        Start with an empty PBX.

        Args:
            name: Display name of the PBX, from which its id is derived.
            location: Start of its configuration.
            trunk: The account's trunk, which identifies the carrier's hosts.
        """
        self._trunk = trunk
        self.found = Found(pbx_id_of(name), name, "Asterisk", location)
        self._lines: dict[str, TrunkEndpoint] = {}
        self._carrier: list[TrunkEndpoint] = []

    def configure(self, configs: Mapping[str, Config]) -> None:
        """Evaluate the configuration files, given by file name."""
        for config in configs.values():
            self.found.problems += config.problems
        lines, transports = lines_of(configs)
        carrier = {line.name for line in lines if self._goes_to_carrier(line)}
        report_secrets(self.found, secrets_of(configs, carrier, self._trunk))
        self.connect(lines, transports)
        if DIALPLAN in configs:
            self._dialplan(Dialplan(configs[DIALPLAN]))

    def connect(self, lines: list[TrunkEndpoint], transports: list[AsteriskTransport]) -> list[TrunkEndpoint]:
        """Add the trunks to the carrier and their source addresses; return the endpoints of these trunks."""
        self._lines = {line.name: line for line in lines}
        self._carrier = [line for line in lines if self._goes_to_carrier(line)]
        self._trunks()
        self._addresses(transports)
        return self._carrier

    def _goes_to_carrier(self, line: TrunkEndpoint) -> bool:
        hosts = line.hosts or line.matches
        return any(self._trunk.is_carrier(host) for host, _ in hosts)

    def _trunks(self) -> None:
        if self._carrier:
            self.found.place = self._carrier[0].place
        for line in self._carrier:
            for host, location in line.hosts:
                self.found.say_trunk(line.name, "host", host, location)
            self.found.say_trunk(
                line.name, "auth", "credentials" if line.signs_in else "ip", line.signs_in or line.place
            )
            if line.registers:
                self.found.say_trunk(line.name, "registration", "yes", line.registers)
            if line.context:
                self.found.say_trunk(line.name, "context", line.context, line.place)
            for match, location in line.matches:
                self.found.say(ObjectType.INBOUND, "match", match, location)

    def _addresses(self, transports: list[AsteriskTransport]) -> None:
        """Add the addresses of the transports used by trunks to the carrier, not of those used only by phones."""
        used = dict.fromkeys(line.transport for line in self._carrier if line.transport)
        by_name: dict[str, list[AsteriskTransport]] = {}
        for candidate in transports:
            by_name.setdefault(candidate.name, []).append(candidate)
        for transport in [candidate for name in used for candidate in by_name.get(name, ())] if used else transports:
            addresses_of_kind: dict[str, list[tuple[str, Place]]] = {}
            for setting in transport.settings:
                if setting.name in ADDRESSES and setting.value:
                    kind = ADDRESSES[setting.name]
                    value = setting.value if kind == "local_net" else host_of(setting.value)
                    self.found.say(ObjectType.ADDRESS, kind, value, setting.place)
                    addresses_of_kind.setdefault(kind, []).append((value, setting.place))
            self.found.addresses += addresses_of_kind.get("external") or addresses_of_kind.get("bind", [])

    def _dialplan(self, dialplan: Dialplan) -> None:
        for dialed in dialplan.dialed():
            for device in dialed.device.split("&"):
                self._device(device.strip(), dialed, dialplan)
        for value, location in dialplan.headers(TAG):
            self.found.say(ObjectType.PBX, "x_tag", value, location)
        for pattern, location in dialplan.inbound(line.context for line in self._carrier if line.context):
            if pattern.startswith("_"):
                self.found.say(ObjectType.NUMBER, "pattern", pattern, location)
            else:
                self.found.numbers.append((pattern, location))
        if dialplan.cut:
            reason = "The dialplan has more steps than are followed, so some dial strings are missing."
            self.found.problems.append(Problem(self.found.place.file, None, "", reason))

    def _device(self, device: str, dialed: Dialed, dialplan: Dialplan) -> None:
        """Add the dial string of a device that goes to the carrier, or through the dialplan again."""
        kind, _, target = device.partition("/")
        if kind.upper() == "LOCAL":
            number, _, context = target.partition("@")
            code = dialplan.code(context.partition("/")[0]) if "*" in number or "#" in number else ""
            if code:
                self.found.say(ObjectType.DIALPLAN, "dial", f"{number}@{context} past {code}", dialed.step.place)
        else:
            self.dial(device, dialed.step.place)

    def dial(self, device: str, location: Place) -> None:
        """Add the dial string of a device such as ``PJSIP/NUMBER@trunk`` if it goes to the carrier."""
        kind, _, target = device.partition("/")
        if kind.upper() not in ("PJSIP", "SIP"):
            return
        for name, user, host in _device_meanings(target):
            line = self._lines.get(name)
            if (line and self._goes_to_carrier(line)) or (not line and self._trunk.is_carrier(host)):
                if not line:
                    self.found.say_trunk(host, "host", host, location)
                    self.found.say_trunk(host, "auth", "credentials" if "@" in name else "ip", location)
                if user:
                    self.found.say_trunk(name if line else host, "dial", user, location)
                return


def lines_of(configs: Mapping[str, Config]) -> tuple[list[TrunkEndpoint], list[AsteriskTransport]]:
    """Return all endpoints and transports of the configurations."""
    lines: list[TrunkEndpoint] = []
    transports: list[AsteriskTransport] = []
    for name, config in configs.items():
        if name not in (DIALPLAN, *WATCHED):
            endpoints, own_transports = of_sip(config) if name == "sip.conf" else of_pjsip(config)
            lines += endpoints
            transports += own_transports
    return lines, transports


def _device_meanings(target: str) -> Iterator[tuple[str, str, str]]:
    """Yield the possible meanings of a device without its technology: endpoint name, number, host."""
    name, _, uri = target.partition("/")
    user, _, target_host = target.rpartition("@")
    if uri.lower().startswith(("sip:", "sips:")):
        number, _, host = uri.partition(":")[2].rpartition("@")
        yield name, number, host_of(host)
    elif uri:
        yield name, uri.rpartition("@")[0] or uri, host_of(name)
    elif target_host and user:
        yield target_host, user, host_of(target_host)
    else:
        yield target, "", host_of(target)
