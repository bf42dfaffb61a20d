"""
Homes recorded with earlier versions: today's code opens them and reports what that version reported.

``tests/record_homes.py`` documents how each was made. The clock is the time of the recording.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import shutil
import stat
import tarfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from dashboard.calls.ingest.importer import import_files
from dashboard.calls.replay.replayer import Replayer
from dashboard.calls.store.store import CallStore
from dashboard.carriers.flowroute.client import API_CAPABILITIES
from dashboard.carriers.flowroute.portal import PORTAL_READS, PORTAL_WRITES
from dashboard.carriers.offline import OfflineCarrier
from dashboard.cli.fix import verified_sentences
from dashboard.core import clocks, private
from dashboard.core.errors import StoreError
from dashboard.core.settings import Settings
from dashboard.domain.capabilities import Capability
from dashboard.domain.changes import SetCredentials
from dashboard.domain.findings import Finding
from dashboard.domain.snapshot import Snapshot
from dashboard.fixes.account_image import proposed
from dashboard.services.exports import csv_files, frames
from dashboard.services.own_numbers import InventoryNumbers, update_own_numbers
from dashboard.services.workspace import Workspace
from dashboard.storage import anchors
from dashboard.storage.account_binding import bind_account
from dashboard.storage.database import State
from tests.calls.exports import as_csv, rows_at
from tests.texts import golden

FOLDER: Final = Path(__file__).with_name("recorded")
NAMES: Final = sorted(path.stem for path in FOLDER.glob("*.json"))
REFUSED: Final = "format-1"
"""The home whose call store has the one format that is not read."""
OPENED: Final = [name for name in NAMES if name != REFUSED]
UNANCHORED: Final = ["format-1", "format-2", "before-anchors"]
"""Homes from before the journal was anchored, the versions were chained and permissions were restricted."""
LATER_CHECKS: Final = {
    "imported_calls_are_in_export": "pass:1",
    "past_loss_is_reviewed": "pass:1",
    "pbx_config_has_no_secret": "unknown:1",
}
"""Results of the checks that a recorded version may not have had; all others must be equal."""
LATER_LABELS: Final = {
    "broken": [8, "0.44092071"],
    "stopped": [12, "0.11760000"],
    "may be broken": [0, "0"],
    "may be saved": [0, "0"],
    "cannot recur": [0, "0"],
}
"""Labels of a replay where the recorded version had four; it counted stopped calls of unassigned sources as broken."""


class Recorded:
    """A private copy of a recorded home, and what its version reported."""

    def __init__(self, name: str, to: Path) -> None:
        self.name = name
        self.home = to / name
        with tarfile.open(FOLDER / f"{name}.tar.xz") as archive:
            archive.extractall(self.home, filter="data")
        self.home.chmod(0o755 if name in UNANCHORED else 0o700)
        self.manifest: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
        self.at = datetime.fromisoformat(self.manifest["at"])

    @property
    def expected(self) -> dict[str, Any]:
        """Return what today's code must report: the recorded results, with later checks, tables and labels."""
        reported: dict[str, Any] = self.manifest["reported"]
        findings = LATER_CHECKS | reported["findings"]
        more_findings = len(findings) - len(reported["findings"])
        rows = {"imported_only_calls": 0} | reported["rows"]
        rows["findings"] += more_findings
        replay = reported.get("replay", {})
        if "stopped" not in replay:
            replay = replay | LATER_LABELS
        return reported | {"findings": findings, "rows": rows, "replay": replay}

    @property
    def settings(self) -> Settings:
        """Return the settings of the recording."""
        given = {key.removeprefix("TRUNKGATE_").lower(): value for key, value in self.manifest["settings"].items()}
        return Settings(home=self.home, **given)

    @contextmanager
    def opened(self) -> Iterator[Workspace]:
        """Open the home as a workspace does, without the process of the emulated account."""
        if self.settings.files:
            with Workspace.open(self.settings) as workspace:
                yield workspace
            return
        private.prepare(self.home)
        state = State.open(self.home, anchors=anchors.of_settings(self.settings))
        settings = bind_account(state, self.settings)
        carrier = OfflineCarrier(
            frozenset(map(Capability, API_CAPABILITIES | PORTAL_READS | PORTAL_WRITES)), "A test asks no account."
        )
        store = CallStore(self.home, own_numbers=InventoryNumbers(state))
        with Workspace(settings, state, store, carrier) as workspace:
            workspace.settle()
            yield workspace

    def digests(self) -> dict[str, str]:
        """Return the SHA-256 of each file of the home, by relative path."""
        files = [path for path in sorted(self.home.rglob("*")) if path.is_file()]
        return {str(path.relative_to(self.home)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    def lock(self) -> None:
        """Remove all write permissions of the home."""
        for path in [*self.home.rglob("*"), self.home]:
            path.chmod(0o555 if path.is_dir() else 0o444)


@pytest.fixture
def recorded(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Recorded]:
    """Unpack the home that a test names, and set the clock to the time of its recording."""
    unpacked = Recorded(request.param, tmp_path)
    with clocks.using(lambda: unpacked.at):
        yield unpacked


def of_homes(names: list[str]) -> pytest.MarkDecorator:
    """Return the mark that runs a test on each of the named homes."""
    return pytest.mark.parametrize("recorded", names, indirect=True)


def counted(findings: list[Finding]) -> dict[str, str]:
    """Return the number of findings by check and status, in the form of the manifests."""
    counts: dict[str, Counter[str]] = {}
    for finding in findings:
        counts.setdefault(finding.check, Counter())[finding.status.value] += 1
    return {check: " ".join(f"{status}:{n}" for status, n in sorted(one.items())) for check, one in counts.items()}


def replayed(snapshot: Snapshot) -> dict[str, list[Any]]:
    """Return calls and cost by label if credentials were off, in the form of the manifests."""
    answer = Replayer(snapshot).against(proposed(snapshot.policy, [SetCredentials(enabled=False)]))
    return {label: [sums.calls, str(sums.cost_usd)] for label, sums in answer.impact.labels.items()}


def exported(workspace: Workspace, snapshot: Snapshot, findings: list[Finding], to: Path) -> dict[str, Any]:
    """Export every table and return row counts and the totals of the calls, in the form of the manifests."""
    tables = frames.all_tables(snapshot, findings, workspace.journal.entries(), workspace.store)
    seal = csv_files.Seal.of(workspace.journal, account="SAMPLE", taken_at=snapshot.taken_at)
    csv_files.write_folder(to, tables, seal)
    manifest = json.loads((to / "manifest.json").read_text(encoding="utf-8"))
    with (to / "calls.csv").open(newline="", encoding="utf-8") as file:
        calls = list(csv.DictReader(file))
    return {
        "journal_entries": manifest["journal_entries"],
        "journal_head": manifest["journal_head"],
        "rows": {file["name"].removesuffix(".csv"): file["rows"] for file in manifest["files"]},
        "cost_usd": str(sum((Decimal(row["cost_usd"] or 0) for row in calls), Decimal(0))),
        "duration_s": sum(int(row["duration_s"] or 0) for row in calls),
    }


@of_homes(OPENED)
def test_home_of_an_earlier_version_gives_the_same_results(recorded: Recorded, tmp_path: Path) -> None:
    """Journal, findings, replay and export equal those of the version; a second open changes no file."""
    with recorded.opened() as workspace:
        verified = workspace.journal.examine()
        snapshot = workspace.snapshot()
        findings = workspace.findings(snapshot)
        results = exported(workspace, snapshot, findings, tmp_path / "exported")
        results |= {"findings": counted(findings), "replay": replayed(snapshot), "verify": 0}
    before = recorded.digests()
    with recorded.opened() as workspace:
        again = workspace.journal.examine()
        workspace.snapshot()

    assert recorded.expected == results
    older = results["journal_entries"] if recorded.name in UNANCHORED else 0
    assert (older, ()) == (verified.older, verified.open_entries)
    assert ((), verified) == (verified.notes, again)
    assert before == recorded.digests()


@of_homes(OPENED)
def test_read_only_copy_of_an_earlier_version_gives_the_same_results(recorded: Recorded) -> None:
    """A read-only home verifies and is checked without a change of any file, also from before the anchors."""
    recorded.lock()
    before = recorded.digests()
    with Workspace.open(recorded.settings) as workspace:
        verified = workspace.journal.examine()
        findings = counted(workspace.findings())

    assert recorded.expected["findings"] == findings
    assert recorded.expected["journal_entries"] == verified.entries
    assert (recorded.name in UNANCHORED) is (verified.anchored_from is None)
    assert before == recorded.digests()


@of_homes(OPENED)
def test_roll_ups_of_an_earlier_version_keep_their_totals(recorded: Recorded, tmp_path: Path) -> None:
    """The roll-ups that the next sync computes again, with own numbers only, lead to the same findings and totals."""
    with recorded.opened() as workspace:
        renewal = update_own_numbers(workspace.state, workspace.store)
        snapshot = workspace.snapshot()
        findings = workspace.findings(snapshot)
        results = exported(workspace, snapshot, findings, tmp_path / "exported")
        results |= {"findings": counted(findings), "replay": replayed(snapshot)}
        generation = workspace.store.generations.current()

    expected = recorded.expected
    assert (sorted(generation.days), {}) == (sorted(renewal.rolled_up), dict(renewal.unreadable))
    assert {name: expected[name] for name in ("cost_usd", "duration_s", "findings", "replay")} == {
        name: results[name] for name in ("cost_usd", "duration_s", "findings", "replay")
    }
    assert expected["rows"]["calls"] == results["rows"]["calls"]


def modes(home: Path) -> set[int]:
    """Return the permissions of a home and everything in it."""
    return {stat.S_IMODE(path.stat().st_mode) for path in [home, *home.rglob("*")]}


@of_homes(UNANCHORED)
def test_home_from_before_the_anchors_is_closed_and_anchored_when_it_is_opened(recorded: Recorded) -> None:
    """Other users lose access, and `journal verify` states that older entries and versions have no anchor."""
    before = modes(recorded.home)
    with recorded.opened() as workspace:
        verified = workspace.journal.examine()
        since = verified.anchored_from

    assert {0o755, 0o644} <= before
    assert {0o700, 0o600} == modes(recorded.home)
    assert recorded.expected["journal_entries"] == verified.older == verified.entries
    assert 0 < verified.older_versions == verified.versions
    assert since == recorded.at
    summary, versions = verified_sentences(verified)
    assert summary.startswith(golden("commands.journal.no_anchor_before_first", since=f"{since:%Y-%m-%d %H:%M}"))
    assert versions.endswith(golden("commands.journal.older_than_first_anchor", versions=verified.versions))


@of_homes([REFUSED])
def test_call_store_of_format_1_is_refused_with_a_cure_that_works(recorded: Recorded, tmp_path: Path) -> None:
    """The error names the folder and the cure; nothing of the home changes, and after the cure calls are read again."""
    before = recorded.digests()
    cure = "written by a version before this one. Remove the folder, then import or sync the calls again."
    with recorded.opened() as workspace:
        with pytest.raises(StoreError, match=re.escape(f"{recorded.home / 'calls'} was {cure}")):
            workspace.snapshot()
        assert recorded.expected["journal_entries"] == workspace.journal.examine().entries
    kept = {path: digest for path, digest in before.items() if path.startswith("calls/")}
    after = recorded.digests()
    assert kept == {path: digest for path, digest in after.items() if path in kept}

    shutil.rmtree(recorded.home / "calls")
    file = tmp_path / "cdrs.csv"
    file.write_text(as_csv(rows_at(recorded.at - timedelta(hours=1))))
    with recorded.opened() as workspace:
        assert 1 == import_files(workspace.store, [file])[0].kept
        snapshot = workspace.snapshot()
        checks = counted(workspace.findings(snapshot))
    assert 1 == int(snapshot.traffic["calls"].sum())
    assert set(recorded.expected["findings"]) <= set(checks)
