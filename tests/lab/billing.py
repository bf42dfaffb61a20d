"""Copy the edge's records into the emulated account as CDRs, each exactly once."""

from __future__ import annotations

import base64
import sqlite3
import threading
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from dashboard.emulator.database import Database
from dashboard.emulator.traffic import cdrs
from dashboard.emulator.traffic.patterns import ENDINGS
from dashboard.emulator.traffic.sample import Sample, Zone

EVERY_S = 0.2
RESULTS = {ending.code: ending.result for ending in ENDINGS}
FIELDS_BEFORE = 7
FIELDS_AFTER = 3


@dataclass(frozen=True)
class Ended:
    """One record of the edge."""

    call_id: str
    at_s: int
    asked_s: float
    """Time at which the edge began to read the policy, in seconds since 1970."""
    told_s: float
    """Time at which the edge had read the policy, in seconds since 1970."""
    source: str
    port: int
    number: str
    caller_id: str
    x_tag: str
    code: int
    reason: str
    talk_s: int

    @classmethod
    def of(cls, call_id: str, body: str) -> Ended:
        """Parse a record; an X-Tag may contain any character, also the separator of fields."""
        parts = base64.b64decode(body).decode("utf-8", "replace").split("\t")
        at_s, asked, told, source, port, number, caller_id = parts[:FIELDS_BEFORE]
        code, reason, talk_s = parts[-FIELDS_AFTER:]
        tag = "\t".join(parts[FIELDS_BEFORE:-FIELDS_AFTER])
        known = base64.b64decode(call_id).decode("utf-8", "replace")
        times = int(at_s), float(asked), float(told)
        return cls(known, *times, source, int(port), number, caller_id, tag, int(code), reason, int(float(talk_s or 0)))


class Billing:
    """Background thread that copies records; ``settle`` copies pending records at once."""

    def __init__(self, records: Path, account: Path, sample: Sample) -> None:
        self._records = records
        self._account = account
        self._zones = sample.zones
        self._last = 0
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.calls: list[Ended] = []
        """All records copied so far."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self.settle()

    def _run(self) -> None:
        while not self._ended.wait(EVERY_S):
            self.settle()

    def settle(self) -> None:
        """Copy every record that was not copied yet."""
        with self._lock, closing(sqlite3.connect(f"file:{self._records}?mode=ro", uri=True)) as kept:
            rows = kept.execute(
                "SELECT id, call_id, body FROM ended WHERE id > ? ORDER BY id", (self._last,)
            ).fetchall()
            if not rows:
                return
            calls = [Ended.of(call_id, body) for _, call_id, body in rows]
            with closing(Database(self._account)) as account:
                account.add_calls([_row(call, self._zones) for call in calls])
            self._last = rows[-1][0]
            self.calls += calls


def _row(call: Ended, zones: list[Zone]) -> cdrs.Row:
    digits = call.number.removeprefix("+")
    priced = max(zones, key=lambda zone: max((len(p) for p in zone.prefixes if digits.startswith(p)), default=0))
    return cdrs.outbound(
        priced,
        call.at_s,
        digits,
        (RESULTS.get(call.code, "failed"), call.code, call.reason),
        call.talk_s if call.code == 200 else 0,
        caller_id=f"+{call.caller_id.removeprefix('+')}",
        x_tag=call.x_tag,
        source=f"{call.source}:{call.port}",
    )
