"""PBX of the lab: Asterisk on its own address, with its configuration in a folder that the inventory can read."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.lab.network import Network
from tests.waiting import WAIT_S, until

PBXS = Path(__file__).parent / "pbxs"
"""Folder with a configuration folder for each PBX of the lab."""
ROOT = Path(__file__).parents[2] / ".venv" / "asterisk" / "root"
PROGRAM = ROOT / "usr" / "sbin" / "asterisk"
MODULES = ROOT / "usr" / "lib" / "asterisk" / "modules"
ZONES = Path("/usr/share/zoneinfo")
DATA = ROOT / "usr" / "share" / "asterisk"
LOADED = (
    "res_sorcery_config res_sorcery_memory res_sorcery_astdb res_timing_timerfd res_pjproject res_pjsip "
    "res_pjsip_session res_pjsip_pubsub res_pjsip_sdp_rtp res_pjsip_nat res_pjsip_caller_id res_pjsip_header_funcs "
    "res_pjsip_endpoint_identifier_ip res_pjsip_outbound_authenticator_digest res_rtp_asterisk chan_pjsip codec_ulaw "
    "pbx_config app_dial app_stack res_clioriginate func_callerid bridge_simple bridge_native_rtp bridge_softmix "
    "cdr_csv"
)
"""Modules to load, named one by one: others of the package look for hardware, databases and the network."""
OLDER = "sip.conf", "chan_sip", ("chan_pjsip", "res_pjsip")
"""File and module of the older driver, and the prefixes of the newer modules that it replaces."""


def config_of(name: str) -> Path:
    """Return the folder of a PBX's configuration files, by the name of its folder in ``PBXS``."""
    return PBXS / name / "etc" / "asterisk"


def missing() -> str:
    """Return why no PBX can run on this machine; ``""`` if one can."""
    return "" if os.access(PROGRAM, os.X_OK) else "Asterisk could not be had"


@dataclass(frozen=True)
class Recorded:
    """A call to the trunk in the PBX's own records."""

    dialed: str
    disposition: str
    """Disposition of Asterisk: ANSWERED, NO ANSWER, BUSY or FAILED."""


@dataclass(frozen=True)
class Asterisk:
    """A running PBX."""

    folder: Path

    @property
    def records(self) -> Path:
        """Path of the file with its call detail records."""
        return self.folder / "log" / "cdr-csv" / "Master.csv"

    def ask(self, command: str) -> str:
        """Run a console command and return its output."""
        asked = [str(PROGRAM), "-C", str(self.folder / "asterisk.conf"), "-rx", command]
        ran = subprocess.run(asked, env=_environment(), capture_output=True, text=True, timeout=WAIT_S, check=False)
        return ran.stdout

    def dial(self, *numbers: str, context: str = "office") -> list[Recorded]:
        """Dial numbers from a context one after the other, and return the PBX's own record of each call."""
        return [self._dial(number, context) for number in numbers]

    def _dial(self, number: str, context: str) -> Recorded:
        before = len(self.recorded())
        self.ask(f"channel originate Local/{number}@{context} application Wait 1")
        until(lambda: len(self.recorded()) > before, say=lambda: f"The call to {number} did not end. {self.said()}")
        return self.recorded()[-1]

    def recorded(self) -> list[Recorded]:
        """Return the calls to the trunk that the PBX has recorded."""
        if not self.records.exists():
            return []
        with self.records.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.reader(file) if len(row) > 14 and row[7] == "Dial"]
        return [Recorded(row[8].partition("/")[2].partition(",")[0], row[14]) for row in rows]

    def said(self) -> str:
        """Return the last 2,000 characters of the PBX's log."""
        log = self.folder / "log" / "messages"
        return log.read_text(encoding="utf-8", errors="replace")[-2000:] if log.exists() else ""


@contextmanager
def asterisk(net: Network, folder: Path, config: Path, *, manager: str = "", zone: str = "") -> Iterator[Asterisk]:
    """
    Run a PBX of the lab for the duration of the block.

    Args:
        net: Network with the address that the PBX's transport binds.
        folder: Folder for the PBX's configuration and everything it writes; existing content is deleted.
        config: Folder of the PBX's configuration files, from ``PBXS`` or elsewhere.
        manager: Content of ``manager.conf``, if the PBX needs a manager interface.
        zone: Time zone of the call records, as by Asterisk's default of local time; UTC if empty.
    """
    shutil.rmtree(folder, ignore_errors=True)
    for part in ("lib", "spool", "run", "log/cdr-csv"):
        (folder / part).mkdir(parents=True)
    shutil.copytree(config, folder / "etc")
    written = {
        "asterisk.conf": _places(folder),
        "etc/modules.conf": _modules(folder / "etc"),
        "etc/logger.conf": "[general]\n[logfiles]\nmessages => notice,warning,error\n",
        "etc/cdr.conf": "[general]\nenable=yes\nunanswered=yes\n"
        f"[csv]\nusegmtime={'no' if zone else 'yes'}\nloguniqueid=yes\n",
        "etc/pjproject.conf": "",
    } | ({"etc/manager.conf": manager} if manager else {})
    for place, text in written.items():
        (folder / place).write_text(text, encoding="ascii")
    running = Asterisk(folder)
    command = net.within([*_at(zone), str(PROGRAM), "-f", "-C", str(folder / "asterisk.conf")])
    with (folder / "log" / "console").open("wb") as output:
        started = subprocess.Popen(
            command, env=_environment(), stdout=output, stderr=subprocess.STDOUT, cwd=folder, start_new_session=True
        )
        try:
            until(
                lambda: "fully booted" in running.ask("core waitfullybooted"),
                say=lambda: f"The PBX did not start. {running.said()}",
            )
            yield running
        finally:
            started.terminate()
            try:
                started.wait(WAIT_S)
            except subprocess.TimeoutExpired:
                started.kill()
                started.wait()


def awaited(ask: Callable[[], str], word: str) -> str:
    """Ask until the answer contains a word, for at most ``WAIT_S`` seconds; return that answer."""
    answers: list[str] = []

    def has_word() -> bool:
        answers[:] = [ask()]
        return word in answers[0]

    until(has_word, say=lambda: "".join(answers))
    return answers[0]


def _at(zone: str) -> list[str]:
    """Return a command prefix that gives a program its own ``/etc/localtime``, because Asterisk ignores ``TZ``."""
    if not zone:
        return []
    bind = 'mount --bind "$0" /etc/localtime && exec "$@"'
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", bind, str(ZONES / zone)]


def _environment() -> dict[str, str]:
    libraries = ROOT / "usr" / "lib" / "x86_64-linux-gnu", ROOT / "usr" / "lib", ROOT / "lib" / "x86_64-linux-gnu"
    return os.environ | {"LD_LIBRARY_PATH": ":".join(map(str, libraries))}


def _modules(config: Path) -> str:
    file, module, newer = OLDER
    names = LOADED.split()
    if (config / file).exists():
        names = [name for name in names if not name.startswith(newer)] + [module]
    return "[modules]\nautoload=no\n" + "".join(f"load={name}.so\n" for name in names)


def _places(folder: Path) -> str:
    places = {
        "astetcdir": folder / "etc",
        "astmoddir": MODULES,
        "astdatadir": DATA,
        "astvarlibdir": folder / "lib",
        "astdbdir": folder / "lib",
        "astkeydir": folder / "lib",
        "astagidir": folder / "lib",
        "astspooldir": folder / "spool",
        "astrundir": folder / "run",
        "astlogdir": folder / "log",
    }
    named = "\n".join(f"{name} => {place}" for name, place in places.items())
    return f"[directories]\n{named}\n[options]\nnocolor = yes\nentityid = 02:00:00:00:00:01\n"
