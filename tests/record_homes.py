"""
Record a small home with an earlier version of this repository: ``python -m tests.record_homes NAME``.

Each recorded home is an archive ``tests/services/recorded/NAME.tar.xz`` with a manifest ``NAME.json`` beside it. The
manifest has the commit, the commands with their exit statuses, and what that version reported about the home. Run it in
the development environment: earlier versions need no other packages. It takes about a minute per home, because every
command of an embedded account starts its emulator.

The archive has no key of an emulated account, no locks and no machine paths: file names are relative. The journal names
the operator and the host of the recording, so record as a user and on a machine with neutral names. Times are those of
the recording; a test passes the time of the manifest as the clock.
"""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from tests.calls.exports import as_csv, rows_at
from tests.calls.pbx_records.pbx_files import master

ROOT: Final = Path(__file__).parents[1]
FOLDER: Final = ROOT / "tests" / "services" / "recorded"
SEATTLE: Final = "198.51.100.11"
DENVER: Final = "198.51.100.24"
RENO: Final = "198.51.100.90"
PROGRAM: Final = """
try:
    from dashboard.cli import app
except ImportError:
    from dashboard.cli.entry_point import app
app()
"""
"""The command ``trunkgate`` of any version; that of the environment would be today's."""
KEEP: Final = """
import csv
from datetime import UTC, datetime
from pathlib import Path
import pandas as pd
from dashboard import settings, sources, state
home = state.State.open(settings.Settings.read().home)
for name in ("pbxs", "pbx_addresses"):
    frame = sources.kept_frame(home, name)
    added = pd.DataFrame(list(csv.DictReader(Path(f"{name}.csv").open())))
    frame = pd.concat([frame, added.reindex(columns=frame.columns)], ignore_index=True)
    sources.keep_frame(home, name, frame, now=datetime.now(UTC), known_by="ana")
home.close()
"""
"""An edit of the inventory in versions whose command line cannot keep one."""
LEFT_OUT: Final = ("emulator.key", "emulator.json", "emulator.log")
PORTABLE: Final = {"PATH": "/usr/bin:/bin", "USER": "ana", "LOGNAME": "ana", "LANG": "C.UTF-8", "COLUMNS": "200"}
SAMPLE: Final = {"TRUNKGATE_SAMPLE_CALLS": "300", "TRUNKGATE_HISTORY_DAYS": "3"}
SMALL: Final = {"TRUNKGATE_SAMPLE_CALLS": "60", "TRUNKGATE_HISTORY_DAYS": "2"}
FILES: Final = {
    "TRUNKGATE_ACCOUNT": "files",
    "TRUNKGATE_PUBLIC_RANGES": "198.51.100.0/24,203.0.113.0/24",
}

SYNC: Final = ("sync",)
FIX: Final = ("fix", "call_source_is_allowed", DENVER)
UNDO: Final = ("undo", "2")
IMPORT: Final = ("calls", "import", "cdrs.csv")
IMPORT_PBX: Final = ("calls", "import-pbx", "denver", "Master.csv", "--utc")
EDIT: Final = ("inventory", "read", "inventory.csv", "--keep")
EDIT_BY_SCRIPT: Final = ("-c", KEEP)
PASTE: Final = ("account", "paste", "list.txt", "--yes")
RECORD: Final = ("account", "record", "--tech-prefix", "12345678", "--credentials", "off")
REPLAY: Final = ("replay", "--credentials", "off", "--no-sync", "--format", "json")


@dataclass(frozen=True)
class Case:
    """A home to record: the version, the settings and the commands."""

    commit: str
    commands: tuple[tuple[str, ...], ...]
    settings: dict[str, str]
    has_replay: bool = True


CASES: Final = {
    "format-1": Case("ee7dfd7", (SYNC, FIX, UNDO, IMPORT, EDIT_BY_SCRIPT), SMALL, has_replay=False),
    "format-2": Case("ffee738", (SYNC, FIX, UNDO, IMPORT, EDIT_BY_SCRIPT), SMALL),
    "before-anchors": Case("e058780", (SYNC, FIX, UNDO, IMPORT, IMPORT_PBX, EDIT), SMALL),
    "before-layers": Case("4065ef0", (SYNC, FIX, UNDO, IMPORT, IMPORT_PBX, EDIT), SAMPLE),
    "files-before-layers": Case("4065ef0", (IMPORT, PASTE, RECORD, EDIT, IMPORT_PBX), FILES),
    "format-3": Case("f71060c", (SYNC, FIX, UNDO, IMPORT, IMPORT_PBX, EDIT), SMALL),
}


def main(names: list[str]) -> None:
    """Record the named homes, all of them without a name."""
    for name in names or CASES:
        with tempfile.TemporaryDirectory() as folder:
            code = Path(folder) / "code"
            _git("worktree", "add", "--detach", str(code), CASES[name].commit)
            try:
                _record(name, CASES[name], code, Path(folder))
            finally:
                _git("worktree", "remove", "--force", str(code))


def _record(name: str, case: Case, code: Path, folder: Path) -> None:
    """Run the commands of a case, ask the same version what it reports, and write archive and manifest."""
    work = folder / "work"
    work.mkdir()
    _write_files(work, datetime.now(UTC).replace(microsecond=0), embedded=case.settings is not FILES)
    home = folder / "home"
    environment = PORTABLE | case.settings | {"TRUNKGATE_HOME": str(home), "PYTHONPATH": str(code), "HOME": str(work)}

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        arguments = command if command[0] == "-c" else ("-c", PROGRAM, *command)
        python = [sys.executable, "-P", "-W", "ignore", *arguments]
        return subprocess.run(python, cwd=work, env=environment, capture_output=True, text=True, check=False)

    commands = []
    for command in case.commands:
        if command[0] in {"fix", "undo"}:  # without a terminal these need the hash of the plan that they show
            plan = json.loads(run(*command, "--dry-run", "--format", "json").stdout)
            phrases = [
                part for lock in plan["interlocks"] if not lock["met"] for part in ("--confirm", lock["confirm"])
            ]
            command = (*command, "--plan", plan["hash"], *phrases)  # noqa: PLW2901 - the same command, completed
        done = run(*command)
        label = "edit of pbxs and pbx_addresses by a script" if command[0] == "-c" else " ".join(command)
        commands.append({"command": label, "status": done.returncode})
        print(f"{name}: {label}: status {done.returncode}\n{done.stdout}{done.stderr}")  # noqa: T201 - a script's report
    reported, at = _reported(run, work, has_replay=case.has_replay)
    for left in LEFT_OUT:
        (home / left).unlink(missing_ok=True)
    shutil.rmtree(home / "emulator-exports", ignore_errors=True)
    _check_for_paths(home, work, str(folder))
    FOLDER.mkdir(exist_ok=True)
    with tarfile.open(FOLDER / f"{name}.tar.xz", "w:xz", preset=9) as archive:
        for path in sorted(home.rglob("*")):
            if path.is_file() and path.suffix not in {".lock", ".users"}:
                archive.add(path, str(path.relative_to(home)), filter=_anonymous)
    manifest = {
        "commit": _git("rev-parse", case.commit).strip(),
        "at": at,
        "settings": case.settings,
        "commands": commands,
        "reported": reported,
    }
    (FOLDER / f"{name}.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def _reported(run: Any, work: Path, *, has_replay: bool) -> tuple[dict[str, Any], str]:
    """Return what the version itself reports about the home, and the time of its snapshot."""
    exported = run("export", "exported", "--no-sync")
    assert 0 == exported.returncode, exported.stderr
    manifest = json.loads((work / "exported" / "manifest.json").read_text())
    findings: dict[str, Counter[str]] = {}
    for row in _rows(work, "findings"):
        findings.setdefault(row["check"], Counter())[row["status"]] += 1
    calls = _rows(work, "calls")
    reported = {
        "verify": run("journal", "verify").returncode,
        "journal_entries": len(_rows(work, "journal")),
        "journal_head": manifest["journal_head"],
        "rows": {file["name"].removesuffix(".csv"): file["rows"] for file in manifest["files"]},
        "cost_usd": str(sum((Decimal(row["cost_usd"] or 0) for row in calls), Decimal(0))),
        "duration_s": sum(int(row["duration_s"] or 0) for row in calls),
        "findings": {
            check: " ".join(f"{status}:{n}" for status, n in sorted(counts.items()))
            for check, counts in sorted(findings.items())
        },
    }
    if has_replay:
        replayed = run(*REPLAY)
        assert 0 == replayed.returncode, replayed.stderr
        labels = json.loads(replayed.stdout)["labels"]
        reported["replay"] = {label: [sums["calls"], sums["cost_usd"]] for label, sums in labels.items()}
    return reported, manifest["taken_at"]


def _rows(work: Path, name: str) -> list[dict[str, str]]:
    with (work / "exported" / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def _write_files(work: Path, now: datetime, *, embedded: bool) -> None:
    """Write the files that commands read: calls from before the first sync, records of a PBX, a PBX to add."""
    begins = now - timedelta(days=10 if embedded else 0, hours=8)
    moments = [begins + timedelta(minutes=20 * n) for n in range(12)]
    rows = rows_at(*moments, customer_ip=f"{SEATTLE}:5060")
    rows += rows_at(*moments, customer_ip=f"{DENVER}:5060", custom_x_tag="", callerid="+13035550100")
    rows += rows_at(moments[0], direction="Sideways")  # a row that is rejected
    (work / "cdrs.csv").write_text(as_csv(rows))
    dialed = [now - timedelta(hours=hours) for hours in (30, 20, 3)]
    (work / "Master.csv").write_text("".join(master(f"{at:%Y-%m-%d %H:%M:%S}") for at in dialed))
    pbxs = [f"reno,Reno,{RENO},yes"]
    pbxs += [] if embedded else [f"seattle,Seattle,{SEATTLE},yes", f"denver,Denver,{DENVER},yes"]
    (work / "inventory.csv").write_text("\n".join(["pbx_id,name,address,dials_prefix", *pbxs, ""]))
    (work / "pbxs.csv").write_text(
        "pbx_id,name,ip_kind,auth_method,dials_prefix,status\nreno,Reno,static,ip,yes,active\n"
    )
    (work / "pbx_addresses.csv").write_text(f"pbx_id,address,kind,source\nreno,{RENO},primary,declared\n")
    (work / "list.txt").write_text(f"Outbound Allowed IPs\n{SEATTLE}  Seattle office  [Remove]\n")


def _check_for_paths(home: Path, work: Path, path: str) -> None:
    """Stop if a file of the home or an exported table contains the path of the recording."""
    for file in [*home.rglob("*"), *(work / "exported").iterdir()]:
        assert not file.is_file() or path.encode() not in file.read_bytes(), f"{file.name} contains a path"


def _anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


def _git(*arguments: str) -> str:
    git = shutil.which("git") or "git"
    return subprocess.run([git, *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    main(sys.argv[1:])
