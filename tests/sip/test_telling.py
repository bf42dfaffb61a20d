"""What the lab says of itself: the commands it prints run as they stand."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

from tests.sip.__main__ import in_another_terminal
from tests.sip.lab import Lab


def test_the_probe_that_it_prints_meets_the_edge(lab: Lab, tmp_path: Path) -> None:
    """Denver's address is not on the list at first: the edge asks for credentials, and what that means is said."""
    check, probe = in_another_terminal(lab).splitlines()[1:]

    done = subprocess.run(
        shlex.split(probe),
        env=os.environ | {"TRUNKGATE_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert f"TRUNKGATE_HOME={lab.folder} " in check
    assert 1 == done.returncode, done.stderr
    assert "407 Proxy Authentication Required" in done.stdout
    assert "the public address of 198.51.100.24 with Outbound Allowed IPs" in done.stdout
