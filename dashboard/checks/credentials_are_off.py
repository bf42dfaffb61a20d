"""While outbound SIP credentials are on, anyone who has them can place calls from any address at the account's cost."""

from __future__ import annotations

from collections.abc import Iterator

from dashboard.checks.evidence import ownership
from dashboard.checks.registry import ACCOUNT_SUBJECT, check, failed, passed, unknown
from dashboard.domain.changes import SetCredentials
from dashboard.domain.findings import Cause, Impact, Severity, Verdict
from dashboard.domain.snapshot import Snapshot


@check(
    title="Outbound SIP credentials are off",
    severity=Severity.HIGH,
    impact=Impact.LOSS,
    control=("CIS v8.1 5.5", "CIS v8.1 6.2", "SOC 2 CC6.1", "SOC 2 CC6.3", "NIST 800-53r5 AC-6"),
    deciding=("credentials", "inventory"),
    additional=("allowed_ips",),
)
def credentials_are_off(snapshot: Snapshot) -> Iterator[Verdict]:
    """Credentials are off, so that calls complete from listed addresses only, and no active PBX needs them."""
    if snapshot.account.credentials_on is None:
        reason = "Whether the account's credentials are on is not known. Confirm it on the page Account."
        yield unknown(ACCOUNT_SUBJECT, reason=reason, cause=Cause.MISSING)
    elif not snapshot.account.credentials_on:
        yield _off(snapshot)
    else:
        yield _on(snapshot)


def _off(snapshot: Snapshot) -> Verdict:
    need = ownership.needs_of_credentials(snapshot)
    cut_off = [pbx_id for pbx_id, reason_of_need in need.items() if reason_of_need in ownership.CANNOT_DO_WITHOUT]
    if not cut_off:
        return passed(
            ACCOUNT_SUBJECT, reason="The account's credentials are off: calls complete from listed addresses only."
        )
    explanation = "; ".join(f"{snapshot.name_of(pbx_id)} {need[pbx_id]}" for pbx_id in cut_off)
    reason = f"The account's credentials are off, and not every active PBX can call without them: {explanation}."
    return failed(
        ACCOUNT_SUBJECT, reason=reason, severity=Severity.MEDIUM, impact=Impact.OUTAGE, pbx_ids=tuple(cut_off)
    )


def _on(snapshot: Snapshot) -> Verdict:
    need = ownership.needs_of_credentials(snapshot)
    cannot = [pbx_id for pbx_id, reason_of_need in need.items() if reason_of_need in ownership.CANNOT_DO_WITHOUT]
    waiting = [pbx_id for pbx_id, reason_of_need in need.items() if reason_of_need in ownership.NOT_READY]
    explanation = "; ".join(f"{snapshot.name_of(pbx_id)} {need[pbx_id]}" for pbx_id in (*cannot, *waiting))
    reason = "The account's credentials are on, and "
    if cannot:
        reason += "not every active PBX can do without them"
    else:
        reason += "not every active PBX is ready" if waiting else "every active PBX could do without them"
    step = f" {ownership.before_switching_off(snapshot, need)}" if cannot else ""
    return failed(
        ACCOUNT_SUBJECT,
        reason=f"{reason}: {explanation}.{step}" if explanation else f"{reason}.",
        severity=Severity.MEDIUM if cannot else Severity.HIGH,
        pbx_ids=(*cannot, *waiting),
        evidence=tuple(
            {"PBX": snapshot.name_of(pbx_id), "finding": str(reason_of_need)} for pbx_id, reason_of_need in need.items()
        ),
        changes=() if cannot or waiting else (SetCredentials(enabled=False),),
    )
