"""Export jobs: windows, polling, reuse of existing jobs, and expired links."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import requests

from dashboard.carriers.base import ExportedWindow
from dashboard.carriers.flowroute.cdr_exports import POLL_LIMIT_S, Job, split
from dashboard.carriers.flowroute.client import FlowrouteCarrier
from dashboard.core.errors import CarrierAnswerError, CarrierRefusedError, CarrierUnavailableError
from tests.carriers.scripted import LINK, SIGNATURE, STORAGE, Reply, Script, error, listed, never_connected, recorded
from tests.texts import golden

Fails = Callable[[type[Exception], Callable[[], Any]], str]
PATH = "/v2/cdrs/exports"
LIST = f"GET {PATH}"
MAKE = f"POST {PATH}"
SINCE = datetime(2026, 8, 1, tzinfo=UTC)
UNTIL = datetime(2026, 9, 1, tzinfo=UTC)
FILTER = {"start_call_start_time": "2026-08-01 00:00:00", "start_call_end_time": "2026-09-01 00:00:00"}
CSV = b"direction,start_time\nOutbound,2026-08-02 00:00:00+00\n"
FILE = Reply(gzip.compress(CSV), Content_Type="binary/octet-stream")
STORED = f"GET {LINK.partition('?')[0]}"
LATER = "2999-01-01T00:00:00+00:00"


def job(number: Any = 17, status: str = "processing", link: str | None = LINK, **values: Any) -> dict[str, Any]:
    """Return an export in the API's format."""
    shown = {
        "status": status,
        "download_url": link if status == "completed" else None,
        "created_at": "2026-09-02T00:00:00Z",
        "expires_at": LATER if status == "completed" else None,
        "total_cost": "1.23000000",
        "filter_parameters": FILTER,
    }
    return {"type": "cdrexport", "id": number, "attributes": shown | values}


def one(*args: Any, **values: Any) -> Reply:
    """Return the API's answer for one export."""
    return Reply({"data": job(*args, **values)})


@pytest.fixture(autouse=True)
def _usual(script: Script) -> None:
    """Script an empty list and a new job that completes at once."""
    script.answers |= {LIST: listed(), MAKE: Reply({"data": job("17")}, 201), f"{LIST}/17": one("17", "completed")}
    script.answers[STORED] = FILE


@pytest.fixture
def export(carrier: FlowrouteCarrier, tmp_path: Path) -> Callable[..., list[ExportedWindow]]:
    """Return a function that exports a window into a folder."""

    def run(since: datetime = SINCE, until: datetime = UNTIL, **options: Any) -> list[ExportedWindow]:
        return carrier.export_calls(since, until, tmp_path, **options)

    return run


def test_export_of_a_window_is_requested_polled_and_downloaded(
    export: Callable[..., list[ExportedWindow]], script: Script, tmp_path: Path
) -> None:
    """One job gives one complete file under its own name, and no other file."""
    script.answers[f"{LIST}/17"] = [one("17"), one("17"), one("17", "completed")]

    (window,) = export()

    assert (SINCE, UNTIL) == (window.since, window.until)
    assert CSV == gzip.decompress(window.path.read_bytes())
    assert [window.path] == [path for path in tmp_path.iterdir() if path.name != "home"]
    assert [{"data": {"type": "cdrexport", "attributes": {"filter_parameters": FILTER}}}] == script.bodies("POST")


@pytest.mark.parametrize("status", [200, 201, 202])
@pytest.mark.parametrize("nested", [False, True])
def test_the_carrier_may_answer_in_its_several_ways(
    status: int, nested: bool, export: Callable[..., list[ExportedWindow]], script: Script
) -> None:
    """Statuses 200, 201 and 202, numeric and text ids, plain items and items nested in data are accepted."""
    shape: Any = {"data": job(17)} if nested else job("17")
    script.answers[MAKE] = Reply({"data": shape}, status)
    script.answers[f"{LIST}/17"] = Reply({"data": {"data": job(17, "Completed".lower())}})

    assert len(export()) == 1


def test_a_plain_file_is_taken_too(export: Callable[..., list[ExportedWindow]], script: Script) -> None:
    """Per the vendor, a result is CSV or compressed CSV."""
    script.answers[STORED] = Reply(CSV, Content_Type="text/csv")

    (window,) = export()

    assert window.path.name.endswith(".csv")
    assert CSV == window.path.read_bytes()


@pytest.mark.parametrize(
    ("days", "seconds", "windows"), [(0, 0, 0), (0, 1, 1), (92, 0, 1), (92, 1, 2), (184, 0, 2), (365, 0, 4), (-3, 0, 0)]
)
def test_windows_are_at_most_92_days_and_leave_no_gap(days: int, seconds: int, windows: int) -> None:
    """Each window begins at the end of the previous one."""
    until = SINCE + timedelta(days=days, seconds=seconds)
    spans = list(split(SINCE, until))

    assert windows == len(spans)
    assert all(timedelta() < end - start <= timedelta(days=92) for start, end in spans)
    assert [end for _, end in spans[:-1]] == [start for start, _ in spans[1:]]
    assert not spans or (SINCE, until) == (spans[0][0], spans[-1][1])


def test_a_window_is_widened_to_whole_seconds_utc() -> None:
    """The carrier selects by whole seconds, and no call at a boundary may be lost."""
    east = timezone(timedelta(hours=5, minutes=30))
    since = datetime(2026, 8, 1, 5, 30, 0, 900_000, east)
    until = datetime(2026, 8, 1, 5, 30, 1, 1, east)

    assert [(SINCE, SINCE + timedelta(seconds=2))] == list(split(since, until))


def test_long_spans_are_several_exports(export: Callable[..., list[ExportedWindow]], script: Script) -> None:
    """Long spans are exported oldest first, one file each, with progress over all of them."""
    told: list[float] = []
    number = iter(range(100, 200))

    def made(request: requests.PreparedRequest) -> Reply:
        key = str(next(number))
        asked = json.loads(request.body or b"")["data"]["attributes"]["filter_parameters"]
        script.answers[f"{LIST}/{key}"] = one(key, "completed", filter_parameters=asked)
        return Reply({"data": job(key, filter_parameters=asked)}, 202)

    script.answers[MAKE] = made

    windows = export(SINCE, SINCE + timedelta(days=200), progress=lambda _what, share: told.append(share))

    assert 3 == len({window.path for window in windows})
    assert [w.until for w in windows[:-1]] == [w.since for w in windows[1:]]
    assert sorted(told) == told
    assert told[-1] == 1.0


def test_polling_interval_grows(
    export: Callable[..., list[ExportedWindow]], script: Script, slept: list[float]
) -> None:
    """
    The polling interval grows, because a job takes minutes and an emulated one no time.

    A job that never ends is left to the next sync.
    """
    script.answers[f"{LIST}/17"] = [one("17")] * 20 + [one("17", "completed")]
    export()

    assert 60 < sum(slept) < POLL_LIMIT_S
    assert max(slept) <= 0.5


def test_endless_job_times_out(export: Callable[..., list[ExportedWindow]], script: Script, fails: Fails) -> None:
    """The error has the job's number, and no file remains."""
    script.answers[f"{LIST}/17"] = one("17")

    said = fails(CarrierUnavailableError, export)

    assert "Export 17" in said
    assert "30 minutes" in said


@pytest.mark.parametrize("at", range(1, 9))
def test_export_can_be_stopped_at_any_step(
    at: int, export: Callable[..., list[ExportedWindow]], script: Script, tmp_path: Path
) -> None:
    """Wherever the export is stopped, no partial file remains, and returned files are complete."""
    script.answers[f"{LIST}/17"] = [one("17"), one("17"), one("17", "completed")]
    asked = iter(range(1, 1000))

    windows = export(stop=lambda: next(asked) >= at)

    files = [path for path in tmp_path.iterdir() if path.name != "home"]
    assert [window.path for window in windows] == files
    assert all(gzip.decompress(path.read_bytes()) == CSV for path in files)


def test_a_failed_job_is_an_error_that_names_it(
    export: Callable[..., list[ExportedWindow]], script: Script, fails: Fails
) -> None:
    """The error has the window and the number that the carrier needs."""
    script.answers[f"{LIST}/17"] = one("17", "failed")

    said = fails(CarrierUnavailableError, export)

    assert golden("errors.downloads.export_failed") in said


@pytest.mark.parametrize(
    "answer",
    [
        one("17", "completed", link=None),
        one("17", "sleeping"),
        Reply({"data": {"id": "17"}}),
        Reply({"data": {"attributes": {"status": "completed"}}}),
        Reply({"data": []}),
        Reply({"data": None}),
    ],
)
def test_a_job_that_is_not_understood_is_an_error(
    answer: Reply, export: Callable[..., list[ExportedWindow]], script: Script, fails: Fails
) -> None:
    """An unknown status, a missing link or a missing id is an error."""
    script.answers[f"{LIST}/17"] = answer

    fails(CarrierAnswerError, export)


def test_a_completed_export_of_the_same_window_is_used_again(
    export: Callable[..., list[ExportedWindow]], script: Script
) -> None:
    """
    A completed job in the form of the vendor's sample is reused.

    The item is nested, money is text, and the filter is echoed in another form.
    """
    script.answers[LIST] = recorded("exports")
    script.answers["GET " + STORAGE.replace("11/23", "9/1") + "/4711000.gz"] = FILE

    (window,) = export()

    assert "4711" in window.path.name
    assert [] == script.bodies("POST")


@pytest.mark.parametrize("nested", [False, True])
def test_running_job_for_the_window_is_reused(
    nested: bool, export: Callable[..., list[ExportedWindow]], script: Script
) -> None:
    """The newest running job for exactly this window is polled; no second job is created."""
    now = datetime.now(UTC)
    runs = job(18, created_at=(now - timedelta(minutes=2)).isoformat())
    older = job(16, created_at=(now - timedelta(minutes=9)).isoformat())
    script.answers[LIST] = listed({"data": older}, {"data": runs}) if nested else listed(runs, older)
    script.answers[f"{LIST}/18"] = one("18", "completed")

    (window,) = export()

    assert window.path.name.endswith("-18.csv.gz")
    assert [] == script.bodies("POST")


@pytest.mark.parametrize(
    "other",
    [
        job(9, "failed"),
        job(9, "completed", expires_at="2026-09-05T00:00:00+00:00"),
        job(9, "completed", created_at="2026-08-31T23:59:59Z"),
        job(9, "completed", created_at=None, requested_at=None),
        job(9, "completed", link=""),
        job(9, created_at="2026-09-02T00:00:00Z"),
        job(9, "completed", filter_parameters=FILTER | {"caller_ip": "198.51.100.11"}),
        job(9, "completed", filter_parameters=FILTER | {"start_call_end_time": "2026-08-31 23:59:59"}),
        job(9, "completed", filter_parameters={}),
        job(9, "completed", filter_parameters=None),
        {"id": 9},
    ],
)
def test_job_for_another_request_is_not_reused(
    other: dict[str, Any], export: Callable[..., list[ExportedWindow]], script: Script
) -> None:
    """Jobs that failed, expired, began before the window closed, are stuck, or have other filters are not reused."""
    script.answers[LIST] = listed(other)

    (window,) = export()

    assert window.path.name.endswith("-17.csv.gz")


def test_empty_filters_are_no_filters() -> None:
    """The carrier may return unset filters as null or an empty list."""
    echoed = FILTER | {"number_aliases": [], "caller_ip": None}

    assert Job.read(job(filter_parameters=echoed), "GET").is_for(SINCE, UNTIL)


def test_a_window_that_is_still_open_takes_no_completed_export(
    export: Callable[..., list[ExportedWindow]], script: Script
) -> None:
    """Calls may have been added since, so for an open window only running jobs are reused."""
    export(datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(minutes=1))

    assert ["processing"] == [
        line.partition("status=")[2].partition("&")[0] for line in script.lines if "status" in line
    ]


def test_the_search_for_a_job_has_an_end(export: Callable[..., list[ExportedWindow]], script: Script) -> None:
    """The search is limited, because the list keeps every export ever made."""
    number = iter(range(1000, 100_000))
    script.answers[LIST] = lambda _: listed(*(job(next(number), "failed") for _ in range(200)), next="http://cdr-api/")

    export()

    assert 4 == sum(line.startswith(LIST) and "limit" in line for line in script.lines)


@pytest.mark.parametrize("lost", [requests.ReadTimeout(), Reply(b"", 502), Reply(b'{"data": {"id"')])
@pytest.mark.parametrize("heard", [True, False])
def test_lost_answer_looks_for_the_job_before_retrying(
    lost: Any, heard: bool, export: Callable[..., list[ExportedWindow]], script: Script
) -> None:
    """After a lost answer, an existing job is used; otherwise the request is repeated once, which costs nothing."""
    made = listed(job("17", created_at=datetime.now(UTC).isoformat()))
    script.answers[LIST] = [listed(), listed(), made if heard else listed()]
    script.answers[MAKE] = [lost, Reply({"data": job("17")}, 201)]

    export()

    assert (1 if heard else 2) == len(script.bodies("POST"))


def test_unavailable_carrier_gets_two_requests(
    export: Callable[..., list[ExportedWindow]], script: Script, fails: Fails
) -> None:
    """The request is sent at most twice, and then fails with an error."""
    script.answers[MAKE] = Reply(b"", 503)

    assert MAKE in fails(CarrierUnavailableError, export)
    assert 2 == len(script.bodies("POST"))


@pytest.mark.parametrize("status", [400, 403, 404, 410])
def test_a_link_that_does_not_open_is_fetched_again(
    status: int, export: Callable[..., list[ExportedWindow]], script: Script
) -> None:
    """The job may return a new link."""
    script.answers[STORED] = error(status, "Request has expired")
    fresh = f"{STORAGE}/18000.gz?X-Amz-Signature={SIGNATURE}-2"
    script.answers[f"{LIST}/17"] = [one("17", "completed"), one("17", "completed", link=fresh)]
    script.answers[f"GET {STORAGE}/18000.gz"] = FILE

    (window,) = export()

    assert CSV == gzip.decompress(window.path.read_bytes())
    assert len(script.bodies("POST")) == 1


@pytest.mark.parametrize("known", [True, False])
def test_a_link_that_has_expired_is_replaced_by_a_new_job(
    known: bool, export: Callable[..., list[ExportedWindow]], script: Script
) -> None:
    """An expired link is replaced by a new job, once; if the carrier reports the expiry, the link is not tried."""
    expires = "2026-09-05T00:00:00Z" if known else LATER
    script.answers[f"{LIST}/17"] = one("17", "completed", expires_at=expires)
    script.answers[MAKE] = [Reply({"data": job("17")}, 201), Reply({"data": job("18")}, 201)]
    script.answers[f"{LIST}/18"] = one("18", "completed", link=LINK.replace("17000", "18000"))
    script.answers[STORED] = error(403)
    script.answers[STORED.replace("17000", "18000")] = FILE

    (window,) = export()

    assert window.path.name.endswith("-18.csv.gz")
    assert (0 if known else 1) == sum("17000" in line for line in script.lines)


def test_an_export_that_is_gone_is_made_anew(export: Callable[..., list[ExportedWindow]], script: Script) -> None:
    """The carrier may delete a job whose link has expired, so a new one is created."""
    script.answers[LIST] = listed(job(9, "completed"))
    script.answers["GET " + LINK.partition("?")[0]] = [error(403), FILE]
    script.answers[f"{LIST}/9"] = error(404)

    (window,) = export()

    assert window.path.name.endswith("-17.csv.gz")


def test_a_link_that_never_opens_is_an_error(
    export: Callable[..., list[ExportedWindow]], script: Script, fails: Fails, tmp_path: Path
) -> None:
    """After two jobs with refused links, no third job and no file is created."""
    script.answers[STORED] = error(403)

    said = fails(CarrierRefusedError, export)

    assert "export 17" in said
    assert 2 == len(script.bodies("POST"))
    assert ["home"] == [path.name for path in tmp_path.iterdir()]


def test_a_number_of_a_job_is_opaque(export: Callable[..., list[ExportedWindow]], script: Script) -> None:
    """A job id with path characters leads to no other path and no other file."""
    strange = "../../17?x=/etc/passwd\n"
    script.answers[MAKE] = Reply({"data": job(strange)}, 201)
    script.answers[f"{LIST}/..%2F..%2F17%3Fx%3D%2Fetc%2Fpasswd%0A"] = one(strange, "completed")

    (window,) = export()

    assert window.path.name.endswith("-______17_x__etc_passwd_.csv.gz")


def test_unavailable_job_list_is_an_error(
    export: Callable[..., list[ExportedWindow]], script: Script, fails: Fails
) -> None:
    """No job is created if the list of running jobs is unavailable."""
    script.answers[LIST] = never_connected()

    assert LIST in fails(CarrierUnavailableError, export)
    assert [] == script.bodies("POST")
