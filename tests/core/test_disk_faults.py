"""The remedy of a file system error fits its reason."""

from __future__ import annotations

import errno

import pytest

from dashboard.core.disk_faults import NO_RIGHT, cure
from tests.texts import golden


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "Free disk space"),
        (errno.EMFILE, "ulimit -n"),
        (errno.ENOLCK, golden("errors.disk.on_a_local_disk")),
        (errno.EROFS, "mount it writable"),
        (errno.EIO, "check the disk"),
        (errno.ENOENT, "create the folder"),
        (errno.ESTALE, golden("errors.disk.mount_again")),
        (errno.ELOOP, "symbolic link"),
        (errno.EISDIR, "rename it"),
        (errno.EEXIST, golden("errors.disk.is_a_folder")),
        (errno.ENXIO, golden("errors.disk.is_a_device")),
        (errno.ENAMETOOLONG, "shorter path"),
        (errno.EACCES, golden("errors.disk.have_user_own_it")),
    ],
)
def test_the_cure_fits_the_error(number: int, words: str) -> None:
    """Rights are the remedy only where rights are missing."""
    sentence = cure(OSError(number, "as the system says it"))

    assert words in sentence
    assert sentence.endswith(".")
    assert (sentence == NO_RIGHT) == (number == errno.EACCES)
