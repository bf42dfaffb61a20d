"""Real PBXs: their configuration, the carrier's records of their calls, and their own records."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pandas as pd
import pytest

from dashboard.core.settings import Settings
from dashboard.domain.findings import Status
from dashboard.pbx import Inventory, LintContext, lint_inventory, read_files
from dashboard.services.workspace import Workspace
from dashboard.sip import Trunk
from tests.lab import asterisk as asterisks
from tests.lab.asterisk import PBXS, Asterisk, asterisk, awaited, config_of
from tests.lab.billing import Ended
from tests.lab.edge import PASSWORD
from tests.lab.lab import PREFIX, Lab
from tests.texts import golden

pytestmark = pytest.mark.skipif(bool(asterisks.missing()), reason=f"no PBXs: {asterisks.missing()}")
SEATTLE = "198.51.100.11"
DENVER = "198.51.100.24"
ATLANTA = "198.51.100.40"
LISTED = (SEATTLE, "198.51.100.23")


@pytest.fixture(scope="module")
def pbxs(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Asterisk]]:
    """Run the three PBXs of the lab on an account that lists Seattle and the former address of Denver."""
    lab.set(credentials_enabled=True, digest_rescues_prefix=True)
    lab.list_only(LISTED)
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("pbxs")
        yield {name: stack.enter_context(asterisk(lab.net, folder / name, config_of(name))) for name in sorted_names()}


def sorted_names() -> list[str]:
    """Return the names of the PBXs of the lab, sorted."""
    return sorted(folder.name for folder in PBXS.iterdir())


@pytest.fixture(scope="module")
def inventory() -> Inventory:
    """Read the configuration of all three PBXs, as an operator provides it."""
    return read_files([PBXS], trunk=Trunk.of(PREFIX, []), treated_as_public=["198.51.100.0/24"])


def number(last: int) -> str:
    """Return a number with the given last two digits; see ``scenario.ENDINGS`` for the last one."""
    return f"131255501{last:02}"


def carrier_saw(lab: Lab, *numbers: str) -> list[Ended]:
    """Return the carrier's records of calls to these numbers."""
    return lab.settled(numbers, len(numbers))


def test_their_configuration_says_how_they_should_fare(inventory: Inventory) -> None:
    """Two PBXs dial the prefix without credentials, one has credentials; Denver's files have its former address."""
    told = inventory.frames["pbxs"].set_index("pbx_id")
    claimed = inventory.frames["pbx_addresses"].set_index("pbx_id")["address"]

    assert not inventory.problems
    assert {"seattle": "ip", "denver": "ip", "atlanta": "credentials"} == told["auth_method"].to_dict()
    assert {"seattle": "yes", "denver": "yes", "atlanta": "no"} == told["dials_prefix"].to_dict()
    assert "seattle" == told.loc["seattle", "x_tag"]
    assert ("198.51.100.11", "198.51.100.23") == (claimed["seattle"], claimed["denver"])
    assert PASSWORD in (PBXS / "atlanta" / "etc" / "asterisk" / "pjsip.conf").read_text(encoding="ascii")
    assert PASSWORD not in str([frame.to_dict() for frame in inventory.frames.values()])


def test_a_pbx_in_order_is_answered_by_its_address(lab: Lab, pbxs: dict[str, Asterisk]) -> None:
    """A correct PBX is answered: its own record is ANSWERED, and the carrier's has its address and its X-Tag."""
    lab.set(credentials_enabled=False)

    (own,) = pbxs["seattle"].dial(number(10))
    (seen,) = carrier_saw(lab, number(10))

    assert (own.disposition, own.dialed) == ("ANSWERED", f"{PREFIX}*{number(10)}@flowroute")
    assert (seen.code, seen.source, seen.x_tag, seen.caller_id) == (200, SEATTLE, "seattle", "12065550100")


def test_a_pbx_that_left_its_address_is_refused_and_its_own_record_hides_it(
    lab: Lab, pbxs: dict[str, Asterisk]
) -> None:
    """The carrier records 403 and the actual source, the PBX itself NO ANSWER; its qualify shows Avail."""
    lab.set(credentials_enabled=False)

    (own,) = pbxs["denver"].dial(number(20))
    (seen,) = carrier_saw(lab, number(20))

    assert (seen.code, seen.source) == (403, DENVER)
    assert "NO ANSWER" == own.disposition
    assert "Avail" in awaited(lambda: pbxs["denver"].ask("pjsip show contacts"), "Avail")


def test_credentials_mask_an_address_that_is_not_listed_until_they_are_off(lab: Lab, pbxs: dict[str, Asterisk]) -> None:
    """An unlisted PBX that answers the challenge is admitted; as soon as credentials are disabled, its calls fail."""
    lab.set(credentials_enabled=True)
    (before,) = pbxs["atlanta"].dial(number(30))
    lab.set(credentials_enabled=False)
    (after,) = pbxs["atlanta"].dial(number(31))
    seen = {call.number: call for call in carrier_saw(lab, number(30), number(31))}

    assert ("ANSWERED", 200) == (before.disposition, seen[number(30)].code)
    assert "ANSWERED" != after.disposition
    assert (seen[number(31)].code, seen[number(31)].source) == (403, ATLANTA)


def test_the_product_tells_what_is_configured_from_what_is_observed(
    lab: Lab, pbxs: dict[str, Asterisk], inventory: Inventory
) -> None:
    """PBX files and carrier records show that Denver's actual address is not listed; a fix is planned that lists it."""
    lab.set(credentials_enabled=True)
    assert pbxs["denver"].dial(number(40))
    carrier_saw(lab, number(40))
    with Workspace.open(Settings(home=lab.folder)) as office:
        office.sync()
        known = office.snapshot()
        both = {name: pd.concat([getattr(known, name), inventory.frames[name]]) for name in ("pbx_addresses",)}
        found = {one.subject: one for one in office.findings() if one.check == "pbx_address_is_allowed"}
        pitfalls = lint_inventory({**inventory.frames, **both}, LintContext.of(known))

        assert found[DENVER].status is Status.FAIL
        assert found[SEATTLE].status is Status.PASS
        assert {("denver", "egress_differs"), ("atlanta", "secret_in_configuration")} == {
            (one.pbx_id, one.code) for one in pitfalls if one.code != "credentials_left_on"
        }
        (differs,) = (str(one) for one in pitfalls if one.code == "egress_differs")
        assert golden("pbx.running.line_is_configured") in differs
        assert DENVER in differs
        plan = office.plan("pbx_address_is_allowed", DENVER)
        assert plan.impact.calls("saved") >= 1
