"""
Kamailio reader for an egress proxy: a folder with ``kamailio.cfg``, its includes, lists and tables.

It reads the carrier destinations, the number sent to them on each path through the routes, the X-Tag, whether digest
challenges are answered, which sources are accepted, and the addresses that sockets advertise. Passwords are dropped
during parsing; only their presence is kept as a fact.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv4Network, ip_network
from pathlib import PurePosixPath

from dashboard.core.text import quoted
from dashboard.pbx.inventory.ids import pbx_id_of
from dashboard.pbx.inventory.rows import Problem, ReaderResult
from dashboard.pbx.readers.config_folder import Folder
from dashboard.pbx.readers.facts import Found, Place, combine
from dashboard.pbx.readers.hosts import host_of
from dashboard.pbx.readers.kamailio.grammar import Source
from dashboard.pbx.readers.kamailio.route_path import Way
from dashboard.pbx.readers.kamailio.route_walker import RouteWalker
from dashboard.pbx.readers.kamailio.script import parse
from dashboard.pbx.readers.kamailio.secrets import MARK_OF_CARRIER, secrets_of
from dashboard.pbx.readers.kamailio.tables import COLUMNS, KamailioTables
from dashboard.pbx.readers.secrets import report_secrets
from dashboard.schemas.object_types import ObjectType
from dashboard.sip import Trunk

START = "kamailio.cfg"
MARKS = re.compile(rb"^\s*(#!KAMAILIO|request_route\b|route\s*\[|loadmodule\b|modparam\s*\(|listen\s*=)", re.MULTILINE)
LISTS = {
    "dispatcher": ("dispatcher", "list_file", "dispatcher.list"),
    "address": ("permissions", "address_file", "address.list"),
}
"""Module, parameter and default file name of each table's list file."""
_BEGINNING = 65_536
_SOCKET = re.compile(
    r"(?:(?P<kind>udp|tcp|tls|sctp):)?(?P<bind>\[[^\]]*\]|[^\s:]+)\S*"
    r"(?:\s+(?:as|AS|advertise|ADVERTISE)\s+(?P<advertise>\[[^\]]*\]|[^\s:]+)\S*)?(?:.*?\sname\s+(?P<name>\S+))?"
)
_DB_TEXT = {"dispatcher": "setid(", "address": "ip_addr(", "uacreg": "auth_proxy("}
_PRIVATE = tuple(IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8"))


def accepts_folder(folder: Folder) -> bool:
    """Return whether a folder contains a Kamailio configuration."""
    return bool(_roots(folder))


def read_folder(folder: Folder, trunk: Trunk) -> ReaderResult:
    """Read all PBXs of a folder; see ``pbx.sources`` for the reader interface."""
    return combine((_KamailioReader(folder, root, trunk).found for root in _roots(folder)), trunk)


def _roots(folder: Folder) -> list[str]:
    """Return the folders with ``kamailio.cfg``; the whole folder if it has only other parts of a configuration."""
    starts = {str(PurePosixPath(path).parent) for path in folder.files if PurePosixPath(path).name == START}
    return sorted(starts) or (["."] if _parts(folder) else [])


def _parts(folder: Folder) -> list[str]:
    """Return the files recognized by their content as parts of a Kamailio configuration."""
    return sorted(
        path for path, data in folder.files.items() if path.endswith(".cfg") and MARKS.search(data[:_BEGINNING])
    )


class _KamailioReader:
    """Reader of one Kamailio."""

    def __init__(self, folder: Folder, root: str, trunk: Trunk) -> None:
        self._folder = folder
        self._root = "" if root == "." else root
        self._trunk = trunk
        self._source = Source(folder, self._root)
        start = str(PurePosixPath(root) / START)
        files = [start] if start in folder.files else _parts(folder)
        for path in files:
            if path not in self._source.files:
                self._source.read(path)
        self._script = parse(self._source.tokens, self._source.say)
        self._tables = KamailioTables(folder)
        self._read_tables()
        pbx_name = folder.pbx_name(root)
        self.found = Found(pbx_id_of(pbx_name), pbx_name, "Kamailio", Place(folder.shown(files[0]), 1))
        self._calls = RouteWalker(self._script, self._tables)
        self.found.problems = [*self._source.problems, *self._tables.problems]
        self._sent = [
            (route_path, location) for route_path, location in self._calls.sent if self._to_carrier(route_path)
        ]
        self._secrets()
        self._trunks()
        self._inbound()
        self._addresses()
        self._unread()

    def _read_tables(self) -> None:
        """Read the list files configured in modules, and all table files in the folder."""
        for table, (module, name, default) in LISTS.items():
            value = self._script.param(module, name)
            path = self._source.found(value.text if value else default)
            if path:
                self._tables.read_list(path, table)
            elif value:
                self._source.say(value.place, f"{quoted(value.text)} is not in the folder. Add the file.")
        for path, data in sorted(self._folder.files.items()):
            pure = PurePosixPath(path)
            if not pure.is_relative_to(self._root):
                continue
            if path.lower().endswith(".sql"):
                self._tables.read_sql(path)
            elif pure.stem in COLUMNS and _DB_TEXT[pure.stem].encode() in data.split(b"\n", 1)[0]:
                self._tables.read_db_text(path, pure.stem)

    def _secrets(self) -> None:
        """Add the facts about secrets, with their kinds."""
        carrier_trunks = [path.trunk for path, _ in self._sent]
        report_secrets(
            self.found,
            secrets_of(self._source.secrets, self._tables, self._calls.signs_in, carrier_trunks, self._trunk),
        )

    def _to_carrier(self, path: Way) -> bool:
        return any(self._trunk.is_carrier(host) for host, _ in path.hosts)

    def _trunks(self) -> None:
        trunks = self._destinations()
        self.found.unread = not self._sent and not self._calls.signs_in and not self._tables.registrations
        for trunk, hosts in trunks.items():
            for host, location in hosts:
                self.found.say_trunk(trunk, "host", host, location)
            signs_in = self._calls.signs_in.get(trunk)
            if signs_in or not self.found.unread:
                self.found.say_trunk(trunk, "auth", "credentials" if signs_in else "ip", signs_in or hosts[0][1])
        registered = [(host, location) for host, location in self._tables.registrations if self._trunk.is_carrier(host)]
        for host, location in registered:
            if not trunks:
                self.found.say_trunk(host, "host", host, location)
            self.found.say_trunk(next(iter(trunks), host), "registration", "yes", location)
        self.found.place = next((hosts[0][1] for hosts in trunks.values()), self.found.place)
        self._dialed()

    def _dialed(self) -> None:
        for path, location in self._sent:
            self.found.say_trunk(path.trunk, "dial", path.number, location)
        for path, _ in self._sent:
            for tag, location in path.tags:
                self.found.say(ObjectType.PBX, "x_tag", tag, location)

    def _destinations(self) -> dict[str, tuple[tuple[str, Place], ...]]:
        """Return hosts by trunk: destinations of calls, and carrier sets without any call to them."""
        hosts_by_trunk = {path.trunk: path.hosts for path, _ in self._sent}
        known_hosts = {item for hosts in hosts_by_trunk.values() for item in hosts}
        for name, members in self._tables.sets.items():
            carrier = tuple((item.host, item.place) for item in members if self._trunk.is_carrier(item.host))
            if carrier and known_hosts.isdisjoint(carrier):
                hosts_by_trunk[f"dispatcher-{name}"] = carrier
        return hosts_by_trunk

    def _inbound(self) -> None:
        """Add the networks of groups and sets that accept the carrier, and carrier addresses named in conditions."""
        allowed = self._calls.allowed or {""}
        from_sets = self._calls.from_sets
        sets = {
            name: [(item.host, "", item.place) for item in destinations]
            for name, destinations in self._tables.sets.items()
        }
        for groups, checked_names in ((self._tables.groups, allowed), (sets, from_sets)):
            for name, entries in groups.items():
                is_checked = name in checked_names or any("$" in item or not item for item in checked_names)
                if is_checked and self._lets_carrier_in(entries):
                    for match, _, location in entries:
                        self.found.say(ObjectType.INBOUND, "match", match, location)
        for match, location in self._calls.sources:
            if self._trunk.is_carrier(match):
                self.found.say(ObjectType.INBOUND, "match", match, location)

    def _lets_carrier_in(self, entries: list[tuple[str, str, Place]]) -> bool:
        if any(self._trunk.is_carrier(match) or MARK_OF_CARRIER in tag.lower() for match, tag, _ in entries):
            return True
        return not self._trunk.pops and not all(_is_private(match) for match, _, _ in entries)

    def _sockets(self) -> Iterator[tuple[str, str, str, Place]]:
        """Yield bound address, advertised address, name and location of each socket."""
        for text, location in self._source.listens:
            match = _SOCKET.match(text)
            if match:
                yield match["bind"].strip("[]"), (match["advertise"] or "").strip("[]"), match["name"] or "", location
        for block in self._script.sockets:
            if "bind" in block:
                bind = _SOCKET.match(block["bind"].text)
                advertised = block.get("advertise")
                name = block["name"].text if "name" in block else ""
                host = host_of(advertised.text) if advertised else ""
                yield (bind["bind"].strip("[]") if bind else ""), host, name, (advertised or block["bind"]).place

    def _addresses(self) -> None:
        """Add the addresses of the sockets used for calls to the carrier; of all sockets if the routes name none."""
        sockets = list(self._sockets())
        used = dict.fromkeys(path.socket for path, _ in self._sent if path.socket)
        socket_texts = [(text, _bound(text)) for text in used]
        carrier_sockets = [
            socket for text, bind in socket_texts for socket in sockets if socket[0] == bind or socket[2] == text
        ] or sockets
        everywhere = self._script.settings.get("advertised_address")
        for bind, advertise, _, location in dict.fromkeys(carrier_sockets):
            self.found.say(ObjectType.ADDRESS, "bind", bind, location)
            if advertise:
                self.found.say(ObjectType.ADDRESS, "external", advertise, location)
            self.found.addresses.append((advertise or bind, location))
        if everywhere:
            self.found.say(ObjectType.ADDRESS, "external", host_of(everywhere.text), everywhere.place)
            self.found.addresses.insert(0, (host_of(everywhere.text), everywhere.place))

    def _unread(self) -> None:
        """Report parts of the configuration that affect calls but are not read."""
        engine = self._script.settings.get("cfgengine")
        if engine and engine.text not in ("native", "default"):
            self._problem(
                engine.place, f"The routes are in {engine.text[:20]}, which is not read: what is dialed is not known."
            )
        if self._calls.cut:
            self._problem(
                self.found.place, "The routes have more ways than are followed, so some dial strings are missing."
            )

    def _problem(self, location: Place, message: str) -> None:
        self.found.problems.append(Problem(location.file, location.line, "", message))


def _bound(text: str) -> str:
    match = _SOCKET.match(text)
    return match["bind"].strip("[]") if match else ""


def _is_private(text: str) -> bool:
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        return False
    return isinstance(network, IPv4Network) and any(network.subnet_of(private_network) for private_network in _PRIVATE)
