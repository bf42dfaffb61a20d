"""
CSV files and the manifest that seals them.

Text cells that a spreadsheet would run as a formula are neutralized with an apostrophe (OWASP, "CSV
injection"); numbers and times are left alone. Times are ISO 8601 in UTC.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from dashboard import __version__
from dashboard.errors import InputError

DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
SAMPLE = "SAMPLE"
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time a zip can hold: the same tables make the same bytes."""


def to_csv(frame: pd.DataFrame, *, account: str) -> bytes:
    """
    Write a frame as CSV bytes, exactly its rows in its order.

    Args:
        frame: What is on the screen, or a whole table.
        account: Whose it is; stands in the first column of every row.

    Returns:
        UTF-8 with a header line and LF line ends.
    """
    shown = frame.copy()
    for name in shown.columns:
        column = shown[name]
        if isinstance(column.dtype, pd.DatetimeTZDtype) or (len(column) and isinstance(column.iloc[0], datetime)):
            shown[name] = [_utc(at) for at in column]
        elif isinstance(column.dtype, pd.ArrowDtype) and column.dtype.kind == "O":
            shown[name] = [None if pd.isna(amount) else f"{amount:f}" for amount in column]
        elif pd.api.types.is_string_dtype(column.dtype) or column.dtype == object:
            shown[name] = [_neutral(value) for value in column]
    shown.insert(0, "account", _neutral(account))
    text: str = shown.to_csv(index=False, lineterminator="\n")
    return text.encode()


def account_name(*, sample: bool, tech_prefix: str) -> str:
    """Return what the first column says: SAMPLE, or the account's tech prefix."""
    return SAMPLE if sample else tech_prefix or "unknown"


def manifest(files: Mapping[str, bytes], *, account: str, taken_at: datetime, head: str) -> bytes:
    """
    Seal a set of files.

    Args:
        files: Name to bytes.
        account: Whose they are.
        taken_at: The time of the snapshot, UTC.
        head: Hash of the journal's last entry, so that a journal cut later is noticed.
    """
    body: dict[str, Any] = {
        "account": account,
        "taken_at": taken_at.astimezone(UTC).isoformat(),
        "written_by": f"trunkgate {__version__}",
        "journal_head": head,
        "files": [
            {"name": name, "bytes": len(data), "rows": _rows(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in sorted(files.items())
        ],
    }
    return (json.dumps(body, indent=2) + "\n").encode()


def write_folder(folder: Path, files: Mapping[str, bytes], sealed: bytes) -> list[Path]:
    """
    Write files and, last of all, ``manifest.json``.

    Raises:
        InputError: The folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        for name, data in [*sorted(files.items()), ("manifest.json", sealed)]:
            path = folder / name
            path.write_bytes(data)
            written.append(path)
    except OSError as exc:
        raise InputError(f"The folder {folder} cannot be written: {exc.strerror}. Choose another.") from exc
    return written


def to_zip(files: Mapping[str, bytes], sealed: bytes) -> bytes:
    """Pack files and their manifest into one zip."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in [*sorted(files.items()), ("manifest.json", sealed)]:
            entry = zipfile.ZipInfo(name, ZIP_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return packed.getvalue()


def _neutral(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(DANGEROUS):
        return f"'{value}"
    return value


def _utc(at: Any) -> str:
    return "" if pd.isna(at) else pd.Timestamp(at).tz_convert("UTC").isoformat()


def _rows(data: bytes) -> int:
    return len(pd.read_csv(io.BytesIO(data), dtype=str, usecols=[0]))
