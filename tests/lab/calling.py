"""Callers: PBXs simulated by SIPp, each from an address of the network."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.lab import scenario
from tests.lab.edge import PORT
from tests.lab.network import Network

LONGEST_S = 550


@dataclass(frozen=True)
class Dialed:
    """One call to place."""

    user: str
    """User part of the Request-URI: prefix, ``*`` and number, or the number alone."""
    caller_id: str = "12065550100"
    x_tag: str = ""


@dataclass(frozen=True)
class Ended:
    """Final SIP status of a call, as its caller received it."""

    user: str
    status: int


def place(
    net: Network,
    folder: Path,
    calls: Sequence[Dialed],
    *,
    source: str,
    pop: str,
    user: str = "",
    password: str = "",
    rate: float = 50,
    talk_ms: int = 20,
    port: int = PORT,
) -> list[Ended]:
    """
    Place calls, one after the other at a rate, and wait until all have ended.

    Args:
        net: Network of the source and the PoP.
        folder: Folder for the scenario and the log.
        calls: Calls to place.
        source: Source address of the packets.
        pop: Address of the PoP.
        user: User name for a digest challenge; without it the call ends at the challenge.
        password: Password of ``user``.
        rate: Calls per second.
        talk_ms: Duration of an answered call in milliseconds.
        port: Source port.

    Returns:
        The end of each call, in the order in which the calls ended.
    """
    name = f"{source}-{port}"
    written, listed, log = (folder / f"{name}.{kind}" for kind in ("xml", "csv", "log"))
    written.write_text(
        scenario.caller(talk_ms=talk_ms, user=user, password=password, tagged=any(call.x_tag for call in calls)),
        encoding="ascii",
    )
    rows = [f"{call.user};{call.caller_id};{call.x_tag};" for call in calls]
    listed.write_text("\n".join(["SEQUENTIAL", *rows]) + "\n", encoding="ascii")
    log.unlink(missing_ok=True)
    command = ["sipp", "-sf", written, "-inf", listed, "-i", source, "-p", port, "-m", len(calls), "-r", rate]
    command += ["-nostdin", "-trace_logs", "-log_file", log, "-timeout", f"{LONGEST_S}s", "-recv_timeout", 10_000]
    command += [f"{pop}:{PORT}"]
    ran = subprocess.run(
        net.within([str(part) for part in command]),
        capture_output=True,
        text=True,
        timeout=LONGEST_S + 10,
        check=False,
        cwd=folder,
        start_new_session=True,  # Ctrl-C must reach only the parent, which ends calls in order
    )
    ended = [_read(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []
    assert len(ended) == len(calls), (
        f"{len(ended)} of {len(calls)} calls ended: {ran.stdout[-1500:]}{ran.stderr[-1500:]}"
    )
    return ended


def _read(line: str) -> Ended:
    user, status, *_ = line.split()
    return Ended(user, int(status))
