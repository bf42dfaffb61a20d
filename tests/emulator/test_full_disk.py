"""An embedded account on a disk without room says so, although its log has no room either."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard.emulator import process
from dashboard.errors import SettingsError
from tests.disks import SMALL, mounted


@pytest.mark.parametrize(("room", "calls"), [("0k", 10), ("200k", 2_000)])
def test_a_full_disk_is_named(tmp_path: Path, room: str, calls: int) -> None:
    """Whether there is no room for its first page or for its history; with the cure."""
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
    """Nobody would find it, and whoever started it would wait for minutes."""
    (tmp_path / "emulator.json").mkdir()

    with pytest.raises(SettingsError, match=r"did not start.*emulator\.json"):
        process.start(tmp_path, calls=10)
