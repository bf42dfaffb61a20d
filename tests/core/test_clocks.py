"""The process clock, and times that were recorded while a clock was wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dashboard.core import clocks

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def test_now_is_the_system_clock_unless_another_is_in_use() -> None:
    """Another clock is used only within its ``with`` block, even if the block raises."""
    before = datetime.now(UTC)

    with clocks.using(lambda: NOON):
        inside = clocks.now()
    with pytest.raises(ZeroDivisionError), clocks.using(lambda: NOON):
        _ = 1 / 0

    assert NOON == inside
    assert before <= clocks.now() <= datetime.now(UTC)


def test_clocks_in_use_nest() -> None:
    """The outer block's clock is used again after the inner block."""
    with clocks.using(lambda: NOON):
        with clocks.using(lambda: NOON + timedelta(days=1)):
            assert NOON + timedelta(days=1) == clocks.now()
        assert NOON == clocks.now()
