"""
Asterisk: a folder with ``pjsip.conf``, ``pjsip_wizard.conf``, ``sip.conf`` and ``extensions.conf``.

Read are the trunks to the carrier, what is dialed over them, which numbers and hosts come in, and which address
Asterisk says is its own. Passwords are dropped while a file is read; that there is one is a fact.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from dashboard.dialing import Trunk
from dashboard.inventory._asterisk_conf import Config, Keep
from dashboard.inventory._asterisk_dialplan import Dialed, Dialplan, keep
from dashboard.inventory._asterisk_secrets import WATCHED, keep_nothing, secrets_of
from dashboard.inventory._asterisk_trunks import Line, Transport, keep_pjsip, keep_sip, of_pjsip, of_sip
from dashboard.inventory._facts import Found, Place, together
from dashboard.inventory._folder import Folder, pbx_id_of
from dashboard.inventory._hosts import host_of
from dashboard.inventory._rows import Problem, Reading
from dashboard.inventory._secrets import tell

FILES = ("pjsip.conf", "pjsip_wizard.conf", "sip.conf", "extensions.conf")
KEEP: dict[str, Keep] = {"sip.conf": keep_sip, "extensions.conf": keep, **dict.fromkeys(WATCHED, keep_nothing)}
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
"""Settings of a transport and of sip.conf's general section, by what they are in a fact's key."""
TAG = "X-Tag"


def accepts_folder(folder: Folder) -> bool:
    """Say whether a folder has a PBX of this kind in it."""
    return bool(_roots(folder))


def read_folder(folder: Folder, trunk: Trunk) -> Reading:
    """Read every PBX of a folder; ``inventory`` says what a reader takes and gives."""
    return together((_Pbx(folder, root, trunk).found for root in _roots(folder)), trunk)


def _roots(folder: Folder) -> list[str]:
    """Return the folders in which the files that Asterisk begins with stand."""
    return sorted({str(PurePosixPath(path).parent) for path in folder.files if PurePosixPath(path).name in FILES})


class _Pbx:
    """One Asterisk being read."""

    def __init__(self, folder: Folder, root: str, trunk: Trunk) -> None:
        self._trunk = trunk
        configs = {}
        for name in (*FILES, *WATCHED):
            path = str(PurePosixPath(root) / name)
            if path in folder.files:
                configs[name] = Config(folder, root, KEEP.get(name, keep_pjsip)).read(path)
        own = folder.pbx_name(root)
        place = Place(folder.shown(str(PurePosixPath(root) / next(iter(configs)))), 1)
        self.found = Found(pbx_id_of(own), own, "Asterisk", place)
        for config in configs.values():
            self.found.problems += config.problems
        lines, transports = _lines(configs)
        self._lines = {line.name: line for line in lines}
        self._carrier = [line for line in lines if self._goes_to_carrier(line)]
        tell(self.found, secrets_of(configs, {line.name for line in self._carrier}, trunk))
        self._trunks()
        self._addresses(transports)
        if "extensions.conf" in configs:
            self._dialplan(Dialplan(configs["extensions.conf"]))

    def _goes_to_carrier(self, line: Line) -> bool:
        hosts = line.hosts or line.matches
        return any(self._trunk.is_carrier(host) for host, _ in hosts)

    def _trunks(self) -> None:
        if self._carrier:
            self.found.place = self._carrier[0].place
        for line in self._carrier:
            key = f"trunk.{line.name}"
            for host, place in line.hosts:
                self.found.say(f"{key}.host", host, place)
            self.found.say(f"{key}.auth", "credentials" if line.signs_in else "ip", line.signs_in or line.place)
            if line.registers:
                self.found.say(f"{key}.registration", "yes", line.registers)
            if line.context:
                self.found.say(f"{key}.context", line.context, line.place)
            for match, place in line.matches:
                self.found.say("inbound.match", match, place)

    def _addresses(self, transports: list[Transport]) -> None:
        """Say the addresses of the transports that trunks to the carrier use, not those of phones."""
        used = dict.fromkeys(line.transport for line in self._carrier if line.transport)
        for transport in [one for name in used for one in transports if one.name == name] if used else transports:
            seen: dict[str, list[tuple[str, Place]]] = {}
            for one in transport.settings:
                if one.name in ADDRESSES and one.value:
                    kind = ADDRESSES[one.name]
                    value = one.value if kind == "local_net" else host_of(one.value)
                    self.found.say(f"address.{kind}", value, one.place)
                    seen.setdefault(kind, []).append((value, one.place))
            self.found.addresses += seen.get("external") or seen.get("bind", [])

    def _dialplan(self, dialplan: Dialplan) -> None:
        for dialed in dialplan.dialed():
            for device in dialed.device.split("&"):
                self._device(device.strip(), dialed, dialplan)
        for value, place in dialplan.headers(TAG):
            self.found.say("x_tag", value, place)
        for context in dict.fromkeys(line.context for line in self._carrier if line.context):
            for pattern, place in dialplan.inbound(context):
                if pattern.startswith("_"):
                    self.found.say("number.pattern", pattern, place)
                else:
                    self.found.numbers.append((pattern, place))
        if dialplan.cut:
            reason = "The dialplan has more steps than are followed, so some dial strings are missing."
            self.found.problems.append(Problem(self.found.place.file, None, "", reason))

    def _device(self, device: str, dialed: Dialed, dialplan: Dialplan) -> None:
        """Say what a device dials where it goes to the carrier, or through the dialplan once more."""
        kind, _, rest = device.partition("/")
        if kind.upper() == "LOCAL":
            number, _, context = rest.partition("@")
            code = dialplan.code(context.partition("/")[0]) if "*" in number or "#" in number else ""
            if code:
                self.found.say("dialplan.dial", f"{number}@{context} past {code}", dialed.step.place)
        elif kind.upper() in ("PJSIP", "SIP"):
            for name, user, host in _ways(rest):
                line = self._lines.get(name)
                if line in self._carrier or (not line and self._trunk.is_carrier(host)):
                    place = dialed.step.place
                    if not line:
                        self.found.say(f"trunk.{host}.host", host, place)
                        self.found.say(f"trunk.{host}.auth", "credentials" if "@" in name else "ip", place)
                    if user:
                        self.found.say(f"trunk.{name if line else host}.dial", user, place)
                    return


def _lines(configs: dict[str, Config]) -> tuple[list[Line], list[Transport]]:
    lines: list[Line] = []
    transports: list[Transport] = []
    for name, config in configs.items():
        if name not in ("extensions.conf", *WATCHED):
            more, own = of_sip(config) if name == "sip.conf" else of_pjsip(config)
            lines += more
            transports += own
    return lines, transports


def _ways(rest: str) -> Iterator[tuple[str, str, str]]:
    """Return what a device after its technology can mean: name of the line, number, host."""
    name, _, uri = rest.partition("/")
    user, _, where = rest.rpartition("@")
    if uri.lower().startswith(("sip:", "sips:")):
        number, _, host = uri.partition(":")[2].rpartition("@")
        yield name, number, host_of(host)
    elif uri:
        yield name, uri.rpartition("@")[0] or uri, host_of(name)
    elif where and user:
        yield where, user, host_of(where)
    else:
        yield rest, "", host_of(rest)
