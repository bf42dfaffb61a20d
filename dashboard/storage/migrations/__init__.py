"""
Migrations of the state database, by Alembic: revisions are numbered, oldest first, and never edited.

``database.HEAD`` names the newest revision; a test checks that it does.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy.engine import Connection


def config() -> Config:
    """Return Alembic's configuration with the location of the revisions."""
    alembic_config = Config()
    alembic_config.set_main_option("script_location", str(Path(__file__).parent))
    alembic_config.set_main_option("path_separator", "os")
    return alembic_config


def upgrade(connection: Connection) -> None:
    """Upgrade a database to the newest revision, in the open transaction."""
    settings = config()
    settings.attributes["connection"] = connection
    command.upgrade(settings, "head")
