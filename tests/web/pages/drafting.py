"""The draft on the page What if, edited as a browser does it, and what is read off it."""

from __future__ import annotations

import re
from typing import Any

from streamlit.testing.v1 import AppTest

from dashboard.calls.replay.replayer import LABELS, Replayer
from dashboard.domain.changes import Change, ReplayImpact
from dashboard.fixes.account_image import proposed
from dashboard.services.workspace import Workspace
from dashboard.web.what_if.editor import KEY, SWITCH_KEY

MARK = re.compile(r":\w+\[:material/\w+:\] ")
"""Color and icon before the name of a figure."""
SEATTLE = "198.51.100.11"
OLD_DENVER = "198.51.100.23"
DENVER = "198.51.100.24"


def words(at: AppTest) -> str:
    """Return all the text on the page."""
    return " ".join(text.value for text in [*at.title, *at.markdown, *at.caption])


def row_of(at: AppTest, network: str) -> int:
    """Return the place of an entry in the editor."""
    return list(at.session_state[KEY].base["network"]).index(network)


def edit(at: AppTest, **edits: Any) -> AppTest:
    """Edit the list as the browser says it: ``edited_rows``, ``added_rows``, ``deleted_rows``."""
    state: dict[str, Any] = {"edited_rows": {}, "added_rows": [], "deleted_rows": [], **edits}
    at.session_state[at.session_state[KEY].key] = state
    at.run()
    assert not at.exception
    assert not at.error
    return at


def switch(at: AppTest, choice: str) -> AppTest:
    """Turn the switch."""
    at.session_state[SWITCH_KEY] = choice
    at.run()
    assert not at.exception
    return at


def shown(at: AppTest) -> list[str]:
    """Return the counts of the replay on the page, by label; those of a dialog where one is open."""
    found = {MARK.sub("", metric.label).lower(): metric.value.partition(" ")[0] for metric in at.metric}
    return [found.get(label, "0") for label in LABELS]


def expected(account: Workspace, *changes: Change) -> ReplayImpact:
    """Replay the changes without a page."""
    known = account.snapshot()
    return Replayer(known).against(proposed(known.policy, changes)).impact


def counts(impact: ReplayImpact) -> list[str]:
    """Return a replay's counts, by label, as the page writes them."""
    return [f"{impact.calls(label):,}" for label in LABELS]
