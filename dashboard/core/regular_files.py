"""Reading of small files that may be damaged or replaced: no pipe blocks, and no nested JSON fills the stack."""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path
from typing import Any, Final

SPECIAL: Final = "it is a pipe or a device, not a file"
"""``strerror`` of the error that a pipe, a socket or a device raises."""
NESTED: Final = "it is nested more deeply than any file that trunkgate writes"
FLAGS: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


def require_regular(path: Path, status: os.stat_result) -> None:
    """
    Reject everything but a regular file.

    Raises:
        OSError: The path is a folder, or a pipe, a socket or a device (``ENXIO``).
    """
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.ENXIO, SPECIAL, str(path))


def unblocked(path: str, flags: int) -> int:
    """Open a file, and a pipe without waiting for its other end; an ``opener`` of ``open``."""
    return os.open(path, flags | FLAGS, 0o600)


def read_bytes(path: Path) -> bytes:
    """
    Return the content of a regular file, without waiting for the writer of a pipe.

    Raises:
        OSError: The file cannot be read, or is not a regular file; see ``require_regular``.
    """
    descriptor = os.open(path, FLAGS)
    try:
        require_regular(path, os.fstat(descriptor))
        with open(descriptor, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(descriptor)


def read_json(path: Path) -> Any:
    """
    Return the value in a JSON file.

    Raises:
        OSError: See ``read_bytes``.
        ValueError: The content is not UTF-8 or not JSON, or is nested too deeply.
    """
    return parse_json(read_bytes(path).decode("utf-8"))


def parse_json(text: str) -> Any:
    """
    Return the value of a JSON text.

    Raises:
        ValueError: The text is not JSON, or is nested too deeply.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError(NESTED) from None
