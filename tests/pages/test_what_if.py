"""What if: the draft's replay on the page, the single calls behind it, and the plan that comes of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

import dashboard
from dashboard.actors import local_actor
from dashboard.app_parts import behind
from dashboard.app_parts.draft_editor import AS_IT_IS, CARRIED, KEY, SWITCH_KEY
from dashboard.app_parts.draft_words import NOTHING
from dashboard.calls.replay import BROKEN, LABELS, SAVED, Replayer
from dashboard.changes import AllowAddress, Change, Impact, RemoveAddress, SetCredentials
from dashboard.fixes.image import proposed
from dashboard.workspace import Workspace

APP = Path(dashboard.__file__).parent / "app.py"
WAIT_S = 60
SEATTLE, OLD_DENVER, DENVER = "198.51.100.11", "198.51.100.23", "198.51.100.24"


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
    """Return the counts of the replay on the page, by label."""
    found = {metric.label.lower(): metric.value.partition(" ")[0] for metric in at.metric}
    return [found[label] for label in LABELS]


def expected(account: Workspace, *changes: Change) -> Impact:
    """Replay the changes without a page."""
    known = account.snapshot()
    return Replayer(known).against(proposed(known.policy, changes)).impact


def counts(impact: Impact) -> list[str]:
    """Return a replay's counts, by label, as the page writes them."""
    return [f"{impact.calls(label):,}" for label in LABELS]


def test_a_new_draft_changes_nothing(app: Callable[..., AppTest], account: Workspace) -> None:
    """The list as it is, every call unchanged, and nothing to plan or to forget."""
    at = app("what_if")

    assert NOTHING == at.title[0].value
    assert list(account.snapshot().allowed_ips["network"]) == list(at.session_state[KEY].base["network"])
    assert counts(expected(account)) == shown(at)
    assert (True, True) == (at.button(key="what_if_review").disabled, at.button(key="what_if_over").disabled)


def test_a_deleted_row_breaks_its_calls(app: Callable[..., AppTest], account: Workspace) -> None:
    """The numbers are those of the replay, the title names whose calls they are, the change is said."""
    at = app("what_if")
    edit(at, deleted_rows=[row_of(at, SEATTLE)])
    impact = expected(account, SetCredentials(enabled=True), RemoveAddress(network=SEATTLE))

    assert impact.calls(BROKEN)
    assert counts(impact) == shown(at)
    assert f"Removing {SEATTLE} would break {impact.calls(BROKEN):,} past calls of Seattle" in at.title[0].value
    assert f"Remove `{SEATTLE}` (Seattle)" in words(at)


def test_an_added_row_saves_calls(app: Callable[..., AppTest], account: Workspace) -> None:
    """A new address counts as soon as it is typed; a row that is still blank does not."""
    at = app("what_if")
    edit(at, added_rows=[{"network": DENVER, "label": "Denver"}, {}])
    impact = expected(account, AllowAddress(network=DENVER))

    assert impact.calls(SAVED)
    assert counts(impact) == shown(at)
    assert "of Denver" in at.title[0].value


def test_the_switch_and_the_list_count_together(app: Callable[..., AppTest], account: Workspace) -> None:
    """What is changed on the list and by the switch is one proposal."""
    at = app("what_if")
    edit(at, added_rows=[{"network": DENVER}])
    switch(at, "off")

    assert counts(expected(account, AllowAddress(network=DENVER), SetCredentials(enabled=False))) == shown(at)
    assert at.title[0].value.startswith("These 2 changes would break")


def test_an_address_changed_in_place_is_shown_with_whose_it_is(app: Callable[..., AppTest], account: Workspace) -> None:
    """The PBX beside it follows; to allow the new one and remove the old one is what it comes to."""
    at = app("what_if")
    place = row_of(at, OLD_DENVER)
    edit(at, edited_rows={place: {"network": DENVER}})
    base = at.session_state[KEY].base

    assert (DENVER, "Denver", OLD_DENVER) == tuple(base.loc[place, ["network", "whose", "origin"]])
    assert counts(expected(account, AllowAddress(network=DENVER), RemoveAddress(network=OLD_DENVER))) == shown(at)


def test_a_wrong_row_stands_in_the_way_of_a_plan(app: Callable[..., AppTest], account: Workspace) -> None:
    """It is named with its row and its fault, nothing of it is judged, and it can be forgotten."""
    at = app("what_if")
    there = len(at.session_state[KEY].base)
    edit(at, added_rows=[{"network": "10.0.0.5"}])

    assert f"Row {there + 1}: 10.0.0.5 is a private address" in words(at)
    assert counts(expected(account)) == shown(at)
    assert (True, False) == (at.button(key="what_if_review").disabled, at.button(key="what_if_over").disabled)


def test_the_draft_outlives_a_look_at_another_page(app: Callable[..., AppTest]) -> None:
    """Who looks up something elsewhere finds the draft as it was left, the switch too."""
    at = app("what_if")
    edit(at, deleted_rows=[row_of(at, SEATTLE)], added_rows=[{"network": "10.0.0.5"}])
    switch(at, "off")
    was = shown(at)
    at.switch_page("app_pages/findings.py").run()
    at.switch_page("app_pages/what_if.py").run()

    assert not at.exception
    assert was == shown(at)
    assert "10.0.0.5 is a private address" in words(at)


def test_start_over_forgets_the_draft(app: Callable[..., AppTest], account: Workspace) -> None:
    """The list and the switch are as they are on the account again."""
    at = app("what_if")
    edit(at, deleted_rows=[0, 1])
    switch(at, "off")
    at.button(key="what_if_over").click().run()

    assert not at.exception
    assert NOTHING == at.title[0].value
    assert counts(expected(account)) == shown(at)


def test_single_calls_are_behind_a_label(app: Callable[..., AppTest], account: Workspace) -> None:
    """A label leads to its newest calls, each with how it is met today and in the draft."""
    at = app("what_if")
    edit(at, deleted_rows=[row_of(at, SEATTLE)])
    total = expected(account, RemoveAddress(network=SEATTLE)).calls(BROKEN)
    at.session_state["behind_label"] = BROKEN
    at.run()
    calls = at.dataframe[-1].value

    assert not at.exception
    assert {"Seattle"} == set(calls["pbx"])
    assert {("IP address", "Refused")} == {*zip(calls["today"], calls["draft"], strict=True)}
    assert f"The newest 50 of {total:,} broken calls." in words(at)

    at.button(key="behind_older").click().run()

    assert not at.exception
    assert list(calls["started_at"]) == list(at.dataframe[-1].value["started_at"])[:50]
    assert len(at.dataframe[-1].value) > len(calls)


def test_single_calls_are_behind_a_row(app: Callable[..., AppTest], account: Workspace) -> None:
    """A row leads to the calls of just that PBX and label."""
    at = app("what_if")
    edit(at, added_rows=[{"network": DENVER}], deleted_rows=[row_of(at, SEATTLE)])
    known = account.snapshot()
    changes = [AllowAddress(network=DENVER), RemoveAddress(network=SEATTLE)]
    table = behind.by_pbx(Replayer(known).against(proposed(known.policy, changes)))
    place = list(table["label"]).index(SAVED)

    assert list(table["who"]) == list(at.dataframe[-1].value["who"])

    at.session_state[behind.table_key(table)] = {"selection": {"rows": [place], "columns": [], "cells": []}}
    at.run()

    assert not at.exception
    assert {DENVER} == set(at.dataframe[-1].value["source_ip"])
    assert {"Refused"} == set(at.dataframe[-1].value["today"])
    assert "saved calls of Denver." in words(at)


def test_the_numbers_dialed_are_behind_a_label(app: Callable[..., AppTest], account: Workspace) -> None:
    """Looked at beside the single calls: the costliest first, each with its country, and together all of them."""
    at = app("what_if")
    edit(at, deleted_rows=[row_of(at, SEATTLE)])
    known = account.snapshot()
    answer = Replayer(known).against(proposed(known.policy, [RemoveAddress(network=SEATTLE)]))
    whole = account.store.destinations(among=behind.rows_of(answer, BROKEN, "", known), limit=None)
    at.session_state["behind_label"] = BROKEN
    at.session_state[behind.VIEW_KEY] = behind.DIALED
    at.run()
    numbers = at.dataframe[-1].value

    assert not at.exception
    assert len(whole) > behind.NUMBERS
    assert list(whole["destination"])[: behind.NUMBERS] == list(numbers["destination"])
    assert answer.impact.calls(BROKEN) == whole["calls"].sum()
    assert numbers["cost_usd"].is_monotonic_decreasing
    assert {"United States"} <= set(numbers["country"])
    assert {"fixed or mobile"} <= set(numbers["kind"])
    there, total = int(numbers["calls"].sum()), answer.impact.calls(BROKEN)
    assert f"The costliest {behind.NUMBERS} numbers, with {there:,} of {total:,} broken calls." in words(at)


def test_the_numbers_dialed_are_behind_a_row(app: Callable[..., AppTest]) -> None:
    """Of a row, those of just that PBX and label; what the other view shows is not fetched."""
    at = app("what_if")
    edit(at, added_rows=[{"network": DENVER}])
    at.session_state["behind_label"] = SAVED
    at.session_state[behind.VIEW_KEY] = behind.DIALED
    at.run()
    all_of_them = at.dataframe[-1].value
    table = at.dataframe[-2].value
    rows = pd.DataFrame({"label": [SAVED] * len(table), "who": table["who"]})
    at.session_state[behind.table_key(rows)] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    at.run()
    numbers = at.dataframe[-1].value

    assert not at.exception
    assert "started_at" not in numbers
    assert 0 < numbers["calls"].sum() <= all_of_them["calls"].sum()
    assert f"saved calls of {table['who'].iloc[0]}." in words(at)


def test_the_draft_becomes_a_plan(app: Callable[..., AppTest], account: Workspace) -> None:
    """The review shows the same changes and the same counts; it is applied there, and then the draft is over."""
    at = app("what_if")
    edit(at, added_rows=[{"network": DENVER, "label": "Denver, new"}])
    was = shown(at)
    at.button(key="what_if_review").click().run()
    plan = at.session_state["review"].plan

    assert (AllowAddress(network=DENVER, label="Denver, new"),) == plan.changes
    assert was == counts(plan.impact)
    assert shown(at) == was

    entry = account.apply(plan, actor=local_actor("tests"))
    try:
        del at.session_state["review"]
        at.run()

        assert not at.exception
        assert AS_IT_IS in [toast.value for toast in at.toast]
        assert NOTHING == at.title[0].value
        assert DENVER in list(at.session_state[KEY].base["network"])
    finally:
        account.apply(account.undo_plan(entry.id), actor=local_actor("tests"), typed=["Denver"])


def test_a_draft_is_kept_when_the_account_moves(app: Callable[..., AppTest], account: Workspace) -> None:
    """Somebody else's change is taken in, what was drafted stays, and both are said."""
    at = app("what_if")
    edit(at, deleted_rows=[row_of(at, SEATTLE)])
    entry = account.apply(account.plan_changes([AllowAddress(network=DENVER)]), actor=local_actor("tests"))
    try:
        at.run()

        assert not at.exception
        assert CARRIED in [toast.value for toast in at.toast]
        assert DENVER in list(at.session_state[KEY].base["network"])
        assert at.title[0].value.startswith(f"Removing {SEATTLE} would break")
    finally:
        account.apply(account.undo_plan(entry.id), actor=local_actor("tests"), typed=["Denver"])


@pytest.fixture
def unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], AppTest]:
    """Open the page on an account of which nothing was read yet."""
    monkeypatch.setenv("TRUNKGATE_HOME", str(tmp_path / "new"))
    monkeypatch.setenv("TRUNKGATE_SAMPLE_CALLS", "100")
    monkeypatch.setenv("TRUNKGATE_PUBLIC_RANGES", "198.51.100.0/24")

    def opened() -> AppTest:
        at = AppTest.from_file(str(APP), default_timeout=WAIT_S).run()
        at.button(key="first_run_look").click().run()
        at.switch_page("app_pages/what_if.py").run()
        assert not at.exception
        assert not at.error
        return at

    return opened


def test_an_account_that_was_never_read(unread: Callable[[], AppTest]) -> None:
    """An empty list, a switch that is not known, no calls: a draft can be made, and it is said that nothing tells."""
    at = unread()

    assert at.session_state[KEY].base.empty

    edit(at, added_rows=[{"network": DENVER}])

    assert f"Allowing {DENVER}: there are no past calls to tell by." == at.title[0].value
    assert "No past outbound call was read yet." in words(at)

    switch(at, "off")

    assert "These 2 changes: there are no past calls to tell by." == at.title[0].value


def test_the_plan_of_a_real_account_is_guided(unread: Callable[[], AppTest], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no program can write the list, the same button leads to what to do in the portal."""
    monkeypatch.setenv("FLOWROUTE_ACCESS_KEY", "access-7f3c91")
    monkeypatch.setenv("FLOWROUTE_SECRET_KEY", "secret-b52e08")
    at = edit(unread(), added_rows=[{"network": DENVER}])
    at.button(key="what_if_review").click().run()
    plan = at.session_state["review"].plan

    assert not at.exception
    assert (AllowAddress(network=DENVER),) == plan.changes
    assert plan.guided
