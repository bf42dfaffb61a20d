"""The result for a row does not depend on neighboring rows or on the reader."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dashboard.calls.ingest.importer import import_files
from dashboard.calls.store.store import CallStore
from tests.calls.exports import NOON, a_row, as_csv, rows_at

Export = Callable[..., Path]
ODD = {
    "duration": ("1e2", "5e-1", "1_000", "1.99999", "60.", " 7 ", "+5", "-0", "0x10", "1 000", "9999999999"),
    "total_cost": ("1_0", "0.000000009", "$1", "10000.01", "N/A", " 0.5", "-0.01", "-10000.01"),
    "start_time": (
        "2026-11-02 1:00:00+00",
        "2026-11-2 01:00:00+00",
        "2026-11-02  01:00:00+00",
        "2026-11-02 12:00-05+00",
        "26-11-02 01:00:00+00",
        "infinity",
        "2026-11-02 01:00:00+00 ",
        "2026-11-02 24:00:00+00",
    ),
    "customer_ip": ("2001:0DB8::0001", "[2001:db8::1", "198.51.100.11:70000", "0.0.0.0", "0.0.0.0:5060", "[::]:5060"),  # noqa: S104 - cell of a CDR file
    "destination": ("12065550100.0",),
}
BESIDE = {
    "nothing": [],
    "a row that is put aside": [a_row(direction="sideways", customer_ip="192.0.2.7:5060")],
    "a time in another form": [a_row(customer_ip="192.0.2.7:5060", end_time="2026-11-02T13:00:00Z")],
}


def fate(folder: Path, export: Export, column: str, text: str, beside: str) -> tuple[int, list[dict[str, Any]]]:
    """Import the odd row with others; return whether it was rejected, and its stored values."""
    store = CallStore(folder / beside)
    rows = [a_row(**{column: text}), *BESIDE[beside]]
    (result,) = import_files(store, [export(rows, f"{beside}.csv")])
    calls = store.calls()
    mine = calls[calls["source_ip"] != "192.0.2.7"].drop(columns="call_key")
    assert not result.error
    return result.rejected - (beside == "a row that is put aside"), mine.astype("str").to_dict("records")


@pytest.mark.parametrize(("column", "text"), [(column, text) for column, texts in ODD.items() for text in texts])
def test_row_independence_of_other_rows(tmp_path: Path, export: Export, column: str, text: str) -> None:
    """A row is stored or rejected alike: alone, beside a bad row, and in a file of another form."""
    alone, *others = (fate(tmp_path, export, column, text, beside) for beside in BESIDE)

    assert 1 == alone[0] + len(alone[1])
    assert [alone] * len(others) == others


MANY_LINES = "line\n" * 900
PADDED = {
    "a blank after a closing quote": ("Outbound,", '"Outbound" ,'),
    "blanks on both sides of quotes": (",UNITED STATES,", ', "UNITED STATES"  ,'),
    "two blanks before quotes": (",UNITED STATES,", ',  "UNITED STATES",'),
    "two blanks before quotes around a comma": (",UNITED STATES,", ',  "UNITED, STATES",'),
    "a quote after two blanks": (",UNITED STATES,", ',  "UNITED STATES,'),
    "commas after the last value": (",198.51.100.11:5060", ",198.51.100.11:5060,,,"),
    "quoted values after the last one": (",198.51.100.11:5060", ',198.51.100.11:5060,"",""'),
    "a blank after the last closing quote": (",198.51.100.11:5060", ',"198.51.100.11:5060" '),
    "a blank between two quoted parts": (",UNITED STATES,", ',"UNITED" "STATES",'),
    "a blank before a value of two lines": (",UNITED STATES,N/A,", ',"UNITED STATES" ,"two\nlines" ,'),
    "a value of very many lines": (",UNITED STATES,", f',"{MANY_LINES}",'),
}
"""By change: a text of a row, and what replaces it; the row stays a call."""
BROKEN = {
    "text after a closing quote": (",UNITED STATES,", ',"UNITED" STATES,'),
    "a tab after a closing quote": (",UNITED STATES,", ',"UNITED STATES"\t,'),
    "a quote that is not closed": ("Outbound,", '"Outbound,'),
    "a value without its comma": (",UNITED STATES,", ",UNITED STATES"),
}
"""By change: a text of a row, and what replaces it; the row is rejected."""
PLACES = (1, 20)
"""Lines of the row: among the rows that select the reader, and after them."""


def fate_in_place(folder: Path, export: Export, row: str, place: int, beside: str) -> tuple[int, list[dict[str, Any]]]:
    """Import a row among 24 others; return whether it was rejected, and its stored values."""
    others = rows_at(*(NOON + timedelta(minutes=n) for n in range(24)), customer_ip="192.0.2.7:5060")
    lines = as_csv([*others, *BESIDE[beside]]).splitlines(keepends=True)
    lines.insert(place, row)
    store = CallStore(folder / f"{beside} {place}")
    (result,) = import_files(store, [export("".join(lines), f"{beside}.csv")])
    calls = store.calls()
    mine = calls[calls["source_ip"] != "192.0.2.7"].drop(columns="call_key")
    assert not result.error
    return result.rejected - (beside == "a row that is put aside"), mine.astype("str").to_dict("records")


@pytest.mark.parametrize(
    ("old", "new", "rejected"),
    [*((*change, 0) for change in PADDED.values()), *((*change, 1) for change in BROKEN.values())],
    ids=[*PADDED, *BROKEN],
)
def test_quotes_independence_of_place_and_of_other_rows(
    tmp_path: Path, export: Export, old: str, new: str, rejected: int
) -> None:
    """A row with unusual quotes is stored or rejected alike wherever it is, and beside whatever row."""
    row = as_csv([a_row()]).partition("\n")[2].replace(old, new)
    assert new in row

    fates = [fate_in_place(tmp_path, export, row, place, beside) for place in PLACES for beside in BESIDE]

    assert [(rejected, 1 - rejected)] * len(fates) == [(bad, len(mine)) for bad, mine in fates]
    assert [fates[0]] * len(fates) == fates
