"""Helpers that edit the draft on the What if page as a browser does, and read the page."""

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
    """Return the titles, Markdown and captions of the page as one string."""
    return " ".join(text.value for text in [*at.title, *at.markdown, *at.caption])


def row_of(at: AppTest, network: str) -> int:
    """Return the row number of an entry in the editor."""
    return list(at.session_state[KEY].base["network"]).index(network)


def edit(at: AppTest, **edits: Any) -> AppTest:
    """Edit the list with the state a browser sends: ``edited_rows``, ``added_rows``, ``deleted_rows``."""
    state: dict[str, Any] = {"edited_rows": {}, "added_rows": [], "deleted_rows": [], **edits}
    at.session_state[at.session_state[KEY].key] = state
    at.run()
    assert not at.exception
    assert not at.error
    return at


def switch(at: AppTest, choice: str) -> AppTest:
    """Set the credentials switch."""
    at.session_state[SWITCH_KEY] = choice
    at.run()
    assert not at.exception
    return at


def shown(at: AppTest) -> list[str]:
    """Return the replay counts on the page in the order of ``LABELS``; of the dialog, if one is open."""
    found = {MARK.sub("", metric.label).lower(): metric.value.partition(" ")[0] for metric in at.metric}
    return [found.get(label, "0") for label in LABELS]


def expected(account: Workspace, *changes: Change) -> ReplayImpact:
    """Return the impact of the changes, replayed without a page."""
    known = account.snapshot()
    return Replayer(known).against(proposed(known.policy, changes)).impact


def counts(impact: ReplayImpact) -> list[str]:
    """Return the counts of a replay in the order of ``LABELS``, formatted as on the page."""
    return [f"{impact.calls(label):,}" for label in LABELS]
