"""The edge treats each call after a change as the replay of that change predicted."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from dashboard.calls.attribution import attribute
from dashboard.calls.replay.replayer import UNDECIDED, Replayer
from dashboard.core.settings import Settings
from dashboard.domain.changes import AllowAddress, Change, RemoveAddress, SetCredentials
from dashboard.fixes.account_image import proposed
from dashboard.services.workspace import Workspace
from tests.lab.edge import PASSWORD, USER
from tests.lab.lab import PREFIX, Lab

SEATTLE = "198.51.100.11"
CHICAGO = "198.51.100.12"
DENVER = "198.51.100.24"
ATLANTA = "198.51.100.40"
NOBODY = "203.0.113.66"
CALLERS = (SEATTLE, CHICAGO, DENVER, ATLANTA, NOBODY)
DIGEST = {ATLANTA}
LISTED = (SEATTLE, CHICAGO, NOBODY)
LEAST_DECIDED = 0.95
"""Least share of decided calls from PBX addresses; other callers give no evidence of their prefix or credentials."""
ALLOW = AllowAddress(network=DENVER)
REMOVE = RemoveAddress(network=SEATTLE)
OFF = SetCredentials(enabled=False)


@pytest.fixture(scope="module")
def office(lab: Lab) -> Iterator[Workspace]:
    """Open the workspace on the lab's account."""
    with Workspace.open(Settings(home=lab.folder)) as opened:
        yield opened


def everybody_calls(lab: Lab, turn: int) -> dict[tuple[str, str], bool]:
    """Place the same calls from every caller at once; return which were admitted, by source and last two digits."""
    numbers = [f"1{202 + turn}55501{last}" for last in ("10", "21", "36", "47", "58")]

    def calls_of(source: str) -> dict[tuple[str, str], bool]:
        digest = {"user": USER, "password": PASSWORD} if source in DIGEST else {}
        ended = lab.call(*(f"{PREFIX}*{number}" for number in numbers), source=source, **digest)
        return {(source, call.user[-2:]): call.status not in (403, 407) for call in ended}

    with ThreadPoolExecutor(len(CALLERS)) as pool:
        fates = {call: let_in for found in pool.map(calls_of, CALLERS) for call, let_in in found.items()}
    assert len(lab.settled(set(numbers), len(fates))) == len(fates)
    return fates


@pytest.mark.parametrize(
    ("turn", "changes"),
    [(1, (ALLOW,)), (2, (REMOVE,)), (3, (OFF,)), (4, (ALLOW, REMOVE, OFF))],
    ids=["allow", "remove", "credentials off", "all at once"],
)
def test_edge_results_equal_the_replay(lab: Lab, office: Workspace, turn: int, changes: tuple[Change, ...]) -> None:
    """After the change, broken calls are refused and saved calls admitted; other decided calls have the same result."""
    lab.set(credentials_enabled=True, digest_rescues_prefix=True)
    lab.list_only(LISTED)
    office.sync()  # a list that was not read is no evidence later
    before = everybody_calls(lab, 10 * turn)
    office.sync()
    snapshot = office.snapshot()
    calls = office.store.calls(limit=10_000)
    mine = calls[calls["destination"].str.startswith(f"1{202 + 10 * turn}555")]
    frames = {name: getattr(snapshot, name) for name in ("pbxs", "pbx_addresses", "pbx_numbers")}
    labeled = Replayer(snapshot).against(proposed(snapshot.policy, changes)).label_of(attribute(mine, **frames))
    labels = {
        (source, number[-2:]): str(label)
        for source, number, label in zip(labeled["source_ip"], labeled["destination"], labeled["label"], strict=True)
    }

    lab.set(credentials_enabled=OFF not in changes)
    lab.list_only(
        [
            *(one for one in LISTED if not (one == SEATTLE and REMOVE in changes)),
            *([DENVER] if ALLOW in changes else []),
        ]
    )
    office.sync()
    after = everybody_calls(lab, 10 * turn + 5)

    assert labels.keys() == before.keys() == after.keys()
    decided = {call: label for call, label in labels.items() if label not in UNDECIDED}
    ours = {call: label for call, label in labels.items() if call[0] != NOBODY}
    open_ones = set(ours.items()) - set(decided.items())
    assert len(open_ones) <= (1 - LEAST_DECIDED) * len(ours), sorted(open_ones)
    foreseen = {
        call: {"saved": True, "broken": False, "stopped": False, "cannot recur": False}.get(label, before[call])
        for call, label in decided.items()
    }
    assert foreseen == {call: after[call] for call in decided}
    assert set(decided.values()) > {"unchanged"}
