"""Set up PBXs page for one PBX: each step with its evidence, the next one expanded."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.core import clocks
from tests.texts import golden
from tests.web.pages.set_up import hold_overview, hold_steps, onboard


def words(at: AppTest) -> str:
    """Return the titles, Markdown and captions of the page as one string."""
    return " ".join(text.value for text in [*at.title, *at.markdown, *at.caption])


@pytest.mark.parametrize(
    ("pbx", "title"),
    [
        ("Seattle", golden("pages.set_up.title_all_proven", pbx="Seattle")),
        ("Denver", "Denver: " + golden("pages.set_up.next_is_allow", step=4) + "."),
        ("Phoenix", "Phoenix: " + golden("pages.set_up.next_is_route", step=5) + "."),
    ],
)
def test_the_title_names_the_next_step(app: Callable[..., AppTest], pbx: str, title: str) -> None:
    """The title states the next step of one PBX, or that every step is proven."""
    assert title == app("set_up_pbx", pbx_id=pbx).title[0].value


def test_only_the_next_step_is_open(app: Callable[..., AppTest]) -> None:
    """Of seven steps of the PBX and one of the account, only the next is expanded."""
    steps = [step for step in app("set_up_pbx", pbx_id="Denver").expander if "**" in step.label]

    assert 8 == len(steps)
    assert [3] == [place for place, step in enumerate(steps) if step.proto.expanded]


def test_the_dial_string_is_built_and_checked(app: Callable[..., AppTest]) -> None:
    """A number becomes the carrier's dial string; a dial string of the PBX is checked and its faults are named."""
    at = app("set_up_pbx", pbx_id="Seattle")
    at.text_input(key="set_up_number").set_value("13125550123").run()

    assert any(code.value.startswith("12345678*13125550123@") for code in at.code)

    at.text_input(key="set_up_own").set_value("+13125550123@us-west-or.sip.flowroute.com").run()

    assert not at.exception
    assert ":red[" in words(at)


def test_a_dynamic_pbx_needs_no_listing(app: Callable[..., AppTest]) -> None:
    """The steps of a dynamic PBX say that it signs in with credentials and that its address is not listed."""
    text = words(app("set_up_pbx", pbx_id="Miami"))

    assert golden("pages.set_up.signs_in_with_credentials") in text
    assert golden("pages.set_up.changing_address_is_not_listed") in text


def test_the_step_opens_the_review_of_its_fix(app: Callable[..., AppTest]) -> None:
    """The button of the step names the change and opens its review."""
    at = app("set_up_pbx", pbx_id="Denver")

    assert "Allow 198.51.100.24" == at.button(key="set_up_allow_0").label

    at.button(key="set_up_allow_0").click().run()

    assert not at.exception
    assert "Allow 198.51.100.24" == at.button(key="review_apply").label


def test_the_command_states_the_same(app: Callable[..., AppTest]) -> None:
    """``trunkgate onboard`` has the headline, states, reasons and next actions of the page, and ends with 1."""
    moment = datetime.now(UTC)
    with clocks.using(lambda: moment):
        at = app("set_up_pbx")
        status, told = onboard()
        hold_overview(at, told)
        for name in ("Denver", "Miami"):
            hold_steps(app("set_up_pbx", pbx_id=name), onboard("--pbx", name.lower())[1])

    assert 1 == status
    assert {"pbxs": 10, "to_do": 4, "done": 6, "stated": 0, "unknown": 0} == told["counts"]
