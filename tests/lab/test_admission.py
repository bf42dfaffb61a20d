"""Every row of the admission rule's case table, decided by a SIP edge on real calls as by the rule."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from dashboard.domain.admission import CallFacts, Observations, admit
from tests.lab.edge import PASSWORD, USER
from tests.lab.lab import PREFIX, Lab
from tests.paths import TESTS

TABLE = TESTS / "domain" / "admission_cases.csv"
CODES = ("403", "401")
SOURCE = "198.51.100.24"
NUMBER = "12025550100"
FACTS = ("dials_prefix", "authorized", "credentials_on", "digest_valid", "digest_rescues_prefix")


def cases() -> Iterator[dict[str, Any]]:
    """Yield the rows without unknown facts, with ``any`` replaced by each of its two values."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if "unknown" in [row[name] for name in (*FACTS, "no_path_status")]:
                continue
            ways = [("yes", "no") if row[name] == "any" else (row[name],) for name in FACTS]
            codes = CODES if row["no_path_status"] == "any" else (row["no_path_status"],)
            for *way, code in product(*ways, codes):
                yield row | dict(zip(FACTS, way, strict=True)) | {"no_path_status": code}


@pytest.mark.parametrize(
    "case", list(cases()), ids=lambda case: f"{case['why']}-{'-'.join(case[name] for name in FACTS)}"
)
def test_edge_decides_like_the_rule(lab: Lab, case: dict[str, Any]) -> None:
    """
    A real call with the facts of a case is answered, or refused with the code of the table.

    A carrier that accepts a digest has to challenge, so a call without a digest ends at the challenge. Here such a
    caller answers the challenge with a wrong password and receives the code of the table.
    """
    prefix, together, on, digest, rescues = (case[name] == "yes" for name in FACTS)
    lab.set(credentials_enabled=on, digest_rescues_prefix=rescues, no_path_status=int(case["no_path_status"]))
    lab.list_only([SOURCE] if together else [])
    dialed = f"{PREFIX}*{NUMBER}" if prefix else NUMBER

    (ended,) = lab.call(dialed, source=SOURCE, user=USER, password=PASSWORD if digest else "wrong")

    assert ended.status == (int(case["sip_status"]) if case["sip_status"] else 200)
    decided = admit(CallFacts(prefix, together, on, digest), Observations(rescues, int(case["no_path_status"])))
    assert (ended.status == 200) is decided.admitted is (case["admitted"] == "yes")


def test_a_wrong_prefix_is_no_prefix_of_ours(lab: Lab) -> None:
    """A wrong prefix is refused although the address is listed: they are not authorized together."""
    lab.set(credentials_enabled=False)
    lab.list_only([SOURCE])

    ended = lab.call(f"{PREFIX}*{NUMBER}", f"87654321*{NUMBER}", source=SOURCE)

    assert {f"{PREFIX}*{NUMBER}": 200, f"87654321*{NUMBER}": 403} == {call.user: call.status for call in ended}


def test_a_network_lets_in_what_is_inside(lab: Lab) -> None:
    """An old entry may be a network: calls from inside it are answered, calls from outside are refused."""
    lab.set(credentials_enabled=False)
    lab.list_only(["192.0.2.16/28", "198.51.100.24/30"])
    dialed = f"{PREFIX}*{NUMBER}"

    status = {source: lab.call(dialed, source=source)[0].status for source in (SOURCE, "198.51.100.11")}

    assert {SOURCE: 200, "198.51.100.11": 403} == status


def test_every_call_is_a_cdr_once(lab: Lab) -> None:
    """Answered, 486, 404, 480, 503 and an unanswered challenge: one CDR each, with code, source and X-Tag."""
    lab.set(credentials_enabled=True, digest_rescues_prefix=True)
    lab.list_only(["198.51.100.11"])
    listed = [f"{PREFIX}*1202555018{digit}" for digit in (0, 6, 4, 7, 3)]

    said = lab.call(*listed, source="198.51.100.11", x_tag="seattle")
    said += lab.call(f"{PREFIX}*12025550190", source="203.0.113.66")
    numbers = {call.user.removeprefix(f"{PREFIX}*") for call in said}
    kept = lab.settled(numbers, len(said))

    expected = [("198.51.100.11", call.user[9:], call.status, "seattle") for call in said[:-1]]
    found = [(call.source, call.number, call.code, call.x_tag) for call in kept]
    assert sorted([*expected, ("203.0.113.66", "12025550190", 407, "")]) == sorted(found)
