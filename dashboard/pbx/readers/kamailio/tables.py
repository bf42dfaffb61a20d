r"""
Kamailio's lists and tables: dispatcher destinations, address groups, registrations.

Formats: list files (``dispatcher.list``, the address file of permissions), db_text tables (a header of
``name(type)``, cells separated by ``:``, ``\:`` for a colon within one), and MySQL, SQLite and PostgreSQL dumps.
"""

from __future__ import annotations

import re
from bisect import insort
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from dashboard.core.text import counted, quoted
from dashboard.pbx.inventory.rows import Problem
from dashboard.pbx.readers.config_folder import Folder
from dashboard.pbx.readers.facts import Place
from dashboard.pbx.readers.hosts import has_password, host_of
from dashboard.pbx.readers.kamailio.grammar import LONGEST_LINE
from dashboard.pbx.readers.secrets import NamesOf, is_secret_name
from dashboard.pbx.readers.sql_dump import rows
from dashboard.pbx.readers.text_records import text_of

MOST_ROWS = 20_000
MOST_SAID = 100
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "dispatcher": ("id", "setid", "destination", "flags", "priority", "attrs", "description"),
    "address": ("id", "grp", "ip_addr", "mask", "port", "tag"),
    "uacreg": (
        "id",
        "l_uuid",
        "l_username",
        "l_domain",
        "r_username",
        "r_domain",
        "realm",
        "auth_username",
        "auth_password",
        "auth_ha1",
        "auth_proxy",
        "expires",
        "flags",
        "reg_delay",
        "contact_addr",
        "socket",
    ),
}
"""Supported tables, with their columns in Kamailio's order."""
NOT_USED = 1 | 4
"""Flags of a destination that is never called: inactive or disabled."""
_COLUMN = re.compile(r"(?P<name>\w+)\((?:int|string|str|double|blob|time)[^)]*\)", re.IGNORECASE)
_COLON = re.compile(r"(?<!\\):")


@dataclass(frozen=True)
class DispatcherDestination:
    """A dispatcher destination."""

    host: str
    priority: int
    attrs: str
    place: Place

    def attr(self, *names: str) -> str:
        """Return the value of the first of these attributes that is present; ``""`` if none is."""
        attributes = dict(part.partition("=")[::2] for part in self.attrs.split(";"))
        return next((attributes[name] for name in names if name in attributes), "")


@dataclass
class KamailioTables:
    """Contents of the lists and tables of one Kamailio."""

    folder: Folder
    sets: dict[str, list[DispatcherDestination]] = field(default_factory=dict)
    """Active destinations by dispatcher set, the highest priority first."""
    groups: dict[str, list[tuple[str, str, Place]]] = field(default_factory=dict)
    """Networks or hosts with their tag and location, by address group."""
    registrations: list[tuple[str, Place]] = field(default_factory=list)
    """Hosts with which Kamailio registers."""
    secrets: list[Place] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    _rows: int = 0

    def read_list(self, path: str, table: str) -> None:
        """Read a list file: ``dispatcher.list`` or the address file of permissions."""
        for location, line in self._lines(path):
            parts = re.sub(r"(^|\s)#.*", "", line).split()
            if not parts:
                continue
            if table == "dispatcher":
                names = ("setid", "destination", "flags", "priority", "attrs")
            else:
                names = ("grp", "ip_addr", "mask", "port", "tag")
            if len(parts) == 1:
                self._report(
                    location, f"The line has no {names[1]} behind the number {quoted(parts[0], 20)}. Complete it."
                )
            else:
                self._row(table, dict(zip(names, parts, strict=False)), location)

    def read_db_text(self, path: str, table: str) -> None:
        """Read a table in db_text format."""
        columns: list[str] = []
        for location, line in self._lines(path):
            if not columns:
                columns = [match["name"].lower() for match in _COLUMN.finditer(line)]
            elif line.strip():
                cells = [re.sub(r"\\(.)", r"\1", cell) for cell in _COLON.split(line)]
                if len(cells) < len(columns):
                    has = counted(len(cells), "cell")
                    self._report(
                        location, f"The row has {has}, and the table {counted(len(columns), 'column')}. Complete it."
                    )
                else:
                    self._row(table, dict(zip(columns, cells, strict=False)), location)

    def read_sql(self, path: str) -> None:
        """Read the supported tables of a database dump."""
        display_path = self.folder.shown(path)
        for row in rows(text_of(self.folder.files[path]), COLUMNS):
            location = Place(display_path, row.line)
            if row.fault:
                self._report(location, row.fault)
            elif not self._row(row.table, dict(zip(row.columns, row.cells, strict=True)), location):
                return

    def _lines(self, path: str) -> Iterator[tuple[Place, str]]:
        display_path = self.folder.shown(path)
        for number, line in enumerate(text_of(self.folder.files[path]).split("\n"), start=1):
            if len(line) > LONGEST_LINE:
                self._report(
                    Place(display_path, number), f"The line has {len(line):,} characters and was left out. Shorten it."
                )
            else:
                yield Place(display_path, number), line.rstrip("\r")

    def _row(self, table: str, cells: Mapping[str, str], location: Place) -> bool:
        self._rows += 1
        if self._rows > MOST_ROWS:
            if self._rows == MOST_ROWS + 1:
                self._report(location, f"The tables have more than {MOST_ROWS:,} rows; the rest was left out.")
            return False
        if table == "dispatcher":
            self._destination(cells, location)
        elif table == "address":
            match = cells.get("ip_addr", "").strip('"')
            mask = cells.get("mask", "")
            whole = mask in ("", "NULL", "32") and ":" not in match
            network = match if whole or "/" in match or not mask.isdecimal() else f"{match}/{mask}"
            self.groups.setdefault(cells.get("grp", ""), []).append((network, cells.get("tag", ""), location))
        else:
            if any(value and is_secret_name(name, NamesOf.KAMAILIO) for name, value in cells.items()):
                self.secrets.append(location)
            hosts = (host_of(cells.get(name, "")) for name in ("auth_proxy", "r_domain", "realm"))
            self.registrations += [(host, location) for host in hosts if host][:1]
        return True

    def _destination(self, cells: Mapping[str, str], location: Place) -> None:
        uri = cells.get("destination", "")
        flags = cells.get("flags", "0")
        attrs = cells.get("attrs", "")
        if has_password(uri) or any(
            is_secret_name(part.partition("=")[0], NamesOf.KAMAILIO) for part in attrs.split(";") if "=" in part
        ):
            self.secrets.append(location)
        safe_attrs = ";".join(
            part for part in attrs.split(";") if not is_secret_name(part.partition("=")[0], NamesOf.KAMAILIO)
        )
        number = int(flags) if flags.isdecimal() and len(flags) < 6 else 0  # noqa: PLR2004 - flags are shorter
        priority = cells.get("priority", "0")
        if host_of(uri) and not number & NOT_USED:
            destination = DispatcherDestination(
                host_of(uri), int(priority) if re.fullmatch(r"-?\d{1,9}", priority) else 0, safe_attrs, location
            )
            insort(
                self.sets.setdefault(cells.get("setid", ""), []),
                destination,
                key=lambda other_destination: -other_destination.priority,
            )

    def _report(self, location: Place, message: str) -> None:
        if len(self.problems) < MOST_SAID:
            self.problems.append(Problem(location.file, location.line, "", message))
