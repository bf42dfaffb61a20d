"""The carrier's edge: Kamailio on the addresses of the PoPs, and the far end behind it."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from dashboard.domain.admission import ACL_REASON, CHALLENGE_REASON
from tests.lab import scenario
from tests.lab.network import Network
from tests.waiting import WAIT_S

HERE = Path(__file__).parent
USER, PASSWORD, REALM = "12345678", "not-a-real-password", "edge.test"
"""SIP credentials of the account."""
MODULES = tuple(Path("/usr").glob("lib/*/kamailio/modules"))
PORT = 5060


def missing() -> list[str]:
    """Return which of the edge's programs are not installed."""
    found = {"kamailio": shutil.which("kamailio") and MODULES, "sipp": shutil.which("sipp")}
    return [name for name, there in found.items() if not there]


@contextmanager
def edge(
    net: Network, folder: Path, *, policy: Path, pops: Sequence[str], pstn: str, workers: int = 2
) -> Iterator[Path]:
    """
    Run the edge and its far end for the duration of the block.

    Args:
        net: Network that has the addresses.
        folder: Folder for the edge's configuration, log and records.
        policy: Database of the emulated account, which the edge reads for every call.
        pops: Addresses of the PoPs.
        pstn: Address of the far end.
        workers: Number of processes for each PoP.

    Yields:
        Path of the database with the edge's records.
    """
    records = folder / "records.db"
    with closing(sqlite3.connect(records)) as made:
        made.execute("PRAGMA journal_mode=WAL")
        made.execute("CREATE TABLE ended (id INTEGER PRIMARY KEY, call_id TEXT NOT NULL, body TEXT NOT NULL)")
    values = {
        "WORKERS": str(workers),
        "MODULES": str(MODULES[0]),
        "LISTEN": "\n".join(f"listen=udp:{pop}:{PORT}" for pop in pops),
        "POLICY": str(policy),
        "RECORDS": str(records),
        "USER": USER,
        "PASSWORD": PASSWORD,
        "REALM": REALM,
        "PSTN": f"sip:{pstn}:{PORT}",
        "ACL_REASON": ACL_REASON,
        "CHALLENGE_REASON": CHALLENGE_REASON,
    }
    text = (HERE / "edge.cfg").read_text(encoding="ascii")
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    config = folder / "edge.cfg"
    config.write_text(text, encoding="utf-8")
    run = folder / "run"
    run.mkdir(exist_ok=True)
    command = ["kamailio", "-DD", "-E", "-m", "256", "-M", "16", "-Y", str(run), "-f", str(config)]
    with running(net, command, folder / "edge.log") as started, _answering(net, folder, pstn):
        wait_for(net, started, pops[0], source=pstn, log=folder / "edge.log")
        yield records


@contextmanager
def _answering(net: Network, folder: Path, pstn: str) -> Iterator[None]:
    """Run the far end for the duration of the block."""
    written = folder / "far_end.xml"
    written.write_text(scenario.far_end(), encoding="ascii")
    command = ["sipp", "-sf", str(written), "-i", pstn, "-p", str(PORT), "-nostdin", "-rtp_echo"]
    with running(net, command, folder / "far_end.log"):
        yield


@contextmanager
def running(net: Network, command: Sequence[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program in the network for the duration of the block, with its output in a file."""
    with log.open("wb") as output:
        started = subprocess.Popen(
            net.within(command), stdout=output, stderr=subprocess.STDOUT, cwd=log.parent, start_new_session=True
        )
        try:
            yield started
        finally:
            started.terminate()
            try:
                started.wait(WAIT_S)
            except subprocess.TimeoutExpired:
                started.kill()
                started.wait()


def answers(net: Network, folder: Path, asked: str, *, source: str) -> bool:
    """Return whether an address answers OPTIONS from the source address with 200."""
    ask = ["sipp", "-sf", str(HERE / "scenarios" / "options.xml"), "-m", "1", "-nostdin", "-recv_timeout", "1000"]
    ask += ["-i", source, "-p", str(PORT - 1), f"{asked}:{PORT}"]
    ran = subprocess.run(net.within(ask), capture_output=True, timeout=WAIT_S, check=False, cwd=folder)
    return ran.returncode == 0


def wait_for(net: Network, started: subprocess.Popen[bytes], asked: str, *, source: str, log: Path) -> None:
    """Wait until a started program answers OPTIONS with 200."""
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until and started.poll() is None:
        if answers(net, log.parent, asked, source=source):
            return
    raise AssertionError(f"{asked} does not answer: {log.read_text(errors='replace')[-2000:]}")
