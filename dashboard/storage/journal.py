"""
Journal of fixes: append-only; each entry contains the hash of the one before it.

``begin`` is called before the first write to the carrier, ``finish`` after the last. An action
without a second entry is open: it is still running, or it was interrupted and its outcome is not known yet
(``fixes.settlement`` determines it). Each entry is anchored outside the database (``anchors``); an outcome that could
not be anchored is anchored together with the next entry.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise, takewhile
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dashboard.core import clocks
from dashboard.core.errors import JournalError
from dashboard.core.text import quoted
from dashboard.domain.changes import Plan, digest
from dashboard.storage import anchors, sealing
from dashboard.storage.anchors import JOURNAL, VERSIONS, WRITING, WRITTEN, Anchor, Head
from dashboard.storage.database import ANCHORED, SEALED, State, has_calls
from dashboard.storage.database import journal as journal_table
from dashboard.storage.sealing import GENESIS

PHASE_BEGUN, PHASE_DONE, PHASE_FAILED, PHASE_PARTLY = "begun", "done", "failed", "partly"
"""Phases of an action. ``partly``: some changes are live and others are not."""
OUTCOMES = (PHASE_DONE, PHASE_FAILED, PHASE_PARTLY)
NOT_ANCHORED = "not_anchored"
"""Key in the content of an outcome whose anchor could not be written; the value is the reason."""
SHORTEST_HEAD = 8
"""Minimum number of hex digits that identify a head; messages print twelve."""
SHORT = 12


@dataclass(frozen=True)
class JournalEntry:
    """One journal entry: actor, action, the account's rows before and after, and the chain hashes."""

    id: int
    at: datetime
    action: str
    phase: str
    actor: str
    title: str
    plan_hash: str
    undoes: int | None
    content: dict[str, Any]
    """
    ``plan`` (whole), ``before`` and ``by`` (see ``Actor.by``) on ``begun``; ``before``, ``after`` and ``message`` on
    the second entry, plus ``live`` (the changes in place) if the fix failed or was interrupted.
    """
    previous_hash: str
    hash: str

    @property
    def short_hash(self) -> str:
        """The journal head after this entry, as messages print it; ``journal verify --head`` accepts it."""
        return self.hash[:SHORT]

    @property
    def by(self) -> dict[str, Any]:
        """How the actor signed in, see ``Actor.by``; empty if not recorded."""
        sign_in = self._content.get("by")
        return sign_in if isinstance(sign_in, dict) else {}

    @property
    def not_anchored(self) -> str:
        """Recorded reason why the anchor of this entry could not be written; empty if there is none."""
        return str(self._content.get(NOT_ANCHORED, ""))

    @property
    def _content(self) -> dict[str, Any]:
        """The content as a mapping; a tampered value of another type counts as empty."""
        content: Any = self.content
        return content if isinstance(content, dict) else {}


@dataclass(frozen=True)
class NotedHead:
    """A head recorded outside the home: by a person, in a manifest, or in a copy of the anchor file."""

    head: str
    """All 64 hex digits, or at least the first eight."""
    chain: str = JOURNAL
    entries: int | None = None
    """Number of entries at that head, if recorded."""
    source: str = "the head given"


@dataclass(frozen=True)
class VerifiedJournal:
    """Result of a successful verification."""

    entries: int
    head: str
    versions: int
    versions_head: str
    anchored_from: datetime | None
    """Time of the first anchor; ``None`` if there is none."""
    older: int
    """Number of entries from before the first anchor."""
    older_versions: int
    """Number of versions from before the first anchor."""
    open_entries: tuple[JournalEntry, ...]
    """Fixes without a recorded outcome."""
    unanchored: tuple[JournalEntry, ...] = field(default=())
    """Outcomes that have no anchor yet because it could not be written; they are anchored with the next entry."""
    notes: tuple[str, ...] = field(default=())
    """Sentences about noteworthy facts that do not invalidate the journal."""


class Journal:
    """The journal of one state database."""

    def __init__(self, state: State) -> None:
        self._state = state

    def begin(
        self, plan: Plan, *, actor: str, before: dict[str, Any], by: Mapping[str, Any] | None = None
    ) -> JournalEntry:
        """
        Append a ``begun`` entry with the plan, the actor and the before-image.

        Args:
            plan: Plan that is about to be carried out.
            actor: Actor as text.
            before: The account's rows before the fix.
            by: How the actor signed in, see ``Actor.by``.

        Raises:
            JournalError: The entry cannot be anchored; nothing was recorded.
        """
        content = {"plan": plan.model_dump(mode="json"), "before": before}
        if by:
            content["by"] = dict(by)
        return self._append(uuid.uuid4().hex, PHASE_BEGUN, actor, plan, content)

    def finish(
        self,
        begun: JournalEntry,
        plan: Plan,
        *,
        phase: str,
        after: dict[str, Any],
        before: dict[str, Any],
        message: str = "",
        **facts: Any,
    ) -> JournalEntry:
        """
        Append the outcome of an action, even if its anchor cannot be written.

        In that case the entry contains the reason and is anchored together with the next one.

        Args:
            begun: First entry of the action.
            plan: Plan of the action.
            phase: ``done``, ``failed`` or ``partly``.
            after: The account's rows after the fix.
            before: The account's rows before the fix.
            message: Sentences for the operator.
            facts: Further facts; ``actor`` names who records the outcome if it is not the actor of ``begun``.
        """
        actor = facts.pop("actor", begun.actor)
        content = {"before": before, "after": after, "message": message} | facts
        return self._append(begun.action, phase, actor, plan, content)

    def entries(self) -> list[JournalEntry]:
        """Return all entries, oldest first."""
        with self._state.reading() as connection:
            return _entries(connection)

    def open_entries(self) -> list[JournalEntry]:
        """Return the ``begun`` entry of each action that has no outcome, oldest first."""
        ended = sa.select(journal_table.c.action).where(journal_table.c.phase != PHASE_BEGUN)
        query = (
            journal_table.select()
            .where(journal_table.c.phase == PHASE_BEGUN, journal_table.c.action.not_in(ended))
            .order_by(journal_table.c.id)
        )
        with self._state.reading() as connection:
            return [JournalEntry(**row) for row in connection.execute(query).mappings()]

    def entry(self, number: int) -> JournalEntry:
        """
        Return one entry.

        Raises:
            JournalError: There is no such entry.
        """
        with self._state.reading() as connection:
            row = connection.execute(journal_table.select().where(journal_table.c.id == number)).mappings().first()
        if row is None:
            raise JournalError(f"The journal has no entry {number}. `trunkgate journal list` shows those it has.")
        return JournalEntry(**row)

    def last(self) -> JournalEntry | None:
        """Return the last entry; ``None`` if there is none."""
        with self._state.reading() as connection:
            row = (
                connection.execute(journal_table.select().order_by(journal_table.c.id.desc()).limit(1))
                .mappings()
                .first()
            )
        return JournalEntry(**row) if row else None

    def head(self) -> str:
        """Return the hash of the last entry; 64 zeros if there is none."""
        last = self.last()
        return last.hash if last else GENESIS

    def versions_head(self) -> str:
        """Return the hash of the last recorded version; 64 zeros if there is none."""
        return self._state.versions_head()

    def anchor(self) -> VerifiedJournal:
        """
        Verify the chains, then anchor both heads: for use after setting a key or opening a home of an earlier version.

        Outcomes whose anchor could not be written are anchored too.

        Raises:
            JournalError: The verification failed, or the anchors cannot be written.
        """
        verification = self.examine(new_key=True)
        heads = [
            (JOURNAL, verification.entries, verification.head),
            (VERSIONS, verification.versions, verification.versions_head),
        ]
        self._state.anchors.append(
            *_late(verification.unanchored), *(Head(chain, WRITTEN, count, head) for chain, count, head in heads)
        )
        return verification

    def verify(self, head: str = "") -> int:
        """
        Verify the journal and the versions; see ``examine``.

        Args:
            head: A head recorded earlier, complete or its first digits.

        Returns:
            Number of verified entries.
        """
        return self.examine([NotedHead(head)] if head else []).entries

    def examine(self, noted: Sequence[NotedHead] = (), *, new_key: bool = False) -> VerifiedJournal:
        """
        Recompute the chains of entries and of versions, and compare them with all anchors.

        Args:
            noted: Heads from outside the home; the chains must still contain them.
            new_key: A key was just set, so no anchor needs to be signed with it yet.

        Raises:
            JournalError: A row was changed, removed or added; the message names the first one found.
        """
        entries = self.entries()
        versions = self._state.sealed_versions()
        _check_entries(entries)
        _check_versions(versions)
        hashes = {JOURNAL: [entry.hash for entry in entries], VERSIONS: [str(row["hash"]) for row in versions]}
        lines = self._state.anchors.read()
        self._check_beginning(lines, entries)
        notes, unanchored = self._compare(lines, entries, hashes, new_key=new_key)
        for head in noted:
            _find(head, hashes[head.chain])
        start, start_of_versions = (
            next((line for line in lines if line.chain == chain), None) for chain in (JOURNAL, VERSIONS)
        )
        return VerifiedJournal(
            entries=len(entries),
            head=hashes[JOURNAL][-1] if entries else GENESIS,
            versions=len(versions),
            versions_head=hashes[VERSIONS][-1] if versions else GENESIS,
            anchored_from=start.at if start else None,
            older=min(start.entries, len(entries)) if start else len(entries),
            older_versions=start_of_versions.entries if start_of_versions else len(versions),
            open_entries=tuple(self.open_entries()),
            unanchored=unanchored,
            notes=(*notes, *_clock(entries), *_anchored_late(entries, unanchored, lines)),
        )

    def _check_beginning(self, lines: Sequence[Anchor], entries: Sequence[JournalEntry]) -> None:
        """Raise ``JournalError`` if anchors were removed or started again, or if an existing journal was emptied."""
        path = self._state.anchors.path
        began = self._state.get(ANCHORED)
        if began and not lines:
            fault = "has no valid line" if self._state.anchors.exists else "is missing or empty"
            raise JournalError(f"The anchor file {path} {fault}. Anchors were written since {began['at']}.")
        if began and lines[0].at.isoformat() != began["at"]:
            raise JournalError(f"The anchor file {path} was begun again: anchors were written since {began['at']}.")
        self._state.refuse_damaged_anchors(lines)
        is_emptied = not began and not lines and self._state.get(SEALED, {}).get("versions", 0) == 0
        replaced = bool(lines) and lines[0].after_calls
        if not entries and has_calls(self._state.home) and (is_emptied or replaced):
            raise JournalError(
                "The journal is empty, but the home has calls from before its database was created: the database was "
                "emptied or replaced. Restore it from a backup."
            )

    def _compare(
        self, lines: Sequence[Anchor], entries: Sequence[JournalEntry], hashes: dict[str, list[str]], *, new_key: bool
    ) -> tuple[list[str], tuple[JournalEntry, ...]]:
        """Compare both chains with the anchors; return notes, and the entries that have no anchor yet."""
        if not lines:
            return [], ()
        keyed = self._state.anchors.has_key
        signed = [line for line in lines if line.signed]
        if keyed and not signed and not new_key:
            raise JournalError(
                "No anchor is signed with TRUNKGATE_JOURNAL_KEY: the anchor file was replaced, or the key was set only "
                "now. In the latter case run `trunkgate journal anchor` once."
            )
        interrupted_note, without = anchors.compare(lines, JOURNAL, hashes[JOURNAL], excusable=_excusable(entries))
        notes = [interrupted_note, anchors.compare(lines, VERSIONS, hashes[VERSIONS], excusable={})[0]]
        if signed and not keyed:
            notes.append("The anchors are signed; set TRUNKGATE_JOURNAL_KEY to check their signatures.")
        if lines[0].after_calls:
            notes.append(
                f"The database was created on {lines[0].at:%Y-%m-%d %H:%M} UTC in a home that had calls already: what "
                "was recorded before is not in it."
            )
        if lines[0].line > 1:
            notes.append(
                f"The anchor file begins with damaged lines, before line {lines[0].line}: its first write was cut off, "
                f"or it was overwritten before {lines[0].at:%Y-%m-%d %H:%M} UTC."
            )
        if signed and keyed and signed[0].line > lines[0].line:
            notes.append(f"The anchors are signed from {signed[0].at:%Y-%m-%d %H:%M} UTC.")
        return [note for note in notes if note], tuple(entry for entry in entries if entry.id in without)

    def _append(self, action: str, phase: str, actor: str, plan: Plan, content: dict[str, Any]) -> JournalEntry:
        if phase == PHASE_BEGUN:
            self._state.begin_anchors()
        with self._state.writing() as connection:
            newest = (
                connection.execute(journal_table.select().order_by(journal_table.c.id.desc()).limit(1))
                .mappings()
                .first()
            )
            last = JournalEntry(**newest) if newest else None
            row: dict[str, Any] = {
                "id": (last.id if last else 0) + 1,
                "at": clocks.now(),
                "action": action,
                "phase": phase,
                "actor": actor,
                "title": plan.title,
                "plan_hash": plan.hash,
                "undoes": plan.undoes,
                "content": content,
                "previous_hash": last.hash if last else GENESIS,
            }
            row["hash"] = sealing.of_entry(row)
            try:
                late = _late(_unanchored_end(_entries(connection))) if last and last.not_anchored else []
                self._state.anchors.append(*late, Head(JOURNAL, WRITING, row["id"], row["hash"]))
            except JournalError as exc:
                if phase == PHASE_BEGUN:
                    raise
                row["content"] = content | {NOT_ANCHORED: str(exc)}
                row["hash"] = sealing.of_entry(row)
            connection.execute(journal_table.insert().values(**row))
        if NOT_ANCHORED not in row["content"]:
            self._state.anchored(Head(JOURNAL, WRITTEN, row["id"], row["hash"]))
        return JournalEntry(**row)


def _entries(connection: Connection) -> list[JournalEntry]:
    return [
        JournalEntry(**row)
        for row in connection.execute(journal_table.select().order_by(journal_table.c.id)).mappings()
    ]


def _check_entries(entries: Sequence[JournalEntry]) -> None:
    previous = GENESIS
    for number, entry in enumerate(entries, start=1):
        if entry.id != number:
            raise JournalError(f"Journal entry {number} is missing: the next one is numbered {entry.id}.")
        if entry.previous_hash != previous or entry.hash != sealing.of_entry(entry.__dict__):
            raise JournalError(f"Journal entry {number} was changed after it was written.")
        previous = entry.hash


def _check_versions(versions: Sequence[dict[str, Any]]) -> None:
    previous = GENESIS
    for row in versions:
        version_label = f"Version {row['id']} ({row['kind']})"
        if row["previous_hash"] != previous:
            raise JournalError(
                f"{version_label} does not follow the one before it: a version was removed, replaced or changed."
            )
        if row["hash"] != sealing.of_version(row) or row["digest"] != digest(row["content"]):
            raise JournalError(f"{version_label} was changed after it was recorded.")
        previous = row["hash"]


def _find(noted: NotedHead, hashes: Sequence[str]) -> None:
    """Find a recorded head in a chain; if its number of entries was recorded too, both must match."""
    head = noted.head.strip().lower()
    if not re.fullmatch(rf"[0-9a-f]{{{SHORTEST_HEAD},64}}", head):
        raise JournalError(
            f"{noted.source}: {quoted(noted.head)} is no head. Give at least {SHORTEST_HEAD} hex digits."
        )
    positions = [number for number, row_hash in enumerate([GENESIS, *hashes]) if row_hash.startswith(head)]
    chain = "journal" if noted.chain == JOURNAL else "chain of versions"
    if len(positions) > 1:
        raise JournalError(f"{noted.source}: {head} fits {len(positions)} entries of the {chain}. Give more digits.")
    if not positions or (noted.entries is not None and noted.entries != positions[0]):
        ends = hashes[-1] if hashes else GENESIS
        raise JournalError(
            f"The {chain} ends at {ends[:SHORT]} and does not contain the head {head[:SHORT]} ({noted.source})."
        )


def _clock(entries: Sequence[JournalEntry]) -> list[str]:
    set_back_ids = [entry.id for before, entry in pairwise(entries) if entry.at < before.at]
    return [f"The clock of the machine went back before entry {number}." for number in set_back_ids]


def _excusable(entries: Sequence[JournalEntry]) -> dict[int, int]:
    """
    Return the ids of entries that may lack an anchor, each with the id of the ``begun`` entry of its action.

    A fix begins only with an anchor and has one outcome, so only that outcome can lack an anchor.
    """
    of_action: dict[str, list[JournalEntry]] = {}
    for entry in entries:
        of_action.setdefault(entry.action, []).append(entry)
    pairs = [pair for pair in of_action.values() if [entry.phase == PHASE_BEGUN for entry in pair] == [True, False]]
    return {ended.id: begun.id for begun, ended in pairs if ended.phase in OUTCOMES and ended.not_anchored}


def _unanchored_end(entries: Sequence[JournalEntry]) -> list[JournalEntry]:
    """Return the entries at the end of the journal that may lack an anchor, oldest first."""
    excusable = _excusable(entries)
    return list(reversed(list(takewhile(lambda entry: entry.id in excusable, reversed(entries)))))


def _late(entries: Sequence[JournalEntry]) -> list[Head]:
    """Return the anchors of entries that are already in the database."""
    return [Head(JOURNAL, step, entry.id, entry.hash) for entry in entries for step in (WRITING, WRITTEN)]


def _anchored_late(
    entries: Sequence[JournalEntry], unanchored: Sequence[JournalEntry], lines: Sequence[Anchor]
) -> list[str]:
    """Return a sentence for each entry that was anchored late, with the time of its anchor."""
    late = [entry for entry in entries if entry.not_anchored and entry not in unanchored]
    anchored = {line.head: line.at for line in reversed(lines) if line.chain == JOURNAL}
    since = {entry.id: anchored.get(entry.hash) for entry in late}
    return [
        f"Entry {entry.id} was not anchored when it was written: {entry.not_anchored}"
        + (f" It is anchored since {at:%Y-%m-%d %H:%M:%S} UTC." if (at := since[entry.id]) else "")
        for entry in late
    ]
