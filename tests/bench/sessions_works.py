"""Workload: a session that requests page reruns over Streamlit's own protocol and waits for each script to end."""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass, field
from urllib.parse import urlencode

import requests
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

ROUND = ("", "calls", "outcomes", "findings", "calls", "what_if")
"""Pages that a session visits in a cycle."""
SPANS = ("24 h", "7 days", "30 days", "All")
OUTCOMES = ("", "answered", "refused_auth", "busy_or_no_answer")
LONGEST_S = 300
MOST_S = 60
"""Seconds after which no session clicks again; reruns in progress are completed."""
MOST_BYTES = 64 * 2**20


@dataclass
class Session:
    """One WebSocket connection."""

    wire: ClientConnection
    pages: dict[str, str] = field(default_factory=dict)
    """Pages by path, with the identifiers that the server assigns."""
    errors: list[str] = field(default_factory=list)

    async def rerun(self, path: str, query: str = "") -> float:
        """Run a page's script; return the seconds from request to completion."""
        asked = BackMsg()
        asked.rerun_script.page_script_hash = self.pages.get(path, "")
        asked.rerun_script.query_string = query
        asked.rerun_script.context_info.timezone = "UTC"
        begun = time.perf_counter()
        await self.wire.send(asked.SerializeToString())
        await asyncio.wait_for(self._ended(), LONGEST_S)
        return time.perf_counter() - begun

    async def _ended(self) -> None:
        while True:
            told = ForwardMsg.FromString(await self.wire.recv(decode=False))
            kind = told.WhichOneof("type")
            if kind == "navigation":
                self.pages = {page.url_pathname: page.page_script_hash for page in told.navigation.app_pages}
            elif kind == "delta" and told.delta.new_element.WhichOneof("type") == "exception":
                self.errors.append(told.delta.new_element.exception.message)
            elif kind == "session_event" and told.session_event.HasField("script_compilation_exception"):
                self.errors.append(told.session_event.script_compilation_exception.message)
            elif kind == "script_finished" and told.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                return


@dataclass(frozen=True)
class Load:
    """Measurements of concurrent sessions."""

    seconds: list[float]
    wall_s: float
    errors: list[str]

    @property
    def per_second(self) -> float:
        """Reruns per second of all sessions together."""
        return len(self.seconds) / self.wall_s

    def share(self, part: float) -> float:
        """Return the time in seconds below which this share of the reruns stayed."""
        return sorted(self.seconds)[math.ceil(part * len(self.seconds)) - 1]


def load(url: str, link: str, sessions: int, reruns: int, *, every_s: float = 0.0) -> Load:
    """
    Rerun pages from several sessions at once.

    Args:
        url: URL of the page process.
        link: One-time link that admits the sessions.
        sessions: Number of sessions.
        reruns: Reruns per session; the first run, which opens it, is not counted.
        every_s: Seconds between two clicks of a session, with staggered starts; a click waits for the page of the
            previous click. 0 means no pause.
    """
    cookie = requests.get(link, timeout=LONGEST_S).headers["set-cookie"].partition(";")[0]
    return asyncio.run(_load(url, cookie, sessions, reruns, every_s))


async def _load(url: str, cookie: str, sessions: int, reruns: int, every_s: float) -> Load:
    place = f"{url.replace('http', 'ws')}/_stcore/stream"
    asked = {"subprotocols": ["streamlit"], "origin": url, "additional_headers": {"Cookie": cookie}}
    wires = [await connect(place, **asked, max_size=MOST_BYTES, ping_timeout=None) for _ in range(sessions)]
    found = [Session(wire) for wire in wires]
    try:
        for session in found:
            await session.rerun("")
        begun = time.perf_counter()
        taken = await asyncio.gather(
            *(
                _click(each, place, reruns, every_s, begun + every_s * place / sessions)
                for place, each in enumerate(found)
            )
        )
        wall = time.perf_counter() - begun
    finally:
        for wire in wires:
            await wire.close()
    return Load([took for each in taken for took in each], wall, [fault for each in found for fault in each.errors])


def looked_for(place: int, number: int) -> str:
    """Return the search of a session on the page Calls: its own digits, and another time span and outcome each turn."""
    asked = {"number": f"55501{place:02}", "span": SPANS[(place + number) % 4], "outcome": OUTCOMES[number % 4]}
    return urlencode({name: value for name, value in asked.items() if value})


async def _click(session: Session, place: int, reruns: int, every_s: float, first_at: float) -> list[float]:
    taken = []
    for number in range(reruns):
        if time.perf_counter() - first_at > MOST_S:
            break
        due = first_at + number * every_s
        await asyncio.sleep(max(0.0, due - time.perf_counter()) if every_s else 0)
        path = ROUND[number % len(ROUND)]
        taken.append(await session.rerun(path, looked_for(place, number) if path == "calls" else ""))
    return taken
