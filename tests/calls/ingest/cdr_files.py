"""Seeded CDR files, sound and damaged, and the comparison of the two readers."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random

from dashboard.calls.ingest.columns import OPTIONAL
from dashboard.calls.ingest.importer import FileResult, import_files
from dashboard.calls.store.store import CallStore
from tests.calls.exports import HEADER, NOON, a_row, at

BOM = b"\xef\xbb\xbf"
COLUMNS = [*HEADER, "sip_callid", "cdr_id"]
BATCH = 200
"""Number of files imported together."""
MOST_ROWS = 1_000_000
BAD = (
    {"duration": "x"},
    {"direction": "sideways"},
    {"start_time": "infinity"},
    {"start_time": ""},
    {"end_time": "soon"},
    {"customer_ip": "198.51.100.300:1"},
    {"customer_ip": "\u202e198.51.100.11:1"},
    {"customer_ip": "198.51.100.11\x1b[2J"},
    {"customer_ip": "=1+1"},
    {"total_cost": "1e9"},
    {"rate": "free"},
    {"call_fail_sip_code": "42"},
    {"billed_duration": "-1"},
    {"cnam_lookup_fee": "10001"},
)
ODD = (
    {"start_time": "2026-11-02T12:00:00Z"},
    {"total_cost": "N/A"},
    {"duration": " 7 "},
    {"customer_ip": "[2001:db8::1]:5060"},
    {"customer_ip": ""},
    {"call_fail_reason": 'He said "no", then left'},
    {"call_fail_reason": "two\nlines"},
    {"callerid": "anonymous"},
    {"destination_name": "ÅLAND"},
    {"custom_x_tag": "=1+1"},
    {"custom_x_tag": "a\u202eb\x1b[2Jc\x07"},
    {"call_fail_reason": "a\x85b\u2028c\x1cd\x0ce"},
    {"direction": "Inbound", "customer_ip": "PBX\u202e\x1b[2J.example.net"},
    {"direction": "Inbound", "customer_ip": "<b>=1+1</b>"},
)


@dataclass
class CdrFile:
    """CDR file, and the calls that must be stored whatever damage it has."""

    content: bytes
    good: set[str] = field(default_factory=set)
    """Destinations of undamaged rows, if the file is readable as a whole."""
    note: str = ""


def cdr_file(
    seed: int, *, absent: Sequence[str] | None = None, bad: bool | None = None, damage: bool = True
) -> CdrFile:
    """
    Return a CDR file.

    Args:
        seed: Equal seeds give equal files.
        absent: Optional columns that the file lacks; drawn if not given.
        bad: Whether the file has a bad row; drawn if not given.
        damage: Whether bytes or lines of the file may be damaged.
    """
    draw = Random(seed)
    share = draw.choice((0.0, 0.1, 0.5))
    absent = absent if absent is not None else [name for name in OPTIONAL if draw.random() < share]
    columns = [name for name in COLUMNS if name not in absent]
    if damage and draw.random() < 0.2:
        draw.shuffle(columns)
    if damage and draw.random() < 0.1:
        columns.insert(draw.randrange(len(columns)), draw.choice(("note", "Note", "", "direction", "rate")))
    days = draw.choice((1, 1, 3))
    rows = []
    good = set()
    for number in range(draw.randrange(1, 12)):
        start = NOON + timedelta(days=number % days, seconds=37 * number)
        destination = f"1206{seed % MOST_ROWS:06}{number:02}"
        row = a_row(start_time=at(start), end_time=at(start + timedelta(minutes=1)), destination=destination)
        row |= {"cdr_id": f"{seed}-{number}" if draw.random() < 0.5 else ""}
        kind = draw.random()
        if kind < 0.1:
            row |= draw.choice(ODD)
        elif kind < 0.2 and bad is not False:
            row |= draw.choice(BAD)
        else:
            good.add(destination)
        rows.append(row)
    if bad:
        rows.append(a_row() | draw.choice([one for one in BAD if not one.keys() & set(absent)]))
    if draw.random() < 0.7:
        rows.sort(key=lambda row: str(row["start_time"]))
    if draw.random() < 0.1:
        rows.append(rows[0])
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=draw.choice(("\n", "\n", "\r\n")), quoting=draw.choice((0, 0, 1)))
    writer.writerow(columns)
    writer.writerows([[row.get(name, "") for name in columns] for row in rows])
    made = CdrFile(text.getvalue().encode(), good)
    for _ in range(draw.choice((0, 1, 1, 2)) if damage else 0):
        done = draw.choice(DAMAGES)
        made.content = done(draw, made)
        made.note += f" {done.__name__}"
    return made


def _flip(draw: Random, made: CdrFile) -> bytes:
    data = bytearray(made.content)
    place = draw.randrange(len(data))
    data[place] = draw.choice((draw.randrange(256), 0, 34, 44, 10, 13, 255))
    return _hit(made, bytes(data), place)


def _cut(draw: Random, made: CdrFile) -> bytes:
    place = draw.randrange(len(made.content))
    made.good.clear()
    return made.content[:place]


def _insert(draw: Random, made: CdrFile) -> bytes:
    place = draw.randrange(len(made.content))
    more = draw.choice((b'"', b'""', b",", b"\n", b"\r", b"\xe9", b"\0", b"\n\n", b'",', b"x" * 200_000, b'"\n"'))
    return _hit(made, made.content[:place] + more + made.content[place:], place)


def _swap_lines(draw: Random, made: CdrFile) -> bytes:
    head, *lines = made.content.splitlines(keepends=True)
    draw.shuffle(lines)
    made.good.clear()
    return head + b"".join(lines)


def _mark(_draw: Random, made: CdrFile) -> bytes:
    return BOM + made.content


def _latin(_draw: Random, made: CdrFile) -> bytes:
    return made.content.decode("latin-1").encode("latin-1").replace("Å".encode(), b"\xc5")


def _returns(draw: Random, made: CdrFile) -> bytes:
    made.good.clear()
    return made.content.replace(b"\n", draw.choice((b"\r\n", b"\r", b"\n\r")), draw.choice((-1, 1, 3)))


def _pack(draw: Random, made: CdrFile) -> bytes:
    data = gzip.compress(made.content, mtime=0)
    if draw.random() < 0.3:
        made.good.clear()
        data = data[: draw.randrange(len(data))] or data
    return data


def _utf16(_draw: Random, made: CdrFile) -> bytes:
    made.good.clear()
    return made.content.decode("latin-1").encode("utf-16")


DAMAGES: tuple[Callable[[Random, CdrFile], bytes], ...] = (
    *(_flip,) * 4, *(_insert,) * 4, _cut, _swap_lines, _mark, _latin, _returns, _pack, _utf16
)  # fmt: skip


def _hit(made: CdrFile, data: bytes, place: int) -> bytes:
    """Remove the rows at a damaged position, and around it, from the good rows; all rows if it hit the header."""
    begin = made.content.rfind(b"\n", 0, max(0, made.content.rfind(b"\n", 0, place))) + 1
    end = made.content.find(b"\n", place)
    near = made.content[begin : end + 1 if end >= 0 else None]
    end_of_next = made.content.find(b"\n", end + 1) if end >= 0 else -1
    near += made.content[end + 1 : end_of_next if end_of_next >= 0 else None] if end >= 0 else b""
    if place <= made.content.find(b"\n") or made.content.startswith(b"\x1f\x8b"):
        made.good.clear()
    made.good = {number for number in made.good if number.encode() not in near}
    return data


def slow(content: bytes) -> bytes | None:
    """Return the same rows in a file that is read line by line; ``None`` if that is impossible."""
    if content.startswith(b"\x1f\x8b"):
        packed = zlib.decompressobj(wbits=31)
        try:
            whole = packed.decompress(content)
        except zlib.error:
            return None
        return gzip.compress(_slowed(whole), mtime=0) if packed.eof and not packed.unused_data else None
    return _slowed(content)


def _slowed(content: bytes) -> bytes:
    mark = BOM if content.startswith(BOM) else b""
    return mark + b"\n" + content.removeprefix(mark)


def told(result: FileResult) -> tuple[int, int, int, bool]:
    """Return the content of a result without the names and numbers in its message."""
    return result.kept, result.duplicate, result.rejected, bool(result.error)


def compare(files: Sequence[CdrFile], folder: Path) -> None:
    """
    Import files as they are and line by line.

    Raises:
        AssertionError: The two readers differ, a good row is lost, or a file has neither rows nor a reason.
    """
    pairs = [(file, other) for file in files if (other := slow(file.content)) is not None]
    stores = [CallStore(folder / name, lock_wait_s=0) for name in ("quick", "slow")]
    results = []
    for place, store in enumerate(stores):
        paths = [folder / f"{place}-{number}.csv" for number in range(len(pairs))]
        for path, (file, other) in zip(paths, pairs, strict=True):
            path.write_bytes(other if place else file.content)
        results.append(import_files(store, paths))
    for (file, _), quick, line_by_line in zip(pairs, *results, strict=True):
        assert told(quick) == told(line_by_line), (file, quick, line_by_line)
        assert quick.kept or quick.duplicate or quick.rejected or quick.error or not file.good, (file, quick)
    held = [
        {tuple(map(str, row)) for row in store.calls(limit=MOST_ROWS).drop(columns="call_key").itertuples(index=False)}
        for store in stores
    ]
    assert held[0] == held[1], held[0] ^ held[1]
    there = set(stores[0].calls(limit=MOST_ROWS)["destination"])
    aside = "\n".join(stores[0].rejects()["raw"])  # two stray quotes turn everything between them into one row
    for (file, _), quick in zip(pairs, results[0], strict=True):
        lost = set() if quick.error else {number for number in file.good - there if number not in aside}
        assert not lost, (file, quick, lost)
