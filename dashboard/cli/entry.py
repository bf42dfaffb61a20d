"""
The way into a running dashboard: its one-time link, written down, shown and opened; ``trunkgate link`` makes another.

The token of a link is in no process list, log or referrer: files of mode 0600 hold it, the browser gets the name of
such a file, and only a terminal shows it.
"""

from __future__ import annotations

import html
import json
import os
import sys
import webbrowser
from pathlib import Path
from typing import Annotated, Final

import psutil
import requests
import typer

from dashboard import links, private
from dashboard.cli.output import remark, say
from dashboard.errors import InputError, SettingsError
from dashboard.settings import Settings

app = typer.Typer()

ASK_S: Final = 2
LONGEST_H: Final = 168


def link_file(home: Path, port: int) -> Path:
    """Return the file that holds the link which ``serve`` made."""
    return home / f"link-{port}.txt"


def page_file(home: Path, port: int) -> Path:
    """Return the page that takes a browser to the link."""
    return home / f"open-{port}.html"


def note(home: Path, port: int) -> Path:
    """Return the file that says that a dashboard runs on a port."""
    return home / f"serve-{port}.json"


def announce(home: Path, port: int, *, browser: bool) -> None:
    """
    Make the first link of a dashboard that has just started, and tell its operator.

    Args:
        home: Of the dashboard.
        port: Where it is.
        browser: Open the link where there is a desktop.
    """
    private.write(note(home, port), json.dumps({"pid": os.getpid(), "port": port}))
    url, number = _new(home, port)
    file = link_file(home, port)
    private.write(file, f"{url}\n")
    seen = sys.stdout.isatty()  # rich also calls a log a terminal, where a variable asks for colors
    if seen:
        say(f"Open it once with this link: {url}")
    else:
        say(f"The link that opens it is in {file}.")
    say(f"The journal records what is changed through it as link {number}.")
    say("For another browser or a colleague run: trunkgate link")
    if browser and seen and _has_desktop():
        page = page_file(home, port)
        private.write(page, _redirect(url))
        webbrowser.open(page.resolve().as_uri())


def withdraw(home: Path, port: int) -> None:
    """Remove what ``announce`` wrote."""
    for path in (note(home, port), link_file(home, port), page_file(home, port)):
        path.unlink(missing_ok=True)


@app.command()
def link(
    *,
    name: Annotated[str, typer.Option(help="Whom the link is for; that browser is not asked for a name.")] = "",
    hours: Annotated[float, typer.Option(help="How long it can be opened.", min=0.01, max=LONGEST_H)] = 1.0,
    port: Annotated[int, typer.Option(help="Port of the dashboard; 0 finds the one that runs.", min=0, max=65535)] = 0,
) -> None:
    """
    Make a one-time link into the running dashboard, for another browser or a colleague.

    A link opens one browser. Standard output has the link alone, standard error its number. Ends with 0 when
    the link was printed, 2 where no dashboard runs.
    """
    home = Settings.read().home
    url, number = _new(home, _running(home, port), name=name, hours=hours)
    say(url)
    remark(f"The journal records what is changed through it as link {number}.")


def _new(home: Path, port: int, *, name: str = "", hours: float = links.VALID_S / 3600) -> tuple[str, str]:
    """Make a link; return its address and its number."""
    token = links.make(home, name=name, valid_s=hours * 3600)
    return links.address(f"http://127.0.0.1:{port}", token), links.number_of(token)


def _running(home: Path, port: int) -> int:
    """Return the port of the dashboard that runs on a home."""
    ports = [each for each in map(_port_of, sorted(home.glob("serve-*.json"))) if each]
    if port in ports:
        return port
    if port or not ports:
        where = f" on port {port}" if port else ""
        raise SettingsError(f"No dashboard of {home} is running{where}. Start one with: trunkgate serve")
    if len(ports) > 1:
        raise InputError(f"Several dashboards are running. Choose one with --port: {', '.join(map(str, ports))}.")
    return ports[0]


def _port_of(file: Path) -> int:
    """Return the port of a dashboard that runs; 0 where it does not."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        port = int(found["port"])
        if psutil.pid_exists(int(found["pid"])) and requests.get(f"http://127.0.0.1:{port}/healthz", timeout=ASK_S).ok:
            return port
    except (OSError, ValueError, TypeError, KeyError, OverflowError):
        return 0
    return 0


def _has_desktop() -> bool:
    """Tell whether a browser with windows can be opened here."""
    if "SSH_CONNECTION" in os.environ:
        return False
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _redirect(url: str) -> str:
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
        f'<meta http-equiv="refresh" content="0;url={html.escape(url)}"><title>trunkgate</title></html>\n'
    )
