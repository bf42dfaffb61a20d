"""``serve``, ``emulator`` and ``sync``: run the dashboard or the emulator, and keep a home up to date."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from dashboard.cli import link
from dashboard.cli.lazy import open_home, read_settings, usable
from dashboard.cli.number_types import finite
from dashboard.cli.output import describe_file_only, echo, echo_error, progress
from dashboard.core.errors import SettingsError
from dashboard.core.text import counted

app = typer.Typer()

HEALTHY_S = 600
"""Seconds that the pages may take to start: minutes on a busy machine. If they end instead, that is noticed at once."""
HEALTHY_EVERY_S = 0.2
STOP_S = 10
LOOK_EVERY_S = 0.5
"""Maximum delay in seconds of a signal that was delivered to another thread."""
NOTHING_TO_FETCH = (
    "There is nothing to fetch: this home is of mode files. Import call record files with `trunkgate calls import "
    "FILE`, and paste the list with `trunkgate account paste FILE`. To fetch with an API key, set it and "
    "TRUNKGATE_ACCOUNT=flowroute."
)


@app.command()
def serve(
    port: Annotated[int, typer.Option(help="Port of the dashboard on 127.0.0.1.", min=1, max=65535)] = 8501,
    *,
    browser: Annotated[bool, typer.Option(help="Open the link in this desktop's browser.")] = True,
) -> None:
    """
    Run the dashboard, its syncing and, without a key, the embedded account.

    A one-time link opens it. The link is written to a file in the home, printed where standard output is a terminal,
    and opened where there is a desktop; `trunkgate link` makes another.

    Ends with 0 when stopped by Ctrl-C or a termination signal, 2 on an error of its own.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        _serve(port, browser=browser)
    except KeyboardInterrupt:
        echo("Stopping.")


def _serve(port: int, *, browser: bool) -> None:
    """
    Run the dashboard until it is interrupted.

    Raises:
        KeyboardInterrupt: It was stopped before the pages were started.
        SettingsError: It cannot start, or ended by itself.
    """
    from dashboard.core.settings import Mode  # noqa: PLC0415 - loads pydantic
    from dashboard.services import SyncLoop, SyncOwner  # noqa: PLC0415 - loads pandas, for seconds

    _require_free_port(port)
    with open_home(live=True) as home, ExitStack() as ending:
        settings = home.settings
        owner = SyncOwner(settings.home, port=port)
        owner.acquire()
        loop = SyncLoop(home, owner)
        loop.start()
        ending.callback(loop.stop)
        page = _start_pages(port, settings.home)
        ending.callback(_end, page)
        try:
            _wait_until_healthy(page, port)
            account = {Mode.EMBEDDED: "the embedded sample account", Mode.FILES: "imported files"}.get(
                settings.mode, settings.base_url
            )
            echo(f"trunkgate is at http://127.0.0.1:{port} on {account}. Stop it with Ctrl-C.")
            with link.announced(settings.home, port, browser=browser):
                if other_owner := owner.other():
                    echo(
                        f"This home is synced by {other_owner}. This server shows it, and takes over when that "
                        "one ends."
                    )
                code = _wait_for_end(page)
            raise SettingsError(f"The dashboard ended by itself with status {code}. Its last lines above say why.")
        except KeyboardInterrupt:
            echo("Stopping.")


@app.command()
def emulator(
    *,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 picks a free one.", min=0, max=65535)] = 0,
    home: Annotated[Path | None, typer.Option(help="Folder of its database; TRUNKGATE_HOME when not given.")] = None,
    access_key: Annotated[str, typer.Option(help="API access key; made up when not given.")] = "",
    secret_key_file: Annotated[
        str, typer.Option(help="File with the API secret key, or - for standard input; made up when not given.")
    ] = "",
    secret_key: Annotated[str, typer.Option(hidden=True)] = "",
    calls: Annotated[int, typer.Option(help="Calls in its history when it is new.", min=0)] = 50_000,
    days: Annotated[int, typer.Option(help="Days of history when it is new.", min=1, max=92)] = 30,
    traffic: Annotated[float, typer.Option(help="Live calls per second.", min=0, callback=finite)] = 0.0,
    refusals_in_cdrs: Annotated[bool, typer.Option(help="Whether a new account's refused calls leave a CDR.")] = True,
    without: Annotated[list[str] | None, typer.Option(help="Story to leave out of a new account; repeatable.")] = None,
) -> None:
    """
    Run an emulated Flowroute account until stopped.

    The secret key can also be given as TRUNKGATE_EMULATOR_SECRET_KEY.

    Ends with 0 when stopped, 2 on an error of its own.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    with suppress(KeyboardInterrupt):
        from dashboard.core.settings import Settings  # noqa: PLC0415 - loads pydantic
        from dashboard.emulator.lifecycle import serving  # noqa: PLC0415 - loads the web server, for seconds

        secret = _secret_key(secret_key, secret_key_file)
        folder = usable(home, accept_open=Settings.read().accept_open_home) if home else read_settings().home
        serving.serve(
            folder,
            port=port,
            access_key=access_key,
            secret_key=secret,
            calls=calls,
            days=days,
            traffic=traffic,
            without=tuple(without or ()),
            refusals_in_cdrs=refusals_in_cdrs,
        )


@app.command()
def sync(
    *,
    quick: Annotated[bool, typer.Option("--quick", help="Fetch again only the last minutes of calls.")] = False,
    new_key: Annotated[bool, typer.Option("--new-key", help="The key of the same account was renewed.")] = False,
) -> None:
    """
    Read the account and fetch its calls; in mode `files` there is nothing to fetch.

    Ends with 0 when everything was read or nothing is to be fetched, 1 when rows of an export were put aside, imported
    calls are not in the carrier's export or stored calls of a day cannot be read, 2 on an error of its own.
    """
    with open_home(new_key=new_key) as home, progress() as on_progress:
        report = home.sync(quick=quick, progress=on_progress)
        file_only = describe_file_only(home.store.file_only()) if report.file_only else ""
    if home.settings.files:
        echo(NOTHING_TO_FETCH)
        return
    changed = (
        f"Changed: {', '.join(report.changed)}."
        if report.changed
        else "Nothing that was read of the account has changed."
    )
    echo(f"Fetched {counted(report.calls, 'call')} up to {report.until:%Y-%m-%d %H:%M:%S} UTC. {changed}")
    if report.rejected:
        rejected_text = "1 row was" if report.rejected == 1 else f"{report.rejected:,} rows were"
        echo_error(f"{rejected_text} put aside; `trunkgate export` writes what was put aside to rejected_rows.csv.")
    if file_only:
        echo_error(f"{file_only} They are kept and count in no total. To remove them: trunkgate calls drop-imported")
    for sentence in report.unreadable:
        echo_error(f"Sums of one day could not be renewed with the account's numbers. {sentence}")
    if report.rejected or file_only or report.unreadable:
        raise typer.Exit(1)


def _secret_key(argument: str, file: str) -> str:
    """Return the emulator's secret key from a file, standard input or the environment; empty if there is none."""
    from dashboard.core.settings import EMULATOR_SECRET_KEY  # noqa: PLC0415 - loads pydantic

    if argument:
        raise SettingsError(
            "A key on the command line is visible to every user of this machine. Put it into a file and name that "
            f"with --secret-key-file, or set {EMULATOR_SECRET_KEY}. Choose another key: this one has been shown."
        )
    if not file:
        return os.environ.pop(EMULATOR_SECRET_KEY, "")
    try:
        text = sys.stdin.readline() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "it is not text"
        raise SettingsError(f"The secret key cannot be read from {file}: {reason}.") from exc
    if not text.strip():
        raise SettingsError(f"There is no secret key in {'standard input' if file == '-' else file}.")
    return text.strip()


def _require_free_port(port: int) -> None:
    """Raise ``SettingsError`` if the port cannot be used, before anything is started."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as exc:
            raise SettingsError(
                f"Port {port} on 127.0.0.1 cannot be used: {exc.strerror}. Choose another with --port."
            ) from exc


def _start_pages(port: int, home: Path) -> subprocess.Popen[bytes]:
    from dashboard.core.settings import SYNCED_BY  # noqa: PLC0415 - loads pydantic

    follow = [sys.executable, "-P", "-m", "dashboard.cli.follow", str(os.getpid())]
    return subprocess.Popen(
        [*follow, "dashboard.web.server", "--port", str(port)],
        cwd=Path(__file__).resolve().parent.parent,  # no file of the user's working directory is read
        env={**os.environ, "TRUNKGATE_HOME": str(home.resolve()), SYNCED_BY: "serve"},
        start_new_session=True,
    )


def _wait_until_healthy(page: subprocess.Popen[bytes], port: int) -> None:
    import requests  # noqa: PLC0415 - takes a tenth of a second to load

    from dashboard.core.http import loopback  # noqa: PLC0415 - as above

    until = time.monotonic() + HEALTHY_S
    while time.monotonic() < until:
        if page.poll() is not None:
            raise SettingsError(
                f"The dashboard did not start on port {port} (status {page.returncode}). "
                "If the port is taken, choose another with --port."
            )
        with suppress(requests.RequestException):
            if loopback.get(f"http://127.0.0.1:{port}/healthz", timeout_s=1).ok:
                return
        time.sleep(HEALTHY_EVERY_S)
    raise SettingsError(f"The dashboard did not answer on port {port} within {HEALTHY_S} s.")


def _wait_for_end(page: subprocess.Popen[bytes]) -> int:
    """
    Wait for a process, and return its exit status.

    The system may deliver a signal to another thread of this process. Python runs the handler in this thread, as soon
    as it executes code again, so this thread never blocks on the process itself.
    """
    ended = threading.Thread(target=page.wait, daemon=True)
    ended.start()
    while ended.is_alive():
        ended.join(LOOK_EVERY_S)
    return page.wait()


def _end(page: subprocess.Popen[bytes]) -> None:
    if page.poll() is not None:
        return
    page.terminate()
    try:
        page.wait(STOP_S)
    except subprocess.TimeoutExpired:
        page.kill()
        page.wait()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
