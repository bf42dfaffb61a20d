"""A read-only home, such as an auditor's copy, is verified, checked and exported without being changed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dashboard.domain.changes import AllowAddress, Plan, ReplayImpact
from dashboard.storage.database import State
from dashboard.storage.journal import Journal
from tests.texts import golden

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PLAN = Plan(
    title="Allow 192.0.2.1",
    changes=(AllowAddress(network="192.0.2.1"),),
    before={"allowed_ips": {}, "credentials_on": True},
    impact=ReplayImpact(labels={}, decided=1),
    made_at=datetime(2026, 11, 20, tzinfo=UTC),
)


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """Make a folder that every user can enter and write, and remove it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="trunkgate-test-"))
    folder.chmod(0o777)
    yield folder
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir() and path.stat().st_uid == os.geteuid():
            path.chmod(0o700)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def copy(shared: Any, place: Path) -> Path:
    """Copy a home, begin a fix, copy again while the write-ahead log is not empty, and make the result read-only."""
    begun = place / "begun"
    copied = place / "home"
    copy_records(shared.home, begun)
    with closing(State.open(begun)) as state:
        Journal(state).begin(PLAN, actor="ana (test)", before=PLAN.before)
        copy_records(begun, copied)
    assert (copied / "state.db-wal").stat().st_size > 0
    lock(copied)
    return copied


def copy_records(home: Path, to: Path) -> None:
    """Copy the records of a home, without the files of its emulator."""
    to.mkdir()
    for name in ("state.db", "state.db-wal", "journal.anchors", "calls"):
        if (there := home / name).exists():
            (shutil.copytree if there.is_dir() else shutil.copyfile)(there, to / name)


def lock(home: Path) -> None:
    """Remove all write permissions of a home."""
    for path in [*home.rglob("*"), home]:
        path.chmod(0o555 if path.is_dir() else 0o444)


def content(home: Path) -> dict[str, str]:
    """Return the SHA-256 of each file below a folder, by relative path."""
    files = [path for path in sorted(home.rglob("*")) if path.is_file()]
    return {str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def run(home: Path, *commands: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Run commands on a home as this user and, if that is root, also as an unprivileged user."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("unprivileged.py")), json.dumps(commands)],
        env={key: value for key, value in os.environ.items() if not key.startswith(("TRUNKGATE_", "FLOWROUTE_"))}
        | {"TRUNKGATE_HOME": str(home), "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    found: dict[str, list[dict[str, Any]]] = json.loads(done.stdout)
    return found


def test_a_read_only_copy_is_verified_checked_and_exported(copy: Path, place: Path) -> None:
    """The open fix is reported by each command, changes are refused with a reason, and no file of the home changes."""
    before = content(copy)
    answers = run(
        copy,
        ["journal", "verify"],
        ["check", "--no-sync", "--format", "json"],
        ["export", str(place / "exported"), "--no-sync"],
        ["onboard", "--no-sync", "--format", "json"],
        ["check"],
        ["fix", "pbx_address_is_allowed", "198.51.100.24"],
    )

    for verified, checked, exported, onboarding, synced, fixed in answers.values():
        assert (3, True) == (
            verified["status"],
            golden("commands.journal.no_outcome", subject="journal entry 1") in verified["out"],
        )
        assert checked["status"] in (1, 3)
        assert {"fail", "pass"} <= {row["status"] for row in json.loads(checked["out"])}
        assert golden("commands.journal.no_outcome", subject="journal entry 1") in checked["err"]
        assert (0, True) == (exported["status"], "No recorded outcome" in exported["err"])
        assert (1, True) == (onboarding["status"], "No recorded outcome" in onboarding["err"])
        assert json.loads(onboarding["out"])["pbxs"]
        for refused in (synced, fixed):
            assert refused["status"] != 0
            assert golden("commands.sync.read_only") in refused["err"]
    manifest = json.loads((place / "exported" / "manifest.json").read_text())
    assert (1, 1) == (manifest["open_fixes"], manifest["journal_entries"])
    assert before == content(copy)


def test_a_tampered_copy_is_refused(copy: Path, place: Path) -> None:
    """A home with calls and an emptied database does not verify: status 1."""
    emptied = place / "emptied"
    shutil.copytree(copy, emptied)
    for path in [emptied, *emptied.rglob("*")]:
        path.chmod(0o700)
    (emptied / "state.db-wal").unlink()
    (emptied / "state.db").write_bytes(b"")
    (emptied / "journal.anchors").unlink()
    lock(emptied)

    for (verified,) in run(emptied, ["journal", "verify"]).values():
        assert (1, True) == (verified["status"], golden("errors.journal.calls_from_before") in verified["err"])


def test_without_a_log_a_copy_is_read_too(tmp_path: Path) -> None:
    """A read-only database without a write-ahead log, which has no second file, can be read."""
    state = State.open(tmp_path / "home")
    state.put("kept", 7)
    state.close()
    assert not (tmp_path / "home" / "state.db-wal").exists()
    lock(tmp_path / "home")

    with closing(State.open(tmp_path / "home")) as found:
        assert (True, 7) == (found.read_only, found.get("kept"))
