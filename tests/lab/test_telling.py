"""The commands that the lab prints can be run unchanged."""

from __future__ import annotations

import subprocess

from dashboard.core.settings import Settings
from dashboard.services.workspace import Workspace
from tests.lab.__main__ import in_another_terminal
from tests.lab.lab import Lab
from tests.texts import golden
from tests.waiting import WAIT_S


def run(command: str) -> subprocess.CompletedProcess[str]:
    """Run a command line in a shell."""
    return subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, timeout=WAIT_S, check=False)


def test_printed_probe_command_reaches_the_edge(lab: Lab) -> None:
    """Denver is not listed at first: the probe explains the edge's challenge, with the account once that was read."""
    check, probe = in_another_terminal(lab).splitlines()[1:]

    done = run(probe)
    with Workspace.open(Settings(home=lab.folder)) as office:
        office.sync()
    known = run(probe)

    assert f"TRUNKGATE_HOME={lab.folder} " in check
    assert 1 == done.returncode, done.stderr
    assert "407 Proxy Authentication Required" in done.stdout
    assert golden("probe.compared_with_allowed_ips") in done.stdout
    assert "what was read" not in done.stdout
    listed = golden("probe.not_listed_prefix_is_own", address="198.51.100.24")
    assert golden("probe.credentials_are_on", listed=listed) in " ".join(known.stdout.split())
