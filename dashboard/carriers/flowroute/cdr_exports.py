"""
CDR export jobs: request a window of calls, wait, download.

A window is at most 92 days long and selects calls by their start, UTC, in whole seconds. If a job for exactly
the same window is already processing, the client waits for it instead of requesting another; it uses a completed
job if that began after the end of the window and its link is still valid.

Source: developer.flowroute.com/api/cdrexports/v2.0 (``processing``, then ``completed`` or ``failed``;
usually under five minutes; the link is valid for three days). List items come plain or nested in
``data``, ids as number or text, money as text, and POST returns 200, 201 or 202: all are accepted.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

from dashboard.carriers.base import ExportedWindow, Stop
from dashboard.carriers.flowroute.downloads import download
from dashboard.carriers.flowroute.pagination import item_of, optional, pages, time_of
from dashboard.core import clocks
from dashboard.core.errors import CarrierAnswerError, CarrierRefusedError, CarrierUnavailableError
from dashboard.core.http.session import HttpSession
from dashboard.core.progress import Progress

PATH = "/v2/cdrs/exports"
LONGEST = timedelta(days=92)
SECOND = timedelta(seconds=1)
SINCE = "start_call_start_time"
UNTIL = "start_call_end_time"
PROCESSING = "processing"
COMPLETED = "completed"
FAILED = "failed"

FIRST_POLL_S = 0.25
POLL_GROWTH = 1.6
LAST_POLL_S = 15.0
POLL_LIMIT_S = 1800.0
"""Six times the usual duration according to the carrier."""

TYPICAL_S = 60.0
"""Time constant in seconds of the progress shown while the carrier prepares the file; has no other effect."""

WAITING_SHARE = 0.6
SLICE_S = 0.5
"""Maximum time in seconds between two calls of ``stop`` while waiting."""

STUCK_AFTER = timedelta(hours=1)
PAGES_SEARCHED = 2
"""Limit of a search: the list contains all exports ever made, in an undocumented order."""


@dataclass(frozen=True)
class Job:
    """An export job as the carrier describes it. The link is a secret and is excluded from ``repr``."""

    id: str
    status: str
    link: str = field(repr=False)
    begun_at: datetime | None
    expires_at: datetime | None
    filters: Mapping[str, Any]

    @classmethod
    def read(cls, item: Any, endpoint: str, *, status: str = "") -> Job:
        """Parse an item; ``status`` is the default if the item has none."""
        job_item = item_of(item, endpoint)
        values = job_item["attributes"]
        filters = values.get("filter_parameters")
        return cls(
            id=job_item["id"],
            status=(optional(values, "status", endpoint) or status).lower(),
            link=optional(values, "download_url", endpoint),
            begun_at=time_of(values.get("created_at")) or time_of(values.get("requested_at")),
            expires_at=time_of(values.get("expires_at")),
            filters=filters if isinstance(filters, dict) else {},
        )

    def is_for(self, since: datetime, until: datetime) -> bool:
        """Return whether the job selects exactly the calls that started in [since, until)."""
        other_filters = [value for key, value in self.filters.items() if key not in {SINCE, UNTIL} and value]
        return not other_filters and (time_of(self.filters.get(SINCE)), time_of(self.filters.get(UNTIL))) == (
            since,
            until,
        )

    def expired(self, now: datetime) -> bool:
        """Return whether the link is known to have expired."""
        return self.expires_at is not None and self.expires_at <= now


@dataclass(frozen=True)
class ExportWindow:
    """One window of a request, with its progress and stop callbacks."""

    since: datetime
    until: datetime
    number: int
    of: int
    progress: Progress | None
    stop: Stop

    def tell(self, step: str, share: float) -> None:
        """Report the progress of this window, scaled to the whole request."""
        if self.progress is not None:
            span = f"{self.since:%Y-%m-%d} to {self.until:%Y-%m-%d}"
            self.progress(f"Calls {span}: {step}", (self.number + share) / self.of)

    def fits(self, job: Job, now: datetime) -> bool:
        """Return whether an existing job covers all calls of this window."""
        if not job.is_for(self.since, self.until):
            return False
        if job.status == PROCESSING:
            return job.begun_at is None or now - job.begun_at < STUCK_AFTER
        closed = job.begun_at is not None and job.begun_at >= self.until
        return job.status == COMPLETED and closed and bool(job.link) and not job.expired(now)


def split(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Split [since, until), widened to whole seconds, into windows of at most 92 days."""
    start = since.astimezone(UTC).replace(microsecond=0)
    last = until.astimezone(UTC)
    end = last.replace(microsecond=0) + (SECOND if last.microsecond else timedelta())
    while start < end:
        yield start, min(start + LONGEST, end)
        start += LONGEST


class ExportJobs:
    """The export jobs of one account."""

    def __init__(self, transport: HttpSession) -> None:
        self._transport = transport

    def fetch(
        self, since: datetime, until: datetime, folder: Path, *, progress: Progress | None, stop: Stop | None
    ) -> list[ExportedWindow]:
        """Download [since, until); see ``Carrier.export_calls``."""
        spans = list(split(since, until))
        downloaded: list[ExportedWindow] = []
        for number, (start, end) in enumerate(spans):
            window = ExportWindow(start, end, number, len(spans), progress, stop or _never_stop)
            path = None if window.stop() else self._fetch(window, folder)
            if path is None:
                break
            window.tell("downloaded", 1.0)
            downloaded.append(ExportedWindow(path, start, end))
        return downloaded

    def _fetch(self, window: ExportWindow, folder: Path) -> Path | None:
        window.tell("asking the carrier", 0.0)
        job = self._find_existing(window) or self._create(window)
        for last in (False, True):
            ready = self._completed(job, window)
            if ready is None:
                break
            try:
                return self._download(ready, window, folder)
            except CarrierRefusedError:
                if last:
                    raise
                job = self._renewed(ready, window)
        return None

    def _find_existing(self, window: ExportWindow) -> Job | None:
        """Return the newest existing job for this window; ``None`` if there is none."""
        now = clocks.now()
        statuses = [PROCESSING] if window.until >= now else [PROCESSING, COMPLETED]
        fitting = [
            job
            for status in statuses
            for page in islice(pages(self._transport, PATH, {"status": status}), PAGES_SEARCHED)
            for job in (Job.read(item, f"GET {PATH}") for item in page)
            if window.fits(job, now)
        ]
        return max(fitting, key=lambda job: job.begun_at or datetime.min.replace(tzinfo=UTC), default=None)

    def _create(self, window: ExportWindow) -> Job:
        """Create a job; if the outcome is unknown, look for the job before retrying once."""
        filters = {key: f"{at:%Y-%m-%d %H:%M:%S}" for key, at in ((SINCE, window.since), (UNTIL, window.until))}
        body = {"data": {"type": "cdrexport", "attributes": {"filter_parameters": filters}}}
        for last in (False, True):
            try:
                answer = self._transport.request("POST", PATH, body=body) or {}
                return Job.read(answer.get("data"), f"POST {PATH}", status=PROCESSING)
            except (CarrierUnavailableError, CarrierAnswerError):
                existing = self._find_existing(window)
                if existing is not None:
                    return existing
                if last:
                    raise
        raise CarrierUnavailableError(f"POST {PATH} was not answered. Try again later.")

    def _completed(self, job: Job, window: ExportWindow) -> Job | None:
        """Wait until the job has completed, and return it; ``None`` if ``stop`` ended the wait."""
        waited = 0.0
        pause = FIRST_POLL_S
        while job.status == PROCESSING:
            if waited > POLL_LIMIT_S:
                raise CarrierUnavailableError(
                    f"Export {self._named(job)} of calls is not ready after {POLL_LIMIT_S / 60:.0f} minutes. "
                    "Sync again later: it is picked up then."
                )
            window.tell("the carrier prepares the file", WAITING_SHARE * (1 - math.exp(-waited / TYPICAL_S)))
            if not self._pause(pause, window.stop):
                return None
            waited = waited + pause
            pause = min(pause * POLL_GROWTH, LAST_POLL_S)
            job = self._read(job.id)
        if job.status == FAILED:
            raise CarrierUnavailableError(
                f"Export {self._named(job)} of the calls from {window.since:%Y-%m-%d %H:%M:%S} to "
                f"{window.until:%Y-%m-%d %H:%M:%S} UTC failed at the carrier. Sync again; if it fails again, give "
                "that number to the carrier."
            )
        if job.status != COMPLETED or not job.link:
            status_text = self._transport.cleaned(job.status) or "nothing"
            lacks = " without a link" if job.status == COMPLETED else ""
            raise CarrierAnswerError(
                f"Export {self._named(job)} has the status {status_text}{lacks}, which is not understood."
            )
        return job

    def _download(self, job: Job, window: ExportWindow, folder: Path) -> Path | None:
        if job.expired(clocks.now()):
            raise CarrierRefusedError(f"The link of export {self._named(job)} has expired.")
        safe_id = re.sub(r"[^A-Za-z0-9_-]", "_", job.id)[:40]
        return download(
            self._transport,
            job.link,
            folder / f"calls-{window.since:%Y%m%dT%H%M%SZ}-{window.until:%Y%m%dT%H%M%SZ}-{safe_id}",
            label=f"the file of export {self._named(job)}",
            progress=lambda share: window.tell("downloading", WAITING_SHARE + (1 - WAITING_SHARE) * share),
            stop=window.stop,
        )

    def _renewed(self, job: Job, window: ExportWindow) -> Job:
        """Return the job with a new link; a new job if the carrier provides none."""
        try:
            renewed = self._read(job.id)
        except CarrierRefusedError:
            return self._create(window)
        fresh = renewed.status == COMPLETED and renewed.link != job.link and not renewed.expired(clocks.now())
        return renewed if fresh else self._create(window)

    def _named(self, job: Job) -> str:
        return self._transport.cleaned(job.id)

    def _read(self, number: str) -> Job:
        path = f"{PATH}/{quote(number, safe='')}"
        return Job.read(self._transport.get(path).get("data"), f"GET {path}")

    def _pause(self, seconds: float, stop: Stop) -> bool:
        """Wait, and call ``stop`` at intervals; return False if it ended the wait."""
        remaining_s = seconds
        while remaining_s > 0:
            if stop():
                return False
            self._transport.sleep(min(remaining_s, SLICE_S))
            remaining_s -= SLICE_S
        return not stop()


def _never_stop() -> bool:
    return False
