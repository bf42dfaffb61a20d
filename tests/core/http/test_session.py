"""Requests with the key: permitted origins, retries, and valid answers."""

from __future__ import annotations

import gzip
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
import requests
import urllib3

from dashboard.carriers.flowroute.pagination import LIMIT, pages
from dashboard.core.errors import CarrierAnswerError, CarrierRefusedError, CarrierUnavailableError, SettingsError
from dashboard.core.http.exchange import RETRY_AFTER_MAX_S
from dashboard.core.http.retries import ATTEMPTS, WAITS_MAX_S
from dashboard.core.http.session import ANSWER_MAX_BYTES, HttpSession
from tests.carriers.scripted import ACCESS, BASIC, ORIGIN, SECRET, Reply, Script, error, never_connected
from tests.texts import golden

Fails = Callable[[type[Exception], Callable[[], Any]], str]
HERE = "GET /v2/routes"
GOOD = Reply({"data": []})


def tls_error(cause: ssl.SSLError) -> requests.exceptions.SSLError:
    """Return an error as ``requests`` raises it, with its cause."""
    pool = urllib3.HTTPSConnectionPool("api.flowroute.com")
    return requests.exceptions.SSLError(
        urllib3.exceptions.MaxRetryError(pool, "/v2/routes", urllib3.exceptions.SSLError(cause))
    )


def test_every_request_is_signed_timed_and_verified(transport: HttpSession, script: Script) -> None:
    """Each request has a timeout and TLS verification, whatever session is passed in."""
    script.answers[HERE] = GOOD
    transport.session.verify = False

    transport.get("/v2/routes", {"limit": 1})

    (sent,), (options,) = script.sent, script.options
    assert "application/vnd.api+json" == sent.headers["Accept"]
    assert f"Basic {BASIC}" == sent.headers["Authorization"]
    assert (5.0, 30.0) == options["timeout"]
    assert options["verify"]


def test_repr_does_not_contain_the_key(transport: HttpSession) -> None:
    """``repr`` contains only the origin."""
    assert f"Transport({ORIGIN})" == repr(transport)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.flowroute.com",
        "http://198.51.100.7:8080",
        "https://user:word@api.flowroute.com",
        "http://127.0.0.1@evil.example",
        "https://api.flowroute.com/v2",
        "https://api.flowroute.com?x=1",
        "api.flowroute.com",
        "ftp://api.flowroute.com",
        "https://api.flowroute.com:port",
        "",
    ],
)
def test_the_key_is_for_an_origin_over_tls(url: str, fails: Fails) -> None:
    """Plain HTTP, a user, a path or an invalid address is a settings error before any request."""
    said = fails(SettingsError, lambda: HttpSession(url, ACCESS, SECRET))

    assert "FLOWROUTE_BASE_URL" in said


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://API.flowroute.com:443/", "https://api.flowroute.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://localhost", "http://localhost"),
    ],
)
def test_plain_http_is_for_loopback(url: str, origin: str) -> None:
    """Origins are normalized, and loopback needs no TLS."""
    assert origin == HttpSession(url, ACCESS, SECRET).origin


def test_no_proxy_is_asked_for_this_machine(
    session: requests.Session, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy of the environment would receive the key in clear text, so loopback bypasses it."""
    monkeypatch.setenv("HTTP_PROXY", "http://198.51.100.9:3128")
    script.answers["GET http://127.0.0.1:9/v2/routes"] = GOOD

    HttpSession("http://127.0.0.1:9", "a", "b", session=session).get("/v2/routes")

    assert {"http": "", "https": "", "all": ""}.items() <= script.options[0]["proxies"].items()
    script.sent.clear()


@pytest.mark.parametrize("path", ["@evil.example/v2", ".evil.example/v2", ":1/v2"])
def test_path_cannot_change_the_origin(path: str, transport: HttpSession, script: Script, fails: Fails) -> None:
    """A path appended to the origin cannot change the host."""
    fails((CarrierAnswerError, ValueError), lambda: transport.get(path))

    assert [] == script.sent


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("target", ["https://evil.example/v2/routes", "/v2/elsewhere", "http://api.flowroute.com/"])
def test_a_redirect_is_an_error(status: int, target: str, transport: HttpSession, script: Script, fails: Fails) -> None:
    """A redirect is an error even to the same host, because a moved API needs review."""
    script.answers[HERE] = Reply(b"", status, Location=target)

    said = fails(CarrierAnswerError, lambda: transport.get("/v2/routes"))

    assert HERE in said
    assert len(script.sent) == 1


def test_429_without_retry_after_backs_off(transport: HttpSession, script: Script, slept: list[float]) -> None:
    """Without Retry-After the waits grow by themselves."""
    script.answers[HERE] = [Reply(b"", 429), Reply(b"", 429), Reply(b"", 429), GOOD]

    assert {"data": []} == transport.get("/v2/routes")
    assert 3 == len(slept)
    assert [0.5, 1.0, 2.0] == [wait // 0.5 * 0.5 for wait in slept]


@pytest.mark.parametrize(
    ("asked", "least", "most"),
    [
        ("7", 7, 7),
        ("0", 0, 0),
        ("-5", 0, 0),
        ("86400", RETRY_AFTER_MAX_S, RETRY_AFTER_MAX_S),
        ("9" * 400, RETRY_AFTER_MAX_S, RETRY_AFTER_MAX_S),
        (timedelta(seconds=40), 5, 40),
        (timedelta(days=30), RETRY_AFTER_MAX_S, RETRY_AFTER_MAX_S),
        (timedelta(days=-30), 0, 0),
        ("soon", 0.5, 1.0),
    ],
)
def test_retry_after_is_honored(
    asked: str | timedelta,
    least: float,
    most: float,
    transport: HttpSession,
    script: Script,
    slept: list[float],
) -> None:
    """Retry-After in seconds or as a date is honored up to a maximum; other values are ignored."""
    if isinstance(asked, timedelta):
        asked = format_datetime(datetime.now(UTC) + asked, usegmt=True)
    script.answers[HERE] = [Reply(b"", 429, Retry_After=asked), GOOD]

    transport.get("/v2/routes")

    assert least <= slept[0] <= most


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_waits_that_a_server_asks_for_are_limited_in_all(
    method: str, transport: HttpSession, script: Script, slept: list[float], fails: Fails
) -> None:
    """The message names the limit, and every wait before it was waited for."""
    script.answers[f"{method} /v2/routes"] = Reply(b"", 429, Retry_After="50")

    said = fails(CarrierUnavailableError, lambda: transport.request(method, "/v2/routes"))

    assert [50.0, 50.0] == slept
    assert golden("errors.http.asked_for_delays", waits_max_s=f"{WAITS_MAX_S:.0f}") in said


def test_pages_of_a_list_share_the_limit_of_waits(
    transport: HttpSession, script: Script, slept: list[float], fails: Fails
) -> None:
    """A list whose every page has to be waited for does not take hours."""
    full = [Reply({"data": [{"id": f"{page}-{n}"} for n in range(LIMIT)], "links": {"next": "x"}}) for page in range(9)]
    script.answers[HERE] = [reply for page in full for reply in (Reply(b"", 429, Retry_After="50"), page)]

    said = fails(CarrierUnavailableError, lambda: list(pages(transport, "/v2/routes")))

    assert [50.0, 50.0] == slept
    assert golden("errors.http.which_is_the_limit") in said


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_read_is_retried_after_a_server_error(status: int, transport: HttpSession, script: Script) -> None:
    """A read is repeated after a server error."""
    script.answers[HERE] = [Reply(b"<html>oops</html>", status), GOOD]

    assert {"data": []} == transport.get("/v2/routes")


@pytest.mark.parametrize(
    "failure",
    [
        Reply(b"", 503),
        Reply(b"", 429),
        requests.ReadTimeout(f"read timed out {SECRET}"),
        requests.ConnectTimeout(f"no route {SECRET}"),
        requests.ConnectionError(f"reset {SECRET}"),
        never_connected(),
        Reply(b'{"data"', Content_Length="400"),
    ],
)
def test_number_of_attempts_is_limited(
    failure: object, transport: HttpSession, script: Script, slept: list[float], fails: Fails
) -> None:
    """The number of attempts is limited; the message names the endpoint and omits library text."""
    script.answers[HERE] = failure

    said = fails(CarrierUnavailableError, lambda: transport.get("/v2/routes"))

    assert HERE in said
    assert ATTEMPTS == len(script.sent) == len(slept) + 1


@pytest.mark.parametrize(
    ("failure", "times"),
    [
        (Reply(b"", 429), ATTEMPTS),
        (never_connected(), ATTEMPTS),
        (requests.ConnectTimeout(), ATTEMPTS),
        (Reply(b"", 500), 1),
        (Reply(b"", 503, Retry_After="1"), 1),
        (requests.ReadTimeout(), 1),
        (requests.ConnectionError("aborted"), 1),
    ],
)
def test_post_that_may_have_been_applied_is_not_retried(
    failure: object, times: int, transport: HttpSession, script: Script, fails: Fails
) -> None:
    """A POST is repeated only if it cannot have been applied; otherwise the message says that it may have been."""
    script.answers["POST /v2/routes"] = failure

    said = fails(CarrierUnavailableError, lambda: transport.request("POST", "/v2/routes", body={}))

    assert times == len(script.sent)
    assert (times == 1) == (golden("errors.http.may_have_been_carried_out") in said)


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_idempotent_requests_are_retried(method: str, transport: HttpSession, script: Script) -> None:
    """Idempotent requests are repeated."""
    script.answers[f"{method} /v2/routes/1"] = [requests.ReadTimeout(), Reply(b"", 204)]

    assert transport.request(method, "/v2/routes/1") is None
    assert 2 == len(script.sent)


def test_not_found_after_a_retried_delete_is_success(transport: HttpSession, script: Script, fails: Fails) -> None:
    """A 404 to a repeated DELETE is success, because the first one was applied; a 404 to the first is an error."""
    script.answers["DELETE /v2/routes/1"] = [Reply(b"", 502), error(404)]

    assert transport.request("DELETE", "/v2/routes/1") is None
    assert "404" in fails(CarrierRefusedError, lambda: transport.request("DELETE", "/v2/routes/1"))


@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 415, 422])
def test_error_has_title_detail_and_id(status: int, transport: HttpSession, script: Script, fails: Fails) -> None:
    """The error has title, detail and the id for support; a refusal is not repeated."""
    script.answers[HERE] = error(status, "Alias is taken.", "5d41-402a")

    said = fails(CarrierRefusedError, lambda: transport.get("/v2/routes"))

    assert golden("errors.http.declined", here=HERE, status=status) == said
    assert len(script.sent) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b'{"errors": null}',
        b'{"errors": ["x"]}',
        b'{"errors": {"a": 1}}',
        b'{"errors": [{"status": 403, "detail": "", "title": "ActionNotAuthorizedError"}]}',
        b"[" * 100_000,
    ],
)
def test_an_error_without_the_usual_fields_is_still_told(
    body: bytes, transport: HttpSession, script: Script, fails: Fails
) -> None:
    """Errors without id or detail, as in the vendor's own samples, are reported too."""
    script.answers[HERE] = Reply(body, 403)

    assert fails(CarrierRefusedError, lambda: transport.get("/v2/routes")).startswith(
        f"Flowroute declined {HERE} (403)."
    )


def test_hostile_text_is_removed_from_messages(transport: HttpSession, script: Script, fails: Fails) -> None:
    """Control characters, an echoed key and endless text are removed from messages."""
    script.answers[HERE] = error(400, f"\x1b[31mbad\nkey {SECRET} {ACCESS} {BASIC}" + "x" * 5000)

    said = fails(CarrierRefusedError, lambda: transport.get("/v2/routes"))

    assert said.isprintable()
    assert len(said) < 500


def test_a_wrong_key_says_which_settings_to_check(transport: HttpSession, script: Script, fails: Fails) -> None:
    """401 names the settings of the key, and nothing else."""
    script.answers[HERE] = error(401, "Authentication failed.")

    assert golden("errors.http.check_both_keys") in fails(CarrierRefusedError, lambda: transport.get("/v2/routes"))


@pytest.mark.parametrize(
    ("reply", "word"),
    [
        (Reply(b"<html><body>Back soon</body></html>", Content_Type="text/html"), "web page"),
        (Reply(b"\n <!DOCTYPE html>"), "web page"),
        (Reply(b'{"data": [{"id": "1"'), "whole JSON"),
        (Reply(b"\xff\xfe\x00"), "whole JSON"),
        (Reply(b"[" * 100_000), "whole JSON"),
        (Reply(b"[]"), "JSON object"),
        (Reply(b"null"), "JSON object"),
        (Reply(b"  "), "empty"),
        (Reply(b"not gzip", Content_Encoding="gzip"), "encoded"),
    ],
)
def test_an_answer_that_is_not_understood_is_an_error(
    reply: Reply, word: str, transport: HttpSession, script: Script, fails: Fails
) -> None:
    """A maintenance page with status 200 is not an empty list."""
    script.answers[HERE] = reply

    assert word in fails(CarrierAnswerError, lambda: transport.get("/v2/routes"))


@pytest.mark.parametrize("packed", [False, True])
def test_a_huge_answer_is_not_read_to_its_end(
    packed: bool, transport: HttpSession, script: Script, fails: Fails
) -> None:
    """The size limit applies to decompressed content."""
    body = b" " * (ANSWER_MAX_BYTES + 1)
    script.answers[HERE] = Reply(gzip.compress(body), Content_Encoding="gzip") if packed else Reply(body)

    assert "larger than" in fails(CarrierAnswerError, lambda: transport.get("/v2/routes"))


def test_a_bad_certificate_is_not_asked_again(transport: HttpSession, script: Script, fails: Fails) -> None:
    """A certificate error is not retried, and the key is not sent."""
    script.answers[HERE] = tls_error(ssl.SSLCertVerificationError(1, "certificate verify failed"))

    assert "certificate of api.flowroute.com" in fails(CarrierAnswerError, lambda: transport.get("/v2/routes"))
    assert len(script.sent) == 1


def test_broken_tls_connection_may_have_applied_the_request(
    transport: HttpSession, script: Script, fails: Fails
) -> None:
    """A TLS error while the answer is read is no refused certificate: a POST may have been applied."""
    script.answers["POST /v2/routes"] = tls_error(ssl.SSLError(1, "decryption failed or bad record mac"))

    said = fails(CarrierUnavailableError, lambda: transport.request("POST", "/v2/routes", body={}))

    assert "certificate" not in said
    assert golden("errors.http.may_have_been_carried_out") in said
    assert len(script.sent) == 1
