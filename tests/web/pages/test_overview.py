"""Overview page: current problems, recommended fixes, and a fix that is applied and undone."""

from __future__ import annotations

import re
from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from dashboard.services.workspace import Workspace
from tests.texts import golden, golden_pattern


def words(at: AppTest) -> str:
    """Return the titles, Markdown and captions of the page as one string."""
    return " ".join(text.value for text in [*at.title, *at.markdown, *at.caption])


def test_the_title_names_who_is_refused_and_who_spends(app: Callable[..., AppTest]) -> None:
    """
    The title names the PBX whose calls are rejected and the unassigned address that spends money.

    An operator who is called at two in the morning reads only this line.
    """
    title = app().title[0].value

    assert title.startswith(golden("pages.overview.calls_are_rejected", pbx="Denver"))
    assert "Unassigned address 203.0.113.66 spent " in title


def test_four_figures(app: Callable[..., AppTest]) -> None:
    """The page has four figures: calls admitted and not authorized in 24 hours, open findings, and credentials."""
    at = app()

    assert ["Calls admitted, 24 h", "Not authorized, 24 h", "Open findings", "Outbound credentials"] == [
        metric.label for metric in at.metric
    ]
    assert "Enabled" == at.metric[3].value


def test_what_could_not_be_judged_is_said_beside_what_passed(app: Callable[..., AppTest]) -> None:
    """The gray part of the bars, neither failed nor passed, is explained in words."""
    assert re.search(r"\d+ " + golden_pattern("pages.overview.subjects_passed"), words(app()))


def test_findings_with_the_same_fix_are_grouped(app: Callable[..., AppTest]) -> None:
    """Two checks require Denver's address; the page offers one fix for both."""
    offered = [text.value for text in app().markdown if "**Allow 198.51.100.24**" in text.value]

    assert len(offered) == 1


def test_fix_is_applied_and_undone(app: Callable[..., AppTest], account: Workspace) -> None:
    """A fix is reviewed, applied, verified, and undone with the name typed; the journal has both actions."""
    at = app()
    at.button(key="overview_fix_0").click().run()

    assert not at.exception
    assert golden("pages.policy.not_on_the_list") in words(at)
    assert golden("pages.fixes.effect") in words(at)
    assert "Allow 198.51.100.24" == at.button(key="review_apply").label

    at.button(key="review_apply").click().run()

    assert not at.exception
    assert "198.51.100.24" in set(account.carrier.allowed_ips()[0]["network"])
    assert golden("pages.fixes.verified_amid") in words(at)
    assert "Watching" in words(at)

    at.button(key="review_undo").click().run()

    assert not at.exception
    assert at.button(key="review_apply").disabled

    at.text_input(key="review_phrase_0").set_value("Denver").run()
    at.button(key="review_apply").click().run()

    assert not at.exception
    assert "198.51.100.24" not in set(account.carrier.allowed_ips()[0]["network"])
    assert ["begun", "done", "begun", "done"] == [entry.phase for entry in account.journal.entries()]

    at.button(key="review_close").click().run()

    assert not at.exception
    assert "review" not in at.session_state


def test_a_plan_that_went_stale_changes_nothing(app: Callable[..., AppTest], account: Workspace) -> None:
    """If the account changes after the review opened, applying shows an error and changes nothing."""
    at = app()
    at.button(key="overview_fix_0").click().run()
    row = account.plan("allowed_ip_has_pbx", "198.51.100.50").changes[0]
    account.carrier.apply(row)
    try:
        at.button(key="review_apply").click().run()
    finally:
        account.carrier.apply(row.inverse())

    assert not at.exception
    assert golden("pages.overview.account_moved") in at.error[-1].value
    assert "198.51.100.24" not in set(account.carrier.allowed_ips()[0]["network"])


def test_the_dearer_unassigned_caller_stands_first(app: Callable[..., AppTest]) -> None:
    """Of unassigned callers with one severity, the one that costs most today is first."""
    offered = " ".join(text.value for text in app().markdown)
    places = [offered.index(f"**{words}") for words in ("Remove 203.0.113.66", "Allow 192.0.2.20")]

    assert places == sorted(places)
