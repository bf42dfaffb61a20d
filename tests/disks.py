"""Temporary file systems without permissions, without shared memory, or with little space. Mounting requires root."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

IMAGE_BYTES = 64 << 20
OPEN = "--perms=0777 --create-with-perms=0777"
BINDFS = {
    "refuses": f"{OPEN} --chmod-deny --force-user=root",
    "ignores": f"{OPEN} --chmod-ignore --force-user=root",
    "of nobody": f"{OPEN} --chmod-ignore --force-user=nobody",
    "no memory": "-o direct_io",
}
"""bindfs options that reproduce how network file systems and FAT treat modes and owners, by kind."""
NTFS = "ntfs"
SMALL = "size "
"""Prefix of the kind for a small disk in memory, followed by its size: ``size 500k``."""
WITHOUT_PERMISSIONS = (NTFS, "refuses", "ignores", "of nobody")


@contextmanager
def mounted(kind: str, folder: Path) -> Iterator[Path]:
    """Mount a file system of a kind for the duration of the block; skip the test where mounting is impossible."""
    place = folder / "mounted"
    under = folder / "under"
    image = folder / "image"
    place.mkdir()
    if kind.startswith(SMALL):
        _run("mount", "mount", "-t", "tmpfs", "-o", f"size={kind.removeprefix(SMALL)}", "none", str(place))
    elif kind == NTFS:
        with image.open("wb") as file:
            file.truncate(IMAGE_BYTES)
        _run("ntfs-3g", "mkntfs", "--force", "--quick", "--quiet", str(image))
        _run("ntfs-3g", "ntfs-3g", str(image), str(place))
    else:
        under.mkdir()
        _run("bindfs", "bindfs", *BINDFS[kind].split(), str(under), str(place))
    try:
        yield place
    finally:
        _run("mount", "umount", "--lazy", str(place))


def _run(package: str, *command: str) -> None:
    program = shutil.which(command[0], path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if program is None:
        pytest.skip(f"NOT AVAILABLE: {command[0]}. Install it with: apt-get install {package}")
    if os.geteuid() != 0:
        pytest.skip("NOT AVAILABLE: root, who alone can mount a file system")
    done = subprocess.run([program, *command[1:]], capture_output=True, text=True, check=False)
    if done.returncode and any(word in done.stderr.lower() for word in ("fuse", "permitted", "permission denied")):
        pytest.skip(f"NOT AVAILABLE: mounting a file system: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
