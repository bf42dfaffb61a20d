"""
One-time link into a running dashboard: written to a file, shown and opened; ``trunkgate link`` makes another.

The token of a link appears in no process list, log or referrer: it is stored in files of mode 0600, the browser is
started with the name of such a file, and only a terminal displays the link.

A dashboard holds a lock on its note ``serve-PORT.json`` while it runs. The operating system releases the lock however
the process ends, so the files of a killed dashboard are recognized and removed, and its first link is revoked. A
process that writes or removes such files holds ``entry.lock``, so a file being written is not mistaken for a leftover.
"""

from __future__ import annotations

import json
import os
import re
import sys
import webbrowser
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Annotated, Final

import typer

from dashboard.cli.lazy import usable
from dashboard.cli.number_types import finite
from dashboard.cli.output import echo, remark
from dashboard.core import private
from dashboard.core.errors import InputError, LockError, SettingsError
from dashboard.core.locks import exclusive, lock_open_file
from dashboard.core.regular_files import read_bytes, read_json, unblocked
from dashboard.core.text import html_text
from dashboard.services.access import links

app = typer.Typer()

ASK_S: Final = 2
LONGEST_H: Final = 168
LOCK_S: Final = 30
LEFT: Final = re.compile(
    r"(?P<part>\.)?(?:serve|link|open)-(?P<port>0|[1-9]\d{0,4})\.(?:json|new|txt|html)(?(part)\.\d+)"
)
"""File names of a dashboard; those with a leading dot are files that ``private.write`` did not finish."""
TOKEN: Final = re.compile(r"token=([\w-]+)")


def link_file(home: Path, port: int) -> Path:
    """Return the path of the file with the link made by ``serve``."""
    return home / f"link-{port}.txt"


def page_file(home: Path, port: int) -> Path:
    """Return the path of the HTML page that redirects a browser to the link."""
    return home / f"open-{port}.html"


def note(home: Path, port: int) -> Path:
    """Return the path of the note of a dashboard on a port; the dashboard locks it while it runs."""
    return home / f"serve-{port}.json"


@contextmanager
def announced(home: Path, port: int, *, browser: bool) -> Iterator[None]:
    """
    Make the first link of a dashboard that has just started, and show it to the operator; revoke it at the end.

    Args:
        home: Home of the dashboard.
        port: Port of the dashboard.
        browser: Open the link in a browser, if standard output is a terminal and there is a desktop.
    """
    new = note(home, port).with_suffix(".new")
    with ExitStack() as stack:
        with _exclusive(home):
            _remove_stale(home)
            private.write(new, json.dumps({"pid": os.getpid(), "port": port}))
            note_file = stack.enter_context(
                new.open("r+b")
            )  # NFS grants an exclusive lock only on a file open for writing
            lock_open_file(note_file)
            new.replace(note(home, port))
            stack.callback(_withdraw, home, port)
            url, number = _new(home, port)
            private.write(link_file(home, port), f"{url}\n")
        _announce_link(home, port, url, number, browser=browser)
        yield


def clear(home: Path) -> None:
    """
    Remove the files of killed dashboards; files of a running or starting dashboard are kept.

    Raises:
        BusyError: Another process holds ``entry.lock`` for more than ``LOCK_S`` seconds.
    """
    with suppress(OSError, LockError), _exclusive(home):  # in a home that cannot be written they remain
        _remove_stale(home)


@contextmanager
def _exclusive(home: Path) -> Iterator[None]:
    """Prevent other processes from writing or removing the files of a dashboard during the block."""
    busy = f"Another trunkgate starts on {home} and does not go on. End it, then try again."
    with exclusive(home / "entry.lock", timeout_s=LOCK_S, busy=busy):
        yield


def _remove_stale(home: Path) -> None:
    for port in sorted({port for _, port in _files(home)}):
        if not _is_held(note(home, port)):
            _withdraw(home, port)


def _files(home: Path) -> list[tuple[Path, int]]:
    """Return the files of all dashboards with their ports, the notes last."""
    files = [(path, int(match["port"])) for path in home.iterdir() if (match := LEFT.fullmatch(path.name))]
    return sorted(files, key=lambda entry: entry[0].suffix == ".json")


def _announce_link(home: Path, port: int, url: str, number: str, *, browser: bool) -> None:
    is_terminal = sys.stdout.isatty()  # rich would also take a log for a terminal if a variable forces colors
    if is_terminal:
        echo(f"Open it once with this link: {url}")
    else:
        echo(f"The link that opens it is in {link_file(home, port)}.")
    echo(f"The journal records what is changed through it as link {number}.")
    echo("For another browser or a colleague run: trunkgate link")
    if browser and is_terminal and _has_desktop():
        page = page_file(home, port)
        private.write(page, _redirect(url))
        webbrowser.open(page.resolve().as_uri())


def _withdraw(home: Path, port: int) -> None:
    """Remove the files of a dashboard, and revoke the links in them that were not used."""
    with suppress(OSError):  # in a home that cannot be written they remain
        for path in [path for path, of in _files(home) if of == port]:
            for token in TOKEN.findall(read_bytes(path).decode(errors="replace")):
                links.revoke(home, token)
            path.unlink(missing_ok=True)


def _is_held(file: Path) -> bool:
    """Return whether the dashboard that wrote a note still runs."""
    try:
        with open(file, "rb", opener=unblocked) as note_file:
            lock_open_file(note_file, shared=True, wait=False)
    except FileNotFoundError:
        return False
    except OSError:  # locked, or undetermined: in both cases its files are kept
        return True
    return False


@app.command()
def link(
    *,
    name: Annotated[str, typer.Option(help="Whom the link is for; that browser is not asked for a name.")] = "",
    hours: Annotated[
        float, typer.Option(help="How long it can be opened.", min=0.01, max=LONGEST_H, callback=finite)
    ] = 1.0,
    port: Annotated[int, typer.Option(help="Port of the dashboard; 0 finds the one that runs.", min=0, max=65535)] = 0,
) -> None:
    """
    Make a one-time link into the running dashboard, for another browser or a colleague.

    A link opens one browser. Standard output has the link alone, standard error its number. Ends with 0 when
    the link was printed, 2 where no dashboard runs.
    """
    from dashboard.core.settings import Settings  # noqa: PLC0415 - loads pydantic

    settings = Settings.read()
    home = settings.home
    if home.is_dir():
        usable(home, accept_open=settings.accept_open_home)
        clear(home)
    url, number = _new(home, _running(home, port), name=name, hours=hours)
    echo(url)
    remark(f"The journal records what is changed through it as link {number}.")


def _new(home: Path, port: int, *, name: str = "", hours: float = links.VALID_S / 3600) -> tuple[str, str]:
    """Make a link, and return its URL and its number."""
    token = links.make(home, name=name, valid_s=hours * 3600)
    return links.address(f"http://127.0.0.1:{port}", token), links.number_of(token)


def _running(home: Path, port: int) -> int:
    """Return the port of the running dashboard of a home; ``port`` selects one, 0 finds the only one."""
    ports = [running_port for running_port in map(_port_of, sorted(home.glob("serve-*.json"))) if running_port]
    if port in ports:
        return port
    if port or not ports:
        port_text = f" on port {port}" if port else ""
        raise SettingsError(f"No dashboard of {home} is running{port_text}. Start one with: trunkgate serve")
    if len(ports) > 1:
        raise InputError(f"Several dashboards are running. Choose one with --port: {', '.join(map(str, ports))}.")
    return ports[0]


def _port_of(file: Path) -> int:
    """Return the port in a note if its dashboard runs and answers; otherwise 0."""
    from dashboard.core.http import loopback  # noqa: PLC0415 - loads requests, which takes a tenth of a second

    try:
        port = int(read_json(file)["port"])
        if _is_held(file) and loopback.get(f"http://127.0.0.1:{port}/healthz", timeout_s=ASK_S).ok:
            return port
    except (OSError, ValueError, TypeError, KeyError, OverflowError):
        return 0
    return 0


def _has_desktop() -> bool:
    """Return whether a graphical browser can be opened in this session."""
    if "SSH_CONNECTION" in os.environ:
        return False
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _redirect(url: str) -> str:
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
        f'<meta http-equiv="refresh" content="0;url={html_text(url)}"><title>trunkgate</title></html>\n'
    )
