"""Real Chromium against the gate: attacks by other sites, frames and ports on a signed-in browser, and sign-out."""

from __future__ import annotations

import http.server
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserType, Page, expect

from dashboard.services.access import links
from tests.browser.conftest import HOMES, NAME, NAMES, QUIET, Program, enter, settle
from tests.texts import golden
from tests.waiting import WAIT_MS

pytestmark = [pytest.mark.browser, pytest.mark.slow]

REBOUND = "rebound.example"
"""Name of another site that resolves to loopback, as after DNS rebinding."""
ATTACKS = """
<!doctype html><title>foreign</title><a id="link" href="{url}/calls">a link</a><iframe src="{url}/" id="frame"></iframe>
<script>
window.found = {{}};
const socket = new WebSocket("{url}/_stcore/stream".replace("http", "ws"), ["streamlit"]);
socket.onopen = () => {{ window.found.socket = "open"; }};
socket.onerror = () => {{ window.found.socket = "refused"; }};
const read = (name, options) => fetch("{url}/_stcore/host-config", options).then(
    async answer => {{ window.found[name] = answer.type === "opaque" ? "opaque" : await answer.text(); }},
    () => {{ window.found[name] = "refused"; }});
read("read", {{credentials: "include"}});
read("post", {{method: "POST", credentials: "include"}});
const image = new Image();
image.onload = () => {{ window.found.image = "loaded"; }};
image.onerror = () => {{ window.found.image = "refused"; }};
image.src = "{url}/favicon.png";
</script>
"""


@contextmanager
def site(text: str) -> Iterator[int]:
    """Serve one page on another port of loopback."""

    class Handler(http.server.BaseHTTPRequestHandler):
        """Answer every request with the page."""

        def do_GET(self) -> None:
            """Send the page."""
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            """Suppress the request log."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def rebinding(chromium: Browser) -> Iterator[Browser]:
    """Start Chromium with another site's name resolving to this machine."""
    kind: BrowserType = chromium.browser_type
    path = next(filter(None, map(shutil.which, NAMES)))
    rules = f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1"
    browser = kind.launch(executable_path=path, args=[*QUIET, rules])
    yield browser
    browser.close()


def test_other_sites_cannot_use_the_session(shared_program: Program, rebinding: Browser) -> None:
    """
    A rebound name, a foreign page and another local port get nothing from a signed-in browser.

    WebSocket, fetch, image and frame are all refused. A clicked link, a reload and a new tab work.
    """
    program = shared_program
    port = urlsplit(program.url).port
    context = rebinding.new_context()
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    enter(page, program.url)

    with site(ATTACKS.format(url=program.url)) as other:
        for address in (f"http://{REBOUND}:{other}/", f"http://localhost:{other}/", f"http://127.0.0.1:{other}/"):
            foreign = context.new_page()
            foreign.goto(address)
            foreign.wait_for_function("Object.keys(window.found).length === 4")
            found = foreign.evaluate("window.found")
            assert {"socket": "refused", "read": "refused", "post": "refused", "image": "refused"} == found, address
            framed = [frame for frame in foreign.frames if frame != foreign.main_frame]
            assert all("stApp" not in frame.content() for frame in framed if not frame.is_detached())
            foreign.locator("#link").click()
            foreign.get_by_role("heading", level=1).wait_for()
            settle(foreign)
            assert foreign.url.startswith(f"{program.url}/calls")
            foreign.close()

    with site(ATTACKS.format(url=f"http://{REBOUND}:{port}")) as other:
        foreign = context.new_page()
        foreign.goto(f"http://{REBOUND}:{other}/")  # the same name as the attacked dashboard, as after rebinding
        foreign.wait_for_function("Object.keys(window.found).length === 4")
        assert {"socket": "refused", "read": "refused", "post": "refused", "image": "refused"} == foreign.evaluate(
            "window.found"
        )
        answer = foreign.goto(f"http://{REBOUND}:{port}/")
        assert answer is not None
        assert answer.status == 421

    page.reload()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    tab = context.new_page()
    tab.goto(f"{program.url}/findings")
    expect(tab.get_by_role("heading", level=1)).to_be_visible(timeout=WAIT_MS)
    context.close()


def test_sign_out_ends_all_tabs_and_next_person_gets_a_new_session(
    shared_program: Program, open_page: Callable[..., Page], chromium: Browser
) -> None:
    """
    All tabs show the signed-out page; the next person at the browser starts a new session under another name.

    A used link, and a browser without a session, get a page that names ``trunkgate link``.
    """
    program = shared_program
    page = open_page(program.url, expected=["401 (Unauthorized)"])
    tab = page.context.new_page()
    tab.goto(f"{program.url}/what_if")
    tab.get_by_test_id("stPopover").get_by_text(NAME).wait_for()

    page.get_by_test_id("stPopover").get_by_text(NAME).click()
    expect(page.get_by_text(golden("pages.entrance.name_by_link", name=NAME), exact=False)).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    for each in (page, tab):
        expect(each.get_by_role("heading", name=golden("pages.entrance.session_has_ended"))).to_be_visible()
        expect(each.get_by_text("trunkgate link")).to_be_visible()

    address = links.address(program.url, links.make(HOMES[program.url], name="Kim"))
    page.goto(address)
    page.get_by_test_id("stPopover").get_by_text("Kim").wait_for()

    stranger = chromium.new_context().new_page()
    stranger.goto(address)
    expect(stranger.get_by_role("heading", name=golden("pages.entrance.link_was_used"))).to_be_visible()
    stranger.goto(program.url)
    expect(stranger.get_by_role("heading", name=golden("pages.entrance.open_by_a_link"))).to_be_visible()
    stranger.context.close()
