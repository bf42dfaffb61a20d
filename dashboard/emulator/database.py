"""
The emulator's database: SQLite in WAL mode, one file in its home.

``CALL_COLUMNS`` are the documented columns of a CDR export, in order (source: the vendor's published
sample header). Calls are stored in export format, so that an export only reads rows.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dashboard.domain.admission import DEFAULT_NO_PATH_STATUS, Observations, Policy
from dashboard.emulator.traffic.sample import Sample

CALL_COLUMNS = (
    "direction",
    "start_time",
    "end_time",
    "destination",
    "number_alias",
    "callerid",
    "total_cost",
    "destination_name",
    "callerid_country",
    "line_information",
    "result",
    "call_fail_sip_code",
    "call_fail_reason",
    "duration",
    "billed_duration",
    "rate",
    "first_increment",
    "subsequent_increment",
    "cost_subtotal",
    "connect_fee",
    "usf_fee",
    "ccrf",
    "cnam_lookup_fee",
    "custom_x_tag",
    "customer_ip",
)
BUSY_S = 5
"""Seconds to wait while another process locks the file; readers never wait."""
FILLED = 1
"""``user_version`` of a completely seeded file; a file whose seeding was interrupted is created anew."""
SCHEMA = f"""
CREATE TABLE account (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE allowed_ips (
  network TEXT PRIMARY KEY, label TEXT, owner TEXT, purpose TEXT, role TEXT, added_at TEXT, added_by TEXT,
  review_by TEXT
);
CREATE TABLE routes (
  id INTEGER PRIMARY KEY, alias TEXT UNIQUE NOT NULL, route_type TEXT NOT NULL, value TEXT, edge_strategy_id TEXT
);
CREATE TABLE numbers (
  id TEXT PRIMARY KEY, alias TEXT, number_type TEXT, route_id INTEGER REFERENCES routes(id),
  failover_route_id INTEGER REFERENCES routes(id)
);
CREATE TABLE edges (id TEXT PRIMARY KEY, name TEXT, host TEXT, description TEXT, ranges TEXT);
CREATE TABLE inventory (frame TEXT, row TEXT);
CREATE TABLE calls (rowid INTEGER PRIMARY KEY, {", ".join(CALL_COLUMNS)});
CREATE INDEX calls_by_start ON calls (start_time);
CREATE TABLE exports (id INTEGER PRIMARY KEY AUTOINCREMENT, content TEXT NOT NULL);
"""


@dataclass(frozen=True)
class EmulatedAccount:
    """The account's settings, and the emulated behavior where the real carrier's behavior is unknown."""

    tech_prefix: str
    credentials_enabled: bool
    credentials_changed_at: datetime
    list_changed_at: datetime
    created_at: datetime
    digest_rescues_prefix: bool = True
    no_path_status: int = DEFAULT_NO_PATH_STATUS
    refusals_in_cdrs: bool = True
    sample: bool = True
    public_ranges: tuple[str, ...] = ()


class Database:
    """Database of one emulated account. Thread-safe: a lock serializes access to the connection."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._lock = threading.RLock()
        self._connection = self._connected()
        self.fresh = not self._connection.execute("PRAGMA user_version").fetchone()[0]
        if self.fresh:
            self._connection.close()
            for end in ("", "-wal", "-shm"):
                path.with_name(path.name + end).unlink(missing_ok=True)
            self._connection = self._connected()
            self._connection.executescript(SCHEMA)

    def _connected(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=BUSY_S, check_same_thread=False, isolation_level=None)
        connection.row_factory = sqlite3.Row
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Open a transaction; roll it back on any exception."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def rows(self, query: str, parameters: Iterable[Any] = ()) -> list[sqlite3.Row]:
        """Return all rows of a query."""
        with self._lock:
            return self._connection.execute(query, tuple(parameters)).fetchall()

    def stream(self, query: str, parameters: Iterable[Any] = ()) -> Iterator[sqlite3.Row]:
        """Yield the rows of a query from a separate connection, without loading them all into memory."""
        with closing(sqlite3.connect(self._path, timeout=BUSY_S)) as connection:
            connection.row_factory = sqlite3.Row
            yield from connection.execute(query, tuple(parameters))

    def seed(self, sample: Sample, *, now: datetime, history: Iterable[tuple[Any, ...]]) -> None:
        """Seed a new database with the sample account and its calls."""
        with self.writing() as connection:
            self._put(
                connection,
                tech_prefix=sample.tech_prefix,
                credentials_enabled=int(sample.credentials_enabled),
                credentials_changed_at=sample.changed_at.isoformat(),
                list_changed_at=sample.list_changed_at.isoformat(),
                created_at=now.isoformat(),
                sample=1,
                public_ranges=",".join(sample.public_ranges),
            )
            for row in sample.allowed_ips:
                _insert(connection, "allowed_ips", {key: _text(value) for key, value in row.items()})
            edge_ids = {row["name"]: row["edge_strategy_id"] for row in sample.edges}
            for row in sample.edges:
                _insert(connection, "edges", {"id": row["edge_strategy_id"], **_but(row, "edge_strategy_id")})
            connection.execute("INSERT INTO routes VALUES (0, 'sip-reg', 'sip-reg', NULL, NULL)")
            for number, row in enumerate(sample.routes, start=100_001):
                _insert(
                    connection,
                    "routes",
                    {"id": number, **_but(row, "edge"), "edge_strategy_id": edge_ids.get(row["edge"])},
                )
            routes = {row["alias"]: row["id"] for row in connection.execute("SELECT id, alias FROM routes")}
            for row in sample.numbers:
                connection.execute(
                    "INSERT INTO numbers VALUES (?, ?, ?, ?, ?)",
                    (
                        row["number"],
                        row["alias"],
                        row["number_type"],
                        routes.get(row["route"]),
                        routes.get(row["failover_route"]),
                    ),
                )
        self.keep_inventory(sample)
        self.add_calls(history)
        with self.writing() as connection:
            connection.execute(f"PRAGMA user_version={FILLED}")

    def keep_inventory(self, sample: Sample) -> None:
        """Store the sample's inventory, which a new home can import."""
        with self.writing() as connection:
            for frame in ("pbxs", "pbx_addresses", "pbx_numbers", "past_allowed_ips"):
                connection.executemany(
                    "INSERT INTO inventory VALUES (?, ?)",
                    [
                        (frame, json.dumps({key: _text(value) for key, value in row.items()}))
                        for row in getattr(sample, frame)
                    ],
                )

    def add_calls(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Add calls, each a tuple of the values of ``CALL_COLUMNS`` in order."""
        placeholders = ", ".join("?" * len(CALL_COLUMNS))
        with self.writing() as connection:
            connection.executemany(f"INSERT INTO calls ({', '.join(CALL_COLUMNS)}) VALUES ({placeholders})", rows)  # noqa: S608 - fixed names

    def put(self, **values: Any) -> None:
        """Store settings of the account."""
        with self.writing() as connection:
            self._put(connection, **values)

    def change(self, values: dict[str, Any]) -> None:
        """Change settings, and the time of the credential switch in the same transaction: no call falls between."""
        with self.writing() as connection:
            if values.get("credentials_enabled", now := self.settings().credentials_enabled) != now:
                values = values | {"credentials_changed_at": stamp()}
            self._put(connection, **values)

    def settings(self) -> EmulatedAccount:
        """Return the current settings of the account."""
        values = {row["key"]: row["value"] for row in self.rows("SELECT key, value FROM account")}
        return EmulatedAccount(
            tech_prefix=values["tech_prefix"],
            credentials_enabled=values["credentials_enabled"] == "1",
            credentials_changed_at=datetime.fromisoformat(values["credentials_changed_at"]),
            list_changed_at=datetime.fromisoformat(values["list_changed_at"]),
            created_at=datetime.fromisoformat(values["created_at"]),
            digest_rescues_prefix=values.get("digest_rescues_prefix", "1") == "1",
            no_path_status=int(values.get("no_path_status", DEFAULT_NO_PATH_STATUS)),
            refusals_in_cdrs=values.get("refusals_in_cdrs", "1") == "1",
            sample=values.get("sample", "0") == "1",
            public_ranges=tuple(filter(None, values.get("public_ranges", "").split(","))),
        )

    def networks(self) -> frozenset[str]:
        """Return the networks of the allow list."""
        return frozenset(row["network"] for row in self.rows("SELECT network FROM allowed_ips"))

    def host_of(self, number: str) -> str:
        """Return the host in the primary route of a number, without a port; ``""`` if it has no route or value."""
        route_rows = self.rows(
            "SELECT value FROM numbers JOIN routes ON routes.id = numbers.route_id WHERE numbers.id = ?", (number,)
        )
        return str(route_rows[0]["value"] or "").partition(":")[0] if route_rows else ""

    def policy_now(self) -> tuple[Policy, Observations, datetime]:
        """Return the current policy, the emulated behavior where the real carrier's is unknown, and their time, UTC."""
        with self._lock:
            account = self.settings()
            policy = Policy(self.networks(), account.credentials_enabled, account.tech_prefix)
            now = datetime.now(UTC)
        return policy, Observations(account.digest_rescues_prefix, account.no_path_status), now

    def _put(self, connection: sqlite3.Connection, **values: Any) -> None:
        for key, value in values.items():
            stored = str(int(value)) if isinstance(value, bool) else str(value)
            connection.execute("INSERT OR REPLACE INTO account VALUES (?, ?)", (key, stored))


def stamp() -> str:
    """Return the current time as ISO 8601 UTC with microseconds."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _insert(connection: sqlite3.Connection, table: str, row: dict[str, Any]) -> None:
    names = ", ".join(row)
    placeholders = ", ".join("?" * len(row))
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({placeholders})", tuple(row.values()))  # noqa: S608 - fixed names


def _but(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in names}


def _text(value: Any) -> str:
    return "" if value is None else value.isoformat() if isinstance(value, datetime) else str(value)
