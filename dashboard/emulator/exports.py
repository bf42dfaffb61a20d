"""
``/v2/cdrs/exports``: asynchronous CDR exports, as gzip CSV behind a signed link that expires.

Jobs are processed in a thread and listed in the format of the vendor's sample: each item nested in ``data``, money
as text. An export selects calls by their start, over at most 92 days.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import hmac
import io
import json
import logging
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TextIO

from dashboard.emulator.api.faults import FaultBox, Switches
from dashboard.emulator.database import CALL_COLUMNS, Database

log = logging.getLogger(__name__)

LINK_LIVES = timedelta(days=3)
LONGEST = timedelta(days=92)
MONEY = {
    "total_cost": "total_cost",
    "call_subtotal": "cost_subtotal",
    "connect_fees": "connect_fee",
    "cnamlookup_fees": "cnam_lookup_fee",
    "usf_fees": "usf_fee",
    "ccrf": "ccrf",
}
MOST_JOBS = 10_000
PROCESSING = "processing"
COMPLETED = "completed"
FAILED = "failed"
NOT_YET = dict.fromkeys(("download_url", "expires_at", *MONEY, "num_calls", "billed_minutes"))
"""Fields that are null until the job is completed (the vendor's sample of a new job)."""


class EmulatedExports:
    """The export jobs of one emulated account."""

    def __init__(self, database: Database, folder: Path, box: FaultBox, *, key: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._database = database
        self._folder = folder
        self._box = box
        self._key = key.encode()
        self._workers = ThreadPoolExecutor(max_workers=1, thread_name_prefix="export")
        self._closing = threading.Event()
        for job in self.listed(PROCESSING, MOST_JOBS, 0):
            number = job.pop("id")
            self._keep(number, job | {"status": FAILED})

    def close(self) -> None:
        """Cancel pending jobs and wait for the running one."""
        self._closing.set()
        self._workers.shutdown(wait=True, cancel_futures=True)

    def create(self, filters: dict[str, Any], callback_url: str | None) -> dict[str, Any]:
        """Create a job, queue it, and return it."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        content = {
            "status": PROCESSING,
            "callback_url": callback_url,
            "requested_at": now,
            "created_at": now,
            **NOT_YET,
            "filter_parameters": filters,
        }
        with self._database.writing() as connection:
            statement = "INSERT INTO exports (content) VALUES (?)"
            number = int(connection.execute(statement, (json.dumps(content),)).lastrowid or 0)
        self._workers.submit(self._finish, number, content)
        self._workers.submit(self._forget)
        return {"id": number, **content}

    def _forget(self) -> None:
        """Delete jobs and files whose links have expired."""
        old = (datetime.now(UTC) - LINK_LIVES).isoformat(timespec="seconds")
        query = "SELECT id FROM exports WHERE json_extract(content, '$.created_at') < ?"
        for row in self._database.rows(query, (old,)):
            self._path(row["id"]).unlink(missing_ok=True)
            with self._database.writing() as connection:
                connection.execute("DELETE FROM exports WHERE id = ?", (row["id"],))

    def get(self, number: int) -> dict[str, Any] | None:
        """Return a job; ``None`` if it does not exist."""
        rows = self._database.rows("SELECT content FROM exports WHERE id = ?", (number,))
        return {"id": number, **json.loads(rows[0]["content"])} if rows else None

    def listed(self, status: str, limit: int, offset: int) -> list[dict[str, Any]]:
        """Return jobs, newest first: up to ``limit`` plus one, so that callers can detect a next page."""
        query = (
            "SELECT id, content FROM exports WHERE ? IN ('', json_extract(content, '$.status')) "
            "ORDER BY id DESC LIMIT ? OFFSET ?"
        )
        rows = self._database.rows(query, (status, limit + 1, offset))
        return [{"id": row["id"], **json.loads(row["content"])} for row in rows]

    def link(self, number: int, expires_at: datetime) -> str:
        """Return the path and query of a signed link."""
        expires = int(expires_at.timestamp())
        return f"/exports/{number}.gz?expires={expires}&signature={self._sign(number, expires)}"

    def file(self, number: int, expires: int, signature: str) -> Path | None:
        """Return the file of a link; ``None`` if the link is invalid or has expired, or the file does not exist."""
        good = hmac.compare_digest(signature.encode(), self._sign(number, expires).encode())
        path = self._path(number)
        if not good or expires < time.time() or self._box.switches.expired_link or not path.exists():
            return None
        return path

    def _sign(self, number: int, expires: int) -> str:
        return hmac.new(self._key, f"{number}:{expires}".encode(), hashlib.sha256).hexdigest()

    def _path(self, number: int) -> Path:
        return self._folder / f"{number}.gz"

    def _keep(self, number: int, content: dict[str, Any]) -> None:
        with self._database.writing() as connection:
            connection.execute("UPDATE exports SET content = ? WHERE id = ?", (json.dumps(content), number))

    def _finish(self, number: int, content: dict[str, Any]) -> None:
        switches = self._box.switches
        result: dict[str, Any] = {"status": FAILED}
        try:
            if not self._closing.wait(switches.export_delay_s) and not switches.failed_export:
                result = self._work(number, content, switches)
        except (OSError, sqlite3.Error) as exc:
            log.warning("The export %d failed: %s", number, exc)
        finally:
            self._keep(number, content | result)

    def _work(self, number: int, content: dict[str, Any], switches: Switches) -> dict[str, Any]:
        """Write the file of a job, and return the fields of the completed job."""
        sums = dict.fromkeys(MONEY, Decimal(0))
        seconds = calls = 0
        temporary = self._path(number).with_suffix(".part")
        with _opened(temporary, plain=switches.plain_csv) as text:
            writer = csv.writer(text)
            writer.writerow(CALL_COLUMNS)
            for row in self._database.stream(*select(content["filter_parameters"])):
                writer.writerow(tuple(row))
                calls += 1
                seconds += row["billed_duration"]
                for name, column in MONEY.items():
                    sums[name] += Decimal(row[column])
        _break(temporary, truncated=switches.truncated_gzip, corrupt=switches.corrupt_gzip)
        temporary.replace(self._path(number))
        return {
            "status": COMPLETED,
            "expires_at": (datetime.now(UTC) + LINK_LIVES).isoformat(timespec="seconds"),
            "num_calls": calls,
            "billed_minutes": round(seconds / 60),
            **{name: f"{value:.8f}" for name, value in sums.items()},
        }


@contextmanager
def _opened(path: Path, *, plain: bool) -> Iterator[TextIO]:
    with path.open("wb") as file, ExitStack() as stack:
        data = file if plain else stack.enter_context(gzip.GzipFile(fileobj=file, mode="wb", compresslevel=4))
        yield stack.enter_context(io.TextIOWrapper(data, encoding="utf-8", newline=""))


def select(filters: dict[str, Any]) -> tuple[str, list[Any]]:
    """Return the SQL query and its bound values for the filters of an export."""
    conditions = ["start_time >= ?", "start_time < ?"]
    edges = (datetime.fromisoformat(filters[f"start_call_{edge}_time"]) for edge in ("start", "end"))
    values: list[Any] = [f"{edge:%Y-%m-%d %H:%M:%S}+00" for edge in edges]

    def among(expression: str, allowed: list[str]) -> None:
        conditions.append(f"{expression} IN ({', '.join('?' * len(allowed))})")
        values.extend(allowed)

    if requested := filters.get("number_aliases"):
        among("number_alias", requested)
    if requested := filters.get("number_aliases_contains"):
        conditions.append(f"({' OR '.join(['instr(number_alias, ?) > 0'] * len(requested))})")
        values.extend(requested)
    if requested := filters.get("destination_numbers"):
        among("destination", [number.lstrip("+") for number in requested])
    if requested := filters.get("callerid_numbers"):
        among("ltrim(callerid, '+')", [number.lstrip("+") for number in requested])
    if requested := [*(filters.get("custom_x_tags") or []), *(filters.get("custom_x_tag") or [])]:
        among("custom_x_tag", requested)
    if address := filters.get("caller_ip"):
        conditions.append("? IN (customer_ip, substr(customer_ip, 1, instr(customer_ip || ':', ':') - 1))")
        values.append(address)
    if (longer := filters.get("duration_greater_than")) is not None:
        conditions.append("duration > ?")
        values.append(longer)
    columns = ", ".join(CALL_COLUMNS)
    return f"SELECT {columns} FROM calls WHERE {' AND '.join(conditions)} ORDER BY start_time, rowid", values  # noqa: S608 - fixed text, bound values


def _break(path: Path, *, truncated: bool, corrupt: bool) -> None:
    """Damage a finished file if the fault switches require it."""
    if not truncated and not corrupt:
        return
    data = bytearray(path.read_bytes())
    if truncated:
        data = data[: max(20, len(data) // 2)]
    if corrupt:
        middle = len(data) // 2
        data[middle : middle + 16] = bytes(byte ^ 0xFF for byte in data[middle : middle + 16])
    path.write_bytes(data)
