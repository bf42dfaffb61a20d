"""What one export file gave, as it stands beside its parts until the import is through."""

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
    """What one file gave."""

    path: Path
    rows: int = 0
    days: dict[date, list[str]] = field(default_factory=dict)
    facts: dict[date, DayFacts] = field(default_factory=dict)
    """Of days whose calls were in memory as columns."""
    rejects: list[Reject] = field(default_factory=list)
    """The first bad rows, MOST_KEPT at most."""
    rejected: int = 0
    """Bad rows."""
    error: str = ""
    usable: bool = True
    """False where nothing of the file is to be taken."""

    def has_ids(self) -> bool:
        """Say whether a call has an id, as far as the calls were in memory."""
        return any(known.has_ids for known in self.facts.values())

    def to_json(self) -> dict[str, Any]:
        """Return it as values of JSON."""
        days = {day.isoformat(): parts for day, parts in self.days.items()}
        facts = {day.isoformat(): asdict(known) for day, known in self.facts.items()}
        return {**asdict(self), "path": str(self.path), "days": days, "facts": facts}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Staged:
        """Read back what ``to_json`` gave."""
        days = {date.fromisoformat(day): parts for day, parts in values["days"].items()}
        facts = {
            date.fromisoformat(day): DayFacts(**{**known, "sealed": tuple(known["sealed"])})
            for day, known in values["facts"].items()
        }
        rejects = [Reject(**reject) for reject in values["rejects"]]
        return cls(**{**values, "path": Path(values["path"]), "days": days, "facts": facts, "rejects": rejects})


def rows_in(part: str | Path) -> int:
    """Return how many rows a Parquet file has, from its footer."""
    return int(pyarrow.parquet.read_metadata(part).num_rows)
