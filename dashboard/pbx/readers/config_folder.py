"""
Configuration folders from disk, archives or single uploads, as paths and bytes within limits.

The input may be hostile: a link out of the folder, a name with ``..``, an archive that unpacks to a hundred times
its size. None of these is followed, and every omission is reported.
"""

from __future__ import annotations

import gzip
import io
import lzma
import os
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

from dashboard.core.errors import FileError
from dashboard.core.text import MARK, one_line, shortened
from dashboard.pbx.inventory.rows import Problem, Upload

MOST_FILES = 5_000
MOST_BYTES = 64 * 1024 * 1024
MOST_SAID = 20
LONGEST_NAME = 300
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz")

_PARENTS_OF_PBX = frozenset(
    {"etc", "asterisk", "freeswitch", "kamailio", "conf", "config", "autoload_configs", "configs", "backup"}
)
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_BEGINNING = 8192


@dataclass(frozen=True)
class Folder:
    """
    A configuration folder: its name, and its files by path with forward slashes.

    Bytes that are not UTF-8 are lone surrogates in both, as Python decodes names; so different names stay different.
    """

    name: str
    files: dict[str, bytes] = field(repr=False)
    single: bool = False
    """Whether the files were given individually; the name is then that of their PBX."""

    def shown(self, path: str) -> str:
        """Return the path of a file for messages: printable, on one line, truncated in the middle if too long."""
        whole = path if self.single or not self.name else f"{self.name}/{path}"
        return shortened(one_line(whole, None, mark=MARK), LONGEST_NAME, at_middle=True)

    def pbx_name(self, root: str) -> str:
        """Return the name of the PBX configured in ``root``: the nearest folder name that is not a program's own."""
        parts = [part for part in (self.name, *PurePosixPath(root).parts) if part]
        own_folders = [part for part in parts if part.lower() not in _PARENTS_OF_PBX]
        return (own_folders or parts or ["pbx"])[-1]


def is_archive(name: str) -> bool:
    """Return whether a file name has the extension of an archive."""
    return name.lower().endswith(ARCHIVES)


def name_of(name: str) -> str:
    """Return a file name from disk as text; undecodable bytes become replacement characters."""
    return os.fsencode(name).decode("utf-8", "replace")


def from_disk(path: Path) -> tuple[Folder, list[Problem]]:
    """Read a folder from disk; links that lead out of it are rejected."""
    root = path.resolve()
    gathering = _Gathering(root.name)
    for file in _walk(root, gathering):
        name = file.relative_to(root).as_posix()
        if not gathering.takes(name):
            break
        try:
            reason = _unfit(file, root)
            if reason:
                gathering.leave_out(name, reason)
            else:
                gathering.add(name, file.read_bytes() if file.stat().st_size <= gathering.left else None)
        except (OSError, RuntimeError) as exc:
            gathering.leave_out(name, _unreadable(exc))
    return gathering.folder, gathering.problems


def from_uploads(name: str, uploads: Sequence[Upload]) -> tuple[Folder, list[Problem]]:
    """Combine single files into a folder; a path in a file name is kept if it stays within the folder."""
    gathering = _Gathering(name, single=True)
    for upload in uploads:
        if not gathering.takes(upload.name):
            break
        gathering.add(upload.name, upload.data)
    return gathering.folder, gathering.problems


def from_archive(upload: Upload) -> tuple[Folder, list[Problem]]:
    """
    Unpack a zip or tar archive in memory.

    Raises:
        FileError: The file is not a zip or tar archive, or cannot be unpacked.
    """
    name = PurePosixPath(upload.name).name
    stem = name[: -len(next(ending for ending in ARCHIVES if name.lower().endswith(ending)))] or "archive"
    gathering = _Gathering(stem)
    members = _of_zip if name.lower().endswith(".zip") else _of_tar
    try:
        for path, data in members(upload.data, gathering):
            gathering.add(path, data)
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        zlib.error,
        lzma.LZMAError,
        OSError,
        EOFError,
        ValueError,
        NotImplementedError,
    ) as exc:
        raise FileError(f"It cannot be unpacked ({exc}). Pack the folder again.", file=upload.name) from exc
    return gathering.folder, gathering.problems


class _Gathering:
    """A folder under construction: the files added so far, and the omissions with their reasons."""

    def __init__(self, name: str, *, single: bool = False) -> None:
        self.folder = Folder(name, {}, single)
        self.left = MOST_BYTES
        self.problems: list[Problem] = []
        self._said: dict[str, int] = {}

    def takes(self, path: str) -> bool:
        """Return whether there is room for another file; otherwise report the limit as a problem."""
        if len(self.folder.files) < MOST_FILES and self.left > 0:
            return True
        limit = f"{MOST_FILES:,} files" if self.left > 0 else f"{MOST_BYTES >> 20} MB"
        cure = "Give the folder of one PBX's configuration alone."
        reason = f"The folder has more than {limit}; this file and the rest were left out. {cure}"
        self.problems.append(self._problem(path, reason))
        return False

    def add(self, path: str, data: bytes | None) -> None:
        """Add a file; ``None`` as data marks a file too large for the remaining space."""
        plain = path.replace("\\", "/")
        pure = PurePosixPath(plain)
        if pure.is_absolute() or ".." in pure.parts or re.match(r"[A-Za-z]:", plain) or not pure.parts:
            self.leave_out(path, "Its name leads out of the folder, so it was left out. Pack it under a plain name.")
        elif data is None or len(data) > self.left:
            self.leave_out(path, f"It is too large: {MOST_BYTES >> 20} MB are read in all. Leave it out of the folder.")
        elif data[:2] not in _UTF_16 and b"\0" in data[:_BEGINNING]:
            self.left -= len(data)
            self.leave_out(path, "It is not a text, so it was left out.")
        else:
            self.left -= len(data)
            self.folder.files[str(pure)] = data

    def leave_out(self, path: str, reason: str) -> None:
        """Report why a file was left out; only the first ``MOST_SAID`` with the same reason are reported."""
        count = self._said[reason] = self._said.get(reason, 0) + 1
        if count < MOST_SAID:
            self.problems.append(self._problem(path, reason))
        elif count == MOST_SAID:
            self.problems.append(self._problem("", f"The same holds for more files: {reason}"))

    def _problem(self, path: str, reason: str) -> Problem:
        return Problem(self.folder.shown(path).rstrip("/") or "the folder", None, "", reason)


def _walk(root: Path, gathering: _Gathering) -> Iterator[Path]:
    """Yield the files below a folder, and links to folders, which are not followed."""
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        try:
            children = sorted(folder.iterdir())
        except OSError as exc:
            gathering.leave_out(folder.relative_to(root).as_posix(), _unreadable(exc))
            continue
        folders = [child for child in children if _is_folder(child)]
        inside = set(folders)
        yield from (child for child in children if child not in inside)
        waiting += reversed(folders)


def _is_folder(path: Path) -> bool:
    """Return whether a path is a folder and not a link; False on an error, which reading it will report."""
    try:
        return path.is_dir() and not path.is_symlink()
    except OSError:
        return False


def _unfit(path: Path, root: Path) -> str:
    """Return the reason why a file on disk is not read; ``""`` if it is read."""
    target = path.resolve(strict=True)
    if not target.is_relative_to(root):
        return "It is a link out of the folder, so it was not followed. Copy the file itself into the folder."
    if target.is_dir():
        return "It is a link to a folder, so it was not followed."
    return "" if stat.S_ISREG(target.stat().st_mode) else "It is not a plain file, so it was left out."


def _unreadable(exc: OSError | RuntimeError) -> str:
    return f"It cannot be read: {getattr(exc, 'strerror', None) or exc}. Check its rights and where it leads."


def _of_zip(data: bytes, gathering: _Gathering) -> Iterator[tuple[str, bytes | None]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for member in archive.infolist():
            if member.is_dir():
                continue
            if not gathering.takes(member.filename):
                return
            if stat.S_ISLNK(member.external_attr >> 16):
                gathering.leave_out(member.filename, "It is a link, which is not followed in an archive.")
            elif member.flag_bits & 1:
                gathering.leave_out(member.filename, "It is encrypted. Pack it without a password.")
            elif member.file_size > gathering.left:
                yield member.filename, None
            else:
                with archive.open(member) as stream:
                    yield member.filename, _at_most(stream, gathering.left)


def _of_tar(data: bytes, gathering: _Gathering) -> Iterator[tuple[str, bytes | None]]:
    if data.startswith(b"\x1f\x8b"):
        with gzip.open(io.BytesIO(data)) as packed:
            unpacked = _at_most(packed, MOST_BYTES)
        if unpacked is None:
            raise ValueError(f"it unpacks to more than {MOST_BYTES >> 20} MB")
        data = unpacked
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
        for member in archive:
            if member.isdir():
                continue
            if not gathering.takes(member.name):
                return
            stream = archive.extractfile(member) if member.isreg() else None
            if stream is None:
                gathering.leave_out(member.name, "It is a link or a device, which is not followed in an archive.")
            else:
                yield member.name, _at_most(stream, gathering.left)


def _at_most(stream: IO[bytes] | gzip.GzipFile, most: int) -> bytes | None:
    """Read a stream to its end; return ``None`` if it has more than ``most`` bytes."""
    data = stream.read(most + 1)
    return data if len(data) <= most else None
