"""Homes as earlier versions left them: a database at an old revision, with rows inserted by plain SQL."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command

from dashboard.domain.changes import Plan, digest
from dashboard.storage.migrations import config
from dashboard.storage.sealing import GENESIS, of_entry

THEN = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def make_database(home: Path, revision: str, *, plans: Sequence[tuple[Plan, str]] = ()) -> None:
    """
    Create the database of an old revision, with two versions of the account and journal entries.

    Args:
        home: Folder; created if missing.
        revision: Migration revision, e.g. ``0002``.
        plans: Pairs of a plan and its outcome; ``""`` means an interrupted fix.
    """
    home.mkdir(exist_ok=True)
    engine = sa.create_engine(f"sqlite:///{home / 'state.db'}")
    with engine.begin() as connection:
        settings = config()
        settings.attributes["connection"] = connection
        command.upgrade(settings, revision)
        for number, content in enumerate([{"credentials_on": True}, {"credentials_on": False}], start=1):
            row = {"id": number, "kind": "account", "known_by": "carrier", "digest": digest(content)}
            times = {"valid_from": _stored(THEN), "seen_at": _stored(THEN)}
            _insert(connection, "versions", row | times | {"content": json.dumps(content)})
        previous = GENESIS
        number = 0
        for plan, phase in plans:
            for each in ("begun", phase) if phase else ("begun",):
                number += 1
                content = {"plan": plan.model_dump(mode="json")} if each == "begun" else {"after": {}, "message": ""}
                entry: dict[str, Any] = {
                    "id": number,
                    "at": THEN,
                    "action": f"{plans.index((plan, phase)):032}",
                    "phase": each,
                    "actor": "ana (browser)",
                    "title": plan.title,
                    "plan_hash": plan.hash,
                    "undoes": None,
                    "content": content | {"before": plan.before},
                    "previous_hash": previous,
                }
                entry["hash"] = previous = of_entry(entry)
                stored = {"at": _stored(THEN), "content": json.dumps(entry["content"])}
                _insert(connection, "journal", entry | stored)
    engine.dispose()


def _stored(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S.%f")


def _insert(connection: sa.Connection, name: str, row: dict[str, Any]) -> None:
    connection.execute(sa.table(name, *map(sa.column, row)).insert().values(**row))
