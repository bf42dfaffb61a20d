"""The Set up PBXs page and ``trunkgate onboard`` state the same, with each single fault of the data."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from dashboard.core import clocks
from dashboard.domain.snapshot import Age
from tests import faulty_homes
from tests.cli.faulty import hold_onboarding
from tests.faulty_homes import CARRIERS, DENVER, FAULTS
from tests.web.pages.faults import open_on
from tests.web.pages.set_up import hold_overview, hold_steps, onboard

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make one home whose state database each test replaces; its calls are imported once."""
    return faulty_homes.make(tmp_path_factory.mktemp("set_up") / "home", refused=True)


@pytest.mark.parametrize("fault", ["", *(fault for fault in FAULTS if fault not in CARRIERS)])
def test_page_and_command_state_the_same(home: Path, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Headline, states, reasons and next actions of all PBXs and of one are equal, and hold against the data."""
    faults = (fault,) if fault else ()
    faulty_homes.set_faults(home, faults, refused=True)
    moment = datetime.now(UTC)
    with clocks.using(lambda: moment):
        at = open_on(home, monkeypatch)
        at.switch_page("web/pages/set_up_pbx.py").run()
        status, told = onboard()

        hold_onboarding(told, status, faults, refused=True)
        hold_overview(at, told)
        if fault == f"inventory {Age.MISSING}":
            return
        at.session_state["pbx_id"] = "denver"
        _, of_one = onboard("--pbx", "denver")
        hold_steps(at.run(), of_one)
        assert next(one for one in told["pbxs"] if one["pbx_id"] == "denver") == of_one["pbxs"][0]
        if not fault:
            (fix,) = (fix for step in of_one["pbxs"][0]["steps"] for fix in step["fixes"])
            assert ("pbx_address_is_allowed", DENVER) == (fix["check"], fix["subject"])
