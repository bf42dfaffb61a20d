"""
Faults: the emulator can be told to misbehave, one way at a time or several, for so many requests.

What a request meets (slowness, refusals, a maintenance page) is decided here, in front of the API; what an
export meets (a failed job, an expired link, a broken file) is asked by ``exports``.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from dashboard.emulator.api.responses import refuse

MAINTENANCE = "<!doctype html><title>Maintenance</title><h1>We will be back soon.</h1>"
SPARED = ("/portal/faults", "/health")


class Switches(BaseModel):
    """Every fault there is; all are off until switched on."""

    model_config = ConfigDict(extra="forbid")

    requests: int | None = Field(default=None, ge=0, le=1_000_000)
    """How many requests meet the four faults that follow before these are off; ``None`` is without end."""

    slow_s: float = Field(default=0.0, ge=0, le=60)
    """Every answer comes that many seconds late."""
    too_many: bool = False
    """429."""
    server_error: int | None = Field(default=None, ge=500, le=504)
    """That status, with an error object."""
    maintenance_page: bool = False
    """Status 200 with a page of HTML."""
    retry_after_s: int | None = Field(default=None, ge=0, le=3600)
    """Sent with 429 and with a server error as ``Retry-After``; not sent when ``None``."""

    export_delay_s: float = Field(default=0.05, ge=0, le=600)
    """How long an export job is processing, at least."""
    failed_export: bool = False
    """New export jobs fail."""
    expired_link: bool = False
    """Links of exports have expired when they are used."""
    truncated_gzip: bool = False
    """Files end in the middle."""
    corrupt_gzip: bool = False
    """Files are damaged in the middle."""
    plain_csv: bool = False
    """Files are not compressed."""


class FaultBox:
    """The switches of one emulator."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.switches = Switches()

    def set(self, switches: Switches) -> None:
        """Replace every switch."""
        with self._lock:
            self.switches = switches

    def next_request(self) -> Switches:
        """Return what the next request meets, and count it."""
        with self._lock:
            now = self.switches
            if now.requests is None:
                return now
            if not now.requests:
                return now.model_copy(
                    update={"slow_s": 0.0, "too_many": False, "server_error": None, "maintenance_page": False}
                )
            self.switches = now.model_copy(update={"requests": now.requests - 1})
            return now


def stand_in_front(app: FastAPI, box: FaultBox) -> None:
    """Let every request but those that switch faults meet them."""

    @app.middleware("http")
    async def misbehave(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        if request.url.path.startswith(SPARED):
            return await call_next(request)
        now = box.next_request()
        if now.slow_s:
            await asyncio.sleep(now.slow_s)
        headers = {} if now.retry_after_s is None else {"Retry-After": str(now.retry_after_s)}
        if now.too_many:
            return refuse(429, "Too many requests. Slow down.", headers)
        if now.server_error:
            return refuse(now.server_error, "The server stumbled.", headers)
        if now.maintenance_page:
            return HTMLResponse(MAINTENANCE)
        return await call_next(request)
