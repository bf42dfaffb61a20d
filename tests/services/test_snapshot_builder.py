"""The snapshot builder and syncs: policies from versions, resumed syncs, and the age of each input."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from dashboard import checks, schemas
from dashboard.calls.attribution import attribute
from dashboard.calls.ingest.importer import import_files
from dashboard.calls.pbx_records.store import PbxRecords
from dashboard.calls.replay.replayer import Replayer
from dashboard.calls.store.store import CallStore
from dashboard.carriers import ExportedWindow
from dashboard.core.errors import CarrierAnswerError, TableError
from dashboard.core.settings import Settings
from dashboard.domain.findings import Severity, Status
from dashboard.domain.snapshot import Age
from dashboard.services.call_fetcher import next_sync_since, refresh_calls
from dashboard.services.exports.frames import all_tables
from dashboard.services.snapshot_builder import (
    build_snapshot,
    from_rows,
    load_frame,
    policy_versions,
    save_frame,
    to_rows,
)
from dashboard.storage.database import State
from tests.calls.exports import HEADER, as_csv, rows_at
from tests.calls.pbx_records.pbx_files import origin, refused
from tests.texts import golden, golden_pattern

T0 = datetime(2026, 11, 1, tzinfo=UTC)
INVENTORY = ("pbxs", "pbx_addresses", "pbx_numbers")
DAY = timedelta(days=1)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """Open a fresh database."""
    state = State.open(tmp_path)
    yield state
    state.close()


def listed(state: State, at: datetime, *networks: str, seen_at: datetime | None = None) -> None:
    """Save a version of the allow list."""
    rows = [{"network": network} for network in networks]
    state.save_version("allowed_ips", rows, valid_from=at, seen_at=seen_at or at, known_by="carrier")


def account(state: State, at: datetime, *, on: bool | None, seen_at: datetime | None = None) -> None:
    """Save a version of the account."""
    content = {"tech_prefix": "12345678", "credentials_on": on}
    state.save_version("account", content, valid_from=at, seen_at=seen_at or at, known_by="carrier")


def test_policies_begin_where_list_and_switch_are_both_known(state: State) -> None:
    """The list or the switch alone does not determine admission, so no policy begins."""
    listed(state, T0, "192.0.2.1")
    assert policy_versions(state) == ()

    account(state, T0 + DAY, on=True)
    (version,) = policy_versions(state)
    assert (version.valid_from, version.policy.networks) == (T0 + DAY, frozenset({"192.0.2.1"}))


def test_each_change_of_either_is_a_policy(state: State) -> None:
    """List and switch are merged in time order; a new label on an entry is no new policy."""
    account(state, T0, on=True)
    listed(state, T0 + DAY, "192.0.2.1")
    account(state, T0 + 2 * DAY, on=False)
    listed(state, T0 + 3 * DAY, "192.0.2.1", "192.0.2.2")
    content = [{"network": "192.0.2.1", "label": "new"}, {"network": "192.0.2.2"}]
    state.save_version("allowed_ips", content, valid_from=T0 + 4 * DAY, seen_at=T0 + 4 * DAY, known_by="carrier")

    versions = policy_versions(state)

    assert [(T0 + DAY, True, 1), (T0 + 2 * DAY, False, 1), (T0 + 3 * DAY, False, 2)] == [
        (v.valid_from, v.policy.credentials_on, len(v.policy.networks)) for v in versions
    ]


def test_a_row_ends_where_the_first_policy_begins(state: State, tmp_path: Path) -> None:
    """Rows are split at the first policy; those after it are evaluated as their single calls are."""
    store = CallStore(tmp_path)
    source = "198.51.100.11"
    path = tmp_path / "export.csv"
    path.write_text(as_csv(rows_at(*(T0 + hours * timedelta(hours=1) for hours in (1, 2, 22)))))
    import_files(store, [path])
    listed(state, T0 + DAY / 2, "192.0.2.1")
    account(state, T0 + DAY / 2, on=False)

    snapshot = build_snapshot(state, store, Settings(home=tmp_path), frozenset(), now=T0 + 3 * DAY)
    answer = Replayer(snapshot).against(replace(snapshot.policy, networks=frozenset({source})))
    calls = attribute(store.calls(), **{name: getattr(snapshot, name) for name in INVENTORY})

    assert [2, 1] == list(snapshot.traffic.sort_values("first_at")["calls"])
    assert answer.label_of(calls)["label"].astype("str").value_counts().to_dict() == {
        label: counted.calls for label, counted in answer.impact.labels.items() if counted.calls
    }


def test_a_source_that_only_claims_to_be_a_pbx_is_compared_with_that_pbx(state: State, tmp_path: Path) -> None:
    """The snapshot has hours and zones of a claiming source and of the PBX's own address, and no others."""
    store = CallStore(tmp_path)
    own = "198.51.100.11"
    thief = "203.0.113.66"
    moments = [T0 + timedelta(hours=hours) for hours in (3, 3, 27)]
    rows = rows_at(*moments, customer_ip=own)
    rows += rows_at(*moments[:2], customer_ip=thief, destination_name="CUBA")
    rows += rows_at(*moments, customer_ip="198.51.100.12", custom_x_tag="chicago")
    path = tmp_path / "export.csv"
    path.write_text(as_csv(rows))
    import_files(store, [path])
    listed(state, T0, own)
    account(state, T0, on=True)
    pbxs = [
        {"pbx_id": name, "name": name, "ip_kind": "static", "x_tag": name, "status": "active"}
        for name in ("seattle", "chicago")
    ]
    addresses = [{"pbx_id": "seattle", "address": own}, {"pbx_id": "chicago", "address": "198.51.100.12"}]
    for name, content in (("pbxs", pbxs), ("pbx_addresses", addresses)):
        state.save_version(name, content, valid_from=T0, seen_at=T0, known_by="a test")

    found = build_snapshot(state, store, Settings(home=tmp_path), frozenset(), now=T0 + 3 * DAY).call_patterns
    columns = ["source_ip", "pbx_id", "attributed_by", "zone", "hour", "calls"]

    assert [
        (own, "seattle", "x_tag", "UNITED STATES", 3, 3),
        (thief, "seattle", "x_tag", "CUBA", 3, 2),
    ] == list(found[columns].itertuples(index=False, name=None))


def test_imported_calls_from_an_address_that_the_pbx_left_are_compared_with_it(state: State, tmp_path: Path) -> None:
    """Of an address that a PBX left, only files' calls since then count; its own calls come from the carrier."""
    store = CallStore(tmp_path)
    left = "203.0.113.66"
    paths = [tmp_path / name for name in ("imported.csv", "export.csv")]
    paths[0].write_text(as_csv(rows_at(T0 + timedelta(hours=1), T0 + timedelta(hours=5), customer_ip=left)))
    paths[1].write_text(as_csv(rows_at(T0 + timedelta(hours=2), T0 + timedelta(hours=6), customer_ip=left)))
    import_files(store, paths[:1])
    import_files(store, paths[1:], window=(T0, T0 + DAY))
    pbxs = [{"pbx_id": "seattle", "name": "seattle", "ip_kind": "static", "x_tag": "seattle", "status": "active"}]
    address = {"pbx_id": "seattle", "address": left, "valid_to": (T0 + timedelta(hours=4)).isoformat()}
    for name, content in (("pbxs", pbxs), ("pbx_addresses", [address])):
        state.save_version(name, content, valid_from=T0, seen_at=T0, known_by="a test")

    found = build_snapshot(state, store, Settings(home=tmp_path), frozenset(), now=T0 + 3 * DAY).call_patterns

    assert [2, 5, 6] == sorted(found["hour"])


def test_an_empty_home_knows_nothing(state: State, tmp_path: Path) -> None:
    """In an empty home every input is missing, and there is no policy."""
    snapshot = build_snapshot(state, CallStore(tmp_path), Settings(home=tmp_path), frozenset(), now=T0)

    assert {fresh.age(T0) for fresh in snapshot.freshness.values()} == {Age.MISSING}
    assert (snapshot.versions, snapshot.since, len(snapshot.traffic)) == ((), None, 0)


def test_what_is_known_grows_old(state: State, tmp_path: Path) -> None:
    """The list is fresh for the configured time since it was last seen, and stale afterwards."""
    settings = Settings(home=tmp_path, allowed_ips_stale_s=3600)
    listed(state, T0, "192.0.2.1", seen_at=T0 + DAY)

    ages = []
    for minutes in (59, 61):
        now = T0 + DAY + timedelta(minutes=minutes)
        snapshot = build_snapshot(state, CallStore(tmp_path), settings, frozenset(), now=now)
        ages.append(snapshot.freshness["allowed_ips"].age(now))

    assert ages == [Age.FRESH, Age.STALE]


class Exporting:
    """Fake carrier that exports one call at noon of each day, in windows of ten days."""

    def __init__(self, *, windows: int = 9, broken: bool = False) -> None:
        self.windows = windows
        self.broken = broken
        self.asked: list[tuple[datetime, datetime]] = []

    def export_calls(self, since: datetime, until: datetime, folder: Path, **_more: Any) -> list[ExportedWindow]:
        """Write the given number of windows, as if stopped after them."""
        self.asked.append((since, until))
        made = []
        while since < until and len(made) < self.windows:
            end = min(since + 10 * DAY, until)
            noons = [since.replace(hour=12) + n * DAY for n in range(10)]
            path = folder / f"{len(made)}.csv"
            text = "nothing of use\n" if self.broken else as_csv(rows_at(*(n for n in noons if since <= n < end)))
            path.write_text(text)
            made.append(ExportedWindow(path, since, end))
            since = end
        return made


def test_a_stopped_sync_goes_on_where_it_ended(state: State, tmp_path: Path) -> None:
    """Imported windows remain; the next sync begins at their end, less the overlap that is fetched again."""
    settings = Settings(home=tmp_path)
    store = CallStore(tmp_path)
    now = T0 + 20 * DAY
    first = Exporting(windows=1)
    second = Exporting()
    third = Exporting()

    refresh_calls(first, store, state, settings, now=now)  # type: ignore[arg-type]  # only export_calls is used
    assert state.get("calls_until") == (now - 20 * DAY).isoformat()

    refresh_calls(second, store, state, settings, now=now)  # type: ignore[arg-type]  # as above
    refresh_calls(third, store, state, settings, now=now, quick=True)  # type: ignore[arg-type]  # as above

    assert first.asked[0][0] == now - 30 * DAY
    assert second.asked[0][0] == now - 20 * DAY - timedelta(hours=48)
    assert third.asked[0][0] == now - timedelta(minutes=10)
    assert state.get("calls_until") == now.isoformat()
    assert int(store.traffic(since=T0 - 30 * DAY)["calls"].sum()) == 30


def test_a_sync_that_is_stopped_while_it_imports_asks_again(state: State, tmp_path: Path) -> None:
    """A window exported but not imported is no error; the next sync requests it again."""
    settings = Settings(home=tmp_path)
    store = CallStore(tmp_path)
    now = T0 + 20 * DAY
    first = Exporting()
    second = Exporting()

    def importing() -> bool:
        """Return whether the second window is being read."""
        return store.count() > 0 and any(store.generations.work.glob("staged/*"))

    results = refresh_calls(first, store, state, settings, now=now, stop=importing)  # type: ignore[arg-type]  # as above
    assert [""] == [result.error for result in results]
    assert state.get("calls_until") == (now - 20 * DAY).isoformat()
    assert 10 == store.count()

    refresh_calls(second, store, state, settings, now=now)  # type: ignore[arg-type]  # as above

    assert state.get("calls_until") == now.isoformat()
    assert 30 == store.count()


def test_an_export_that_cannot_be_read_moves_nothing(state: State, tmp_path: Path) -> None:
    """An unreadable export is an error of the carrier, and the next sync requests the same window again."""
    with pytest.raises(CarrierAnswerError, match=golden_pattern("errors.calls.none_was_taken")):
        refresh_calls(
            Exporting(broken=True),  # type: ignore[arg-type]  # only export_calls is used
            CallStore(tmp_path),
            state,
            Settings(home=tmp_path),
            now=T0,
        )

    assert state.get("calls_until") is None


class Odd(Exporting):
    """Carrier whose exports lack an optional column and have one bad row each."""

    def export_calls(self, since: datetime, until: datetime, folder: Path, **more: Any) -> list[ExportedWindow]:
        """Write the exports."""
        windows = super().export_calls(since, until, folder, **more)
        for window in windows:
            rows = [*rows_at(window.since, window.since + timedelta(minutes=1)), *rows_at(window.since, duration="x")]
            window.path.write_text(as_csv(rows, [name for name in HEADER if name != "billed_duration"]))
        return windows


def test_exports_without_a_column_and_with_a_bad_row_stop_no_sync(state: State, tmp_path: Path) -> None:
    """Every good row of every window is stored, and the next sync continues from there."""
    settings = Settings(home=tmp_path)
    store = CallStore(tmp_path)
    now = T0 + 20 * DAY

    results = refresh_calls(Odd(), store, state, settings, now=now)  # type: ignore[arg-type]  # only export_calls is used

    assert [(2, 1, "")] * len(results) == [(result.kept, result.rejected, result.error) for result in results]
    assert (2 * len(results), now.isoformat()) == (store.count(), state.get("calls_until"))


def test_a_sync_keeps_imported_calls_that_the_carrier_does_not_have(state: State, tmp_path: Path) -> None:
    """The snapshot has such calls separately, their check fails, and the thief's own finding stays critical."""
    settings = Settings(home=tmp_path)
    store = CallStore(tmp_path)
    now = T0 + 20 * DAY
    path = tmp_path / "thief.csv"
    path.write_text(as_csv(rows_at(now - 2 * DAY, customer_ip="203.0.113.66:5060")))
    import_files(store, [path])
    for name in ("allowed_ips", "pbxs", "pbx_addresses"):
        state.save_version(name, [], valid_from=T0, seen_at=now, known_by="operator")
    account(state, T0, on=True, seen_at=now)

    refresh_calls(Exporting(), store, state, settings, now=now)  # type: ignore[arg-type]  # only export_calls is used
    snapshot = build_snapshot(state, store, settings, frozenset(), now=now)
    failed = {(one.check, one.subject): one for one in checks.run(snapshot) if one.status is Status.FAIL}

    assert {"198.51.100.11"} == set(snapshot.traffic["source_ip"])
    assert [("203.0.113.66", 1)] == list(
        snapshot.file_only_traffic[["source_ip", "calls"]].itertuples(index=False, name=None)
    )
    assert Severity.CRITICAL is failed["call_source_is_allowed", "203.0.113.66"].severity
    assert golden("errors.calls.call_in_imported_files") in failed["imported_calls_are_in_export", "account"].reason


def test_an_export_counts_the_calls_that_it_writes(state: State, tmp_path: Path) -> None:
    """The exported row count excludes imported calls dated in the future, as the table does."""
    store = CallStore(tmp_path)
    path = tmp_path / "file.csv"
    path.write_text(as_csv(rows_at(T0 - DAY, T0 - timedelta(minutes=1), T0 + timedelta(minutes=5), T0 + DAY)))
    import_files(store, [path])
    export = tmp_path / "export.csv"
    export.write_text(as_csv(rows_at(T0 - timedelta(minutes=1), T0 + timedelta(minutes=5))))
    import_files(store, [export], window=(T0 - 30 * DAY, T0 + 2 * DAY))
    snapshot = build_snapshot(state, store, Settings(home=tmp_path), frozenset(), now=T0)

    found = all_tables(snapshot, [], [], store)

    assert [1, 1] == [found[name].rows for name in ("calls", "imported_only_calls")]
    assert [1, 1] == [sum(map(len, found[name].pieces())) for name in ("calls", "imported_only_calls")]


def test_a_sync_that_was_cut_asks_for_the_same_window_again(state: State, tmp_path: Path) -> None:
    """The carrier's job for the window may still be running; only the time after it is requested anew."""

    class Cut(Exporting):
        """Carrier whose export is interrupted before it is ready."""

        def export_calls(self, since: datetime, until: datetime, folder: Path, **more: Any) -> list[ExportedWindow]:
            """Record the request and raise an interruption."""
            super().export_calls(since, until, folder, **more)
            raise KeyboardInterrupt

    settings = Settings(home=tmp_path)
    store = CallStore(tmp_path)
    later = T0 + timedelta(minutes=5)
    cut = Cut()
    again = Exporting()
    with pytest.raises(KeyboardInterrupt):
        refresh_calls(cut, store, state, settings, now=T0)  # type: ignore[arg-type]  # only export_calls is used

    refresh_calls(again, store, state, settings, now=later)  # type: ignore[arg-type]  # as above

    assert cut.asked == again.asked[:1]
    assert again.asked[1] == (T0 - timedelta(hours=48) + timedelta(seconds=1), later + timedelta(seconds=1))
    assert state.get("calls_asked") is None


@pytest.mark.parametrize("back_after", [timedelta(hours=1), 5 * DAY], ids=["at once", "late"])
def test_no_call_is_left_out_where_the_clock_was_ahead(state: State, tmp_path: Path, back_after: timedelta) -> None:
    """Calls after a sync with a clock a week ahead are fetched, from the newest stored one on."""
    settings = Settings(home=tmp_path)
    store = CallStore(tmp_path)
    ahead = T0 + 7 * DAY
    before = ExportedWindow(tmp_path / "before.csv", T0 - 30 * DAY, ahead)
    before.path.write_text(as_csv(rows_at(T0 - timedelta(hours=3))))
    (result,) = import_files(store, [before.path], window=(before.since, before.until))
    assert 1 == result.kept
    state.put("calls_until", ahead.isoformat())
    state.put("calls_asked", [(ahead - DAY).isoformat(), (ahead + timedelta(seconds=1)).isoformat()])
    after = Exporting()
    now = T0 + back_after

    refresh_calls(after, store, state, settings, now=now)  # type: ignore[arg-type]  # only export_calls is used

    assert after.asked == [(T0 - timedelta(hours=3 + 48), now + timedelta(seconds=1))]
    assert state.get("calls_until") == now.isoformat()


def test_without_a_stored_call_everything_is_asked_for_again(state: State, tmp_path: Path) -> None:
    """Without a stored call the end of the fetched time is unknown, so everything is requested again."""
    state.put("calls_until", (T0 + 7 * DAY).isoformat())

    assert T0 - 30 * DAY == next_sync_since(state, CallStore(tmp_path), Settings(home=tmp_path), T0)


def test_imported_calls_do_not_say_until_when_calls_were_fetched(state: State, tmp_path: Path) -> None:
    """After a clock that was ahead, only calls of the carrier's exports define the fetched time, not imported files."""
    settings = Settings(home=tmp_path)
    store = CallStore(tmp_path)
    export = tmp_path / "export.csv"
    file = tmp_path / "file.csv"
    export.write_text(as_csv(rows_at(T0 - 9 * DAY)))
    file.write_text(as_csv(rows_at(T0 - 2 * DAY, T0 + 3 * DAY)))
    import_files(store, [export], window=(T0 - 30 * DAY, T0 - 8 * DAY))
    import_files(store, [file])
    state.put("calls_until", (T0 + 7 * DAY).isoformat())

    assert T0 - 9 * DAY - timedelta(hours=48) == next_sync_since(state, store, settings, T0)


@pytest.mark.parametrize("last_call", [None, 10 * DAY], ids=["no call", "10 days ago"])
def test_a_quiet_account_does_not_fetch_its_history_again(
    state: State, tmp_path: Path, last_call: timedelta | None
) -> None:
    """A sync after the first one fetches hours, a quick one minutes, however old the last call is."""
    settings = Settings(home=tmp_path)
    store = CallStore(tmp_path)
    if last_call:
        path = tmp_path / "export.csv"
        path.write_text(as_csv(rows_at(T0 - last_call)))
        import_files(store, [path], window=(T0 - 30 * DAY, T0))
    for ahead in (timedelta(), timedelta(minutes=4)):  # small clock differences are tolerated
        state.put("calls_until", (T0 + ahead).isoformat())

        assert T0 - timedelta(hours=48) == next_sync_since(state, store, settings, T0)
        assert T0 - timedelta(minutes=10) == next_sync_since(state, store, settings, T0, quick=True)


def test_what_was_recorded_while_the_clock_was_ahead_is_in_force(state: State) -> None:
    """A version of the future counts as current until the next read, which restores correct start times."""
    now = T0 + DAY
    ahead = T0 + 4 * DAY
    network = "198.51.100.24"
    account(state, T0, on=False)
    listed(state, T0)
    listed(state, ahead, network)
    assert [T0, now] == [version.valid_from for version in policy_versions(state, now=now)]

    listed(state, now, network)
    listed(state, now + DAY, network)
    listed(state, now + 2 * DAY)

    expected = [(T0, 0), (now, 1), (now + 2 * DAY, 0)]
    for at in (now + 2 * DAY, ahead + DAY):
        versions = policy_versions(state, now=at)
        assert expected == [(version.valid_from, len(version.policy.networks)) for version in versions]
    assert 4 == len(state.versions("allowed_ips"))


def test_an_address_that_was_entered_while_the_clock_was_ahead_is_in_use(state: State) -> None:
    """An address entered while the clock was ahead is in use; a planned later time remains."""
    ahead = T0 + 3 * DAY
    planned = T0 + 9 * DAY
    rows = [
        {"pbx_id": "denver", "address": f"198.51.100.{n}", "kind": "primary", "source": "declared", "valid_from": at}
        for n, at in enumerate((T0, ahead, planned))
    ]
    save_frame(state, "pbx_addresses", pd.DataFrame(rows), now=ahead, known_by="Ada")

    found = load_frame(state, "pbx_addresses", now=T0 + DAY)

    assert [T0, T0 + DAY, planned] == [at.to_pydatetime() for at in found["valid_from"]]
    save_frame(state, "pbx_addresses", pd.DataFrame(rows), now=T0 + 2 * DAY, known_by="Ada")
    found = load_frame(state, "pbx_addresses", now=T0 + 2 * DAY)
    assert [T0, T0 + 2 * DAY, planned] == [at.to_pydatetime() for at in found["valid_from"]]


def test_what_pbxs_recorded_is_compared_as_far_as_calls_were_fetched(state: State, tmp_path: Path) -> None:
    """
    PBX records are compared from the first sync to the last, except for too recent ones.

    They are split at policy changes, and each PBX has its own age.
    """
    now = datetime(2026, 11, 2, 14, tzinfo=UTC)
    settings = Settings(home=tmp_path, calls_settle_s=600)
    store = CallStore(tmp_path)
    path = tmp_path / "Master.csv"
    path.write_text(
        "".join(refused(f"2026-11-02 {at}") for at in ("12:00:00", "13:00:00", "13:49:00", "13:51:00")),
        encoding="utf-8",
    )
    PbxRecords(store).import_files([path], origin())
    listed(state, T0, "198.51.100.11")
    account(state, T0, on=True)
    account(state, now - timedelta(minutes=90), on=False)
    never = build_snapshot(state, store, settings, frozenset(), now=now)
    state.put("calls_since", (now - 9 * DAY).isoformat())
    state.put("calls_until", now.isoformat())
    known = build_snapshot(state, store, settings, frozenset(), now=now)

    assert {"open": 4} == never.pbx_attempts.groupby("fate")["attempts"].sum().to_dict()
    assert [("missing", 1), ("missing", 2), ("open", 1)] == list(
        known.pbx_attempts[["fate", "attempts"]].itertuples(index=False, name=None)
    )
    assert Age.FRESH is known.pbx_freshness["denver"].age(now)
    assert Age.STALE is known.pbx_freshness["denver"].age(now + 8 * DAY)


def test_the_first_sync_is_remembered(state: State, tmp_path: Path) -> None:
    """The start of the fetched time does not move with later syncs."""
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    settings = Settings(home=tmp_path, history_days=9)
    store = CallStore(tmp_path)
    for later in (timedelta(0), DAY):
        refresh_calls(Exporting(), store, state, settings, now=now + later)  # type: ignore[arg-type]  # as above

    assert (now - 9 * DAY).isoformat() == state.get("calls_since")


@pytest.mark.parametrize(
    ("calls", "begun", "expected"),
    [
        ([], None, None),
        ([], T0 - 9 * DAY, T0 - 9 * DAY),
        ([T0 - 2 * DAY], T0 - 9 * DAY, T0 - 9 * DAY),
        ([T0 - 2 * DAY], None, T0 - 2 * DAY),
        ([T0 - 2 * DAY], T0 - 99 * DAY, T0 - 30 * DAY),
    ],
)
def test_silence_counts_from_what_was_fetched(
    state: State, tmp_path: Path, calls: list[datetime], begun: datetime | None, expected: datetime | None
) -> None:
    """
    Silence counts from the start of the fetched time, not before the window.

    The first call counts only if calls were only imported.
    """
    settings = Settings(home=tmp_path, window_days=30)
    store = CallStore(tmp_path)
    if calls:
        path = tmp_path / "calls.csv"
        path.write_text(as_csv(rows_at(*calls)))
        import_files(store, [path])
    if begun:
        state.put("calls_since", begun.isoformat())

    assert expected == build_snapshot(state, store, settings, frozenset(), now=T0).calls_from


def test_times_with_and_without_a_fraction_stand_side_by_side() -> None:
    """Times with and without fractional seconds are both read back unchanged."""
    frame = schemas.conform(
        pd.DataFrame(
            {
                "pbx_id": ["denver", "miami"],
                "address": ["198.51.100.24", "203.0.113.7"],
                "kind": "primary",
                "valid_from": pd.to_datetime(["2026-11-20T00:00:00Z", "2026-11-20T00:00:00.5Z"], format="ISO8601"),
                "valid_to": [None, None],
            }
        ),
        schemas.PBX_ADDRESSES,
        source="a test",
    )
    rows = to_rows(frame)

    assert from_rows(rows, schemas.PBX_ADDRESSES).equals(frame)
    assert "NaN" not in json.dumps(rows)
    old = [{**row, "valid_from": str(row["valid_from"]).replace(".000000", "")} for row in rows]
    assert from_rows(old, schemas.PBX_ADDRESSES).equals(frame)


def test_a_time_that_is_none_is_an_error() -> None:
    """An invalid time is an error and never an empty cell."""
    rows = [{"pbx_id": "denver", "address": "198.51.100.24", "kind": "primary", "valid_from": "lately"}]

    with pytest.raises(TableError, match=golden_pattern("errors.calls.bad_cell")):
        from_rows(rows, schemas.PBX_ADDRESSES)
