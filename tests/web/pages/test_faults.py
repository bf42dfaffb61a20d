"""Every page under each single fault: no positive statement that the data does not support."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests import faulty_homes
from tests.faulty_homes import FAULTS
from tests.web.pages.faults import PAGES, look, open_on, texts

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("refused", [False, True], ids=["in order", "denver refused"])
@pytest.mark.parametrize("fault", FAULTS)
def test_one_fault_causes_no_unsupported_claim(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, refused: bool
) -> None:
    """With one fault no page has a statement, a zero or a green mark that depends on the affected input."""
    look(faulty_homes.make(tmp_path / "home", (fault,), refused=refused), (fault,), monkeypatch)


def test_no_page_says_that_silent_pbxs_place_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With every input fresh and the last calls 19 days old, the titles say since when no call was admitted."""
    at = open_on(faulty_homes.make(tmp_path / "home", silent=True), monkeypatch)
    titles = {}
    for name in PAGES:
        at.switch_page(f"web/pages/{name}.py").run()
        assert not at.exception, name
        said = " ".join(texts(at))
        found = [
            words for words in ("places calls", "place calls from", "go through", "No failures found.") if words in said
        ]
        assert not found, (name, found)
        titles[name] = at.title[0].value

    quiet = r"o admitted call of any PBX since \d+ \w+\."
    unread = r"1 check couldn't be evaluated\."
    assert re.fullmatch(rf"Every PBX's address is listed; n{quiet} {unread}", titles["overview"])
    assert re.fullmatch(rf"No failures found, but {unread} N{quiet}", titles["findings"])
