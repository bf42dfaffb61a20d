"""
The emulator as a process of its own: started, found and stopped by its home.

A running emulator writes ``emulator.json`` (mode 0600: it holds the key) into its home once it answers and
removes it when it ends. One that was started by another process ends with that process.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import requests
import uvicorn

from dashboard.emulator import sample as samples
from dashboard.emulator.database import Database
from dashboard.emulator.folder import held, keep_key, last_words, log_file, note, write_private
from dashboard.emulator.server import create_app
from dashboard.emulator.traffic import LiveTraffic, history
from dashboard.errors import SettingsError
from dashboard.policy import DEFAULT_NO_PATH_STATUS, Observations

HOST = "127.0.0.1"
SEED = 20_261_123
PARENT_EVERY_S = 0.5
STOP_S = 10
HEALTH_S = 2


@dataclass(frozen=True)
class Running:
    """An emulator that answers."""

    url: str
    access_key: str
    secret_key: str
    pid: int

    def __repr__(self) -> str:
        return f"Running(url={self.url!r}, pid={self.pid})"


def running(home: Path) -> Running | None:
    """Return the emulator of a home; ``None`` where none answers."""
    try:
        found = Running(**json.loads(note(home).read_text()))
    except (OSError, ValueError, TypeError):
        return None
    if not psutil.pid_exists(found.pid):
        return None
    return found if _answers(found) else None


def start(
    home: Path,
    *,
    port: int = 0,
    access_key: str = "",
    secret_key: str = "",
    calls: int = 50_000,
    days: int = 30,
    traffic: float = 0.0,
    without: Collection[str] = (),
    refusals_in_cdrs: bool = True,
    timeout_s: float = 60.0,
) -> Running:
    """
    Start the emulator of a home, or return the one that runs; it ends when this process does.

    Args:
        home: Folder of its database.
        port: On loopback; 0 picks a free one.
        access_key: Made up and kept when empty.
        secret_key: As ``access_key``.
        calls: In the history of a new account.
        days: Of that history.
        traffic: Live calls per second.
        without: Stories to leave out of a new account.
        refusals_in_cdrs: Whether a new account's refused calls leave a CDR.
        timeout_s: How long to wait until it answers.

    Raises:
        BusyError: Another process has been starting it for all that time.
        SettingsError: It did not start; its last words are in the message.
    """
    home.mkdir(parents=True, exist_ok=True)
    busy = f"Another process is still starting the embedded account of {home}. Try again."
    with held(home / "emulator.start.lock", timeout_s, busy):
        if found := running(home):
            return found
        options = {"home": home, "port": port, "calls": calls, "days": days, "traffic": traffic, "parent": os.getpid()}
        keys = {"TRUNKGATE_EMULATOR_ACCESS_KEY": access_key, "TRUNKGATE_EMULATOR_SECRET_KEY": secret_key}
        with log_file(home).open("wb") as output:
            child = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "dashboard.emulator",
                    *(f"--{name}={value}" for name, value in options.items()),
                    *(f"--without={story}" for story in without),
                    *([] if refusals_in_cdrs else ["--no-refusals-in-cdrs"]),
                ],
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **keys},
                start_new_session=True,
            )
        until = time.monotonic() + timeout_s
        while time.monotonic() < until and child.poll() is None:
            if found := running(home):
                _children[child.pid] = child
                return found
            time.sleep(0.05)
        with suppress(ProcessLookupError):
            child.kill()
        child.wait()
        raise SettingsError(f"The embedded account did not start. {last_words(home)}")


def stop(home: Path) -> None:
    """End the emulator of a home, and wait until it has ended."""
    for pid in [pid for pid, child in _children.items() if child.poll() is not None]:
        del _children[pid]
    found = running(home)
    if found is None:
        return
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(found.pid)
        process.send_signal(signal.SIGTERM)
        child = _children.pop(found.pid, None)
        try:
            if child is not None:
                child.wait(STOP_S)
            else:
                process.wait(STOP_S)
        except (psutil.TimeoutExpired, subprocess.TimeoutExpired):
            process.kill()
    note(home).unlink(missing_ok=True)


_children: dict[int, subprocess.Popen[bytes]] = {}
"""Processes that ``start`` began and that have to be waited for."""


def serve(
    home: Path,
    *,
    port: int = 0,
    access_key: str = "",
    secret_key: str = "",
    calls: int = 50_000,
    days: int = 30,
    traffic: float = 0.0,
    without: Collection[str] = (),
    refusals_in_cdrs: bool = True,
    parent: int = 0,
) -> None:
    """
    Run an emulator until a signal, or its parent's end; arguments as ``start`` has them.

    Raises:
        BusyError: One runs on this home already.
        SettingsError: The port is taken.
    """
    home.mkdir(parents=True, exist_ok=True)
    busy = f"An emulator runs on {home} already. Stop it, or choose another folder."
    with (
        _interruptible(),
        held(home / "emulator.lock", 0, busy),
        closing(_socket(port)) as listening,
        closing(Database(home / "emulator.db")) as database,
    ):
        sample = samples.load(datetime.now(UTC), without)
        if database.fresh:
            _fill(database, sample, calls=calls, days=days, refusals_in_cdrs=refusals_in_cdrs)
        access_key, secret_key = keep_key(home, access_key, secret_key)
        app = create_app(database, home / "emulator-exports", access_key=access_key, secret_key=secret_key)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", timeout_graceful_shutdown=2))
        url = f"http://{HOST}:{listening.getsockname()[1]}"
        ended = threading.Event()
        found = Running(url, access_key, secret_key, os.getpid())
        helpers = [threading.Thread(target=_announce, args=(home, found, ended))]
        if traffic > 0:
            live = LiveTraffic(database, sample, traffic, SEED)
            helpers.append(threading.Thread(target=live.run, args=(ended,)))
        if parent:
            helpers.append(threading.Thread(target=_follow, args=(parent, server, ended)))
        for helper in helpers:
            helper.start()
        try:
            server.run(sockets=[listening])
        finally:
            ended.set()
            for helper in helpers:
                helper.join()
            note(home).unlink(missing_ok=True)
            app.state.exports.close()


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let both signals that end a program end what is inside, and nothing more."""
    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, signal.default_int_handler) if main else None
    try:
        with suppress(KeyboardInterrupt):
            yield
    finally:
        if main:
            signal.signal(signal.SIGTERM, before)


def _fill(database: Database, sample: samples.Sample, *, calls: int, days: int, refusals_in_cdrs: bool) -> None:
    now = datetime.now(UTC)
    past = history(
        sample,
        start=now - timedelta(days=days),
        end=now,
        calls=calls,
        seed=SEED,
        observations=Observations(digest_rescues_prefix=True, no_path_status=DEFAULT_NO_PATH_STATUS),
        refusals_in_cdrs=refusals_in_cdrs,
    )
    database.put(refusals_in_cdrs=refusals_in_cdrs)
    database.seed(sample, now=now, history=past)


def _socket(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
    except (OSError, OverflowError) as exc:
        listening.close()
        raise SettingsError(f"Port {port} on {HOST} cannot be used: {exc}. Choose another.") from exc
    return listening


def _answers(found: Running) -> bool:
    """Say whether that very process answers there, and not another one on its port."""
    try:
        answer = requests.get(f"{found.url}/health", timeout=HEALTH_S)
        return bool(answer.ok and answer.json()["pid"] == found.pid)
    except (requests.RequestException, KeyError, TypeError):
        return False


def _announce(home: Path, found: Running, ended: threading.Event) -> None:
    """Write down where the emulator is, once it answers."""
    while not ended.wait(0.02):
        if _answers(found):
            write_private(note(home), json.dumps(asdict(found)))
            return


def _follow(parent: int, server: uvicorn.Server, ended: threading.Event) -> None:
    """End the server when the process that started it is gone; one that nobody waited for keeps its pid."""
    while not ended.wait(PARENT_EVERY_S):
        if os.getppid() != parent or not psutil.pid_exists(parent):
            server.should_exit = True
            return
