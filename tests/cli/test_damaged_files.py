"""Small files of a home that were damaged or replaced: each command ends, with a sentence where it needs the file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from dashboard.services.access import links
from tests import faulty_homes
from tests.cli.conftest import Program

pytestmark = pytest.mark.slow

FILES: Final = {
    "calls/CURRENT": "check",
    "calls/generations/*.json": "check",
    "config.toml": "check",
    "journal.anchors": "journal verify",
    "links/0": "link",
    "serve-8501.json": "link",
    "state.db": "journal verify",
    "state.lock": "check",
}
"""Files, as patterns, each with a command that reads or locks it; those that the home lacks are created."""
DAMAGES: Final[dict[str, Callable[[Path], object]]] = {
    "pipe": os.mkfifo,
    "folder": Path.mkdir,
    "nested": lambda path: path.write_bytes(b"[" * 200_000 if path.suffix != ".toml" else b"a = " + b"[" * 200_000),
    "infinite": lambda path: path.write_bytes(b'{"format": Infinity, "port": Infinity, "previous": Infinity}'),
}


@pytest.fixture(scope="module")
def intact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home of mode ``files`` with calls, a list and an inventory."""
    home = tmp_path_factory.mktemp("intact") / "home"
    faulty_homes.make(home)
    links.make(home)
    return home


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", FILES)
def test_command_ends_with_a_sentence(intact: Path, tmp_path: Path, name: str, damage: str) -> None:
    """No damaged file blocks a command, is a fault of the program, or makes a check pass."""
    home = tmp_path / "home"
    shutil.copytree(intact, home)
    path = next(home.glob(name), home / name)
    path.unlink(missing_ok=True)
    path.parent.mkdir(exist_ok=True)
    DAMAGES[damage](path)
    path.chmod(0o700 if path.is_dir() else 0o600)

    answer = Program(home)(*FILES[name].split(), TRUNKGATE_ACCOUNT="files")

    assert "fault of trunkgate" not in answer.err
    assert "Traceback" not in answer.err
    assert answer.status != 2 or answer.err.startswith("trunkgate: ")
    assert (FILES[name], answer.status) not in {("check", 0), ("link", 0)}
