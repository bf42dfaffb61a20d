"""Homes of the synthetic account: exports, imported calls, and the carrier's and the inventory's data."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from dashboard.calls.store.store import CallStore
from dashboard.core.settings import Settings
from dashboard.domain.snapshot import Snapshot
from dashboard.services.snapshot_builder import build_snapshot, to_rows
from dashboard.storage.database import State
from tests.bench import ingest_ours
from tests.bench.account import OBSERVED, PREFIX, Account
from tests.bench.apart import apart


def account_of(told: Mapping[str, Any]) -> Account:
    """Return the account from parameters that another process sent; inverse of ``told``."""
    return Account(**{**told, "until": datetime.fromisoformat(told["until"])})


def told(account: Account) -> dict[str, Any]:
    """Return JSON-serializable parameters from which ``account_of`` rebuilds the account."""
    names = ("pbx_count", "addresses_each", "sources", "entries", "tagged", "caller_ids", "days", "seed")
    return {"until": account.until.isoformat(), **{name: getattr(account, name) for name in names}}


def exports(account: Account, folder: Path, calls: int) -> list[Path]:
    """Return export files with the given number of calls; create them if missing."""
    kept = folder / f"exports-{_name(account, calls)}"
    if not (kept / "complete").exists():
        shutil.rmtree(kept, ignore_errors=True)
        account.write(kept, calls)
        (kept / "complete").touch()
    return sorted(kept.glob("*.csv"))


def own_numbers(account: Account) -> list[str]:
    """Return the account's own numbers, which a sync gives to the store."""
    return account.frames()["pbx_numbers"]["number"].tolist()


def home(account: Account, folder: Path, calls: int) -> Path:
    """Return the path of the home for a size, whether or not it exists."""
    return folder / f"home-{_name(account, calls)}"


def filled(account: Account, folder: Path, calls: int) -> Path:
    """Return the home for a size with its calls, lists and inventory, as after a sync."""
    place = home(account, folder, calls)
    if CallStore(place).count() != calls:
        shutil.rmtree(place, ignore_errors=True)
        files = [str(path) for path in exports(account, folder, calls)]
        apart(ingest_ours.ours, {"files": files, "target": str(place), "own": own_numbers(account)})
    for old in place.glob("state.db*"):
        old.unlink()
    _record(account, State.open(place))
    return place


def snapshot(account: Account, state: State, store: CallStore) -> Snapshot:
    """Return a snapshot of the account over all of its days."""
    return build_snapshot(state, store, Settings(), frozenset(), now=account.until, since=account.since)


def _record(account: Account, state: State) -> None:
    now = datetime.now(UTC)
    begun = account.since - timedelta(days=1)
    profile = {
        "tech_prefix": PREFIX,
        "credentials_on": account.policy.credentials_on,
        "digest_rescues_prefix": OBSERVED.digest_rescues_prefix,
        "no_path_status": OBSERVED.no_path_status,
        "sample": False,
        "public_ranges": ["198.18.0.0/15"],
    }
    kinds = {"account": profile, **{name: to_rows(frame) for name, frame in account.frames().items()}}
    for kind, content in kinds.items():
        state.save_version(kind, content, valid_from=begun, seen_at=now, known_by="carrier")
    state.put("calls_until", now.isoformat())
    state.close()


def _name(account: Account, calls: int) -> str:
    kind = f"-dialer{account.caller_ids}" if account.caller_ids else ""
    return f"{account.until:%Y%m%d}-{account.days}-{account.pbx_count}{kind}-{calls}"
