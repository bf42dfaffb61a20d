"""
FreePBX reader: trunks and routes from a backup, a database dump or CSV files of the tables.

It reads ``trunks`` with ``pjsip`` and ``sip``, ``trunk_dialpatterns``, ``outbound_routes`` with their patterns and
trunks, ``incoming``, and the addresses in Asterisk SIP Settings. The configuration that FreePBX would generate from
them is evaluated like Asterisk's own files. If a folder also has those files, they are read instead, because Asterisk
runs them.
https://sangomakb.atlassian.net/wiki/spaces/PG (trunks, outbound routes, inbound routes, backup)
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from dashboard.pbx.inventory.rows import Problem, ReaderResult
from dashboard.pbx.readers.asterisk.conf_grammar import Config, ConfSetting
from dashboard.pbx.readers.asterisk.dialplan import Dialplan, keep
from dashboard.pbx.readers.asterisk.pbx import FILES, TAG, Pbx
from dashboard.pbx.readers.asterisk.trunks import AsteriskTransport, TrunkEndpoint
from dashboard.pbx.readers.config_folder import Folder
from dashboard.pbx.readers.facts import Found, Place, combine
from dashboard.pbx.readers.freepbx.backup import FOLDER, read_backup, tables_of_backup
from dashboard.pbx.readers.freepbx.dial_rules import DialRule, through
from dashboard.pbx.readers.freepbx.tables import FreepbxTables, TableRow, read_file, tables_of
from dashboard.pbx.readers.hosts import host_of
from dashboard.pbx.readers.secrets import Secret, report_secrets
from dashboard.schemas.object_types import ObjectType
from dashboard.sip import Trunk

CUSTOM = "extensions_custom.conf"
ON = ("on", "yes", "1")
CONTEXT = "from-pstn"
"""Default context of inbound calls from a trunk."""
MOST_TRIED = 100_000
"""Maximum number of trunk rules tried for all route patterns together."""
_COUNT = re.compile(r"\d{1,9}", re.ASCII)
_DID = re.compile(r"[+\d]+|_.+")


def accepts_folder(folder: Folder) -> bool:
    """Return whether a folder contains tables of trunks."""
    return bool(_roots(folder))


def read_folder(folder: Folder, trunk: Trunk) -> ReaderResult:
    """Read all PBXs of a folder; see ``pbx.sources`` for the reader interface."""
    written = {str(PurePosixPath(path).parent) for path in folder.files if PurePosixPath(path).name in FILES}
    pbxs: list[Found] = []
    problems: list[Problem] = []
    for root, paths in _roots(folder).items():
        if any(_is_within(folder_path, root) or _is_within(root, folder_path) for folder_path in written):
            reason = (
                "The files that FreePBX wrote are in the folder too, and were read in its place: they are what runs."
            )
            problems += [Problem(folder.shown(path), None, "", reason) for path in paths]
        else:
            pbxs.append(_FreePbx(folder, root, paths, trunk).found)
    reading = combine(pbxs, trunk)
    return ReaderResult(reading.rows, (*problems, *reading.problems))


def _roots(folder: Folder) -> dict[str, list[str]]:
    """Return the files with tables, by folder."""
    tables = {
        path: names for path, data in folder.files.items() if (names := tables_of_backup(path) or tables_of(path, data))
    }
    paths_by_root: dict[str, list[str]] = {}
    for path in sorted(tables):
        parent = PurePosixPath(path).parent
        paths_by_root.setdefault(str(parent.parent if parent.name.lower() == FOLDER else parent), []).append(path)
    return {root: paths for root, paths in paths_by_root.items() if any("trunks" in tables[path] for path in paths)}


def _is_within(path: str, root: str) -> bool:
    return root in (".", path) or path.startswith(f"{root}/")


class _FreePbx:
    """Reader of one FreePBX."""

    def __init__(self, folder: Folder, root: str, paths: list[str], trunk: Trunk) -> None:
        self._tables = FreepbxTables()
        for path in paths:
            (read_backup if tables_of_backup(path) else read_file)(folder.shown(path), folder.files[path], self._tables)
        self._pbx = Pbx(folder.pbx_name(root), Place(folder.shown(paths[0]), 1), trunk)
        self.found = self._pbx.found
        self.found.vendor = "FreePBX"
        self.found.problems += self._tables.problems
        rows = [row for row in self._tables.of("trunks") if row["disabled"].lower() not in ON]
        self._settings = self._by_id()
        lines = [(row, line) for row in rows for line in self._line(row)]
        carrier = self._pbx.connect([line for _, line in lines], [self._transport()])
        trunks_by_id = {row["trunkid"]: (line.name, row) for row, line in lines if line in carrier}
        self._routes(trunks_by_id | {row["trunkid"]: ("", row) for row in rows if row["tech"].lower() == "custom"})
        for row in self._tables.of("incoming"):
            if _DID.fullmatch(row["extension"]):
                self._number(row)
        self._tag(folder, root)
        report_secrets(self.found, self._opened({row["trunkid"]: line in carrier for row, line in lines}))

    def _opened(self, carriers: Mapping[str, bool]) -> dict[Place, Secret]:
        """Return the kind of each secret; ``carriers`` maps trunk ids to whether the trunk goes to the carrier."""
        kinds = dict.fromkeys(self._tables.secrets, Secret.UNKNOWN)
        for (_, name), rows in self._settings.items():
            role, _, number = name.rpartition("-")
            kind = Secret.REGISTRATION if role == "tr-reg" else Secret.TRUNK
            if number not in carriers:
                kind = Secret.UNKNOWN if role else Secret.PHONE
            elif not carriers[number]:
                kind = Secret.OTHER_TRUNK
            kinds |= {row.place: kind for row in rows.values() if row.secret}
        return kinds

    def _by_id(self) -> dict[tuple[str, str], dict[str, TableRow]]:
        """Return the settings of ``pjsip`` and ``sip`` by table and id, then by name."""
        settings: dict[tuple[str, str], dict[str, TableRow]] = {}
        for table in ("pjsip", "sip"):
            for row in self._tables.of(table):
                settings.setdefault((table, row["id"].lower()), {})[row["keyword"].lower()] = row
        return settings

    def _line(self, row: TableRow) -> Iterator[TrunkEndpoint]:
        """Yield the endpoint of a trunk; nothing for a technology other than ``pjsip`` and ``sip``."""
        number = row["trunkid"]
        tech = row["tech"].lower()
        if tech == "pjsip":
            yield self._pjsip(row, self._settings.get(("pjsip", number), {}))
        elif tech == "sip":
            peer = self._settings.get(("sip", f"tr-peer-{number}"), {})
            line = TrunkEndpoint(row["channelid"], row.place, _hosts(peer, "host"), _hosts(peer, "host"))
            line.hosts += _hosts(peer, "outboundproxy")
            line.context = _text(peer, "context") or CONTEXT
            line.signs_in = next((setting.place for setting in peer.values() if setting.secret), None)
            register = self._settings.get(("sip", f"tr-reg-{number}"), {}).get("register")
            line.registers = register.place if register and register["data"] else None
            yield line

    def _pjsip(self, row: TableRow, settings: dict[str, TableRow]) -> TrunkEndpoint:
        line = TrunkEndpoint(_text(settings, "trunk_name") or row["channelid"] or row["name"], row.place)
        registration = _text(settings, "registration").lower()
        receives = registration == "receive"
        line.hosts = [] if receives else _hosts(settings, "aor_contact") or _hosts(settings, "sip_server")
        line.hosts += _hosts(settings, "outbound_proxy")
        line.matches = [] if receives else _parts(settings, "match") or _hosts(settings, "sip_server")
        if _text(settings, "authentication").lower() in ("outbound", "both"):
            line.signs_in = settings["authentication"].place
        if registration == "send":
            line.registers = settings["registration"].place
        line.context = _text(settings, "context") or CONTEXT
        return line

    def _transport(self) -> AsteriskTransport:
        """Return the addresses in Asterisk SIP Settings, from any of the tables in which FreePBX has stored them."""
        settings: list[ConfSetting] = []
        for row in [*self._tables.of("kvstore_sipsettings"), *self._tables.of("kvstore")]:
            settings += _address(row["key"].lower(), row["val"], row.place)
        for row in self._tables.of("sipsettings"):
            settings += _address(row["keyword"].lower(), row["data"], row.place)
        return AsteriskTransport("", settings)

    def _routes(self, trunks: dict[str, tuple[str, TableRow]]) -> None:
        """Add the dial strings of every route over ``trunks`` (by id), in the order in which FreePBX tries them."""
        rules: dict[str, list[DialRule]] = {}
        for row in self._ordered("trunk_dialpatterns"):
            rules.setdefault(row["trunkid"], []).append(_rule(row))
        used: dict[str, list[str]] = {}
        for row in self._ordered("outbound_route_trunks"):
            used.setdefault(row["route_id"], []).append(row["trunk_id"])
        order = {row["route_id"]: location for location, row in enumerate(self._ordered("outbound_route_sequence"))}
        patterns = sorted(self._tables.of("outbound_route_patterns"), key=lambda row: order.get(row["route_id"], 0))
        attempts = 0
        for row, trunk in (
            (pattern_row, trunk_id)
            for pattern_row in patterns
            for trunk_id in used.get(pattern_row["route_id"], [])
            if trunk_id in trunks
        ):
            name, pattern_row = trunks[trunk]
            attempts += 1 + len(rules.get(trunk, []))
            if attempts > MOST_TRIED:
                reason = "There are more routes and rules than are followed, so some dial strings are missing."
                self.found.problems.append(Problem(row.place.file, row.place.line, "", reason))
                return
            for text, location in _dialed(_rule(row), rules.get(trunk, []), pattern_row):
                self._dials(name, pattern_row, text, location)

    def _ordered(self, table: str) -> list[TableRow]:
        """Return the rows of a table in the order of their ``seq`` column."""
        return sorted(self._tables.of(table), key=lambda row: int(row["seq"]) if _COUNT.fullmatch(row["seq"]) else 0)

    def _dials(self, name: str, row: TableRow, text: str, location: Place) -> None:
        if name:
            self.found.say_trunk(name, "dial", text, location)
        else:
            self._pbx.dial(row["channelid"].replace("$OUTNUM$", text).removeprefix("AMP:"), location)

    def _number(self, row: TableRow) -> None:
        if row["extension"].startswith("_"):
            self.found.say(ObjectType.NUMBER, "pattern", row["extension"], row.place)
        else:
            self.found.numbers.append((row["extension"], row.place))

    def _tag(self, folder: Folder, root: str) -> None:
        """Read X-Tags from the custom dialplan file, which operators edit, if it is next to the tables."""
        for path in (str(PurePosixPath(root) / below / CUSTOM) for below in ("", "etc/asterisk", "files/etc/asterisk")):
            config = Config(folder, str(PurePosixPath(path).parent), keep).read(path)
            self.found.problems += config.problems
            for value, location in Dialplan(config).headers(TAG):
                self.found.say(ObjectType.PBX, "x_tag", value, location)


def _dialed(route: DialRule, rules: list[DialRule], trunk: TableRow) -> Iterator[tuple[str, Place]]:
    """Yield the dial strings for a route pattern, and the location of the setting that determined each."""
    for text, rule in through(f"{route.prepend}{route.passed}", rules):
        outer = trunk["dialoutprefix"]
        inner = rule.place if rule and rule.prepend else trunk.place if outer else route.place
        yield f"{outer}{text}", route.place if route.prepend else inner


def _rule(row: TableRow) -> DialRule:
    return DialRule(row["match_pattern_prefix"], row["match_pattern_pass"], row["prepend_digits"], row.place)


def _text(settings: dict[str, TableRow], name: str) -> str:
    return settings[name]["data"] if name in settings else ""


def _hosts(settings: dict[str, TableRow], name: str) -> list[tuple[str, Place]]:
    return [(host_of(text), location) for text, location in _parts(settings, name)]


def _parts(settings: dict[str, TableRow], name: str) -> list[tuple[str, Place]]:
    row = settings.get(name)
    return [(part.strip(), row.place) for part in row["data"].split(",") if part.strip()] if row else []


def _address(name: str, value: str, location: Place) -> list[ConfSetting]:
    """Convert a setting of Asterisk SIP Settings to transport settings."""
    if name in ("localnets", "binds"):
        return [
            ConfSetting("local_net" if name == "localnets" else "bind", network, location)
            for network in _listed(name, value)
        ]
    setting_name = "local_net" if name.startswith("localnet_") else "external_signaling_address"
    is_supported = setting_name == "local_net" or name in ("externip", "externip_val") or "extip-" in name
    return [ConfSetting(setting_name, value, location)] if is_supported and value else []


def _listed(name: str, value: str) -> list[str]:
    """Return the networks or addresses of a setting stored as JSON."""
    try:
        stored = json.loads(value or "null")
    except (ValueError, RecursionError):
        return []
    if isinstance(stored, list):
        nets = [entry for entry in stored if isinstance(entry, dict) and entry.get("net") and name == "localnets"]
        return [f"{entry['net']}/{entry.get('mask', '')}".rstrip("/") for entry in nets]
    kinds = [entry for entry in stored.values() if isinstance(entry, dict)] if isinstance(stored, dict) else []
    return sorted({str(host) for entry in kinds for host, state in entry.items() if state == "on" and name == "binds"})
