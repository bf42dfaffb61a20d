"""The remedy of a file system error fits its reason."""

from __future__ import annotations

import errno

import pytest

from dashboard.core.disk_faults import NO_RIGHT, cure


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "Free disk space"),
        (errno.EMFILE, "ulimit -n"),
        (errno.ENOLCK, "on a local disk"),
        (errno.EROFS, "mount it writable"),
        (errno.EIO, "check the disk"),
        (errno.ENOENT, "create the folder"),
        (errno.ESTALE, "mount the folder again"),
        (errno.ELOOP, "symbolic link"),
        (errno.EISDIR, "rename it"),
        (errno.EEXIST, "has the name of a folder: rename it"),
        (errno.ENXIO, "a device has the name of a file: rename it"),
        (errno.ENAMETOOLONG, "shorter path"),
        (errno.EACCES, "Have this user own it"),
    ],
)
def test_the_cure_fits_the_error(number: int, words: str) -> None:
    """Rights are the remedy only where rights are missing."""
    sentence = cure(OSError(number, "as the system says it"))

    assert words in sentence
    assert sentence.endswith(".")
    assert (sentence == NO_RIGHT) == (number == errno.EACCES)
