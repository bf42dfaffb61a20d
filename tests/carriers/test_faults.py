"""The client against a misbehaving emulator, over the network."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dashboard.carriers.base import ExportedWindow
from dashboard.carriers.flowroute.client import FlowrouteCarrier
from dashboard.carriers.flowroute.portal import EmulatedPortal
from dashboard.core.errors import CarrierAnswerError, CarrierError, CarrierRefusedError, CarrierUnavailableError
from dashboard.core.http.session import HttpSession
from dashboard.domain.changes import AllowAddress
from dashboard.emulator.lifecycle import process
from tests.texts import golden_pattern

FAULTS = "/portal/faults"
Told = Callable[..., None]


def hurried(seconds: float) -> None:
    """Wait a short time instead of the requested one."""
    time.sleep(min(seconds, 0.03))  # the pause that a client asks for, shortened


@pytest.fixture
def local(emulator: process.Running) -> Iterator[HttpSession]:
    """Open the emulator with its key."""
    opened = HttpSession(emulator.url, emulator.access_key, emulator.secret_key, sleep=hurried)
    yield opened
    opened.request("DELETE", FAULTS)
    opened.close()


@pytest.fixture
def told(local: HttpSession) -> Told:
    """Return a function that switches faults of the emulator."""
    return lambda **faults: local.request("PATCH", FAULTS, body=faults) and None


@pytest.fixture
def account(local: HttpSession) -> FlowrouteCarrier:
    """Return the emulator's account."""
    return FlowrouteCarrier(local, EmulatedPortal(local))


@pytest.fixture
def export(account: FlowrouteCarrier, tmp_path: Path) -> Callable[[], list[ExportedWindow]]:
    """Return a function that exports all calls up to now."""
    now = datetime.now(UTC)
    return lambda: account.export_calls(now - timedelta(days=4), now + timedelta(seconds=2), tmp_path)


@pytest.mark.parametrize(
    "fault",
    [
        {"too_many": True},
        {"too_many": True, "retry_after_s": 0},
        {"too_many": True, "retry_after_s": 1},
        {"server_error": 500},
        {"server_error": 503, "retry_after_s": 1},
    ],
)
def test_temporary_fault_is_retried(fault: dict[str, Any], told: Told, account: FlowrouteCarrier) -> None:
    """A temporary fault is invisible: two requests fail, the third succeeds."""
    told(**fault, requests=2)

    assert len(account.routes())


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"too_many": True}, CarrierUnavailableError),
        ({"server_error": 503}, CarrierUnavailableError),
        ({"maintenance_page": True}, CarrierAnswerError),
    ],
)
def test_permanent_fault_is_reported_with_endpoint(
    fault: dict[str, Any], kind: type[CarrierError], told: Told, account: FlowrouteCarrier
) -> None:
    """A permanent fault is reported with the endpoint and its kind: unavailable, or not understood."""
    told(**fault)

    for ask, path in ((account.routes, "/v2/routes"), (account.account, "/portal/account")):
        with pytest.raises(kind, match=path):
            ask()


def test_rejected_address_is_reported_with_the_portal_message(account: FlowrouteCarrier) -> None:
    """A private address, an existing one and a missing one are refused with the portal's own message."""
    there = account.allowed_ips()[0]["network"].iloc[0]

    with pytest.raises(CarrierRefusedError, match="private"):
        account.apply(AllowAddress(network="10.0.0.1"))
    with pytest.raises(CarrierRefusedError, match="already"):
        account.apply(AllowAddress(network=there))
    with pytest.raises(CarrierRefusedError, match="404"):
        account.apply(AllowAddress(network="198.51.100.222").inverse())


def test_wrong_key_is_reported_without_the_key(emulator: process.Running) -> None:
    """A wrong key is reported, and no message contains it."""
    wrong = HttpSession(emulator.url, emulator.access_key, "another-secret-0123", sleep=hurried)

    with pytest.raises(CarrierRefusedError, match=golden_pattern("errors.http.check_the_key")) as caught:
        wrong.get("/v2/routes")

    wrong.close()
    assert "another-secret-0123" not in str(caught.value)


@pytest.mark.parametrize("plain", [False, True])
def test_compressed_and_plain_exports_are_accepted(
    plain: bool, told: Told, export: Callable[[], list[ExportedWindow]]
) -> None:
    """A compressed and a plain export have the documented columns in order and all calls."""
    told(plain_csv=plain)

    (window,) = export()

    data = window.path.read_bytes()
    lines = (data if plain else gzip.decompress(data)).splitlines()
    assert lines[0].startswith(b"direction,start_time,end_time,destination,")
    assert len(lines) > 100


@pytest.mark.parametrize(
    ("fault", "kind", "word"),
    [
        (
            {"failed_export": True},
            CarrierUnavailableError,
            r"Export \d+ " + golden_pattern("errors.downloads.of_the_calls_from") + " .* failed",
        ),
        ({"expired_link": True}, CarrierRefusedError, "expired"),
        ({"truncated_gzip": True}, CarrierAnswerError, golden_pattern("errors.downloads.not_a_gzip_file")),
        ({"corrupt_gzip": True}, CarrierAnswerError, golden_pattern("errors.downloads.not_a_gzip_file")),
    ],
)
def test_an_export_that_goes_wrong_leaves_no_file(
    fault: dict[str, Any],
    kind: type[CarrierError],
    word: str,
    told: Told,
    export: Callable[[], list[ExportedWindow]],
    tmp_path: Path,
) -> None:
    """The error has the carrier's job number, and no partial file remains."""
    told(**fault)

    with pytest.raises(kind, match=word):
        export()

    assert [] == list(tmp_path.iterdir())


def test_a_job_that_was_left_is_taken_up(
    told: Told, account: FlowrouteCarrier, local: HttpSession, tmp_path: Path
) -> None:
    """After a stop during the carrier's work, the next sync of the window creates no second job."""
    told(export_delay_s=0.5)
    now = datetime.now(UTC).replace(microsecond=0)
    window = (now - timedelta(days=2), now - timedelta(days=1))
    asked = iter([False, False, True])

    assert [] == account.export_calls(*window, tmp_path, stop=lambda: next(asked, True))
    (found,) = account.export_calls(*window, tmp_path)

    shown = local.get("/v2/cdrs/exports", {"limit": 200})["data"]
    alike = [item for item in shown if found.since.isoformat() in str(item)]
    assert len(alike) == 1
    assert len(account.export_calls(*window, tmp_path)) == 1
