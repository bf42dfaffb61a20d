"""A forked command has the status, output and errors of a newly started one, and its own environment and folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.forking import forks
from tests.texts import golden

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("command", "status"),
    [
        (("check", "--no-sync"), 1),
        (("fix", "no_such_check", "x"), 2),
        (("no-such-command",), 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_forked_and_new_commands_agree(shared: Any, command: tuple[str, ...], status: int) -> None:
    """A forked and a newly started command on one home have the same status and output."""
    forked = shared(*command)
    afresh = shared.afresh(*command)

    assert (forked.status, forked.out, forked.err) == (afresh.status, afresh.out, afresh.err)
    assert status == forked.status


def test_a_command_sees_its_own_environment_and_folder(
    bare: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command does not see the environment or folder of the command before it, or of the process that forks."""
    first = bare("check", TRUNKGATE_WINDOW_DAYS="many")
    second = bare("inventory", "lint", "none")
    (tmp_path / "none").mkdir()
    monkeypatch.chdir(tmp_path)
    third = bare("inventory", "lint", "none")

    assert "TRUNKGATE_WINDOW_DAYS" in first.sentence
    assert golden("commands.no_such_file") in second.sentence
    assert (0, golden("commands.inventory.none_read") + "\n") == (third.status, third.out)


def test_modes_of_files_are_the_programs_own(bare: Any) -> None:
    """A fork inherits the umask of its parent, and the program restricts it, so that others cannot access its files."""
    assert 0 == bare("journal", "anchor").status

    assert not [path for path in bare.home.rglob("*") if path.lstat().st_mode & 0o077]


def test_one_process_forks(bare: Any) -> None:
    """The process that forks still runs after a command that failed."""
    before = forks()
    assert 2 == bare("no-such-command").status

    assert before is forks()
    assert 0 == bare("--help").status
