"""PBXs behind one address: their calls are distinguished by the X-Tag that each PBX sends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from dashboard.calls.attribution import SHARED_ADDRESS, X_TAG, attribute
from dashboard.calls.store.store import CallFilter
from dashboard.core.settings import Settings
from dashboard.domain.changes import AllowAddress, RemoveAddress
from dashboard.domain.findings import Status
from dashboard.domain.replay_labels import MAY_BREAK
from dashboard.pbx.writers.registry import TrunkSpec, write
from dashboard.services.snapshot_builder import load_frame, save_frame
from dashboard.services.workspace import Workspace
from tests.lab import asterisk as asterisks
from tests.lab.asterisk import Asterisk, asterisk
from tests.lab.calling import Dialed, place
from tests.lab.lab import POPS, PREFIX, Lab
from tests.texts import golden

SHARED = "198.51.100.11"
PLACED = {"seattle": ("12255550110", "12255550121"), "chicago": ("12255550130",), "": ("12255550150",)}
KINDS = {"seattle": ("asterisk-pjsip", 5060), "chicago": ("asterisk-chan-sip", 5070)}
"""Kind of each PBX, and its port on the shared address."""
EITHER = "chicago|seattle"
"""Attribution of a call that is from one of the two PBXs."""
STRANGERS_PORT = 5090
NOBODYS_NUMBER = "12135550199"


def test_two_pbxs_behind_one_address_are_told_apart(lab: Lab) -> None:
    """A call belongs to the PBX of its tag, or without one to that of the address; removing it affects both PBXs."""
    lab.set(credentials_enabled=False)
    lab.list_only([SHARED])
    for tag, numbers in PLACED.items():
        lab.call(*(f"{PREFIX}*{number}" for number in numbers), source=SHARED, x_tag=tag)
    everything = {number for numbers in PLACED.values() for number in numbers}
    assert len(lab.settled(everything, len(everything))) == len(everything)

    with Workspace.open(Settings(home=lab.folder)) as office:
        office.sync()
        known = office.snapshot()
        found = office.store.calls(CallFilter(source_ip=SHARED))
        calls = attribute(
            found[found["destination"].isin(everything)],
            pbxs=known.pbxs,
            pbx_addresses=known.pbx_addresses,
            pbx_numbers=known.pbx_numbers,
        ).set_index("destination")
        plan = office.plan_changes([RemoveAddress(network=SHARED)])

    for tag, numbers in PLACED.items():
        assert {tag or "seattle"} == {calls.loc[number, "pbx_id"] for number in numbers}
        assert {X_TAG if tag else "address"} == {calls.loc[number, "attributed_by"] for number in numbers}
    assert {"Seattle"} == set(plan.impact.breaks)
    assert ("Chicago",) == plan.impact.who(MAY_BREAK)  # known by the X-Tag only: the address is recorded as Seattle's


@pytest.fixture(scope="module")
def pbxs(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Asterisk]]:
    """Run two PBXs with the configuration that the product writes, each on its own port of one address."""
    if why := asterisks.missing():
        pytest.skip(f"no PBXs: {why}")
    with ExitStack() as stack:
        running = {}
        for name, (kind, port) in KINDS.items():
            folder = tmp_path_factory.mktemp(name)
            _write(folder / "config", kind, port, name)
            running[name] = stack.enter_context(asterisk(lab.net, folder / "running", folder / "config"))
        yield running


def _write(config: Path, kind: str, port: int, name: str) -> None:
    wanted = TrunkSpec(
        pbx_id=name,
        tech_prefix=PREFIX,
        pop=POPS[0],
        second=POPS[1],
        ranges=("192.0.2.8/29",),
        address=SHARED,
        x_tag=name,
    )
    config.mkdir()
    for file, text in write(kind, wanted).files.items():
        # Only the listening address differs from what was written: the PBXs share the address of one machine.
        bound = text.replace("bind=0.0.0.0", f"bind={SHARED}:{port}")
        (config / file).write_text(bound.replace("[general]", f"[general]\nudpbindaddr={SHARED}:{port}"), "utf-8")


def _both_have_the_address(office: Workspace) -> None:
    """Assign the address to both PBXs in the inventory."""
    rows = load_frame(office.state, "pbx_addresses")
    own = pd.DataFrame([{"pbx_id": "chicago", "address": SHARED, "kind": "primary", "source": "declared"}])
    save_frame(office.state, "pbx_addresses", pd.concat([rows, own]), now=datetime.now(UTC), known_by="ana")


@pytest.mark.parametrize("listed", [True, False])
def test_pbxs_that_run_what_is_written_are_told_apart(lab: Lab, pbxs: dict[str, Asterisk], *, listed: bool) -> None:
    """
    Calls, outcomes and findings of real PBXs behind one address are attributed by the tag in the written configuration.

    A call from the same address without a tag, or with an unassigned one, is attributed to neither of them alone.
    """
    lab.set(credentials_enabled=False)
    lab.list_only([SHARED] if listed else [])
    time.sleep(1)  # a call in the same second as a change is evidence for neither policy
    area = 2465550110 if listed else 2475550110
    dialed = {"seattle": (area, area + 11, area + 6, area + 14), "chicago": (area + 20, area + 4)}
    strange = {f"1{area + 30}": "", f"1{area + 41}": "nobodys"}
    for name, numbers in dialed.items():
        pbxs[name].dial(*(f"1{number}" for number in numbers), context="to-flowroute")
    calls = [Dialed(f"{PREFIX}*{number}", NOBODYS_NUMBER, tag) for number, tag in strange.items()]
    ended = place(lab.net, lab.folder, calls, source=SHARED, pop=POPS[0], port=STRANGERS_PORT)
    whose = {f"1{number}": name for name, numbers in dialed.items() for number in numbers} | dict.fromkeys(
        strange, EITHER
    )
    assert [200 if listed else 403] * 2 == [call.status for call in ended]
    seen = {call.number: call for call in lab.settled(whose, len(whose))}

    assert {number: strange.get(number, name) for number, name in whose.items()} == {
        number: call.x_tag for number, call in seen.items()
    }
    assert {SHARED} == {call.source for call in seen.values()}

    with Workspace.open(Settings(home=lab.folder)) as office:
        office.sync()
        _both_have_the_address(office)
        known = office.snapshot()
        rows = office.store.calls(CallFilter(source_ip=SHARED))
        frames = {name: getattr(known, name) for name in ("pbxs", "pbx_addresses", "pbx_numbers")}
        told = attribute(rows[rows["destination"].isin(whose)], **frames)
        findings = {(one.check, one.subject): one for one in office.findings(known)}
        plan = office.plan_changes([RemoveAddress(network=SHARED) if listed else AllowAddress(network=SHARED)])

    assert whose == dict(zip(told["destination"], told["pbx_id"], strict=True))
    assert {X_TAG, SHARED_ADDRESS} == set(told["attributed_by"])
    outcomes = told.groupby(["pbx_id", "outcome"]).size().to_dict()
    let_in = {
        ("seattle", "answered"): 2,
        ("seattle", "busy_or_no_answer"): 1,
        ("seattle", "bad_number"): 1,
        ("chicago", "answered"): 1,
        ("chicago", "bad_number"): 1,
        (EITHER, "answered"): 2,
    }
    assert (
        let_in
        if listed
        else {("seattle", "refused_auth"): 4, ("chicago", "refused_auth"): 2, (EITHER, "refused_auth"): 2}
    ) == outcomes
    assert {"Seattle", "Chicago"} <= set(plan.impact.breaks if listed else plan.impact.saves)
    for check in ("pbx_address_is_allowed", "call_source_is_allowed"):
        finding = findings[check, SHARED]
        assert (Status.PASS if listed else Status.FAIL) is finding.status
        assert {"seattle", "chicago"} == set(finding.pbx_ids)
    if not listed:
        reason = findings["call_source_is_allowed", SHARED].reason
        assert golden("checks.listed.refused_calls", pbx="Seattle", address=SHARED, calls=4) in reason
        assert golden("checks.listed.refused_calls", pbx="Chicago", address=SHARED, calls=2) in reason
