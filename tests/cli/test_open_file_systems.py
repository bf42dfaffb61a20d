"""A home on a real file system that keeps no permissions: refused with a reason and the cure, or accepted by a flag."""

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
"""Commands that open no home when they are called so."""


def commands() -> list[str]:
    """Name every command of the program."""

    def below(command: Any, path: str) -> Iterator[str]:
        for name, each in getattr(command, "commands", {}).items():
            yield from below(each, f"{path} {name}".strip())
        if not hasattr(command, "commands"):
            yield path

    return sorted(below(typer.main.get_command(app), ""))


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Work in a folder that has the files which commands are given; `serve` sets a signal handler, which ends here."""
    before = signal.getsignal(signal.SIGTERM)
    for name in ("calls.csv", "list.txt", "folder/pjsip.conf"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("kind", WITHOUT_PERMISSIONS)
def test_every_command_refuses_the_home(files: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each names the folder, the reason and the cure, and leaves nothing in it; also where it holds other things.

    The decision is one function, so all commands are tried on the first file system, two of them on the others.
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
    """Calls are fetched, a fix is carried out and the journal holds, beside what else is there."""
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
    """With its account, its link and its syncing; and `trunkgate link` makes another."""
    with mounted("refuses", tmp_path) as home:
        program, port, log = Program(home), free_port(), tmp_path / "serve.log"
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
    """SQLite says only that there was an error of the disk; the sentence says what is missing and what to do."""
    with mounted("no memory", tmp_path) as home:
        home.chmod(0o700)
        for arguments in (("journal", "verify"), ("emulator",)):
            found = Program(home)(*arguments, **FEW)
            assert found.status == 2
            assert "cannot share memory between programs or lock files" in found.sentence
            assert "Point TRUNKGATE_HOME at a folder on a local disk." in found.sentence
