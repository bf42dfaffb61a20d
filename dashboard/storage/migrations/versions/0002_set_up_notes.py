"""Set-up notes of a PBX, such as that its configuration was installed, or the result of a test call."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table; a note is never changed, a later one replaces it."""
    op.create_table(
        "set_up_notes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("pbx_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("by", sa.String(200), nullable=False),
        sa.Column("content", sa.JSON, nullable=False),
    )
    op.create_index("ix_set_up_notes_pbx_id", "set_up_notes", ["pbx_id"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("set_up_notes")
