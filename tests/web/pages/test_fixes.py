"""Fixes: the review dialog from button to button, and the history of applied fixes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from filelock import FileLock
from streamlit.testing.v1 import AppTest

from dashboard.domain.actors import browser_actor
from dashboard.domain.changes import AllowAddress
from dashboard.services.workspace import Workspace
from dashboard.storage.journal import PHASE_BEGUN, PHASE_DONE, PHASE_FAILED, PHASE_PARTLY, JournalEntry
from dashboard.web.fixes import review, timeline
from tests.texts import golden

BOSTON = "198.51.100.50"


def words(at: AppTest) -> str:
    """Return the titles, headings, Markdown and captions of the page and of an open dialog as one string."""
    return " ".join(text.value for text in [*at.title, *at.subheader, *at.markdown, *at.caption])


def keys(at: AppTest) -> list[str | None]:
    """Return the keys of the buttons on the page."""
    return [button.key for button in at.button]


def test_a_history_of_nothing_says_so_once(app: Callable[..., AppTest]) -> None:
    """Without fixes the title says so, and the text below states what the history will contain."""
    at = app("fixes")

    assert golden("pages.fixes.none_yet") == at.title[0].value
    assert words(at).count(golden("pages.fixes.none_yet")) == 1
    assert golden("pages.fixes.history") in words(at)


@pytest.mark.parametrize(
    ("phases", "word"),
    [
        ((), None),
        ((None,), "No recorded outcome"),
        ((PHASE_DONE,), "Done and verified"),
        ((PHASE_PARTLY,), "Partly done"),
        ((PHASE_FAILED,), "Failed"),
        ((PHASE_FAILED, PHASE_DONE), "Done and verified"),
    ],
)
def test_a_plan_is_shown_with_its_outcome(phases: Sequence[str | None], word: str | None) -> None:
    """A plan has the outcome of its last application, in the words of the history."""
    entries = []
    for action, phase in enumerate(phases):
        entries.append(entry(len(entries) + 1, str(action), PHASE_BEGUN))
        entries += [entry(len(entries) + 1, str(action), phase)] if phase else []

    assert word == timeline.plan_outcomes(entries).get("the plan", (None,))[0]


def test_a_plan_that_was_taken_back_says_so() -> None:
    """A plan that was undone is shown as undone, not as applied."""
    entries = [entry(1, "do", PHASE_BEGUN), entry(2, "do", PHASE_DONE), entry(3, "back", PHASE_BEGUN, "its undo")]
    entries.append(replace(entry(4, "back", PHASE_DONE, "its undo"), undoes=2))

    assert ("Undone", "Done and verified") == tuple(
        timeline.plan_outcomes(entries)[plan][0] for plan in ("the plan", "its undo")
    )


def entry(number: int, action: str, phase: str, plan: str = "the plan") -> JournalEntry:
    """Return a journal entry."""
    return JournalEntry(number, datetime.now(UTC), action, phase, "a test", "It", plan, None, {}, "", "")


def remove_boston(app: Callable[..., AppTest]) -> AppTest:
    """Open the review that removes the retired PBX's address on the Account page."""
    at = app("account")
    row = list(at.dataframe[0].value["network"]).index(BOSTON)
    at.session_state["account_entries"] = {"selection": {"rows": [row], "columns": [], "cells": []}}
    at.run()
    return at.button(key="account_remove").click().run()


def test_each_button_says_what_it_does(app: Callable[..., AppTest], account: Workspace) -> None:
    """After remove and undo the applied plan and its button are gone, and the next button names its effect."""
    at = remove_boston(app)
    assert f"Remove {BOSTON}" == at.button(key="review_apply").label

    at.button(key="review_apply").click().run()
    assert not at.exception
    assert "review_apply" not in keys(at)
    assert golden("pages.fixes.effect") not in words(at)
    assert golden("pages.fixes.watching_none_yet", whom="198.51.100.50 (formerly Boston)") in words(at).replace(
        "\\", ""
    )
    assert "Undo" == at.button(key="review_undo").label

    at.button(key="review_undo").click().run()
    assert not at.exception
    assert "review_undo" not in keys(at)
    assert f"Undo: allow {BOSTON}" == at.button(key="review_apply").label

    at.button(key="review_apply").click().run()
    assert not at.exception
    assert BOSTON in set(account.carrier.allowed_ips()[0]["network"])
    assert f"Remove {BOSTON} again" == at.button(key="review_undo").label

    at.button(key="review_close").click().run()
    assert review.KEY not in at.session_state


def test_an_undo_can_be_done_again_from_the_history(app: Callable[..., AppTest], account: Workspace) -> None:
    """The history entry of an undo offers a redo, and the journal records the browser's link and user."""
    somebody = browser_actor("Ola", "kim", link="0123456789ab", uid=1000)
    plan = account.plan("allowed_ip_has_pbx", BOSTON)
    entry = account.apply(plan, actor=somebody, typed=plan.phrases)
    back = account.undo_plan(entry.id)
    done = account.apply(back, actor=somebody, typed=back.phrases)
    at = app("fixes")

    assert "Redo" == at.button(key=f"fixes_undo_{done.id}").label
    assert {"way": "link", "link": "0123456789ab", "link_by": "kim", "user": "os:1000"} == (
        account.journal.entry(done.id - 1).by
    )
    assert any("link 0123456789ab · os:1000" in text.proto.help.replace("\\", "") for text in at.caption)


def test_an_interrupted_fix_is_counted_then_settled_and_undone(app: Callable[..., AppTest], account: Workspace) -> None:
    """Overview and Fixes report a fix without an outcome; once it is settled, the changes in place can be undone."""
    plan = account.plan_changes([AllowAddress(network="192.0.2.8"), AllowAddress(network="192.0.2.9")])
    begun = account.journal.begin(plan, actor="a test", before=plan.before)
    account.carrier.apply(plan.changes[0])
    with FileLock(str(account.settings.home / "fix.lock")):
        overview = app()
        fixes = app("fixes")

    assert golden("pages.fixes.one_without_outcome_entry", id=begun.id) in overview.warning[0].value.replace("\\", "")
    assert fixes.title[0].value.endswith(golden("pages.fixes.one_without_outcome"))
    assert golden("pages.fixes.was_interrupted") in words(fixes)
    assert f"fixes_undo_{begun.id}" not in keys(fixes)

    (entry,) = account.settle()
    fixes = app("fixes")
    assert "no recorded outcome" not in words(fixes)
    assert golden("fixes.executor.found_in_place") in words(fixes)
    assert not app().warning
    assert ":orange-badge[Partly done]" in {text.value for text in app("fixes", view="Plans shown").markdown}
    fixes.button(key=f"fixes_undo_{entry.id}").click().run()
    fixes.button(key="review_apply").click().run()

    assert not fixes.exception
    assert "192.0.2.8" not in set(account.carrier.allowed_ips()[0]["network"])
