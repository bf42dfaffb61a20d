"""A policy change stops calls by unauthorized callers but recovers no cost, so an operator must review the loss."""

from __future__ import annotations

from collections.abc import Iterator

from dashboard.checks.evidence import calls as call_evidence
from dashboard.checks.evidence import losses
from dashboard.checks.registry import ACCOUNT_SUBJECT, check, failed, passed, unknown
from dashboard.core.text import join
from dashboard.domain.findings import Cause, Confidence, Impact, Severity, Verdict
from dashboard.domain.snapshot import Snapshot


@check(
    title="Every past loss was reviewed",
    severity=Severity.HIGH,
    impact=Impact.LOSS,
    control=("CIS v8.1 8.11", "SOC 2 CC7.3", "NIST 800-53r5 AU-6"),
    deciding=("calls", "inventory"),
)
def past_loss_is_reviewed(snapshot: Snapshot) -> Iterator[Verdict]:
    """Somebody reviewed, by name, the calls that someone else placed before the policy for their source changed."""
    past_losses = losses.losses(snapshot)
    if not snapshot.versions:
        reason = "No policy of the account is on record, so a loss from before a change of it cannot be told."
        yield unknown(ACCOUNT_SUBJECT, reason=reason, cause=Cause.MISSING)
    elif not past_losses and (snapshot.judged_traffic["direction"] == "outbound").any():
        yield passed(ACCOUNT_SUBJECT, reason="No loss from before a change of the policy is on record for the account.")
    for loss in past_losses:
        yield _verdict(snapshot, loss)


def _verdict(snapshot: Snapshot, loss: losses.Loss) -> Verdict:
    reviews = losses.reviews_of(snapshot, loss.source_ip)
    review = next((candidate for candidate in reversed(reviews) if losses.covers(candidate, loss)), None)
    base = f"{loss.source_ip}: {loss.sentence}"
    if loss.pbx_ids:
        names = join((snapshot.name_of(pbx_id) for pbx_id in loss.pbx_ids), None, last="or")
        base += f"; only an X-Tag or a caller id said that it was {names}"
    evidence = (loss.evidence,)
    if review is not None and not loss.goes_on:
        reason = (
            f"{base}. Marked as reviewed by {review['reviewed_by']} on {call_evidence.moment(review['reviewed_at'])}."
        )
        return passed(loss.source_ip, reason=reason, confidence=Confidence.PROVEN, evidence=evidence)
    if loss.goes_on:
        status = "Its calls are still admitted, so a review has to wait until that is ended"
    elif reviews:
        last = reviews[-1]
        status = f"There are calls that {last['reviewed_by']} did not see when reviewing this on "
        status += call_evidence.moment(last["reviewed_at"])
    else:
        status = "The policy has changed since. Nobody marked this as reviewed yet"
    confidence = Confidence.INFERRED if loss.pbx_ids else Confidence.PROVEN
    return failed(loss.source_ip, reason=f"{base}. {status}.", confidence=confidence, evidence=evidence)
