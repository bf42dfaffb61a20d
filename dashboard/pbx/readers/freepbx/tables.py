"""
Tables of FreePBX's database, from a ``mysqldump`` dump or from one CSV file per table.

Only tables and columns about call routing are kept. A password is dropped while its row is parsed; only its location
is kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from dashboard.core.errors import FileError
from dashboard.core.text import counted
from dashboard.pbx.inventory.rows import Problem, problem_of
from dashboard.pbx.readers.asterisk.dialplan_text import without_credentials
from dashboard.pbx.readers.asterisk.trunks import keep_pjsip, keep_sip
from dashboard.pbx.readers.facts import Place
from dashboard.pbx.readers.secrets import NamesOf, is_secret_name
from dashboard.pbx.readers.sql_dump import rows, tables_in
from dashboard.pbx.readers.text_records import TextRecord, decode, records, text_of

MOST_ROWS = 200_000
MOST_SAID = 50

COLUMNS: Mapping[str, frozenset[str]] = {
    "trunks": frozenset({"trunkid", "tech", "channelid", "name", "dialoutprefix", "disabled"}),
    "pjsip": frozenset({"id", "keyword", "data"}),
    "sip": frozenset({"id", "keyword", "data"}),
    "trunk_dialpatterns": frozenset({"trunkid", "match_pattern_prefix", "match_pattern_pass", "prepend_digits", "seq"}),
    "outbound_routes": frozenset({"route_id"}),
    "outbound_route_patterns": frozenset({"route_id", "match_pattern_prefix", "match_pattern_pass", "prepend_digits"}),
    "outbound_route_trunks": frozenset({"route_id", "trunk_id", "seq"}),
    "outbound_route_sequence": frozenset({"route_id", "seq"}),
    "incoming": frozenset({"extension"}),
    "kvstore_sipsettings": frozenset({"key", "val"}),
    "kvstore": frozenset({"module", "key", "val"}),
    "sipsettings": frozenset({"keyword", "data"}),
}
"""Columns that are kept, by table."""
OTHER_NAMES = {"dids": "incoming", "did": "extension"}
"""Names of a table and a column in exports of inbound routes by the bulk handler and its predecessor module."""
WORDS = frozenset(
    (
        "sip_server",
        "authentication",
        "registration",
        "trunk_name",
        "disabletrunk",
        "externip",
        "externip_val",
        "localnets",
        "binds",
    )
)
"""Names of settings whose values are kept, in addition to those of Asterisk's own files."""
OWN_ADDRESS = re.compile(r"(?:udp|tcp|tls)extip-|localnet_\d")
_OF = {"aor_contact": "contact"}


@dataclass(frozen=True)
class TableRow:
    """A table row by column, and its location."""

    values: Mapping[str, str]
    place: Place
    secret: bool = False
    """Whether the row contained a password."""

    def __getitem__(self, column: str) -> str:
        return self.values.get(column, "").strip()


@dataclass
class FreepbxTables:
    """Rows by table name in lower case, problems, and locations of secrets."""

    rows: dict[str, list[TableRow]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    secrets: list[Place] = field(default_factory=list)
    count: int = 0

    def of(self, table: str) -> list[TableRow]:
        """Return the rows of a table."""
        return self.rows.get(table, [])

    def add(
        self, table: str, columns: Sequence[str], cells: Sequence[str], location: Place, *, secret: bool = False
    ) -> None:
        """Add a row without its secrets; ``secret`` indicates that one was already dropped."""
        self.count += 1
        if self.count > MOST_ROWS:
            if self.count == MOST_ROWS + 1:
                self.say(
                    location, f"There are more than {MOST_ROWS:,} rows of trunks and routes; the rest was left out."
                )
            return
        row = dict(zip(columns, cells, strict=False))
        if table == "kvstore" and row.get("module", "").lower() != "sipsettings":
            return
        word, value = ("keyword", "data") if "keyword" in COLUMNS[table] else ("key", "val")
        if value in COLUMNS[table]:
            row[value], has_secret = _sanitize(table, row.get(word, "").lower(), row.get(value, ""))
        else:
            row["channelid"], has_secret = without_credentials(row.get("channelid", ""))
            has_secret = has_secret or any(
                row[name] for name in row.keys() - COLUMNS[table] if is_secret_name(name, NamesOf.ASTERISK)
            )
        has_secret = has_secret or secret
        if has_secret:
            self.secrets.append(location)
        safe_row = {name: text for name, text in row.items() if name in COLUMNS[table]}
        self.rows.setdefault(table, []).append(TableRow(safe_row, location, has_secret))

    def say(self, location: Place, message: str) -> None:
        """Add a problem, up to ``MOST_SAID``."""
        if len(self.problems) < MOST_SAID:
            self.problems.append(Problem(location.file, location.line or None, "", message))


def _sanitize(table: str, name: str, value: str) -> tuple[str, bool]:
    """Return the part of a setting about call routing, and whether the setting contained a password."""
    if is_secret_name(name, NamesOf.ASTERISK):
        return "", bool(value)
    if name in WORDS or OWN_ADDRESS.match(name):
        return value, False
    safe_value, secret_kind = (keep_sip if table == "sip" else keep_pjsip)("", _OF.get(name, name), value)
    return safe_value, secret_kind is not None


def tables_of(path: str, data: bytes) -> frozenset[str]:
    """Return the tables in a file, from the statements of a dump or from the name and header of a CSV file."""
    pure = PurePosixPath(path)
    if pure.suffix.lower() == ".sql":
        return frozenset(tables_in(text_of(data)) & COLUMNS.keys())
    if pure.suffix.lower() == ".csv":
        header = next(records(text_of(data[:4096]).partition("\n")[0]), TextRecord(0)).cells
        table = _table_of(pure.stem)
        return frozenset({table} if table and COLUMNS[table] <= set(_column_names(header)) else ())
    return frozenset()


def read_file(display_name: str, data: bytes, tables: FreepbxTables) -> None:
    """Read the tables of a file; report unreadable rows with their line."""
    if display_name.lower().endswith(".sql"):
        _read_dump(display_name, text_of(data), tables)
    else:
        _read_csv(display_name, data, tables)


def _table_of(stem: str) -> str:
    """Return the table named by a file, such as ``trunks`` or ``asterisk_trunks``; ``""`` for any other file."""
    plain = stem.lower().removeprefix("asterisk").lstrip("_.-")
    plain = OTHER_NAMES.get(plain, plain)
    return plain if plain in COLUMNS else ""


def _column_names(header: Sequence[str]) -> list[str]:
    """Return the column names of a CSV header."""
    return [OTHER_NAMES.get(name, name) for name in (cell.strip().lower() for cell in header)]


def _read_csv(display_name: str, data: bytes, tables: FreepbxTables) -> None:
    table = _table_of(PurePosixPath(display_name).stem)
    try:
        file_records = records(decode(display_name, data))
    except FileError as exc:
        tables.problems.append(problem_of(exc))
        return
    header = next(file_records)
    columns = _column_names(header.cells)
    for record in file_records:
        location = Place(display_name, record.line)
        if record.fault or len(record.cells) != len(columns):
            tables.say(
                location,
                record.fault or f"The row has {counted(len(record.cells), 'cell')} and the header {len(columns)}.",
            )
        else:
            cells = ["" if cell in ("NULL", "\\N") else cell for cell in record.cells]
            tables.add(table, columns, cells, location)


def _read_dump(display_name: str, text: str, tables: FreepbxTables) -> None:
    unknown: set[str] = set()
    for row in rows(text, dict.fromkeys(COLUMNS, ())):
        location = Place(display_name, row.line)
        if row.columns:
            if row.fault:
                tables.say(location, row.fault)
            else:
                tables.add(row.table, row.columns, row.cells, location)
        elif row.table not in unknown:
            unknown.add(row.table)
            tables.say(location, f"The columns of {row.table} are not known. Dump it with its CREATE TABLE.")
