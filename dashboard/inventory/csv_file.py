"""
CSV files: one for each frame, or one simple file with a PBX, its address and its number on a line.

Columns are read by name: case, spaces and hyphens do not matter, their order does not, and unknown ones are
left out. Only ``pbx_id`` and what the frame is about are required.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from dashboard.errors import FileError
from dashboard.inventory._cells import REQUIRED, RULES
from dashboard.inventory._records import Record, decode, records
from dashboard.inventory._rows import FRAMES, Problem, Reading, Row, problem_of
from dashboard.texts import counted

NAMES: Mapping[str, str] = {
    "pbx": "pbx_id",
    "id": "pbx_id",
    "pbx_name": "name",
    "ip": "address",
    "ip_address": "address",
    "public_ip": "address",
    "did": "number",
    "phone_number": "number",
    "time_zone": "timezone",
    "host": "inbound_host",
    "xtag": "x_tag",
    "country_code": "country",
}
"""Other names that columns go by."""

MANY_COLUMNS = 200
SHOWN_COLUMNS = 12
OWN = {name: frozenset(RULES[name]) - {"pbx_id"} for name in FRAMES}


def accepts(name: str, data: bytes) -> bool:  # noqa: ARG001 - every reader is asked the same
    """Say whether this reader is the one for a file."""
    return name.lower().endswith((".csv", ".txt", ".tsv"))


def read(name: str, data: bytes) -> Reading:
    """
    Read one file.

    Args:
        name: As the operator knows it; stands in every message.
        data: Its bytes.

    Returns:
        Rows as text with the line each begins on, and what could not be read.
    """
    try:
        found = records(decode(name, data))
        header = next(found, Record(1, fault="It is empty. A file needs a header line and a row."))
        columns = _columns(name, header)
    except FileError as exc:
        return Reading(problems=(problem_of(exc),))
    rows: list[Row] = []
    problems = list(_too_many(name, header, columns))
    frames = _frames(columns)
    for record in found:
        fault = record.fault or _width_fault(record, header)
        if fault:
            problems.append(Problem(name, record.line, "", fault, ",".join(record.cells)[: SHOWN_COLUMNS * 10]))
            continue
        cells = {column: record.cells[place] for column, place in columns.items()}
        parts = [frame for frame in frames if frame == frames[0] or any(cells.get(c, "").strip() for c in _key(frame))]
        for frame in parts:
            values = {column: cells[column] for column in RULES[frame] if column in cells}
            more = len(parts) > 1
            rows.append(Row(frame, name, record.line, values, brings_more=more, country=cells.get("country", "")))
    return Reading(tuple(rows), tuple(problems))


def _columns(name: str, header: Record) -> dict[str, int]:
    """Return column -> place for the columns that are known; fail on what is missing or there twice."""
    if header.fault:
        raise FileError(header.fault, file=name, line=header.line)
    columns: dict[str, int] = {}
    for place, cell in enumerate(header.cells):
        plain = re.sub(r"[\s\-.]+", "_", cell.strip().lower())
        column = NAMES.get(plain, plain)
        if column in columns:
            raise FileError("The column is there twice. Take one out.", file=name, line=header.line, column=column)
        if column == "country" or any(column in rules for rules in RULES.values()):
            columns[column] = place
    frame = next((one for one in FRAMES if columns.keys() & OWN[one]), "")
    wanted = REQUIRED[frame] if frame else ("pbx_id", "name")
    for column in wanted:
        if column not in columns:
            shown = ", ".join(cell.strip()[:40] or "(empty)" for cell in header.cells[:SHOWN_COLUMNS])
            more = f" and {len(header.cells) - SHOWN_COLUMNS:,} more" if len(header.cells) > SHOWN_COLUMNS else ""
            raise FileError(
                f"The column is missing. The header has {shown}{more}.", file=name, line=header.line, column=column
            )
    return columns


def _frames(columns: Mapping[str, int]) -> list[str]:
    """Return the frames that a header speaks of; the first is what the file is about."""
    return [frame for frame in FRAMES if set(REQUIRED[frame]) <= columns.keys()]


def _key(frame: str) -> tuple[str, ...]:
    return tuple(column for column in REQUIRED[frame] if column != "pbx_id")


def _width_fault(record: Record, header: Record) -> str:
    """Say whether a record has fewer cells than the header, or more that are not empty."""
    have, want = len(record.cells), len(header.cells)
    if have < want or any(cell.strip() for cell in record.cells[want:]):
        cells = counted(have, "cell")
        return f"The row has {cells} and the header {want:,}. A comma inside a cell needs quotes around the cell."
    return ""


def _too_many(name: str, header: Record, columns: Mapping[str, int]) -> list[Problem]:
    count = len(header.cells)
    if count <= MANY_COLUMNS:
        return []
    message = f"The header has {count:,} columns; {', '.join(columns)} were read and the others left out."
    return [Problem(name, header.line, "", message)]
