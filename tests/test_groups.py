"""Tests that share an expensive fixture run on one worker: the scheduler must receive their group."""

from __future__ import annotations

import pytest


@pytest.mark.xdist_group("groups")
def test_every_group_reaches_the_scheduler(request: pytest.FixtureRequest) -> None:
    """pytest-xdist passes the group in the test id; without it, each worker would create every fixture."""
    if not hasattr(request.config, "workerinput"):
        pytest.skip("NOT APPLICABLE: the tests run in one process. Run them with: pytest -n 2 --dist loadgroup")
    grouped = [item for item in request.session.items if item.get_closest_marker("xdist_group")]

    assert grouped
    assert [] == [item.nodeid for item in grouped if "@" not in item.nodeid]
