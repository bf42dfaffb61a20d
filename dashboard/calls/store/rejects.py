"""
Bad rows of files, kept aside in the store until their file comes again: the carrier's, and the PBXs' own.

What an import puts aside is merged with what is there (``sql/rejects.sql``) and published with its generation.
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
from dashboard.calls.store.engine import Engine, shown, to_frame, utc
from dashboard.calls.store.generations import Generation, Generations
from dashboard.core import clocks
from dashboard.core.errors import StoreError

MOST_REJECTS = 100_000
"""Bad rows that are kept aside in all, the newest; of a file ``reading.MOST_KEPT`` at most."""
REJECTS = pyarrow.schema(
    {
        "file": pyarrow.string(),
        "line": pyarrow.int64(),
        **{name: pyarrow.string() for name in ("column", "reason", "raw")},
        "imported_at": pyarrow.timestamp("us"),
    }
)
"""As they are kept; times UTC without a zone."""


@dataclass(frozen=True)
class Rejects:
    """The bad rows of one store."""

    engine: Engine
    generations: Generations
    cure: str
    """What is said where the list cannot be read."""

    def of(self, generation: Generation) -> pyarrow.Table:
        """
        Return those of a generation by REJECTS.

        Raises:
            StoreError: Their file is gone or damaged.
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
        Put the bad rows of an import beside the old ones; those of a file that came again take their place.

        Args:
            base: What the import began from.
            old: Its bad rows.
            bad: Those of the import.
            names: The files of the import, as ``Reject`` has them.
            work: Where files are made.

        Returns:
            The name of the part that has them, ``""`` where there are none.
        """
        if not names or not (bad or len(old)):
            return base.rejects
        given = {
            "old": old,
            "bad": pyarrow.Table.from_pylist([asdict(reject) for reject in bad], REJECTS),
            "names": pyarrow.table({"file": pyarrow.array(names, pyarrow.string())}),
        }
        asked = {"now": utc(clocks.now()), "limit": MOST_REJECTS}
        kept = self.engine.fetch("rejects", asked, what="keep the bad rows", given=given).cast(REJECTS)
        if kept.equals(old):
            return base.rejects
        if not len(kept):
            return ""
        made = work / "rejects.parquet"
        pyarrow.parquet.write_table(kept, made, compression="zstd")
        return self.generations.adopt(made, "rejects")


def frame_of(rows: pyarrow.Table) -> pd.DataFrame:
    """Return bad rows as a frame that can be shown, times in UTC; what is kept is the row as its file has it."""
    frame = to_frame(shown(rows)).astype({"line": "int64", "imported_at": schemas.UTC_TIME})
    return frame.astype(dict.fromkeys(("file", "column", "reason", "raw"), "str"))
