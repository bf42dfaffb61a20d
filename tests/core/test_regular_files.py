"""Small files of a home: only a regular file is read, and nested JSON is an error."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dashboard.core.errors import LockError
from dashboard.core.locks import nobody_shares
from dashboard.core.regular_files import NESTED, SPECIAL, parse_json, read_bytes, read_json
from tests.texts import golden_pattern


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_pipe_and_device_are_an_error_at_once(tmp_path: Path, kind: str) -> None:
    """A pipe without a writer does not block, and a device is not read."""
    path = tmp_path / "CURRENT"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")

    with pytest.raises(OSError, match=SPECIAL):
        read_bytes(path)


def test_folder_and_missing_file_have_their_own_errors(tmp_path: Path) -> None:
    """The error class says which of the two it is, and no file stays open."""
    before = len([*Path("/proc/self/fd").iterdir()])

    with pytest.raises(IsADirectoryError):
        read_bytes(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_bytes(tmp_path / "missing")

    assert len([*Path("/proc/self/fd").iterdir()]) == before


def test_json_is_read_and_its_faults_are_value_errors(tmp_path: Path) -> None:
    """Deeply nested JSON and text that is not UTF-8 raise ``ValueError``, as invalid JSON does."""
    path = tmp_path / "note.json"
    path.write_text('{"port": 8501}', encoding="utf-8")

    assert read_json(path) == {"port": 8501}
    for content in (b"[" * 200_000, b"\xff\xfe{}", b"{"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"."):
            read_json(path)
    with pytest.raises(ValueError, match=NESTED):
        parse_json('{"a":' * 200_000)


def test_pipe_in_place_of_a_shared_lock_is_an_error_at_once(tmp_path: Path) -> None:
    """The test for other holders of a shared lock does not wait for a reader of a pipe in its place."""
    path = tmp_path / "emulator.users"
    os.mkfifo(path)

    with pytest.raises(LockError, match=golden_pattern("errors.disk.users_cannot_be_used")), nobody_shares(path):
        pass
