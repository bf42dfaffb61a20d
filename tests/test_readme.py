"""Commands in the README are valid, and its example runs."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command

from dashboard.cli.entry_point import app
from dashboard.core.settings import Settings

README = Path(__file__).parent.parent / "README.md"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
COMMANDS = [
    line.partition("  #")[0].strip()
    for kind, text in BLOCKS
    if kind == "sh"
    for line in text.splitlines()
    if line.startswith("trunkgate ")
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_understood(command: str) -> None:
    """Each command exists and accepts its options and values; the test runs none of them."""
    _, *words = shlex.split(command)
    found = get_command(app)
    while hasattr(found, "commands"):
        name = words.pop(0)
        assert name in found.commands
        found = found.commands[name]

    assert found.make_context(name, words).params


def test_readme_has_commands() -> None:
    """The pattern finds commands in the README."""
    assert len(COMMANDS) > 15


def test_the_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The example runs on its own sample account, which has findings."""
    monkeypatch.setenv("TRUNKGATE_HOME", str(tmp_path))
    monkeypatch.setenv("TRUNKGATE_SAMPLE_CALLS", "3000")
    assert Settings().home == tmp_path
    (example,) = [text for kind, text in BLOCKS if kind == "python"]
    exec(compile(example, str(README), "exec"), {})  # noqa: S102 - the README's example, which users are told to run

    assert "credentials_are_off" in capsys.readouterr().out
