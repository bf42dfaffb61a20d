"""
Migrations of the state database, by Alembic: revisions are numbered, oldest first, and never edited.

``state.HEAD`` names the newest; a test holds the two together.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy.engine import Connection


def config() -> Config:
    """Return Alembic's settings: where the revisions are."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent))
    made.set_main_option("path_separator", "os")
    return made


def upgrade(connection: Connection) -> None:
    """Bring a database to the newest revision, in the transaction that is open."""
    settings = config()
    settings.attributes["connection"] = connection
    command.upgrade(settings, "head")
