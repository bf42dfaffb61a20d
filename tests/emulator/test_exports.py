"""CDR exports: an asynchronous job, a signed link that expires, the documented columns."""

from __future__ import annotations

import csv
import gzip
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import requests

from dashboard.emulator.database import CALL_COLUMNS
from tests.emulator.conftest import Client
from tests.waiting import WAIT_S, until

NOW = datetime.now(UTC).replace(microsecond=0)
MONTH = {
    "start_call_start_time": (NOW - timedelta(days=31)).isoformat(),
    "start_call_end_time": (NOW + timedelta(days=1)).isoformat(),
}


def create(api: Client, **filters: Any) -> requests.Response:
    """Request an export."""
    body = {"data": {"type": "cdrexport", "attributes": {"filter_parameters": MONTH | filters}}}
    return api("POST", "/v2/cdrs/exports", json=body)


def finished(api: Client, **filters: Any) -> dict[str, Any]:
    """Request an export and wait until it is no longer processing."""
    made = create(api, **filters)
    assert (201, "processing") == (made.status_code, made.json()["data"]["attributes"]["status"])

    def job() -> dict[str, Any]:
        attributes: dict[str, Any] = api.data(f"/v2/cdrs/exports/{made.json()['data']['id']}")["attributes"]
        return attributes

    until(lambda: job()["status"] != "processing")
    return job()


def rows(api: Client, **filters: Any) -> list[dict[str, str]]:
    """Return the rows of a finished export; its link needs no key."""
    data = requests.get(finished(api, **filters)["download_url"], timeout=WAIT_S).content
    return list(csv.DictReader(io.StringIO(gzip.decompress(data).decode())))


def test_a_file_has_the_documented_columns_and_every_call(api: Client) -> None:
    """The file has 25 columns in order, times in UTC with +00, and sums equal to the job's text values."""
    job = finished(api)
    data = gzip.decompress(requests.get(job["download_url"], timeout=WAIT_S).content).decode()
    found = list(csv.DictReader(io.StringIO(data)))

    assert ",".join(CALL_COLUMNS) == data.splitlines()[0]
    assert 25 == len(CALL_COLUMNS)
    assert int(job["num_calls"]) == len(found) > 700
    assert Decimal(job["total_cost"]) == sum(Decimal(row["total_cost"]) for row in found)
    assert all(row["start_time"].endswith("+00") for row in found)
    assert sorted(row["start_time"] for row in found) == [row["start_time"] for row in found]


def test_calls_are_selected_by_their_start(api: Client) -> None:
    """The start is inclusive and the end exclusive, so adjacent windows neither miss nor repeat a call."""
    everything = rows(api)
    middle = everything[len(everything) // 2]["start_time"]
    at = datetime.fromisoformat(middle.replace("+00", "+00:00")).isoformat()

    parts = rows(api, start_call_end_time=at), rows(api, start_call_start_time=at)

    assert everything == parts[0] + parts[1]
    assert middle == parts[1][0]["start_time"]


@pytest.mark.parametrize(
    ("filters", "keep"),
    [
        ({"destination_numbers": ["12065550100"]}, lambda row: row["destination"] == "12065550100"),
        ({"callerid_numbers": ["+12065550101", "x"]}, lambda row: row["callerid"].lstrip("+") == "12065550101"),
        ({"callerid_numbers": ["12065550101"]}, lambda row: row["callerid"].lstrip("+") == "12065550101"),
        ({"custom_x_tags": ["miami", "seattle"]}, lambda row: row["custom_x_tag"] in ("miami", "seattle")),
        ({"custom_x_tag": ["miami"]}, lambda row: row["custom_x_tag"] == "miami"),
        ({"caller_ip": "198.51.100.24"}, lambda row: row["customer_ip"].split(":")[0] == "198.51.100.24"),
        ({"duration_greater_than": 60}, lambda row: int(row["duration"]) > 60),
        ({"number_aliases": ["Chicago main"]}, lambda row: row["number_alias"] == "Chicago main"),
        ({"number_aliases_contains": ["main"]}, lambda row: "main" in row["number_alias"]),
    ],
)
def test_every_filter_selects(api: Client, filters: dict[str, Any], keep: Any) -> None:
    """A filter returns exactly the matching rows."""
    window = {
        "start_call_start_time": (NOW - timedelta(days=30)).isoformat(),
        "start_call_end_time": NOW.isoformat(),
    }
    expected = [row for row in rows(api, **window) if keep(row)]

    assert len(expected) > 0
    assert expected == rows(api, **window, **filters)


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        ({"caller_idd": "x"}, "caller_idd"),
        ({"start_call_end_time": (NOW + timedelta(days=92)).isoformat()}, "at most 92 days"),
        ({"start_call_end_time": MONTH["start_call_start_time"]}, "later than"),
        ({"start_call_start_time": "yesterday"}, "start_call_start_time"),
        ({"duration_greater_than": -1}, "duration_greater_than"),
        ({"start_call_start_time": "0001-01-01T00:00:00+14:00"}, "out of range"),
        ({"start_call_end_time": "9999-12-31T23:59:59-14:00"}, "out of range"),
    ],
)
def test_filters_that_cannot_be_kept_are_refused(api: Client, filters: dict[str, Any], words: str) -> None:
    """Unknown filters are an error and never ignored."""
    answer = create(api, **filters)

    assert 422 == answer.status_code
    assert words in answer.json()["errors"][0]["detail"]


def test_the_list_has_the_shape_of_the_vendors_sample(api: Client) -> None:
    """Items are nested in ``data`` with integer ids, newest first, and can be filtered by status."""
    for _ in range(3):
        finished(api, custom_x_tag=["miami"])
    listed = api.data("/v2/cdrs/exports")
    ids = [item["data"]["id"] for item in listed]

    assert sorted(ids, reverse=True) == ids
    assert isinstance(ids[0], int)
    assert api.data("/v2/cdrs/exports", status="completed", limit=2) == listed[:2]
    assert api.data("/v2/cdrs/exports", status="failed") == []


def test_a_link_is_good_for_its_file_only(api: Client) -> None:
    """A link without its signature, or for another file, is refused."""
    url = finished(api)["download_url"]

    finished(api)
    number = int(url.split("/exports/")[1].split(".gz")[0])
    other = url.replace(f"/exports/{number}.gz", f"/exports/{number + 1}.gz")
    for wrong in (url[:-1] + ("0" if url[-1] != "0" else "1"), other):
        assert 403 == requests.get(wrong, timeout=WAIT_S).status_code


def test_a_file_can_be_broken_on_purpose(api: Client) -> None:
    """Files can be truncated, corrupted, uncompressed, failed or expired, one fault at a time."""
    faults = "/portal/faults"
    api("PATCH", faults, json={"truncated_gzip": True})
    with pytest.raises(EOFError):
        rows(api)
    api("DELETE", faults)
    api("PATCH", faults, json={"corrupt_gzip": True})
    with pytest.raises(Exception, match=r"(?i)invalid|crc|incorrect|decompress"):
        rows(api)
    api("DELETE", faults)
    api("PATCH", faults, json={"plain_csv": True})
    text = requests.get(finished(api)["download_url"], timeout=WAIT_S).text
    assert text.startswith("direction,start_time")
    api("DELETE", faults)
    api("PATCH", faults, json={"failed_export": True})
    assert "failed" == finished(api)["status"]
    api("DELETE", faults)
    url = finished(api)["download_url"]
    api("PATCH", faults, json={"expired_link": True})
    assert 403 == requests.get(url, timeout=WAIT_S).status_code
