"""
Claims: headlines, figures and check marks derived from evaluated, fresh verdicts.

Missing data is not a pass. Code that shows a positive sentence, a zero or a check mark calls this module first; if the
data does not support the claim, it returns what is lacking and why. Values only: no page, no store, no carrier.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Final

from dashboard.core.clocks import TO_COME, to_come
from dashboard.core.text import counted, join, titled
from dashboard.domain import admitted_calls
from dashboard.domain.capabilities import Capability
from dashboard.domain.changes import RemoveAddress, not_counted
from dashboard.domain.findings import Finding, Impact, Status
from dashboard.domain.snapshot import Age, Snapshot

CORE: Final = ("calls", "allowed_ips", "credentials", "routes", "inventory")
"""Inputs required for a statement about the whole account. PBX configurations are optional."""
NOTHING: Final = "\u2013"
"""Placeholder for a number whose input is missing."""
LISTED: Final = ("pbx_address_is_allowed",)
"""The check behind "Every PBX's address is listed", which compares the inventory with the list and needs no call."""
CAN_CALL: Final = (*LISTED, "call_source_is_allowed")
"""The checks behind "Every PBX places calls from a listed address.", which also needs recent calls: ``silence``."""
BY_CALLS: Final = ("calls", "allowed_ips", "credentials", "inventory")
"""Inputs of a statement on whether PBXs place calls."""
OF_ENTRIES: Final = ("allowed_ip_has_pbx", "allowed_ip_is_used")
"""The checks that have every entry of the list as a subject."""

_MISSING: Final = {
    "calls": "Calls never fetched",
    "allowed_ips": "Allowed IPs not entered yet",
    "credentials": "The SIP credentials setting isn't known",
    "routes": "Inbound routes have never been read",
    "inventory": "The inventory has no PBXs yet",
    "configurations": "No PBX configuration has been imported",
}
_STALE: Final = {
    "calls": "No call records for {}",
    "allowed_ips": "Allowed IPs last read {} ago",
    "credentials": "SIP credentials setting last read {} ago",
    "routes": "Inbound routes last read {} ago",
    "inventory": "Inventory last confirmed {} ago",
    "configurations": "PBX configurations last read {} ago",
}
_TO_COME: Final = {
    "calls": "calls",
    "allowed_ips": "Allowed IPs",
    "credentials": "SIP credentials setting",
    "routes": "inbound routes",
    "inventory": "inventory",
    "configurations": "PBX configurations",
}
"""Names of inputs in the message that they were read while the clock was ahead."""
_BY_SYNC: Final = {
    "calls": Capability.READ_CALLS,
    "allowed_ips": Capability.READ_ALLOWED_IPS,
    "credentials": Capability.READ_CREDENTIALS,
    "routes": Capability.READ_ROUTES,
}
"""Capability that the carrier must offer so that a sync fixes a missing or stale input."""
_BY_HAND: Final = {
    "calls": "Import its call record files: trunkgate calls import FILE.",
    "allowed_ips": "Paste what the portal shows on the page Account, or run: trunkgate account paste FILE.",
    "credentials": "Confirm it on the page Account, or run: trunkgate account record --credentials on (or off).",
    "routes": "Only the carrier's API provides them: they stay unknown without its key.",
    "inventory": "Confirm it on the page Inventory, or import it again: trunkgate inventory read FILE --keep.",
    "configurations": "Import the folders of your PBXs on the page Inventory.",
}
"""Remedy if the carrier lacks the capability, or if no carrier provides the input."""


class GroupStatus(StrEnum):
    """Overall status of a group of verdicts, worst first."""

    OPEN = "open"
    """Something fails now."""
    LAST_KNOWN = "last known"
    """Nothing is known to fail now, but something failed on the last known data."""
    UNKNOWN = "unknown"
    """Nothing fails or failed, but not everything was evaluated on fresh data."""
    CLEAR = "clear"
    """Everything was evaluated on fresh data and passed."""


@dataclass(frozen=True)
class ClaimedNumber:
    """A number for display: its text, ``NOTHING`` if its input is missing, and why or as of when."""

    text: str
    why: str = ""


@dataclass(frozen=True)
class Claims:
    """
    Claims that the data of one snapshot supports.

    Args:
        snapshot: Provides the age of each input and the time of the snapshot.
        findings: Findings of all checks on this snapshot.
        fault: Why the last reading of the carrier failed; empty if it succeeded.
        named: See below.
        write: Returns a PBX's name as it is displayed; pages escape Markdown.
    """

    snapshot: Snapshot
    findings: Sequence[Finding]
    fault: str = ""
    named: bool = False
    """The page already names the missing inputs with their remedies, so headlines omit them."""
    write: Callable[[str], str] = str

    def lacking(self, *names: str) -> str:
        """
        Return a sentence for each input that is missing or stale; empty if all are fresh.

        Args:
            names: Inputs by their names in ``Snapshot.freshness``; all of ``CORE`` if none is given.
        """
        return lacking(self.snapshot, *names)

    def fresh(self, *names: str) -> bool:
        """Return whether all of the inputs are fresh; all of ``CORE`` if none is given."""
        return not self.lacking(*names)

    def figure(self, value: int, *names: str) -> ClaimedNumber:
        """
        Return a count for display: no number without its input, and no zero from an input that is out of date.

        Args:
            value: The count.
            names: The inputs that it was counted from.
        """
        gap = self.lacking(*names)
        missing = any(self.snapshot.age(name) is Age.MISSING for name in names)
        return ClaimedNumber(NOTHING if missing or (gap and not value) else f"{value:,}", self._unnamed(*names))

    def standing(self, checks: Collection[str] = (), subject: str = "") -> GroupStatus:
        """
        Return the overall status of the verdicts of some checks.

        Args:
            checks: Names of checks; if none is given, all of them, and every input of ``CORE`` must be fresh.
            subject: Only verdicts on this subject, and those that concern the whole account.
        """
        about = [finding for finding in self.findings if not checks or finding.check in checks]
        if subject:
            about = [
                finding
                for finding in about
                if finding.subject == subject or (finding.subject == "account" and not finding.open)
            ]
        if any(finding.status is Status.FAIL for finding in about):
            return GroupStatus.OPEN
        if any(finding.failed_last for finding in about):
            return GroupStatus.LAST_KNOWN
        passed_checks = {finding.check for finding in about if finding.status is Status.PASS}
        evaluated = bool(about) and all(finding.status is Status.PASS for finding in about)
        if not evaluated or not set(checks) <= passed_checks or not (checks or self.fresh()):
            return GroupStatus.UNKNOWN
        return GroupStatus.CLEAR

    @cached_property
    def open(self) -> list[Finding]:
        """Findings that fail now or failed on the last known data, worst first."""
        return [finding for finding in self.findings if finding.open]

    @cached_property
    def last_known(self) -> list[Finding]:
        """Open findings that could not be evaluated again."""
        return [finding for finding in self.findings if finding.failed_last]

    @cached_property
    def unevaluated(self) -> list[Finding]:
        """Findings that are unknown and did not fail on the last known data."""
        return [finding for finding in self.findings if finding.status is Status.UNKNOWN and not finding.open]

    @property
    def open_figure(self) -> ClaimedNumber:
        """Number of open findings; zero only if everything based on ``CORE`` was evaluated on fresh data."""
        if not self.open and not (self.fresh() and self._evaluated and not any(map(self._counts, self.unevaluated))):
            return ClaimedNumber(NOTHING, self.why_not or "Nothing was checked yet.")
        return ClaimedNumber(f"{len(self.open):,}", self.not_evaluated)

    @property
    def not_evaluated(self) -> str:
        """Sentence with the number of checks and subjects that could not be evaluated; empty if all were."""
        if not self.unevaluated:
            return ""
        ran = {
            finding.check for finding in self.findings if finding.status is not Status.UNKNOWN or finding.failed_last
        }
        whole = {finding.check for finding in self.unevaluated} - ran
        other_findings = [finding for finding in self.unevaluated if finding.check not in whole]
        parts = [
            counted(len(whole), "check") if whole else "",
            counted(len(other_findings), "subject") if other_findings else "",
        ]
        return f"{join(filter(None, parts), None)} couldn't be evaluated."

    @property
    def why_not(self) -> str:
        """Sentences on what could not be evaluated and which inputs are lacking; empty if there is neither."""
        return " ".join(filter(None, (self.not_evaluated, self._unnamed())))

    @cached_property
    def silence(self) -> str:
        """
        Clause on the active PBXs that no recent call proves to place calls, such as ``no call was seen``.

        Empty if each of them is proven to place calls, or if an input is missing or stale: ``lacking`` names that one.
        """
        return admitted_calls.silence(self.snapshot, self.write) if self.fresh(*BY_CALLS) else ""

    def entry(self, network: str) -> GroupStatus:
        """Return the overall status of one entry of the list; clear only if each check in ``OF_ENTRIES`` passed."""
        about = [finding for finding in self.findings if finding.subject == network or _removes(finding, network)]
        if any(finding.status is Status.FAIL for finding in about):
            return GroupStatus.OPEN
        if any(finding.failed_last for finding in about):
            return GroupStatus.LAST_KNOWN
        all_passed = all(finding.status is Status.PASS for finding in about)
        return (
            GroupStatus.CLEAR
            if all_passed and self.standing(OF_ENTRIES, network) is GroupStatus.CLEAR
            else GroupStatus.UNKNOWN
        )

    def headline(self, now: Sequence[str] = (), last: Sequence[str] = (), inputs: Sequence[str] = ("calls",)) -> str:
        """
        Return the headline of the overview page.

        Args:
            now: Sentences on what is wrong now, according to fresh data.
            last: Sentences on what was wrong according to the last known data.
            inputs: Inputs that the last known data belong to.
        """
        if last:
            return " ".join([*now, f"Last known: {' '.join(last)}", self.lacking(*inputs)])
        if now:
            return " ".join(filter(None, (*now, self.why_not if self.lacking() else "")))
        if self.open:
            return " ".join(filter(None, (self._to_review, self.why_not)))
        if not self._evaluated:
            return f"Nothing could be checked yet. {self._unnamed()}".strip()
        if claim := self._all_clear:
            return f"{self._as_of}{claim} {self.why_not}".strip()
        return self._none_found

    def of_findings(self) -> str:
        """Return a summary: open findings, what they cost, how many are last known, and what was not evaluated."""
        if not self.findings:
            return "Nothing was checked yet."
        if not self.open:
            if self.standing() is GroupStatus.CLEAR:
                return f"No failures found{f'; {self.silence}' if self.silence else ''}."
            return self._none_found if self._evaluated else self.headline()
        costs = {
            "calls": sum(finding.impact is Impact.OUTAGE for finding in self.open),
            "money": sum(finding.impact is Impact.LOSS for finding in self.open),
        }
        verbs = [f"{number} can cost {cost}" for cost, number in costs.items() if number]
        head = f"{counted(len(self.open), 'finding')} {'is' if len(self.open) == 1 else 'are'} open"
        old = f"{len(self.last_known):,} of them last known." if self.last_known else ""
        sentences = (f"{head}{': ' + join(verbs, None) if verbs else ''}.", old, self.not_evaluated)
        return " ".join(filter(None, sentences))

    def _unnamed(self, *names: str) -> str:
        """Return a sentence for each input that is missing or stale and not named elsewhere; see ``lacking``."""
        if not self.named:
            return self.lacking(*names)
        stale = [name for name in names or CORE if self.snapshot.age(name) is Age.STALE]
        return self.lacking(*stale) if stale else ""

    @property
    def _evaluated(self) -> bool:
        """Whether any verdict is based on fresh data."""
        return any(finding.status is not Status.UNKNOWN for finding in self.findings)

    def _counts(self, finding: Finding) -> bool:
        """Return whether a verdict depends on an input of ``CORE`` and all its other deciding inputs are fresh."""
        optional = [name for name in finding.deciding if name not in CORE]
        return bool(set(finding.deciding) & set(CORE)) and all(
            self.snapshot.age(input_name) is Age.FRESH for input_name in optional
        )

    @property
    def _to_review(self) -> str:
        """Summary of open findings; says "Calls go through" only if recent calls of each active PBX prove it."""
        outage = [finding for finding in self.open if finding.impact is Impact.OUTAGE]
        about = outage or self.open
        old = sum(finding.failed_last for finding in about)
        tail = f" {old:,} of them last known." if old else ""
        evaluated = self.fresh(*BY_CALLS) and not any(finding.check in CAN_CALL for finding in self.unevaluated)
        if evaluated and not self.silence:
            words = "could stop them" if outage else "to review"
            return f"Calls go through; {counted(len(about), 'finding')} {words}.{tail}"
        tail += f" {self._silence}" if self.silence else ""
        return f"{counted(len(about), 'finding')} {'could stop calls' if outage else 'to review'}.{tail}"

    @property
    def _none_found(self) -> str:
        """Sentences that nothing failed, what could not be evaluated, and which PBXs are silent."""
        return f"No failures found, but {self.why_not} {self._silence}".strip()

    @property
    def _silence(self) -> str:
        """``silence`` as a sentence; empty if that is empty."""
        return f"{titled(self.silence)}." if self.silence else ""

    @property
    def _all_clear(self) -> str:
        """
        Positive sentence on all PBXs, without its first letter; empty if the data supports none.

        A present-tense claim on calls needs recent calls; without them only the comparison of inventory and list is
        stated. Calls of a dynamic PBX from an unlisted address are admitted by its credentials.
        """
        if not self.fresh(*BY_CALLS):
            return ""
        pbxs = self.snapshot.pbxs[(self.snapshot.pbxs["status"] != "retired").to_numpy()]
        if self.silence and self.standing(LISTED) is GroupStatus.CLEAR:
            qualifier = "" if (pbxs["ip_kind"] == "static").all() else "static "
            return f"very {qualifier}PBX's address is listed; {self.silence}."
        if not self.silence and self.standing(CAN_CALL) is GroupStatus.CLEAR:
            qualifier = "" if (pbxs["status"] == "active").all() else "active "
            how = "" if admitted_calls.all_by_list(self.snapshot) else ", or with credentials"
            return f"very {qualifier}PBX places calls from a listed address{how}."
        return ""

    @property
    def _as_of(self) -> str:
        """Beginning of a positive sentence; with the age of the data if the carrier could not be read."""
        times = [at for name in CORE if (fresh := self.snapshot.freshness.get(name)) and (at := fresh.as_of)]
        return f"As of {short(self.snapshot.taken_at - min(times))} ago, e" if self.fault and times else "E"


def lacking(snapshot: Snapshot, *names: str) -> str:
    """Return a sentence for each input of a snapshot that is missing or stale; see ``Claims.lacking``."""
    sentences = []
    to_come = []
    for name in names or CORE:
        age = snapshot.age(name)
        if age is Age.MISSING:
            sentences.append(f"{_MISSING[name]}.")
        elif snapshot.to_come(name):
            to_come.append(name)
        elif age is Age.STALE and (at := snapshot.freshness[name].as_of) is not None:
            sentences.append(f"{_STALE[name].format(short(snapshot.taken_at - at))}.")
    if "calls" in to_come and _of_files(snapshot):
        to_come.remove("calls")
        sentences.append(f"The newest imported call is dated in the future. {cure(snapshot, 'calls')}")
    return " ".join([*sentences, *([_dated_in_future(snapshot, to_come)] if to_come else [])])


def _dated_in_future(snapshot: Snapshot, names: Sequence[str]) -> str:
    """Return sentences on which inputs were read while the clock was ahead, and how to update them."""
    whats = [_TO_COME[name] for name in names]
    cures = dict.fromkeys(cure(snapshot, name) for name in names)
    return f"{titled(join(whats, None))} last read {TO_COME}: the clock was set back. {' '.join(cures)}"


def cure(snapshot: Snapshot, name: str) -> str:
    """Return the remedy for an input that is missing or stale, depending on what this account's carrier offers."""
    if _BY_SYNC.get(name) in snapshot.capabilities:
        return "Sync the account."
    if name == "calls" and snapshot.to_come(name):
        return "Check the time zone of its file."
    return _BY_HAND[name]


def explain_future_time(snapshot: Snapshot, name: str) -> str:
    """Return a clause that explains why an input is dated in the future."""
    files = name == "calls" and _of_files(snapshot)
    return "the newest imported call is dated so" if files else "the clock was set back"


def _of_files(snapshot: Snapshot) -> bool:
    """Return whether calls come from imported files only, as in mode ``files``."""
    return Capability.READ_CALLS not in snapshot.capabilities


def file_only_sentence(snapshot: Snapshot, since: datetime | None = None) -> str:
    """
    Return a sentence with the number of outbound calls that are only in imported files and in no count; else empty.

    Args:
        snapshot: Provides the calls and the window.
        since: Only calls from then on; a time at which the snapshot's traffic is split.
    """
    rows = snapshot.file_only_traffic[(snapshot.file_only_traffic["direction"] == "outbound").to_numpy()]
    if since is not None:
        rows = rows[rows["first_at"] >= since]
    calls = int(rows["calls"].sum())
    return not_counted(calls) if calls else ""


def as_of(finding: Finding, now: datetime) -> str:
    """Return the status and age of a last known result, ``Last known: failed, 2 h ago``; empty if there is none."""
    last_known = finding.last_known
    if last_known is None:
        return ""
    word = {Status.FAIL: "failed", Status.PASS: "passed", Status.UNKNOWN: "could not be decided"}[last_known.status]
    return f"Last known: {word}, {ago(last_known.as_of, now)}"


def age_s(finding: Finding, now: datetime) -> int | None:
    """Return the age of a last known result, in seconds; ``None`` for a missing result or one dated in the future."""
    last_known = finding.last_known
    return (
        None
        if last_known is None or to_come(last_known.as_of, now)
        else max(0, round((now - last_known.as_of).total_seconds()))
    )


def ago(at: datetime, now: datetime) -> str:
    """Return a time relative to now for a headline: ``2 h ago``, or that it is in the future."""
    return TO_COME if to_come(at, now) else f"{short(now - at)} ago"


def short(duration: timedelta) -> str:
    """Return a duration as short text for a headline: ``45 min``, ``2 h``, ``8 days``."""
    minutes = max(1, round(duration.total_seconds() / 60))
    if minutes < 100:  # noqa: PLR2004 - above this limit, hours are easier to read
        return f"{minutes} min"
    hours = round(minutes / 60)
    return f"{hours} h" if hours < 48 else f"{round(hours / 24)} days"  # noqa: PLR2004 - as above


def _removes(finding: Finding, network: str) -> bool:
    """Return whether a finding proposes to remove an entry of the list."""
    return any(isinstance(change, RemoveAddress) and change.network == network for change in finding.proposals)


def evaluated(statuses: Iterable[Status]) -> bool:
    """Return whether there are verdicts and all of them pass: the condition for a single check mark."""
    status_list = list(statuses)
    return bool(status_list) and all(status is Status.PASS for status in status_list)
