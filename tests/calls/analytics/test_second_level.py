"""The second level of the roll-up: every figure equals the same one counted from single calls."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard import schemas
from dashboard.calls.analytics.cube import ALL, CARRIER, IMPORTED, Cube, CubePart, build_cube, cube_of, sip_status_label
from dashboard.calls.attribution import attribute
from dashboard.calls.confirmed_callers import counted_callers
from dashboard.calls.ingest.importer import import_files
from dashboard.calls.replay.policy_evaluator import version_index
from dashboard.calls.store.repair import set_own_numbers
from dashboard.calls.store.store import CallFilter, CallStore
from dashboard.domain.admission import Policy, PolicyVersion
from dashboard.domain.snapshot import Account, Snapshot
from dashboard.schemas.tables import FILE_ONLY
from tests.builders import frame, pbx
from tests.calls.exports import NOON, a_row, as_csv, at
from tests.examples import times

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
OFFICE, BRANCH, STRANGER = "14255550111", "14255550112", "13035550100"
OLD, NEW, ELSEWHERE = "198.51.100.11", "203.0.113.7", "192.0.2.66"
MOVED = NOON + timedelta(minutes=30)
"""When Denver left its old address and the policy changed."""
INVENTORY = {
    "pbxs": frame(
        schemas.PBXS,
        [pbx("denver", name="Denver", x_tag="denver"), pbx("reno", ip_kind="dynamic", x_tag="reno"), pbx("boise")],
    ),
    "pbx_addresses": frame(
        schemas.PBX_ADDRESSES,
        [
            {"pbx_id": "denver", "address": OLD, "valid_to": MOVED},
            {"pbx_id": "denver", "address": NEW, "valid_from": MOVED},
            {"pbx_id": "boise", "address": NEW},
        ],
    ),
    "pbx_numbers": frame(
        schemas.PBX_NUMBERS, [{"pbx_id": "boise", "number": OFFICE}, {"pbx_id": "reno", "number": BRANCH}]
    ),
}
ENDINGS = (
    {},
    {"result": "failed", "call_fail_sip_code": "403", "call_fail_reason": "Tech Prefix and IP not in ACL - x"},
    {"result": "failed", "call_fail_sip_code": "503", "call_fail_reason": "Service Unavailable"},
)
SUMS = ["calls", "short_calls", "duration_s", "cost_usd"]
GROUPED = ["who", "confirmed", "attributed_by", "direction", "origin", "policy", "outcome", "code", "zone"]

made_calls = st.lists(
    st.builds(
        lambda ending, **columns: a_row(**(columns | ending)),
        st.sampled_from(ENDINGS),
        start_time=st.sampled_from([-30 * 3600, -1, 0, 1, 1799, 1800, 1801, 3600, 7200, 26 * 3600]).map(
            lambda seconds: at(NOON + timedelta(seconds=seconds))
        ),
        direction=st.sampled_from(["Outbound", "Outbound", "Inbound"]),
        destination=st.sampled_from([OFFICE, BRANCH, "12065550100"]),
        customer_ip=st.sampled_from([f"{address}:5060" for address in (OLD, NEW, ELSEWHERE)]),
        custom_x_tag=st.sampled_from(["denver", "reno", "unknown", "", ""]),
        callerid=st.sampled_from([OFFICE, BRANCH, STRANGER, "anonymous"]),
        destination_name=st.sampled_from(["UNITED STATES", "CANADA", ""]),
        duration=st.sampled_from(["3", "60"]),
        total_cost=st.sampled_from(["0.00980000", "2.50000001", "9999.12345678"]),
    ),
    max_size=25,
)


def snapshot_of(since: datetime) -> Snapshot:
    """Return a snapshot without calls, with a policy and an address that changed within an hour."""
    policy = Policy(frozenset([OLD]), credentials_on=True, tech_prefix="12345678")
    return Snapshot(
        taken_at=NOON + 2 * DAY,
        account=Account("12345678", credentials_on=True),
        **INVENTORY,
        since=since,
        window_start=since,
        split_at=(MOVED, NOON + DAY),
        versions=(PolicyVersion(policy, NOON - DAY), PolicyVersion(replace(policy, networks=frozenset([NEW])), MOVED)),
    )


def single_calls(store: CallStore, snapshot: Snapshot) -> pd.DataFrame:
    """Return each call of the snapshot's window with the dimensions of the second level, computed for it alone."""
    parts = []
    for file_only in (False, True):
        calls = store.calls(CallFilter(since=snapshot.since, file_only=file_only), limit=1_000)
        calls = attribute(calls, **INVENTORY).assign(first_at=lambda rows: rows["started_at"])
        callers = counted_callers(snapshot, calls.rename(columns={"started_at": "at"}))
        versions = version_index(calls["first_at"], snapshot.versions)
        parts.append(
            calls.assign(
                who=callers["who"],
                confirmed=callers["confirmed"].map({True: "yes", False: "no"}).astype("str"),
                origin=IMPORTED if file_only else CARRIER,
                policy=[snapshot.versions[one].valid_from.isoformat() if one >= 0 else "" for one in versions],
                code=[
                    sip_status_label(None if pd.isna(status) else int(status), reason)
                    for status, reason in zip(calls["sip_status"], calls["sip_reason"], strict=True)
                ],
                zone=calls["destination_name"],
                at=calls["started_at"].dt.floor("h"),
                calls=1,
                short_calls=((calls["outcome"] == "answered") & (calls["duration_s"] < 6)).astype("int64"),
            )
        )
    return pd.concat(parts, ignore_index=True)


def counted(calls: pd.DataFrame, names: Sequence[str]) -> dict[tuple[Any, ...], list[Any]]:
    """Return the exact sums of calls by some columns."""
    sums: dict[tuple[Any, ...], list[Any]] = {}
    for call in calls.to_dict("records"):
        total = sums.setdefault(tuple(call[name] for name in names), [0, 0, 0, Decimal(0)])
        for position, name in enumerate(SUMS):
            total[position] += call[name] if name == "cost_usd" else int(call[name])
    return sums


def summed(rows: pd.DataFrame, names: Sequence[str]) -> dict[tuple[Any, ...], list[Any]]:
    """Return the sums of the second level in the form of ``counted``."""
    return {tuple(row[name] for name in names): [row[name] for name in SUMS] for row in rows.to_dict("records")}


def selections(calls: pd.DataFrame) -> list[CubePart]:
    """Return selections by each value of each dimension, by time, and by direction and origin together."""
    by_value = [
        CubePart(**{"direction": "", "origin": "", name: value})
        for name in GROUPED
        for value in calls[name].unique()
        if value
    ]
    kinds = product(["outbound", "inbound", ""], [CARRIER, IMPORTED, ""])
    by_kind = [CubePart(NOON, NOON + 2 * HOUR, direction=direction, origin=origin) for direction, origin in kinds]
    return [ALL, CubePart(since=NOON + HOUR), *by_value, *by_kind]


def chosen(calls: pd.DataFrame, part: CubePart) -> pd.DataFrame:
    """Return the calls of a selection."""
    for name in GROUPED:
        if value := getattr(part, name):
            calls = calls[calls[name] == value]
    calls = calls if part.since is None else calls[calls["at"] >= part.since]
    return calls if part.until is None else calls[calls["at"] < part.until]


def assert_equals_calls(cube: Cube, calls: pd.DataFrame) -> None:
    """Every selection, group and hour of the second level has exactly its single calls."""
    everything = CubePart(direction="", origin="")
    found = cube.sums(*GROUPED, part=everything, step="hour")

    assert summed(found, ["at", *GROUPED]) == counted(calls, ["at", *GROUPED])
    for part in selections(calls):
        for names in ((), ("who", "outcome"), ("code", "zone")):
            assert summed(cube.sums(*names, part=part), names) == counted(chosen(calls, part), names)
    for name in GROUPED:
        assert cube.values(name) == sorted(chosen(calls, ALL)[name].unique())


@settings(max_examples=times(4), deadline=None)
@given(imported=made_calls, exported=made_calls, own=st.sets(st.sampled_from([OFFICE, BRANCH, STRANGER])))
def test_every_figure_equals_that_of_single_calls(
    imported: list[dict[str, Any]], exported: list[dict[str, Any]], own: set[str]
) -> None:
    """
    The second level equals single calls, whether it is read with the traffic, day by day, or alone and at once.

    Some calls of the imported file are missing from the carrier's export of the same time.
    """
    with tempfile.TemporaryDirectory() as folder:
        store = CallStore(Path(folder), own_numbers=lambda: {OFFICE, BRANCH})
        set_own_numbers(store, own)
        for name, rows, window in (
            ("imported.csv", imported, None),
            ("exported.csv", exported, (NOON - HOUR, NOON + DAY)),
        ):
            path = Path(folder) / name
            path.write_text(as_csv(rows))
            import_files(store, [path], window=window)
        snapshot = snapshot_of(NOON - DAY + timedelta(minutes=20))
        since = snapshot.since or NOON
        read = [
            store.segments(since=since, split_at=snapshot.split_at, file_only=file_only, at_once=1)
            for file_only in (False, True)
        ]
        readings = [replace(reading, rows=attribute(reading.rows, **INVENTORY)) for reading in read]
        calls = single_calls(store, snapshot)

        for file_only, reading in zip((False, True), read, strict=True):
            alone = store.traffic(since=since, split_at=snapshot.split_at, step="segment", file_only=file_only)
            pd.testing.assert_frame_equal(alone, reading.rows)
            assert (reading.rows["provenance"] == FILE_ONLY).eq(file_only).all()
        assert_equals_calls(cube_of(snapshot, readings), calls)
        assert_equals_calls(build_cube(store, snapshot), calls)
