"""The gate, tested over plain sockets: access over HTTP and WebSocket, links, cookies and response headers."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator

import pytest

from dashboard.services.access import links
from dashboard.web import peers, server
from tests.texts import golden
from tests.web.conftest import NAVIGATION, Web

PATHS = (
    "/",
    "/calls",
    "/_stcore/health",
    "/_stcore/host-config",
    "/_stcore/metrics",
    "/_stcore/script-health-check",
    "/_stcore/agent/openapi.json",
    "/_stcore/upload_file/a/b",
    "/media/a.csv",
    "/auth/login",
    "/oauth2callback",
    "/static/js/index.js",
    "/component/a/index.html",
    "/favicon.png",
    "/healthz/",
    "/enter/",
    "//healthz",
)
NOBODY = 65534


@pytest.fixture(scope="module")
def cookie(web: Web) -> Iterator[str]:
    """Return the Cookie header of a session."""
    return web.enter()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"])
def test_nothing_is_answered_without_a_session(web: Web, path: str, method: str) -> None:
    """Without a session every path and method gets 401 with the command that makes a link."""
    answer = web.ask(path, method=method)

    assert answer.status == 401
    assert method == "HEAD" or "trunkgate link" in answer.body


def test_health_needs_no_session_and_says_nothing(web: Web) -> None:
    """``/healthz`` answers without a session, only to the right Host, and contains nothing of the account."""
    assert web.ask("/healthz").status == 200
    assert web.ask("/healthz", host="evil.example").status == 421
    assert "Denver" not in web.ask("/healthz").body


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1",
        "127.0.0.1:1",
        "127.0.0.1:0{port}",
        "127.0.0.1.evil.example:{port}",
        "localhost.:{port}",
        "0.0.0.0:{port}",
        "[::1]:{port}",
        "user@127.0.0.1:{port}",
        "127.0.0.1:{port}@evil.example",
        "127.0.0.1:{port}, evil.example",
        "127.0.0.1:{port}#evil.example",
        "127.0.0.1:{port}:{port}",
        "http://127.0.0.1:{port}",
        "LOCALHOST:{port}",
        "127.1:{port}",
        "2130706433:{port}",
        "[::ffff:127.0.0.1]:{port}",
        "a.localhost:{port}",
        " ",
        "127.0.0.1:{port}\r\nHost: 127.0.0.1:{port}",
        None,
    ],
)
def test_another_host_is_refused(web: Web, cookie: str, host: str | None) -> None:
    """A rebound name, another port, no Host or two are refused before other checks, even with a session."""
    sent = host and host.format(port=web.port)

    assert web.ask("/", cookie, host=sent).status in {400, 421}
    if sent:
        assert web.upgrade(cookie, f"Origin: {web.url}", host=sent) in {400, 403}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_both_names_of_loopback_are_served(web: Web, cookie: str, host: str) -> None:
    """Both loopback names are served if the Origin has the same name as the Host."""
    named = f"{host}:{web.port}"

    assert web.ask("/", cookie, f"Origin: http://{named}", host=named).status == 200
    assert web.upgrade(cookie, f"Origin: http://{named}", host=named) == 101


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://127.0.0.1:9999",
        "http://localhost:9999",
        "http://localhost:{port}",
        "http://0.0.0.0:{port}",
        "https://127.0.0.1:{port}",
        "http://127.0.0.1",
        "http://127.0.0.1:{port}/",
        "HTTP://127.0.0.1:{port}",
        "null",
        "NULL",
        "",
        "file://",
        "http://[::1]:{port}",
        "http://user@127.0.0.1:{port}",
        "http://127.0.0.1:{port}@evil.example",
        "http://127.0.0.1:{port} http://evil.example",
        "http://127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}",
    ],
)
def test_another_origin_is_refused(web: Web, cookie: str, origin: str) -> None:
    """Another site, port, scheme or ``null`` is refused over HTTP, over WebSocket and at a link, which stays unused."""
    sent = f"Origin: {origin.format(port=web.port)}"
    token = links.make(web.home)

    assert web.ask("/", cookie, sent).status == 403
    assert web.ask("/_stcore/upload_file/a/b", cookie, sent, method="PUT").status == 403
    assert web.upgrade(cookie, sent) in {400, 403}
    assert web.ask(f"/enter?token={token}", sent, *NAVIGATION).status == 403
    assert web.ask(f"/enter?token={token}", *NAVIGATION).status == 200  # the link is still unused


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty"), 403),
        (("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image"), 403),
        (("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"), 403),
        (("Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"), 403),
        (("Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty"), 403),
        (("Sec-Fetch-Site: nonsense",), 403),
        (("Sec-Fetch-Site: cross-site", *NAVIGATION), 200),
        (("Sec-Fetch-Site: none", *NAVIGATION), 200),
        (("Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty"), 200),
    ],
)
def test_another_site_may_only_lead_here(web: Web, cookie: str, headers: tuple[str, ...], status: int) -> None:
    """A navigation from another site is allowed; a fetch, frame or embedded resource gets 403, even with a session."""
    assert web.ask("/", cookie, *headers).status == status


def test_another_site_may_not_send_a_form_here(web: Web, cookie: str) -> None:
    """A POST navigation from another site gets 403, also if the browser sends no Origin."""
    assert web.ask("/", cookie, "Sec-Fetch-Site: cross-site", *NAVIGATION, method="POST").status == 403


def test_a_websocket_needs_origin_and_session(web: Web, cookie: str) -> None:
    """A WebSocket needs the right Origin and a session; a made-up cookie or a request from another site gets 403."""
    origin = f"Origin: {web.url}"

    assert web.upgrade(cookie, origin) == 101
    assert web.upgrade(cookie) == 403
    assert web.upgrade(origin) == 403
    assert web.upgrade(f"Cookie: trunkgate_{web.port}=made-up", origin) == 403
    assert web.upgrade(cookie, origin, "Sec-Fetch-Site: cross-site", *NAVIGATION) == 403


def test_a_link_opens_one_browser(web: Web) -> None:
    """
    A link works once.

    The first opening sets a cookie, named by the port, that no script can read and no other site sends. The second
    gets 410 with the command that makes a new link. No response contains the token.
    """
    token = links.make(web.home)

    first = web.ask(f"/enter?token={token}", *NAVIGATION)
    second = web.ask(f"/enter?token={token}", *NAVIGATION)

    assert first.status == 200
    assert 'http-equiv="refresh" content="0;url=./"' in first.body
    name, *rest = first.headers["set-cookie"].split("; ")
    assert name.startswith(f"trunkgate_{web.port}=")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} == set(rest)
    assert second.status == 410
    assert golden("pages.entrance.link_was_used") in second.body
    assert "trunkgate link" in second.body
    assert "set-cookie" not in second.headers
    assert token not in first.body + second.body + str(first.headers)


def test_the_browser_that_used_a_link_may_open_it_again(web: Web) -> None:
    """The browser that used a link may open it again, e.g. by a reload or a restored tab; no second session starts."""
    token = links.make(web.home)
    cookie = web.ask(f"/enter?token={token}", *NAVIGATION).headers["set-cookie"].partition(";")[0]

    again = web.ask(f"/enter?token={token}", f"Cookie: {cookie}", *NAVIGATION)

    assert (again.status, "set-cookie" in again.headers) == (200, False)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?token=",
        "?token=made-up",
        "?token=..%2F..%2Fstate.db",
        "?token=%00",
        "?token=%F0%9F",
        "?x=1",
        "?token=" + "a" * 9000,
    ],
)
def test_invalid_token_is_refused(web: Web, query: str) -> None:
    """A missing or invalid token gets 410 with a page that names the command for a new link."""
    answer = web.ask(f"/enter{query}", *NAVIGATION)

    assert answer.status == 410
    assert "trunkgate link" in answer.body


AHEAD = [
    "Sec-Purpose: prefetch;prerender",
    "Sec-Purpose: PREFETCH",
    "Purpose: prefetch",
    "X-Purpose: preview",
    "X-Moz: prefetch",
]


def test_only_a_person_uses_a_link_up(web: Web) -> None:
    """A prefetch by a current or older browser, another method, or two tokens in one request leave a link unused."""
    token = links.make(web.home)

    assert {web.ask(f"/enter?token={token}", each, *NAVIGATION).status for each in AHEAD} == {503}
    assert web.ask(f"/enter?token={token}", method="HEAD").status == 405
    assert web.ask(f"/enter?token={token}", method="POST").status == 405
    assert web.ask(f"/enter?token={token}&token={token}", *NAVIGATION).status == 410
    assert web.ask(f"/enter?token={token}", *NAVIGATION).status == 200


def test_a_link_that_is_only_looked_at_is_not_used_up(web: Web) -> None:
    """A program that fetches a link, such as a chat program, gets a page with a button; only the button opens it."""
    link = f"/enter?token={links.make(web.home)}"

    looked = [web.ask(link), web.ask(link, "User-Agent: bot"), web.ask(link, "Sec-Fetch-Mode: no-cors")]
    pressed = web.ask(f"{link}&open=yes")

    assert {each.status for each in looked} == {200}
    assert not any("set-cookie" in each.headers or "refresh" in each.body for each in looked)
    assert all("<button" in each.body for each in looked)
    assert "set-cookie" in pressed.headers
    assert web.ask(link, *NAVIGATION).status == 410


def test_a_link_that_opens_nothing_says_so_to_whoever_looks(web: Web) -> None:
    """A fetch of a made-up, used or expired token gets no button and no statement that the link is unused."""
    used = links.make(web.home)
    old = links.make(web.home, valid_s=0)
    web.ask(f"/enter?token={used}", *NAVIGATION)

    looked = {token: web.ask(f"/enter?token={token}") for token in (used, old, "x", "..", "")}

    assert {each.status for token, each in looked.items() if token} == {410}
    assert not any("<button" in each.body or "not been used" in each.body for each in looked.values())
    assert "was used already" in looked[used].body
    assert all("not valid" in looked[token].body for token in (old, "x", ".."))


def test_a_new_link_ends_the_session_that_the_browser_had(web: Web) -> None:
    """A new link ends the browser's earlier session, because another person may have opened it."""
    first = web.enter()
    answer = web.ask(f"/enter?token={links.make(web.home)}", first, *NAVIGATION)
    second = f"Cookie: {answer.headers['set-cookie'].partition(';')[0]}"

    assert web.ask("/", first).status == 401
    assert web.ask("/", second).status == 200


def test_a_cookie_of_an_earlier_start_says_what_to_do(web: Web) -> None:
    """A cookie of an earlier start gets a page that names ``trunkgate link``; a cookie of another port is ignored."""
    answer = web.ask("/", f"Cookie: trunkgate_{web.port}=of-an-earlier-start")
    other = web.ask("/", f"Cookie: trunkgate_{web.port + 1}=of-another-port")

    assert answer.status == other.status == 401
    assert "has ended" in answer.body
    assert "trunkgate link" in answer.body
    assert "has ended" not in other.body


def test_health_of_an_earlier_start_is_a_json_string(web: Web) -> None:
    """A tab of an earlier start requests the server's health and gets a JSON string, which it displays unchanged."""
    asked = ("Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty")
    answer = web.ask("/_stcore/health", f"Cookie: trunkgate_{web.port}=of-an-earlier-start", *asked)

    assert answer.status == 401
    assert answer.headers["content-type"] == "application/json"
    text = json.loads(answer.body)
    assert text.startswith(golden("pages.entrance.session_has_ended") + ". ")
    assert golden("pages.entrance.run_link") in text
    assert "<" not in text


def test_a_link_on_another_site_works_with_a_strict_cookie(web: Web, cookie: str) -> None:
    """
    A navigation from another site without a cookie gets a page that reloads the same address once.

    The browser does not send the strict cookie with such a navigation, but does with the reload. The address of the
    reload is always on this host, however many slashes the path starts with.
    """
    first = web.ask("/calls?span=7+days", "Sec-Fetch-Site: cross-site", *NAVIGATION)
    again = web.ask("/calls?span=7+days", "Sec-Fetch-Site: same-origin", *NAVIGATION)
    slashes = [f"{'/' * count}evil.example/" for count in range(2, 7)]
    elsewhere = [web.ask(path, "Sec-Fetch-Site: cross-site", *NAVIGATION) for path in slashes]

    assert 'content="0;url=/calls?span=7+days"' in first.body
    assert "refresh" not in again.body
    assert all('content="0;url=/evil.example/"' in answer.body for answer in elsewhere)
    assert web.ask("/calls?span=7+days", cookie, "Sec-Fetch-Site: same-origin", *NAVIGATION).status == 200


@pytest.mark.parametrize("path", ["/", "/healthz", "/enter", "/nothing", "/_stcore/health"])
@pytest.mark.parametrize("inside", [True, False])
def test_every_answer_carries_the_security_headers(web: Web, cookie: str, path: str, *, inside: bool) -> None:
    """Every response has the security headers, including refusals and responses of Streamlit."""
    headers = web.ask(path, *([cookie] if inside else [])).headers

    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    policy = headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "'unsafe-eval'" not in policy.replace("'wasm-unsafe-eval'", "")
    assert all(f"'{each}'" in policy for each in server.script_hashes())
    assert "script-src 'self' 'unsafe-inline'" not in policy
    assert "server" not in headers


@pytest.mark.parametrize("path", ["/", "/calls", "/_stcore/health", "/_stcore/host-config", "/media/a.csv", "/nothing"])
def test_no_browser_keeps_what_the_dashboard_shows(web: Web, cookie: str, path: str) -> None:
    """Every response has ``Cache-Control: no-store``, except the static files of Streamlit."""
    page = web.ask("/", cookie).body
    script = page.partition('src="./')[2].partition('"')[0]

    assert web.ask(path, cookie).headers["cache-control"] == "no-store"
    assert web.ask(path).headers["cache-control"] == "no-store"
    assert "no-store" not in web.ask(f"/{script}", cookie).headers["cache-control"]


def test_another_ports_cookie_of_the_same_name_keeps_nobody_out(web: Web, cookie: str) -> None:
    """
    A second cookie of the same name does not invalidate the session, in one header or in two.

    Any port and path of a host can set such a cookie; the browser then sends both.
    """
    tossed = f"trunkgate_{web.port}=tossed"

    assert web.ask("/", f"Cookie: {tossed}; {cookie.partition(': ')[2]}").status == 200
    assert web.ask("/", f"Cookie: {tossed}", cookie).status == 200
    assert web.ask("/", cookie, f"Cookie: {tossed}").status == 200
    assert web.ask("/", f"{cookie}-and-more").status == 401
    assert web.ask("/", cookie.lower()).status == 401


def test_the_policy_names_the_inline_scripts_of_the_installed_page(web: Web, cookie: str) -> None:
    """
    There is a hash for the one inline script of the page.

    Hashes are computed from the page of the installed Streamlit, so an update needs no change here.
    """
    page = web.ask("/", cookie).body

    assert len(server.script_hashes()) == page.count("<script>") == 1


def test_the_token_is_in_no_log(web: Web) -> None:
    """Tokens are not logged, neither of a link that is used nor of one that is refused."""
    tokens = [links.make(web.home), "made-up-token-that-is-refused"]
    for token in tokens * 2:
        web.ask(f"/enter?token={token}", *NAVIGATION)

    assert not [token for token in tokens if token in web.log.read_text()]


def socket_of(uid: int) -> socket.socket:
    """Return a socket owned by another user; the kernel records the owner when a socket is created."""
    os.seteuid(uid)
    try:
        return socket.socket()
    finally:
        os.seteuid(0)


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT AVAILABLE: root, which alone can act as another user")
@pytest.mark.skipif(not peers.KNOWN, reason="NOT AVAILABLE: /proc/net/tcp, which tells the user of a connection")
def test_another_user_of_the_machine_with_the_cookie_is_refused(web: Web, cookie: str) -> None:
    """
    A cookie sent by another user of the machine gets 403.

    Browsers send cookies to every port of a host, so a server of another user may have received it.
    """
    origin = f"Origin: {web.url}"

    assert web.ask("/", over=socket_of(NOBODY)).status == 401
    assert web.ask("/", cookie, over=socket_of(NOBODY)).status == 403
    assert web.upgrade(cookie, origin, over=socket_of(NOBODY)) == 403
    assert web.ask("/", cookie).status == 200
    assert web.upgrade(cookie, origin) == 101


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT AVAILABLE: root, which alone can act as another user")
@pytest.mark.skipif(not peers.KNOWN, reason="NOT AVAILABLE: /proc/net/tcp, which tells the user of a connection")
def test_a_session_belongs_to_the_user_who_opened_its_link(web: Web) -> None:
    """A session is valid only for the user who opened its link, who may be a colleague on the same machine."""
    answer = web.ask(f"/enter?token={links.make(web.home)}", *NAVIGATION, over=socket_of(NOBODY))
    cookie = f"Cookie: {answer.headers['set-cookie'].partition(';')[0]}"

    assert web.ask("/", cookie, over=socket_of(NOBODY)).status == 200
    assert web.ask("/", cookie).status == 403
    assert (
        web.ask("/", cookie, web.enter()).status == 200
    )  # the other user's cookie, set by a server on another port, comes first
