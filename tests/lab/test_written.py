"""Written configuration on a real PBX: its calls are admitted by address, have the X-Tag, and fail over."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard.pbx import LintContext, lint_inventory, read_files
from dashboard.pbx.writers.registry import TrunkSpec, write
from dashboard.sip import Trunk
from tests.lab import asterisk as asterisks
from tests.lab.asterisk import asterisk, awaited
from tests.lab.lab import POPS, PREFIX, Lab

pytestmark = pytest.mark.skipif(bool(asterisks.missing()), reason=f"no PBXs: {asterisks.missing()}")
ADDRESS = "198.51.100.12"
NOWHERE = "192.0.2.99"
PUBLIC = ["198.51.100.0/24"]
EVERYWHERE = "0.0.0.0"  # noqa: S104 - text in the written configuration, which the test replaces


@pytest.mark.parametrize(
    ("kind", "first", "number"),
    [
        ("asterisk-pjsip", POPS[0], "12405550110"),
        ("asterisk-pjsip", NOWHERE, "12405550121"),
        ("asterisk-chan-sip", POPS[0], "12405550130"),
        ("asterisk-chan-sip", NOWHERE, "12405550151"),
    ],
)
def test_what_is_written_places_calls(lab: Lab, tmp_path: Path, kind: str, first: str, number: str) -> None:
    """Calls are answered with credentials disabled and have the tag; if the first PoP is gone, the second is used."""
    lab.set(credentials_enabled=False)
    lab.list_only([ADDRESS])
    wanted = TrunkSpec(
        pbx_id="chicago",
        tech_prefix=PREFIX,
        pop=first,
        second=POPS[1],
        ranges=("192.0.2.8/29",),
        address=ADDRESS,
        x_tag="chicago",
    )
    config = tmp_path / "chicago"
    config.mkdir()
    for name, text in write(kind, wanted).files.items():
        # All addresses of the lab's network belong to one machine; a PBX on a separate machine has only its own.
        bound = text.replace(f"bind={EVERYWHERE}", f"bind={ADDRESS}").replace(
            "[general]", f"[general]\nbindaddr={ADDRESS}"
        )
        (config / name).write_text(bound, encoding="utf-8")

    with asterisk(lab.net, tmp_path / "running", config) as pbx:
        if (kind, first) == ("asterisk-chan-sip", NOWHERE):
            awaited(lambda: pbx.ask("sip show peers"), "UNREACHABLE")
        (own,) = pbx.dial(number, context="to-flowroute")
    (seen,) = lab.settled([number], 1)

    assert "ANSWERED" == own.disposition
    assert (seen.code, seen.source, seen.x_tag) == (200, ADDRESS, "chicago")
    trunk = Trunk.of(PREFIX, [(first, "192.0.2.8/29"), (POPS[1], "192.0.2.8/29")])
    read = read_files([config], trunk=trunk, treated_as_public=PUBLIC)
    known = LintContext(trunk=trunk, allowed=[ADDRESS], credentials_on=False, treated_as_public=PUBLIC)
    assert [] == lint_inventory(read.frames, known)
