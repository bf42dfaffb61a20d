"""Proof that PBXs place calls: which calls count, and what is said of a PBX without such a call."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dashboard import schemas
from dashboard.domain.admission import Observations, Policy, PolicyVersion
from dashboard.domain.admitted_calls import all_by_list, silence, silence_of
from dashboard.domain.snapshot import Snapshot
from dashboard.schemas.tables import FILE_ONLY
from tests.builders import NOW, calls_row, frame, make_snapshot, pbx, refused_row
from tests.texts import golden

ADDRESSES = {"seattle": "198.51.100.11", "denver": "198.51.100.24", "tampa": "198.51.100.30"}
SEATTLE, DENVER, TAMPA = ADDRESSES.values()
DAY = timedelta(days=1)
UNCLEAR = golden("domain.admitted_calls.none_proves")


def call(whose: str, **facts: Any) -> dict[str, Any]:
    """Return an answered call from the address of a PBX, an hour ago, attributed to it."""
    return calls_row(facts.pop("source", ADDRESSES[whose]), **({"pbx_id": whose} | facts))


def world(*traffic: dict[str, Any], ids: tuple[str, ...] = ("seattle", "denver"), **facts: Any) -> Snapshot:
    """Return static PBXs whose addresses are listed, with credentials off."""
    told: dict[str, Any] = {
        "allowed": tuple(ADDRESSES[one] for one in ids),
        "credentials_on": False,
        "pbxs": [pbx(one) for one in ids],
        "addresses": [{"pbx_id": one, "address": ADDRESSES[one], "kind": "primary"} for one in ids],
        "traffic": list(traffic),
    }
    return make_snapshot(**(told | facts))


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({}, ""),
        ({"outcome": "busy_or_no_answer", "sip_status": 486}, ""),
        ({"outcome": "gave_up", "sip_status": 487}, ""),
        ({"at": NOW - DAY + timedelta(minutes=1)}, ""),
        ({"at": NOW - DAY}, golden("domain.admitted_calls.none_since", pbx="Denver", day="19 Nov")),
        ({"outcome": "network", "sip_status": 503}, golden("domain.admitted_calls.none_seen", pbx="Denver")),
        ({"outcome": "bad_number", "sip_status": 404}, golden("domain.admitted_calls.none_seen", pbx="Denver")),
        (
            {"outcome": "refused_auth", "sip_status": 403},
            golden("domain.admitted_calls.refused_since", pbx="Denver", time="11:00"),
        ),
        ({"direction": "inbound"}, golden("domain.admitted_calls.none_seen", pbx="Denver")),
        ({"source": "203.0.113.66", "attributed_by": "x_tag"}, UNCLEAR),
        ({"pbx_id": "seattle", "attributed_by": "x_tag"}, UNCLEAR),
        ({"pbx_id": "denver|seattle", "attributed_by": "shared_address"}, UNCLEAR),
    ],
)
def test_a_recent_admitted_call_from_its_own_address_is_the_proof(facts: dict[str, Any], said: str) -> None:
    """Nothing else shows that a PBX places calls: no old, failed or inbound call, and no X-Tag from elsewhere."""
    assert said == silence(world(call("seattle"), call("denver", **facts)))


def test_a_call_from_before_the_policy_changed_proves_nothing() -> None:
    """After credentials are switched off, only later calls show that a PBX is admitted by its address."""
    networks = frozenset((SEATTLE, DENVER))
    switched = NOW - timedelta(minutes=30)
    versions = (
        PolicyVersion(Policy(networks, credentials_on=True), NOW - 60 * DAY),
        PolicyVersion(Policy(networks, credentials_on=False), switched),
    )
    later = {"at": switched + timedelta(minutes=1)}

    assert UNCLEAR == silence(world(call("seattle", **later), call("denver"), versions=versions))
    assert "" == silence(world(call("seattle", **later), call("denver", **later), versions=versions))


HOUR = timedelta(hours=1)
ADMITTED_EARLY = call("denver", at=NOW - 23 * HOUR)
MIXED_HOUR = {"at": NOW - 2 * HOUR, "last_at": NOW - HOUR}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            [refused_row(DENVER, pbx_id="denver", at=NOW - 3 * HOUR)],
            golden("domain.admitted_calls.refused_since", pbx="Denver", time="09:00"),
        ),
        (
            [refused_row(DENVER, pbx_id="denver", at=NOW - 22 * HOUR, last_at=NOW)],
            golden("domain.admitted_calls.refused_since", pbx="Denver", time="19 Nov 14:00"),
        ),
        ([refused_row(DENVER, pbx_id="denver", at=NOW - 3 * HOUR), call("denver")], ""),
        (
            [refused_row(DENVER, pbx_id="denver", **MIXED_HOUR), call("denver", at=NOW - 2 * HOUR)],
            golden("domain.admitted_calls.refused_since", pbx="Denver", time="11:00"),
        ),
        ([refused_row(DENVER, pbx_id="denver", **MIXED_HOUR), call("denver", **MIXED_HOUR)], ""),
        (
            [refused_row(DENVER, pbx_id="seattle")],
            golden("domain.admitted_calls.refused_since", pbx="Denver", time="11:00"),
        ),
        ([refused_row(DENVER, pbx_id="denver", outcome="refused_unknown")], ""),
        ([refused_row("203.0.113.66", pbx_id="denver", attributed_by="x_tag")], ""),
    ],
)
def test_an_admission_before_a_refusal_is_no_proof(rows: list[dict[str, Any]], said: str) -> None:
    """A PBX is not proven to place calls while its latest decided call, from its own addresses, was refused."""
    known = world(call("seattle"), ADMITTED_EARLY, *rows)

    assert said == silence(known) == silence_of(known, "denver")
    assert "" == silence_of(known, "seattle")


def test_a_refusal_with_the_status_of_calls_without_a_path_counts() -> None:
    """With credentials off, a 403 with the status that was observed for such calls is a proven refusal."""
    row = refused_row(DENVER, pbx_id="denver", outcome="refused_unknown")
    known = world(call("seattle"), ADMITTED_EARLY, row, observed=Observations(no_path_status=403))

    assert golden("domain.admitted_calls.refused_since", pbx="Denver", time="11:00") == silence(known)


def test_refused_and_silent_pbxs_are_named_apart() -> None:
    """One clause states whose calls are refused and another which proof the others lack."""
    refused = [refused_row(ADDRESSES[one], pbx_id=one) for one in ("seattle", "denver")]
    ids = ("seattle", "denver", "tampa")

    assert golden("domain.admitted_calls.refused_and_silent") == silence(
        world(*refused, call("tampa", at=NOW - 3 * DAY), ids=ids)
    )
    assert golden("domain.admitted_calls.refused_since", pbx="every PBX", time="11:00") == silence(world(*refused))


def test_calls_from_before_the_first_policy_on_record_prove_nothing() -> None:
    """On a first install the clause gives the time from which calls would prove something about today."""
    policy = Policy(frozenset((SEATTLE, DENVER)), credentials_on=False)
    first = (PolicyVersion(policy, NOW - timedelta(minutes=10)),)
    rows = [call("seattle"), call("denver")]
    later = {"at": NOW - timedelta(minutes=1)}

    assert golden("domain.admitted_calls.none_since_policy") == silence(world(*rows, versions=first))
    assert "" == silence(world(call("seattle", **later), call("denver", **later), versions=first))
    unknown = golden("domain.admitted_calls.no_policy")
    assert unknown == silence(world(*rows, versions=()))


def test_only_calls_from_its_own_addresses_date_the_silence_of_a_pbx() -> None:
    """A call that only claims to be of a PBX, or that the carrier does not have, is not its latest admitted call."""
    own = call("denver", at=NOW - 20 * DAY)
    claimed = call("denver", source="203.0.113.66", attributed_by="x_tag", at=NOW - 3 * DAY)
    imported = call("denver", provenance=FILE_ONLY, at=NOW - 2 * DAY)
    known = replace(world(call("seattle"), own, claimed), file_only_traffic=frame(schemas.TRAFFIC, [imported]))

    assert golden("domain.admitted_calls.none_since", pbx="Denver", day="31 Oct") == silence(known)


def test_an_address_that_a_pbx_has_left_dates_its_silence_until_then() -> None:
    """Calls from an address count as those of a PBX until it left that address."""
    left = {"pbx_id": "denver", "address": "198.51.100.23", "kind": "primary", "valid_to": NOW - 5 * DAY}
    addresses = [{"pbx_id": one, "address": ADDRESSES[one], "kind": "primary"} for one in ("seattle", "denver")]
    rows = [call("denver", source="198.51.100.23", at=NOW - days * DAY) for days in (6, 4)]

    assert golden("domain.admitted_calls.none_since", pbx="Denver", day="14 Nov") == silence(
        world(call("seattle"), *rows, addresses=[*addresses, left])
    )


def test_a_pbx_without_a_current_address_cannot_be_proven() -> None:
    """The clause names the missing address, because no call can prove anything until the inventory has it."""
    pbxs = [pbx("seattle"), pbx("denver", ip_kind="dynamic", auth_method="credentials")]
    seattle = {"pbx_id": "seattle", "address": SEATTLE, "kind": "primary"}
    row = call("denver", source="203.0.113.66", attributed_by="x_tag")
    known = world(call("seattle"), row, pbxs=pbxs, addresses=[seattle], credentials_on=True)

    assert golden("domain.admitted_calls.none_can_prove") == silence(known)


@pytest.mark.parametrize(("allowed", "whole"), [((SEATTLE, DENVER), True), ((SEATTLE,), False)])
def test_calls_by_the_list_come_from_listed_addresses(allowed: tuple[str, ...], *, whole: bool) -> None:
    """A dynamic PBX whose address is not listed places calls with credentials, not by the list."""
    known = world(call("seattle"), call("denver"), allowed=allowed, credentials_on=True)

    assert "" == silence(known)
    assert whole is all_by_list(known)


@pytest.mark.parametrize(("credentials_on", "said"), [(True, ""), (False, UNCLEAR), (None, UNCLEAR)])
def test_an_unlisted_address_is_admitted_only_with_credentials(*, credentials_on: bool | None, said: str) -> None:
    """An admitted call that contradicts the list on record proves nothing about today."""
    known = world(call("seattle"), call("denver"), allowed=(SEATTLE,), credentials_on=credentials_on)

    assert said == silence(known)


def test_a_call_that_the_carrier_does_not_have_proves_nothing() -> None:
    """A call of an imported file that the carrier's export lacks is neither proof nor silence."""
    row = call("denver", provenance=FILE_ONLY)

    assert UNCLEAR == silence(replace(world(call("seattle")), file_only_traffic=frame(schemas.TRAFFIC, [row])))


@pytest.mark.parametrize(
    ("traffic", "said"),
    [
        ([], golden("domain.admitted_calls.none_was_seen")),
        ([refused_row("203.0.113.66")], golden("domain.admitted_calls.none_seen", pbx="any PBX")),
        ([call("tampa")], golden("domain.admitted_calls.none_seen", pbx="2 PBXs")),
        ([call("tampa"), call("denver", at=NOW - 8 * DAY)], golden("domain.admitted_calls.none_in_24_hours")),
        (
            [call("tampa", at=NOW - 3 * DAY), call("denver", at=NOW - 8 * DAY)],
            golden("domain.admitted_calls.none_since", pbx="any PBX", day="17 Nov"),
        ),
        (
            [call("seattle"), call("denver", source="203.0.113.66")],
            golden("domain.admitted_calls.none_proves_for_two"),
        ),
    ],
)
def test_several_silent_pbxs_are_counted(traffic: list[dict[str, Any]], said: str) -> None:
    """The clause names a single PBX, counts several, and never denies a call that is on record."""
    assert said == silence(world(*traffic, ids=("seattle", "denver", "tampa")))


def test_only_active_pbxs_are_expected_to_call() -> None:
    """A standby or retired PBX is silent on purpose; without any active PBX no call is expected."""
    spare = [pbx("seattle"), pbx("denver", status="standby"), pbx("tampa", status="retired")]
    ids = ("seattle", "denver", "tampa")

    assert "" == silence(world(call("seattle"), ids=ids, pbxs=spare))
    assert golden("domain.admitted_calls.no_pbx_is_active") == silence(world(call("denver"), ids=ids, pbxs=spare[1:]))


def test_a_name_is_written_as_the_page_displays_it() -> None:
    """The function for names is applied to the name of a single PBX."""
    assert golden("domain.admitted_calls.none_seen", pbx="DENVER") == silence(world(call("seattle")), str.upper)
