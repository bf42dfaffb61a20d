"""Replay on the sample account's own calls, compared with the generator's facts of every caller."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pandas as pd
import pytest

from dashboard import schemas
from dashboard.calls.attribution import attribute
from dashboard.calls.replay.replayer import CANNOT, MAY_BREAK, MAY_SAVE, UNDECIDED, Replayer
from dashboard.domain.admission import Observations, Policy, PolicyVersion
from dashboard.domain.snapshot import Account, Freshness, Snapshot
from dashboard.emulator.database import CALL_COLUMNS
from dashboard.emulator.traffic.sample import Caller, Sample, load
from dashboard.emulator.traffic.traffic import decide, history
from dashboard.sip.call_outcomes import outcome
from tests.builders import frame

END = datetime(2026, 11, 23, 2, tzinfo=UTC)
START = END - timedelta(days=30)
MIDDLE = END - timedelta(days=14)
CALLS = 20_000
LEAST_DECIDED, LEAST_UNOBSERVED = 0.95, 0.90
"""Least shares of decided calls, with and without observation of what the carrier does not document."""
DENVER = "198.51.100.24"
ATLANTA = "198.51.100.40"
PHOENIX = "198.51.100.60"
INTRUDER = "203.0.113.66"
OLD_DENVER = "198.51.100.23"
"""Address that its PBX leaves in the middle of the period."""
ACCOUNT = load(END, ["theft"])
"""All stories except the one with its own allow list; the inventory is complete."""

BEFORE = Policy(frozenset({"198.51.100.11", "198.51.100.12", "198.51.100.23", ATLANTA}), True, ACCOUNT.tech_prefix)
TODAY = Policy(
    frozenset(row["network"] for row in ACCOUNT.allowed_ips), ACCOUNT.credentials_enabled, ACCOUNT.tech_prefix
)


def proposals() -> dict[str, Policy]:
    """Return proposed policies by their difference from today's."""
    listed = TODAY.networks
    made = dict[str, Policy]()
    for network in sorted(listed):
        made[f"remove {network}"] = replace(TODAY, networks=listed - {network})
    made["allow Denver"] = replace(TODAY, networks=listed | {DENVER})
    made["allow Atlanta"] = replace(TODAY, networks=listed | {ATLANTA})
    made["allow both"] = replace(TODAY, networks=listed | {DENVER, ATLANTA})
    made["credentials off"] = replace(TODAY, credentials_on=False)
    made["allow both, credentials off"] = replace(made["allow both"], credentials_on=False)
    made["nobody listed"] = replace(TODAY, networks=frozenset())
    made["the list as it was before"] = BEFORE
    return made


@cache
def replayer(*, rescues: bool, observed: bool) -> Replayer:
    """Return the replayer of the account's thirty days, in the middle of which the allow list changes."""
    carrier = Observations(digest_rescues_prefix=rescues, no_path_status=403)
    earlier = [{"network": network} for network in sorted(BEFORE.networks)]
    rows = [
        *made(replace(ACCOUNT, allowed_ips=earlier), START, MIDDLE, carrier),
        *made(ACCOUNT, MIDDLE, END, carrier),
    ]
    names = ("pbxs", "pbx_addresses", "pbx_numbers")
    inventory = {name: frame(schemas.FRAMES[name], getattr(ACCOUNT, name)) for name in names}
    snapshot = Snapshot(
        taken_at=END,
        account=Account(ACCOUNT.tech_prefix, ACCOUNT.credentials_enabled, sample=True),
        allowed_ips=frame(schemas.ALLOWED_IPS, ACCOUNT.allowed_ips),
        traffic=attribute(frame(schemas.TRAFFIC, rows), **inventory),
        since=START,
        versions=(PolicyVersion(BEFORE, START - timedelta(days=15)), PolicyVersion(TODAY, MIDDLE)),
        observed=carrier if observed else Observations(),
        freshness={"inventory": Freshness(END, 3600)},
        **inventory,
    )
    return Replayer(snapshot)


def made(account: Sample, start: datetime, end: datetime, carrier: Observations) -> list[dict[str, Any]]:
    """Return the calls that the emulator generates in [start, end), each as a row of the roll-up."""
    some = history(account, start=start, end=end, calls=CALLS // 2, seed=7, observations=carrier, refusals_in_cdrs=True)
    return [as_row(dict(zip(CALL_COLUMNS, call, strict=True))) for call in some]


def as_row(call: dict[str, Any]) -> dict[str, Any]:
    """Return a call of the emulator as a row of the roll-up."""
    at = pd.Timestamp(call["start_time"])
    direction = call["direction"].lower()
    return {
        "hour_at": at.floor("h"),
        "direction": direction,
        "source_ip": call["customer_ip"].split(":")[0],
        "x_tag": call["custom_x_tag"],
        "number": call["callerid"].strip("+") if direction == "outbound" else call["destination"],
        "outcome": outcome(call["result"], call["call_fail_sip_code"], call["call_fail_reason"]),
        "sip_status": call["call_fail_sip_code"],
        "zone": call["destination_name"],
        "calls": 1,
        "duration_s": call["duration"],
        "billed_s": call["billed_duration"],
        "cost_usd": call["total_cost"],
        "first_at": at,
        "last_at": at,
    }


def callers_at(address: str) -> list[Caller]:
    """Return the callers at an address; a shared address has two."""
    return [one for one in ACCOUNT.callers if one.inbound_share < 1 and address in {a.address for a in one.addresses}]


@cache
def admitted(address: str, policy: Policy, *, rescues: bool) -> bool | None:
    """Return the admission of a caller with every fact known; callers that share an address are alike."""
    carrier = Observations(digest_rescues_prefix=rescues, no_path_status=403)
    (answer,) = {decide(caller, address, ACCOUNT, policy, carrier).admitted for caller in callers_at(address)}
    return answer


@pytest.mark.parametrize("observed", [True, False], ids=["observed", "not observed"])
@pytest.mark.parametrize("rescues", [True, False], ids=["digest rescues", "digest does not"])
def test_nearly_all_calls_are_decided_and_none_wrongly(
    capsys: pytest.CaptureFixture[str], *, rescues: bool, observed: bool
) -> None:
    """
    Every decided call agrees with the generator; the share decided of each proposal is printed.

    At least 95 in 100 are decided. If it was not observed whether a digest rescues a call with a prefix, calls of the
    affected PBX stay undecided.
    """
    lines = []
    for name, proposal in proposals().items():
        answer = replayer(rescues=rescues, observed=observed).against(proposal)
        for row in answer.rows[["source_ip", "pbx_id", "label"]].drop_duplicates().itertuples():
            now, then = (admitted(row.source_ip, policy, rescues=rescues) for policy in (TODAY, proposal))
            lost = "stopped" if not row.pbx_id else "cannot recur" if row.source_ip == OLD_DENVER else "broken"
            truth = "unchanged" if now == then else "saved" if then else lost
            open_ones = {"unchanged": UNDECIDED, "saved": (CANNOT, MAY_SAVE)}.get(truth, (CANNOT, MAY_BREAK))
            assert row.label in (truth, *open_ones), (name, row)
        counts = ", ".join(
            f"{counted.calls:,} {label}" for label, counted in answer.impact.labels.items() if counted.calls
        )
        lines.append(f"{name:<28} {answer.impact.decided:7.2%} decided: {counts}")
        assert answer.impact.decided >= (LEAST_DECIDED if observed else LEAST_UNOBSERVED), lines[-1]
    with capsys.disabled():
        print(f"\nReplay of the sample account, rescues={rescues}, observed={observed}", *lines, sep="\n  ")  # noqa: T201 - the coverage is part of the test's output


@pytest.mark.parametrize("rescues", [True, False])
def test_past_calls_were_authorized_as_the_generator_authorized_them(*, rescues: bool) -> None:
    """Calls are authorized by the allow list of their own time, before and after it changed."""
    rows = replayer(rescues=rescues, observed=True).authorized()
    rows = rows.assign(policy=[BEFORE if at < MIDDLE else TODAY for at in rows["first_at"]])

    for address, policy, said in {*zip(rows["source_ip"], rows["policy"], rows["authorized"], strict=True)}:
        truth = "yes" if admitted(address, policy, rescues=rescues) else "no"
        assert said in (truth, "cannot tell"), address
    assert (rows["authorized"] != "cannot tell").mean() >= LEAST_DECIDED
    assert {"no"} == set(rows.loc[(rows["source_ip"] == PHOENIX) & (rows["first_at"] < MIDDLE), "authorized"])
