"""Every page under each pair of faults: no positive statement that the data does not support."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import faulty_homes
from tests.web.pages.faults import look

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("pair", faulty_homes.pairs(), ids=" and ".join)
def test_two_faults_cause_no_unsupported_claim(
    pair: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With two faults no page claims more than the data supports; without them the account would be in order."""
    look(faulty_homes.make(tmp_path / "home", pair), pair, monkeypatch)
