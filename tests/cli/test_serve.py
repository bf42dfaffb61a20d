"""``trunkgate serve`` and ``emulator``: they stop every process that they start."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from dashboard.emulator.lifecycle import process
from dashboard.services.access import links
from tests.cli.conftest import PROGRAM
from tests.proxies import closed_proxy
from tests.texts import golden, golden_pattern
from tests.waiting import WAIT_S, until

pytestmark = pytest.mark.slow

VISIT = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
"""Headers of a browser in which a user navigates to a page."""
COLORS = {"FORCE_COLOR": "1", "TTY_COMPATIBLE": "1", "TTY_INTERACTIVE": "1", "CLICOLOR_FORCE": "1", "DISPLAY": ":0"}
"""Variables that force colors and terminal features without a terminal, and name a desktop."""
LIVE = {"TRUNKGATE_SAMPLE_CALLS": "300", "TRUNKGATE_LIVE_CALLS_PER_S": "5", "TRUNKGATE_EMBEDDED_SYNC_EVERY_S": "1"}


def free_port() -> int:
    """Return a free port."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """A started ``serve``."""

    def __init__(self, program: Any, log: Path, **environment: str) -> None:
        self.port = free_port()
        self.log = log
        self.child: subprocess.Popen[bytes] = program.start(
            "serve", "--port", self.port, log=log, **(LIVE | environment)
        )

    def wait_for(self, condition: Callable[[], Any]) -> None:
        """Wait until a condition is true; fail if the server ends before."""
        until(condition, going=lambda: self.child.poll() is None)

    def is_up(self) -> bool:
        """Return whether the server printed its URL, which it does once the pages answer."""
        return f"http://127.0.0.1:{self.port} " in self.log.read_text()

    def end(self) -> int:
        """Send SIGTERM, as a service manager does, and return the exit status."""
        self.child.send_signal(signal.SIGTERM)
        return self.child.wait(WAIT_S)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Yield a function that starts servers; those that a failed test leaves running are terminated."""
    servers: list[Server] = []

    def start(program: Any, **environment: str) -> Server:
        servers.append(Server(program, tmp_path / f"serve-{len(servers)}.log", **environment))
        return servers[-1]

    yield start
    for server in servers:
        if server.child.poll() is None:
            server.child.terminate()
            server.child.wait(WAIT_S)


def test_server_lifecycle_from_start_to_takeover(serve: Callable[..., Server], bare: Any) -> None:
    """
    Pages and account start, a second server attaches, a killed account is restarted, and the second takes over.

    The second server starts no account and does not sync; it names the process that does. When the account's process is
    killed, the first server starts it again at the same address and logs that. When the first ends, it leaves the
    account to the second, which syncs from then on and stops everything at its end.
    """
    first = serve(bare)
    first.wait_for(first.is_up)
    assert requests.get(f"http://127.0.0.1:{first.port}/healthz", timeout=WAIT_S).ok
    account = process.running(bare.home)
    assert account is not None

    second = serve(bare)
    second.wait_for(second.is_up)
    second.wait_for(lambda: golden("commands.serve.synced_by_process", pid=first.child.pid) in second.log.read_text())
    second.wait_for(lambda: golden("commands.serve.shows_it", port=first.port) in second.log.read_text())
    assert golden("commands.sync.synced_by") in second.log.read_text()
    assert golden("commands.sync.synced_by") not in first.log.read_text()
    assert process.running(bare.home) == account

    psutil.Process(account.pid).kill()
    first.wait_for(lambda: process.running(bare.home))
    again = process.running(bare.home)
    assert again is not None
    assert (again.url, again.access_key) == (account.url, account.access_key)
    assert again.pid != account.pid
    first.wait_for(lambda: golden("commands.serve.account_was_started_again") in first.log.read_text())

    family = psutil.Process(first.child.pid).children(recursive=True)
    assert len(family) >= 2
    assert first.end() == 0
    _, left = psutil.wait_procs([child for child in family if child.pid != again.pid], timeout=WAIT_S)
    assert left == []
    assert process.running(bare.home) == again

    second.wait_for(lambda: golden("commands.sync.this_one_syncs") in second.log.read_text())
    assert second.end() == 0
    _, left = psutil.wait_procs(family, timeout=WAIT_S)
    assert left == []
    assert process.running(bare.home) is None
    assert "Traceback" not in first.log.read_text() + second.log.read_text()


def test_a_proxy_of_the_environment_is_not_asked(serve: Callable[..., Server], bare: Any) -> None:
    """``serve`` starts and ``link`` finds it although ``HTTP_PROXY`` names a proxy, and nothing exempts loopback."""
    proxy = closed_proxy()
    server = serve(bare, **proxy)
    server.wait_for(lambda: "For another browser" in server.log.read_text())

    answer = bare("link", **proxy)

    assert (0, True) == (answer.status, answer.out.startswith(f"http://127.0.0.1:{server.port}/"))
    assert server.end() == 0


def test_signal_during_startup_ends_the_server(serve: Callable[..., Server], bare: Any) -> None:
    """Opening takes long while the sample account is made; the server ends with 0 as at any other time."""
    server = serve(bare, TRUNKGATE_SAMPLE_CALLS="200000")
    server.wait_for((bare.home / "emulator.start.lock").exists)

    assert server.end() == 0
    assert "Stopping." in server.log.read_text()
    assert not server.is_up()
    until(lambda: process.running(bare.home) is None)


def test_a_terminal_gets_the_link(bare: Any) -> None:
    """Where standard output is a terminal, the link itself is printed; it opens the dashboard."""
    ours, theirs = pty.openpty()
    command = [*PROGRAM, "serve", "--port", str(free_port()), "--no-browser"]
    shown = ""
    with subprocess.Popen(
        command, env=bare.environment(**LIVE), stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs
    ) as child:
        os.close(theirs)
        try:
            while not (found := re.search(golden_pattern("commands.serve.open_with_link") + r" (http\S+)\s", shown)):
                assert select.select([ours], [], [], WAIT_S)[0], shown
                shown = (shown + os.read(ours, 4096).decode()).replace("\r\n", "\n")
            assert requests.get(found[1], headers=VISIT, timeout=WAIT_S).status_code == 200
        finally:
            child.terminate()
            with suppress(OSError):  # the terminal of an ended process cannot be read
                while os.read(ours, 4096):
                    pass
            os.close(ours)

    assert child.returncode == 0


def test_a_taken_port_is_an_error_of_its_own(bare: Any) -> None:
    """A port in use is an error before anything is started: one sentence, status 2, no home."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        answer = bare("serve", "--port", taken.getsockname()[1])

    assert answer.status == 2
    assert golden("commands.serve.choose_another_port") in answer.sentence
    assert not bare.home.exists()


def test_emulator_command_serves_and_stops(bare: Any, tmp_path: Path) -> None:
    """``emulator`` answers on its port with the given key, rejects a second one, and exits with 0 after SIGTERM."""
    port = free_port()
    (tmp_path / "key").write_text("two\n")
    keys = ("--access-key", "one", "--secret-key-file", tmp_path / "key")
    child = bare.start("emulator", "--port", port, "--calls", 50, *keys, log=tmp_path / "emulator.log")
    until(lambda: process.running(bare.home), going=lambda: child.poll() is None)
    assert requests.get(f"http://127.0.0.1:{port}/v2/numbers", auth=("one", "two"), timeout=WAIT_S).ok

    second = bare("emulator", "--port", 0)
    child.send_signal(signal.SIGTERM)

    assert (second.status, "runs on" in second.sentence) == (2, True)
    assert child.wait(WAIT_S) == 0


def test_pages_do_not_outlive_a_server_that_is_killed(serve: Callable[..., Server], bare: Any) -> None:
    """
    Pages and account end with a killed server: otherwise no process would sync, and the port would stay in use.

    The next server removes the files of the killed one and revokes its unused link.
    """
    server = serve(bare)
    server.wait_for(lambda: "For another browser" in server.log.read_text())
    left = bare.home / f"link-{server.port}.txt"
    token = left.read_text().strip().partition("token=")[2]
    children = psutil.Process(server.child.pid).children(recursive=True)
    assert children

    server.child.kill()
    server.child.wait(WAIT_S)

    _gone, alive = psutil.wait_procs(children, timeout=WAIT_S)
    assert not alive
    assert process.running(bare.home) is None
    assert left.exists()

    again = serve(bare)
    again.wait_for(lambda: "For another browser" in again.log.read_text())
    assert not left.exists()
    assert not (bare.home / f"serve-{server.port}.json").exists()
    url = f"http://127.0.0.1:{again.port}/enter?token={token}"
    assert requests.get(url, headers=VISIT, timeout=WAIT_S).status_code == 410
    assert requests.get(bare("link").out.strip(), headers=VISIT, timeout=WAIT_S).status_code == 200
    assert again.end() == 0


def test_a_secret_key_on_the_command_line_is_refused(bare: Any, tmp_path: Path) -> None:
    """A key that every user of the machine could read is refused; the error names two other ways, and not the key."""
    shown = bare("emulator", "--secret-key", "sesame")
    missing = bare("emulator", "--secret-key-file", tmp_path / "none")
    empty = bare("emulator", "--secret-key-file", "-")

    assert (2, 2, 2) == (shown.status, missing.status, empty.status)
    assert "--secret-key-file" in shown.sentence
    assert "TRUNKGATE_EMULATOR_SECRET_KEY" in shown.sentence
    assert "sesame" not in shown.sentence
    assert "No such file" in missing.sentence
    assert golden("commands.serve.no_secret_key") in empty.sentence
    assert not bare.home.exists()


def test_the_link_of_a_server_is_in_a_private_file_and_nowhere_else(serve: Callable[..., Server], bare: Any) -> None:
    """
    The link is in a file of mode 0600, not in the log, even with colors forced, nor in an argument of its processes.

    While the server runs, ``trunkgate link`` makes another link for a named person; the files are removed at its end.
    """
    server = serve(bare, **COLORS)
    server.wait_for(lambda: golden("commands.serve.link_is_in") in server.log.read_text())
    file = bare.home / f"link-{server.port}.txt"
    link = file.read_text().strip()
    token = link.partition("token=")[2]
    family = psutil.Process(server.child.pid)
    arguments = [" ".join(each.cmdline()) for each in (family, *family.children(recursive=True))]

    assert file.stat().st_mode & 0o777 == 0o600
    assert len(token) > 40
    assert not [text for text in (*arguments, server.log.read_text()) if token in text]
    assert [requests.get(link, timeout=WAIT_S).status_code for _ in range(2)] == [200, 200]  # a button, link unused
    assert [requests.get(link, headers=VISIT, timeout=WAIT_S).status_code for _ in range(2)] == [200, 410]

    assert not [path for path in bare.home.rglob("*") if path.lstat().st_mode & 0o077]

    another = bare("link", "--name", "Ola")
    assert another.status == 0
    assert links.number_of(another.out.strip().partition("token=")[2]) in another.err
    assert requests.get(another.out.strip(), headers=VISIT, timeout=WAIT_S).status_code == 200
    assert bare("link", "--port", "1").status == 2

    assert server.end() == 0
    assert not file.exists()
    assert "No dashboard" in bare("link").sentence


SIGNALED = """
import signal, subprocess, sys, threading
from dashboard.cli import serve
signal.signal(signal.SIGTERM, serve._interrupt)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
end = lambda: signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
threading.Timer(0.2, end).start()
try:
    serve._wait_for_end(child)
except KeyboardInterrupt:
    print("interrupted")
finally:
    child.kill()
"""


def test_a_signal_that_another_thread_takes_ends_the_server() -> None:
    """SIGTERM ends the server even if another thread receives it; that alone does not wake a blocking system call."""
    done = subprocess.run([sys.executable, "-c", SIGNALED], capture_output=True, text=True, timeout=WAIT_S, check=True)

    assert done.stdout == "interrupted\n"
