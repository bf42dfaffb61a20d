"""
Rejected rows of the carrier's and the PBXs' files, kept in the store until their file is imported again.

The rows that an import rejects are merged with the stored ones (``sql/rejects.sql``) and published with its generation.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd
import pyarrow
import pyarrow.parquet

from dashboard import schemas
from dashboard.calls.ingest.lenient_csv import Reject
from dashboard.calls.store.engine import Engine, sanitize_table, to_frame, utc
from dashboard.calls.store.generations import Generation, Generations
from dashboard.core import clocks
from dashboard.core.errors import StoreError

MOST_REJECTS = 100_000
"""Maximum rejected rows kept in total, the newest; per file at most ``numbered_lines.MOST_KEPT``."""
REJECTS = pyarrow.schema(
    {
        "file": pyarrow.string(),
        "line": pyarrow.int64(),
        **{name: pyarrow.string() for name in ("column", "reason", "raw")},
        "imported_at": pyarrow.timestamp("us"),
    }
)
"""Schema of the stored rows; times are UTC without a zone."""


@dataclass(frozen=True)
class Rejects:
    """Rejected rows of one store."""

    engine: Engine
    generations: Generations
    cure: str
    """Remedy named in the error if the list cannot be read."""

    def of(self, generation: Generation) -> pyarrow.Table:
        """
        Return the rejected rows of a generation with the schema REJECTS.

        Raises:
            StoreError: Their file is missing or damaged.
        """
        if not generation.rejects:
            return REJECTS.empty_table()
        path = self.generations.path(generation.rejects)
        try:
            return pyarrow.parquet.read_table(path).cast(REJECTS)
        except (OSError, pyarrow.ArrowException) as exc:
            raise StoreError(f"The list of bad rows {path} cannot be read: {exc}. {self.cure}") from exc

    def keep(
        self, base: Generation, old: pyarrow.Table, bad: Sequence[Reject], names: Collection[str], work: Path
    ) -> str:
        """
        Merge the rejected rows of an import with the old ones; rows of a file imported again replace its old ones.

        Args:
            base: Generation that the import starts from.
            old: Its rejected rows.
            bad: Rejected rows of the import.
            names: Files of the import, named as in ``Reject``.
            work: Folder for new files.

        Returns:
            Name of the part that holds them, ``""`` if there are none.
        """
        if not names or not (bad or len(old)):
            return base.rejects
        tables = {
            "old": old,
            "bad": pyarrow.Table.from_pylist([asdict(reject) for reject in bad], REJECTS),
            "names": pyarrow.table({"file": pyarrow.array(names, pyarrow.string())}),
        }
        parameters = {"now": utc(clocks.now()), "limit": MOST_REJECTS}
        merged = self.engine.fetch("rejects", parameters, operation="keep the bad rows", tables=tables).cast(REJECTS)
        if merged.equals(old):
            return base.rejects
        if not len(merged):
            return ""
        path = work / "rejects.parquet"
        pyarrow.parquet.write_table(merged, path, compression="zstd")
        return self.generations.adopt(path, "rejects")


def frame_of(rows: pyarrow.Table) -> pd.DataFrame:
    """Return rejected rows as a frame for display, times in UTC; the stored row keeps its original characters."""
    frame = to_frame(sanitize_table(rows)).astype({"line": "int64", "imported_at": schemas.UTC_TIME})
    return frame.astype(dict.fromkeys(("file", "column", "reason", "raw"), "str"))
