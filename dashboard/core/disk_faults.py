"""What an operator can do about a file that cannot be read or written."""

from __future__ import annotations

import errno


def cure(fault: OSError) -> str:
    """Return a sentence with the remedy for an error of the file system."""
    if fault.errno in {errno.ENOSPC, errno.EDQUOT}:
        return "Free disk space."
    if fault.errno in {errno.EMFILE, errno.ENFILE}:
        return "Raise the limit of open files (ulimit -n), or end other programs."
    if fault.errno in {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP}:
        return "Its file system cannot lock files: point TRUNKGATE_HOME at a folder on a local disk."
    return "Have this user own it and be able to write it, or choose another folder."
