"""The columnar reader gives the same rows as the engine, and its aggregates equal those of the engine's SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from dashboard.calls.ingest.columnar import Columns
from dashboard.calls.ingest.columns import PARTS
from dashboard.calls.ingest.minute_load import as_started, spans_of
from dashboard.calls.ingest.rollup import combine, roll_up
from dashboard.calls.store.engine import Engine
from dashboard.calls.store.own_numbers import EVERY_NUMBER, OwnNumbers
from tests.calls.exports import HEADER, Row, a_row, as_csv
from tests.calls.ingest.staged import shared_engine, staged_alone
from tests.examples import times

DAY = datetime(2026, 11, 2)  # noqa: DTZ001 - times of the store are naive UTC
FAR = a_row(start_time="2026-10-01 12:00:00+00", end_time="2026-10-01 12:00:00+00")
"""A call of another month: a file that contains it is not cut into days, so the engine reads it."""
WITH_IDS = [*HEADER, "sip_callid", "cdr_id"]
TIMES = ["2026-11-02 09:00:00+00", "2026-11-02 23:59:59+00", "2026-11-02 00:00:00+00", "2026-11-02 09:00:59+00"]
ODD_TIMES = ["2026-11-02 24:00:00+00", "2026-11-02 9:00:00+00", "2026-11-02T09:00:00+00", "2026-11-02 09:00:60+00", "x"]
WHOLE = ["0", "60", "1e2", " 7 ", "-0", "007", "60.0", "1.99999", "1.0000000001", "0x10", "N/A", "", "null", "9" * 12]
USD = [
    "0.00000000",
    "0.0098",
    "-1.5",
    "1e-8",
    "0.123456789",
    "1e-9",
    "10000",
    "10000.01",
    "0.00980000001",
    "nan",
    "inf",
]
CHOSEN: dict[str, list[str]] = {
    "direction": ["Outbound", "inbound", " OUTBOUND ", "sideways", ""],
    "start_time": [*TIMES, *ODD_TIMES, ""],
    "end_time": ["2026-11-03 00:00:10+00", *TIMES, *ODD_TIMES, "", "N/A", "2026-02-30 09:00:00+00"],
    "destination": ["12065550100", "+12065550100", "12065550100.0", "", "anonymous", " 1206 ", "(206) 555-0100", "1_0"],
    "callerid": ["14255550111", "+14255550111", "Jos\u00e9", "", "0x1"],
    "number_alias": ["", "Front desk", 'The "main", desk', "two\nlines", " blank ", "\u00a0no-break"],
    "result": ["completed", "failed", " Canceled ", ""],
    "call_fail_sip_code": ["200", "403", "487", "0", "", "N/A", "99", "700", "4e2"],
    "call_fail_reason": ["OK", "Tech Prefix and IP not in ACL", "acl", "Vacl", ""],
    "duration": WHOLE,
    "billed_duration": WHOLE,
    "total_cost": USD,
    "rate": USD,
    "custom_x_tag": ["seattle", "", "\tseattle", "NULL"],
    "customer_ip": [
        *("198.51.100.11:5060", "198.51.100.11", "198.51.100.11:70000", "198.51.100.11:", "", "[2001:db8::7]:5060"),
        *("2001:DB8::0007", "::ffff:198.51.100.11", "nowhere", "1.2.3.4.5:6", "198.51.100.11:05060"),
    ],
    "sip_callid": ["", "a@b", " c "],
    "cdr_id": ["", "17", "#17"],
}
PLAIN = st.fixed_dictionaries({name: st.sampled_from(texts[:2]) for name, texts in CHOSEN.items()})
ONE_ODD = st.sampled_from([(name, text) for name, texts in CHOSEN.items() for text in texts])


def by_columns(rows: Sequence[Row], header: list[str]) -> pyarrow.Table | None:
    """Read rows with the columnar reader; empty if it refuses them."""
    lines = as_csv(rows, header).partition("\n")[2].encode()
    try:
        return Columns(header, shared_engine(), {}).rows(lines)
    except ValueError:
        return None


def by_engine(rows: Sequence[Row], header: list[str], folder: Path) -> list[dict[str, object]]:
    """Read rows with the engine, without rejected rows."""
    path = folder / "export.csv"
    path.write_text(as_csv([FAR, *rows], header), encoding="utf-8")
    found = staged_alone(path, folder / "work", shared_engine())
    assert not found.facts
    parts = [part for day, parts in found.days.items() if day.month == DAY.month for part in parts]
    return [row for part in parts for row in pyarrow.parquet.ParquetFile(part).read().to_pylist()]


def in_order(rows: Sequence[dict[str, object]]) -> list[list[str]]:
    """Sort rows for comparison, without the ordinals of equal rows, limited to one part of the store."""
    return sorted(
        [repr((name, row[name])) for name in PARTS["calls"] if name not in {"row_hash", "nth"}] for row in rows
    )


@settings(max_examples=times(25), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=st.lists(PLAIN, min_size=1, max_size=4), odd=ONE_ODD, also=ONE_ODD)
@example(rows=[{}], odd=("start_time", ""), also=("end_time", ""))
@example(rows=[{}], odd=("total_cost", "nan"), also=("duration", "inf"))
@example(rows=[{"rate": "0"}, {}], odd=("rate", "nan"), also=("rate", "nan"))
def test_accepted_rows_equal_those_of_the_engine(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, str]], odd: tuple[str, str], also: tuple[str, str]
) -> None:
    """
    Where the columnar reader accepts the rows, the engine accepts all of them with the same values.

    Cells contain arbitrary text.
    """
    made = [a_row(**row) for row in rows]
    made[-1] |= dict([odd, also])
    taken = by_columns(made, WITH_IDS)
    event("refused" if taken is None else "taken")
    if taken is not None:
        folder = tmp_path_factory.mktemp("columns")
        assert in_order(by_engine(made, WITH_IDS, folder)) == in_order(taken.to_pylist())


@pytest.mark.parametrize(
    ("column", "text"),
    [
        *((name, text) for name in ("duration", "billed_duration") for text in ("", "N/A", " 7 ", "60.0", "007")),
        *(("end_time", text) for text in ("", "2026-11-03 00:00:10+00")),
        *(("customer_ip", text) for text in ("198.51.100.11", "", "[2001:db8::7]:5060", "2001:DB8::0007")),
        *(("callerid", text) for text in ("+14255550111", "anonymous", "Jos\u00e9", "")),
        ("number_alias", 'The "main", desk'),
        ("total_cost", "1e-8"),
        ("call_fail_sip_code", "0"),
        ("custom_x_tag", " seattle "),
    ],
)
def test_formats_of_real_exports_are_accepted(tmp_path: Path, column: str, text: str) -> None:
    """The columnar reader accepts the formats of real exports; the engine would take twice as long."""
    rows = [a_row(), a_row(**{column: text})]
    taken = by_columns(rows, HEADER)

    assert taken is not None
    assert in_order(by_engine(rows, HEADER, tmp_path)) == in_order(taken.to_pylist())


def test_columns_that_a_file_lacks_are_empty(tmp_path: Path) -> None:
    """Only ten columns are required, in any order; other columns are ignored."""
    needed = ["customer_ip", "mine", "duration", "call_fail_reason", "call_fail_sip_code", "result", "total_cost"]
    header = [*needed, "callerid", "destination", "start_time", "direction"]
    named = [f"ignored_{at}" if name == "mine" else name for at, name in enumerate(header)]
    rows = [{**a_row(), "mine": "x"}]
    lines = as_csv(rows, header).partition("\n")[2].encode()
    taken = Columns(named, Engine(tmp_path), {}).rows(lines)

    assert in_order(by_engine(rows, header, tmp_path)) == in_order(taken.to_pylist())
    assert set(PARTS["calls"]) == set(taken.column_names)


@pytest.mark.parametrize(
    "spoiled",
    [
        lambda line: line.replace("completed", 'comp"leted'),
        lambda line: line.replace("completed", '"comp"leted'),
        lambda line: line.replace("completed", '"completed'),
        lambda line: line + "\n",
        lambda line: line.replace("completed", "completed,"),
        lambda line: line.replace("completed", "x" * (1 << 17)),
        lambda line: line.replace("completed", "comp\rleted"),
    ],
)
def test_ambiguous_csv_is_left_to_the_engine(tmp_path: Path, spoiled: object) -> None:
    """The columnar reader refuses ambiguous CSV and leaves it to the engine."""
    lines = as_csv([a_row(), a_row()]).partition("\n")[2]
    assert callable(spoiled)

    with pytest.raises(ValueError, match=r"."):
        Columns(HEADER, Engine(tmp_path), {}).rows(spoiled(lines.splitlines()[0] + "\n").encode() + lines.encode())


def many() -> list[Row]:
    """Return calls of every kind over a day, some of them equal except for the second."""
    rows = []
    for number in range(600):
        began = DAY.replace(tzinfo=UTC) + timedelta(seconds=143 * number)
        ended = began + timedelta(seconds=number * 37 % 4000)
        result, code, reason = [("completed", "200", "OK"), ("failed", "403", "IP not in ACL"), ("failed", "", "")][
            number % 3
        ]
        rows.append(
            a_row(
                direction="Inbound" if number % 4 == 0 else "Outbound",
                start_time=f"{began:%Y-%m-%d %H:%M:%S}+00",
                end_time="" if number % 11 == 0 else f"{ended:%Y-%m-%d %H:%M:%S}+00",
                custom_x_tag="" if number % 5 == 0 else "seattle",
                callerid=f"1425555010{number % 3}",
                result=result,
                call_fail_sip_code=code,
                call_fail_reason=reason,
                duration="" if number % 13 == 0 else str(number % 9),
                total_cost=f"0.0{number % 7}",
            )
        )
    return rows


@pytest.fixture
def taken(tmp_path: Path) -> tuple[pyarrow.Table, Engine, list[str]]:
    """Return calls as columns, an engine, and the part written from them."""
    found = by_columns(many(), HEADER)
    assert found is not None
    pyarrow.parquet.write_table(found, tmp_path / "calls.parquet", store_schema=False)
    return found, Engine(tmp_path), [str(tmp_path / "calls.parquet")]


@pytest.mark.parametrize("own", [EVERY_NUMBER, OwnNumbers(frozenset()), OwnNumbers(frozenset({"14255550101"}))])
@pytest.mark.parametrize("pieces", [1, 3])
def test_rollup_equals_that_of_the_engine(
    taken: tuple[pyarrow.Table, Engine, list[str]], tmp_path: Path, pieces: int, own: OwnNumbers
) -> None:
    """In one piece or in several, the roll-up has the same rows, sums and types as the engine's."""
    calls, engine, parts = taken
    asked = {"calls": parts, "since": DAY, "until": DAY + timedelta(days=1), "hours": None, "cuts": []}
    expected = engine.fetch("rollup", asked | own.parameters, operation="roll up", tables=own.tables)
    size = -(-len(calls) // pieces)
    added = combine([roll_up(calls.slice(begin, size), own) for begin in range(0, len(calls), size)])
    pyarrow.parquet.write_table(added, tmp_path / "traffic.parquet", store_schema=False)
    made = pyarrow.parquet.ParquetFile(tmp_path / "traffic.parquet").read()

    assert sorted(map(repr, expected.to_pylist())) == sorted(map(repr, made.select(expected.column_names).to_pylist()))
    assert expected.schema.types == made.select(expected.column_names).schema.types
    assert list(made["hour_at"].to_pylist()) == sorted(made["hour_at"].to_pylist()) or pieces > 1


def test_spans_equal_those_of_the_engine(taken: tuple[pyarrow.Table, Engine, list[str]]) -> None:
    """Each call's direction, start and end in progress equal the engine's."""
    calls, engine, parts = taken
    asked = {"calls": parts, "since": DAY, "until": DAY + timedelta(days=1)}
    expected = engine.fetch("load", asked, operation="weigh")

    assert sorted(map(repr, expected.to_pylist())) == sorted(map(repr, as_started(spans_of(calls), DAY).to_pylist()))
