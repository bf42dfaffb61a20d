"""A session that speaks Streamlit's own protocol: it asks for a page again and waits until its script has run."""

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
"""Pages that a session goes through, over and over."""
SPANS, OUTCOMES = ("24 h", "7 days", "30 days", "All"), ("", "answered", "refused_auth", "busy_or_no_answer")
LONGEST_S = 300
MOST_S = 60
"""After so long no session clicks again; what is under way is waited for."""
MOST_BYTES = 64 * 2**20


@dataclass
class Session:
    """One connection."""

    wire: ClientConnection
    pages: dict[str, str] = field(default_factory=dict)
    """Pages by their path, as the server numbers them."""
    errors: list[str] = field(default_factory=list)

    async def rerun(self, path: str, query: str = "") -> float:
        """Run a page's script; return the seconds from asking until it has ended."""
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
    """What some sessions met."""

    seconds: list[float]
    wall_s: float
    errors: list[str]

    @property
    def per_second(self) -> float:
        """Reruns a second, all sessions together."""
        return len(self.seconds) / self.wall_s

    def share(self, part: float) -> float:
        """Return the time that this part of the reruns stayed below."""
        return sorted(self.seconds)[math.ceil(part * len(self.seconds)) - 1]


def load(url: str, link: str, sessions: int, reruns: int, *, every_s: float = 0.0) -> Load:
    """
    Rerun pages from some sessions at once.

    Args:
        url: Of the page process.
        link: Lets the sessions in.
        sessions: How many.
        reruns: Of each; its first run, which opens it, does not count.
        every_s: Seconds between two clicks of a session, which begin at different times; a click waits for
            the page of the one before. 0 for no pause.
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
    """Return what a session looks for on the page Calls: its own digits, and another time and outcome each turn."""
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
