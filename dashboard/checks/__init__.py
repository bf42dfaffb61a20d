"""
Checks: one file each, named for the good state; ``discover`` finds them by walking this package.

A check is a pure function of a Snapshot that yields a verdict for every subject. No data is never a pass:
a stale or missing input, a check that stops on an error and one with nothing to examine each leave an
unknown finding. Files that begin with an underscore are what checks share.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from pkgutil import iter_modules

import humanize

from dashboard.findings import Cause, Confidence, Finding, Impact, Severity, Status, Verdict
from dashboard.snapshot import Age, Freshness, Snapshot

ACCOUNT = "account"
"""Subject of what concerns the whole account."""

INPUTS = {
    "calls": ("The calls", "were last fetched", "Sync the account, or import its call record files."),
    "allowed_ips": (
        "The list of Outbound Allowed IPs",
        "was last read",
        "Sync the account, or paste what the portal shows on the page Account.",
    ),
    "credentials": (
        "The state of the SIP credentials",
        "was last read",
        "Sync the account, or confirm it on the page Account.",
    ),
    "routes": ("The numbers and inbound routes", "were last read", "Sync the account; that takes its API key."),
    "inventory": (
        "The inventory of PBXs",
        "was last confirmed",
        "Confirm it on the page Inventory, or import it again.",
    ),
    "configurations": (
        "The configuration of PBXs",
        "was last read",
        "Import the folders of your PBXs on the page Inventory.",
    ),
}
"""What a check may need: how a sentence speaks of it, and the cure when it is stale or missing."""

logger = logging.getLogger(__name__)

Evaluate = Callable[[Snapshot], Iterable[Verdict]]

passed = partial(Verdict, status=Status.PASS)
"""Say that a subject is in order: ``passed(subject, reason=...)``."""
failed = partial(Verdict, status=Status.FAIL)
"""Say that a subject is not: ``failed(subject, reason=..., changes=...)``."""
unknown = partial(Verdict, status=Status.UNKNOWN, confidence=Confidence.CANNOT_TELL, cause=Cause.UNDECIDABLE)
"""Say that nobody can tell: ``unknown(subject, reason=...)``."""


@dataclass(frozen=True)
class Check:
    """A check with what it declares of itself. ``id`` is the name of its file and of its function."""

    id: str
    title: str
    description: str
    severity: Severity
    impact: Impact
    controls: tuple[str, ...]
    needs: tuple[str, ...]
    evaluate: Evaluate

    def findings(self, snapshot: Snapshot) -> list[Finding]:
        """Return a finding for every subject; one unknown finding where the check cannot be made."""
        verdicts = self._verdicts(snapshot)
        by_subject = {verdict.subject: verdict for verdict in sorted(verdicts, key=self._rank, reverse=True)}
        return [self._stamp(verdict) for verdict in by_subject.values()]

    def _verdicts(self, snapshot: Snapshot) -> list[Verdict]:
        not_fresh = _not_fresh(self.needs, snapshot)
        if not_fresh:
            return [not_fresh]
        try:
            verdicts = list(self.evaluate(snapshot))
        except Exception as exc:  # whatever a check stops on must not hide what the others found
            logger.exception("Check %s stopped.", self.id)
            reason = f"The check {self.id} stopped on an error of its own ({type(exc).__name__}); nothing was decided."
            return [unknown(ACCOUNT, reason=reason, cause=Cause.CRASHED)]
        if not verdicts:
            reason = f"There was nothing to examine for the account: {self.description}"
            return [unknown(ACCOUNT, reason=reason, cause=Cause.MISSING)]
        return verdicts

    def _rank(self, verdict: Verdict) -> tuple[int, int]:
        return list(Status).index(verdict.status), (verdict.severity or self.severity).rank

    def _stamp(self, verdict: Verdict) -> Finding:
        return Finding(
            check=self.id,
            title=self.title,
            subject=verdict.subject,
            status=verdict.status,
            severity=verdict.severity or self.severity,
            confidence=verdict.confidence,
            impact=verdict.impact or self.impact,
            reason=verdict.reason,
            cause=verdict.cause,
            pbx_ids=verdict.pbx_ids,
            evidence=verdict.evidence,
            changes=verdict.changes,
            controls=self.controls,
        )


def check(
    *, title: str, severity: Severity, impact: Impact, control: tuple[str, ...], needs: tuple[str, ...]
) -> Callable[[Evaluate], Check]:
    """
    Make a check of a function.

    Args:
        title: The good state, as a claim of at most 150 characters.
        severity: How bad a failure is, where the verdict does not say otherwise.
        impact: What a failure costs, where the verdict does not say otherwise.
        control: Requirements it speaks to, as ``framework id``; only those read at their source.
        needs: Inputs that must be fresh, by their names in ``INPUTS``.
    """

    def made(evaluate: Evaluate) -> Check:
        return Check(
            id=evaluate.__name__,
            title=title,
            description=(evaluate.__doc__ or "").strip(),
            severity=severity,
            impact=impact,
            controls=control,
            needs=needs,
            evaluate=evaluate,
        )

    return made


@cache
def discover() -> tuple[Check, ...]:
    """Return every check, by name: adding one is adding its file."""
    names = sorted(module.name for module in iter_modules(__path__) if not module.name.startswith("_"))
    return tuple(getattr(import_module(f"{__name__}.{name}"), name) for name in names)


def run(snapshot: Snapshot, checks: Sequence[Check] | None = None) -> list[Finding]:
    """
    Run checks against a snapshot.

    Args:
        snapshot: Read, never changed.
        checks: Every check there is, unless some are named.

    Returns:
        A finding for every subject of every check, worst first: failures, then what is unknown; outage
        before loss before hygiene within a severity.
    """
    impacts = [Impact.OUTAGE, Impact.LOSS, Impact.HYGIENE]
    found = [finding for one in (discover() if checks is None else checks) for finding in one.findings(snapshot)]
    return sorted(
        found,
        key=lambda f: (list(Status).index(f.status), f.severity.rank, impacts.index(f.impact), f.check, f.subject),
    )


def _not_fresh(needs: Iterable[str], snapshot: Snapshot) -> Verdict | None:
    """Return one unknown verdict that names every input too old or never read; ``None`` where all are fresh."""
    sentences, causes = [], set()
    for need in needs:
        freshness = snapshot.freshness.get(need, Freshness(None, 0))
        what, verb, cure = INPUTS[need]
        age = freshness.age(snapshot.taken_at)
        if age is Age.MISSING or freshness.as_of is None:
            causes.add(Cause.MISSING)
            sentences.append(f"{what} {verb.replace('last', 'never')}. {cure}")
        elif age is Age.STALE:
            causes.add(Cause.STALE)
            limit = humanize.naturaldelta(freshness.stale_after_s)
            sentences.append(f"{what} {verb} on {freshness.as_of:%Y-%m-%d at %H:%M} UTC, over {limit} ago. {cure}")
    if not sentences:
        return None
    cause = Cause.MISSING if Cause.MISSING in causes else Cause.STALE
    return unknown(ACCOUNT, reason=f"The account cannot be judged. {' '.join(sentences)}", cause=cause)
