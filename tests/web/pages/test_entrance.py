"""Sessions on pages: nothing is shown without one, the name is asked once, and records have the name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streamlit.testing.v1 import AppTest

from dashboard.core.text import UNSAFE
from dashboard.domain.actors import browser_actor
from dashboard.services.snapshot_builder import load_frame, save_frame
from dashboard.services.workspace import Workspace
from dashboard.web import session as at_the_browser
from dashboard.web import sessions
from tests.apps import new_app
from tests.router import PAGES
from tests.texts import golden

HOSTILE = "Den\u202ever\x1b[2J\x9b"


def opened() -> AppTest:
    """Open the app with the session set by ``sessions.stand_in``."""
    return new_app().run()


def every_text(node: Any) -> list[str]:
    """Return all messages that a page sends to a browser as text, tables and charts included."""
    sent = getattr(node, "proto", None)
    found = [sent.SerializeToString().decode("utf-8", errors="ignore")] if hasattr(sent, "SerializeToString") else []
    return found + [text for child in getattr(node, "children", {}).values() for text in every_text(child)]


def texts_of(at: AppTest) -> list[str]:
    """Return all messages of a page that ran, as text."""
    return every_text(at._tree)  # noqa: SLF001 - elements of every kind


def test_without_a_session_there_is_one_sentence(account: Workspace) -> None:
    """Without a session the app shows only an error that names the command to start, and nothing of the account."""
    sessions.stand_in(None)

    at = opened()

    (error,) = at.error
    assert "`trunkgate serve`" in error.value
    assert [] == [*at.title, *at.markdown, *at.button, *at.metric, *at.dataframe]
    assert account.settings.home.name not in "".join(texts_of(at))


def test_a_browser_is_asked_for_a_name_once(app: Callable[..., AppTest]) -> None:
    """
    The name is asked for once per session.

    A name without visible characters is rejected. With a name the pages open in every tab and show how changes are
    recorded.
    """
    session = sessions.Session(made_by="kim")
    sessions.stand_in(session)
    at = opened()
    assert [golden("pages.entrance.who_uses_this_browser")] == [title.value for title in at.title]
    assert not at.dataframe

    for unseen in (" \u202e ", "\u200d\u3164\u2800"):
        at.text_input(key="entrance_typed").set_value(unseen)
        at.button[0].click().run()
        assert "Enter the name" in at.error[0].value
        assert session.name == ""

    at.text_input(key="entrance_typed").set_value(" Ola\u202e\n Svensson ")
    at.button[0].click().run()
    assert session.name == "Ola Svensson"
    for page in (at, app("findings")):
        assert golden("pages.entrance.who_uses_this_browser") != page.title[0].value
        assert any(
            golden("pages.operators.named_by_link", name="Ola Svensson", inviter="kim") in text.value
            for text in page.caption
        )


def test_a_tab_that_another_person_takes_over_starts_afresh(app: Callable[..., AppTest]) -> None:
    """A tab taken over by another session loses the page state of the session before."""
    at = app("what_if")
    at.session_state["draft_of_the_first"] = "kept"
    at.run()
    assert at.session_state["draft_of_the_first"] == "kept"

    sessions.stand_in(sessions.Session(made_by="kim", name="Mo", vouched=True, link="0123456789ab", uid=1000))
    assert browser_actor("Mo", "kim", vouched=True, link="0123456789ab", uid=1000) == at_the_browser.actor()
    at.run()

    assert "draft_of_the_first" not in at.session_state
    assert any(golden("pages.entrance.by_link", name="Mo", inviter="kim") in text.value for text in at.caption)


def test_a_session_that_ends_while_a_page_is_open_changes_nothing(
    app: Callable[..., AppTest], account: Workspace
) -> None:
    """A button pressed after the session has ended changes nothing, because the session is looked up again."""
    before = account.state.latest("pbxs")
    at = app("inventory")
    sessions.stand_in(None)

    at.button(key="inventory_confirm").click().run()

    assert any("`trunkgate serve`" in error.value.replace("\\", "") for error in at.error)
    assert before == account.state.latest("pbxs")


def test_no_page_sends_a_character_that_nobody_sees(app: Callable[..., AppTest], account: Workspace) -> None:
    """Hidden characters in names and labels saved by an earlier version are sent by no page, in texts or tables."""
    now = account.state.latest("pbxs")["seen_at"]
    before = {name: load_frame(account.state, name) for name in ("pbxs", "allowed_ips")}
    pbxs, entries = (before[name].copy() for name in before)
    pbxs.loc[pbxs["pbx_id"] == "denver", "name"] = HOSTILE
    entries["label"] = HOSTILE
    try:
        save_frame(account.state, "pbxs", pbxs, now=now, known_by="operator")
        save_frame(account.state, "allowed_ips", entries, now=now, known_by="operator")
        found = {page: [text for text in texts_of(app(page)) if "\u202e" in text or "\x9b" in text] for page in PAGES}
    finally:
        for name, frame in before.items():
            save_frame(account.state, name, frame, now=now, known_by="operator")

    assert UNSAFE.search(HOSTILE)
    assert {} == {page: texts for page, texts in found.items() if texts}
