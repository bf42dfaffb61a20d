"""The web server: environment and working directory change no option, and no other server shows the dashboard."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

from dashboard.web import server
from tests.texts import golden
from tests.web.conftest import ROOT, Web, start, stop

HOSTILE = """
[server]
enableCORS = false
enableXsrfProtection = false
baseUrlPath = "/elsewhere"
address = "0.0.0.0"
allowedHosts = ["*"]
trustedUserHeaders = '{"X-User": "email"}'
enableStaticServing = true
enableAgentApi = true
cookieSecret = "known"
maxUploadSize = 1
[browser]
gatherUsageStats = true
[client]
allowedOrigins = ["https://evil.example"]
[theme.light]
primaryColor = "#FF0000"
[logger]
level = "debug"
"""
READ_BACK = """
import json, os, sys
from dashboard.web import server
server.configure(8501)
from streamlit import config
from streamlit.web.bootstrap import prepare_streamlit_environment
prepare_streamlit_environment(str(server.SCRIPT))
found = {name: option.value for name, option in config.get_config_options().items() if name != "server.cookieSecret"}
json.dump([found, os.environ.get("FROM_SECRETS"), config.get_option("server.cookieSecret")], sys.stdout, default=str)
"""
VARIABLES = {
    "STREAMLIT_SERVER_ENABLE_CORS": "false",
    "STREAMLIT_SERVER_ADDRESS": "0.0.0.0",  # noqa: S104 - must have no effect
    "STREAMLIT_SERVER_BASE_URL_PATH": "/elsewhere",
    "STREAMLIT_SERVER_COOKIE_SECRET": "known",
    "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "true",
    "STREAMLIT_CLIENT_TOOLBAR_MODE": "developer",
}
MOST_MB = 16


def test_no_variable_and_no_file_changes_an_option(tmp_path: Path) -> None:
    """Hostile files in the working directory and the user's home, and hostile variables, change no option."""
    for folder in (tmp_path / ".streamlit", tmp_path / "user" / ".streamlit"):
        folder.mkdir(parents=True)
        (folder / "config.toml").write_text(HOSTILE)
        (folder / "secrets.toml").write_text('FROM_SECRETS = "taken over"\n')
    done = subprocess.run(
        [sys.executable, "-c", READ_BACK],
        cwd=tmp_path,
        env={**os.environ, **VARIABLES, "HOME": str(tmp_path / "user"), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    found, secret, cookie_secret = json.loads(done.stdout)

    wanted = json.loads(json.dumps(server.options(8501), default=str))
    del wanted["server.cookieSecret"]
    assert {} == {name: (value, found[name]) for name, value in wanted.items() if found[name] != value}
    assert found["server.address"] == "127.0.0.1"
    assert found["server.allowedHosts"] == ["127.0.0.1", "localhost"]
    assert found["server.enableCORS"] is True
    assert found["theme.light.primaryColor"] != "#FF0000"
    assert secret is None
    assert cookie_secret != "known"


def test_every_option_is_set_and_those_that_guard_the_dashboard_are_strict() -> None:
    """
    Options that protect the dashboard are strict.

    An option that a new Streamlit version adds is served with its default, whatever a file says.
    """
    options = server.options(8501)

    assert options["client.allowedOrigins"] == []
    assert options["server.xsrfCookieSameSite"] == "strict"
    assert options["secrets.files"] == []
    assert options["server.enableStaticServing"] is False
    assert options["server.maxUploadSize"] == 50  # from the configuration file next to the app


def drawn(web: Web, *headers: tuple[str, str]) -> list[str]:
    """Run the first page over Streamlit's protocol and return its elements as text; of an alert only its body."""
    place = f"ws://127.0.0.1:{web.port}/_stcore/stream"
    texts = []
    with connect(place, subprotocols=["streamlit"], origin=web.url, additional_headers=headers, max_size=2**24) as wire:
        asked = BackMsg()
        asked.rerun_script.page_script_hash = ""
        wire.send(asked.SerializeToString())
        while True:
            message = ForwardMsg.FromString(wire.recv(timeout=600))
            kind = message.WhichOneof("type")
            if kind == "delta" and message.delta.WhichOneof("type") == "new_element":
                element = message.delta.new_element
                texts.append(element.alert.body if element.WhichOneof("type") == "alert" else str(element))
            if kind == "script_finished":
                return texts


def test_app_without_gate_shows_only_an_error(tmp_path: Path) -> None:
    """Without the gate the app shows only an error, whatever headers are forged, because its session table is empty."""
    flags = ["--server.port={port}", "--server.headless=true", "--browser.gatherUsageStats=false"]
    program = ["-m", "streamlit", "run", str(server.SCRIPT), *flags]
    child, port = start(tmp_path / "home", tmp_path / "log", *program, STREAMLIT_SERVER_ADDRESS="127.0.0.1")
    try:
        web = Web(port, tmp_path / "home", child.pid, tmp_path / "log")
        for forged in ("", "-", "None", "null", "x"):
            headers = (
                ("X-Trunkgate-Session", forged),
                ("x_trunkgate_session", forged),
                ("Cookie", f"trunkgate_{port}=a"),
            )
            (sentence,) = drawn(web, *headers)
            assert "`trunkgate serve`" in sentence
        (sentence,) = drawn(web)
        assert "`trunkgate serve`" in sentence
    finally:
        stop(child)
    assert not (tmp_path / "home").exists()


def test_a_forged_header_changes_nothing_behind_the_gate(web: Web) -> None:
    """The app gets the cookie's session, not a forged one, and asks for a name before it opens the account."""
    name, _, value = web.enter().partition(": ")
    other = web.enter()

    texts = drawn(web, (name, value), ("X-Trunkgate-Session", other))

    assert any(golden("pages.entrance.who_uses_this_browser") in text for text in texts)
    assert not any("`trunkgate serve`" in text for text in texts)
    assert not (web.home / "state.db").exists()


@pytest.mark.parametrize("asked", ["--version", "--port", "--port=0x"])
def test_only_a_port_is_asked_for(asked: str) -> None:
    """The server module, started by ``trunkgate serve``, accepts a port and no option of Streamlit."""
    done = subprocess.run(
        [sys.executable, "-m", "dashboard.web.server", asked], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
