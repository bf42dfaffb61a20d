"""
Immutable generations on disk: a reader sees one complete generation or the previous one, never a mix.

    HOME/calls/CURRENT                  names the published generation; replaced by rename, last of all
    HOME/calls/generations/NAME.json    its manifest: the files of each day
    HOME/calls/parts/                   Parquet files, named by day and content, never changed
    HOME/calls/scratch/                 work folder of a writer; the next import resumes what a killed one left

Writers acquire ``writer.lock``; readers acquire no lock.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from dashboard.core import disk_faults
from dashboard.core.errors import LockError, StoreError
from dashboard.core.locks import exclusive
from dashboard.core.regular_files import read_bytes, read_json
from dashboard.core.text import quoted

KINDS = ("calls", "traffic", "load")
"""Kinds of a day's files: its calls, and the roll-ups by hour and by minute."""
PROVENANCE = ("imported", "file_only", "file_only_traffic")
"""Further kinds of a day's files, absent in a manifest of format 2; see ``Day``."""
FORMAT = 4
NAME = re.compile(r"\d{8,}-[0-9a-f]{12}", re.ASCII)
"""Name of a generation: its number and the start of its content hash."""
EARLIEST = 2
"""Oldest readable format. Format 1 had one file of calls per day, other keys, and no load. Format 2 did not record the
origin of calls: they count as the carrier's. Up to format 3 roll-ups kept every caller ID."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Day:
    """Files of one day (UTC), and facts that spare a reader from opening them."""

    calls: tuple[str, ...]
    """Empty if the calls are past retention and only the roll-ups remain."""
    traffic: tuple[str, ...]
    load: tuple[str, ...]
    rows: int
    first_at: datetime
    last_at: datetime
    imported: tuple[str, ...] = ()
    """Those of ``calls`` whose calls came from imported files only; no export of the carrier covers them yet."""
    file_only: tuple[str, ...] = ()
    """Calls from imported files that an export of the carrier covers but does not contain; they count in no total."""
    file_only_traffic: tuple[str, ...] = ()
    """Hourly roll-up of ``file_only``."""
    file_only_rows: int = 0
    own_numbers: str = ""
    """List of the caller IDs in the key of the roll-up (see ``own_numbers``); ``""`` if it keeps every caller ID."""

    @property
    def is_retired(self) -> bool:
        """Whether single calls are past retention, so that only the roll-ups remain."""
        return not self.calls and not self.file_only

    def of(self, kind: str) -> tuple[str, ...]:
        """Return the files of one of ``KINDS``."""
        files: tuple[str, ...] = getattr(self, kind)
        return files


@dataclass(frozen=True)
class Generation:
    """Content of one manifest."""

    number: int = 0
    days: dict[date, Day] = field(default_factory=dict)
    rejects: str = ""
    own_numbers: str = ""
    """List of the caller IDs in the key of new roll-ups; ``""`` if they keep every caller ID."""
    unreadable: tuple[date, ...] = ()
    """
    Days whose calls could not be read when the list was renewed: their roll-ups are used as they are.

    A day counts only while its list is not that of the store.
    """

    @property
    def name(self) -> str:
        """The generation's name, from number and content; ``""`` if nothing was ever published."""
        if not self.number:
            return ""
        seal = hashlib.sha256(json.dumps(_to_json(self), sort_keys=True).encode()).hexdigest()
        return f"{self.number:08d}-{seal[:12]}"

    def files(self) -> set[str]:
        """Return the names of all parts."""
        days = self.days.values()
        return {name for day in days for name in (*day.calls, *day.traffic, *day.load)} | {
            *(name for day in days for name in (*day.file_only, *day.file_only_traffic)),
            *(day.own_numbers for day in days),
            self.rejects,
            self.own_numbers,
        } - {""}


class Generations:
    """Generations of one store."""

    def __init__(self, folder: Path, *, lock_wait_s: float) -> None:
        self.folder = folder
        self.work = folder / "scratch"
        self._lock_wait_s = lock_wait_s
        self._keep_work = False

    def path(self, name: str) -> Path:
        """Return the path of a part."""
        return self.folder / "parts" / name

    def current_name(self) -> str:
        """
        Return the name of the published generation, ``""`` before the first one.

        A missing or empty ``CURRENT`` loses no calls: the newest manifest is used instead, because its parts are on
        disk before it is written.
        """
        try:
            name = read_bytes(self.folder / "CURRENT").decode("ascii", errors="replace").strip()
        except FileNotFoundError:
            name = ""
        except OSError as exc:
            raise StoreError(
                f"{self.folder / 'CURRENT'} cannot be read: {exc.strerror}. {disk_faults.cure(exc)}"
            ) from exc
        if name and not NAME.fullmatch(name):
            raise StoreError(
                f"{self.folder / 'CURRENT'} names no generation, but {quoted(name, 40)}. "
                "Remove that file; the newest generation is then read."
            )
        return name or max((manifest.stem for manifest in (self.folder / "generations").glob("*.json")), default="")

    def current(self) -> Generation:
        """
        Return the published generation.

        Raises:
            StoreError: Its manifest is missing, damaged, or written by a newer version of the product.
        """
        while True:
            name = self.current_name()
            if not name:
                return Generation()
            try:
                return _read(self.folder / "generations" / f"{name}.json")
            except StoreError:
                if self.current_name() == name:
                    raise

    @contextmanager
    def writing(self) -> Iterator[Path]:
        """
        Lock the store for writing; yield a work folder, empty except for unfinished work of the last writer.

        The folder is removed at the end, unless the work was stopped (``keep_work``).

        Raises:
            BusyError: Another process is writing.
            StoreError: The folder cannot be written.
        """
        with _disk(self.folder):
            for folder in (self.folder, self.folder / "parts", self.folder / "generations"):
                folder.mkdir(parents=True, exist_ok=True)
        busy = f"Another process is writing calls into {self.folder}. Try again when it has finished."
        with ExitStack() as locked:
            try:
                locked.enter_context(exclusive(self.folder / "writer.lock", timeout_s=self._lock_wait_s, busy=busy))
            except LockError as exc:
                raise StoreError(
                    f"The call store {self.folder} cannot be written: {exc} The calls already stored are as they were."
                ) from exc
            try:
                with _disk(self.folder):
                    self.work.mkdir(exist_ok=True)
                    self._keep_work = False
                    yield self.work
            finally:
                if not self._keep_work:
                    shutil.rmtree(self.work, ignore_errors=True)

    def keep_work(self) -> None:
        """Keep the work folder for the next writer."""
        self._keep_work = True

    def adopt(self, path: Path, kind: str, sealed: str = "") -> str:
        """
        Move a finished file into the parts folder; return its name there.

        Args:
            path: The file.
            kind: Prefix of its name.
            sealed: Result of ``seal``, if the file is already synced to disk.
        """
        name = sealed or seal(path, kind)
        path.replace(self.path(name))
        return name

    def publish(self, generation: Generation, previous: Generation) -> None:
        """
        Publish a generation: sync parts, then the manifest, then ``CURRENT``, in this order.

        Then remove every file that neither of the two generations names: a page that started on the previous generation
        still finds its files. A file that cannot be removed is logged, because the generation is published already; the
        next one tries again.
        """
        _sync_folder(self.folder / "parts")
        manifests = self.folder / "generations"
        _write(manifests / f"{generation.name}.json", json.dumps(_to_json(generation), indent=1))
        _write(self.folder / "CURRENT", generation.name)
        manifest_names = {f"{generation.name}.json", f"{previous.name}.json"}
        needed = generation.files() | previous.files()
        for path in (*manifests.iterdir(), *(self.folder / "parts").iterdir()):
            if path.name not in manifest_names | needed:
                _remove(path)


def _remove(path: Path) -> None:
    """Remove an unneeded file; log an error, because nothing depends on it."""
    try:
        path.unlink(missing_ok=True)
    except OSError as exc:
        log.warning(
            "%s is no longer needed and cannot be removed: %s. %s", path, exc.strerror or exc, disk_faults.cure(exc)
        )


def seal(path: Path, kind: str) -> str:
    """Sync a finished file to disk; return its part name, made from kind and content hash."""
    with path.open("rb") as file:
        name = f"{kind}-{hashlib.file_digest(file, hashlib.blake2b).hexdigest()[:16]}.parquet"
        os.fsync(file.fileno())
    return name


@lru_cache(maxsize=8)
def _read(path: Path) -> Generation:
    """Read a manifest; cached, because a manifest never changes."""
    cure = "Restore it from a backup, or remove the folder and import or sync the calls again."
    try:
        content: dict[str, Any] = read_json(path)
        if int(content["format"]) > FORMAT:
            raise StoreError(
                f"The call store {path.parent.parent} was written by a newer version (format {content['format']}). "
                "Install that version, or point TRUNKGATE_HOME at another folder."
            )
        if int(content["format"]) < EARLIEST:
            raise StoreError(
                f"The call store {path.parent.parent} was written by a version before this one. "
                "Remove the folder, then import or sync the calls again."
            )
        days = {
            date.fromisoformat(day): Day(
                **{
                    **entry,
                    **{kind: tuple(entry[kind]) for kind in KINDS},
                    **{kind: tuple(entry.get(kind, ())) for kind in PROVENANCE},
                    "first_at": datetime.fromisoformat(entry["first_at"]),
                    "last_at": datetime.fromisoformat(entry["last_at"]),
                }
            )
            for day, entry in content["days"].items()
        }
        unreadable = tuple(map(date.fromisoformat, content.get("unreadable", ())))
        return Generation(content["number"], days, content["rejects"], content.get("own_numbers", ""), unreadable)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as exc:
        raise StoreError(f"The call store's manifest {path} cannot be read ({exc}). {cure}") from exc


def _to_json(generation: Generation) -> dict[str, Any]:
    days = {
        day.isoformat(): asdict(entry) | {"first_at": entry.first_at.isoformat(), "last_at": entry.last_at.isoformat()}
        for day, entry in sorted(generation.days.items())
    }
    facts: dict[str, Any] = {
        "number": generation.number,
        "rejects": generation.rejects,
        "own_numbers": generation.own_numbers,
    }
    if generation.unreadable:
        facts["unreadable"] = [day.isoformat() for day in generation.unreadable]
    return {"format": FORMAT, "days": days, **facts}


def _write(path: Path, text: str) -> None:
    """Write a file atomically: to a temporary name, synced, then renamed."""
    temporary = path.with_name(f"{path.name}.new")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _disk(folder: Path, *, passing: tuple[type[OSError], ...] = ()) -> Iterator[None]:
    """Translate an ``OSError`` into a ``StoreError`` for operators; published data is unaffected."""
    try:
        yield
    except passing:
        raise
    except OSError as exc:
        raise StoreError(
            f"The call store {folder} cannot be written: {exc.strerror or exc}. "
            f"The calls already stored are as they were. {disk_faults.cure(exc)}"
        ) from exc
