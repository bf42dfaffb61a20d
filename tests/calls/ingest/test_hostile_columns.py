"""Adversarial input to the columnar reader: its result equals the engine's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet
import pytest

from dashboard.calls.ingest.columnar import Columns, Customers
from dashboard.calls.ingest.importer import import_files
from dashboard.calls.store.engine import Engine
from dashboard.calls.store.store import CallStore
from tests.calls.exports import HEADER, NOON, Row, a_row, as_csv, at, rows_at

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MOST_REMEMBERED = 100_000


def lines_of(*rows: Row) -> bytes:
    """Return rows without the header."""
    return as_csv(rows).partition("\n")[2].encode()


def load_of(store: CallStore) -> dict[str, list[dict[str, object]]]:
    """Return the load of each day by minute."""
    days = store.generations.current().days
    return {
        str(day): [
            row for part in known.load for row in pyarrow.parquet.read_table(store.generations.path(part)).to_pylist()
        ]
        for day, known in days.items()
    }


@pytest.mark.parametrize("column", ["start_time", "end_time"])
@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("2026-11-02 09:00:00+0", "02026-11-02 09:00:00+00"),
        ("2026-11-02 09:00:00+002", "026-11-02 09:00:00+00"),
    ],
)
def test_adjacent_invalid_times_never_combine(tmp_path: Path, column: str, short: str, long: str) -> None:
    """Each value is parsed on its own: two adjacent invalid texts never combine into two valid times."""
    lines = lines_of(a_row(), a_row(**{column: short}), a_row(**{column: long}), a_row())

    with pytest.raises(ValueError, match=r"time"):
        Columns(HEADER, Engine(tmp_path), {}).rows(lines)


def test_a_mark_before_the_first_row_is_part_of_its_value(tmp_path: Path) -> None:
    """
    A byte order mark before the first row is part of its direction, so the reader refuses the row.

    The engine reads another word as well. Arrow would drop a byte order mark wherever it begins to read.
    """
    lines = b"\xef\xbb\xbf" + lines_of(a_row())

    with pytest.raises(ValueError, match=r"."):
        Columns(HEADER, Engine(tmp_path), {}).rows(lines)


def test_a_header_that_ends_in_a_carriage_return_alone_costs_no_row(
    store: CallStore, export: Callable[..., Path]
) -> None:
    """A header that ends in a bare carriage return is recognized, and the row after it is stored."""
    rows = rows_at(NOON, NOON + HOUR, NOON + 2 * HOUR)
    path = export(as_csv(rows).replace("\n", "\r", 1))

    (result,) = import_files(store, [path])

    assert (3, 0, "") == (result.kept, result.rejected, result.error)


@pytest.mark.parametrize("damage", ["cut", "empty"])
@pytest.mark.parametrize("which", ["traffic", "spans"])
def test_damaged_staged_file_is_read_again(
    store: CallStore, tmp_path: Path, export: Callable[..., Path], which: str, damage: str
) -> None:
    """A staged file damaged by a power failure is not stored: the import reads the export again."""
    path = export(rows_at(*(NOON + n * HOUR for n in range(4))))
    whole = CallStore(tmp_path / "whole")
    import_files(whole, [path])
    import_files(store, [path], stop=lambda: any(store.generations.work.glob("staged/*/staged.json")))
    (beside,) = store.generations.work.glob(f"staged/*/*-{which}*")
    text = beside.read_bytes()
    beside.write_bytes(text[: len(text) // 48 * 24] if damage == "cut" else b"")

    (result,) = import_files(store, [path])

    assert (4, "") == (result.kept, result.error)
    assert load_of(whole) == load_of(store)
    assert store.traffic(since=NOON - DAY).equals(whole.traffic(since=NOON - DAY))


def many_at(day: int) -> list[Row]:
    """Return calls of a day in order, as many as a file needs to be cut into days."""
    midnight = NOON - 12 * HOUR + day * DAY
    return [*rows_at(*(midnight + timedelta(seconds=60 * n) for n in range(1440)))]


@pytest.mark.parametrize("pieces", [1, 3])
def test_a_call_of_more_than_a_day_has_one_load(
    store: CallStore, tmp_path: Path, export: Callable[..., Path], pieces: int
) -> None:
    """A call longer than a day gives the same load per minute in one file or three, in columns or by the engine."""
    lasts = a_row(start_time=at(NOON - 12 * HOUR), end_time=at(NOON + 2 * DAY))
    days = [[lasts, *many_at(0)], many_at(1), many_at(2)]
    every = [row for day in days for row in day]
    engine = CallStore(tmp_path / "engine")
    import_files(engine, [export("\n" + as_csv(every), "engine.csv")])
    for number, rows in enumerate([every] if pieces == 1 else days):
        import_files(store, [export(rows, f"{number}.csv")])

    assert load_of(engine) == load_of(store)


def test_memory_does_not_grow_with_parsed_addresses(tmp_path: Path) -> None:
    """Each call may come from its own port: memory does not grow with the number of imported calls."""
    customers: Customers = {}
    columns = Columns(HEADER, Engine(tmp_path), customers)
    model = lines_of(a_row(customer_ip="@")).decode()
    for piece in range(4):
        said = (f"198.51.100.{piece}:{port}" for port in range(50_000))
        columns.rows("".join(model.replace("@", text) for text in said).encode())

    assert len(customers) <= MOST_REMEMBERED
