"""
Scenario with a carrier that records no refusal: found from the PBX's own records, fixed, answered and verified.

Then credentials off: refused as predicted, which again only the PBX's own records show, and undone.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from dashboard.core.settings import Settings
from dashboard.domain.findings import Finding, Status
from dashboard.services.workspace import Workspace
from tests.cli.conftest import Program
from tests.lab import asterisk as asterisks
from tests.lab.asterisk import Asterisk, asterisk, config_of
from tests.lab.calling import Dialed, place
from tests.lab.edge import PASSWORD, USER
from tests.lab.lab import POPS, PREFIX, Lab
from tests.lab.office import ANA, carry_out, turned_off_as_foreseen
from tests.texts import golden

pytestmark = pytest.mark.skipif(bool(asterisks.missing()), reason=f"no PBXs: {asterisks.missing()}")
SEATTLE = "198.51.100.11"
DENVER = "198.51.100.24"
ATLANTA = "198.51.100.40"
OF_ATLANTA = "--utc", "--trunk", "flowroute"
"""Import options of Atlanta: it dials no prefix, so its trunk's name identifies the calls to the carrier."""
SECOND_OF_A_CHANGE_S = 2.0
"""Seconds to wait after a change: records have whole seconds, and those of its second are not used against it."""


@pytest.fixture(scope="module")
def pbxs(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Asterisk]]:
    """Run a correct PBX, one that is not listed and records local time, and one that relies on its digest."""
    lab.set(credentials_enabled=False, refusals_in_cdrs=False)
    lab.list_only([SEATTLE])
    folder = tmp_path_factory.mktemp("pbxs")
    with (
        asterisk(lab.net, folder / "seattle", config_of("seattle")) as seattle,
        asterisk(lab.net, folder / "denver", config_of("denver"), zone="America/Denver") as denver,
        asterisk(lab.net, folder / "atlanta", config_of("atlanta")) as atlanta,
    ):
        yield {"seattle": seattle, "denver": denver, "atlanta": atlanta}


@pytest.fixture(scope="module")
def office(lab: Lab) -> Iterator[Workspace]:
    """Open the workspace with ``calls_settle_s=0``, because the lab records a call at once."""
    with Workspace.open(Settings(home=lab.folder, calls_settle_s=0)) as opened:
        yield opened


def number(last: int) -> str:
    """Return a number with the given last two digits; see ``scenario.ENDINGS`` for the last one."""
    return f"141555501{last:02}"


def on_the_wire(lab: Lab, called: str, *, source: str, prefixed: bool) -> int:
    """Place a call like that of an unlisted PBX, from its address and another port; return the carrier's status."""
    dialed = Dialed(f"{PREFIX}*{called}" if prefixed else called)
    digest = {} if prefixed else {"user": USER, "password": PASSWORD}
    (ended,) = place(lab.net, lab.folder, [dialed], source=source, pop=POPS[0], port=5070, **digest)
    return ended.status


def synced(office: Workspace) -> int:
    """Sync, and return the number of new calls."""
    before = office.store.count()
    office.sync()
    return office.store.count() - before


def imported(lab: Lab, pbx_id: str, pbx: Asterisk, *how: str) -> dict[str, int]:
    """Import a PBX's own records with the command line; return the numbers of kept and duplicate records."""
    answer = Program(lab.folder)("calls", "import-pbx", pbx_id, pbx.records, *how, "--format", "json")
    assert answer.status == 0, answer.err
    (told,) = answer.json
    return {name: told[name] for name in ("kept", "duplicate")}


def of(office: Workspace, subject: str) -> Finding:
    """Return the finding of ``pbx_address_is_allowed`` on an address."""
    (found,) = (one for one in office.findings() if (one.check, one.subject) == ("pbx_address_is_allowed", subject))
    return found


def fates(office: Workspace, pbx_id: str) -> dict[str, int]:
    """Return the number of a PBX's own attempts with and without a carrier record, by fate."""
    told = office.snapshot().pbx_attempts
    counted: dict[str, int] = told[told["pbx_id"] == pbx_id].groupby("fate")["attempts"].sum().to_dict()
    return counted


def test_a_refusal_that_left_no_record_is_found_fixed_and_answered(
    lab: Lab, pbxs: dict[str, Asterisk], office: Workspace
) -> None:
    """A 403 that is not in the export is found from the PBX's own records; after one fix its next call is answered."""
    seattle = pbxs["seattle"]
    denver = pbxs["denver"]
    assert {"ANSWERED"} == {own.disposition for own in seattle.dial(number(10), number(11))}
    assert {"NO ANSWER"} == {own.disposition for own in denver.dial(number(20), number(21))}
    assert 403 == on_the_wire(lab, number(22), source=DENVER, prefixed=True)
    lab.settled([number(10), number(11)], 2)
    assert synced(office) == 2
    assert golden("checks.pbx_records.attempts_of_pbx") not in of(office, DENVER).reason

    in_utc = Program(lab.folder)("calls", "import-pbx", "denver", denver.records, "--utc")
    assert (1, True) == (in_utc.status, golden("errors.pbx_records.does_not_fit_utc") in in_utc.err)
    assert imported(lab, "denver", denver) == {"kept": 2, "duplicate": 0}
    assert imported(lab, "denver", denver) == {"kept": 0, "duplicate": 2}
    found = of(office, DENVER)
    assert found.status is Status.FAIL
    assert golden("checks.pbx_records.attempts_since", attempts=2) in found.reason
    assert golden("checks.pbx_records.have_no_record") in found.reason
    assert [("NO ANSWER", 2)] == [(row["PBX's own word"], row["attempts without a record"]) for row in found.evidence]

    office.apply(office.plan(found.check, DENVER), actor=ANA, typed=())
    assert {"ANSWERED"} == {own.disposition for own in denver.dial(number(25))}
    lab.settled([number(25)], 1)
    assert synced(office) == 1
    assert imported(lab, "denver", denver) == {"kept": 1, "duplicate": 2}

    fixed = of(office, DENVER)
    assert (fixed.status, fixed.life) == (Status.PASS, "verified")
    assert {"matched": 1, "missing": 2} == fates(office, "denver")


def test_a_pbx_in_order_raises_nothing(lab: Lab, pbxs: dict[str, Asterisk], office: Workspace) -> None:
    """The carrier has every attempt, also busy, unknown, absent and congested ones, and no finding fails."""
    called = [number(last) for last in (30, 36, 34, 37, 33)]
    pbxs["seattle"].dial(*called)
    lab.settled(called, len(called))
    synced(office)

    assert imported(lab, "seattle", pbxs["seattle"], "--utc")["kept"] >= len(called)
    records = office.snapshot().pbx_records
    attempts = office.snapshot().pbx_attempts
    (own,) = records[records["pbx_id"] == "seattle"].to_dict("records")

    assert (own["fault"], abs(own["skew_s"]) <= 2) == ("", True)
    assert {"matched"} == set(attempts.loc[attempts["pbx_id"] == "seattle", "fate"])
    assert not [one for one in office.findings() if one.subject == SEATTLE and one.status is not Status.PASS]


def test_what_the_replay_said_comes_true_without_a_record(
    lab: Lab, pbxs: dict[str, Asterisk], office: Workspace
) -> None:
    """
    With credentials off a PBX is refused as predicted, which only its own records show; after undo it is answered.

    Carrier records arrive in the order in which calls end, so the record of a later call shows that earlier calls
    have none.
    """
    atlanta = pbxs["atlanta"]
    seattle = pbxs["seattle"]
    lab.set(credentials_enabled=True, digest_rescues_prefix=True)
    assert {"ANSWERED"} == {own.disposition for own in atlanta.dial(number(40), number(41))}
    lab.settled([number(40), number(41)], 2)
    assert synced(office) == 2
    assert imported(lab, "atlanta", atlanta, *OF_ATLANTA)["kept"] == 2

    entry = turned_off_as_foreseen(office, "Atlanta", 2)
    time.sleep(SECOND_OF_A_CHANGE_S)  # a call in the same second is evidence for neither policy
    assert {"NO ANSWER"} == {own.disposition for own in atlanta.dial(number(42), number(43))}
    assert 403 == on_the_wire(lab, number(44), source=ATLANTA, prefixed=False)
    assert {"ANSWERED"} == {own.disposition for own in seattle.dial(number(48))}
    refused_and_then = [number(42), number(43), number(44), number(48)]
    assert [number(48)] == [call.number for call in lab.settled(refused_and_then, 1)]
    assert synced(office) == 1
    assert golden("checks.pbx_records.attempts_of_pbx") not in of(office, ATLANTA).reason
    assert imported(lab, "atlanta", atlanta, *OF_ATLANTA) == {"kept": 2, "duplicate": 2}
    found = of(office, ATLANTA)
    assert found.status is Status.FAIL
    assert golden("checks.pbx_records.attempts_since", attempts=2) in found.reason

    carry_out(office, office.undo_plan(entry))
    time.sleep(SECOND_OF_A_CHANGE_S)  # a call in the same second is evidence for neither policy
    assert {"ANSWERED"} == {own.disposition for own in atlanta.dial(number(45))}
    lab.settled([number(45)], 1)
    assert synced(office) == 1
    assert imported(lab, "atlanta", atlanta, *OF_ATLANTA) == {"kept": 1, "duplicate": 4}
    assert "by credentials alone" in of(office, ATLANTA).reason
    assert {"matched": 3, "missing": 2} == fates(office, "atlanta")
