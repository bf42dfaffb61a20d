"""Exports page: every table and its download. Fixes page: the timeline, undo, and plans shown."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.domain.actors import Actor, Role
from dashboard.services.exports.frames import _calls, all_tables
from dashboard.services.workspace import Workspace
from tests.texts import golden


def test_every_table_can_be_looked_at(app: Callable[..., AppTest]) -> None:
    """Each table is selected by its label, is shown, and has its own download."""
    at = app("exports")

    for name in at.pills(key="table").options:
        at.pills(key="table").set_value(_key(name)).run()
        assert not at.exception
        assert f"Download {_key(name)}.csv" in [button.label for button in at.get("download_button")]


def _key(label: str) -> str:
    names = {"Allowed IPs": "allowed_ips", "PBXs": "pbxs", "PBX configuration": "pbx_config", "PoPs": "edges"}
    return names.get(label, label.lower().replace(" ", "_"))


def test_the_calls_are_those_that_the_page_counts(app: Callable[..., AppTest], account: Workspace) -> None:
    """Calls written in pieces are as many as the title states, each once, newest first."""
    known = account.snapshot()
    table = all_tables(known, [], [], account.store)["calls"]
    written = pd.concat(_calls(known, account.store, 1_000))

    assert table.rows == len(written) == known.traffic["calls"].sum() > 1_000
    assert written["call_key"].is_unique
    assert written["started_at"].is_monotonic_decreasing
    assert golden("pages.calls.calls_among_them", rows=f"{table.rows:,}") in app("exports").title[0].value


@pytest.fixture
def fixed(account: Workspace) -> Workspace:
    """Apply one fix to the account."""
    plan = account.plan("allowed_ip_has_pbx", "198.51.100.50")
    account.apply(plan, actor=Actor("a test", Role.APPROVER), typed=plan.phrases)
    return account


def test_a_fix_is_on_the_timeline_with_its_way_back(app: Callable[..., AppTest], fixed: Workspace) -> None:
    """A fix is listed with its change, actor and undo button; once undone it is counted as such and has no button."""
    at = app("fixes")
    entry = fixed.journal.entries()[-1].id
    text = " ".join(shown.value for shown in [*at.markdown, *at.caption])

    assert "1 active fix." == at.title[0].value
    assert "Remove 198.51.100.50" in text
    assert "by a test" in text

    at.button(key=f"fixes_undo_{entry}").click().run()
    at.text_input(key="review_phrase_0").set_value("198.51.100.50").run()
    at.button(key="review_apply").click().run()
    at.button(key="review_close").click().run()

    assert not at.exception
    assert golden("pages.fixes.no_active_fixes") == at.title[0].value
    assert f"fixes_undo_{entry}" not in [button.key for button in at.button]


def test_plans_that_were_shown_are_kept(app: Callable[..., AppTest], account: Workspace) -> None:
    """A plan that was not applied is listed with its hash."""
    plan = account.plan("pbx_has_inbound_route", "phoenix")

    at = app("fixes", view="Plans shown")

    assert any(plan.hash[:8] in caption.value for caption in at.caption)
