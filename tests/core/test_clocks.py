"""The clock of this process, and times that were written while a clock was wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dashboard.core import clocks

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def test_now_is_the_system_clock_unless_another_is_in_use() -> None:
    """Another clock holds inside its ``with`` block only, also where that ends with an error."""
    before = datetime.now(UTC)

    with clocks.using(lambda: NOON):
        inside = clocks.now()
    with pytest.raises(ZeroDivisionError), clocks.using(lambda: NOON):
        _ = 1 / 0

    assert NOON == inside
    assert before <= clocks.now() <= datetime.now(UTC)


def test_clocks_in_use_nest() -> None:
    """The clock of the outer block holds again after the inner one."""
    with clocks.using(lambda: NOON):
        with clocks.using(lambda: NOON + timedelta(days=1)):
            assert NOON + timedelta(days=1) == clocks.now()
        assert NOON == clocks.now()
