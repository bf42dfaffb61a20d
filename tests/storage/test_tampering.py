"""
Tampering with the records of a home: each case is detected or documented as undetectable.

Anyone who can write to the home can drop triggers, recompute hashes and edit files; every case assumes this. The table
of ``docs/journal.md`` has a row for each case.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dashboard.core.errors import JournalError
from dashboard.domain.changes import AllowAddress, Plan, ReplayImpact, canonical, digest
from dashboard.storage.anchors import FILE, JOURNAL, START, VERSIONS, WRITING, WRITTEN, Anchors, Head
from dashboard.storage.database import ANCHORED, State, versions
from dashboard.storage.database import journal as journal_table
from dashboard.storage.journal import NOT_ANCHORED, PHASE_DONE, PHASE_FAILED, Journal, NotedHead, VerifiedJournal
from dashboard.storage.sealing import GENESIS, of_entry, of_version
from tests.paths import ROOT
from tests.texts import golden, golden_pattern

DOCUMENT = ROOT / "docs" / "journal.md"
NOW = datetime(2026, 11, 20, tzinfo=UTC)
KEY = b"a key that only the auditor has"
PLAN = Plan(
    title="Allow 198.51.100.24",
    changes=(AllowAddress(network="198.51.100.24"),),
    before={"allowed_ips": {}},
    impact=ReplayImpact(labels={}, decided=1),
    made_at=NOW,
)
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Home:
    """Home with calls, two fixes (four entries) and three versions, and a copy from after the first fix."""

    path: Path
    earlier: Path
    head: str
    """Head of the journal, as noted outside the home."""
    key: bytes
    """Key that signs its anchors; the attacker does not have it."""

    @property
    def anchors(self) -> Path:
        """Path of the anchor file."""
        return self.path / FILE

    def run(self, *statements: str) -> None:
        """Modify the database as its owner can, without triggers."""
        with closing(sqlite3.connect(self.path / "state.db")) as database:
            for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                database.execute(f"DROP TRIGGER {name}")
            for statement in statements:
                database.execute(statement)
            database.commit()

    def opened(self, key: bytes = b"") -> State:
        """Open the database without migrating or initializing anything."""
        return State(f"sqlite:///{self.path / 'state.db'}", self.path, Anchors(self.path, key=key))

    def rewrite_journal(self, change: Callable[[Rows], object], *, keep: int = 0) -> None:
        """Rewrite the journal with valid numbers and hashes; keep the first ``keep`` rows unchanged."""
        with closing(self.opened()) as state:
            rows = [dict(entry.__dict__) for entry in Journal(state).entries()]
            change(rows)
            self.run(f"DELETE FROM journal WHERE id > {keep}")  # noqa: S608 - an integer of this module
            previous = GENESIS
            with state.writing() as connection:
                for number, row in enumerate(rows, start=1):
                    row |= {"id": number, "previous_hash": previous}
                    row["hash"] = previous = of_entry(row)
                    if number > keep:
                        connection.execute(journal_table.insert().values(**row))

    def rewrite_versions(self, change: Callable[[Rows], object]) -> None:
        """Rewrite the versions with valid digests and hashes."""
        with closing(self.opened()) as state:
            rows = state.sealed_versions()
            change(rows)
            self.run("DELETE FROM versions")
            previous = GENESIS
            with state.writing() as connection:
                for row in rows:
                    row |= {"digest": digest(row["content"]), "previous_hash": previous}
                    row["hash"] = previous = of_version(row)
                    connection.execute(versions.insert().values(**row))

    def rewrite_anchors(self) -> None:
        """Rewrite the anchor file to match the database, and update the database's record of it."""
        self.anchors.unlink()
        with closing(self.opened()) as state:
            chains = {
                JOURNAL: [entry.hash for entry in Journal(state).entries()],
                VERSIONS: [str(row["hash"]) for row in state.sealed_versions()],
            }
            state.anchors.append(*(Head(chain, START, 0, GENESIS) for chain in chains))
            for chain, hashes in chains.items():
                for number, head in enumerate(hashes, start=1):
                    state.anchors.append(Head(chain, WRITING, number, head), Head(chain, WRITTEN, number, head))
            state.put(ANCHORED, {"at": state.anchors.read()[0].at.isoformat()})

    def cut_anchors(self, after: int) -> None:
        """Remove the anchors of every entry after the given one, and the versions recorded in that time."""

        def cut(lines: list[str]) -> None:
            bodies = [json.loads(line) for line in lines]
            place = next(i for i, body in enumerate(bodies) if body["chain"] == JOURNAL and body["entries"] > after)
            del lines[place:]
            kept = max(body["entries"] for body in bodies[:place] if body["chain"] == VERSIONS)
            self.run(f"DELETE FROM versions WHERE id > {kept}")  # noqa: S608 - an integer of this module

        self.edit_anchors(cut)

    def fix(self, *, phase: str = "") -> None:
        """Record another fix with trunkgate; without a phase it has no outcome."""
        with closing(self.opened(self.key)) as state:
            begun = Journal(state).begin(PLAN, actor="ana (browser)", before={})
            if phase:
                Journal(state).finish(begun, PLAN, phase=phase, before={}, after={})

    def edit_anchors(self, change: Callable[[list[str]], object]) -> None:
        """Modify the lines of the anchor file."""
        lines = self.anchors.read_text().splitlines()
        change(lines)
        self.anchors.write_text("".join(f"{line}\n" for line in lines))

    def restore_earlier(self) -> None:
        """Restore the earlier copy, as from a backup."""
        shutil.rmtree(self.path)
        shutil.copytree(self.earlier, self.path)


def fill(folder: Path, key: bytes = b"") -> Home:
    """Create the home that every case starts from."""
    path = folder / "home"
    earlier = folder / "earlier"
    state = State.open(path, anchors=Anchors(path, key=key))
    (path / "calls" / "generations").mkdir(parents=True)
    (path / "calls" / "generations" / "00000001-000000000000.json").write_text("{}")
    journal = Journal(state)
    for number in range(2):
        begun = journal.begin(PLAN, actor="ana (browser)", before={})
        journal.finish(begun, PLAN, phase=PHASE_DONE, before={}, after={})
        if not number:
            state.close()
            shutil.copytree(path, earlier)
        state.save_version("account", {"credentials_on": number}, valid_from=NOW, seen_at=NOW, known_by="carrier")
    state.save_version("allowed_ips", [], valid_from=NOW, seen_at=NOW, known_by="kim")
    head = journal.head()
    state.close()
    return Home(path, earlier, head, key)


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> dict[bytes, Home]:
    """Create the home once without and once with a key."""
    return {key: fill(tmp_path_factory.mktemp("records"), key) for key in (b"", KEY)}


def copied(home: Home, folder: Path) -> Home:
    """Return a copy of a home to tamper with."""
    path = folder / "home"
    earlier = folder / "earlier"
    return replace(home, path=shutil.copytree(home.path, path), earlier=shutil.copytree(home.earlier, earlier))


def verify(home: Home, *, key: bytes = b"", head: str = "") -> list[str]:
    """Verify a home; return the reported problems."""
    return list(examine(home, key=key, head=head).notes)


def examine(home: Home, *, key: bytes = b"", head: str = "") -> VerifiedJournal:
    """Open the home as the product does and verify it."""
    with closing(State.open(home.path, anchors=Anchors(home.path, key=key))) as state:
        return Journal(state).examine([NotedHead(head)] if head else [])


def somebody_else(rows: Rows) -> None:
    """Change the actor of the second fix."""
    rows[2]["actor"] = rows[3]["actor"] = "bob"


def cut_and_tell_no_one(home: Home) -> None:
    """Remove the last fix from the database, and its anchors."""
    home.rewrite_journal(lambda rows: rows.__delitem__(slice(2, None)))
    home.rewrite_anchors()


def rewrite_everything(home: Home) -> None:
    """Change an entry, rechain the later ones, and write matching anchors."""
    home.rewrite_journal(somebody_else)
    home.rewrite_anchors()


def empty_both(home: Home) -> None:
    """Remove the anchors and empty the database."""
    home.anchors.unlink()
    (home.path / "state.db").write_bytes(b"")


def forge(rows: Rows) -> None:
    """Add a forged fix."""
    rows.append(rows[2] | {"action": "f" * 32, "actor": "bob"})


def mark(row: dict[str, Any], **changes: Any) -> None:
    """Change an entry, and mark it as not anchored."""
    row |= changes
    row["content"] = row["content"] | {NOT_ANCHORED: "The disk was full."}


def forge_marked(rows: Rows) -> None:
    """Add a complete forged fix, with both entries marked as not anchored."""
    for row in rows[2:4]:
        rows.append(dict(row))
        mark(rows[-1], action="f" * 32, actor="bob")


def forge_marked_outcome(rows: Rows) -> None:
    """Add to the last fix an outcome marked as not anchored."""
    begun = next(row for row in reversed(rows) if row["phase"] == "begun")
    rows.append(dict(begun))
    mark(rows[-1], phase=PHASE_DONE, actor="bob")


def forge_and_go_on(home: Home) -> None:
    """Add a forged fix marked as not anchored, and record a genuine one after it."""
    home.rewrite_journal(forge_marked, keep=4)
    home.fix(phase=PHASE_DONE)


def forge_before_the_last(home: Home) -> None:
    """Insert a second outcome, marked as not anchored, before a genuine fix, and rechain the fix's entries."""
    home.rewrite_journal(lambda rows: rows.insert(2, dict(rows[1])))
    home.rewrite_journal(lambda rows: mark(rows[2], actor="bob"))


def rewrite_the_last_fix(home: Home) -> None:
    """Change the last fix's actor to bob, mark it as not anchored, and remove its anchors and the versions since."""

    def change(rows: Rows) -> None:
        mark(rows[2], actor="bob")
        mark(rows[3], actor="bob")

    home.cut_anchors(2)
    home.rewrite_journal(change)


def rewrite_an_outcome(home: Home) -> None:
    """Change the first outcome, mark it as not anchored, and remove its anchors and all later ones."""
    home.cut_anchors(1)
    home.rewrite_journal(lambda rows: mark(rows[1], phase=PHASE_FAILED))


def rewrite_the_last_outcome(home: Home) -> None:
    """Change the last outcome, mark it as not anchored, and remove its anchors and the versions since."""
    home.cut_anchors(3)
    home.rewrite_journal(lambda rows: mark(rows[3], phase=PHASE_FAILED))


def replace_by_a_link(home: Home) -> None:
    """Replace the anchor file with a link to a copy."""
    home.anchors.rename(home.path / "elsewhere")
    home.anchors.symlink_to("elsewhere")


def replace_by_a_folder(home: Home) -> None:
    """Replace the anchor file with a folder."""
    home.anchors.unlink()
    home.anchors.mkdir()


def blank(home: Home) -> None:
    """Fill the anchor file with zeros."""
    home.anchors.write_bytes(bytes(home.anchors.stat().st_size))


def forget_the_beginning(home: Home) -> None:
    """Remove the database's record of the first anchor."""
    home.run(f"DELETE FROM meta WHERE key = '{ANCHORED}'")  # noqa: S608 - a constant of the product


def reword(lines: list[str]) -> None:
    """Change the head in the last anchor."""
    lines[-1] = re.sub(r'"head":"....', '"head":"beef', lines[-1])


def earlier_date(rows: Rows) -> None:
    """Date the last fix a year before the previous one."""
    for row in rows[2:]:
        row["at"] -= timedelta(days=365)


DETECTED: dict[str, tuple[Callable[[Home], object], str]] = {
    "The last entries are removed": (lambda h: h.run("DELETE FROM journal WHERE id > 2"), "entry 3 is missing"),
    "All entries are removed": (lambda h: h.run("DELETE FROM journal"), "entry 1 is missing"),
    "The database is replaced by an empty file": (lambda h: (h.path / "state.db").write_bytes(b""), "1 is missing"),
    "The database is removed": (lambda h: (h.path / "state.db").unlink(), "1 is missing"),
    "The database is emptied and the anchor file removed": (
        empty_both,
        golden_pattern("errors.journal.calls_from_before"),
    ),
    "An entry is edited": (lambda h: h.run("UPDATE journal SET actor = 'bob' WHERE id = 3"), "entry 3 was changed"),
    "An entry is edited and the chain recomputed": (lambda h: h.rewrite_journal(somebody_else), "entry 3 was changed"),
    "An entry is added with a valid hash": (
        lambda h: h.rewrite_journal(forge, keep=4),
        golden_pattern("errors.journal.entry_has_no_anchor", entry=5),
    ),
    "The last entry is replaced (INSERT OR REPLACE)": (
        lambda h: h.rewrite_journal(lambda rows: rows[3].update(phase="failed"), keep=3),
        "entry 4 was changed",
    ),
    "An entry in the middle is removed": (lambda h: h.run("DELETE FROM journal WHERE id = 2"), "entry 2 is missing"),
    "An entry in the middle is removed, the rest renumbered and chained": (
        lambda h: h.rewrite_journal(lambda rows: rows.pop(1)),
        "entry 2 was changed",
    ),
    "The date of an entry is changed and the chain recomputed": (
        lambda h: h.rewrite_journal(earlier_date),
        "entry 3 was changed",
    ),
    "A version is edited": (
        lambda h: h.run("UPDATE versions SET content = '{\"credentials_on\": 1}' WHERE id = 1"),
        golden_pattern("errors.journal.version_changed", version=1, kind="account"),
    ),
    "The first recorder of a version is edited": (
        lambda h: h.run("UPDATE versions SET recorded_by = 'bob' WHERE id = 3"),
        golden_pattern("errors.journal.version_changed", version=3, kind="allowed_ips"),
    ),
    "A version in the middle is removed": (
        lambda h: h.run("DELETE FROM versions WHERE id = 2"),
        golden_pattern("errors.journal.ips_version_does_not_follow"),
    ),
    "The last version is removed": (lambda h: h.run("DELETE FROM versions WHERE id = 3"), "Version 3 is missing"),
    "A version is edited and all are sealed again": (
        lambda h: h.rewrite_versions(lambda rows: rows[1].update(content={"credentials_on": 7})),
        "Version 2 was changed",
    ),
    "The anchor file is removed": (
        lambda h: h.anchors.unlink(),
        "anchor file .* " + golden_pattern("errors.journal.missing_or_empty"),
    ),
    "The anchor file is filled with zeros": (
        blank,
        "anchor file .* " + golden_pattern("errors.journal.no_valid_line_since"),
    ),
    "The anchor file is filled with zeros, and the database made to forget when it began": (
        lambda h: (blank(h), forget_the_beginning(h)),
        "anchor file .* " + golden_pattern("errors.journal.no_valid_line", entries=4, versions=3),
    ),
    "The anchor file is filled with zeros, the entries removed, the database made to forget when it began": (
        lambda h: (blank(h), h.run("DELETE FROM journal"), forget_the_beginning(h)),
        "anchor file .* " + golden_pattern("errors.journal.no_valid_line", entries=0, versions=3),
    ),
    "The anchor file is filled with zeros and the database emptied": (
        lambda h: (blank(h), (h.path / "state.db").write_bytes(b"")),
        golden_pattern("errors.journal.calls_from_before"),
    ),
    "The anchor file is cut after its first line, and the database made to forget when it began": (
        lambda h: (h.edit_anchors(lambda lines: lines.__delitem__(slice(1, None))), forget_the_beginning(h)),
        golden_pattern("errors.journal.entry_has_no_anchor", entry=1),
    ),
    "The anchor file is cut after its first line, the entries removed, the database made to forget when it began": (
        lambda h: (
            h.edit_anchors(lambda lines: lines.__delitem__(slice(1, None))),
            h.run("DELETE FROM journal"),
            forget_the_beginning(h),
        ),
        golden_pattern("errors.journal.beginning_is_missing"),
    ),
    "The last lines of the anchor file are removed": (
        lambda h: h.edit_anchors(lambda lines: lines.__delitem__(slice(-3, None))),
        golden_pattern("errors.journal.version_without_anchor"),
    ),
    "The first lines of the anchor file are removed": (
        lambda h: h.edit_anchors(lambda lines: lines.__delitem__(slice(4))),
        golden_pattern("errors.journal.line_does_not_follow", line=1),
    ),
    "A line in the middle of the anchor file is removed": (
        lambda h: h.edit_anchors(lambda lines: lines.pop(5)),
        golden_pattern("errors.journal.line_does_not_follow", line=6),
    ),
    "An anchor is edited": (
        lambda h: h.edit_anchors(reword),
        "the anchor of .* " + golden_pattern("errors.journal.other_head"),
    ),
    "The anchor file is written anew, the database left as it was": (
        lambda h: (h.anchors.unlink(), Anchors(h.path).append(Head(JOURNAL, START, 4, h.head))),
        "was begun again",
    ),
    "The anchor file is replaced by an earlier copy": (
        lambda h: shutil.copy(h.earlier / FILE, h.anchors),
        golden_pattern("errors.journal.entry_without_anchor"),
    ),
    "The anchor file is replaced by a link": (replace_by_a_link, golden_pattern("errors.journal.link")),
    "The anchor file is replaced by a folder": (replace_by_a_folder, golden_pattern("errors.journal.is_a_directory")),
    "The database is replaced by an earlier copy": (
        lambda h: shutil.copy(h.earlier / "state.db", h.path / "state.db"),
        "entry 3 is missing",
    ),
    "Two entries are exchanged and the chain recomputed": (
        lambda h: h.rewrite_journal(lambda rows: rows.insert(1, rows.pop(2))),
        "entry 2 was changed",
    ),
    "A fix in the middle is removed, the rest renumbered and chained": (
        lambda h: h.rewrite_journal(lambda rows: rows.__delitem__(slice(2))),
        "entry 1 was changed",
    ),
}
EXCUSED: dict[str, tuple[Callable[[Home], object], str]] = {
    "A fix is added, marked as not anchored": (
        lambda h: h.rewrite_journal(forge_marked, keep=4),
        golden_pattern("errors.journal.entry_has_no_anchor", entry=5),
    ),
    "A fix is added, marked as not anchored, and a genuine one follows": (
        forge_and_go_on,
        golden_pattern("errors.journal.entry_has_no_anchor", entry=5),
    ),
    "The beginning of a fix is added, marked as not anchored": (
        lambda h: h.rewrite_journal(lambda rows: (forge_marked(rows), rows.pop()), keep=4),
        golden_pattern("errors.journal.entry_has_no_anchor", entry=5),
    ),
    "A second outcome is added to a fix, marked as not anchored": (
        lambda h: h.rewrite_journal(forge_marked_outcome, keep=4),
        golden_pattern("errors.journal.entry_has_no_anchor", entry=5),
    ),
    "A second outcome is put in the middle, marked as not anchored": (forge_before_the_last, "entry 3 was changed"),
    "The beginning of a fix is edited, marked as not anchored": (
        lambda h: h.rewrite_journal(lambda rows: mark(rows[2], actor="bob")),
        "entry 3 was changed",
    ),
    "An outcome is edited, marked as not anchored": (
        lambda h: h.rewrite_journal(lambda rows: mark(rows[1], phase=PHASE_FAILED)),
        "entry 2 was changed",
    ),
    "An outcome is edited, marked as not anchored, and the anchors from there on removed": (
        rewrite_an_outcome,
        golden_pattern("errors.journal.entry_has_no_anchor", entry=3),
    ),
    "The last fix is rewritten, marked as not anchored, and its anchors removed": (
        rewrite_the_last_fix,
        golden_pattern("errors.journal.entry_has_no_anchor", entry=3),
    ),
}
"""Cases in which entries are marked as not anchored."""
DETECTED |= EXCUSED
"""Each case with its modification of the home, and the message of ``journal verify`` without external data."""

UNDETECTED: dict[str, Callable[[Home], object]] = {
    "Journal and anchors are both rewritten": rewrite_everything,
    "The last entries and their anchors are both removed": cut_and_tell_no_one,
    "The last outcome is edited, marked as not anchored, and its anchors removed": rewrite_the_last_outcome,
    "An older copy of the whole home is put back": lambda h: h.restore_earlier(),
}
"""Cases that are detected only with data from outside the home."""

NEEDS_NO_KEY = (
    "The last outcome is edited, marked as not anchored, and its anchors removed",
    "An older copy of the whole home is put back",
)
"""The remaining anchors are genuine, so a key does not help; a head noted outside the home does."""
ONLY_NAMED = "An outcome is made up for a fix that has none, marked as not anchored"
"""
Indistinguishable by any head from an outcome whose anchor could not be written.

``verify`` names both and exits with 3.
"""


@pytest.mark.parametrize("case", DETECTED)
def test_tampering_is_detected(pristine: dict[bytes, Home], tmp_path: Path, case: str) -> None:
    """Each case is detected from the home alone, with a key and without one."""
    tamper, message = DETECTED[case]
    home = copied(pristine[b""], tmp_path)
    assert [] == verify(home)
    tamper(home)

    with pytest.raises(JournalError, match=message):
        verify(home)


@pytest.mark.parametrize("case", EXCUSED)
def test_not_anchored_mark_excuses_no_entry(pristine: dict[bytes, Home], tmp_path: Path, case: str) -> None:
    """The mark "not anchored" does not excuse an entry, with signed anchors or not, with the key or without."""
    tamper, message = EXCUSED[case]
    home = copied(pristine[KEY], tmp_path)
    tamper(home)

    for key in (KEY, b""):
        with pytest.raises(JournalError, match=message):
            verify(home, key=key)


@pytest.mark.parametrize("key", [b"", KEY], ids=["unsigned", "signed"])
def test_an_outcome_that_rests_on_its_own_word_is_named(
    pristine: dict[bytes, Home], tmp_path: Path, key: bytes
) -> None:
    """The command reports such an entry as not anchored until the next anchor, and as anchored late after it."""
    cases: dict[str, Callable[[Home], object]] = {
        ONLY_NAMED: lambda h: (h.fix(), h.rewrite_journal(forge_marked_outcome, keep=5)),
        NEEDS_NO_KEY[0]: rewrite_the_last_outcome,
    }
    for case, tamper in cases.items():
        (folder := tmp_path / case[:20]).mkdir()
        home = copied(pristine[key], folder)
        tamper(home)
        found = examine(home, key=key)
        (named,) = found.unanchored
        assert (found.entries, "The disk was full.") == (named.id, named.not_anchored)

        home.fix(phase=PHASE_DONE)

        found = examine(home, key=key)
        (note,) = found.notes
        assert () == found.unanchored
        assert note.startswith(golden("errors.journal.was_not_anchored_disk_full", id=named.id))


@pytest.mark.parametrize("case", UNDETECTED)
def test_what_the_home_alone_cannot_tell_is_detected_from_outside(
    pristine: dict[bytes, Home], tmp_path: Path, case: str
) -> None:
    """A head noted outside the home detects each case; the key does if the anchors had to be forged."""
    home = copied(pristine[b""], tmp_path)
    UNDETECTED[case](home)
    verify(home)
    with pytest.raises(JournalError, match=golden_pattern("errors.journal.no_head")):
        verify(home, head=home.head[:12])

    (tmp_path / "signed").mkdir()
    signed = copied(pristine[KEY], tmp_path / "signed")
    assert [] == verify(signed, key=KEY)
    UNDETECTED[case](signed)
    if case in NEEDS_NO_KEY:
        verify(signed, key=KEY)
        with pytest.raises(JournalError, match=golden_pattern("errors.journal.no_head")):
            verify(signed, key=KEY, head=signed.head)
    else:
        with pytest.raises(JournalError, match=golden_pattern("errors.journal.none_is_signed")):
            verify(signed, key=KEY)


def test_signatures(pristine: dict[bytes, Home], tmp_path: Path) -> None:
    """Another key, an unsigned line after a signed one, and an edited line are each refused."""
    home = copied(pristine[KEY], tmp_path)

    with pytest.raises(JournalError, match=golden_pattern("errors.journal.not_of_the_key")):
        verify(home, key=b"another key altogether")
    assert [golden("errors.journal.set_key_to_check")] == verify(home)
    with pytest.raises(JournalError, match=golden_pattern("errors.journal.set_signing_key")):
        Anchors(home.path).append(Head(JOURNAL, WRITTEN, 4, home.head))
    home.edit_anchors(lambda lines: lines.append(forged(lines[-1])))
    with pytest.raises(JournalError, match=golden_pattern("errors.journal.not_signed")):
        verify(home)


def forged(last: str) -> str:
    """Return a line that follows the last one, as written without a key."""
    body = json.loads(last) | {"previous": hashlib.sha256(last.encode()).hexdigest()}
    del body["mac"]
    return canonical(body)


def test_a_key_set_later_signs_from_then_on(pristine: dict[bytes, Home], tmp_path: Path) -> None:
    """Until an anchor is signed it is refused; ``journal anchor`` signs the current heads."""
    home = copied(pristine[b""], tmp_path)

    with pytest.raises(JournalError, match=golden_pattern("errors.journal.run_anchor")):
        verify(home, key=KEY)
    with closing(State.open(home.path, anchors=Anchors(home.path, key=KEY))) as state:
        Journal(state).anchor()
    (note,) = verify(home, key=KEY)

    assert note.startswith(golden("errors.journal.signed_from"))


def test_the_document_has_every_case() -> None:
    """The table of ``docs/journal.md`` lists each case and marks the same ones as undetectable from the home alone."""
    rows = [line.strip("| ").split(" | ") for line in DOCUMENT.read_text().splitlines() if line.startswith("| ")]
    documented = {cells[0]: cells[1] for cells in rows if len(cells) > 1 and cells[1] in ("yes", "no")}

    assert len(DETECTED) + len(UNDETECTED) >= 15
    assert dict.fromkeys(DETECTED, "yes") | dict.fromkeys([*UNDETECTED, ONLY_NAMED], "no") == documented
