"""
Check registry: discovery and execution of checks. Each check is one module, named for the good state.

A check is a pure function of a Snapshot that yields a verdict for every subject. Missing data is never a pass:
a stale or missing deciding input, a check that raises an error and a check with nothing to examine each produce
unknown findings. A stale deciding input produces one per subject, with the last known verdict; a missing one
produces one for the account. Missing additional inputs lower the confidence. Stale ones add evidence and severity; a
verdict that only they would decide is out of date: unknown, with the last known verdict.
``evidence`` contains code that several checks share.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache, partial
from typing import Any

import humanize

from dashboard.core.plugins import modules_of
from dashboard.core.text import join
from dashboard.domain.claims import cure, explain_future_time
from dashboard.domain.findings import Cause, Confidence, Finding, Impact, LastKnown, Severity, Status, Verdict
from dashboard.domain.snapshot import Age, Freshness, Snapshot
from dashboard.schemas.tables import OUTCOME_LABELS

ACCOUNT_SUBJECT = "account"
"""Subject of findings that concern the whole account."""

INPUTS = {
    "calls": ("The calls", "were last fetched"),
    "allowed_ips": ("The list of Outbound Allowed IPs", "was last read"),
    "credentials": ("The state of the SIP credentials", "was last read"),
    "routes": ("The numbers and inbound routes", "were last read"),
    "inventory": ("The inventory of PBXs", "was last confirmed"),
    "configurations": ("The configuration of PBXs", "was last read"),
}
"""Subject and verb of a sentence about the age of each input of checks; ``claims.cure`` returns the remedy."""

logger = logging.getLogger(__name__)

Evaluate = Callable[[Snapshot], Iterable[Verdict]]

passed = partial(Verdict, status=Status.PASS)
"""Create a passing verdict: ``passed(subject, reason=...)``."""
failed = partial(Verdict, status=Status.FAIL)
"""Create a failing verdict: ``failed(subject, reason=..., changes=...)``."""
unknown = partial(Verdict, status=Status.UNKNOWN, confidence=Confidence.CANNOT_TELL, cause=Cause.UNDECIDABLE)
"""Create an undecided verdict: ``unknown(subject, reason=...)``."""


@dataclass(frozen=True)
class Check:
    """A check and its metadata. ``id`` is the name of its file and of its function."""

    id: str
    title: str
    description: str
    severity: Severity
    impact: Impact
    controls: tuple[str, ...]
    deciding: tuple[str, ...]
    additional: tuple[str, ...]
    evaluate: Evaluate

    def findings(self, snapshot: Snapshot) -> list[Finding]:
        """Return the worst finding of each subject; one unknown finding for the account if evaluation is impossible."""
        verdicts = self._verdicts(snapshot)
        by_subject = {verdict.subject: verdict for verdict in sorted(verdicts, key=self._rank, reverse=True)}
        return [self._stamp(verdict) for verdict in by_subject.values()]

    def _verdicts(self, snapshot: Snapshot) -> list[Verdict]:
        missing = [name for name in self.deciding if snapshot.age(name) is Age.MISSING]
        if missing:
            old = [name for name in self.deciding if snapshot.age(name) is Age.STALE]
            explanation = _explain_gaps(snapshot, [*missing, *old])
            reason = f"The account cannot be evaluated. {explanation}"
            return [unknown(ACCOUNT_SUBJECT, reason=reason, cause=Cause.MISSING, lacking=(*missing, *old))]
        stale = [name for name in self.deciding if snapshot.age(name) is Age.STALE]
        if not stale:
            return self._with_available_inputs(snapshot)
        return [_out_of_date(verdict, snapshot, stale) for verdict in self._with_available_inputs(snapshot)]

    def _with_available_inputs(self, snapshot: Snapshot) -> list[Verdict]:
        """
        Evaluate the check with the additional inputs that are available.

        A stale additional input adds severity, evidence and text, but never decides: each subject is also evaluated
        without it. If a subject is unknown without the input, or not a subject at all, the input did decide, so the
        verdict is out of date. If stale data make a pass unknown, it stays unknown.
        """
        lacking = [name for name in self.additional if snapshot.age(name) is not Age.FRESH]
        if not lacking:
            return self._evaluated(snapshot)
        stale = [name for name in lacking if snapshot.age(name) is Age.STALE]
        sure = self._evaluated(snapshot.without(lacking))
        with_stale = {
            verdict.subject: verdict for verdict in self._evaluated(snapshot.without(set(lacking) - set(stale)))
        }
        verdicts = []
        for verdict in sure:
            old = with_stale.get(verdict.subject, verdict) if stale else verdict
            if verdict.status is Status.UNKNOWN and old.status is not Status.UNKNOWN:
                verdicts.append(_out_of_date(old, snapshot, stale))
            else:
                doubted = verdict.status is Status.PASS and old.status is Status.UNKNOWN
                verdicts.append(
                    _lowered(old if doubted or old.status is verdict.status else verdict, snapshot, lacking)
                )
        only_stale = with_stale.keys() - {verdict.subject for verdict in sure} if stale else set()
        return [*verdicts, *(_out_of_date(with_stale[subject], snapshot, stale) for subject in sorted(only_stale))]

    def _evaluated(self, snapshot: Snapshot) -> list[Verdict]:
        try:
            verdicts = list(self.evaluate(snapshot))
        except Exception as exc:  # an error in one check must not hide the findings of the others
            logger.exception("Check %s stopped.", self.id)
            reason = f"The check {self.id} stopped on an error of its own ({type(exc).__name__}); nothing was decided."
            return [unknown(ACCOUNT_SUBJECT, reason=reason, cause=Cause.CRASHED)]
        if not verdicts:
            expected = f"{self.description[0].lower()}{self.description[1:]}"
            reason = f"Nothing to examine, so this check is undecided: {expected}"
            return [unknown(ACCOUNT_SUBJECT, reason=reason, cause=Cause.MISSING)]
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
            deciding=self.deciding,
            pbx_ids=verdict.pbx_ids,
            evidence=verdict.evidence,
            changes=verdict.changes,
            controls=self.controls,
            last_known=verdict.last_known,
            without=verdict.without,
            lacking=verdict.lacking,
        )


def check(
    *,
    title: str,
    severity: Severity,
    impact: Impact,
    control: tuple[str, ...],
    deciding: tuple[str, ...],
    additional: tuple[str, ...] = (),
) -> Callable[[Evaluate], Check]:
    """
    Decorate a function as a check.

    Args:
        title: The good state, as a claim of at most 150 characters.
        severity: Severity of a failure, unless the verdict sets another.
        impact: Impact of a failure, unless the verdict sets another.
        control: Requirements that the check covers, as ``framework id``; only those verified at their source.
        deciding: Inputs that decide pass or fail, by their names in ``INPUTS``. They must be fresh.
        additional: Inputs that add severity, evidence and confidence. Without them the verdict is the same.
    """

    def decorate(evaluate: Evaluate) -> Check:
        return Check(
            id=evaluate.__name__,
            title=title,
            description=(evaluate.__doc__ or "").strip(),
            severity=severity,
            impact=impact,
            controls=control,
            deciding=deciding,
            additional=additional,
            evaluate=evaluate,
        )

    return decorate


@cache
def discover() -> tuple[Check, ...]:
    """Import and return all checks, sorted by name; to add a check, add its module."""
    modules = modules_of(__name__.rpartition(".")[0], without={"registry"})
    return tuple(getattr(module, module.__name__.rpartition(".")[2]) for module in modules)


def run(snapshot: Snapshot, checks: Sequence[Check] | None = None) -> list[Finding]:
    """
    Run checks against a snapshot.

    Args:
        snapshot: Snapshot to evaluate; it is not modified.
        checks: Checks to run; all by default.

    Returns:
        A finding for every subject of every check, sorted by ``rank``, worst first: failures and last known failures,
        then unknown findings, then passes.
    """
    findings = [
        finding
        for registered in (discover() if checks is None else checks)
        for finding in registered.findings(snapshot)
    ]
    return sorted(findings, key=rank)


def rank(finding: Finding) -> tuple[int, int, bool, bool, float, int, float, str, str]:
    """
    Return the sort key of a finding, worst first, for all lists of findings; a last known failure ranks as a failure.

    Order within a status and a severity: outages with calls rejected in the last 24 hours on record; losses by
    unassigned callers in those hours, costliest first; then outage, loss, hygiene, and within losses the costliest
    first.
    """
    recent = [row for row in finding.evidence if row.get("calls in 24 h")]
    loss = finding.impact is Impact.LOSS
    rejected = {OUTCOME_LABELS[outcome] for outcome in ("refused_auth", "refused_unknown")}
    refused = finding.impact is Impact.OUTAGE and any(row.get("outcome") in rejected for row in recent)
    stranger = bool(recent and loss and not finding.pbx_ids)
    impacts = (Impact.OUTAGE, Impact.LOSS, Impact.HYGIENE)
    return (
        list(Status).index(Status.FAIL if finding.open else finding.status),
        finding.severity.rank,
        not refused,
        not stranger,
        -_dollars(recent, "cost in 24 h (USD)") if stranger else 0.0,
        impacts.index(finding.impact),
        -_dollars(finding.evidence, "cost (USD)") if loss else 0.0,
        finding.check,
        finding.subject,
    )


def _dollars(evidence: Iterable[Mapping[str, Any]], name: str) -> float:
    """Return the sum of a USD column of evidence; rows without a value are ignored."""
    return float(sum(Decimal(str(row[name])) for row in evidence if row.get(name) is not None))


def _out_of_date(verdict: Verdict, snapshot: Snapshot, stale: Sequence[str]) -> Verdict:
    """
    Return a verdict based on stale inputs as unknown, with the original as the last known verdict.

    A verdict that is already out of date keeps its last known verdict; the stale inputs are added to those it lacks.
    """
    if verdict.cause is Cause.CRASHED:
        return verdict
    as_of = min(at for name in stale if (at := snapshot.freshness[name].as_of) is not None)
    last_known = verdict.last_known or LastKnown(verdict.status, as_of, verdict.reason, verdict.changes)
    lacking = tuple(dict.fromkeys((*verdict.lacking, *stale)))
    word = {Status.FAIL: "Last known: ", Status.PASS: "Last known, now unconfirmed: "}.get(last_known.status, "")
    return replace(
        verdict,
        status=Status.UNKNOWN,
        confidence=Confidence.CANNOT_TELL,
        cause=Cause.STALE,
        reason=f"{word}{last_known.reason} {_explain_gaps(snapshot, lacking)}",
        changes=(),
        last_known=replace(last_known, as_of=min(last_known.as_of, as_of)),
        lacking=lacking,
    )


def _lowered(verdict: Verdict, snapshot: Snapshot, lacking: Sequence[str]) -> Verdict:
    """Return a verdict without some additional inputs: at most inferred; a decided one names them in its reason."""
    if verdict.cause is Cause.CRASHED:
        return verdict
    if verdict.status is Status.UNKNOWN:
        return replace(verdict, without=tuple(lacking))
    confidence = Confidence.INFERRED if verdict.confidence is Confidence.PROVEN else verdict.confidence
    words = {name: f"{INPUTS[name][0][0].lower()}{INPUTS[name][0][1:]}" for name in lacking}
    never_read = [words[name] for name in lacking if snapshot.age(name) is Age.MISSING]
    old = [words[name] for name in lacking if snapshot.age(name) is Age.STALE]
    gaps = [
        f"{join(never_read, None)}, never read" if never_read else "",
        f"{join(old, None)}, out of date" if old else "",
    ]
    reason = f"{verdict.reason} Decided without {'; '.join(filter(None, gaps))}."
    return replace(verdict, confidence=confidence, reason=reason, without=tuple(lacking))


def _explain_gaps(snapshot: Snapshot, names: Iterable[str]) -> str:
    """Return a sentence with a remedy for each input that is missing or stale."""
    return " ".join(explain_gap(snapshot, name) for name in names)


def explain_gap(snapshot: Snapshot, name: str) -> str:
    """Return a sentence that an input is missing or stale, since when, and the remedy."""
    freshness = snapshot.freshness.get(name, Freshness(None, 0))
    label, verb = INPUTS[name]
    if freshness.as_of is None:
        return f"{label} {verb.replace('last', 'never')}. {cure(snapshot, name)}"
    limit = humanize.naturaldelta(freshness.stale_after_s)
    to_come = freshness.to_come(snapshot.taken_at)
    time_note = f"which is in the future: {explain_future_time(snapshot, name)}" if to_come else f"over {limit} ago"
    return f"{label} {verb} on {freshness.as_of:%Y-%m-%d at %H:%M} UTC, {time_note}. {cure(snapshot, name)}"
