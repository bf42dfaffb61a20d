"""
Serve the app behind its gate: ``python -m dashboard.web.server --port PORT``, which ``trunkgate serve`` runs.

This module sets every Streamlit option. No environment variable and no configuration file of the user or the working
directory changes how the dashboard is served.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import logging
import os
import re
import tomllib
from functools import partial
from pathlib import Path
from typing import Any, Final

import streamlit as st
import uvicorn
from starlette.middleware import Middleware
from streamlit import config
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from dashboard.core import private
from dashboard.core.settings import Settings
from dashboard.services.access import links
from dashboard.web import connections, quiet_log, sessions
from dashboard.web.gate import Gate, policy

ADDRESS: Final = "127.0.0.1"
PACKAGE: Final = Path(__file__).resolve().parent.parent
SCRIPT: Final = PACKAGE / "app.py"
LOOKS: Final = PACKAGE / ".streamlit" / "config.toml"
STOP_S: Final = 3
"""Seconds for which open requests may continue after the server is asked to stop."""
PING_S: Final = 30
"""Ping interval of WebSockets and time limit of the reply, in seconds; a WebSocket without a reply is closed."""
INLINE_SCRIPT: Final = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def options(port: int) -> dict[str, Any]:
    """Return all Streamlit options with their defaults, overridden by the theme file and by this function."""
    template = config._config_options_template  # noqa: SLF001 - the only list of defaults that no file has changed
    values = {name: option.value for name, option in template.items() if not option.is_expired()}
    looks = tomllib.loads(LOOKS.read_text(encoding="utf-8"))
    values |= {name: value for name, value in _flat(looks).items() if name in values}
    return values | {
        "server.address": ADDRESS,
        "server.port": port,
        "browser.serverAddress": ADDRESS,
        "browser.serverPort": port,
        "server.headless": True,
        "server.baseUrlPath": "",
        "server.enableCORS": True,
        "server.corsAllowedOrigins": [],
        "server.allowedHosts": [ADDRESS, "localhost"],
        "server.enableXsrfProtection": True,
        "server.xsrfCookieSameSite": "strict",
        "server.enableStaticServing": False,
        "server.enableAgentApi": False,
        "browser.gatherUsageStats": False,
        "client.allowedOrigins": [],
        "secrets.files": [],
    }


def app(port: int, home: Path) -> st.App:
    """Return the app behind its gate."""
    gate = Middleware(
        Gate,
        port=port,
        sessions=sessions.current,
        use_link=partial(links.use, home),
        is_unused=partial(links.is_unused, home),
        content_policy=policy(script_hashes()),
        farewell=farewell(),
    )
    return st.App(SCRIPT, middleware=[gate])


def configure(port: int) -> None:
    """Set all Streamlit options, overriding configuration files."""
    logging.disable(logging.WARNING)  # Streamlit warns that options changed after the first read, as intended
    config.get_config_options(force_reparse=True, options_from_flags=options(port))
    logging.disable(logging.NOTSET)


def script_hashes() -> tuple[str, ...]:
    """Return the hashes of the inline scripts in Streamlit's page, for the content security policy."""
    page = Path(st.__file__).parent / "static" / "index.html"
    scripts = INLINE_SCRIPT.findall(page.read_text(encoding="utf-8"))
    return tuple(f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}" for script in scripts)


def farewell() -> bytes:
    """Return the message that makes a browser reload its page, which then shows that its session has ended."""
    message = ForwardMsg()
    message.auth_redirect.url = "/"
    return bytes(message.SerializeToString())


def main() -> None:
    """Serve until a signal arrives."""
    parser = argparse.ArgumentParser(prog="dashboard.web.server", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    private.restrict()
    for name in [name for name in os.environ if name.startswith("STREAMLIT_")]:
        del os.environ[name]
    configure(port)
    quiet_log.install()
    served = app(port, Settings.read().home)
    uvicorn.run(
        served,
        host=ADDRESS,
        port=port,
        http=connections.Http,
        ws=connections.WebSocket,
        ws_ping_interval=PING_S,
        ws_ping_timeout=PING_S,
        ws_max_size=config.get_option("server.maxMessageSize") * 1024 * 1024,
        ws_per_message_deflate=False,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        log_level="warning",  # logs invalid requests; quiet_log limits each kind to one line per minute
        use_colors=False,
        timeout_graceful_shutdown=STOP_S,
    )


def _flat(tree: dict[str, Any], above: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        flat |= _flat(value, f"{above}{name}.") if isinstance(value, dict) else {f"{above}{name}": value}
    return flat


if __name__ == "__main__":
    main()
