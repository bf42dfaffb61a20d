"""
Pasted tables: names, addresses and numbers in any column order, with or without a header line.

A pasted table is not a file on disk; the caller names it with ``table_name``. The content of a column is determined by
its header, else by its cells. A PBX without an id gets one derived from its name, so that pasting the same table twice
changes nothing. A cell may have several addresses or numbers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from dashboard.core.errors import FileError, InputError
from dashboard.core.text import one_line
from dashboard.pbx.inventory.cells import RULES
from dashboard.pbx.inventory.columns import column_named, numbers_in, pieces
from dashboard.pbx.inventory.ids import pbx_id_of
from dashboard.pbx.inventory.rows import InventoryRow, Problem, ReaderResult, problem_of
from dashboard.pbx.readers.text_records import TextRecord, decode, records

MARK: Final = "Table: "
MOST_ROWS: Final = 2_000
"""Maximum number of rows read from one table; more are impractical to review and can be pasted afterwards."""
SAMPLE_ROWS: Final = 50
"""Number of rows used to guess the content of columns without headers."""
SHOWN = 120
ENOUGH: Final = 0.6
"""Minimum share of a column's cells that must look like its kind."""

OWN_NAMES: Final = {"pbx": "name"}
"""Column by header, for headers with another meaning in pasted tables than in files."""
COLUMNS: Final = frozenset(RULES["pbxs"]) | {"address", "number", "country"}
MAKES: Final = frozenset({"asterisk", "freepbx", "freeswitch", "kamailio"})
CARRIER: Final = ".sip.flowroute.com"
FEWEST_DIGITS: Final = 7
_ADDRESS = re.compile(r"[\d.]*\d\.\d[\d.]*(/\d+)?|[0-9a-f]*:[0-9a-f:]*:[0-9a-f:.]*(/\d+)?", re.IGNORECASE)
_NUMBER = re.compile(r"\+?[\d\s().-]{7,20}")
_HOST = re.compile(r"[a-z0-9][a-z0-9-]*(\.[a-z0-9-]+)+(:\d+)?", re.IGNORECASE)


@dataclass(frozen=True)
class TableLayout:
    """Assignment of a table's columns to inventory columns."""

    columns: Mapping[str, int]
    """Index in the table by inventory column."""
    left_out: tuple[str, ...]
    """Headers, or positions, of columns that are not read."""
    headed: bool
    """Whether the first line is a header line."""


def table_name(name: str) -> str:
    """Return the name under which this reader accepts a table."""
    return f"{MARK}{name}"


def accepts(name: str, data: bytes) -> bool:  # noqa: ARG001 - all readers have the same interface
    """Return whether this reader supports a file."""
    return name.startswith(MARK)


def read(name: str, data: bytes) -> ReaderResult:
    """
    Read one table.

    Args:
        name: Name from ``table_name``; messages show it without its mark.
        data: Content of the table.

    Returns:
        Rows as text with their first line, and the problems.
    """
    display_name = name.removeprefix(MARK)
    try:
        table_records = _records(display_name, data)
        layout = _with_names(_layout(table_records), display_name)
    except FileError as exc:
        return ReaderResult(problems=(problem_of(exc),))
    rows: list[InventoryRow] = []
    problems: list[Problem] = []
    body = table_records[1:] if layout.headed else table_records
    width = max(len(record.cells) for record in table_records[: 1 if layout.headed else SAMPLE_ROWS])
    for record in body[:MOST_ROWS]:
        try:
            rows += _rows(display_name, record, layout)
        except InputError as exc:
            problems.append(Problem(display_name, record.line, "", str(exc), ", ".join(record.cells)[:SHOWN]))
            continue
        beyond = [cell.strip() for cell in record.cells[width:] if cell.strip()]
        if beyond:
            message = (
                "The line has more cells than the table has columns. A comma inside a cell needs quotes around it."
            )
            problems.append(Problem(display_name, record.line, "", message, ", ".join(beyond)[:SHOWN]))
    if len(body) > MOST_ROWS:
        message = f"The table has {len(body):,} rows, and {MOST_ROWS:,} are read at once. Paste the rest afterwards."
        problems.append(Problem(display_name, body[MOST_ROWS].line, "", message))
    if not body:
        problems.append(Problem(display_name, None, "", "There is nothing below the headers. Add a row for each PBX."))
    return ReaderResult(tuple(rows), tuple(problems))


def layout_of(name: str, data: bytes) -> TableLayout | None:
    """Return the layout of a table; ``None`` if the data is not a table."""
    try:
        return _layout(_records(name.removeprefix(MARK), data))
    except FileError:
        return None


def _records(name: str, data: bytes) -> list[TextRecord]:
    parsed = list(records(decode(name, data)))
    if not parsed:
        raise FileError("It is empty. Paste a row for each PBX.", file=name)
    return parsed


def _layout(table_records: Sequence[TextRecord]) -> TableLayout:
    head = table_records[0].cells
    recognized = [_column(cell) for cell in head]
    if any(recognized) and not any(_looks(cell) in ("address", "number") for cell in head):
        columns: dict[str, int] = {}
        for index, column in enumerate(recognized):
            if column:
                columns.setdefault(column, index)
        unused = [
            one_line(cell, SHOWN) or f"column {n}" for n, cell in enumerate(head, 1) if n - 1 not in columns.values()
        ]
        return TableLayout(columns, tuple(unused), headed=True)
    return _guessed(table_records[:SAMPLE_ROWS])


def _with_names(layout: TableLayout, name: str) -> TableLayout:
    """
    Return the layout unchanged if it identifies the PBX of a line.

    Raises:
        FileError: The layout has no column with names or ids.
    """
    if "name" in layout.columns or "pbx_id" in layout.columns:
        return layout
    raise FileError("No column has names. Put the name of each PBX in front, or a line of headers above.", file=name)


def _column(cell: str) -> str:
    return column_named(cell, COLUMNS, OWN_NAMES)


def _guessed(sample_records: Sequence[TextRecord]) -> TableLayout:
    """Guess columns from their cells; the first column of a kind is used, and the first text column has the names."""
    columns: dict[str, int] = {}
    unused: list[str] = []
    for index in range(max(len(record.cells) for record in sample_records)):
        cells = [record.cells[index].strip() for record in sample_records if len(record.cells) > index]
        looks = [_looks(cell) for cell in cells if cell]
        if "address" in looks:  # in an address column, "dynamic" counts as an address
            looks = ["address" if candidate == "ip_kind" else candidate for candidate in looks]
        best = max(sorted(set(looks)), key=looks.count, default="")
        kind = best if best and looks.count(best) >= ENOUGH * len(looks) else "text"
        candidates = ("name", "site") if kind == "text" else (kind,)
        column = next((candidate for candidate in candidates if candidate not in columns), "")
        if column and looks:
            columns[column] = index
        elif looks:
            unused.append(f"column {index + 1}")
    return TableLayout(columns, tuple(unused), headed=False)


def _looks(cell: str) -> str:
    """Return the kind of column that a cell looks like: a column name, ``text``, or ``""`` for an empty cell."""
    text = cell.strip().lower()
    kinds = {
        "": not text,
        "address": all(map(_ADDRESS.fullmatch, pieces(text))),
        "number": all(map(_looks_a_number, numbers_in(text))),
        "ip_kind": text in ("static", "dynamic"),
        "vendor": text in MAKES,
        "pop": bool(_HOST.fullmatch(text)) and text.endswith(CARRIER),
        "inbound_host": bool(_HOST.fullmatch(text)),
    }
    return next((kind for kind, matches in kinds.items() if matches), "text")


def _looks_a_number(text: str) -> bool:
    return bool(_NUMBER.fullmatch(text)) and sum(map(str.isdigit, text)) >= FEWEST_DIGITS


def _rows(name: str, record: TextRecord, layout: TableLayout) -> list[InventoryRow]:
    """
    Return the rows of one line.

    Raises:
        InputError: The line cannot be read, or does not name a PBX.
    """
    if record.fault:
        raise InputError(record.fault)
    cells = {column: record.cells[index] for column, index in layout.columns.items() if index < len(record.cells)}
    pbx_cells = {column: text for column, text in cells.items() if column in RULES["pbxs"] and text.strip()}
    if not pbx_cells.get("name") and not pbx_cells.get("pbx_id"):
        raise InputError("The line names no PBX. Write its name.")
    made_of = "" if pbx_cells.get("pbx_id") else " ".join(pbx_cells["name"].split())
    pbx_id = pbx_id_of(pbx_cells["name"]) if made_of else pbx_cells["pbx_id"].strip()
    addresses = pieces(cells.get("address", ""))
    if [item.lower() for item in addresses] in (["dynamic"], ["dhcp"]):
        addresses = []
        pbx_cells["ip_kind"] = "dynamic"
    implied: dict[str, str] = {"name": pbx_id}
    if pbx_cells.get("ip_kind", "").strip().lower() == "dynamic":
        implied |= {"auth_method": "credentials", "dials_prefix": "no"}
    values = {**implied, **pbx_cells, "pbx_id": pbx_id}
    only_new = frozenset(implied) - frozenset(pbx_cells)
    numbers = numbers_in(cells.get("number", ""))
    has_details = bool(addresses or numbers)
    rows = [InventoryRow("pbxs", name, record.line, values, brings_more=has_details, only_new=only_new)]
    rows += [
        InventoryRow("pbx_addresses", name, record.line, {"pbx_id": pbx_id, "address": item}) for item in addresses
    ]
    country = cells.get("country", "")
    rows += [
        InventoryRow("pbx_numbers", name, record.line, {"pbx_id": pbx_id, "number": item}, country=country)
        for item in numbers
    ]
    return [replace(row, made_of=made_of) for row in rows]
