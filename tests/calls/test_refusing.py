"""Which calls count as refused for authorization: by what the answer says, else by the policy of their time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from dashboard import tables
from dashboard.calls.refusing import as_now, refused
from dashboard.policy import Policy, PolicyVersion
from tests.worlds import NOW, calls_row, frame

LISTED, UNLISTED = "198.51.100.11", "198.51.100.40"
OFF_AT = NOW - timedelta(hours=3)
VERSIONS = (
    PolicyVersion(Policy(frozenset({LISTED}), credentials_on=True), NOW - timedelta(days=60)),
    PolicyVersion(Policy(frozenset({LISTED}), credentials_on=False), OFF_AT),
)
LATER, EARLIER = OFF_AT + timedelta(seconds=1), OFF_AT - timedelta(hours=1)


@pytest.mark.parametrize(
    ("call", "counts"),
    [
        ({"outcome": "answered"}, False),
        ({"outcome": "refused_auth", "at": EARLIER}, True),
        ({"outcome": "refused_unknown", "at": LATER}, True),
        ({"outcome": "refused_unknown", "at": EARLIER}, False),
        ({"outcome": "refused_unknown", "at": OFF_AT}, False),
        ({"outcome": "refused_unknown", "at": LATER, "source_ip": LISTED}, False),
        ({"outcome": "refused_unknown", "at": LATER, "source_ip": ""}, False),
    ],
)
def test_a_403_counts_where_nothing_lets_its_source_in(call: dict[str, Any], counts: bool) -> None:
    """Credentials off and not on the list: whatever the 403 says. Else it may bar a destination."""
    rows = frame(tables.TRAFFIC, [calls_row(**{"source_ip": UNLISTED} | call), calls_row(LISTED)])

    assert [counts, False] == refused(rows, VERSIONS).tolist()


def test_without_a_version_only_the_answer_tells() -> None:
    """Nobody knows the policy: an answer that names the list counts, another does not."""
    rows = frame(
        tables.TRAFFIC, [calls_row(UNLISTED, outcome="refused_auth"), calls_row(UNLISTED, outcome="refused_unknown")]
    )

    assert [True, False] == refused(rows, ()).tolist()
    assert refused(rows.iloc[:0], ()).empty


def test_calls_speak_of_today_where_nothing_changed_for_their_source() -> None:
    """The switch off and on again: what was refused meanwhile says nothing of now, what came before does."""
    on = Policy(frozenset({LISTED}), credentials_on=True)
    versions = (*VERSIONS, PolicyVersion(on, NOW - timedelta(hours=1)))
    times = [EARLIER, LATER, NOW - timedelta(minutes=1), NOW - timedelta(hours=1)]
    rows = frame(tables.TRAFFIC, [calls_row(UNLISTED, at=at) for at in times])

    assert [True, False, True, False] == as_now(rows, versions).tolist()
    assert 4 * [True] == as_now(rows, ()).tolist()
