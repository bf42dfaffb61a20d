"""The synthetic account of the benchmarks, imported, cut into segments and replayed, agrees with its generator."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from dashboard.calls.attribution import attribute
from dashboard.calls.ingest.importer import import_files
from dashboard.calls.replay.replayer import BROKEN, SAVED, UNCHANGED, UNDECIDED, replay
from dashboard.calls.store.store import CallStore
from dashboard.domain.admission import Policy, PolicyVersion
from dashboard.domain.snapshot import Account as Profile
from dashboard.domain.snapshot import Snapshot
from tests.bench.account import OBSERVED, PREFIX, Account

pytestmark = pytest.mark.xdist_group("bench-account")  # the account is generated and imported once

CALLS = 20_000
DECIDED = 0.95


@pytest.fixture(scope="module")
def account() -> Account:
    """Return an account with an allow list of 2,000 entries."""
    return Account(days=14)


@pytest.fixture(scope="module")
def snapshot(account: Account, tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """Return a snapshot of the account with the calls of its exports."""
    folder = tmp_path_factory.mktemp("account")
    store = CallStore(folder / "home")
    results = import_files(store, account.write(folder / "exports", CALLS, files=3, packed=True))
    assert [result.error for result in results] == [""] * 3
    assert sum(result.kept for result in results) == CALLS
    frames = account.frames()
    changed = account.until - timedelta(days=5, seconds=-7)
    owners = {name: frames[name] for name in ("pbxs", "pbx_addresses", "pbx_numbers")}
    return Snapshot(
        taken_at=account.until,
        account=Profile(PREFIX, credentials_on=True),
        **frames,
        traffic=attribute(store.traffic(since=account.since, split_at=[changed], step="segment"), **owners),
        since=account.since,
        window_start=account.since,
        split_at=(changed,),
        versions=(PolicyVersion(account.policy, account.since - timedelta(days=1)),),
        observed=OBSERVED,
    )


def proposals(account: Account) -> dict[str, Policy]:
    """Return changes that an operator might consider."""
    policy = account.policy
    listed, others = (account.callers.loc[account.callers["listed"] == flag, "address"] for flag in (True, False))
    return {
        "nothing": policy,
        "credentials off": replace(policy, credentials_on=False),
        "twenty addresses removed": replace(policy, networks=policy.networks - set(listed.iloc[:20])),
        "every address allowed": replace(policy, networks=policy.networks | set(others)),
        "an empty list": replace(policy, networks=frozenset()),
    }


@pytest.mark.parametrize(
    "name", ["nothing", "credentials off", "twenty addresses removed", "every address allowed", "an empty list"]
)
def test_replay_decides_most_calls_and_mislabels_none(
    account: Account, snapshot: Snapshot, name: str, record_property: pytest.RecordProperty
) -> None:
    """At least 95 % of the calls are decided, and no call is wrongly labeled broken or saved."""
    proposal = proposals(account)[name]
    pairs = zip(account.decisions(account.policy), account.decisions(proposal), strict=True)
    labels = {(True, True): UNCHANGED, (False, False): UNCHANGED, (True, False): BROKEN, (False, True): SAVED}
    truth = dict(
        zip(account.callers["address"], (labels[bool(a.admitted), bool(b.admitted)] for a, b in pairs), strict=True)
    )
    answer = replay(snapshot, proposal)
    rows = answer.rows.assign(truth=answer.rows["source_ip"].map(truth))
    told = rows[rows["label"].isin([BROKEN, SAVED])]
    record_property("decided", answer.impact.decided)

    assert list(told["label"]) == list(told["truth"])
    assert answer.impact.decided >= DECIDED
    decided = rows[~rows["label"].isin(UNDECIDED)]
    assert int((decided["label"] != decided["truth"]).to_numpy().sum()) == 0


def test_cost_of_traffic_equals_cost_in_export_files(account: Account, snapshot: Snapshot) -> None:
    """The cost of the traffic equals the sum in the export files, to the last digit."""
    written = sum(
        (
            Decimal(str(cost)).quantize(Decimal("0.00000001"))
            for day in range(account.days)
            for cost in account.day(day, CALLS * (day + 1) // account.days - CALLS * day // account.days)
            .column("total_cost")
            .to_pylist()
        ),
        Decimal(0),
    )

    assert written == snapshot.traffic["cost_usd"].sum()
