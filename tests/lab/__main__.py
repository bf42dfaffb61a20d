"""
Run the lab until Ctrl-C: a carrier's edge, PBXs that place calls, and the dashboard.

Seattle, Denver and Atlanta are Asterisk, each with its own configuration; SIPp simulates the other PBXs of the sample
account. All of them call the edge repeatedly, each from its own address in an isolated network. The account's current
allow list and credentials switch decide each call; a change in the dashboard affects the next calls.
"""

from __future__ import annotations

import argparse
import os
import random
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path

from dashboard.emulator.traffic.sample import Caller
from tests.lab import asterisk as asterisks
from tests.lab import lab as labs
from tests.lab.asterisk import PBXS, Asterisk, asterisk, config_of
from tests.lab.calling import Dialed, place
from tests.lab.edge import PASSWORD, USER
from tests.lab.lab import POPS, PREFIX, Lab

EVERY_S = 5.0
AT_ONCE = 4
AREAS = ("202", "212", "415", "617", "713")
TALK_MS = 3_000
DENVER = "198.51.100.24"
"""Source address of Denver's packets."""


def main() -> int:
    """Run the lab with the options of the command line; return the exit status."""
    asked = argparse.ArgumentParser(prog="python -m tests.lab", description=__doc__)
    asked.add_argument("--port", type=int, default=8501)
    asked.add_argument(
        "--home", type=Path, help="keeps the account and the dashboard's state; else a folder that goes away"
    )
    options = asked.parse_args()
    if why := labs.missing():
        print(f"There can be no lab here: {why}.", file=sys.stderr)  # noqa: T201 - output of a command-line program
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with tempfile.TemporaryDirectory(prefix="lab-") as passing:
        folder = options.home or Path(passing)
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("records.db*"):
            old.unlink()
        with labs.lab(folder, labs.sources_of_sample()) as running:
            run(running, options.port)
    return 0


def run(lab: Lab, port: int) -> None:
    """Run the Asterisk PBXs of the lab, and serve the dashboard until it ends."""
    with ExitStack() as stack:
        real = {} if asterisks.missing() else {folder.name: folder for folder in PBXS.iterdir()}
        pbxs = {
            name: stack.enter_context(asterisk(lab.net, lab.folder / "pbxs" / name, config_of(name))) for name in real
        }
        serve(lab, pbxs, port)


def serve(lab: Lab, pbxs: dict[str, Asterisk], port: int) -> None:
    """Run the dashboard, and place calls of every caller until it ends."""
    ended = threading.Event()
    callers = [caller for caller in lab.sample.callers if caller.inbound_share < 1]
    threads = [
        threading.Thread(target=keep_dialing, args=(pbxs[caller.pbx_id], caller, ended))
        if caller.pbx_id in pbxs
        else threading.Thread(target=keep_calling, args=(lab, caller, ended))
        for caller in callers
    ]
    print(in_another_terminal(lab), flush=True)  # noqa: T201 - output of a command-line program
    told = os.environ | {"TRUNKGATE_HOME": str(lab.folder), "TRUNKGATE_LIVE_CALLS_PER_S": "0"}
    program = Path(sys.executable).with_name("trunkgate")
    served = subprocess.Popen([str(program), "serve", "--port", str(port)], env=told)
    for thread in threads:
        thread.start()
    try:
        served.wait()
    except KeyboardInterrupt:
        served.wait()
    finally:
        ended.set()
        served.terminate()
        for thread in threads:
            thread.join()
        served.wait()


def in_another_terminal(lab: Lab) -> str:
    """Return shell commands that check the lab's account and probe its edge from Denver's address."""
    program = Path(sys.executable).with_name("trunkgate")
    home = f"TRUNKGATE_HOME={shlex.quote(str(lab.folder))}"
    probe = f"probe --from {DENVER} --pop {POPS[0]} --number 12065550142 --tech-prefix {PREFIX}"
    return (
        "In another terminal, its account and its edge, as Denver sees it:\n"
        f"  {home} {program} check\n"
        f"  {home} {shlex.join(lab.net.within([str(program), *probe.split()]))}"
    )


def keep_dialing(pbx: Asterisk, caller: Caller, ended: threading.Event) -> None:
    """Dial a number in the office context of a PBX every few seconds until ``ended`` is set."""
    rng = random.Random(caller.name)
    while not ended.wait(EVERY_S * (0.5 + rng.random())):
        pbx.dial(number(rng))


def number(rng: random.Random) -> str:
    """Return a random number to dial."""
    return f"1{rng.choice(AREAS)}55501{rng.randrange(100):02}"


def keep_calling(lab: Lab, caller: Caller, ended: threading.Event) -> None:
    """Place a few calls of a simulated PBX, in its configuration, every few seconds until ``ended`` is set."""
    rng = random.Random(caller.name)
    source = caller.addresses[-1].address
    digest = {"user": USER, "password": PASSWORD} if caller.digest else {}
    while not ended.wait(EVERY_S * (0.5 + rng.random())):
        numbers = [number(rng) for _ in range(rng.randint(1, AT_ONCE))]
        calls = [
            Dialed(f"{PREFIX}*{one}" if caller.dials_prefix else one, rng.choice(caller.caller_ids), caller.x_tag)
            for one in numbers
        ]
        pop = rng.choice(POPS)
        place(lab.net, lab.folder, calls, source=source, pop=pop, rate=2, talk_ms=TALK_MS, **digest)


if __name__ == "__main__":
    sys.exit(main())
