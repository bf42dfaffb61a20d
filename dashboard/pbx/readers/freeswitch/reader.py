"""
FreeSWITCH reader: a folder with ``freeswitch.xml`` or ``vars.xml``, gateways in ``sip_profiles`` and a ``dialplan``.

It reads the gateways to the carrier, the dial strings bridged to them, inbound numbers, and the configured addresses of
profiles. Passwords are dropped while a file is read; only their presence is kept as a fact.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from dashboard.pbx.inventory.ids import pbx_id_of
from dashboard.pbx.inventory.rows import ReaderResult
from dashboard.pbx.readers.config_folder import Folder
from dashboard.pbx.readers.facts import Found, Place, combine
from dashboard.pbx.readers.freeswitch.dialplan import Again, Leg, evaluate_actions, numbers
from dashboard.pbx.readers.freeswitch.secrets import secrets_of
from dashboard.pbx.readers.freeswitch.xml_config import Configuration, Element
from dashboard.pbx.readers.hosts import host_of
from dashboard.pbx.readers.secrets import report_secrets
from dashboard.schemas.object_types import ObjectType
from dashboard.sip import Trunk

STARTS = ("freeswitch.xml", "vars.xml")
PARTS = ("sip_profiles", "dialplan")
MARKS = (b"<gateway", b"<extension", b"X-PRE-PROCESS")
HOSTS = ("proxy", "realm", "outbound-proxy", "register-proxy")
ADDRESSES = {"ext-sip-ip": "external", "ext-rtp-ip": "media", "sip-ip": "bind"}
YES = frozenset({"true", "yes", "on", "1", "t", "enabled", "active", "allow"})


def accepts_folder(folder: Folder) -> bool:
    """Return whether a folder contains a FreeSWITCH configuration."""
    return bool(_roots(folder))


def read_folder(folder: Folder, trunk: Trunk) -> ReaderResult:
    """Read all PBXs of a folder; see ``pbx.sources`` for the reader interface."""
    return combine((_FreeswitchReader(folder, root, trunk).found for root in _roots(folder)), trunk)


def _roots(folder: Folder) -> list[str]:
    """Return the folders with a configuration; the whole folder if it has only single files of one."""
    files = [PurePosixPath(path) for path in folder.files if path.lower().endswith(".xml")]
    roots = {str(path.parent) for path in files if path.name in STARTS}
    parted = {str(parent.parent) for path in files for parent in path.parents if parent.name in PARTS}
    roots |= {root for root in parted if not any(_is_below(root, root_found) for root_found in roots)}
    if roots or not any(mark in folder.files[str(path)] for path in files for mark in MARKS):
        return sorted(roots)
    return ["."]


def _is_below(path: str, root: str) -> bool:
    return PurePosixPath(path).is_relative_to(root)


class _FreeswitchReader:
    """Reader of one FreeSWITCH."""

    def __init__(self, folder: Folder, root: str, trunk: Trunk) -> None:
        self._trunk = trunk
        files = sorted(
            path
            for path in folder.files
            if path.lower().endswith(".xml") and _is_below(path, "" if root == "." else root)
        )
        starts = [path for name in STARTS for path in files if path == str(PurePosixPath(root) / name)]
        config = Configuration(folder)
        for path in starts[:1] if starts and starts[0].endswith(STARTS[0]) else dict.fromkeys((*starts, *files)):
            config.read(path)
        pbx_name = folder.pbx_name(root)
        first = (*starts, *files, "")[0]
        self.found = Found(
            pbx_id_of(pbx_name), pbx_name, "FreeSWITCH", Place(folder.shown(first), 1), problems=config.problems
        )
        report_secrets(self.found, secrets_of(config, self._is_carrier, trunk))
        self._gateways: set[str] = set()
        self._contexts: dict[str, None] = {}
        self._lists: dict[str, None] = {}
        self._profiles: dict[int, Element] = {}
        for element, above in config.found:
            if element.tag == "gateway":
                self._gateway(element, above)
        for element, _ in config.found:
            if element.tag == "profile":
                self._profile(element)
        self._acl(config)
        self._dialplan(config)

    def _is_carrier(self, gateway: Element) -> bool:
        return any(self._trunk.is_carrier(host) for host, _ in _hosts(gateway))

    def _gateway(self, gateway: Element, above: tuple[Element, ...]) -> None:
        name = gateway.attrs.get("name", "")
        hosts = _hosts(gateway)
        if not name or not self._is_carrier(gateway):
            return
        if not self._gateways:
            self.found.place = gateway.place
        self._gateways.add(name)
        for host, location in dict(hosts).items():
            self.found.say_trunk(name, "host", host, location)
        password = gateway.param("password")
        signs_in = password is not None and password.has_password
        self.found.say_trunk(
            name, "auth", "credentials" if signs_in else "ip", password.place if password else gateway.place
        )
        register = gateway.param("register")
        if register is None or register.attrs.get("value", "").lower() in YES:
            self.found.say_trunk(name, "registration", "yes", register.place if register else gateway.place)
        profile = next((ancestor for ancestor in reversed(above) if ancestor.tag == "profile"), None)
        if profile:
            self._profiles[id(profile)] = profile
        if context := gateway.value("context"):
            self._contexts[context] = None
            self.found.say_trunk(name, "context", context, gateway.place)

    def _profile(self, profile: Element) -> None:
        """Add the addresses of a profile if it has a gateway to the carrier, or if no profile has one."""
        has_carrier_gateway = id(profile) in self._profiles
        if self._profiles and not has_carrier_gateway:
            return
        addresses_of_kind: dict[str, list[tuple[str, Place]]] = {}
        settings = [setting for part in profile.children if part.tag == "settings" for setting in part.children]
        for setting in settings:
            name = setting.attrs.get("name", "")
            value = setting.attrs.get("value", "")
            if name in ADDRESSES and value and "$" not in value:
                address = value.removeprefix("autonat:")
                self.found.say(ObjectType.ADDRESS, ADDRESSES[name], address, setting.place)
                addresses_of_kind.setdefault(ADDRESSES[name], []).append((address, setting.place))
            elif has_carrier_gateway and name == "context":
                self._contexts[value] = None
            elif has_carrier_gateway and name == "apply-inbound-acl":
                self._lists[value] = None
        if has_carrier_gateway:
            self.found.addresses += addresses_of_kind.get("external") or addresses_of_kind.get("bind", [])

    def _acl(self, config: Configuration) -> None:
        for element, _ in config.found:
            if element.tag == "list" and element.attrs.get("name", "") in self._lists:
                for node in element.children:
                    match = node.attrs.get("cidr") or node.attrs.get("host") or ""
                    if node.attrs.get("type") == "allow" and match:
                        self.found.say(ObjectType.INBOUND, "match", match, node.place)

    def _dialplan(self, config: Configuration) -> None:
        extensions = [
            (element, next((item.attrs.get("name", "") for item in reversed(above) if item.tag == "context"), ""))
            for element, above in config.found
            if element.tag == "extension"
        ]
        codes = {
            context: expression
            for element, context in reversed(extensions)
            for expression, _, _ in numbers(element)
            if expression.lstrip("^(").startswith("\\*")
        }
        for element, context in extensions:
            for item in evaluate_actions(element, config.variables):
                if isinstance(item, Leg):
                    self._leg(item)
                elif isinstance(item, Again):
                    code = codes.get(item.context or context, "")
                    if code and ("*" in item.number or "#" in item.number):
                        self.found.say(
                            ObjectType.DIALPLAN,
                            "dial",
                            f"{item.number}@{item.context or context} past {code}",
                            item.place,
                        )
                else:
                    self.found.say(ObjectType.PBX, "x_tag", *item)
            if context in (self._contexts or {"public": None}):
                self._inbound(element)

    def _leg(self, leg: Leg) -> None:
        name = leg.gateway or leg.host
        if leg.gateway and leg.gateway not in self._gateways:
            return
        if not leg.gateway:
            if not self._trunk.is_carrier(leg.host):
                return
            self.found.say_trunk(name, "host", leg.host, leg.place)
        if leg.signs_in or not leg.gateway:
            self.found.say_trunk(name, "auth", "credentials" if leg.signs_in else "ip", leg.place)
        if leg.number:
            self.found.say_trunk(name, "dial", leg.number, leg.place)

    def _inbound(self, extension: Element) -> None:
        for expression, shapes, location in numbers(extension):
            exact = [shape.letters for shape in shapes if shape.letters.strip("+").isdigit()]
            if exact:
                self.found.numbers += [(number, location) for number in exact]
            else:
                self.found.say(ObjectType.NUMBER, "pattern", expression, location)


def _hosts(gateway: Element) -> list[tuple[str, Place]]:
    """Return the hosts of a gateway; its own name if it specifies none."""
    hosts = [(host_of(param.attrs.get("value", "")), param.place) for key in HOSTS if (param := gateway.param(key))]
    return hosts or [(host_of(gateway.attrs.get("name", "")), gateway.place)]
