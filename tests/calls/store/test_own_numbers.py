"""With only own numbers in its key, the roll-up is shorter and gives the same answers."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection
from datetime import date, timedelta
from pathlib import Path
from random import Random

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard import schemas
from dashboard.calls.attribution import attribute
from dashboard.calls.ingest.importer import import_files
from dashboard.calls.store.queries import FIRST
from dashboard.calls.store.repair import repair, set_own_numbers
from dashboard.calls.store.store import CallStore
from dashboard.core.errors import StoreError
from tests.calls.exports import NOON, Row, a_row, as_csv, at
from tests.examples import times
from tests.paths import ROOT
from tests.texts import golden, golden_pattern
from tests.waiting import WAIT_S

DAY = timedelta(days=1)
OFFICE = "14255550111"
BRANCH = "14255550112"
STRANGER = "13035550100"
SUMS = ["calls", "short_calls", "duration_s", "billed_s", "cost_usd"]
KILLS = 4
"""Number of evenly spaced times at which a renewal is killed."""

made_calls = st.lists(
    st.fixed_dictionaries(
        {
            "start_time": st.tuples(st.integers(0, 3), st.sampled_from([0, 1, 1800, 3600])).map(
                lambda when: at(NOON + when[0] * DAY + timedelta(seconds=when[1]))
            ),
            "destination": st.sampled_from([OFFICE, BRANCH, "12065550100"]),
            "direction": st.sampled_from(["Outbound", "Outbound", "Inbound"]),
            "customer_ip": st.sampled_from(["198.51.100.11:5060", "203.0.113.7:5060"]),
            "custom_x_tag": st.sampled_from(["seattle", "", ""]),
            "callerid": st.sampled_from([f"+{OFFICE}", BRANCH, STRANGER, "anonymous", ""]),
            "total_cost": st.sampled_from(["0.00980000", "2.50000000"]),
        }
    ),
    min_size=1,
    max_size=25,
)
numbers = st.sets(st.sampled_from([OFFICE, BRANCH, STRANGER]))


def attributed(store: CallStore, pbx_numbers: Collection[str]) -> pd.DataFrame:
    """Return the roll-up, attributed by one address and by caller IDs, each number to a PBX of its own."""
    inventory = {
        "pbxs": pd.DataFrame({"pbx_id": ["seattle"], "x_tag": ["seattle"]}),
        "pbx_addresses": schemas.empty(schemas.PBX_ADDRESSES),
        "pbx_numbers": pd.DataFrame(
            {"pbx_id": [f"of-{number}" for number in pbx_numbers], "number": list(pbx_numbers)}, dtype=object
        ),
    }
    return attribute(store.traffic(since=FIRST), **inventory)


def answers(store: CallStore, pbx_numbers: Collection[str]) -> dict[str, object]:
    """Return what pages show of each PBX: sums by hour, single calls, and numbers dialed."""
    rows = attributed(store, pbx_numbers)
    keys = ["hour_at", "direction", "source_ip", "x_tag", "outcome", "sip_status", "zone", "pbx_id", "attributed_by"]
    sums = rows.groupby(keys, dropna=False)[SUMS].sum().reset_index()
    found: dict[str, object] = {"sums": sums.sort_values(keys).astype(str).to_numpy().tolist()}
    for pbx_id in sorted(rows["pbx_id"].unique()):
        mine = rows[rows["pbx_id"] == pbx_id]
        found[f"calls {pbx_id}"] = store.calls(among=mine, limit=100)["call_key"].tolist()
        found[f"dialed {pbx_id}"] = store.destinations(among=mine).astype(str).to_numpy().tolist()
    return found


def write(folder: Path, rows: Collection[Row], name: str = "export.csv") -> Path:
    """Write an export."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(as_csv(rows))
    return path


@settings(max_examples=times(5), deadline=None)
@given(rows=made_calls, before=numbers, after=numbers, asked=numbers)
def test_answers_do_not_depend_on_the_list(
    rows: list[dict[str, object]], before: set[str], after: set[str], asked: set[str]
) -> None:
    """
    A store without a list, with one from the start, with a renewed one, and with a list that lacks a number agree.

    In order of time the columnar reader makes the roll-up, otherwise the engine.
    """
    in_order = sorted(({**a_row(), **row} for row in rows), key=lambda row: str(row["start_time"]))
    for content in (in_order, in_order[::-1]):
        with tempfile.TemporaryDirectory() as folder:
            plain, listed = (CallStore(Path(folder) / name, own_numbers=lambda: asked) for name in ("plain", "listed"))
            path = write(Path(folder), content)
            set_own_numbers(listed, before)
            for store in (plain, listed):
                import_files(store, [path])
            expected = answers(plain, asked)

            assert expected == answers(listed, asked)
            set_own_numbers(listed, after)
            assert expected == answers(listed, asked)
            set_own_numbers(plain, after | asked)
            assert expected == answers(plain, asked)
            assert plain.covers_inventory(plain.generations.current())


def test_a_dialer_with_many_caller_ids_has_a_short_roll_up(store: CallStore, export: Callable[..., Path]) -> None:
    """Caller IDs that are not the account's own share a row."""
    rows = [a_row(callerid=f"1303555{number:04}", custom_x_tag="") for number in range(500)]
    rows += [a_row(callerid=OFFICE, custom_x_tag="")]
    set_own_numbers(store, {OFFICE})

    import_files(store, [export(rows)])

    traffic = store.traffic(since=FIRST)
    assert {"": 500, OFFICE: 1} == dict(zip(traffic["number"], traffic["calls"], strict=True))


def test_only_days_on_which_a_new_number_called_are_counted_again(
    store: CallStore, export: Callable[..., Path]
) -> None:
    """A number that the list has costs nothing; the first list renews every day."""
    rows = [a_row(start_time=at(NOON + day * DAY), callerid=BRANCH if day == 1 else OFFICE) for day in range(3)]
    import_files(store, [export([row | {"custom_x_tag": ""} for row in rows])])

    lists = ({OFFICE}, {OFFICE}, {OFFICE, BRANCH}, {STRANGER}, {BRANCH})
    renewals = [set_own_numbers(store, found) for found in lists]

    assert [3, 0, 1, 0, 0] == [len(renewal.rolled_up) for renewal in renewals]
    assert {OFFICE, BRANCH} == set(store.traffic(since=FIRST)["number"])


def test_repair_keeps_the_list(store: CallStore, export: Callable[..., Path]) -> None:
    """The roll-up of a repaired day keeps the same numbers in its key as before."""
    import_files(store, [export([a_row(callerid=STRANGER, custom_x_tag="")])])
    set_own_numbers(store, {OFFICE})

    repair(store, [NOON.date()])

    assert [""] == store.traffic(since=FIRST)["number"].tolist()


def test_days_past_retention_keep_their_roll_up_and_are_named(tmp_path: Path) -> None:
    """A number that was added after the single calls of a day were removed attributes no call of that day."""
    store = CallStore(tmp_path, own_numbers=lambda: {OFFICE, BRANCH})
    set_own_numbers(store, {OFFICE})
    rows = [a_row(start_time=at(NOON + day * DAY), callerid=BRANCH, custom_x_tag="") for day in (0, 5)]
    import_files(store, [write(tmp_path, rows)], keep_days=2)

    set_own_numbers(store, {OFFICE, BRANCH})

    assert [NOON.date()] == store.unattributed_days()
    by_number = attributed(store, [BRANCH])
    assert ["", f"of-{BRANCH}"] == by_number.sort_values("first_at")["pbx_id"].tolist()


def test_a_store_of_the_format_before_keeps_every_caller_id(store: CallStore, export: Callable[..., Path]) -> None:
    """It opens without a change, and its first list makes the roll-up shorter."""
    import_files(store, [export([a_row(callerid=STRANGER, custom_x_tag="")])])
    folder = store.generations.folder
    (manifest,) = (folder / "generations").iterdir()
    text = manifest.read_text().replace('"format": 4', '"format": 3').replace('"own_numbers": ""', '"rows_of": ""')
    manifest.write_text(text.replace(',\n   "rows_of": ""', "").replace(',\n "rows_of": ""', ""))
    old = CallStore(folder.parent)

    assert '"own_numbers"' not in manifest.read_text()
    assert [STRANGER] == old.traffic(since=FIRST)["number"].tolist()
    assert {NOON.date()} == set_own_numbers(old, {OFFICE}).rolled_up
    assert [""] == old.traffic(since=FIRST)["number"].tolist()


@pytest.mark.slow
def test_a_killed_renewal_leaves_the_old_roll_up_or_the_new_one(tmp_path: Path) -> None:
    """At whatever time it is killed, the answers are the same, and the next renewal completes it."""
    draw = Random(7)
    rows = [
        a_row(start_time=at(NOON + day * DAY + timedelta(seconds=second)), callerid=draw.choice([OFFICE, STRANGER]))
        for day in range(4)
        for second in range(2_000)
    ]
    path = write(tmp_path, [row | {"custom_x_tag": ""} for row in rows])
    import_files(CallStore(tmp_path / "home"), [path])
    expected = answers(CallStore(tmp_path / "home"), [OFFICE])
    program = "import sys; from pathlib import Path; from dashboard.calls.store.repair import set_own_numbers; "
    program += "from dashboard.calls.store.store import CallStore; store = CallStore(Path(sys.argv[1])); "
    program += f"print('begins', flush=True); set_own_numbers(store, {{{OFFICE!r}}})"
    lengths = set()
    for number in range(KILLS):
        child = subprocess.Popen(
            [sys.executable, "-c", program, tmp_path / "home"], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        assert child.stdout.readline() == "begins\n"
        try:
            child.wait(0.08 * number)
        except subprocess.TimeoutExpired:
            child.kill()
        child.wait(WAIT_S)
        child.stdout.close()
        store = CallStore(tmp_path / "home", own_numbers=lambda: {OFFICE})
        assert expected == answers(store, [OFFICE])
        lengths.add(len(store.traffic(since=FIRST)))

    set_own_numbers(CallStore(tmp_path / "home"), {OFFICE})

    assert expected == answers(CallStore(tmp_path / "home"), [OFFICE])
    assert CallStore(tmp_path / "home").generations.current().own_numbers


def three_days(folder: Path, *, caller: str = OFFICE) -> CallStore:
    """Return a store with a call on each of three days, whose inventory has the caller."""
    store = CallStore(folder, own_numbers=lambda: {caller})
    rows = [a_row(start_time=at(NOON + day * DAY), callerid=caller, custom_x_tag="") for day in range(3)]
    import_files(store, [write(folder, rows)])
    return store


def damage_calls(store: CallStore, day: date) -> Path:
    """Overwrite the calls of a day."""
    part = store.generations.path(store.generations.current().days[day].calls[0])
    part.write_bytes(b"damaged")
    return part


@pytest.mark.parametrize("before", [None, {STRANGER}], ids=["without a list", "with another list"])
def test_a_damaged_day_keeps_its_sums_and_ends_nothing(tmp_path: Path, before: set[str] | None) -> None:
    """The other days are renewed, the sentence names the cure, and the day is renewed once it is restored."""
    store = three_days(tmp_path)
    if before is not None:
        set_own_numbers(store, before)
    part = store.generations.path(store.generations.current().days[NOON.date()].calls[0])
    whole = part.read_bytes()
    damage_calls(store, NOON.date())

    renewal = set_own_numbers(store, {OFFICE})

    assert {(NOON + day * DAY).date() for day in (1, 2)} == renewal.rolled_up
    assert [NOON.date()] == list(renewal.unreadable)
    assert golden("errors.calls.forget_and_import", day=f"{NOON:%Y-%m-%d}") in renewal.unreadable[NOON.date()]
    assert 3 == store.traffic(since=FIRST)["calls"].sum()
    assert ([NOON.date()] if before else []) == store.unattributed_days()
    published = store.generations.current_name()
    assert [NOON.date()] == list(set_own_numbers(store, {OFFICE}).unreadable)
    assert published == store.generations.current_name()
    part.write_bytes(whole)
    assert {NOON.date()} == set_own_numbers(store, {OFFICE}).rolled_up
    assert [] == store.unattributed_days()
    assert [OFFICE] * 3 == store.traffic(since=FIRST)["number"].tolist()


def test_a_full_disk_is_no_damaged_day(tmp_path: Path) -> None:
    """Only a file that names a day is left out; another error ends the renewal, and the sums stay."""
    store = three_days(tmp_path)
    published = store.generations.current_name()
    store.generations.work.mkdir()
    (store.generations.work / "own-numbers.parquet").mkdir()

    with pytest.raises(StoreError):
        set_own_numbers(store, {OFFICE})

    assert published == store.generations.current_name()


def test_a_stopped_renewal_keeps_the_finished_days(tmp_path: Path) -> None:
    """The answers are the same in between, and the next renewal continues with the days that are left."""
    store = three_days(tmp_path)
    set_own_numbers(store, {STRANGER})
    expected = answers(store, [OFFICE])
    steps: list[tuple[str, float]] = []

    stopped = set_own_numbers(
        store, {OFFICE}, progress=lambda *step: steps.append(step), stop=lambda: len(steps) == 1, batch_rows=1
    )

    assert [(golden("errors.calls.counting_again", day=f"{NOON:%Y-%m-%d}"), 0.0)] == steps
    assert stopped.stopped
    assert {NOON.date()} == stopped.rolled_up
    assert expected == answers(store, [OFFICE])
    generation = store.generations.current()
    assert {(NOON + day * DAY).date() for day in (1, 2)} == store.counted_afresh(generation, generation.days)
    assert {(NOON + day * DAY).date() for day in (1, 2)} == set_own_numbers(store, {OFFICE}).rolled_up
    assert expected == answers(store, [OFFICE])
    assert set() == store.counted_afresh(store.generations.current(), generation.days)


def test_a_partial_hour_is_counted_once_beside_days_counted_afresh(tmp_path: Path) -> None:
    """A window that begins within an hour of a renewed day counts no call twice while other days wait."""
    store = three_days(tmp_path)
    set_own_numbers(store, {STRANGER})
    asked = iter([False, True])

    set_own_numbers(store, {OFFICE}, stop=lambda: next(asked), batch_rows=1)

    assert 3 == store.traffic(since=NOON - timedelta(minutes=1))["calls"].sum()


def damaged_list(folder: Path) -> CallStore:
    """Return a store whose list of own numbers is damaged, opened after it was."""
    store = three_days(folder / "whole")
    set_own_numbers(store, {OFFICE, STRANGER})
    shutil.copytree(store.generations.folder, folder / "copy" / "calls")
    copy = CallStore(folder / "copy", own_numbers=lambda: {OFFICE})
    copy.generations.path(copy.generations.current().own_numbers).write_bytes(b"x")
    return copy


def test_a_damaged_list_ends_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Sums, calls, imports and repairs go on; the log names the file and the cure once."""
    store = damaged_list(tmp_path)
    expected = answers(three_days(tmp_path / "other"), [OFFICE])

    assert expected == answers(store, [OFFICE])
    assert 1 == repair(store, [NOON.date()])
    rows = [a_row(start_time=at(NOON + 3 * DAY), callerid=OFFICE, custom_x_tag="")]
    assert 1 == import_files(store, [write(tmp_path, rows)])[0].kept
    assert [OFFICE] * 4 == store.traffic(since=FIRST)["number"].tolist()
    assert 4 == len(store.calls())
    assert 3 == store.load(since=FIRST)["calls"].sum() - 1
    (said,) = [record.getMessage() for record in caplog.records]
    assert re.search(
        r"own numbers .*own-numbers-\w+"
        + golden_pattern("errors.calls.parquet_cannot_be_read")
        + " .*trunkgate calls repair",
        said,
    )


@pytest.mark.parametrize(
    ("numbers", "renewed"), [({OFFICE, STRANGER}, 0), ({OFFICE}, 3)], ids=["the same list", "another list"]
)
def test_a_damaged_list_is_written_again(tmp_path: Path, numbers: set[str], renewed: int) -> None:
    """The name of a list is made from its content, so sums are renewed only if the list is another one."""
    store = damaged_list(tmp_path)
    expected = answers(store, [OFFICE])

    assert renewed == len(set_own_numbers(store, numbers).rolled_up)
    assert set() == store.counted_afresh(store.generations.current(), store.generations.current().days)
    assert expected == answers(store, [OFFICE])
