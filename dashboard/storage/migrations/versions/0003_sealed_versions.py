"""
Chain the recorded versions as the journal is chained, and refuse rows that replace others.

Versions that are there already are sealed as they are; ``meta`` says when, and how many they were.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from dashboard.storage import sealing
from dashboard.storage.database import SEALED, UtcTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

EPOCH = "1970-01-01 00:00:00.000000"
MUTABLE = ("seen_at", "known_by")
"""When and by whom a version was last confirmed; everything else of it stays as it was recorded."""

versions = sa.table(
    "versions",
    sa.column("id", sa.Integer),
    sa.column("kind", sa.String),
    sa.column("valid_from", UtcTime),
    sa.column("seen_at", UtcTime),
    sa.column("known_by", sa.String),
    sa.column("digest", sa.String),
    sa.column("recorded_at", UtcTime),
    sa.column("recorded_by", sa.String),
    sa.column("previous_hash", sa.String),
    sa.column("hash", sa.String),
)
meta = sa.table("meta", sa.column("key", sa.String), sa.column("value", sa.JSON))


def upgrade() -> None:
    """Add the columns of the chain, seal what is there, then refuse changes to it."""
    op.add_column("versions", sa.Column("recorded_at", sa.DateTime, nullable=False, server_default=EPOCH))
    op.add_column("versions", sa.Column("recorded_by", sa.String(200), nullable=False, server_default=""))
    op.add_column("versions", sa.Column("previous_hash", sa.String(64), nullable=False, server_default=""))
    op.add_column("versions", sa.Column("hash", sa.String(64), nullable=False, server_default=""))
    connection = op.get_bind()
    previous, count = sealing.GENESIS, 0
    for row in connection.execute(versions.select().order_by(versions.c.id)).mappings().all():
        sealed: dict[str, Any] = {
            **row,
            "recorded_at": row["seen_at"],
            "recorded_by": row["known_by"],
            "previous_hash": previous,
        }
        previous = sealing.of_version(sealed)
        changed = {name: sealed[name] for name in ("recorded_at", "recorded_by", "previous_hash")}
        connection.execute(versions.update().where(versions.c.id == row["id"]).values(**changed, hash=previous))
        count += 1
    began = {"at": datetime.now(UTC).isoformat(), "versions": count}
    connection.execute(meta.insert().values(key=SEALED, value=began))
    if connection.dialect.name == "sqlite":
        _refuse_on_sqlite()


def _refuse_on_sqlite() -> None:
    """
    Refuse what would change a sealed row.

    ``INSERT OR REPLACE`` fires no delete trigger, unless a client asks for it; so an insert of an id that exists is
    refused before it is carried out.
    """
    sealed = "id, kind, valid_from, digest, content, recorded_at, recorded_by, previous_hash, hash"
    op.execute(
        f"CREATE TRIGGER versions_keeps_update BEFORE UPDATE OF {sealed} ON versions "
        "BEGIN SELECT RAISE(ABORT, 'versions are append-only'); END"
    )
    op.execute(
        "CREATE TRIGGER versions_keeps_delete BEFORE DELETE ON versions "
        "BEGIN SELECT RAISE(ABORT, 'versions are append-only'); END"
    )
    for table, words in (("journal", "the journal is"), ("versions", "versions are")):
        there = sa.select(1).select_from(sa.table(table)).where(sa.column("id") == sa.text("NEW.id"))
        op.execute(
            f"CREATE TRIGGER {table}_keeps_insert BEFORE INSERT ON {table} WHEN EXISTS ({there}) "
            f"BEGIN SELECT RAISE(ABORT, '{words} append-only'); END"
        )


def downgrade() -> None:
    """Drop the columns and the triggers."""
    for trigger in ("versions_keeps_update", "versions_keeps_delete", "versions_keeps_insert", "journal_keeps_insert"):
        op.execute(f"DROP TRIGGER IF EXISTS {trigger}")
    for column in ("hash", "previous_hash", "recorded_by", "recorded_at"):
        op.drop_column("versions", column)
