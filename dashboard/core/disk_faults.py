"""What an operator can do about a file that cannot be read or written."""

from __future__ import annotations

import errno
from typing import Final

NO_RIGHT: Final = "Have this user own it and be able to write it, or choose another folder."
_SPACE: Final = "Free disk space."
_OPEN_FILES: Final = "Raise the limit of open files (ulimit -n), or end other programs."
_NO_LOCKS: Final = "Its file system cannot lock files: point TRUNKGATE_HOME at a folder on a local disk."
_NOT_THERE: Final = "A folder of its path is missing: mount its disk, or create the folder, then try again."
_WRONG_KIND: Final = "A folder has the name of a file, or a file that of a folder: rename it, then try again."
CURES: Final = {
    errno.ENOSPC: _SPACE,
    errno.EDQUOT: _SPACE,
    errno.EMFILE: _OPEN_FILES,
    errno.ENFILE: _OPEN_FILES,
    errno.ENOLCK: _NO_LOCKS,
    errno.ENOSYS: _NO_LOCKS,
    errno.ENOTSUP: _NO_LOCKS,
    errno.EROFS: "Its file system is mounted read-only: mount it writable, or point TRUNKGATE_HOME at another folder.",
    errno.EIO: "The disk failed: see the system's log and check the disk, then restore damaged files from a backup.",
    errno.ENOENT: _NOT_THERE,
    errno.ENODEV: _NOT_THERE,
    errno.ESTALE: "The server of the network folder removed it, or was restarted: mount the folder again.",
    errno.ELOOP: "It is a symbolic link, or its path has links that lead in a circle: put the file or folder there.",
    errno.EISDIR: _WRONG_KIND,
    errno.ENOTDIR: _WRONG_KIND,
    errno.EEXIST: "A file, or a link that leads nowhere, has the name of a folder: rename it, then try again.",
    errno.ENXIO: "A pipe, a socket or a device has the name of a file: rename it, then try again.",
    errno.ENAMETOOLONG: "Point TRUNKGATE_HOME at a folder with a shorter path.",
}
"""Remedies by the number of the error; ``NO_RIGHT`` for the others."""


def cure(fault: OSError) -> str:
    """Return a sentence with the remedy for an error of the file system."""
    return CURES.get(fault.errno or 0, NO_RIGHT)
