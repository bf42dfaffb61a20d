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
from dashboard.pbx.readers.facts import Found, Place, together
from dashboard.pbx.readers.freeswitch.dialplan import Again, Leg, numbers, told
from dashboard.pbx.readers.freeswitch.secrets import secrets_of
from dashboard.pbx.readers.freeswitch.xml_config import Configuration, Element
from dashboard.pbx.readers.hosts import host_of
from dashboard.pbx.readers.secrets import tell
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
    return together((_FreeswitchReader(folder, root, trunk).found for root in _roots(folder)), trunk)


def _roots(folder: Folder) -> list[str]:
    """Return the folders with a configuration; the whole folder if it has only single files of one."""
    files = [PurePosixPath(path) for path in folder.files if path.lower().endswith(".xml")]
    found = {str(path.parent) for path in files if path.name in STARTS}
    parted = {str(parent.parent) for path in files for parent in path.parents if parent.name in PARTS}
    found |= {root for root in parted if not any(_is_below(root, known) for known in found)}
    if found or not any(mark in folder.files[str(path)] for path in files for mark in MARKS):
        return sorted(found)
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
        own = folder.pbx_name(root)
        first = (*starts, *files, "")[0]
        self.found = Found(pbx_id_of(own), own, "FreeSWITCH", Place(folder.shown(first), 1), problems=config.problems)
        tell(self.found, secrets_of(config, self._is_carrier, trunk))
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
        for host, place in dict(hosts).items():
            self.found.say_trunk(name, "host", host, place)
        password = gateway.param("password")
        signs_in = password is not None and password.has_password
        self.found.say_trunk(
            name, "auth", "credentials" if signs_in else "ip", password.place if password else gateway.place
        )
        register = gateway.param("register")
        if register is None or register.attrs.get("value", "").lower() in YES:
            self.found.say_trunk(name, "registration", "yes", register.place if register else gateway.place)
        profile = next((one for one in reversed(above) if one.tag == "profile"), None)
        if profile:
            self._profiles[id(profile)] = profile
        if context := gateway.value("context"):
            self._contexts[context] = None
            self.found.say_trunk(name, "context", context, gateway.place)

    def _profile(self, profile: Element) -> None:
        """Add the addresses of a profile if it has a gateway to the carrier, or if no profile has one."""
        own = id(profile) in self._profiles
        if self._profiles and not own:
            return
        seen: dict[str, list[tuple[str, Place]]] = {}
        settings = [one for part in profile.children if part.tag == "settings" for one in part.children]
        for one in settings:
            name = one.attrs.get("name", "")
            value = one.attrs.get("value", "")
            if name in ADDRESSES and value and "$" not in value:
                address = value.removeprefix("autonat:")
                self.found.say(ObjectType.ADDRESS, ADDRESSES[name], address, one.place)
                seen.setdefault(ADDRESSES[name], []).append((address, one.place))
            elif own and name == "context":
                self._contexts[value] = None
            elif own and name == "apply-inbound-acl":
                self._lists[value] = None
        if own:
            self.found.addresses += seen.get("external") or seen.get("bind", [])

    def _acl(self, config: Configuration) -> None:
        for element, _ in config.found:
            if element.tag == "list" and element.attrs.get("name", "") in self._lists:
                for node in element.children:
                    match = node.attrs.get("cidr") or node.attrs.get("host") or ""
                    if node.attrs.get("type") == "allow" and match:
                        self.found.say(ObjectType.INBOUND, "match", match, node.place)

    def _dialplan(self, config: Configuration) -> None:
        extensions = [
            (element, next((one.attrs.get("name", "") for one in reversed(above) if one.tag == "context"), ""))
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
            for one in told(element, config.variables):
                if isinstance(one, Leg):
                    self._leg(one)
                elif isinstance(one, Again):
                    code = codes.get(one.context or context, "")
                    if code and ("*" in one.number or "#" in one.number):
                        self.found.say(
                            ObjectType.DIALPLAN, "dial", f"{one.number}@{one.context or context} past {code}", one.place
                        )
                else:
                    self.found.say(ObjectType.PBX, "x_tag", *one)
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
        for expression, shapes, place in numbers(extension):
            exact = [shape.letters for shape in shapes if shape.letters.strip("+").isdigit()]
            if exact:
                self.found.numbers += [(number, place) for number in exact]
            else:
                self.found.say(ObjectType.NUMBER, "pattern", expression, place)


def _hosts(gateway: Element) -> list[tuple[str, Place]]:
    """Return the hosts of a gateway; its own name if it specifies none."""
    named = [(host_of(one.attrs.get("value", "")), one.place) for key in HOSTS if (one := gateway.param(key))]
    return named or [(host_of(gateway.attrs.get("name", "")), gateway.place)]
