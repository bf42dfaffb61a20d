"""Reader of files with faults: numbers the lines, rejects bad rows by line, and keeps every good one."""

from __future__ import annotations

from dashboard.calls.ingest.columns import FAULTS
from dashboard.calls.ingest.lenient_csv import Reject, raw_rows, rewrite
from dashboard.calls.ingest.readers.interface import FileReading
from dashboard.calls.ingest.readers.sql_rows import RowSource, collect, copy_by_day, staged_rows, turn
from dashboard.calls.store.engine import sql

MOST_KEPT = 10_000
"""Maximum bad rows of a file kept aside with their text; in another kind of file every row is bad."""


class NumberedReader:
    """Reader that accepts every file, line by line (``lenient_csv``); the slowest."""

    def stage(self, file: FileReading) -> None:
        """Rewrite the file with line numbers, and read that as text; see ``CdrReader``."""
        staged = file.staged
        numbered = file.work / "numbered.csv"
        with turn(file):
            file.watch.begin(2)
            with file.watch.piece() as on_progress:
                broken, staged.rejected = rewrite(file.prepared, numbered, MOST_KEPT, on_progress)
            source = RowSource(numbered, file.prepared.columns, numbered=True)
            with staged_rows(file, source) as (cursor, rows, values):
                sound, faulty = (sql(name).replace("{{judged}}", rows) for name in ("sound_rows", "faulty_rows"))
                cursor.execute(copy_by_day(sound), values | {"target": str(file.work / "slow")})
                faults = cursor.execute(faulty, values | {"limit": MOST_KEPT}).fetchall()
            bad_calls = _rejects(faults, file)
            staged.rejected += faults[0][2] if faults else 0
            staged.rejects = sorted([*broken, *bad_calls], key=lambda reject: reject.line)[:MOST_KEPT]
        collect(file, file.work / "slow")


def _rejects(faults: list[tuple[int, str, int]], file: FileReading) -> list[Reject]:
    """Return the first rows that cannot be calls, with their text in the file."""
    raw = raw_rows(file.prepared, {line for line, *_ in faults}, file.watch.check)
    return [
        Reject(file.prepared.name, line, fault, f"The value {FAULTS[fault]}.", raw[line]) for line, fault, _ in faults
    ]
