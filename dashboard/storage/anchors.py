"""
Anchors: heads of the journal and of the recorded versions, stored outside the database.

The anchor file is append-only (mode 0600, JSON lines, flushed to disk) and part of the home. Each head has two lines:
``writing`` before the database commits the row, ``written`` after. If a process is killed in between, the result is
unambiguous: a head that is ``written`` but not in the database was removed from it. The first line of each chain is
``start``.

Each line contains the hash of the line before it. With a key (``TRUNKGATE_JOURNAL_KEY``) it also contains an HMAC, so
that a user who can write to the home but does not have the key cannot write anchors that verify.
"""

from __future__ import annotations

import errno
import hashlib
import hmac
import logging
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from logging.handlers import SysLogHandler
from pathlib import Path
from typing import Any

from dashboard.core import clocks
from dashboard.core.endpoints import syslog_target
from dashboard.core.errors import JournalError
from dashboard.core.locks import lock_open_file
from dashboard.core.regular_files import parse_json
from dashboard.core.settings import Settings
from dashboard.domain.changes import canonical
from dashboard.storage.sealing import GENESIS

FILE = "journal.anchors"
JOURNAL = "journal"
VERSIONS = "versions"
START = "start"
WRITING = "writing"
WRITTEN = "written"
TAIL_BYTES = 65_536
"""Number of bytes at the end of the file in which the last line is searched; a line has a few hundred."""


@dataclass(frozen=True)
class Head:
    """The end of a chain at one time: number of rows, and hash of the last one."""

    chain: str
    """``journal`` or ``versions``."""
    step: str
    """``start``, ``writing`` or ``written``."""
    entries: int
    head: str


@dataclass(frozen=True)
class Anchor(Head):
    """One line of the anchor file."""

    at: datetime
    line: int
    """Line number, counted from 1."""
    signed: bool
    after_calls: bool = False
    """On a ``start`` line: the home had calls although its database had just been created."""


class Anchors:
    """The anchor file of one home. Safe to share between threads and processes."""

    def __init__(self, home: Path, *, key: bytes = b"", syslog: str = "") -> None:
        """
        Set the path of the file; the first ``append`` creates it.

        Args:
            home: State folder.
            key: HMAC key; lines are not signed if empty.
            syslog: Syslog target that also receives each head: path of a socket, or HOST or HOST:PORT for UDP.
        """
        self.path = home / FILE
        self._key = key
        self._syslog = syslog

    @property
    def has_key(self) -> bool:
        """Whether lines are signed and signatures can be checked."""
        return bool(self._key)

    @property
    def exists(self) -> bool:
        """Whether the file exists and is not empty."""
        try:
            return self.path.stat().st_size > 0
        except OSError:
            return False

    def append(self, *heads: Head, after_calls: bool = False) -> None:
        """
        Append each head as a line, and wait until the lines are on disk.

        Args:
            heads: Heads in the order of their lines.
            after_calls: See ``Anchor``.

        Raises:
            JournalError: The file or the syslog cannot be written, or the last line is signed and no key is set.
        """
        try:
            with self._open() as file:
                last, torn = _last_line(file)
                if last and "mac" in parse_json(last) and not self._key:
                    raise JournalError(
                        f"The anchors of this home ({self.path}) are signed. Set TRUNKGATE_JOURNAL_KEY to the key that "
                        "signed them; nothing is recorded without it."
                    )
                text = "\n" if torn else ""
                for head in heads:
                    last = self._line(head, last, after_calls=after_calls)
                    text += f"{last}\n"
                _write(file, text.encode())
            for head in heads:
                if self._syslog and head.step != WRITTEN:
                    _send(self._syslog, f"trunkgate: {head.chain} has {head.entries} entries, head {head.head}")
        except (OSError, ValueError, OverflowError) as exc:
            reason = (exc.strerror if isinstance(exc, OSError) else "") or str(exc)
            if isinstance(exc, OSError) and exc.errno == errno.ELOOP:
                reason = "it is a link, not the anchor file"
            raise JournalError(
                f"The journal cannot be anchored in {self.path}{f' and {self._syslog}' if self._syslog else ''}: "
                f"{reason}. Nothing is recorded or changed without an anchor; correct that, then try again."
            ) from exc

    def read(self) -> list[Anchor]:
        """
        Return all lines, oldest first; an empty list if the file does not exist.

        Raises:
            JournalError: The file cannot be read, a line was changed, removed or inserted, or its signature is wrong;
                the message names the first such line.
        """
        try:
            # do not follow symbolic links, and do not block on a pipe
            file = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(file, encoding="utf-8", errors="replace") as lines:
                if not stat.S_ISREG(os.fstat(file).st_mode):
                    raise JournalError(
                        f"{self.path} is a device or a pipe, not the anchor file. Put the file back from a backup."
                    )
                text = lines.read()
        except FileNotFoundError:
            return []
        except OSError as exc:
            if exc.errno == errno.ELOOP:
                raise JournalError(
                    f"{self.path} is a link, not the anchor file. Put the file itself in its place."
                ) from exc
            raise JournalError(f"The anchor file {self.path} cannot be read: {exc.strerror}.") from exc
        return read_lines(text, name=str(self.path), key=self._key)

    def _line(self, head: Head, previous: str, *, after_calls: bool) -> str:
        body: dict[str, Any] = {
            "at": clocks.now().isoformat(),
            "chain": head.chain,
            "step": head.step,
            "entries": head.entries,
            "head": head.head,
            "previous": _hash(previous),
        }
        if after_calls:
            body["after_calls"] = True
        if self._key:
            body["mac"] = _mac(self._key, body)
        return canonical(body)

    @contextmanager
    def _open(self) -> Iterator[int]:
        """Open the file for appending, with an exclusive lock; other writers wait."""
        new = not self.path.exists()
        file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            lock_open_file(file)
            if new:
                _sync_folder(self.path.parent)
            yield file
        finally:
            os.close(file)


def of_settings(settings: Settings) -> Anchors:
    """Return the anchors of the home that the settings name, with its key and syslog target."""
    key = settings.journal_key.get_secret_value().encode()
    return Anchors(settings.home, key=key, syslog=settings.journal_syslog)


def read_lines(text: str, *, name: str, key: bytes = b"") -> list[Anchor]:
    """
    Parse the lines of an anchor file and check that each follows the one before it.

    A line that was cut off during writing is skipped; the next line follows the one before the cut-off line.

    Args:
        text: Content of the file.
        name: Name of the file, for messages.
        key: Key to check signatures with. Regardless of it, no line after a signed one may be unsigned.

    Raises:
        JournalError: See ``Anchors.read``.
    """
    anchors: list[Anchor] = []
    previous = ""
    signed = False
    for number, line in enumerate(text.split("\n"), start=1):
        body = _body(line)
        if body is None:
            continue
        if body["previous"] != _hash(previous):
            raise JournalError(f"{name}, line {number}: it does not follow the line before it. The file was changed.")
        mac = body.pop("mac", None)
        if key and mac is not None and not hmac.compare_digest(str(mac), _mac(key, body)):
            raise JournalError(
                f"{name}, line {number}: its signature is not of the key in TRUNKGATE_JOURNAL_KEY. "
                "The line was changed, or the key is another one."
            )
        if mac is None and signed:
            raise JournalError(f"{name}, line {number}: it is not signed, but lines before it are. It was added later.")
        signed = mac is not None
        previous = line
        try:
            at = datetime.fromisoformat(body["at"])
            entries = int(body["entries"])
            chain = str(body["chain"])
            step = str(body["step"])
            head = str(body["head"])
        except (KeyError, TypeError, ValueError, OverflowError) as exc:
            raise JournalError(f"{name}, line {number}: it is no anchor. The file was changed.") from exc
        anchors.append(Anchor(chain, step, entries, head, at, number, signed, body.get("after_calls") is True))
    return anchors


def compare(
    anchors: Sequence[Anchor], chain: str, hashes: Sequence[str], *, excusable: Mapping[int, int]
) -> tuple[str, tuple[int, ...]]:
    """
    Compare a chain in the database with its anchors.

    A mark in the row proves nothing, because any user who can write to the database can write it. So an outcome row may
    lack an anchor only if the ``begun`` row of its action has one, and only until the next row is anchored: the missing
    anchor is written together with that of the next row.

    Args:
        anchors: Lines of the anchor file, oldest first.
        chain: ``journal`` or ``versions``.
        hashes: Hashes of the rows in the database, oldest first.
        excusable: Rows, numbered from 1, that record that their anchor could not be written, each with the ``begun``
            row of its action.

    Returns:
        Sentences about interrupted writes, else empty; and the rows that have no anchor yet.

    Raises:
        JournalError: Rows were removed from, changed in or added to the database, or lines removed from the file.
    """
    chain_anchors = [anchor for anchor in anchors if anchor.chain == chain]
    rows = "Journal entry" if chain == JOURNAL else "Version"
    if not chain_anchors or chain_anchors[0].step != START:
        raise JournalError(f"The beginning of the anchors of the {chain} is missing. The anchor file was cut.")
    anchored_rows: set[int] = set()
    interrupted: dict[int, str] = {}
    for anchor in chain_anchors:
        row_hash = hashes[anchor.entries - 1] if 0 < anchor.entries <= len(hashes) else None
        if anchor.entries == 0:
            row_hash = GENESIS
        if row_hash == anchor.head:
            anchored_rows.add(anchor.entries)
        elif anchor.step != WRITING:
            verb = "was changed" if row_hash else "is missing"
            raise JournalError(
                f"{rows} {anchor.entries} {verb}: the anchor of {anchor.at:%Y-%m-%d %H:%M:%S} UTC (line {anchor.line}) "
                f"has the head {anchor.head[:12]}, the database has {(row_hash or 'none')[:12]}."
            )
        elif anchor.entries > len(hashes) + 1:
            raise JournalError(
                f"{rows} {len(hashes) + 1} is missing: an anchor names {rows.lower()} {anchor.entries} "
                f"(line {anchor.line})."
            )
        else:
            announced_at = f"{anchor.at:%Y-%m-%d %H:%M:%S} UTC"
            interrupted[anchor.entries] = f"{rows} {anchor.entries} was announced at {announced_at} and not written."
    without = tuple(
        number for number in range(chain_anchors[0].entries + 1, len(hashes) + 1) if number not in anchored_rows
    )
    for number in without:
        ends = excusable.get(number)
        excused = ends is not None and (ends in anchored_rows or ends <= chain_anchors[0].entries)
        if not excused or number < max(anchored_rows):
            raise JournalError(
                f"{rows} {number} has no anchor: it was not written by trunkgate, or lines were removed from the "
                "anchor file."
            )
    return " ".join(sentence for number, sentence in interrupted.items() if number not in anchored_rows), without


def _body(line: str) -> dict[str, Any] | None:
    """Parse one line of the file; return ``None`` for a cut-off line or one that is not a JSON object."""
    try:
        body = parse_json(line)
    except ValueError:
        return None
    return body if isinstance(body, dict) and "previous" in body else None


def _last_line(file: int) -> tuple[str, bool]:
    """Return the last complete line, and whether a cut-off line follows it."""
    size = os.fstat(file).st_size
    tail = os.pread(file, TAIL_BYTES, max(0, size - TAIL_BYTES)).decode(errors="replace")
    whole = [line for line in tail.split("\n") if _body(line) is not None]
    return whole[-1] if whole else "", bool(tail) and not tail.endswith("\n")


def _hash(line: str) -> str:
    return hashlib.sha256(line.encode()).hexdigest() if line else GENESIS


def _mac(key: bytes, body: dict[str, Any]) -> str:
    return hmac.new(key, canonical(body).encode(), hashlib.sha256).hexdigest()


def _write(file: int, data: bytes) -> None:
    """Append data to a file and wait until it is on disk; on an error, such as a full disk, nothing is appended."""
    size = os.fstat(file).st_size
    try:
        remaining = data
        while remaining:
            remaining = remaining[os.write(file, remaining) :]
        os.fsync(file)
    except OSError:
        with suppress(OSError):
            os.ftruncate(file, size)
        raise


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as exc:
        if exc.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems cannot flush folders
            raise
    finally:
        os.close(handle)


class _Sender(SysLogHandler):
    """Syslog handler that raises errors instead of printing them."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - logging's signature
        """Re-raise the current exception."""
        raise  # noqa: PLE0704 - called by ``emit`` while it handles the exception


def _send(to: str, text: str) -> None:
    try:
        target = syslog_target(to)
    except ValueError as exc:
        raise ValueError(f"TRUNKGATE_JOURNAL_SYSLOG {exc}") from None
    sender = _Sender(address=target, facility=SysLogHandler.LOG_AUTHPRIV)
    try:
        sender.emit(logging.LogRecord("trunkgate", logging.INFO, "", 0, text, None, None))
    finally:
        sender.close()
