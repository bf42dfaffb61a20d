"""Every page under each single fault: no positive statement that the data does not support."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import faulty_homes
from tests.faulty_homes import FAULTS
from tests.web.pages.faults import look

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("refused", [False, True], ids=["in order", "denver refused"])
@pytest.mark.parametrize("fault", FAULTS)
def test_no_page_overclaims_with_one_fault(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, refused: bool
) -> None:
    """With one fault no page has a statement, a zero or a green mark that depends on the affected input."""
    look(faulty_homes.make(tmp_path / "home", (fault,), refused=refused), (fault,), monkeypatch)
