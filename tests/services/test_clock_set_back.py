"""Clock jumps between two starts: no data counts as fresh, is skipped or is lost because of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dashboard.cli.check import is_recent
from dashboard.domain.snapshot import Age, Freshness
from dashboard.services.workspace import Workspace

NOW = datetime(2026, 11, 20, tzinfo=UTC)
YEAR = timedelta(days=365)
PAUSE = timedelta(minutes=5)


@pytest.mark.parametrize(
    ("ahead", "age"),
    [
        (-YEAR, Age.STALE),
        (-PAUSE, Age.FRESH),
        (timedelta(), Age.FRESH),
        (timedelta(seconds=5), Age.FRESH),
        (timedelta(hours=2), Age.STALE),
        (YEAR, Age.STALE),
    ],
)
def test_what_was_read_in_the_future_is_not_fresh(ahead: timedelta, age: Age) -> None:
    """Data read in the future is not fresh, else it would count as fresh until the clock catches up."""
    assert Freshness(NOW + ahead, 3600).age(NOW) is age


@pytest.mark.parametrize(
    ("ahead", "recent"),
    [
        (-YEAR, False),
        (-PAUSE, False),
        (-PAUSE / 2, True),
        (timedelta(seconds=2), True),
        (2 * PAUSE, False),
        (YEAR, False),
    ],
)
def test_a_sync_far_in_the_future_is_not_recent(ahead: timedelta, *, recent: bool) -> None:
    """A sync far in the future is not recent, else `trunkgate check` would fetch nothing until the clock catches up."""
    assert is_recent(NOW + ahead, PAUSE, NOW) is recent


@pytest.mark.parametrize("ahead", [-3 * YEAR, YEAR])
def test_a_home_of_another_time_syncs(synced: Workspace, ahead: timedelta) -> None:
    """With the clock set back or forward since the last sync, data is reported as stale and fetched again."""
    home = synced
    calls = home.store.digest
    home.state.put("calls_until", (datetime.now(UTC) + ahead).isoformat())
    assert home.snapshot().freshness["calls"].age(datetime.now(UTC)) is Age.STALE

    home.sync()

    until = datetime.fromisoformat(home.state.get("calls_until"))
    assert abs(datetime.now(UTC) - until) < timedelta(minutes=30)
    assert home.snapshot().freshness["calls"].age(datetime.now(UTC)) is Age.FRESH
    assert calls
