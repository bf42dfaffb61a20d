"""Positive phrases that need fresh inputs, and the search for unsupported ones on pages under faults."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.checks.registry import discover
from dashboard.domain.claims import NOTHING
from dashboard.domain.snapshot import Age
from tests import faulty_homes
from tests.apps import new_app
from tests.faulty_homes import INPUTS, KEYS, PUBLIC
from tests.router import PAGES

BY_CALLS = ("calls", "allowed_ips", "credentials", "inventory")
POSITIVE = {
    "Every PBX places calls from": BY_CALLS,
    "Every static PBX has placed calls by address": ("calls", "allowed_ips", "inventory"),
    "PBX does without them": BY_CALLS,
    "Calls go through": BY_CALLS,
    "each belongs to a PBX": ("allowed_ips", "inventory"),
    "No failures found.": INPUTS,
    "Every check passes": INPUTS,
    "Nothing to fix": INPUTS,
    "would block none": BY_CALLS,
    "were rejected until": BY_CALLS,
    "is on record as refused for authorization": ("calls",),
    "none was refused": ("calls",),
    "% of the calls could be decided": ("calls",),
    "block no past call": BY_CALLS,
    "They are off: calls complete": ("credentials", "inventory"),
    "The account's credentials are off: calls": ("credentials", "inventory"),
    "is in the inventory.": ("allowed_ips", "inventory"),
    "Verified": INPUTS,
    **{check.description: tuple(name for name in check.deciding if name in INPUTS) for check in discover()},
}
"""Positive statements, including what each check expects, to the inputs that must be fresh for them."""
CELLS = {
    "OK": ("calls", "allowed_ips", "inventory"),
    "Passed": INPUTS,
    "\u2713 Done": ("inventory",),
}
"""Positive marks in tables, to the inputs that must be fresh for them."""
GREEN = re.compile(r":green\[:material/(check_circle|check)")


def open_on(home: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """Open the app on a home of a real account, with the data so far instead of a first sync."""
    for name, value in {**KEYS, "TRUNKGATE_HOME": str(home), "TRUNKGATE_PUBLIC_RANGES": PUBLIC}.items():
        monkeypatch.setenv(name, value)
    at = new_app().run()
    looks = [button for button in at.button if button.key == "first_run_look"]
    return looks[0].click().run() if looks else at


def texts(at: AppTest) -> Iterator[str]:
    """Yield every text on a page: titles, captions, messages, figures."""
    for kind in (at.title, at.subheader, at.markdown, at.caption, at.info, at.warning, at.error, at.success):
        yield from (element.value.replace("\\", "") for element in kind)
    yield from (f"{one.label}: {one.value} {one.delta}" for one in at.metric)


def cells(at: AppTest) -> Iterator[str]:
    """Yield every text in a table; each chip of a list separately."""
    for element in at.dataframe:
        frame = element.value  # converts the table each time
        for column in frame.columns:
            for value in frame[column]:
                yield from (str(one) for one in (value if isinstance(value, (list, tuple)) else [value]))


def beyond(text: str, faults: Collection[str]) -> bool:
    """Return whether a text has an unsupported positive statement; dated statements are allowed."""
    old = {name for name, age in faulty_homes.ages(faults).items() if age is not Age.FRESH}
    said = [inputs for words, inputs in POSITIVE.items() if words in text]
    return any(old & {*inputs} for inputs in said) and not text.strip().startswith(("Last known", "**Expected.**"))


def overclaims(at: AppTest, faults: tuple[str, ...]) -> Iterator[str]:
    """Yield the texts of a page that claim more than the data supports."""
    by_name = faulty_homes.ages(faults)

    def lacks(inputs: tuple[str, ...]) -> bool:
        return any(by_name[name] is not Age.FRESH for name in inputs)

    for text in texts(at):
        said = [inputs for words, inputs in POSITIVE.items() if words in text]
        if beyond(text, faults):
            yield text
        if GREEN.search(text) and lacks(said[0] if said else INPUTS):
            yield text
    for figure in at.metric:
        if by_name["calls"] is Age.MISSING and "24 h" in figure.label and figure.value != NOTHING:
            yield f"{figure.label}: {figure.value}"
        if figure.label == "Open findings" and figure.value == "0" and lacks(INPUTS):
            yield f"{figure.label}: {figure.value}"
    yield from (cell for cell in cells(at) if lacks(CELLS.get(cell, ())))


def look(home: Path, faults: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> int:
    """Render every page, assert that it claims nothing beyond the data, and return the number of pages."""
    at = open_on(home, monkeypatch)
    for name in PAGES:
        at.switch_page(f"web/pages/{name}.py").run()
        assert not at.exception, (faults, name)
        assert at.title, (faults, name)
        found = list(overclaims(at, faults))
        assert not found, (faults, name, found)
    return len(PAGES)
