"""
Export files become staged Parquet by day: rows of the store, not yet compared with what it holds.

A sound file goes through the engine once. A file in which the engine meets a fault is read again the
slow way (``repair``), which names the line of every bad row and keeps every good one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from dashboard.calls.columns import FAULTS, KNOWN
from dashboard.calls.engine import Engine, sql
from dashboard.calls.files import Prepared, prepare
from dashboard.calls.repair import RAW_CHARS, Reject, raw_rows, rewrite
from dashboard.errors import FileError, StoreError

MOST_KEPT = 10_000
"""Bad rows of a file that are kept aside with their text; of another kind of file every row is one."""
FAULTY = "day=__HIVE_DEFAULT_PARTITION__"
"""Where the engine puts rows without a day."""


@dataclass
class Staged:
    """What one file gave."""

    path: Path
    rows: int = 0
    days: dict[date, list[str]] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)
    """The first bad rows, MOST_KEPT at most."""
    rejected: int = 0
    """Bad rows."""
    error: str = ""
    usable: bool = True
    """False where nothing of the file is to be taken."""


def stage(path: Path, number: int, work: Path, engine: Engine, *, whole: bool) -> Staged:
    """
    Read one export file.

    Args:
        path: The file.
        number: Its place among the files of this import.
        work: A folder of its own for this file.
        engine: Where SQL runs.
        whole: Only a whole file is of use, because it replaces what the store has.

    Returns:
        What it gave; ``error`` says why, where it gave nothing or not everything.
    """
    work.mkdir()
    try:
        return _stage(path, number, work, engine, whole=whole)
    except FileError as exc:
        return Staged(path, error=str(exc), usable=False)
    finally:
        for copy in work.glob("*.csv"):
            copy.unlink()


def _stage(path: Path, number: int, work: Path, engine: Engine, *, whole: bool) -> Staged:
    staged = Staged(path)
    prepared = prepare(path, work)
    if prepared.cut and whole:
        raise FileError("The gzip data ends early; nothing of it was taken. Download it again.", file=path.name)
    _parse(prepared, number, work, engine, staged)
    if prepared.cut:
        staged.rejects += _cut_row(prepared)
        staged.rejected += bool(prepared.cut_text)
        staged.error = (
            f"{path.name}: The gzip data ends early. The {staged.rows:,} calls before the cut were taken. "
            "Download the file again and import it: nothing is counted twice."
        )
    elif staged.rejected > MOST_KEPT and not whole:
        staged.error = (
            f"{path.name}: {staged.rejected:,} rows are not calls; the first {MOST_KEPT:,} were put aside. "
            "Is this another kind of file?"
        )
    return staged


def _parse(prepared: Prepared, number: int, work: Path, engine: Engine, staged: Staged) -> None:
    if prepared.header_lines == 1 and not prepared.long_line:
        try:
            _copy(engine, prepared.path, prepared.columns, number, work / "fast", header=True)
        except StoreError as exc:
            if isinstance(exc.__cause__, duckdb.IOException | duckdb.OutOfMemoryException):
                raise
        else:
            if not (work / "fast" / FAULTY).exists():
                _collect(engine, work / "fast", staged)
                return
    numbered = work / "numbered.csv"
    broken, staged.rejected = rewrite(prepared, numbered, MOST_KEPT)
    _copy(engine, numbered, ("line", *prepared.columns), number, work / "slow", header=False)
    faulty, count = _faulty(engine, work / "slow" / FAULTY, prepared)
    staged.rejected += count
    staged.rejects = sorted([*broken, *faulty], key=lambda reject: reject.line)[:MOST_KEPT]
    _collect(engine, work / "slow", staged)


def _copy(engine: Engine, path: Path, columns: tuple[str, ...], number: int, folder: Path, *, header: bool) -> None:
    parameters: dict[str, Any] = {
        "path": str(path),
        "columns": dict.fromkeys(columns, "VARCHAR"),
        "header": header,
        "file_no": number,
        "folder": str(folder),
    }
    with engine.cursor("read an export") as cursor:
        known = ", ".join(f"{name} VARCHAR" for name in ("line", *sorted(KNOWN)))
        cursor.execute(f"CREATE OR REPLACE TEMP TABLE documented ({known})")
        cursor.execute(sql("macros"))
        cursor.execute(
            f"COPY ({sql('stage')}) TO $folder (FORMAT parquet, COMPRESSION snappy, PARTITION_BY (day))", parameters
        )


def _collect(engine: Engine, folder: Path, staged: Staged) -> None:
    for day in sorted(folder.glob("day=*")):
        if day.name != FAULTY:
            staged.days[date.fromisoformat(day.name.removeprefix("day="))] = [str(p) for p in sorted(day.iterdir())]
    parts = [part for day in staged.days.values() for part in day]
    if parts:
        rows = engine.fetch("count_rows", {"staged": parts}, what="count the rows of an export")
        staged.rows = rows.column("rows")[0].as_py()


def _faulty(engine: Engine, folder: Path, prepared: Prepared) -> tuple[list[Reject], int]:
    """Return the first rows that cannot be calls, and how many there are."""
    if not folder.exists():
        return [], 0
    parts = [str(part) for part in folder.iterdir()]
    found = {"staged": parts, "limit": MOST_KEPT}
    rows = engine.fetch("faulty_rows", found, what="list the bad rows of an export").to_pylist()
    raw = raw_rows(prepared, {row["line"] for row in rows})
    rejects = [
        Reject(prepared.name, row["line"], row["fault"], f"The value {FAULTS[row['fault']]}.", raw[row["line"]])
        for row in rows
    ]
    return rejects, rows[0]["of"]


def _cut_row(prepared: Prepared) -> list[Reject]:
    if not prepared.cut_text:
        return []
    with prepared.path.open("rb") as file:
        lines = sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))
    return [Reject(prepared.name, lines + 1, "", "The file is cut off in this row.", prepared.cut_text[:RAW_CHARS])]
