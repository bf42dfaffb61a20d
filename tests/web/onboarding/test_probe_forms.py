"""Probe forms: PoPs are probed concurrently, answers are sentences, and the command can be pasted into a shell."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from contextlib import suppress
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.core.errors import InputError
from dashboard.services.onboarding.probes import WAIT_S, asked, command
from dashboard.web.onboarding.probe_forms import answer_text
from tests import waiting
from tests.sip.probe.far_end import FarEnd, answer, far_end
from tests.texts import golden, golden_pattern


def says(status: str) -> Callable[[str, str], list[bytes]]:
    """Return a responder that answers every request with one status."""
    return lambda _method, request: [answer(request, status)]


def at(end: FarEnd) -> str:
    """Return the far end's PoP, as host and port."""
    return f"127.0.0.1:{end.port}"


def test_pops_are_probed_concurrently() -> None:
    """PoPs are probed concurrently, so a silent one delays no other; results are in the order of the PoPs."""
    together = Barrier(2)

    def both(*_: str) -> list[bytes]:
        """Do not answer; probed one after the other, the first probe would end before the second begins."""
        with suppress(BrokenBarrierError):
            together.wait(WAIT_S)
        return []

    with far_end(says("200 OK")) as there, far_end(both) as silent, far_end(both) as other:
        found = asked([at(silent), at(there), at(other)])

    assert [None, 200, None] == [one.sip_status for one in found]
    assert not together.broken
    assert ["OPTIONS"] == there.methods
    assert "no answer." in answer_text(found[0])
    assert f"`{at(there)}`: 200 OK after 0." in answer_text(found[1])


def test_reason_phrase_is_shown_as_plain_text() -> None:
    """Markdown and colors in a reason phrase are shown as plain text."""
    with far_end(says("503 :red[gone] [here](http://192.0.2.1)")) as end:
        (found,) = asked([at(end)])

    assert ":red[gone]" not in answer_text(found)
    assert "[here](" not in answer_text(found)


def test_a_host_that_is_none_is_a_sentence() -> None:
    """An invalid host name raises an error with a message, because the inventory may contain any text."""
    with pytest.raises(InputError, match="is " + golden_pattern("commands.probe.not_a_host_name")):
        asked(["a b"])


def test_the_command_is_one_of_the_shell() -> None:
    """Each argument of the command stays one word in a shell."""
    told = command("198.51.100.24", "us-west-or.sip.flowroute.com", "12345678")

    assert told == (golden("pages.set_up.probe_command"))
    assert ["x; rm -rf /"] == shlex.split(command("", "x; rm -rf /", ""))[3:4]


def page(pop: str) -> None:
    """Draw the form for a real account; AppTest runs this function's source alone, so it imports all that it needs."""
    from datetime import UTC, datetime  # noqa: PLC0415 - AppTest runs only this source

    import streamlit as st  # noqa: PLC0415 - AppTest runs only this source

    from dashboard.domain.snapshot import Account, Snapshot  # noqa: PLC0415 - AppTest runs only this source
    from dashboard.web.onboarding import probe_forms  # noqa: PLC0415 - AppTest runs only this source

    known = Snapshot(datetime.now(UTC), Account("12345678", None))
    kept = st.session_state.setdefault("kept", [])
    probe_forms.show(known, ["198.51.100.24"], pop, lambda *told: kept.append(told))


def test_button_probes_and_reports() -> None:
    """The button probes the PoP; the page shows the answer and what it does not prove, and saves it as a note."""
    with far_end(says("200 OK")) as end:
        at_page: Any = AppTest.from_function(page, args=(at(end),), default_timeout=waiting.WAIT_S).run()
        assert not at_page.exception
        at_page.button(key="probe_ask").click().run()

    text = " ".join(each.value for each in [*at_page.markdown, *at_page.caption])
    assert not at_page.exception
    assert "200 OK after" in text
    assert golden("pages.set_up.reachable_is_not_admitted") in text
    ((kind, content),) = at_page.session_state["kept"]
    assert ("reached", [200]) == (kind, [one["sip_status"] for one in content["pops"]])
