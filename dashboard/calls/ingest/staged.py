"""Staging result of one export file, stored beside its parts until the import completes."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet

from dashboard.calls.ingest.day_parts import DayFacts
from dashboard.calls.ingest.lenient_csv import Reject


@dataclass
class Staged:
    """Staging result of one file."""

    path: Path
    rows: int = 0
    days: dict[date, list[str]] = field(default_factory=dict)
    facts: dict[date, DayFacts] = field(default_factory=dict)
    """Facts about days whose calls were in memory as columns."""
    rejects: list[Reject] = field(default_factory=list)
    """The first bad rows, at most ``numbered_lines.MOST_KEPT``."""
    rejected: int = 0
    """Number of bad rows."""
    error: str = ""
    usable: bool = True
    """False if nothing of the file may be imported."""

    def has_ids(self) -> bool:
        """Return whether any call has an ID, considering only calls that were in memory."""
        return any(facts.has_ids for facts in self.facts.values())

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON-compatible values."""
        days = {day.isoformat(): parts for day, parts in self.days.items()}
        facts = {day.isoformat(): asdict(day_facts) for day, day_facts in self.facts.items()}
        return {**asdict(self), "path": str(self.path), "days": days, "facts": facts}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Staged:
        """Restore a result from the values of ``to_json``."""
        days = {date.fromisoformat(day): parts for day, parts in values["days"].items()}
        facts = {
            date.fromisoformat(day): DayFacts(**{**day_facts, "sealed": tuple(day_facts["sealed"])})
            for day, day_facts in values["facts"].items()
        }
        rejects = [Reject(**reject) for reject in values["rejects"]]
        return cls(**{**values, "path": Path(values["path"]), "days": days, "facts": facts, "rejects": rejects})


def rows_in(part: str | Path) -> int:
    """Return the row count of a Parquet file, read from its footer."""
    return int(pyarrow.parquet.read_metadata(part).num_rows)
