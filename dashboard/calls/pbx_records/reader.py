"""
Reader of PBX CDR files: returns rows of PBX_CALLS, and rejects unusable lines with line number and reason.

A record is a physical line, so an open quote costs only its own line. Readers are discovered in the package
``readers``: each has ``recognize``, which tests whether the first lines match its format.
"""

from __future__ import annotations

import hashlib
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd
import pyarrow

from dashboard import schemas
from dashboard.calls.ingest.lenient_csv import Reject
from dashboard.calls.pbx_records.record_source import RecordOrigin
from dashboard.calls.pbx_records.records import LineFault, PbxRecord, RecordLayout
from dashboard.calls.store.engine import to_table
from dashboard.core.errors import FileError
from dashboard.core.plugins import modules_of
from dashboard.core.progress import no_progress
from dashboard.core.text import counted

LONGEST = 1 << 16
"""Maximum bytes of a line; the longest record is a hundredth of it."""
PACKED = b"\x1f\x8b"
FIRST_LINES = 50
BATCH = 50_000
MOST_KEPT = 1_000
"""Maximum bad lines of a file kept with their text; all are counted."""
MOST_OFF_S = 1500
"""Maximum offset between record time and unique ID. Zones are at least half an hour apart; a channel dials out sooner
than this after its creation."""


@dataclass
class Read:
    """Result of reading a file."""

    file: str
    """Name as ``PBX/FILE``, because every PBX has a ``Master.csv``."""
    rows: list[pyarrow.Table] = field(default_factory=list)
    """Tables that meet PBX_CALLS, times UTC without a zone."""
    left_out: int = 0
    """Number of records of calls that did not go to the carrier."""
    rejected: int = 0
    rejects: list[Reject] = field(default_factory=list)

    def refuse(self, number: int, fault: LineFault, raw: str) -> None:
        """Reject a line."""
        self.rejected += 1
        if len(self.rejects) < MOST_KEPT:
            self.rejects.append(Reject(self.file, number, fault.column, fault.sentence, raw[:500]))


@cache
def readers() -> tuple[Any, ...]:
    """Return the reader modules of ``readers``, sorted by name; each recognizes one format."""
    return modules_of(f"{__name__.rpartition('.')[0]}.readers")


def read(path: Path, origin: RecordOrigin, progress: Callable[[str, float], None]) -> Read:
    """
    Read a CDR file.

    Args:
        path: File as the PBX wrote it, not compressed.
        origin: Source of the records.
        progress: Called with the current activity and the share done, 0 to 1.

    Raises:
        FileError: The format is unknown, or the times do not fit the zone.
    """
    name = path.name or str(path)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):  # read twice: a pipe has one reading
            raise FileError("It is not a file on disk. Save it as one, then import that.", file=name)
        size = status.st_size
        form = origin.template or _form(path, name)
        return _RecordReading(name, origin, form).run(
            _lines(path, lambda at: progress(f"Reading {name}", at / (size or 1)))
        )
    except OSError as exc:
        message = f"The file cannot be read: {exc.strerror or exc}. Check its name and its rights."
        raise FileError(message, file=name) from exc


class _RecordReading:
    def __init__(self, name: str, origin: RecordOrigin, form: RecordLayout) -> None:
        self._name = name
        self._origin = origin
        self._form = form
        self._equal: Counter[str] = Counter()
        self._off: list[float] = []
        self._made = Read(f"{origin.pbx_id}/{name}")

    def run(self, lines: Iterator[tuple[int, str | LineFault]]) -> Read:
        rows: list[dict[str, Any]] = []
        for number, line in lines:
            parsed = line if isinstance(line, LineFault) else self._row(line)
            if isinstance(parsed, LineFault):
                self._made.refuse(number, parsed, line if isinstance(line, str) else "")
            elif parsed is None:
                self._made.left_out += 1
            else:
                rows.append(parsed)
            if len(rows) == BATCH:
                self._keep(rows)
                rows = []
        self._keep(rows)
        self._refuse_zone()
        return self._made

    def _row(self, line: str) -> dict[str, Any] | LineFault | None:
        record = self._form.record(self._form.cells(line))
        if record is None or isinstance(record, LineFault):
            return record
        sent = self._origin.sent(record.targets)
        if sent is None:
            return None
        started = self._origin.clock.utc(record.started, record.epoch_s)
        if isinstance(started, LineFault):
            return started
        if record.billed_s > record.duration_s:
            return LineFault("billsec", f"It is longer than the whole call ({counted(record.duration_s, 'second')}).")
        if record.epoch_s is not None:
            self._off.append(started.timestamp() - record.epoch_s)
        digits, target = sent
        answered_at = started + timedelta(seconds=record.duration_s - record.billed_s) if record.answered else None
        return {
            "pbx_id": self._origin.pbx_id,
            "started_at": started,
            "answered_at": answered_at,
            "ended_at": started + timedelta(seconds=record.duration_s),
            "caller_id": record.caller_id,
            "destination": digits,
            "dialed": target.dialed,
            "duration_s": record.duration_s,
            "billed_s": record.billed_s,
            "disposition": record.disposition,
            "answered": record.answered,
            "q850_cause": record.q850_cause,
            "sip_status": record.sip_status,
            "trunk": target.trunk or target.host,
            "channel": record.channel,
            "unique_id": record.unique_id,
            "record_key": self._key(record, target.dialed, line),
        }

    def _key(self, record: PbxRecord, dialed: str, line: str) -> str:
        """Return the deduplication key: unique ID, start and number; else the text and an ordinal among equal lines."""
        if record.unique_id:
            return _digest(self._origin.pbx_id, record.unique_id, record.started, dialed, record.channel)
        digest = _digest(self._origin.pbx_id, line)
        self._equal[digest] += 1
        return digest if self._equal[digest] == 1 else f"{digest}-{self._equal[digest]}"

    def _keep(self, rows: list[dict[str, Any]]) -> None:
        if rows:
            frame = schemas.conform(pd.DataFrame(rows), schemas.PBX_CALLS, source=self._name)
            self._made.rows.append(to_table(frame))

    def _refuse_zone(self) -> None:
        """Refuse a file whose unique IDs, which hold UTC, contradict the zone used to read its times."""
        off = median(self._off) if self._off else 0.0
        if abs(off) > MOST_OFF_S:
            raise FileError(
                f"Its times do not fit the zone {self._origin.clock.name}: by its unique ids they are "
                f"off by {abs(off) / 3600:.2g} h. Nothing was taken. Give the right --timezone, or --utc.",
                file=self._name,
            )


def _form(path: Path, name: str) -> RecordLayout:
    """Detect the format of a file from its first lines."""
    with path.open("rb") as file:
        if file.read(2) == PACKED:
            raise FileError("The file is packed. Unpack it with gunzip, then import that.", file=name)
    first = [line for _, line in zip(range(FIRST_LINES), _lines(path, no_progress), strict=False)]
    texts = [line for _, line in first if isinstance(line, str)]
    if not first:
        raise FileError("The file is empty: no call is recorded in it. Is this the right one?", file=name)
    for reader in readers():
        form: RecordLayout | None = reader.recognize(texts)
        if form is not None:
            return form
    raise FileError(
        "Its first lines are neither of Asterisk's Master.csv nor of a template that FreeSWITCH ships with. "
        "Is this another kind of file? A FreeSWITCH template of your own is given with --template.",
        file=name,
        line=1,
    )


def _lines(path: Path, on_progress: Callable[[int], None]) -> Iterator[tuple[int, str | LineFault]]:
    """Yield lines with their numbers, from 1; a line that cannot be a record is a fault."""
    with path.open("rb") as file:
        number = at = 0
        while line := file.readline(LONGEST):
            number = number + 1
            at = at + len(line)
            whole = line.endswith(b"\n")
            if not whole and len(line) == LONGEST:
                while continuation := file.readline(LONGEST):
                    at += len(continuation)
                    if continuation.endswith(b"\n"):
                        break
                yield number, LineFault("", f"The line is longer than {LONGEST:,} bytes, which no record is.")
            elif line.strip():
                text = _decoded(line).lstrip("\ufeff").rstrip("\r\n")
                cut = LineFault("", "The last line has no end, so it may be cut. Import the file again when it has.")
                yield number, (text if whole else cut)
            if number % 1000 == 0:
                on_progress(at)


def _decoded(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("latin-1")


def _digest(*texts: str) -> str:
    return hashlib.blake2b("\0".join(texts).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
