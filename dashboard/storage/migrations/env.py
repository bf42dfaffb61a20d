"""Alembic environment; ``State.open`` always runs it, on the connection that it passes."""

from __future__ import annotations

from alembic import context

from dashboard.storage.database import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
