"""Every page under each single fault: no positive statement that the data does not support."""

from __future__ import annotations

import ast
import re
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from dashboard.checks.registry import discover
from dashboard.storage.database import State
from tests import faulty_homes
from tests.faulty_homes import FAULTS
from tests.paths import PACKAGE
from tests.sentences import text_of
from tests.syntax import tree_of
from tests.texts import golden, golden_pattern
from tests.web.pages.drafting import DENVER, edit
from tests.web.pages.faults import CELLS, PAGES, POSITIVE, look, open_on, texts

pytestmark = pytest.mark.slow

COMPOSED = {
    "No failures found.": "No failures found",
    "were rejected until": " were rejected {}.",
    "none was refused": " refused for authorization",
    "% of the calls could be decided": "could be decided.",
}
"""Phrases that the product composes, each with a part of it."""


@pytest.mark.parametrize("refused", [False, True], ids=["in order", "denver refused"])
@pytest.mark.parametrize("fault", FAULTS)
def test_one_fault_causes_no_unsupported_claim(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, refused: bool
) -> None:
    """With one fault no page has a statement, a zero or a green mark that depends on the affected input."""
    look(faulty_homes.make(tmp_path / "home", (fault,), refused=refused), (fault,), monkeypatch)


@pytest.mark.parametrize(("faults", "counts"), [((), [20, 0]), (("calls stale",), [20, None])])
def test_a_stale_zero_is_no_count(
    faults: tuple[str, ...], counts: list[int | None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An entry of the list without a call on record has no count of calls if the calls are out of date."""
    home = faulty_homes.make(tmp_path / "home", faults)
    state = State.open(home)
    entries = state.latest("allowed_ips")
    assert entries is not None
    rows = [row | {"network": row["network"].replace("100.24", "100.99")} for row in entries["content"]]
    at = datetime.now(UTC)
    assert state.save_version("allowed_ips", rows, valid_from=at, seen_at=at, known_by="Ada")
    state.close()

    page = open_on(home, monkeypatch).switch_page("web/pages/account.py").run()
    calls = page.dataframe[0].value.set_index("network")["calls"]

    assert counts == [None if pd.isna(calls[one]) else calls[one] for one in ("198.51.100.11", "198.51.100.99")]


@pytest.mark.parametrize("stale", ["allowed_ips", "credentials", "inventory"])
def test_effect_of_a_fix_is_unknown_on_stale_data(stale: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Overview says what a fix would have done to past calls only if every input of that is fresh."""
    at = open_on(faulty_homes.make(tmp_path / "home", (f"{stale} stale",), refused=True), monkeypatch)
    said = " ".join(texts(at))

    assert golden("pages.fixes.effect_unknown") in said
    assert "would block none" not in said


@pytest.mark.parametrize("stale", ["calls", "allowed_ips", "credentials", "inventory"])
def test_draft_claims_no_effect_on_stale_data(stale: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What if says that a draft blocks no past call only if every input of that is fresh."""
    at = open_on(faulty_homes.make(tmp_path / "home", (f"{stale} stale",), refused=True), monkeypatch)
    at.switch_page("web/pages/what_if.py").run()
    title = edit(at, added_rows=[{"network": DENVER}]).title[0].value

    assert "Last known" in title or golden("pages.fixes.known_to_be_blocked") in title or "is not known" in title
    assert golden("pages.fixes.block_no_past_call") not in title


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

    quiet = golden_pattern("commands.check.no_admitted_call_since")[1:] + r" \d+ \w+\."
    unread = golden_pattern("domain.claims.one_check_not_evaluated") + r"\."
    assert re.fullmatch(
        golden_pattern("pages.findings.every_address_listed") + f"; n{quiet} {unread}", titles["overview"]
    )
    assert re.fullmatch(golden_pattern("pages.overview.no_failures_but") + f" {unread} N{quiet}", titles["findings"])


def test_every_positive_phrase_is_in_the_product() -> None:
    """Each positive phrase is in the source code; after rewording, its absence from a page would show nothing."""
    told = {check.description for check in discover()}
    for path in PACKAGE.rglob("*.py"):
        told.update(text for node in ast.walk(tree_of(path)) if (text := text_of(node)))

    assert [] == [
        words for words in [*POSITIVE, *CELLS] if not any(COMPOSED.get(words, words) in text for text in told)
    ]
