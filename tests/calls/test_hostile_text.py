"""CDRs with control and invisible characters: stored and searchable, but never displayed raw."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow
import pytest

from dashboard.calls.ingest.day_slices import LEAST_BYTES
from dashboard.calls.ingest.importer import import_files
from dashboard.calls.pbx_records.reader import readers
from dashboard.calls.pbx_records.readers.freeswitch_csv import TEMPLATES
from dashboard.calls.pbx_records.store import PbxRecords
from dashboard.calls.store.engine import sanitize_table
from dashboard.calls.store.store import CallStore
from dashboard.charts.charts import top_destinations
from dashboard.core.text import MARK, UNSAFE
from dashboard.web.components import tables as table_components
from dashboard.web.components.charts import prepared
from tests.calls.exports import HEADER, a_row, as_csv
from tests.calls.ingest.cdr_files import slow
from tests.calls.pbx_records.pbx_files import PREFIX, master, origin, switched
from tests.texts import golden

HOSTILE = "a\u202eb\x1b[2Jc\x9b31md\x07\u200b"
SINCE = datetime(2026, 10, 1, tzinfo=UTC)
TEXTS = (
    "destination",
    "callerid",
    "number_alias",
    "destination_name",
    "callerid_country",
    "line_information",
    "call_fail_reason",
    "custom_x_tag",
    "sip_callid",
    "cdr_id",
)
"""Columns that accept any text."""
ODD_ADDRESSES = (
    HOSTILE,
    "\u202e198.51.100.11:5060",
    "198.51.100.11\u200b:5060",
    "198.51.100.11:5060\x1b[2J",
    "[2001:db8::1]\x9b31m:5060",
    "=198.51.100.11",
    "<b>198.51.100.11</b>",
    "１９８.51.100.11",  # noqa: RUF001 - full-width digits are the test case
    "::ffff:198.51.100.11\u202e",
    "0.0.0.0:5060",
    "0.0.0.0",  # noqa: S104 - cell of a CDR file
    "0.1.2.3:5060",
    "::ffff:0.0.0.0",
    "[::ffff:0:0]:5060",
    "[::]:5060",
)


def as_columns(text: str) -> bytes:
    """Return a file that is large enough for the columnar reader."""
    head, *rows = text.splitlines()
    note = "x" * min(60_000, LEAST_BYTES // len(rows) + 1)
    return "\n".join([f"{head},note", *(f"{row},{note}" for row in rows), ""]).encode()


def line_by_line(text: str) -> bytes:
    """Return a file that is read line by line."""
    content = slow(text.encode())
    assert content
    return content


WAYS: dict[str, Callable[[str], bytes]] = {
    "columns": as_columns,
    "typed": str.encode,
    "text": lambda text: text.replace("+00", "Z").encode(),
    "slow": line_by_line,
}
"""Files for each way in which a file of the carrier is read."""


def unseen(*frames: pd.DataFrame) -> list[str]:
    """Return every test text with an invisible or control character."""
    texts = [str(text) for frame in frames for text in frame.astype(object).to_numpy().ravel()]
    return [text for text in texts if UNSAFE.search(text)]


@pytest.mark.parametrize("way", WAYS)
def test_stored_texts_are_returned_without_control_characters(store: CallStore, tmp_path: Path, way: str) -> None:
    """No reader returns a raw control character, and a call is found by the text of its file."""
    path = tmp_path / f"{HOSTILE}.csv"
    rows = [a_row(**dict.fromkeys(TEXTS, HOSTILE)), a_row(direction="Inbound", customer_ip=HOSTILE)]
    path.write_bytes(WAYS[way](as_csv(rows, [*HEADER, "sip_callid", "cdr_id"])))

    (result,) = import_files(store, [path])
    traffic = store.traffic(since=SINCE)
    calls = store.calls(among=traffic)

    assert (2, 0, "") == (result.kept, result.rejected, result.error)
    assert 2 == len(calls)
    assert [] == unseen(calls, store.destinations(among=traffic))
    assert MARK in "".join(calls["x_tag"]) + "".join(calls["source_ip"])


@pytest.mark.parametrize("way", WAYS)
def test_an_outbound_source_that_is_no_address_is_a_bad_row(store: CallStore, tmp_path: Path, way: str) -> None:
    """The row is rejected with line, column and reason, and is no source of calls; an inbound row is stored."""
    path = tmp_path / f"{HOSTILE}.csv"
    rows = [a_row(customer_ip=address) for address in ODD_ADDRESSES]
    rows += [a_row(direction="Inbound", customer_ip=address) for address in ODD_ADDRESSES]
    path.write_bytes(WAYS[way](as_csv(rows)))

    (result,) = import_files(store, [path])
    traffic = store.traffic(since=SINCE)
    rejects = store.rejects()

    assert (len(ODD_ADDRESSES), len(ODD_ADDRESSES), "") == (result.kept, result.rejected, result.error)
    assert {"inbound"} == set(traffic["direction"])
    assert any(
        column == "customer_ip" and reason.endswith(golden("errors.csv.not_a_source_address") + ".")
        for column, reason in zip(rejects["column"], rejects["reason"], strict=True)
    )
    assert [] == unseen(rejects, store.calls())


def _asterisk() -> list[str]:
    """Return lines of Master.csv: a call over the trunk, a call over another trunk, a malformed line."""
    changed = dict.fromkeys(("account", "source", "caller", "channel", "context", "flags"), HOSTILE)
    sent = master(**changed, data=f"PJSIP/{PREFIX}*12065550100@flowroute,20{HOSTILE}", more=(HOSTILE, HOSTILE))
    return [sent, master(**changed, disposition=HOSTILE), f"{HOSTILE},{HOSTILE}\n"]


def _freeswitch() -> list[str]:
    """Return lines of a template: a call, a call with an invalid time, a malformed line."""
    fields = TEMPLATES["example"]
    changed = {"caller_id_number": HOSTILE, "caller_id_name": HOSTILE, "hangup_cause": "NORMAL_CLEARING"}
    return [
        switched(fields, **changed),
        switched(fields, **changed, start_stamp=HOSTILE),
        f"{HOSTILE},{HOSTILE}\n",
    ]


PBX_FILES: dict[str, Callable[[], list[str]]] = {"asterisk_csv": _asterisk, "freeswitch_csv": _freeswitch}
"""Lines by reader of PBX records; the first line is a call to the carrier."""


@pytest.mark.parametrize("reader", [one.__name__.rpartition(".")[2] for one in readers()])
def test_no_record_of_a_pbx_is_given_out_raw(store: CallStore, tmp_path: Path, reader: str) -> None:
    """Rows, rejects and import messages of every reader contain no raw control character."""
    kept = PbxRecords(store, lock_wait_s=0)
    path = tmp_path / f"{HOSTILE}.csv"
    path.write_text("".join(PBX_FILES[reader]()), encoding="utf-8")

    (result,) = kept.import_files([path], origin())
    attempts = kept.rows(SINCE).to_pandas()
    stored = [
        pd.read_parquet(kept.generations.path(name))
        for day in kept.generations.current().days.values()
        for name in day.calls
    ]

    assert (1, 2, "") == (result.kept, result.rejected, result.error)
    assert 2 == len(kept.rejects())
    assert [] == unseen(attempts, kept.rejects(), *stored)


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([HOSTILE], dtype="str"),
        pd.Series([HOSTILE], dtype=object),
        pd.Series([HOSTILE], dtype="category"),
        pd.Series([[HOSTILE], None], dtype=object),
        pd.Series([HOSTILE], dtype=pd.ArrowDtype(pyarrow.string())),
        pd.Series([HOSTILE], dtype=pd.ArrowDtype(pyarrow.large_string())),
    ],
    ids=lambda column: str(column.dtype),
)
def test_mixed_text_types_can_be_displayed(column: Any) -> None:
    """Frames and tables with mixed text types, including lists of texts, can be displayed."""
    frame = pd.DataFrame({"a": column, "b": 1})
    for made in (table_components.sanitized(frame), sanitize_table(pyarrow.Table.from_pandas(frame)).to_pandas()):
        assert MARK in str(made["a"].iloc[0])
        assert [] == unseen(made.map(str))


def test_no_chart_has_it_in_its_rows_or_its_drawing() -> None:
    """The chart's bars, sentences and notes contain destination names without raw control characters."""
    rows = pd.DataFrame({"zone": pd.Series([HOSTILE], dtype="str"), "calls": 1, "minutes": 1.0, "cost_usd": 1.0})
    made = prepared(top_destinations(rows, selected=HOSTILE))
    tables = [pyarrow.ipc.open_stream(told).read_all().to_pandas() for told in made.datasets.values()]

    assert MARK in "".join(tables[0].astype(str).to_numpy().ravel())
    assert [] == unseen(*tables)
    assert not UNSAFE.search(str(made.vega()["layer"]))
