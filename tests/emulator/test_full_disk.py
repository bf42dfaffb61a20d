"""An embedded account on a full disk reports it, although its log has no space either."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dashboard.core.errors import SettingsError
from dashboard.emulator.lifecycle import process, serving
from tests.disks import SMALL, mounted
from tests.texts import golden_pattern


@pytest.mark.usefixtures("spawned")
@pytest.mark.parametrize(("room", "calls"), [("0k", 10), ("200k", 2_000)])
def test_a_full_disk_is_named(tmp_path: Path, room: str, calls: int) -> None:
    """A disk without space for the first page, or for the history, gives a message with the remedy."""
    with mounted(f"{SMALL}1m", tmp_path) as home:
        keep = 1024 * (1024 - int(room.removesuffix("k")))
        (home / "other").write_bytes(b"x" * keep)

        with pytest.raises(SettingsError, match="did not start") as told:
            process.start(home, calls=calls)

        assert "full" in str(told.value)
        assert "Free disk space" in str(told.value)
        assert "said nothing" not in str(told.value)
        (home / "other").unlink()


def test_an_account_that_cannot_be_announced_ends(tmp_path: Path) -> None:
    """An emulator whose note cannot be written exits, because no process would find it."""
    (tmp_path / "emulator.json").mkdir()

    with pytest.raises(SettingsError, match=r"did not start.*emulator\.json"):
        process.start(tmp_path, calls=10)


def test_a_folder_that_cannot_be_made_is_no_full_disk(tmp_path: Path) -> None:
    """A folder that cannot be created gives the remedy for its own error."""
    (tmp_path / "file").touch()

    with pytest.raises(SettingsError, match=golden_pattern("errors.disk.name_of_a_folder")) as told:
        serving.serve(tmp_path / "file" / "home")

    assert "disk space" not in str(told.value)
    assert "backup" not in str(told.value)


def test_too_many_open_files_are_no_full_disk(tmp_path: Path) -> None:
    """Too many open files give a remedy that names the limit."""
    program = (
        "import resource, sys, pathlib; "
        "from dashboard.emulator.lifecycle import serving; from dashboard.emulator.traffic import traffic; "
        "resource.setrlimit(resource.RLIMIT_NOFILE, (4, 4)); serving.serve(pathlib.Path(sys.argv[1]))"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=False)

    assert "ulimit -n" in ended.stderr.splitlines()[-1]
    assert "disk space" not in ended.stderr
