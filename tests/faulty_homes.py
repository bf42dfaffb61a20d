"""
Homes of a real account with faults: inputs that are missing or out of date, a carrier that does not answer.

The builder writes the state database and the call store directly, so no network and no emulator is needed.
"""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import pandas as pd
from sqlalchemy import Connection

from dashboard import schemas
from dashboard.calls.ingest.importer import import_files
from dashboard.calls.store.store import CallStore
from dashboard.domain.capabilities import Capability
from dashboard.domain.snapshot import Age
from dashboard.services import snapshot_builder
from dashboard.services.background_sync import SYNC_ERROR_KEY
from dashboard.services.workspace import CAPABILITIES
from dashboard.storage.database import State, versions
from tests.calls.exports import as_csv, rows_at

KEYS: Final = {"FLOWROUTE_ACCESS_KEY": "access-7f3c91", "FLOWROUTE_SECRET_KEY": "secret-b52e08"}
PUBLIC: Final = "198.51.100.0/24"
INPUTS: Final = ("calls", "allowed_ips", "credentials", "routes", "inventory")
CARRIERS: Final = {
    "carrier down": "https://api.flowroute.com cannot be reached. Check the network, then sync again.",
    "wrong key": "The carrier refused the key. Check FLOWROUTE_ACCESS_KEY and FLOWROUTE_SECRET_KEY.",
}
AHEAD: Final = "ahead"
"""An additional age beside every ``Age``: stale, because the clock was three days ahead when the input was read."""
FAULTS: Final = (*(f"{name} {age}" for name in INPUTS for age in (Age.MISSING, Age.STALE, AHEAD)), *CARRIERS)
"""Every single fault, as ``INPUT AGE`` or the name of a carrier fault."""
AHEAD_BY: Final = timedelta(days=3)
STALE_FOR: Final = {
    "calls": timedelta(hours=3),
    "allowed_ips": timedelta(days=8),
    "credentials": timedelta(days=8),
    "routes": timedelta(hours=3),
    "inventory": timedelta(days=31),
}
SEATTLE = "198.51.100.11"
DENVER = "198.51.100.24"
PBXS: Final = {"seattle": SEATTLE, "denver": DENVER}


def pairs() -> list[tuple[str, str]]:
    """Return every pair of faults that can occur together, except clock faults."""
    first = [fault.rpartition(" ")[0] if fault not in CARRIERS else "carrier" for fault in FAULTS]
    whose = dict(zip(FAULTS, first, strict=True))
    told = [fault for fault in FAULTS if not fault.endswith(AHEAD)]
    return [(one, other) for one, other in combinations(told, 2) if whose[one] != whose[other]]


def ages(faults: Collection[str]) -> dict[str, Age]:
    """Return the age of each input under the given faults."""
    found = dict.fromkeys(INPUTS, Age.FRESH)
    for fault in set(faults) - set(CARRIERS):
        name, _, age = fault.rpartition(" ")
        found[name] = Age.STALE if age == AHEAD else Age(age)
    return found


def make(home: Path, faults: Collection[str] = (), *, refused: bool = False, silent: bool = False) -> Path:
    """
    Create a home with two static PBXs that call by address, credentials off; all inputs are fresh except for faults.

    Args:
        home: Folder; created.
        faults: Members of ``FAULTS``; at most one per input.
        refused: Leave Denver's address off the allow list, so that the carrier refuses its calls.
        silent: The last calls are 19 days old.
    """
    fetched = _fetched_at(_ages(faults), datetime.now(UTC))
    if fetched is not None:
        home.mkdir(parents=True, exist_ok=True)
        _calls(home, min(fetched, datetime.now(UTC)), refused=refused, silent=silent)
    set_faults(home, faults, refused=refused)
    return home


def set_faults(home: Path, faults: Collection[str] = (), *, refused: bool = False) -> None:
    """Replace the contents of a home's state database, without its calls. See ``make``."""
    state = State.open(home)
    now = datetime.now(UTC)
    by_name = _ages(faults)
    fetched = _fetched_at(by_name, now)
    try:
        with state.writing() as connection:
            _empty(connection)
        _versions(state, by_name, now, listed=(SEATTLE,) if refused else (SEATTLE, DENVER))
        state.put(CAPABILITIES, sorted(set(Capability) - {Capability.CIDR_ENTRIES, Capability.IPV6_ENTRIES}))
        state.put(SYNC_ERROR_KEY, next((CARRIERS[fault] for fault in faults if fault in CARRIERS), ""))
        state.put("calls_until", fetched and fetched.isoformat())
        state.put("calls_since", fetched and (fetched - timedelta(days=20)).isoformat())
    finally:
        state.close()


def _fetched_at(by_name: dict[str, str], now: datetime) -> datetime | None:
    """Return when the calls were read; ``None`` if they never were."""
    return None if by_name["calls"] == Age.MISSING else _read_at("calls", by_name, now)


def _empty(connection: Connection) -> None:
    """Delete every version, despite the trigger that prevents deletion."""
    kept = "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = 'versions_keeps_delete'"
    trigger = connection.exec_driver_sql(kept).scalar_one()
    connection.exec_driver_sql("DROP TRIGGER versions_keeps_delete")
    connection.execute(versions.delete())
    connection.exec_driver_sql(trigger)


def _ages(faults: Collection[str]) -> dict[str, str]:
    """Return ``ages`` with inputs read while the clock was ahead marked as ``AHEAD``."""
    return {**ages(faults), **{fault.partition(" ")[0]: AHEAD for fault in faults if fault.endswith(AHEAD)}}


def _read_at(name: str, by_name: dict[str, str], now: datetime) -> datetime:
    if by_name[name] == AHEAD:
        return now + AHEAD_BY
    return now - STALE_FOR[name] if by_name[name] == Age.STALE else now - timedelta(minutes=1)


def _versions(state: State, by_name: dict[str, str], now: datetime, *, listed: Collection[str]) -> None:
    """Save the declared, fetched and entered rows as versions, each at its own time."""
    long_ago = (now - timedelta(days=60)).replace(hour=0, minute=0, second=0, microsecond=0)
    held = [{"pbx_id": name, "address": one, "kind": "primary", "source": "declared"} for name, one in PBXS.items()]
    pbxs = [
        {
            "pbx_id": name,
            "name": name.capitalize(),
            "ip_kind": "static",
            "auth_method": "ip",
            "dials_prefix": "yes",
            "status": "active",
            "inbound_host": one,
        }
        for name, one in PBXS.items()
    ]
    numbers = {name: f"1206555010{n}" for n, name in enumerate(PBXS)}
    entries = [
        {"network": one, "role": "active", "known_by": "operator", "added_at": long_ago, "added_by": "Ada"}
        for one in listed
    ]
    frames: dict[str, tuple[str, list[dict[str, Any]]]] = {
        "allowed_ips": ("allowed_ips", entries),
        "pbxs": ("inventory", pbxs),
        "pbx_addresses": ("inventory", held),
        "pbx_numbers": ("inventory", [{"pbx_id": name, "number": number} for name, number in numbers.items()]),
        "numbers": ("routes", [{"number": number, "route_id": name} for name, number in numbers.items()]),
        "routes": (
            "routes",
            [
                {"route_id": name, "alias": name.capitalize(), "route_type": "host", "value": one}
                for name, one in PBXS.items()
            ],
        ),
    }
    kept: dict[str, tuple[str, Any]] = {
        kind: (name, _content(kind, json.dumps(rows, default=datetime.isoformat)))
        for kind, (name, rows) in frames.items()
    }
    kept["account"] = ("credentials", {"tech_prefix": "12345678", "credentials_on": False, "sample": False})
    for kind, (name, content) in kept.items():
        if by_name[name] != Age.MISSING:
            seen_at = _read_at(name, by_name, now)
            state.save_version(kind, content, valid_from=long_ago, seen_at=seen_at, known_by="Ada")


@cache
def _content(kind: str, rows: str) -> Any:
    """Return the content of a version that holds these rows, given as JSON; conformed once for all homes."""
    filled = [{name: row.get(name) for name in schemas.FRAMES[kind].columns} for row in json.loads(rows)]
    return snapshot_builder.to_rows(schemas.conform(pd.DataFrame(filled), schemas.FRAMES[kind], source="a test"))


def _calls(home: Path, until: datetime, *, refused: bool, silent: bool) -> None:
    """Give a home twenty days of calls, some of the last hour before the fetch; if silent, only the oldest."""
    ten_minutes = until.replace(minute=until.minute // 10 * 10, second=0, microsecond=0)
    shutil.copytree(_imported(ten_minutes, refused=refused, silent=silent), home, dirs_exist_ok=True)


@cache
def _imported(until: datetime, *, refused: bool, silent: bool) -> Path:
    """Import the calls of ``_calls`` once and return the folder to copy; it is removed when the process ends."""
    folder = Path(tempfile.mkdtemp(prefix="calls-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    moments = [until - timedelta(minutes=30), *(until - timedelta(days=n, minutes=30) for n in range(1, 20))]
    moments = moments[-1:] if silent else moments
    lost = {"result": "failed", "call_fail_sip_code": "403", "duration": "0", "billed_duration": "0"}
    lost |= {"call_fail_reason": "Tech Prefix and IP not in ACL - support@flowroute.com", "total_cost": "0.00000000"}
    rows = rows_at(*moments, customer_ip=f"{SEATTLE}:5060", custom_x_tag="")
    rows += rows_at(*moments, customer_ip=f"{DENVER}:5060", custom_x_tag="", **(lost if refused else {}))
    file = folder / "export.csv"
    file.write_text(as_csv(rows))
    (result,) = import_files(CallStore(folder), [file])
    assert len(rows) == result.kept
    return folder
