"""What if page: the replay of the draft, and the plan made from it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.calls.replay.replayer import BROKEN, SAVED
from dashboard.domain.actors import local_actor
from dashboard.domain.changes import AllowAddress, Change, RemoveAddress, SetCredentials
from dashboard.services.workspace import Workspace
from dashboard.web.what_if.draft import parse_draft
from dashboard.web.what_if.draft_text import NOTHING
from dashboard.web.what_if.editor import AS_IT_IS, CARRIED, KEY
from tests.apps import new_app
from tests.texts import golden
from tests.web.pages.drafting import DENVER, OLD_DENVER, SEATTLE, counts, edit, expected, row_of, shown, switch, words


def test_a_new_draft_changes_nothing(app: Callable[..., AppTest], account: Workspace) -> None:
    """A new draft has the current list and every call unchanged; nothing can be planned or discarded."""
    at = app("what_if")

    assert NOTHING == at.title[0].value
    assert list(account.snapshot().allowed_ips["network"]) == list(at.session_state[KEY].base["network"])
    assert counts(expected(account)) == shown(at)
    assert (True, True) == (at.button(key="what_if_review").disabled, at.button(key="what_if_over").disabled)


def test_a_deleted_row_breaks_its_calls(app: Callable[..., AppTest], account: Workspace) -> None:
    """The counts are those of the replay, the title names the PBX whose calls break, and the change is listed."""
    at = app("what_if")
    edit(at, deleted_rows=[row_of(at, SEATTLE)])
    impact = expected(account, SetCredentials(enabled=True), RemoveAddress(network=SEATTLE))

    assert impact.calls(BROKEN)
    assert counts(impact) == shown(at)
    assert (
        golden(
            "pages.what_if.removing_would_block_calls",
            address=SEATTLE,
            calls=f"{impact.calls(BROKEN):,}",
            pbx="Seattle",
        )
        in at.title[0].value
    )
    assert f"Remove `{SEATTLE}` (Seattle)" in words(at)


def test_an_added_row_saves_calls(app: Callable[..., AppTest], account: Workspace) -> None:
    """A new address counts as soon as it is typed; a blank row does not."""
    at = app("what_if")
    edit(at, added_rows=[{"network": DENVER, "label": "Denver"}, {}])
    impact = expected(account, AllowAddress(network=DENVER))

    assert impact.calls(SAVED)
    assert counts(impact) == shown(at)
    assert "of Denver" in at.title[0].value


def test_the_switch_and_the_list_count_together(app: Callable[..., AppTest], account: Workspace) -> None:
    """Changes of the list and of the switch are replayed together."""
    at = app("what_if")
    edit(at, added_rows=[{"network": DENVER}])
    switch(at, "off")

    assert counts(expected(account, AllowAddress(network=DENVER), SetCredentials(enabled=False))) == shown(at)
    assert at.title[0].value.startswith(golden("pages.what_if.changes_would_block", changes=2))


def test_an_address_changed_in_place_is_shown_with_whose_it_is(app: Callable[..., AppTest], account: Workspace) -> None:
    """An address edited in place is shown with its PBX, and means to allow the new one and remove the old one."""
    at = app("what_if")
    place = row_of(at, OLD_DENVER)
    edit(at, edited_rows={place: {"network": DENVER}})
    base = at.session_state[KEY].base

    assert (DENVER, "Denver", OLD_DENVER) == tuple(base.loc[place, ["network", "whose", "origin"]])
    assert counts(expected(account, AllowAddress(network=DENVER), RemoveAddress(network=OLD_DENVER))) == shown(at)


def test_invalid_row_blocks_a_plan(app: Callable[..., AppTest], account: Workspace) -> None:
    """An invalid row is reported with its number and fault, is not replayed, and blocks a plan; it can be discarded."""
    at = app("what_if")
    there = len(at.session_state[KEY].base)
    edit(at, added_rows=[{"network": "10.0.0.5"}])

    assert f"Row {there + 1}: 10.0.0.5 " + golden("errors.addresses.is_private") in words(at)
    assert counts(expected(account)) == shown(at)
    assert (True, False) == (at.button(key="what_if_review").disabled, at.button(key="what_if_over").disabled)


def test_draft_survives_another_page(app: Callable[..., AppTest]) -> None:
    """After a visit to another page the draft is unchanged, including invalid rows and the switch."""
    at = app("what_if")
    edit(at, deleted_rows=[row_of(at, SEATTLE)], added_rows=[{"network": "10.0.0.5"}])
    switch(at, "off")
    was = shown(at)
    at.switch_page("web/pages/findings.py").run()
    at.switch_page("web/pages/what_if.py").run()

    assert not at.exception
    assert was == shown(at)
    assert "10.0.0.5 " + golden("errors.addresses.is_private") in words(at)


def test_start_over_forgets_the_draft(app: Callable[..., AppTest], account: Workspace) -> None:
    """Starting over resets the list and the switch to the account."""
    at = app("what_if")
    edit(at, deleted_rows=[0, 1])
    switch(at, "off")
    at.button(key="what_if_over").click().run()

    assert not at.exception
    assert NOTHING == at.title[0].value
    assert counts(expected(account)) == shown(at)


def test_the_draft_becomes_a_plan(app: Callable[..., AppTest], account: Workspace) -> None:
    """The review has the changes and counts of the draft; once the plan is applied, the draft is reset."""
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
    """A change by someone else is merged into the draft with a message, and the drafted changes stay."""
    at = app("what_if")
    edit(at, deleted_rows=[row_of(at, SEATTLE)])
    entry = account.apply(account.plan_changes([AllowAddress(network=DENVER)]), actor=local_actor("tests"))
    try:
        at.run()

        assert not at.exception
        assert CARRIED in [toast.value for toast in at.toast]
        assert DENVER in list(at.session_state[KEY].base["network"])
        assert at.title[0].value.startswith(golden("pages.what_if.removing_would_block", address=SEATTLE))
    finally:
        account.apply(account.undo_plan(entry.id), actor=local_actor("tests"), typed=["Denver"])


@pytest.fixture
def unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], AppTest]:
    """Return a function that opens the page on an account that was never read."""
    monkeypatch.setenv("TRUNKGATE_HOME", str(tmp_path / "new"))
    monkeypatch.setenv("TRUNKGATE_SAMPLE_CALLS", "100")
    monkeypatch.setenv("TRUNKGATE_PUBLIC_RANGES", "198.51.100.0/24")

    def opened() -> AppTest:
        at = new_app().run()
        at.button(key="first_run_look").click().run()
        at.switch_page("web/pages/what_if.py").run()
        assert not at.exception
        assert not at.error
        return at

    return opened


def test_an_account_that_was_never_read(unread: Callable[[], AppTest]) -> None:
    """Without a list, a known switch or calls a draft is possible, and the page says that there are no past calls."""
    at = unread()

    assert at.session_state[KEY].base.empty

    edit(at, added_rows=[{"network": DENVER}])

    assert at.title[0].value.startswith(golden("pages.what_if.nothing_to_tell_by", address=DENVER))
    assert golden("pages.what_if.no_past_call_was_read") in words(at)

    switch(at, "off")

    assert at.title[0].value.startswith(golden("pages.what_if.changes_nothing_to_tell_by", changes=2))


def test_the_plan_of_a_real_account_is_guided(unread: Callable[[], AppTest], monkeypatch: pytest.MonkeyPatch) -> None:
    """If no program can write the list, the same button opens a guided plan."""
    monkeypatch.setenv("FLOWROUTE_ACCESS_KEY", "access-7f3c91")
    monkeypatch.setenv("FLOWROUTE_SECRET_KEY", "secret-b52e08")
    at = edit(unread(), added_rows=[{"network": DENVER}])
    at.button(key="what_if_review").click().run()
    plan = at.session_state["review"].plan

    assert not at.exception
    assert (AllowAddress(network=DENVER),) == plan.changes
    assert plan.guided


def test_an_earlier_list_is_taken_as_a_draft(app: Callable[..., AppTest], account: Workspace) -> None:
    """An earlier list can be loaded as a draft, which shows the effect of going back to it."""
    entry = account.apply(account.plan_changes([AllowAddress(network=DENVER)]), actor=local_actor("tests"))
    try:
        at = app("what_if")
        at.selectbox(key="what_if_past").set_value(len(account.snapshot().versions) - 2).run()

        assert not at.exception
        assert [RemoveAddress] == [type(change) for change in read_draft(at, account)]
        assert golden("pages.what_if.removing_would_block", address=DENVER) in at.title[0].value
        assert at.selectbox(key="what_if_past").value is None
    finally:
        account.apply(account.undo_plan(entry.id), actor=local_actor("tests"), typed=["Denver"])


def read_draft(at: AppTest, account: Workspace) -> tuple[Change, ...]:
    """Return the changes of the draft on the page."""
    drafted = at.session_state[KEY]
    return parse_draft(drafted.edited, drafted.switch, account.snapshot()).changes
