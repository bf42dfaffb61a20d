"""
The lab: a carrier's edge, PBXs that place calls, and the dashboard on top, until Ctrl-C.

Seattle, Denver and Atlanta are Asterisk, each with its own configuration; the other PBXs of the sample account are
played by SIPp. All call the edge again and again, each from its own address in a network of their own, and are let in
or refused by the account's list and switch as they stand; change them in the dashboard, and their next calls show it.
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
"""Where Denver's packets leave from."""


def main() -> int:
    """Run the lab on a port of the dashboard."""
    asked = argparse.ArgumentParser(prog="python -m tests.lab", description=__doc__)
    asked.add_argument("--port", type=int, default=8501)
    asked.add_argument(
        "--home", type=Path, help="keeps the account and the dashboard's state; else a folder that goes away"
    )
    options = asked.parse_args()
    if why := labs.missing():
        print(f"There can be no lab here: {why}.", file=sys.stderr)  # noqa: T201 - a program of its own
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
    """Place calls and serve the dashboard until it ends."""
    with ExitStack() as stack:
        real = {} if asterisks.missing() else {folder.name: folder for folder in PBXS.iterdir()}
        pbxs = {
            name: stack.enter_context(asterisk(lab.net, lab.folder / "pbxs" / name, config_of(name))) for name in real
        }
        serve(lab, pbxs, port)


def serve(lab: Lab, pbxs: dict[str, Asterisk], port: int) -> None:
    """Have everybody call until the dashboard ends."""
    ended = threading.Event()
    callers = [caller for caller in lab.sample.callers if caller.inbound_share < 1]
    threads = [
        threading.Thread(target=keep_dialing, args=(pbxs[caller.pbx_id], caller, ended))
        if caller.pbx_id in pbxs
        else threading.Thread(target=keep_calling, args=(lab, caller, ended))
        for caller in callers
    ]
    print(in_another_terminal(lab), flush=True)  # noqa: T201 - a program of its own
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
    """Say how commands reach what only the lab has: its account, and from a PBX's address its edge."""
    program, home = Path(sys.executable).with_name("trunkgate"), f"TRUNKGATE_HOME={shlex.quote(str(lab.folder))}"
    probe = f"probe --from {DENVER} --pop {POPS[0]} --number 12065550142 --tech-prefix {PREFIX}"
    return (
        "In another terminal, its account and its edge, as Denver sees it:\n"
        f"  {home} {program} check\n"
        f"  {home} {shlex.join(lab.net.within([str(program), *probe.split()]))}"
    )


def keep_dialing(pbx: Asterisk, caller: Caller, ended: threading.Event) -> None:
    """Have somebody in a PBX's office dial a number every few seconds."""
    rng = random.Random(caller.name)
    while not ended.wait(EVERY_S * (0.5 + rng.random())):
        pbx.dial(number(rng))


def number(rng: random.Random) -> str:
    """Return a number to dial."""
    return f"1{rng.choice(AREAS)}55501{rng.randrange(100):02}"


def keep_calling(lab: Lab, caller: Caller, ended: threading.Event) -> None:
    """Have a PBX place a few calls every few seconds, as it is configured to."""
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
