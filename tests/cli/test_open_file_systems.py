"""A home on a real file system without permissions: refused with reason and remedy, or accepted by a flag."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import typer.main
from typer.testing import CliRunner

from dashboard.cli.entry_point import app
from dashboard.core.errors import SettingsError
from dashboard.core.private import FLAG
from dashboard.core.settings import Settings
from dashboard.domain.actors import local_actor
from dashboard.services.workspace import Workspace
from tests.cli.conftest import Program
from tests.cli.test_serve import VISIT, free_port
from tests.disks import WITHOUT_PERMISSIONS, mounted
from tests.texts import golden
from tests.waiting import WAIT_S, until

pytestmark = pytest.mark.slow

FEW = {"TRUNKGATE_SAMPLE_CALLS": "300"}
ACCEPTED = FEW | {FLAG: "1"}
ARGUMENTS = {
    "export": "out",
    "fix": "pbx_address_is_allowed 198.51.100.24",
    "undo": "1",
    "review": "203.0.113.88",
    "calls import": "calls.csv",
    "calls import-pbx": "denver calls.csv",
    "calls repair": "2026-11-01",
    "calls forget": "2026-11-01 --yes",
    "account paste": "list.txt",
    "account record": "--tech-prefix 12345678 --credentials off",
    "inventory lint": "folder",
    "inventory read": "folder",
    "inventory write": "denver --for asterisk-pjsip",
}
"""Arguments of the commands that need some."""
WITHOUT_HOME = {"inventory lint", "probe"}
"""Commands that open no home when called with these arguments."""


def commands() -> list[str]:
    """Return the names of every command of the program."""

    def below(command: Any, path: str) -> Iterator[str]:
        for name, each in getattr(command, "commands", {}).items():
            yield from below(each, f"{path} {name}".strip())
        if not hasattr(command, "commands"):
            yield path

    return sorted(below(typer.main.get_command(app), ""))


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Change to a folder with the files that commands are given, and restore the signal handler that `serve` sets."""
    before = signal.getsignal(signal.SIGTERM)
    for name in ("calls.csv", "list.txt", "folder/pjsip.conf"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("kind", WITHOUT_PERMISSIONS)
def test_every_command_refuses_the_home(files: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Each command names the folder, the reason and the remedy, and writes nothing to it; also if it has other files.

    One function decides, so all commands are tested on the first file system, and two of them in the other cases.
    """
    with mounted(kind, files) as home:
        monkeypatch.setenv("TRUNKGATE_HOME", str(home))
        for other in (False, True):
            if other:
                (home / "letter.txt").touch()
            for command in commands() if kind == WITHOUT_PERMISSIONS[0] and not other else ("check", "serve"):
                if command in WITHOUT_HOME:
                    continue
                found = CliRunner().invoke(app, [*command.split(), *ARGUMENTS.get(command, "").split()])
                assert isinstance(found.exception, SettingsError), (command, found.output)
                assert str(home) in str(found.exception), command
                assert "keeps no permissions" in str(found.exception), command
                assert f"{FLAG}=1" in str(found.exception), command
            assert ["letter.txt"] * other == [path.name for path in home.iterdir()]


@pytest.mark.parametrize("kind", ["ntfs", "refuses", "of nobody"])
def test_with_the_flag_a_home_works(tmp_path: Path, kind: str) -> None:
    """With the flag, calls are fetched, a fix is applied and the journal verifies, also beside other files."""
    with mounted(kind, tmp_path) as home:
        (home / "letter.txt").touch()
        with Workspace.open(Settings(home=home, accept_open_home=True, sample_calls=300)) as opened:
            opened.sync()
            plan = opened.plan("pbx_address_is_allowed", "198.51.100.24")
            opened.apply(plan, actor=local_actor("tests"), typed=plan.phrases)
            assert opened.journal.examine().entries == 2
        with pytest.raises(SettingsError, match="keeps no permissions"):
            Workspace.open(Settings(home=home))


def test_the_dashboard_is_served_from_such_a_home(tmp_path: Path) -> None:
    """`serve` runs on such a home with account, link and syncing, and `trunkgate link` makes another link."""
    with mounted("refuses", tmp_path) as home:
        program = Program(home)
        port = free_port()
        log = tmp_path / "serve.log"
        child = program.start("serve", "--port", port, log=log, **ACCEPTED)
        try:
            until(lambda: "For another browser" in log.read_text(), going=lambda: child.poll() is None)
            first = (home / f"link-{port}.txt").read_text().strip()
            assert requests.get(first, headers=VISIT, timeout=WAIT_S).status_code == 200
            another = program("link", **ACCEPTED)
            assert requests.get(another.out.strip(), headers=VISIT, timeout=WAIT_S).status_code == 200
            assert FLAG in program("link").sentence
        finally:
            child.send_signal(signal.SIGTERM)
            assert child.wait(WAIT_S) == 0, log.read_text()
        assert "Traceback" not in log.read_text()


def test_a_file_system_without_shared_memory_is_named(tmp_path: Path) -> None:
    """The error names the missing feature and the remedy, where SQLite only reports a disk error."""
    with mounted("no memory", tmp_path) as home:
        home.chmod(0o700)
        for arguments in (("journal", "verify"), ("emulator",)):
            found = Program(home)(*arguments, **FEW)
            assert found.status == 2
            assert golden("commands.sync.no_locks") in found.sentence
            assert golden("commands.sync.point_home") in found.sentence
