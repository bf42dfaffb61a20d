"""
Server of an emulator, until a signal or the end of its parent process.

``process.start`` runs it in a separate process, ``trunkgate emulator`` in its own.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import threading
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import uvicorn

from dashboard.core import private
from dashboard.core.disk_faults import cure
from dashboard.core.errors import LockError, SettingsError
from dashboard.core.locks import exclusive, nobody_shares
from dashboard.core.sqlite_faults import explain
from dashboard.domain.admission import DEFAULT_NO_PATH_STATUS, Observations
from dashboard.emulator.api.application import create_app
from dashboard.emulator.database import Database
from dashboard.emulator.lifecycle.home import keep_key, note, users_lock, write_private
from dashboard.emulator.lifecycle.process import Running, answers
from dashboard.emulator.traffic import sample as sample_account
from dashboard.emulator.traffic.traffic import LiveTraffic, history

HOST = "127.0.0.1"
SEED = 20_261_123
PARENT_EVERY_S = 0.5
ENDING_S = 5
"""Maximum time in seconds that new users wait for an ending emulator."""


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
    Run an emulator until a signal or the end of process ``parent``; other arguments as for ``process.start``.

    Raises:
        BusyError: An emulator already runs on this home.
        SettingsError: The port is in use, or the home cannot be used, such as on a full disk.
    """
    private.restrict()
    with _translate_errors(home):
        _serve(
            home,
            port=port,
            access_key=access_key,
            secret_key=secret_key,
            calls=calls,
            days=days,
            traffic=traffic,
            without=without,
            refusals_in_cdrs=refusals_in_cdrs,
            parent=parent,
        )


@contextmanager
def _translate_errors(home: Path) -> Iterator[None]:
    """Translate disk and database errors into ``SettingsError`` with a remedy."""
    try:
        yield
    except sqlite3.Error as exc:
        raise SettingsError(explain("The account's database", home / "emulator.db", exc)) from exc
    except LockError as exc:
        raise SettingsError(f"The embedded account does not start. {exc}") from exc
    except OSError as exc:
        location = exc.filename or home
        raise SettingsError(f"The embedded account cannot use {location}: {exc.strerror or exc}. {cure(exc)}") from exc


def _serve(
    home: Path,
    *,
    port: int,
    access_key: str,
    secret_key: str,
    calls: int,
    days: int,
    traffic: float,
    without: Collection[str],
    refusals_in_cdrs: bool,
    parent: int,
) -> None:
    home.mkdir(parents=True, exist_ok=True, mode=private.FOLDER)
    busy = f"An emulator runs on {home} already. Stop it, or choose another folder."
    with (
        _interruptible(),
        exclusive(home / "emulator.lock", timeout_s=0, busy=busy),
        closing(_socket(port)) as listening,
        closing(Database(home / "emulator.db")) as database,
    ):
        sample = sample_account.load(datetime.now(UTC), without)
        if database.fresh:
            _fill(database, sample, calls=calls, days=days, refusals_in_cdrs=refusals_in_cdrs)
        access_key, secret_key = keep_key(home, access_key, secret_key)
        app = create_app(database, home / "emulator-exports", access_key=access_key, secret_key=secret_key)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", timeout_graceful_shutdown=2))
        url = f"http://{HOST}:{listening.getsockname()[1]}"
        ended = threading.Event()
        emulator = Running(url, access_key, secret_key, os.getpid(), lasting=not parent)
        failed: list[OSError] = []
        helpers = [threading.Thread(target=_announce, args=(home, emulator, ended, server, failed))]
        if traffic > 0:
            live = LiveTraffic(database, sample, traffic, SEED)
            helpers.append(threading.Thread(target=live.run, args=(ended,)))
        if parent:
            helpers.append(threading.Thread(target=_follow, args=(parent, home, server, ended)))
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
        if failed:
            raise failed[0]


@contextmanager
def _interruptible() -> Iterator[None]:
    """Make SIGINT and SIGTERM end the ``with`` block instead of the program."""
    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, signal.default_int_handler) if main else None
    try:
        with suppress(KeyboardInterrupt):
            yield
    finally:
        if main:
            signal.signal(signal.SIGTERM, before)


def _fill(database: Database, sample: sample_account.Sample, *, calls: int, days: int, refusals_in_cdrs: bool) -> None:
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
    # asyncio sets TCP_NODELAY only on a socket with an explicit protocol; without it each response waits 40 ms.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
    except (OSError, OverflowError) as exc:
        listening.close()
        raise SettingsError(f"Port {port} on {HOST} cannot be used: {exc}. Choose another.") from exc
    return listening


def _announce(
    home: Path, emulator: Running, ended: threading.Event, server: uvicorn.Server, failed: list[OSError]
) -> None:
    """Write ``emulator.json`` once the emulator responds; if that fails, stop it, because no process could find it."""
    while not ended.wait(0.02):
        if answers(emulator):
            try:
                write_private(note(home), json.dumps(asdict(emulator)))
            except OSError as exc:
                failed.append(exc)
                server.should_exit = True
            return


def _follow(parent: int, home: Path, server: uvicorn.Server, ended: threading.Event) -> None:
    """
    Stop the server when the process that started it is gone and no other process uses it.

    The process that started it need not be the parent: a forked emulator has another one.
    """
    followed = None
    with suppress(psutil.NoSuchProcess):
        followed = psutil.Process(parent)
    while not ended.wait(PARENT_EVERY_S):
        if os.getppid() != parent and not (followed and _runs(followed)):
            with nobody_shares(users_lock(home)) as free:
                if free:
                    server.should_exit = True
                    ended.wait(ENDING_S)
                    return


def _runs(process: psutil.Process) -> bool:
    """Return whether a process runs; one that has ended keeps its id until its parent waits for it."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
