"""A listed address that is no PBX's lets whoever holds it place calls at the account's cost."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from dashboard.addresses import is_network
from dashboard.checks import _evidence as ev
from dashboard.checks import _inventory as inv
from dashboard.checks import check, failed, passed, unknown
from dashboard.findings import Confidence, Impact, Severity, Verdict
from dashboard.snapshot import Snapshot


@check(
    title="Every allowed address belongs to a PBX in use",
    severity=Severity.MEDIUM,
    impact=Impact.LOSS,
    control=("CIS v8.1 5.5", "CIS v8.1 6.2", "SOC 2 CC6.2", "SOC 2 CC6.3", "ISO 27001:2022 A.5.18", "PCI DSS v4 7.2.4"),
    needs=("allowed_ips", "inventory", "calls"),
)
def allowed_ip_has_pbx(snapshot: Snapshot) -> Iterator[Verdict]:
    """Every entry of the list covers the current address of a PBX that is not retired."""
    calls, current = ev.Calls(snapshot), inv.current(snapshot)
    for _, entry in snapshot.allowed_ips.iterrows():
        network = str(entry["network"])
        owners = inv.ids(inv.within(current, network))
        if not is_network(network):
            yield unknown(network, reason=f"The entry {network!r} is no address, so whose it is cannot be told.")
        elif owners:
            who = ev.named(snapshot, owners, network)
            yield passed(network, reason=f"{who} is in the inventory.", pbx_ids=owners)
        else:
            yield _nobodys(snapshot, entry, network, calls.of(network))


def _nobodys(snapshot: Snapshot, entry: pd.Series, network: str, calls: pd.DataFrame) -> Verdict:
    """Judge an entry without an owner by the calls that came from it since it has none."""
    past = inv.ever(snapshot, network)
    calls = calls[calls["orphaned"]]
    used = ev.admitted(snapshot, calls)
    reason = f"{ev.named(snapshot, inv.ids(past)[:1], network)} {inv.became(snapshot, past)}"
    reason += f", and calls from it were admitted: {ev.over_time(used)}." if len(used) else "."
    return failed(
        network,
        reason=reason,
        severity=Severity.HIGH if len(used) else None,
        confidence=Confidence.PROVEN if len(used) else Confidence.INFERRED,
        pbx_ids=inv.ids(past)[:1],
        evidence=ev.summary(calls),
        changes=(inv.remove(entry),),
    )
