"""Small files are interpreted by one prepared statement, with the result of a statement planned for the file."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow
import pytest

from dashboard.calls.ingest.importer import import_files
from dashboard.calls.ingest.prepared_stage import STAGED, PreparedStages, schema_of_lines
from dashboard.calls.ingest.readers.sql_rows import SMALL
from dashboard.calls.store.engine import Engine
from dashboard.calls.store.store import CallStore
from dashboard.core import clocks
from dashboard.core.errors import StoreError
from tests.calls.exports import HEADER, NOON, a_row, as_csv, at
from tests.texts import golden_pattern

LINE = {
    "line": "2",
    "direction": "outbound",
    "start_time": "2026-11-02 12:00:00+00",
    "destination": "12065550100",
    "callerid": "12065550101",
    "customer_ip": "198.51.100.4:5060",
    "duration": "6",
    "call_fail_sip_code": "200",
    "total_cost": "0.01",
}


def lines(*rows: dict[str, str]) -> pyarrow.Table:
    """Return ``LINE`` once per row, with that row's values."""
    names = schema_of_lines(typed=False).names
    told = [LINE | row for row in rows]
    texts = {name: [row.get(name, "") for row in told] for name in names if name != "read_at"}
    return pyarrow.table(texts | {"read_at": [datetime(2026, 11, 3)] * len(told)})  # noqa: DTZ001 - UTC without a zone


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """Return an engine without a store."""
    return Engine(tmp_path)


def test_statement_interprets_each_table_it_is_given(engine: Engine) -> None:
    """The rows of an earlier table are not seen again, and an empty table gives no row."""
    with PreparedStages() as stages:
        seen = []
        for rows in (lines({}), lines({"duration": "x"}, {}), lines()):
            with stages.lend(engine, "read an export", typed=False) as stage:
                stage.run(rows)
                seen.append(stage.cursor.sql(f"SELECT fault, duration_s FROM {STAGED}").fetchall())  # noqa: S608 - a constant

    assert [[(None, 6)], [("duration", None), (None, 6)], []] == seen


def test_statement_is_lent_again_after_an_error(engine: Engine) -> None:
    """A file that cannot be read costs no new plan."""
    with PreparedStages() as stages:
        with stages.lend(engine, "read an export", typed=False) as first:
            pass
        with (
            pytest.raises(StoreError, match=golden_pattern("errors.calls.could_not_read_export")),
            stages.lend(engine, "read an export", typed=False) as failing,
        ):
            failing.cursor.execute("FROM nowhere")
        with stages.lend(engine, "read an export", typed=False) as again:
            again.run(lines({}))

    assert first is failing is again


def test_two_borrowers_have_two_statements(engine: Engine) -> None:
    """One cursor is used by one thread; typed rows have a statement of their own."""
    with (
        PreparedStages() as stages,
        stages.lend(engine, "read", typed=False) as one,
        stages.lend(engine, "read", typed=False) as two,
        stages.lend(engine, "read", typed=True) as typed,
    ):
        assert len({id(one), id(two), id(typed)}) == len([one, two, typed])


def test_a_small_file_is_stored_as_a_large_one_is(tmp_path: Path, export: Callable[..., Path]) -> None:
    """
    Types and values are the same whether the statement is prepared or planned for the file.

    An ignored column makes the same rows a large file.
    """
    started = [at(NOON + timedelta(minutes=minute)) for minute in range(40, 0, -1)]
    rows = [a_row(start_time=time, total_cost="N/A") for time in started]
    rows += [a_row(duration="x"), a_row(customer_ip="[2001:db8::1]:5060")]
    small = export(rows, "small.csv")
    large = export(as_csv([row | {"note": "x" * 30_000} for row in rows], [*HEADER, "note"]), "large.csv")
    stores = [CallStore(tmp_path / name) for name in ("small", "large")]

    results = [import_files(store, [path])[0] for store, path in zip(stores, (small, large), strict=True)]

    assert small.stat().st_size < SMALL < large.stat().st_size
    assert [(41, 1), (41, 1)] == [(result.kept, result.rejected) for result in results]
    left, right = (store.calls(limit=100) for store in stores)
    assert left.equals(right)
    assert (left.dtypes == right.dtypes).all()


@pytest.mark.parametrize("fault", ["", "x"])
def test_the_process_clock_decides_what_is_in_the_future(
    store: CallStore, export: Callable[..., Path], fault: str
) -> None:
    """In both readers: without a bad row, and with one."""
    path = export([a_row(), *([a_row(duration="x")] if fault else [])])

    with clocks.using(lambda: datetime(2020, 1, 1, tzinfo=UTC)):
        (result,) = import_files(store, [path])

    assert (result.kept, result.rejected) == (0, 1 + bool(fault))
