"""A home is private to its user, whatever the umask and whatever an earlier version left."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard.core import private
from dashboard.core.errors import SettingsError
from dashboard.core.settings import Settings
from dashboard.domain.actors import local_actor
from dashboard.services.workspace import Workspace
from tests.texts import golden_pattern

NOBODY = 65534
root = pytest.mark.skipif(os.geteuid() != 0, reason="NOT AVAILABLE: root, which alone can give a folder away")


@pytest.fixture(autouse=True)
def _open_umask() -> Iterator[None]:
    """Set the most permissive umask."""
    before = os.umask(0)
    yield
    os.umask(before)


def open_to_others(home: Path) -> list[str]:
    """Return everything in a home that users other than its owner can access."""
    paths = [home, *home.rglob("*")]
    return [f"{path.name} {path.lstat().st_mode:o}" for path in paths if path.lstat().st_mode & 0o077]


def old_home(folder: Path) -> Path:
    """Return a home as earlier versions left it."""
    home = folder / "home"
    (home / "calls" / "days").mkdir(parents=True, mode=0o755)
    for name in ("state.db", "emulator.db", "sync.lock", "calls/days/part.parquet"):
        (home / name).touch(mode=0o644)
    return home


def test_all_written_files_are_private(tmp_path: Path) -> None:
    """After account, emulator, sync, exports and a fix, every folder is 0700 and every file 0600."""
    settings = Settings(home=tmp_path / "home", sample_calls=500)
    with Workspace.open(settings) as opened:
        opened.sync()
        finding = next(each for each in opened.findings() if each.changes)
        plan = opened.plan(finding.check, finding.subject)
        opened.apply(plan, actor=local_actor("tests"), typed=plan.phrases)
        names = {path.name for path in settings.home.rglob("*")}

        assert {"state.db", "emulator.db", "emulator.log", "sync.lock", "fix.lock", "calls"} <= names
        assert [] == open_to_others(settings.home)
    assert [] == open_to_others(settings.home)


def test_an_open_home_is_tightened(tmp_path: Path) -> None:
    """Opening a home restricts its permissions; link targets outside are not changed."""
    home = old_home(tmp_path)
    outside = tmp_path / "outside"
    outside.touch(mode=0o644)
    (home / "link").symlink_to(outside)
    assert open_to_others(home)

    private.prepare(home)

    links = [f"link {os.lstat(home / 'link').st_mode:o}"]
    assert links == open_to_others(home)
    assert outside.stat().st_mode & 0o777 == 0o644

    (home / "calls" / "late").touch()
    (home / "calls" / "late").chmod(0o666)
    private.prepare(home)
    assert links == open_to_others(home)


def test_a_new_home_is_private(tmp_path: Path) -> None:
    """A new home is private from its creation."""
    home = private.prepare(tmp_path / "home")

    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_where_permissions_cannot_be_kept_the_home_is_refused_or_accepted(tmp_path: Path) -> None:
    """If changing a mode fails or has no effect, as on FAT, the home is refused unless a setting accepts it."""

    def no_effect(path: Path, mode: int) -> None:
        """Ignore the mode change."""

    def not_permitted(path: Path, mode: int) -> None:
        raise PermissionError(1, f"Operation not permitted: {mode:o}", str(path))

    for change in (no_effect, not_permitted):
        with pytest.raises(SettingsError, match="TRUNKGATE_ACCEPT_OPEN_HOME=1"):
            private.prepare(old_home(tmp_path / change.__name__), change=change)
        home = tmp_path / change.__name__ / "home"
        assert private.prepare(home, accept_open=True, change=change) == home


def test_the_setting_that_accepts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the setting that accepts such a home."""
    assert Settings.read().accept_open_home is False
    monkeypatch.setenv(private.FLAG, "1")

    assert Settings.read().accept_open_home is True


@pytest.mark.parametrize("name", ["letter.txt", "calls/2026/letter.txt"])
@pytest.mark.parametrize("mode", [0o755, 0o1777])
def test_shared_folder_is_not_restricted(tmp_path: Path, mode: int, name: str) -> None:
    """
    Restricting a user's home directory or /tmp would lock out its other users, so it is refused.

    Also where it has a folder with the name of one of a home.
    """
    folder = tmp_path / "shared"
    (folder / name).parent.mkdir(parents=True)
    (folder / name).touch()
    folder.chmod(mode)

    with pytest.raises(SettingsError, match=golden_pattern("errors.disk.folder_of_its_own")):
        private.prepare(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == mode


def test_a_home_that_has_only_calls_is_tightened(tmp_path: Path) -> None:
    """The generations of calls identify a home whose database was lost."""
    (tmp_path / "home" / "calls" / "generations").mkdir(parents=True, mode=0o755)

    assert [] == open_to_others(private.prepare(tmp_path / "home"))


def test_a_home_that_cannot_be_written_is_left_as_it_is(tmp_path: Path) -> None:
    """A read-only copy can be verified, checked and exported."""
    home = old_home(tmp_path)
    home.chmod(0o555)

    assert private.prepare(home) == home
    assert stat.S_IMODE(home.stat().st_mode) == 0o555


@root
def test_the_home_of_another_user_is_refused_with_the_cure(tmp_path: Path) -> None:
    """Root would leave files in another user's home that its owner cannot use, so it is refused with the remedy."""
    home = old_home(tmp_path)
    os.chown(home, NOBODY, NOBODY)

    with pytest.raises(SettingsError, match=golden_pattern("errors.disk.belongs_to_nobody") + ".*sudo -u nobody"):
        private.prepare(home)


def test_a_file_in_place_of_the_home_is_named(tmp_path: Path) -> None:
    """The error names the file and the setting to change."""
    (tmp_path / "home").touch()

    with pytest.raises(SettingsError, match=golden_pattern("errors.disk.home_file_exists") + ".*TRUNKGATE_HOME"):
        private.prepare(tmp_path / "home")


def test_files_are_written_atomically_and_privately(tmp_path: Path) -> None:
    """Files are written atomically and privately, also over a file that was open to others."""
    (tmp_path / "note").touch(mode=0o666)

    private.write(tmp_path / "note", "text")

    assert (tmp_path / "note").read_text() == "text"
    assert stat.S_IMODE((tmp_path / "note").stat().st_mode) == 0o600
    assert [tmp_path / "note"] == list(tmp_path.iterdir())
