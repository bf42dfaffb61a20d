"""PBXs behind one address: their calls are told apart by the tag that each of them sends."""

from __future__ import annotations

from dashboard.calls.attribution import X_TAG, attribute
from dashboard.calls.store import CallFilter
from dashboard.changes import RemoveAddress
from dashboard.settings import Settings
from dashboard.workspace import Workspace
from tests.sip.lab import PREFIX, Lab

SHARED = "198.51.100.11"
PLACED = {"seattle": ("12255550110", "12255550121"), "chicago": ("12255550130",), "": ("12255550150",)}


def test_two_pbxs_behind_one_address_are_told_apart(lab: Lab) -> None:
    """Each call belongs to whose tag it has; without one, to the PBX that has the address; both lose it together."""
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
    assert {"Seattle", "Chicago"} == set(plan.impact.breaks)
