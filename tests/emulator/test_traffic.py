"""Emulated calls: reproducible from the seed, decided by the admission rule, and realistic for an office."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dashboard.core.stories import STORIES
from dashboard.domain.admission import ACL_REASON, Observations, Policy
from dashboard.emulator.database import CALL_COLUMNS
from dashboard.emulator.traffic.sample import Caller, Sample, load
from dashboard.emulator.traffic.traffic import decide, history
from dashboard.sip.call_outcomes import outcome

END = datetime(2026, 11, 23, 2, 0, 0, 700_000, tzinfo=UTC)
START = END - timedelta(days=30)
CALLS = 6_000
SHARED = "198.51.100.80"
SEED = 7
DENVER = "198.51.100.24"
INTRUDER = "203.0.113.66"
ATLANTA = "198.51.100.40"
FORGER = "203.0.113.77"
THIEF = "203.0.113.88"
Call = dict[str, Any]


@cache
def sample(without: tuple[str, ...] = ()) -> Sample:
    """Return the sample account at the end of the period."""
    return load(END, without)


@cache
def calls(
    without: tuple[str, ...] = (), *, calls: int = CALLS, seed: int = SEED, rescues: bool = True, refusals: bool = True
) -> list[Call]:
    """Return thirty days of calls as dictionaries."""
    rows = history(
        sample(without),
        start=START,
        end=END,
        calls=calls,
        seed=seed,
        observations=Observations(digest_rescues_prefix=rescues, no_path_status=403),
        refusals_in_cdrs=refusals,
    )
    return [dict(zip(CALL_COLUMNS, row, strict=True)) for row in rows]


def at(call: Call, column: str = "start_time") -> datetime:
    """Return a time of a call."""
    assert call[column].endswith("+00")
    return datetime.strptime(call[column] + "00", "%Y-%m-%d %H:%M:%S%z")


def source(call: Call) -> str:
    """Return the source address of a call without its port."""
    return str(call["customer_ip"]).split(":")[0]


def outbound(some: Iterable[Call], address: str = "") -> list[Call]:
    """Return the outbound calls, optionally of one address."""
    return [call for call in some if call["direction"] == "Outbound" and address in ("", source(call))]


def refused(some: Iterable[Call]) -> list[Call]:
    """Return the calls that the account's list refused."""
    return [call for call in some if call["call_fail_reason"] == ACL_REASON]


def caller_of(call: Call, of: Sample) -> Caller:
    """Return the caller by the address valid at the call's start and, for shared addresses, by X-Tag or number."""
    (caller,) = (
        caller
        for caller in of.callers
        for address in caller.addresses
        if not (caller.name == "phoenix-in" and call["direction"] == "Outbound")
        and address.address == source(call)
        and (
            address.address != SHARED
            or caller.x_tag == call["custom_x_tag"]
            or call["destination"] in {line.number for line in caller.lines}
        )
        and address.valid_from <= at(call)
        and (address.valid_to is None or at(call) < address.valid_to)
    )
    return caller


def test_a_seed_always_makes_the_same_calls() -> None:
    """Equal arguments give equal rows; another seed gives others."""
    again = calls.__wrapped__(calls=1000)

    assert calls(calls=1000) == again
    assert calls(calls=1000, seed=8) != again


@pytest.mark.parametrize("rescues", [True, False])
@pytest.mark.parametrize("wanted", [10_000, 20_000, 50_000])
def test_there_are_about_as_many_calls_as_asked_for(wanted: int, *, rescues: bool) -> None:
    """The number of calls is within 5 % of the requested one, with every story and every refusal."""
    assert wanted == pytest.approx(len(calls(calls=wanted, rescues=rescues)), rel=0.05)


def test_nothing_lies_outside_the_span_and_all_is_in_order() -> None:
    """A call starts in [start, end), ends by the end, and follows those that started before it."""
    starts = [at(call) for call in calls()]

    assert START <= min(starts)
    assert max(starts) < END
    assert max(at(call, "end_time") for call in calls()) <= END
    assert sorted(starts) == starts


@pytest.mark.parametrize("length", [timedelta(0), timedelta(seconds=1), timedelta(minutes=7), timedelta(hours=25)])
def test_a_span_of_any_length_has_its_calls(length: timedelta) -> None:
    """An empty span has no calls; a short one has all of them within it."""
    rows = list(
        history(
            sample(),
            start=END - length,
            end=END,
            calls=200,
            seed=SEED,
            observations=Observations(digest_rescues_prefix=True, no_path_status=403),
            refusals_in_cdrs=True,
        )
    )

    assert bool(rows) == (length > timedelta(seconds=1))
    assert all(END - length <= at(dict(zip(CALL_COLUMNS, row, strict=True))) < END for row in rows)


@pytest.mark.parametrize("rescues", [True, False])
@pytest.mark.parametrize("without", [(), *((story,) for story in STORIES)], ids=lambda one: "-".join(one) or "whole")
def test_every_outbound_call_obeys_the_admission_rule(without: tuple[str, ...], *, rescues: bool) -> None:
    """Admission, status and reason equal those of ``admission.admit`` for the source at that time."""
    account = sample(without)
    policy = Policy(
        frozenset(row["network"] for row in account.allowed_ips), account.credentials_enabled, account.tech_prefix
    )
    observed = Observations(digest_rescues_prefix=rescues, no_path_status=403)

    for call in outbound(calls(without, rescues=rescues)):
        removed = {row["network"] for row in account.past_allowed_ips if at(call) < row["removed_at"]}
        then = replace(policy, networks=policy.networks | removed)
        decision = decide(caller_of(call, account), source(call), account, then, observed)
        seen = (call["call_fail_sip_code"], call["call_fail_reason"])
        assert decision.admitted == (seen != (403, ACL_REASON))
        if not decision.admitted:
            assert (decision.sip_status, decision.sip_reason) == seen
            assert ("failed", 0, "0.00000000") == (call["result"], call["duration"], call["total_cost"])


def test_only_denver_is_refused() -> None:
    """
    Denver is refused for three days, every time, and no other PBX.

    Exception: Atlanta is refused as well if a digest does not rescue the prefix.
    """
    assert {DENVER} == {source(call) for call in refused(calls())}
    assert {DENVER, ATLANTA} == {source(call) for call in refused(calls(rescues=False))}
    assert outbound(calls(), DENVER) == refused(calls())
    assert END - timedelta(days=3) <= at(refused(calls())[0]) < END - timedelta(days=2)
    assert refused(calls(("moved",))) == []


def test_a_refused_call_is_tried_again() -> None:
    """The same extension dials the same number again seconds later, so there are more attempts than calls."""
    tries = Counter((call["destination"], call["callerid"]) for call in outbound(calls(), DENVER))

    calls_meant = len(tries)
    attempts = tries.total()
    assert attempts > 1.3 * calls_meant


def test_refusals_without_a_record_are_simply_not_there() -> None:
    """With the switch off, refusals are missing, and the other rows do not change."""
    for rescues in (True, False):
        recorded = calls(rescues=rescues)
        silent = calls(rescues=rescues, refusals=False)
        assert [call for call in recorded if call["call_fail_reason"] != ACL_REASON] == silent


@pytest.mark.parametrize(
    ("story", "gone", "new"),
    [
        ("moved", {DENVER}, {"198.51.100.23"}),
        ("credentials", set(), set()),
        ("dynamic", {"203.0.113.130", "203.0.113.141", "203.0.113.152", "203.0.113.167"}, set()),
        ("retired", set(), set()),
        ("no_route", set(), {"198.51.100.60"}),
        ("standby", set(), set()),
        ("nobody", {INTRUDER}, set()),
    ],
)
def test_taking_a_story_out_changes_only_its_own_calls(story: str, gone: set[str], new: set[str]) -> None:
    """The calls of other callers are identical to the last digit."""
    before, after = (Counter(tuple(call.items()) for call in some) for some in (calls(), calls((story,))))

    assert gone == {source(dict(row)) for row in before - after}
    assert new == {source(dict(row)) for row in after - before}


def test_money_adds_up() -> None:
    """Cost is the rate per minute in steps of six seconds; the total is subtotal plus fees, to the last decimal."""
    for call in calls():
        money = {name: Decimal(call[name]) for name in ("total_cost", "rate", "cost_subtotal", "ccrf", "connect_fee")}
        fees = [Decimal(call[name]) for name in ("connect_fee", "usf_fee", "ccrf", "cnam_lookup_fee")]
        assert (6, 6) == (call["first_increment"], call["subsequent_increment"])
        assert 0 <= call["billed_duration"] - call["duration"] < 6
        assert call["billed_duration"] % 6 == 0
        assert Decimal(call["billed_duration"]) * money["rate"] / 60 == money["cost_subtotal"]
        assert money["cost_subtotal"] + sum(fees) == money["total_cost"]
        assert abs(money["ccrf"] - money["cost_subtotal"] * Decimal("0.13045")) <= Decimal("0.00000001")
        assert {8} == {-int(value.as_tuple().exponent) for value in [*money.values(), *fees]}


def test_a_row_is_whole() -> None:
    """End minus start is the talk time, which only answered calls have; numbers are digits, callers have a plus."""
    for call in calls():
        talked = timedelta(seconds=call["duration"])
        assert (at(call, "end_time") - at(call), talked > timedelta(0)) == (talked, call["result"] == "completed")
        assert call["destination"].isdigit()
        assert (call["callerid"][0], call["callerid"][1:].isdigit()) == ("+", True)
        assert (call["callerid_country"] == "N/A") == (call["direction"] == "Outbound")


def test_outcomes_are_distributed_like_telephone_calls() -> None:
    """70 % of outbound calls are answered, every outcome occurs, and an unclear refusal is rare."""
    ended = Counter(
        outcome(call["result"], call["call_fail_sip_code"], call["call_fail_reason"])
        for call in outbound(calls())
        if source(call) not in (DENVER, INTRUDER, FORGER, THIEF)
    )

    assert 0.70 == pytest.approx(ended["answered"] / ended.total(), abs=0.03)
    assert {"answered", "busy_or_no_answer", "gave_up", "bad_number", "network", "media", "refused_unknown"} == set(
        ended
    )
    assert 0 < ended["refused_unknown"] / ended.total() < 0.01
    zones = {call["destination_name"] for call in outbound(calls())}
    assert {"UNITED STATES", "UNITED STATES - TOLL FREE", "CANADA", "UNITED KINGDOM"} < zones
    assert 0.2 < sum(":" in call["customer_ip"] for call in calls()) / len(calls()) < 0.4
    fees = {call["destination"] for call in calls() if Decimal(call["connect_fee"])}
    assert {"18005550122"} == fees


def test_callers_have_expected_volumes() -> None:
    """Seattle is the largest; Atlanta and Miami have 5 % to 8 % of the calls each."""
    share = Counter(caller_of(call, sample()).name for call in calls())

    assert "seattle" == share.most_common(1)[0][0]
    assert all(0.05 <= share[name] / share.total() <= 0.081 for name in ("atlanta", "miami"))


def test_an_office_is_busy_in_its_own_hours() -> None:
    """In local time there are ten times as many calls at ten as at three in the morning, and few on Sundays."""
    zone = ZoneInfo("America/Los_Angeles")
    local = [at(call).astimezone(zone) for call in calls() if source(call) == "198.51.100.11"]
    hours = Counter(when.hour for when in local)
    days = Counter(when.weekday() for when in local)

    assert hours[10] > 10 * hours[3] > 0
    assert days[2] > 5 * days[6] > 0


def test_calls_go_on_to_the_very_end() -> None:
    """The last hours have no fewer calls than the same hours a week before."""
    late = [call for call in calls(calls=20_000) if at(call) >= END - timedelta(hours=3)]
    before = [
        call for call in calls(calls=20_000) if timedelta(0) <= END - timedelta(days=7) - at(call) < timedelta(hours=3)
    ]

    assert len(before) == pytest.approx(len(late), rel=0.35)
    assert END - at(late[-1]) < timedelta(minutes=15)


@pytest.mark.parametrize("wanted", [500, CALLS])
def test_the_intruder_spends_about_four_hundred_dollars_a_night(wanted: int) -> None:
    """For five nights, whatever the total number of calls; only at night, to expensive numbers, unassigned."""
    nights: defaultdict[Any, Decimal] = defaultdict(Decimal)
    placed = outbound(calls(calls=wanted), INTRUDER)
    for call in placed:
        when = at(call).astimezone(ZoneInfo("America/Los_Angeles"))
        nights[when.date()] += Decimal(call["total_cost"])
        assert when.hour < 5
        assert ("UNITED KINGDOM - PREMIUM", "") == (call["destination_name"], call["custom_x_tag"])
        assert call["callerid"][1:] not in {row["number"] for row in sample().numbers}

    assert 5 == len(nights)
    assert all(350 < spent < 450 for spent in nights.values())
    assert END - at(placed[-1]) < timedelta(days=1)


@pytest.mark.parametrize("hours_into_night", [2, 12])
def test_five_nights_end_with_the_account(hours_into_night: int) -> None:
    """Whatever the time of day, the last five days contain five nights of calls, and none is in the future."""
    now = datetime(2026, 11, 20, 8, tzinfo=UTC) + timedelta(hours=hours_into_night)
    rows = history(
        load(now, ["forged", "theft", "network"]),
        start=now - timedelta(days=30),
        end=now,
        calls=0,
        seed=SEED,
        observations=Observations(digest_rescues_prefix=True, no_path_status=403),
        refusals_in_cdrs=True,
    )

    assert 150 == pytest.approx(len(list(rows)), abs=6)


def test_the_past_thief_calls_until_its_entry_is_removed() -> None:
    """The past thief calls for five nights, admitted by the list of that time."""
    placed = outbound(calls(), THIEF)

    assert 50 == pytest.approx(len(placed), abs=4)
    assert not refused(placed)
    assert all(END - timedelta(days=18) < at(call) < END - timedelta(days=12) for call in placed)


@pytest.mark.parametrize("hour", range(24))
def test_the_past_thief_is_never_refused(hour: int) -> None:
    """Its calls end before its entry was removed, also if that was during its hours at night."""
    end = END + timedelta(hours=hour, minutes=40)
    rows = history(
        load(end, ()),
        start=end - timedelta(days=20),
        end=end,
        calls=50,
        seed=SEED,
        observations=Observations(digest_rescues_prefix=True, no_path_status=403),
        refusals_in_cdrs=True,
    )
    placed = outbound([dict(zip(CALL_COLUMNS, row, strict=True)) for row in rows], THIEF)

    assert placed
    assert not refused(placed)
    assert all(at(call) < end - timedelta(days=12) for call in placed)


def test_miami_moves_about_every_eight_days() -> None:
    """Miami has four addresses in thirty days, one after the other, all of them admitted."""
    seen: defaultdict[str, list[datetime]] = defaultdict(list)
    for call in outbound(calls(("forged",))):
        if call["custom_x_tag"] == "miami":
            seen[source(call)].append(at(call))
    spans = sorted((min(times), max(times)) for times in seen.values())

    assert 4 == len(spans)
    assert all(ends < begins for (_, ends), (begins, _) in pairwise(spans))


def test_inbound_calls_reach_numbers_that_are_routed() -> None:
    """Only numbers with a host route are called; Phoenix's only once they have one."""

    def called(without: Collection[str]) -> set[str]:
        """Return the numbers that received calls."""
        return {call["destination"] for call in calls(tuple(without)) if call["direction"] == "Inbound"}

    def routed(without: Collection[str]) -> set[str]:
        """Return the numbers routed to a PBX."""
        return {row["number"] for row in sample(tuple(without)).numbers if row["route"] not in ("", "sip-reg")}

    assert called(()) == routed(())
    assert called(("no_route",)) == routed(("no_route",)) == routed(()) | {"16025550150", "16025550151"}
