"""The session table."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from dashboard.services.access import links
from dashboard.web.gate import Gate
from dashboard.web.sessions import LIFE_S, MemorySessions, Session


def test_a_session_keeps_the_number_of_its_link_and_not_the_token(tmp_path: Path) -> None:
    """A session stores its link's number, which tells links of one user apart in the journal, and not the token."""

    async def nothing(*_: Any) -> dict[str, Any]:
        """Return a disconnect when called to receive; send nothing when called as the app."""
        return {"type": "http.disconnect"}

    table = MemorySessions()
    sent = []
    gate = Gate(nothing, port=8501, sessions=table, use_link=lambda token: links.use(tmp_path, token),
                is_unused=lambda token: links.is_unused(tmp_path, token),
                content_policy=b"", peer=None)  # fmt: skip

    async def keep(message: Any) -> None:
        sent.append(message)

    for token in (links.make(tmp_path), links.make(tmp_path)):
        scope = {"type": "http", "method": "GET", "path": "/enter", "query_string": f"token={token}&open=yes".encode()}
        with ThreadPoolExecutor(1) as thread:  # browser tests leave an event loop in this one
            thread.submit(
                asyncio.run, gate(scope | {"headers": [(b"host", b"localhost:8501")]}, nothing, keep)
            ).result()
        headers = dict(next(each for each in reversed(sent) if each["type"] == "http.response.start")["headers"])
        session = table.by_cookie(headers[b"set-cookie"].decode().partition(";")[0].partition("=")[2])
        assert session is not None
        assert links.number_of(token) == session.link
        assert token not in repr(session)
        assert session.link in links.digest(token)


def test_a_session_is_found_by_its_cookie_and_its_id_and_by_nothing_else() -> None:
    """A session is found by its cookie or its id, which are not interchangeable; the cookie is not stored."""
    table = MemorySessions()
    session = Session(made_by="kim")
    cookie = table.add(session)

    assert table.by_cookie(cookie) is session
    assert table.by_id(session.id) is session
    assert table.by_cookie(session.id) is None
    assert table.by_id(cookie) is None
    assert table.by_cookie("") is table.by_id("") is None
    assert table.by_cookie("\udcff") is None
    assert cookie not in repr(vars(table))


def test_a_session_ends_after_its_time() -> None:
    """An expired session is not found any more, and its listener is called once."""
    table = MemorySessions()
    session = Session(made_by="kim")
    cookie = table.add(session)
    called = []
    table.listen(session, lambda: called.append(1))
    assert 0 < session.left_s <= LIFE_S

    session.until -= LIFE_S

    assert table.by_id(session.id) is None
    assert table.by_cookie(cookie) is None
    table.end(session)
    assert [1] == called


def test_who_listens_to_a_session_that_has_ended_is_called_at_once() -> None:
    """A listener of an ended session is called at once, so that a tab opened at that moment does not stay open."""
    table = MemorySessions()
    called = []
    session = Session(made_by="kim")
    table.add(session)
    table.end(session)

    table.listen(session, lambda: called.append(1))

    assert [1] == called
