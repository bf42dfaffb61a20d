"""Workloads: replay of a proposal with trunkgate, row by row in SQL, and vectorized in pandas, each in a process."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any

import duckdb
import pandas as pd

from dashboard.calls.replay.replayer import BROKEN, CANNOT, LABELS, SAVED, UNCHANGED, UNDECIDED, Replay, Replayer
from dashboard.calls.store.store import CallFilter, CallStore
from dashboard.domain.admission import Policy
from dashboard.domain.changes import ReplayImpact
from dashboard.schemas.tables import NOTHING, PROVES, REFUSAL
from dashboard.storage.database import State
from tests.bench.account import Account
from tests.bench.apart import timed
from tests.bench.homes import account_of, snapshot

REMOVED = 20
WARM = 20
SQL_TURNS = 5
PANDAS_TURNS = 3
DRILLS = 9
PAGE = 50
ROW_BY_ROW = """
WITH judged AS (
    SELECT
        call.duration_s,
        call.cost_usd,
        caller.dials,
        caller.holds,
        today.network IS NOT NULL AS listed,
        proposal.network IS NOT NULL AS listed_then,
        call.outcome = 'refused_auth' AS refused,
        call.outcome NOT IN ('answered', 'gave_up', 'busy_or_no_answer', 'refused_auth') AS unclear
    FROM read_parquet($calls) AS call
    LEFT JOIN callers AS caller ON caller.address = call.source_ip
    LEFT JOIN today ON today.network = call.source_ip
    LEFT JOIN proposal ON proposal.network = call.source_ip
    WHERE call.direction = 'outbound'
), ruled AS (
    SELECT
        *,
        (dials AND listed) OR ($credentials AND holds) AS expected,
        (dials AND listed_then) OR ($credentials_then AND holds) AS admitted_then
    FROM judged
), met AS (
    SELECT *, coalesce(expected, CASE WHEN NOT unclear THEN NOT refused END) AS admitted FROM ruled
)
SELECT
    CASE
        WHEN listed = listed_then AND $credentials = $credentials_then THEN 'unchanged'
        WHEN expected AND refused OR NOT expected AND NOT refused AND NOT unclear THEN 'cannot tell'
        WHEN admitted IS NULL OR admitted_then IS NULL THEN 'cannot tell'
        WHEN admitted = admitted_then THEN 'unchanged'
        WHEN admitted_then THEN 'saved'
        ELSE 'broken'
    END AS label,
    count(*) AS calls,
    sum(duration_s)::BIGINT / 60 AS minutes,
    sum(cost_usd)::VARCHAR AS cost_usd
FROM met
GROUP BY label
"""
"""
The rule of ``admission.admit`` where a digest rescues a prefix, as this account's carrier does.

The account's entries are single addresses, so the list is joined by equality, which is faster than by range.
"""

Found = tuple[float, Any]


class Watched(CallStore):
    """Store that records which parts a query read."""

    def parts(self, names: Iterable[str]) -> list[str]:
        """Return the paths of the parts and record their names."""
        self.opened = [*getattr(self, "opened", []), *(kept := list(names))]
        return super().parts(kept)


def ours(home: str, account: dict[str, Any]) -> Found:
    """Replay from the store's roll-up; also time preparation and drill-downs, and count errors against the truth."""
    made = account_of(account)
    store = Watched(Path(home))
    state = State.open(Path(home))
    with timed() as reading:
        known = snapshot(made, state, store)
    with timed() as making:
        replayer = Replayer(known)
    with timed() as first:
        replay = replayer.against(proposal(made))
        impact = replay.impact
    took = []
    for turn in range(WARM):
        other = proposal(made, skip=turn + 1)
        with timed() as again:
            answered = replayer.against(other).impact
        took.append(again.seconds)
        assert sum(count.calls for count in answered.labels.values())
    state.close()
    return median(took), {
        "labels": _of_four(impact),
        "decided": impact.decided,
        "snapshot_s": reading.seconds,
        "facts_s": making.seconds,
        "first_s": first.seconds,
        "segments": len(known.traffic),
        "keys": len(replayer.keys),
        "against_truth": _against_truth(made, replay),
        **_drill_downs(made, store, replay),
    }


def _of_four(impact: ReplayImpact) -> dict[str, list[Any]]:
    """Return calls, minutes and dollars by label, with all undecided labels merged as in the peers."""
    found: dict[str, list[Any]] = {}
    for label, counted in impact.labels.items():
        if counted.calls:
            name = CANNOT if label in UNDECIDED else label
            calls, minutes, cost = found.get(name, [0, 0.0, "0"])
            cost = str(Decimal(cost) + Decimal(counted.cost_usd))
            found[name] = [calls + counted.calls, minutes + counted.minutes, cost]
    return found


def row_by_row(home: str, account: dict[str, Any]) -> Found:
    """Label every call in DuckDB."""
    made = account_of(account)
    store = CallStore(Path(home))
    then = proposal(made)
    with duckdb.connect() as connection:
        connection.register("callers", _callers(made))
        connection.register("today", pd.DataFrame({"network": sorted(made.policy.networks)}))
        connection.register("proposal", pd.DataFrame({"network": sorted(then.networks)}))
        asked = {
            "calls": _parts(store),
            "credentials": made.policy.credentials_on,
            "credentials_then": then.credentials_on,
        }
        took = []
        for _ in range(SQL_TURNS):
            with timed() as again:
                rows = connection.execute(ROW_BY_ROW, asked).fetchall()
            took.append(again.seconds)
    return median(took), {"labels": {label: list(sums) for label, *sums in rows}}


def vectorized(home: str, account: dict[str, Any]) -> Found:
    """Label every call with pandas; the columns are loaded already."""
    made = account_of(account)
    store = CallStore(Path(home))
    then = proposal(made)
    callers = _callers(made).set_index("address")
    columns = ["direction", "source_ip", "outcome", "duration_s", "cost_usd"]
    calls = pd.concat(
        [pd.read_parquet(part, columns=columns).astype({"cost_usd": "float64"}) for part in _parts(store)],
        ignore_index=True,
    )
    took = []
    for _ in range(PANDAS_TURNS):
        with timed() as again:
            rows = _labeled(calls, callers, made.policy, then)
        took.append(again.seconds)
    return median(took), {"labels": rows}


def proposal(account: Account, *, skip: int = 0) -> Policy:
    """Return today's policy with credentials off and without twenty addresses; ``skip`` selects other addresses."""
    listed = sorted(account.callers.loc[account.callers["listed"], "address"])[skip : skip + REMOVED]
    return replace(account.policy, credentials_on=False, networks=account.policy.networks - set(listed))


def _labeled(calls: pd.DataFrame, callers: pd.DataFrame, today: Policy, then: Policy) -> dict[str, list[Any]]:
    out = calls[calls["direction"] == "outbound"]
    source = out["source_ip"]
    dials = source.map(callers["dials"])
    holds = source.map(callers["holds"])
    listed = source.isin(today.networks)
    listed_then = source.isin(then.networks)
    admitted = (dials & listed) | (bool(today.credentials_on) & holds)
    admitted_then = (dials & listed_then) | (bool(then.credentials_on) & holds)
    proves = out["outcome"].map(PROVES)
    refused = proves == REFUSAL
    unclear = proves == NOTHING
    same = (listed == listed_then) & (today.credentials_on == then.credentials_on)
    against = (admitted & refused) | (~admitted & ~refused & ~unclear)
    label = pd.Series(UNCHANGED, index=out.index).mask(admitted & ~admitted_then, BROKEN)
    label = label.mask(~admitted & admitted_then, SAVED).mask(against, CANNOT).mask(same, UNCHANGED)
    sums = out.groupby(label).agg(calls=("direction", "size"), seconds=("duration_s", "sum"), cost=("cost_usd", "sum"))
    return {
        str(name): [int(row["calls"]), float(row["seconds"]) / 60, str(row["cost"])] for name, row in sums.iterrows()
    }


def _against_truth(account: Account, replay: Replay) -> dict[str, int]:
    """Count calls whose label contradicts their true result."""
    pairs = zip(account.decisions(account.policy), account.decisions(proposal(account)), strict=True)
    labels = {(True, True): UNCHANGED, (False, False): UNCHANGED, (True, False): BROKEN, (False, True): SAVED}
    fates = [labels[bool(now.admitted), bool(then.admitted)] for now, then in pairs]
    rows = replay.rows
    truth = rows["source_ip"].map(dict(zip(account.callers["address"], fates, strict=True)))
    return {
        label: int(rows.loc[(rows["label"] == label) & (truth != label), "calls"].sum())
        for label in LABELS
        if label not in UNDECIDED
    }


def _drill_downs(account: Account, store: Watched, replay: Replay) -> dict[str, Any]:
    """Query the newest broken calls, and those of a day in the middle."""
    broken = replay.rows[replay.rows["label"] == BROKEN]
    middle = account.until - timedelta(days=account.days // 2)
    asked = {"newest": CallFilter(), "day": CallFilter(since=middle, until=middle + timedelta(days=1))}
    days = store.generations.current().days
    found: dict[str, Any] = {"parts": sum(len(day.calls) for day in days.values())}
    for name, where in asked.items():
        seconds, opened, calls = _drill(store, where, broken)
        # The days of the calls found, and later days on which there might have been some.
        seen = calls["started_at"].dt.date
        reach = {day for day in days if name == "newest" and day >= seen.min()} | {*seen}
        own = {name: {part for day in reach for part in days[day].calls}}
        found[name] = {
            "seconds": seconds,
            "opened": len(opened),
            "calls": len(calls),
            "strays": len(opened - own[name]),
        }
    return found


def _drill(store: Watched, where: CallFilter, broken: pd.DataFrame) -> tuple[float, set[str], pd.DataFrame]:
    took: list[float] = []
    ask: Callable[[], pd.DataFrame] = lambda: store.calls(where, among=broken, limit=PAGE)  # noqa: E731 - called twice
    for _ in range(DRILLS):
        store.opened = []
        with timed() as again:
            calls = ask()
        took.append(again.seconds)
    return median(took), set(store.opened), calls


def _callers(account: Account) -> pd.DataFrame:
    """Return what the inventory records for each address."""
    frames = account.frames()
    rows = frames["pbx_addresses"].merge(frames["pbxs"], on="pbx_id")
    return pd.DataFrame(
        {
            "address": rows["address"],
            "dials": rows["dials_prefix"] == "yes",
            "holds": rows["auth_method"] == "credentials",
        }
    )


def _parts(store: CallStore) -> list[str]:
    return store.parts(part for day in store.generations.current().days.values() for part in day.calls)
