"""
The state database: dated versions, findings, plans, the journal's rows, notes, small facts.

SQLAlchemy on SQLite (WAL, ``synchronous=FULL``, ``BEGIN IMMEDIATE`` for writes); any SQLAlchemy
address works, so that several replicas can share a PostgreSQL. Migrations are Alembic's and run
when the database is opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import local
from typing import Any

import sqlalchemy as sa
from filelock import FileLock, Timeout
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import SQLAlchemyError

from dashboard.changes import Plan, digest
from dashboard.errors import BusyError, StateError

HEAD = "0002"
"""The newest migration. A database that has it needs no Alembic, which takes half a second to load."""
BUSY_S = 30


class UtcTime(sa.types.TypeDecorator[datetime]):
    """A UTC timestamp; stored without its zone, because SQLite keeps none."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Store UTC without zone."""
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - as above
        """Return an aware UTC time."""
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
    """How often each thread has written."""

    count = 0


class State:
    """One open state database. Safe to share between threads; close it when done."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._writes = _Writes()
        self._engine = sa.create_engine(url, connect_args={"timeout": BUSY_S} if url.startswith("sqlite") else {})
        if self._engine.dialect.name == "sqlite":
            sa.event.listen(self._engine, "connect", _prepare_sqlite)
            sa.event.listen(self._engine, "begin", _begin_sqlite)

    @classmethod
    def open(cls, home: Path, url: str = "") -> State:
        """
        Open the database of a home, making or migrating it first.

        Args:
            home: State folder; made when it does not exist.
            url: SQLAlchemy address; SQLite in the home when empty.

        Raises:
            BusyError: Another process is migrating it and does not end.
            StateError: It cannot be opened, or a newer version of the product wrote it.
        """
        try:
            home.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise StateError(f"The folder {home} cannot be used: {exc.strerror}. Choose another home.") from exc
        state = cls(url or f"sqlite:///{home / 'state.db'}")
        try:
            with FileLock(str(home / "state.lock"), timeout=BUSY_S):
                state._migrate()
        except Timeout:
            raise BusyError(f"Another process keeps {home} busy. Wait for it to end, then try again.") from None
        return state

    def close(self) -> None:
        """Give back every connection."""
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a connection that only reads."""
        with _as_ours(self.url), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open one transaction that writes: all of it, or nothing."""
        with (
            _as_ours(self.url),
            self._engine.connect().execution_options(writes=True) as connection,
            connection.begin(),
        ):
            yield connection
        self._writes.count += 1

    @property
    def writes(self) -> int:
        """How often this thread has written, so that what it read before is known to be old."""
        return self._writes.count

    def record(self, kind: str, content: Any, *, valid_from: datetime, seen_at: datetime, known_by: str) -> bool:
        """
        Keep a version of something, or confirm that the latest one still holds.

        Args:
            kind: Name of a frame, or ``account``.
            content: JSON value: rows as dicts for a frame.
            valid_from: Instant from which this content holds.
            seen_at: Instant at which it was read.
            known_by: ``carrier``, or the operator as text.

        Returns:
            True where the content differs from the latest version and a new one was written.
        """
        mark = digest(content)
        with self.writing() as connection:
            last = connection.execute(_latest(kind)).mappings().first()
            if last and last["digest"] == mark:
                connection.execute(
                    versions.update().where(versions.c.id == last["id"]).values(seen_at=seen_at, known_by=known_by)
                )
                return False
            if last:
                valid_from = max(valid_from, last["valid_from"])
            connection.execute(
                versions.insert().values(
                    kind=kind, valid_from=valid_from, seen_at=seen_at, known_by=known_by, digest=mark, content=content
                )
            )
            return True

    def latest(self, kind: str) -> dict[str, Any] | None:
        """Return the latest version of a kind as a row of ``versions``; ``None`` where there is none."""
        with self.reading() as connection:
            row = connection.execute(_latest(kind)).mappings().first()
        return dict(row) if row else None

    def last_version(self) -> int:
        """Return the number of the newest version of any kind; 0 where there is none."""
        with self.reading() as connection:
            return int(connection.execute(sa.select(sa.func.max(versions.c.id))).scalar() or 0)

    def versions(self, kind: str) -> list[dict[str, Any]]:
        """Return every version of a kind, oldest first."""
        query = versions.select().where(versions.c.kind == kind).order_by(versions.c.id)
        with self.reading() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def get(self, key: str, default: Any = None) -> Any:
        """Return a small fact."""
        with self.reading() as connection:
            row = connection.execute(sa.select(meta.c.value).where(meta.c.key == key)).first()
        return row[0] if row else default

    def put(self, key: str, value: Any) -> None:
        """Keep a small fact."""
        with self.writing() as connection:
            connection.execute(meta.delete().where(meta.c.key == key))
            connection.execute(meta.insert().values(key=key, value=value))

    def keep_plan(self, plan: Plan) -> None:
        """Keep a plan under its hash, as it was shown."""
        with self.writing() as connection:
            connection.execute(plans.delete().where(plans.c.hash == plan.hash))
            connection.execute(
                plans.insert().values(hash=plan.hash, made_at=plan.made_at, content=plan.model_dump(mode="json"))
            )

    def plans(self) -> list[Plan]:
        """Return the plans that were shown, newest first."""
        with self.reading() as connection:
            rows = connection.execute(sa.select(plans.c.content).order_by(plans.c.made_at.desc())).scalars().all()
        return [Plan.model_validate(row) for row in rows]

    def _migrate(self) -> None:
        with self.writing() as connection:
            at = None
            if sa.inspect(connection).has_table("alembic_version"):
                at = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
            if at == HEAD:
                return
            if at is not None and at > HEAD:
                raise StateError(
                    f"The state database {self.url} was written by a newer version (revision {at}). "
                    "Install that version, or point TRUNKGATE_HOME at another folder."
                )
            from dashboard.migrations import upgrade  # noqa: PLC0415 - loads Alembic, which is rarely needed

            upgrade(connection)


def _latest(kind: str) -> sa.Select[Any]:
    return versions.select().where(versions.c.kind == kind).order_by(versions.c.id.desc()).limit(1)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={BUSY_S * 1000}", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _as_ours(url: str) -> Iterator[None]:
    """Turn what SQLAlchemy raises into what ``errors`` promises."""
    try:
        yield
    except SQLAlchemyError as exc:
        shown = sa.make_url(url).render_as_string(hide_password=True)
        raise StateError(f"The state database {shown} cannot be used: {getattr(exc, 'orig', None) or exc}.") from exc
