"""
CSV reader: one file per frame, or one simple file with a PBX, its address and its number per line.

Columns are identified by name, ignoring case, spaces, hyphens and order; a note lists the columns that are not read.
Required are only ``pbx_id`` and the key columns of the frame. A cell may have several addresses or numbers.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from dashboard.core.errors import FileError
from dashboard.core.text import counted, join, one_line
from dashboard.pbx.inventory.cells import REQUIRED, RULES
from dashboard.pbx.inventory.columns import column_named, numbers_in, pieces, plain_name
from dashboard.pbx.inventory.rows import EDITABLE_FRAMES, InventoryRow, Problem, ReaderResult, problem_of
from dashboard.pbx.readers.text_records import TextRecord, decode, records

OWN_NAMES = {"pbx": "pbx_id"}
"""Column by header, for headers with another meaning in files than in pasted tables."""
KEYS = frozenset({"pbx_id", "address", "number"})
"""Columns that must not occur twice under any of their names, because it would be ambiguous which one counts."""
SHOWN_COLUMNS = 12
SPLIT = {"pbx_addresses": ("address", pieces), "pbx_numbers": ("number", numbers_in)}
"""Column and split function of frames for which one cell may give several rows."""
KNOWN = frozenset(column for name in EDITABLE_FRAMES for column in RULES[name]) | {"country"}
OWN = {name: frozenset(RULES[name]) - {"pbx_id"} for name in EDITABLE_FRAMES}


def accepts(name: str, data: bytes) -> bool:  # noqa: ARG001 - all readers have the same interface
    """Return whether this reader supports a file."""
    return name.lower().endswith((".csv", ".txt", ".tsv"))


def read(name: str, data: bytes) -> ReaderResult:
    """
    Read one file.

    Args:
        name: File name as the operator knows it; used in every message.
        data: Content of the file.

    Returns:
        Rows as text with their first line, and the problems.
    """
    try:
        file_records = records(decode(name, data))
        header = next(file_records, TextRecord(1, fault="It is empty. A file needs a header line and a row."))
        columns = _columns(name, header)
        unnamed = [index for index, cell in enumerate(header.cells) if not cell.strip()]
    except FileError as exc:
        return ReaderResult(problems=(problem_of(exc),))
    rows: list[InventoryRow] = []
    problems: list[Problem] = []
    frames = _frames(columns)
    filled: set[int] = set()
    for record in file_records:
        fault = record.fault or _width_fault(record, header)
        if fault:
            problems.append(Problem(name, record.line, "", fault, ",".join(record.cells)[: SHOWN_COLUMNS * 10]))
            continue
        filled.update(index for index in unnamed if record.cells[index].strip())
        cells = {column: record.cells[index] for column, index in columns.items()}
        rows += _rows(name, record, cells, frames)
    return ReaderResult(tuple(rows), tuple(problems), _unused_columns_note(name, header, columns, filled))


def _rows(name: str, record: TextRecord, cells: Mapping[str, str], frames: Sequence[str]) -> list[InventoryRow]:
    """Return the rows of one line: one per frame, or one per address and per number."""
    parts = [frame for frame in frames if frame == frames[0] or any(cells.get(c, "").strip() for c in _key(frame))]
    rows: list[InventoryRow] = []
    for frame in parts:
        values = {column: cells[column] for column in RULES[frame] if column in cells}
        column, split = SPLIT.get(frame, ("", pieces))
        for part in split(cells.get(column, "")) or [cells.get(column, "")]:
            row_cells = {**values, column: part} if column else values
            brings_more = len(parts) > 1
            rows.append(
                InventoryRow(
                    frame, name, record.line, row_cells, brings_more=brings_more, country=cells.get("country", "")
                )
            )
    return rows


def _columns(name: str, header: TextRecord) -> dict[str, int]:
    """
    Return the index of each known column.

    Raises:
        FileError: The header cannot be read, or a required column is missing or occurs twice.
    """
    if header.fault:
        raise FileError(header.fault, file=name, line=header.line)
    columns = _column_indexes(name, header)
    frame = next((candidate for candidate in EDITABLE_FRAMES if columns.keys() & OWN[candidate]), "")
    required = REQUIRED[frame] if frame else ("pbx_id", "name")
    for column in required:
        if column not in columns:
            raise FileError(
                f"The column is missing. The header has {_enumerate_headers(header.cells)}.",
                file=name,
                line=header.line,
                column=column,
            )
    return columns


def _column_indexes(name: str, header: TextRecord) -> dict[str, int]:
    """Return the index of each known column; a column's own name takes precedence over an alternative name."""
    exact: dict[str, int] = {}
    by_alias: dict[str, int] = {}
    for index, cell in enumerate(header.cells):
        column = column_named(cell, KNOWN, OWN_NAMES)
        if not column:
            continue
        target = exact if column == plain_name(cell) else by_alias
        if column in target or (column in KEYS and (column in exact or column in by_alias)):
            raise FileError("The column is there twice. Take one out.", file=name, line=header.line, column=column)
        target[column] = index
    columns = {**by_alias, **exact}
    return {column: columns[column] for column in sorted(columns, key=columns.__getitem__)}


def _enumerate_headers(cells: Sequence[str]) -> str:
    """Return headers for a sentence: the first ``SHOWN_COLUMNS``, and the number of the others."""
    return join((one_line(cell, 40) or "(empty)" for cell in cells), SHOWN_COLUMNS)


def _unused_columns_note(
    name: str, header: TextRecord, columns: Mapping[str, int], filled: Collection[int]
) -> tuple[Problem, ...]:
    """Return a note that lists the unused columns; a column without a header is listed only if it has content."""
    frames = _frames(columns)
    used = {column for frame in frames for column in RULES[frame]} | ({"country"} if "pbx_numbers" in frames else set())
    used_indexes = {index for column, index in columns.items() if column in used}
    unused = [
        cell if cell.strip() else f"column {index + 1}"
        for index, cell in enumerate(header.cells)
        if index not in used_indexes and (cell.strip() or index in filled)
    ]
    if not unused:
        return ()
    beginning = "The column was" if len(unused) == 1 else "These columns were"
    message = (
        f"{beginning} left out: {_enumerate_headers(unused)}. Read as "
        f"{', '.join(column for column in columns if column in used)}."
    )
    return (Problem(name, header.line, "", message),)


def _frames(columns: Mapping[str, int]) -> list[str]:
    """Return the frames whose required columns are present; the first is the file's main frame."""
    return [frame for frame in EDITABLE_FRAMES if set(REQUIRED[frame]) <= columns.keys()]


def _key(frame: str) -> tuple[str, ...]:
    return tuple(column for column in REQUIRED[frame] if column != "pbx_id")


def _width_fault(record: TextRecord, header: TextRecord) -> str:
    """Return the fault of a record with fewer cells than the header, or with more non-empty ones; else ``""``."""
    have = len(record.cells)
    header_width = len(header.cells)
    if have < header_width or any(cell.strip() for cell in record.cells[header_width:]):
        cells = counted(have, "cell")
        return (
            f"The row has {cells} and the header {header_width:,}. A comma inside a cell needs quotes around the cell."
        )
    return ""
