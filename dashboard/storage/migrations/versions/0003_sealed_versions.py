"""
Chain the recorded versions like the journal, and refuse inserts that replace existing rows.

Existing versions are sealed as they are; ``meta`` records when, and how many there were.
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
"""Columns that record when and by whom a version was last confirmed; all others stay as recorded."""

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
    """Add the columns of the chain, seal existing versions, then refuse changes to them."""
    op.add_column("versions", sa.Column("recorded_at", sa.DateTime, nullable=False, server_default=EPOCH))
    op.add_column("versions", sa.Column("recorded_by", sa.String(200), nullable=False, server_default=""))
    op.add_column("versions", sa.Column("previous_hash", sa.String(64), nullable=False, server_default=""))
    op.add_column("versions", sa.Column("hash", sa.String(64), nullable=False, server_default=""))
    connection = op.get_bind()
    previous = sealing.GENESIS
    count = 0
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
    Create triggers that refuse changes to a sealed row.

    ``INSERT OR REPLACE`` fires no delete trigger unless a client enables that, so a trigger refuses the insert of an
    existing id before it is carried out.
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
        existing_row = sa.select(1).select_from(sa.table(table)).where(sa.column("id") == sa.text("NEW.id"))
        op.execute(
            f"CREATE TRIGGER {table}_keeps_insert BEFORE INSERT ON {table} WHEN EXISTS ({existing_row}) "
            f"BEGIN SELECT RAISE(ABORT, '{words} append-only'); END"
        )


def downgrade() -> None:
    """Drop the columns and the triggers."""
    for trigger in ("versions_keeps_update", "versions_keeps_delete", "versions_keeps_insert", "journal_keeps_insert"):
        op.execute(f"DROP TRIGGER IF EXISTS {trigger}")
    for column in ("hash", "previous_hash", "recorded_by", "recorded_at"):
        op.drop_column("versions", column)
