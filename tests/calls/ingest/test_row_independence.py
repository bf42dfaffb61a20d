"""The result for a row does not depend on neighboring rows or on the reader."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dashboard.calls.ingest.importer import import_files
from dashboard.calls.store.store import CallStore
from tests.calls.exports import a_row

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
