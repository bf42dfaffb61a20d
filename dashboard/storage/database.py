"""
State database: dated versions, findings, plans, journal rows, notes and small facts.

SQLAlchemy on SQLite (WAL, ``synchronous=FULL``, ``BEGIN IMMEDIATE`` for writes); any SQLAlchemy
URL works, so that several replicas can share a PostgreSQL database. Alembic migrations run
when the database is opened.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import local
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import SQLAlchemyError

from dashboard.core.clocks import to_come
from dashboard.core.errors import JournalError, StaleInputError, StateError
from dashboard.core.locks import exclusive
from dashboard.core.sqlite_faults import explain
from dashboard.core.text import counted
from dashboard.domain.changes import Plan, digest
from dashboard.storage import sealing
from dashboard.storage.anchors import JOURNAL, START, VERSIONS, WRITING, WRITTEN, Anchor, Anchors, Head
from dashboard.storage.read_only import copy_database, is_read_only

HEAD = "0003"
"""Newest migration. A database at this revision does not load Alembic, which takes half a second."""
BUSY_S = 30
ANCHORED = "anchors_began"
"""Fact: time of the first line of the anchor file; reveals that the file was removed and started again."""
SEALED = "versions_sealed"
"""Fact: when sealing of versions began and how many there were."""

NOUNS: Final = {"allowed_ips": "the list", "account": "the account"}
"""What an operator calls the content of a kind in a message; every other kind is part of the inventory."""

log = logging.getLogger(__name__)


class UtcTime(sa.types.TypeDecorator[datetime]):
    """A UTC timestamp, stored without a time zone because SQLite has no type for it."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Convert an aware time to UTC without a time zone."""
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - as above
        """Convert a stored time to an aware UTC time."""
        return None if value is None else value.replace(tzinfo=UTC)


metadata = sa.MetaData()

versions = sa.Table(
    "versions",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("kind", sa.String(40), nullable=False, index=True),
    sa.Column("valid_from", UtcTime, nullable=False),
    sa.Column("seen_at", UtcTime, nullable=False),
    sa.Column("known_by", sa.String(200), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("content", sa.JSON, nullable=False),
    sa.Column("recorded_at", UtcTime, nullable=False),
    sa.Column("recorded_by", sa.String(200), nullable=False),
    sa.Column("previous_hash", sa.String(64), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
)
findings = sa.Table(
    "findings",
    metadata,
    sa.Column("check", sa.String(80), primary_key=True),
    sa.Column("subject", sa.String(200), primary_key=True),
    sa.Column("status", sa.String(10), nullable=False),
    sa.Column("life", sa.String(12), nullable=False),
    sa.Column("first_seen_at", UtcTime, nullable=False),
    sa.Column("last_seen_at", UtcTime, nullable=False),
    sa.Column("times_reopened", sa.Integer, nullable=False, default=0),
)
plans = sa.Table(
    "plans",
    metadata,
    sa.Column("hash", sa.String(64), primary_key=True),
    sa.Column("made_at", UtcTime, nullable=False),
    sa.Column("content", sa.JSON, nullable=False),
)
journal = sa.Table(
    "journal",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("action", sa.String(32), nullable=False, index=True),
    sa.Column("phase", sa.String(10), nullable=False),
    sa.Column("actor", sa.String(200), nullable=False),
    sa.Column("title", sa.String(400), nullable=False),
    sa.Column("plan_hash", sa.String(64), nullable=False),
    sa.Column("undoes", sa.Integer, nullable=True),
    sa.Column("content", sa.JSON, nullable=False),
    sa.Column("previous_hash", sa.String(64), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
)
set_up_notes = sa.Table(
    "set_up_notes",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("pbx_id", sa.String(64), nullable=False, index=True),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("by", sa.String(200), nullable=False),
    sa.Column("content", sa.JSON, nullable=False),
)
meta = sa.Table(
    "meta",
    metadata,
    sa.Column("key", sa.String(80), primary_key=True),
    sa.Column("value", sa.JSON, nullable=False),
)


class _Writes(local):
    """Number of writes by each thread."""

    count = 0


class State:
    """An open state database. Safe to share between threads; close it when done."""

    def __init__(self, url: str, home: Path, anchors: Anchors | None = None) -> None:
        """
        Connect to a database; callers use ``open``, which also migrates it.

        Args:
            url: SQLAlchemy URL.
            home: State folder.
            anchors: Anchors of that home; without a key by default.
        """
        self.url = url
        self.home = home
        self.anchors = anchors or Anchors(home)
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._writes = _Writes()
        self._begun = False
        """Whether the anchors of the home are known to have their first lines."""
        self._before: str | None = HEAD
        """Revision of the database before it was opened; ``None`` if opening created it."""
        self._engine = sa.create_engine(url, connect_args={"timeout": BUSY_S} if url.startswith("sqlite") else {})
        if self._engine.dialect.name == "sqlite":
            sa.event.listen(self._engine, "connect", _prepare_sqlite)
            sa.event.listen(self._engine, "begin", _begin_sqlite)

    @classmethod
    def open(cls, home: Path, url: str = "", *, anchors: Anchors | None = None) -> State:
        """
        Open the database of a home; create or migrate it first.

        A read-only home is opened on a private copy of its database: everything can be read, internal notes such as
        lifecycle states and plans go to the copy and are lost, and all other writes are refused.

        Args:
            home: State folder; created if it does not exist.
            url: SQLAlchemy URL; SQLite in the home if empty.
            anchors: Anchors of that home; without a key by default.

        Raises:
            BusyError: Another process is migrating the database and does not finish in time.
            LockError: The lock of the home cannot be used.
            StateError: The database cannot be opened, or a newer version of the product wrote it.
        """
        if not url and is_read_only(home):
            return cls._open_copy(home, anchors)
        try:
            home.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as exc:
            raise StateError(f"The folder {home} cannot be used: {exc.strerror}. Choose another home.") from exc
        state = cls(url or f"sqlite:///{home / 'state.db'}", home, anchors)
        with exclusive(home / "state.lock", timeout_s=BUSY_S, busy=_busy(home)):
            state._before = state._migrate()
            try:
                state._begin_anchors(before=state._before)
            except JournalError as exc:  # writes that need an anchor are refused later; the rest works without
                log.warning("%s", exc)
        return state

    @classmethod
    def _open_copy(cls, home: Path, anchors: Anchors | None) -> State:
        scratch = tempfile.TemporaryDirectory(prefix="trunkgate-")
        try:
            copy_database(home / "state.db", Path(scratch.name) / "state.db")
            state = cls(f"sqlite:///{Path(scratch.name) / 'state.db'}", home, anchors)
            state._scratch = scratch
            state._migrate()
        except BaseException:
            scratch.cleanup()
            raise
        return state

    @property
    def read_only(self) -> bool:
        """Whether the home is read-only, so that nothing is recorded."""
        return self._scratch is not None

    @property
    def scratch(self) -> Path | None:
        """Temporary folder beside the private copy of a read-only home's database; ``close`` deletes it."""
        return Path(self._scratch.name) / "spill" if self._scratch else None

    def close(self) -> None:
        """Close all connections and delete the private copy of a read-only home's database."""
        self._engine.dispose()
        if self._scratch is not None:
            self._scratch.cleanup()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a connection for reading."""
        with _translate_errors(self.url), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self, *, own_notes: bool = False) -> Iterator[Connection]:
        """
        Open a write transaction; all of it is committed, or nothing.

        Args:
            own_notes: The data may be lost: for a read-only home it goes to the private copy.

        Raises:
            StateError: The home is read-only, or the database cannot be written.
        """
        if self.read_only and not own_notes:
            raise StateError(f"The home {self.home} is read-only, so nothing can be recorded or changed in it.")
        with (
            _translate_errors(self.url),
            self._engine.connect().execution_options(writes=True) as connection,
            connection.begin(),
        ):
            yield connection
        self._writes.count += 1

    @property
    def writes(self) -> int:
        """Number of writes by this thread; a change means that data read before may be outdated."""
        return self._writes.count

    def save_version(
        self,
        kind: str,
        content: Any,
        *,
        valid_from: datetime,
        seen_at: datetime,
        known_by: str,
        based_on: Mapping[str, int] | None = None,
    ) -> bool:
        """
        Record a new version, or confirm that the latest one is still valid.

        A version that begins at a time in the future was written while the clock was ahead. The first reading after
        the clock was set back is recorded as a new version even if its content is equal: from then on the content is
        known to be valid, and ``begins`` limits the start of earlier versions to it.

        Args:
            kind: Name of a frame, or ``account``.
            content: JSON value: rows as dicts for a frame.
            valid_from: Instant from which this content is valid; replaced by ``seen_at`` if it is later than that by
                more than the tolerated clock difference.
            seen_at: Instant at which it was read.
            known_by: ``carrier``, or the operator as text.
            based_on: Ids of the versions, by kind, that the content was made from; 0 where there was none. By default
                the content replaces any version.

        Returns:
            Whether a new version was written.

        Raises:
            StaleInputError: One of the kinds in ``based_on`` has a newer version, so nothing was written.
            JournalError: The new version cannot be anchored, so it was not written.
        """
        mark = digest(content)
        self.begin_anchors()
        if to_come(valid_from, seen_at):
            valid_from = seen_at
        with self.writing() as connection:
            _refuse_changed(connection, based_on or {})
            last = connection.execute(_latest(kind)).mappings().first()
            is_ahead = last is not None and to_come(last["valid_from"], seen_at)
            if last and last["digest"] == mark and not is_ahead:
                connection.execute(
                    versions.update().where(versions.c.id == last["id"]).values(seen_at=seen_at, known_by=known_by)
                )
                return False
            if last and not is_ahead:
                valid_from = max(valid_from, last["valid_from"])
            newest = connection.execute(_newest(versions)).mappings().first()
            row: dict[str, Any] = {
                "id": newest["id"] + 1 if newest else 1,
                "kind": kind,
                "valid_from": _plain(valid_from),
                "seen_at": seen_at,
                "known_by": known_by,
                "recorded_at": _plain(seen_at),
                "recorded_by": known_by,
                "digest": mark,
                "content": content,
                "previous_hash": newest["hash"] if newest else sealing.GENESIS,
            }
            row["hash"] = sealing.of_version(row)
            count = connection.execute(sa.select(sa.func.count()).select_from(versions)).scalar_one() + 1
            self.anchors.append(Head(VERSIONS, WRITING, count, row["hash"]))
            connection.execute(versions.insert().values(**row))
        self.anchored(Head(VERSIONS, WRITTEN, count, row["hash"]))
        return True

    def begin_anchors(self) -> None:
        """
        Write the first lines of the anchors if that failed when the home was opened.

        Raises:
            JournalError: They still cannot be written.
            BusyError: Another process holds the lock of the home.
        """
        if self._begun or self.read_only:
            return
        with exclusive(self.home / "state.lock", timeout_s=BUSY_S, busy=_busy(self.home)):
            self._begin_anchors(before=self._before)

    def anchored(self, head: Head) -> None:
        """Append the ``written`` anchor of a committed row; if that fails, its ``writing`` anchor stays valid."""
        try:
            self.anchors.append(head)
        except JournalError as exc:
            log.warning("%s", exc)

    def versions_head(self) -> str:
        """Return the hash of the last recorded version; 64 zeros if there is none."""
        with self.reading() as connection:
            row = connection.execute(_newest(versions)).first()
        return str(row.hash) if row else sealing.GENESIS

    def sealed_versions(self) -> list[dict[str, Any]]:
        """Return all versions of all kinds, in the order of the chain."""
        with self.reading() as connection:
            return [dict(row) for row in connection.execute(versions.select().order_by(versions.c.id)).mappings()]

    def latest(self, kind: str) -> dict[str, Any] | None:
        """Return the latest version of a kind as a row of ``versions``; ``None`` if there is none."""
        with self.reading() as connection:
            row = connection.execute(_latest(kind)).mappings().first()
        return dict(row) if row else None

    def last_seen(self) -> dict[str, datetime]:
        """Return when the latest version of each kind was last read or confirmed, UTC."""
        newest = sa.select(sa.func.max(versions.c.id)).group_by(versions.c.kind)
        query = sa.select(versions.c.kind, versions.c.seen_at).where(versions.c.id.in_(newest))
        with self.reading() as connection:
            return {row.kind: row.seen_at for row in connection.execute(query)}

    def last_version(self) -> int:
        """Return the id of the newest version of any kind; 0 if there is none."""
        with self.reading() as connection:
            return int(connection.execute(sa.select(sa.func.max(versions.c.id))).scalar() or 0)

    def versions(self, kind: str) -> list[dict[str, Any]]:
        """Return all versions of a kind, oldest first, with their times as written; see ``begins``."""
        query = versions.select().where(versions.c.kind == kind).order_by(versions.c.id)
        with self.reading() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a small fact; ``default`` if it is not set."""
        with self.reading() as connection:
            row = connection.execute(sa.select(meta.c.value).where(meta.c.key == key)).first()
        return row[0] if row else default

    def put(self, key: str, value: Any) -> None:
        """Store a small fact."""
        with self.writing() as connection:
            connection.execute(meta.delete().where(meta.c.key == key))
            connection.execute(meta.insert().values(key=key, value=value))

    def add(self, key: str, value: Any) -> None:
        """Append a value to a small fact that is a list."""
        with self.writing() as connection:
            row = connection.execute(sa.select(meta.c.value).where(meta.c.key == key)).first()
            connection.execute(meta.delete().where(meta.c.key == key))
            connection.execute(meta.insert().values(key=key, value=[*(row[0] if row else []), value]))

    def save_plan(self, plan: Plan) -> None:
        """Store a plan under its hash, as it was shown."""
        with self.writing(own_notes=True) as connection:
            connection.execute(plans.delete().where(plans.c.hash == plan.hash))
            connection.execute(
                plans.insert().values(hash=plan.hash, made_at=plan.made_at, content=plan.model_dump(mode="json"))
            )

    def plans(self) -> list[Plan]:
        """Return the plans that were shown, newest first."""
        with self.reading() as connection:
            rows = connection.execute(sa.select(plans.c.content).order_by(plans.c.made_at.desc())).scalars().all()
        return [Plan.model_validate(row) for row in rows]

    def _migrate(self) -> str | None:
        """Migrate the database to ``HEAD``; return its previous revision, ``None`` if it was empty."""
        with self.writing(own_notes=True) as connection:
            at: str | None = None
            if sa.inspect(connection).has_table("alembic_version"):
                at = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
            if at == HEAD:
                return at
            if at is not None and at > HEAD:
                raise StateError(
                    f"The state database {self.url} was written by a newer version (revision {at}). "
                    "Install that version, or point TRUNKGATE_HOME at another folder."
                )
            from dashboard.storage.migrations import upgrade  # noqa: PLC0415 - loads Alembic, which is rarely needed

            upgrade(connection)
            return at

    def _begin_anchors(self, *, before: str | None) -> None:
        """
        Write the first line of each chain if the home has no anchors yet, and store its time as a fact.

        If the home already has calls, its database was emptied, so it is not a new home.

        Raises:
            JournalError: The anchors cannot be written, or the anchor file was damaged or changed.
        """
        if self.get(ANCHORED) is None:
            begun = self._first_anchor(before=before)
            self.put(ANCHORED, {"at": begun.at.isoformat()})
        self._begun = True

    def _first_anchor(self, *, before: str | None) -> Anchor:
        """
        Return the first anchor; write the ``start`` line of each chain that lacks it.

        A loss of power may cut off the first write anywhere, so the file may have no valid line, or that of one chain.
        Rows are recorded only after both lines, so such a file is completed only if it agrees with the database.

        Raises:
            JournalError: See ``_begin_anchors``.
        """
        lines = self.anchors.read()
        self.refuse_damaged_anchors(lines)
        starts = self._starts()
        missing = [head for head in starts if head.chain not in {line.chain for line in lines}]
        agrees = all(any(_is_same_head(line, head) for head in starts) for line in lines) and self._only_sealed(starts)
        if missing and (agrees or not self.anchors.exists):
            self.anchors.append(*missing, after_calls=before is None and has_calls(self.home))
            lines = self.anchors.read()
        return lines[0]

    def refuse_damaged_anchors(self, lines: Sequence[Anchor]) -> None:
        """
        Refuse an anchor file that has content but no valid line, unless nothing was recorded that it could anchor.

        Raises:
            JournalError: The file was damaged or overwritten.
        """
        if lines or not self.anchors.exists:
            return
        starts = self._starts()
        if starts[0].entries or not self._only_sealed(starts):
            entries = counted(starts[0].entries, "journal entry", "journal entries")
            recorded = f"{entries} and {counted(starts[1].entries, 'version')}"
            raise JournalError(
                f"The anchor file {self.anchors.path} has no valid line, but there are {recorded}: the file was "
                "damaged or overwritten. Put it back from a backup. If it never had a line, because power was lost "
                "when an update began it, remove it; what was recorded so far then has no anchor, and `trunkgate "
                "journal verify` says so."
            )

    def _starts(self) -> list[Head]:
        """Return the ``start`` lines of chains that are anchored from now on: of the journal, and of the versions."""
        heads = []
        for chain, table in ((JOURNAL, journal), (VERSIONS, versions)):
            with self.reading() as connection:
                count = connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
                last = connection.execute(_newest(table)).first()
            heads.append(Head(chain, START, count, last.hash if last else sealing.GENESIS))
        return heads

    def _only_sealed(self, starts: Sequence[Head]) -> bool:
        """Return whether there are only the versions of before sealing began, which needed no anchor."""
        return bool(starts[1].entries == self.get(SEALED, {}).get("versions", 0))


def _busy(home: Path) -> str:
    return f"Another process keeps {home} busy. Wait for it to end, then try again."


def _is_same_head(line: Anchor, head: Head) -> bool:
    return (line.chain, line.step, line.entries, line.head) == (head.chain, head.step, head.entries, head.head)


def begins(rows: Sequence[Mapping[str, Any]]) -> list[datetime]:
    """
    Return the start of each version of a kind, never later than that of the next one.

    Args:
        rows: From ``State.versions``; a version written while the clock was ahead may begin after its successor.
    """
    starts: list[datetime] = []
    for row in reversed(rows):
        starts.append(min(row["valid_from"], starts[-1]) if starts else row["valid_from"])
    return starts[::-1]


def has_calls(home: Path) -> bool:
    """Return whether calls were ever stored in a home."""
    return any((home / "calls" / "generations").glob("*.json"))


def _latest(kind: str) -> sa.Select[Any]:
    return versions.select().where(versions.c.kind == kind).order_by(versions.c.id.desc()).limit(1)


def _refuse_changed(connection: Connection, based_on: Mapping[str, int]) -> None:
    """Raise ``StaleInputError`` if a kind has a newer version than the one that an edit was made from."""
    for kind, version_id in based_on.items():
        last = connection.execute(_latest(kind)).mappings().first()
        if last and last["id"] != version_id:
            noun = NOUNS.get(kind, "the inventory")
            raise StaleInputError(
                f"{last['recorded_by']} changed {noun} at {last['recorded_at']:%Y-%m-%d %H:%M:%S} UTC, after it was "
                f"shown here, and that change was not overwritten. Look at {noun} again, then repeat what you did."
            )


def _newest(table: sa.Table) -> sa.Select[Any]:
    """Select the id and hash of the last row of a chain."""
    return sa.select(table.c.id, table.c.hash).order_by(table.c.id.desc()).limit(1)


def _plain(at: datetime) -> datetime:
    """Return a time as a plain ``datetime`` in UTC, as the database returns it; pandas has its own subclass."""
    utc = at.astimezone(UTC)
    return datetime(utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second, utc.microsecond, UTC)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={BUSY_S * 1000}", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _translate_errors(url: str) -> Iterator[None]:
    """Translate SQLAlchemy errors to ``StateError``."""
    try:
        yield
    except SQLAlchemyError as exc:
        address = sa.make_url(url)
        on_disk = address.get_backend_name() == "sqlite"
        reason = getattr(exc, "orig", None) or exc
        if on_disk:
            raise StateError(explain("The state database", address.database or "", reason)) from exc
        safe_url = address.render_as_string(hide_password=True)
        raise StateError(f"The state database {safe_url} cannot be used: {reason}.") from exc
