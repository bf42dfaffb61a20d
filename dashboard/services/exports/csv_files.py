"""
CSV files and the manifest that seals them.

In text cells, invisible characters are replaced by a replacement character, and cells that a spreadsheet would run as
a formula are neutralized with an apostrophe (OWASP, "CSV injection"); numbers and times are unchanged.
Times are ISO 8601 in UTC.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import pandas as pd

from dashboard import __version__
from dashboard.core.errors import InputError
from dashboard.core.text import csv_cell
from dashboard.storage import Journal, sealing

SAMPLE = "SAMPLE"
MANIFEST = "manifest.json"
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip file supports; a fixed time makes the bytes reproducible."""


@dataclass(frozen=True)
class Table:
    """A table to export, computed on demand."""

    rows: int | None
    """Number of rows; ``None`` if it is unknown before the computation."""
    first: Callable[[int], pd.DataFrame]
    """Return the given number of first rows, or all if there are fewer."""
    pieces: Callable[[], Iterable[pd.DataFrame]]
    """Return all rows in pieces, at least one frame, so that no table must fit in memory."""

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Table:
        """Return the table for an existing frame."""
        return cls(len(frame), frame.head, lambda: [frame])


@dataclass(frozen=True)
class Seal:
    """Content of a manifest: account of the files, time of the snapshot (UTC), hashes of the journal and versions."""

    account: str
    taken_at: datetime
    head: str
    """Last hash of the journal, so that a later truncation of the journal is detected."""
    entries: int = 0
    """Number of journal entries."""
    versions_head: str = sealing.GENESIS
    """Last hash of the recorded versions of the account and the inventory."""
    open_fixes: int = 0
    """Number of fixes without a recorded outcome."""

    @classmethod
    def of(cls, journal: Journal, *, account: str, taken_at: datetime) -> Seal:
        """Return the seal for an export made now."""
        entries = journal.entries()
        head = entries[-1].hash if entries else sealing.GENESIS
        return cls(account, taken_at, head, len(entries), journal.versions_head(), len(journal.open_entries()))


def to_csv(frame: pd.DataFrame, *, account: str, header: bool = True) -> bytes:
    """
    Convert a frame to CSV bytes, with exactly its rows in its order.

    Args:
        frame: A displayed table, a whole table, or a piece of one.
        account: Account name for the first column of every row.
        header: Begin with the row of column names.

    Returns:
        UTF-8 with LF line ends.
    """
    output = frame.copy()
    for name in output.columns:
        column = output[name]
        if isinstance(column.dtype, pd.DatetimeTZDtype) or (len(column) and isinstance(column.iloc[0], datetime)):
            output[name] = [_utc(at) for at in column]
        elif isinstance(column.dtype, pd.ArrowDtype) and column.dtype.kind == "O":
            output[name] = [None if pd.isna(amount) else f"{amount:f}" for amount in column]
        elif not (pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_datetime64_dtype(column.dtype)):
            output[name] = [_neutral(value) for value in column]
    output.insert(0, "account", _neutral(account))
    text: str = output.to_csv(index=False, header=header, lineterminator="\n")
    return text.encode()


def csv_of(table: Table, *, account: str) -> bytes:
    """Convert a whole table to CSV bytes; see ``to_csv``."""
    packed = io.BytesIO()
    _write(packed, "", table, account)
    return packed.getvalue()


def account_name(*, sample: bool, tech_prefix: str) -> str:
    """Return the account name for the first column: SAMPLE, the account's tech prefix, or ``unknown``."""
    return SAMPLE if sample else tech_prefix or "unknown"


def write_folder(folder: Path, tables: Mapping[str, Table], seal: Seal) -> list[Path]:
    """
    Write each table as ``NAME.csv`` and, last, ``manifest.json``; return the paths.

    Raises:
        InputError: The folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        entries = []
        for name, table in sorted(tables.items()):
            with (folder / f"{name}.csv").open("wb") as file:
                entries.append(_write(file, f"{name}.csv", table, seal.account))
        (folder / MANIFEST).write_bytes(_manifest(entries, seal))
    except OSError as exc:
        raise InputError(f"The folder {folder} cannot be written: {exc.strerror}. Choose another.") from exc
    return [folder / name for name in (*(entry["name"] for entry in entries), MANIFEST)]


def to_zip(tables: Mapping[str, Table], seal: Seal) -> bytes:
    """Return a zip file with the CSV of each table and the manifest that seals them."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        entries = []
        for name, table in sorted(tables.items()):
            with archive.open(_entry(f"{name}.csv"), "w", force_zip64=True) as file:
                entries.append(_write(file, f"{name}.csv", table, seal.account))
        archive.writestr(_entry(MANIFEST), _manifest(entries, seal))
    return packed.getvalue()


def _write(file: IO[bytes], name: str, table: Table, account: str) -> dict[str, Any]:
    """Write a table piece by piece; return its manifest entry."""
    size = 0
    rows = 0
    digest = hashlib.sha256()
    for number, piece in enumerate(table.pieces()):
        data = to_csv(piece, account=account, header=number == 0)
        file.write(data)
        digest.update(data)
        size = size + len(data)
        rows = rows + len(piece)
    return {"name": name, "bytes": size, "rows": rows, "sha256": digest.hexdigest()}


def _manifest(entries: Sequence[Mapping[str, Any]], seal: Seal) -> bytes:
    body = {
        "account": seal.account,
        "taken_at": seal.taken_at.astimezone(UTC).isoformat(),
        "written_by": f"trunkgate {__version__}",
        "journal_head": seal.head,
        "journal_entries": seal.entries,
        "versions_head": seal.versions_head,
        "open_fixes": seal.open_fixes,
        "files": list(entries),
    }
    return (json.dumps(body, indent=2) + "\n").encode()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, ZIP_EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _neutral(value: Any) -> Any:
    return csv_cell(value) if isinstance(value, str) else value


def _utc(at: Any) -> str:
    return "" if pd.isna(at) else pd.Timestamp(at).tz_convert("UTC").isoformat()
