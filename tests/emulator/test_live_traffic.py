"""Live traffic: admission under the policy at each call's start, steady rate, and quick stop."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dashboard.domain.admission import ACL_REASON
from dashboard.emulator.database import CALL_COLUMNS, Database, stamp
from dashboard.emulator.traffic.sample import load
from dashboard.emulator.traffic.traffic import LiveTraffic, live_shares
from tests.texts import golden
from tests.waiting import WAIT_S, until

DENVER = "198.51.100.24"
RATE = 60.0


class Faltering(Database):
    """Database whose disk is full for the next few writes."""

    failures = 0

    def add_calls(self, rows: Any) -> None:
        """Fail, or add the calls."""
        if self.failures:
            self.failures -= 1
            raise sqlite3.OperationalError("database or disk is full")
        super().add_calls(rows)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Faltering]:
    """Open the sample account without past calls."""
    now = datetime.now(UTC)
    with closing(Faltering(tmp_path / "emulator.db")) as opened:
        opened.seed(load(now), now=now, history=[])
        yield opened


@contextmanager
def live(database: Database, rate: float = RATE) -> Iterator[None]:
    """Generate calls for the duration of the block; they stop within a second."""
    stop = threading.Event()
    thread = threading.Thread(target=LiveTraffic(database, load(datetime.now(UTC)), rate, seed=3).run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(WAIT_S)
    assert not thread.is_alive()


def calls(database: Database) -> list[dict[str, Any]]:
    """Return the written calls."""
    return [dict(row) for row in database.rows(f"SELECT {', '.join(CALL_COLUMNS)} FROM calls ORDER BY rowid")]  # noqa: S608 - constant column names


def from_denver(database: Database) -> list[dict[str, Any]]:
    """Return Denver's outbound calls."""
    return [
        call for call in calls(database) if call["direction"] == "Outbound" and call["customer_ip"].startswith(DENVER)
    ]


def set_allowed(database: Database, *, allowed: bool) -> datetime:
    """Add or remove Denver's new address; return the time."""
    with database.writing() as connection:
        now = stamp()
        if allowed:
            connection.execute("INSERT INTO allowed_ips (network) VALUES (?)", (DENVER,))
        else:
            connection.execute("DELETE FROM allowed_ips WHERE network = ?", (DENVER,))
        connection.execute("UPDATE account SET value = ? WHERE key = 'list_changed_at'", (now,))
    return datetime.fromisoformat(now)


def to_phoenix(database: Database) -> list[dict[str, Any]]:
    """Return the inbound calls to Phoenix's numbers."""
    return [call for call in calls(database) if call["number_alias"].startswith("Phoenix")]


def start_of(call: dict[str, Any]) -> datetime:
    """Return the start of a call."""
    return datetime.strptime(call["start_time"] + "00", "%Y-%m-%d %H:%M:%S%z")


def test_fix_the_list_and_the_next_calls_complete(database: Faltering) -> None:
    """Each call, to the second, is admitted exactly if the list had its address at its start."""
    changes: list[tuple[datetime, bool]] = []
    with live(database):
        until(lambda: len(from_denver(database)) >= 3)
        for allowed in (True, False, True):
            before = len(from_denver(database))
            changes.append((set_allowed(database, allowed=allowed), allowed))
            until(lambda: len(from_denver(database)) >= before + 4)  # noqa: B023 - called before the next iteration

    def was_allowed(call: dict[str, Any]) -> bool:
        """Return whether the address was listed at the start of a call."""
        return ([False] + [allowed for when, allowed in changes if when <= start_of(call)])[-1]

    seen = [(was_allowed(call), call["call_fail_reason"] != ACL_REASON) for call in from_denver(database)]
    assert all(allowed == admitted for allowed, admitted in seen)
    assert {True, False} == {allowed for allowed, _ in seen}


def test_calls_are_written_when_they_end(database: Faltering) -> None:
    """No row ends in the future, all calls started while the traffic ran, and longer calls are written later."""
    began = datetime.now(UTC).replace(microsecond=0)
    with live(database):
        until(lambda: len(calls(database)) >= 60 and max(call["duration"] for call in calls(database)) >= 2)
        rows = calls(database)
        now = datetime.now(UTC)

    assert all(began <= start_of(call) for call in rows)
    assert max(call["end_time"] for call in rows) <= f"{now:%Y-%m-%d %H:%M:%S}+00"


def test_refusals_leave_no_record_when_told_so(database: Faltering) -> None:
    """The switch applies to live calls from the next one on."""
    database.put(refusals_in_cdrs=False)
    with live(database):
        until(lambda: len(calls(database)) >= 80)

    assert from_denver(database) == []


def test_another_prefix_refuses_whoever_dials_the_old_one(database: Faltering) -> None:
    """PBXs keep dialing the configured prefix; Atlanta and Miami are admitted by credentials."""
    database.put(tech_prefix="87654321")
    with live(database):
        until(lambda: len(calls(database)) >= 80)
    admitted = {
        call["customer_ip"].split(":")[0]
        for call in calls(database)
        if call["direction"] == "Outbound" and call["call_fail_reason"] != ACL_REASON
    }

    assert admitted <= {"198.51.100.40", "203.0.113.167"}
    assert admitted


def test_a_database_that_fails_is_said_and_tried_again(database: Faltering, caplog: pytest.LogCaptureFixture) -> None:
    """After a database error the traffic continues, and no call is lost."""
    database.failures = 2
    with caplog.at_level(logging.WARNING), live(database):
        until(lambda: calls(database))

    assert 2 == len(caplog.records)
    assert golden("errors.disk.database_is_full") in caplog.text


def test_traffic_stops_within_a_second(database: Faltering) -> None:
    """Waiting for a call an hour away does not delay the stop; a rate of zero generates no calls."""
    for rate in (1 / 3600, 0.0):
        with live(database, rate):
            time.sleep(0.1)  # lets its pause begin, for which there is no event


@pytest.mark.parametrize(("hour_utc", "awake"), [(7, False), (8, True), (12, True), (13, False), (20, False)])
def test_the_intruder_is_live_only_at_night(hour_utc: int, *, awake: bool) -> None:
    """The intruder calls from midnight to five on the West coast; other callers call at any time."""
    now = datetime(2026, 11, 23, hour_utc, 30, tzinfo=UTC)
    account = load(now)
    shares = dict(zip((c.name for c in account.callers), live_shares(account, int(now.timestamp())), strict=True))

    assert awake == (shares["intruder"] > 0)
    assert {c.name: c.weight for c in account.callers if not c.nightly} == {
        c.name: shares[c.name] for c in account.callers if not c.nightly
    }


@pytest.mark.parametrize("hour_utc", range(0, 24, 3))
def test_a_past_thief_is_never_live(hour_utc: int) -> None:
    """The past thief's calls ended when its entry was removed twelve days ago."""
    now = datetime(2026, 11, 23, hour_utc, 30, tzinfo=UTC)
    account = load(now)
    shares = dict(zip((c.name for c in account.callers), live_shares(account, int(now.timestamp())), strict=True))

    assert 0 == shares["thief"]


def test_route_a_number_and_calls_come_in(database: Faltering) -> None:
    """A number without a route receives no calls; once it has a route to a PBX, it does."""
    with live(database):
        until(lambda: len(calls(database)) >= 100)
        assert not to_phoenix(database)

        with database.writing() as connection:
            connection.execute("INSERT INTO routes VALUES (7, 'Phoenix', 'host', '198.51.100.60:5080', NULL)")
            connection.execute("UPDATE numbers SET route_id = 7 WHERE id = '16025550151'")
        until(lambda: to_phoenix(database))

    assert {"16025550151"} == {call["destination"] for call in to_phoenix(database)}
    assert {"198.51.100.60"} == {call["customer_ip"].partition(":")[0] for call in to_phoenix(database)}
