"""The emulator process: one per home, found by the home, ended with its parent, with a private key."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from dashboard.core.errors import BusyError, SettingsError
from dashboard.core.stories import STORIES
from dashboard.emulator.database import Database
from dashboard.emulator.lifecycle import process, serving
from dashboard.emulator.lifecycle.process import Running
from tests.emulator.conftest import new_interpreters
from tests.proxies import closed_proxy
from tests.texts import golden_pattern
from tests.waiting import SLOW_S, WAIT_S, until

KEYS = {"access_key": "0123abcd", "secret_key": "a-secret-that-nobody-sees"}
PARENT = """
import sys, time
from pathlib import Path
from dashboard.emulator.lifecycle import process
print(process.start(Path(sys.argv[1]), calls=20).pid, flush=True)
time.sleep(600)
"""


def start(home: Path, **options: Any) -> Running:
    """Start an emulator with few calls."""
    return process.start(home, **({"calls": 20} | KEYS | options))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Running]]:
    """Start one emulator for tests that only read from it."""
    folder = tmp_path_factory.mktemp("shared")
    with new_interpreters():
        running = start(folder)
    yield folder, running
    process.stop(folder)


def note(home: Path) -> Path:
    """Return the file with the emulator's address."""
    return home / "emulator.json"


def alive(pid: int) -> bool:
    """Return whether a process runs; a zombie does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_one_home_has_one_emulator(home: Path) -> None:
    """A home has at most one emulator: missing, started, found, reused by the next start, missing after stop."""
    assert process.running(home) is None
    first = start(home)

    assert first == process.running(home) == start(home, access_key="other", port=0)
    assert KEYS == {name: getattr(first, name) for name in KEYS}
    assert 200 == requests.get(f"{first.url}/v2/numbers", auth=tuple(KEYS.values()), timeout=WAIT_S).status_code
    process.stop(home)
    assert process.running(home) is None
    assert (False, False) == (alive(first.pid), note(home).exists())
    process.stop(home)


def test_a_proxy_of_the_environment_is_not_asked(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An emulator is found although ``HTTP_PROXY`` names a proxy, and nothing exempts loopback from it."""
    for name, value in closed_proxy().items():
        monkeypatch.setenv(name, value)

    assert start(home, timeout_s=SLOW_S) == process.running(home)


def test_starters_share_one(home: Path) -> None:
    """Two concurrent starts share one process."""
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: start(home), range(2))

    assert first == second


def test_busy_emulator_counts_as_running(home: Path) -> None:
    """An emulator that is too busy to answer is not treated as dead and started again."""
    found = start(home)
    os.kill(found.pid, signal.SIGSTOP)
    try:
        assert found == process.running(home) == start(home)
    finally:
        os.kill(found.pid, signal.SIGCONT)


def test_a_second_server_of_a_home_is_refused(shared: tuple[Path, Running]) -> None:
    """The database has one writer: serving the same folder manually is refused as busy."""
    before = signal.getsignal(signal.SIGTERM)

    with pytest.raises(BusyError, match=r"runs on .* already"):
        serving.serve(shared[0])
    assert before == signal.getsignal(signal.SIGTERM)


def test_the_key_is_for_the_owner_only(shared: tuple[Path, Running]) -> None:
    """Files with the key have mode 0600; process list, log and repr do not contain it."""
    home, running = shared

    for name in ("emulator.json", "emulator.key"):
        assert 0o600 == stat.S_IMODE((home / name).stat().st_mode)
    command = psutil.Process(running.pid).cmdline()
    assert any("dashboard.emulator" in part for part in command)
    shown = " ".join((*command, repr(running), str(running), (home / "emulator.log").read_text()))
    assert [] == [key for key in KEYS.values() if key in shown]


def test_it_listens_on_loopback_only(shared: tuple[Path, Running]) -> None:
    """Other hosts on the network cannot reach the emulator."""
    _, running = shared
    listening = [c.laddr for c in psutil.Process(running.pid).net_connections() if c.status == psutil.CONN_LISTEN]

    assert [("127.0.0.1", int(running.url.rpartition(":")[2]))] == [(at.ip, at.port) for at in listening]


def test_the_key_and_the_account_survive_a_restart(home: Path) -> None:
    """A generated key is stored with the data; the chosen port can be used again at once."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
    first = process.start(home, calls=20, port=port)
    key = first.access_key, first.secret_key
    made = requests.post(
        f"{first.url}/portal/allowed-ips", auth=key, json={"network": "198.51.100.99"}, timeout=WAIT_S
    ).json()
    before = requests.get(f"{first.url}/portal/account", auth=key, timeout=WAIT_S).json()
    process.stop(home)
    second = process.start(home, calls=20, port=port)
    after = requests.get(f"{second.url}/portal/allowed-ips", auth=key, timeout=WAIT_S).json()

    assert key == (second.access_key, second.secret_key)
    assert first.url == second.url == f"http://127.0.0.1:{port}"
    assert first.pid != second.pid
    assert made in after["entries"]
    assert before == requests.get(f"{second.url}/portal/account", auth=key, timeout=WAIT_S).json()


def test_an_account_whose_making_was_cut_short_is_made_anew(home: Path) -> None:
    """A database without the complete sample is never served."""
    home.mkdir()
    Database(home / "emulator.db").close()
    running = start(home)

    found = requests.get(f"{running.url}/portal/allowed-ips", auth=tuple(KEYS.values()), timeout=WAIT_S)
    assert (200, True) == (found.status_code, len(found.json()["entries"]) > 5)
    database = Database(home / "emulator.db")
    assert not database.fresh
    database.close()


@pytest.mark.usefixtures("spawned")
@pytest.mark.parametrize("stop_signal", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_the_emulator_cleanly(home: Path, stop_signal: signal.Signals) -> None:
    """After either signal the note is removed and the log has no complaint."""
    running = start(home, traffic=50.0)
    os.kill(running.pid, stop_signal)

    until(lambda: not alive(running.pid))
    assert (False, "") == (note(home).exists(), (home / "emulator.log").read_text())


def test_it_ends_with_its_parent(home: Path) -> None:
    """If the parent is killed without cleanup, and not waited for, the emulator ends."""
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(home)], stdout=subprocess.PIPE, text=True)
    try:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert alive(pid)
    finally:
        parent.kill()
    until(lambda: not alive(pid))
    parent.communicate()

    until(lambda: not note(home).exists())


def test_stale_note_is_ignored(shared: tuple[Path, Running]) -> None:
    """A note of a dead process, of a reused process id, or with unreadable content is ignored."""
    home, running = shared
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    for wrong in (
        json.dumps(asdict(replace(running, pid=ended.pid))),
        json.dumps(asdict(replace(running, pid=os.getpid()))),
        json.dumps({"url": running.url}),
        "[]",
        "",
    ):
        note(home).write_text(wrong)
        assert process.running(home) is None
        process.stop(home)
        assert alive(running.pid)
    note(home).write_text(json.dumps(asdict(running)))


def test_a_port_that_is_taken_is_named(home: Path) -> None:
    """The message has the port and the remedy, and no process remains."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(
            SettingsError, match=golden_pattern("emulator.port_cannot_be_used", port=port) + ": .*in use.* Choose"
        ):
            start(home, port=port)
    with pytest.raises(SettingsError, match=golden_pattern("emulator.port_cannot_be_used", port="70000")):
        serving.serve(home, port=70_000)

    assert (None, False) == (process.running(home), note(home).exists())


def test_a_story_that_is_not_known_is_an_error(home: Path) -> None:
    """The message names the unknown story and lists the valid ones."""
    with pytest.raises(SettingsError, match="no story sabotage") as caught:
        start(home, without=("sabotage",))

    assert [] == [story for story in STORIES if story not in str(caught.value)]
    assert process.running(home) is None


@pytest.mark.usefixtures("spawned")
def test_start_that_times_out_leaves_no_process(home: Path) -> None:
    """A start that times out leaves no process and no note."""
    with pytest.raises(SettingsError, match="did not start"):
        start(home, timeout_s=0.2)

    left = [child.pid for child in psutil.Process().children() if alive(child.pid)]
    assert [] == [pid for pid in left if str(home) in " ".join(psutil.Process(pid).cmdline())]
    assert process.running(home) is None
