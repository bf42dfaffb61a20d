"""
Fault injection: one or several faults at a time, optionally for a limited number of requests.

A middleware in front of the API injects the faults of requests (delay, error statuses, a maintenance page);
``exports`` reads the switches for the faults of exports (a failed job, an expired link, a damaged file).
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
    """Switches of all faults; by default all are off."""

    model_config = ConfigDict(extra="forbid")

    requests: int | None = Field(default=None, ge=0, le=1_000_000)
    """Number of requests that get the next four faults before these switch off; ``None`` for no limit."""

    slow_s: float = Field(default=0.0, ge=0, le=60)
    """Delay of every response in seconds."""
    too_many: bool = False
    """Status 429."""
    server_error: int | None = Field(default=None, ge=500, le=504)
    """Status to return with an error object."""
    maintenance_page: bool = False
    """Status 200 with an HTML page."""
    retry_after_s: int | None = Field(default=None, ge=0, le=3600)
    """Value of ``Retry-After`` for 429 and server errors; not sent if ``None``."""

    export_delay_s: float = Field(default=0.05, ge=0, le=600)
    """Minimum processing time of an export job in seconds."""
    failed_export: bool = False
    """New export jobs fail."""
    expired_link: bool = False
    """Links of exports count as expired."""
    truncated_gzip: bool = False
    """Files are cut off in the middle."""
    corrupt_gzip: bool = False
    """Files have damaged bytes in the middle."""
    plain_csv: bool = False
    """Files are not compressed."""


class FaultBox:
    """Holder of the fault switches of one emulator; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.switches = Switches()

    def set(self, switches: Switches) -> None:
        """Replace all switches."""
        with self._lock:
            self.switches = switches

    def next_request(self) -> Switches:
        """Return the switches for the next request, and count it."""
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


def install_fault_middleware(app: FastAPI, box: FaultBox) -> None:
    """Install the middleware that injects faults into all requests except those under the paths in SPARED."""

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
