"""Claims on pages, over every combination of fresh, stale and missing inputs and carrier states."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import cache
from itertools import product
from typing import Any

import pytest

from dashboard import checks, schemas
from dashboard.domain.capabilities import Capability
from dashboard.domain.changes import RemoveAddress
from dashboard.domain.claims import CORE, NOTHING, Claims, GroupStatus, age_s, as_of, cure, lacking, short
from dashboard.domain.findings import Cause, Finding, LastKnown, Status
from dashboard.domain.snapshot import Age, Freshness, Snapshot
from dashboard.fixes.planner import build
from dashboard.web.components import page_titles
from tests.builders import NOW, calls_row, frame, make_snapshot, pbx, refused_row
from tests.pbx.facts import about
from tests.texts import golden

pytestmark = pytest.mark.xdist_group("claims")
"""All tests on one worker, because they share cached verdicts."""

CARRIERS = ("", "The carrier cannot be reached.", "The carrier refused the key.")
OLD = NOW - timedelta(hours=2)
POSITIVE = (
    golden("pages.overview.every_pbx_places_calls"),
    golden("pages.overview.every_pbx_places_calls_amid"),
    golden("pages.overview.each_belongs_to_a_pbx"),
    "No failures found.",
    "Calls go through",
    "Nothing to fix",
    "none was refused",
    *(check.description for check in checks.discover()),
)
HERE = "198.51.100.11"
GONE = "198.51.100.24"
AHEAD = NOW + timedelta(days=3)
"""Read time of an input that was read while the clock was ahead."""
TO_COME = "to come"
"""An additional age beside every ``Age``: stale, because it was read at a time in the future."""
AT_WORK = "at work"
"""Both PBXs called within the last hour."""
LONG_AGO = {"at": NOW - timedelta(days=19)}
UNAVAILABLE = {"outcome": "network", "sip_status": 503}
QUIET: dict[str, tuple[list[dict[str, Any]], str]] = {
    "silence": (
        [calls_row(HERE, pbx_id="seattle", **LONG_AGO), calls_row(GONE, pbx_id="denver", **LONG_AGO)],
        golden("domain.admitted_calls.none_since", pbx="any PBX", day="1 Nov"),
    ),
    "no call": ([], golden("domain.admitted_calls.none_was_seen")),
    "only 503": (
        [calls_row(HERE, pbx_id="seattle", **UNAVAILABLE), calls_row(GONE, pbx_id="denver", **UNAVAILABLE)],
        golden("domain.admitted_calls.none_seen", pbx="any PBX"),
    ),
    "denver silent": (
        [calls_row(HERE, pbx_id="seattle"), calls_row(GONE, pbx_id="denver", **LONG_AGO)],
        golden("domain.admitted_calls.none_since", pbx="Denver", day="1 Nov"),
    ),
    "denver never called": (
        [calls_row(HERE, pbx_id="seattle")],
        golden("domain.admitted_calls.none_seen", pbx="Denver"),
    ),
}
"""
Calls that do not show that every PBX places calls, and what is said of them.

Both PBXs are listed, credentials are off, and the carrier is not known to record refused calls.
"""
BY_CALLS = (
    golden("pages.overview.every_pbx_places_calls"),
    golden("pages.overview.every_pbx_places_calls_amid"),
    "Calls go through",
    "No failures found.",
)
"""Statements that need a recent admitted call of each active PBX."""
COMBINATIONS: list[tuple[str, ...]] = [
    *product(Age, repeat=len(CORE)),
    *(ages for ages in product((Age.FRESH, Age.STALE, TO_COME), repeat=len(CORE)) if ages.count(TO_COME) == 1),
    (TO_COME,) * len(CORE),
]
"""
Ages of the core inputs that are tested together.

Every combination of ``Age``; every combination of fresh and stale with one input of the future; all of the future.
"""
WITHOUT_ROUTES = [(*ages[:3], Age.FRESH, *ages[3:]) for ages in product(Age, repeat=len(CORE) - 1)]
"""Every combination of ``Age``, with fresh routes: no statement on outbound calls depends on those."""


@cache
def world(*, listed: bool, story: str = AT_WORK) -> Snapshot:
    """
    Return two PBXs in order.

    Args:
        listed: Otherwise the carrier refuses a PBX whose address is not listed.
        story: ``AT_WORK``, or a key of ``QUIET``.
    """
    whole = _at_work(listed=listed)
    if story == AT_WORK:
        return whole
    traffic, _ = QUIET[story]
    can = whole.capabilities - {Capability.REFUSALS_IN_CDRS}
    begun = NOW - timedelta(days=20)
    return replace(whole, traffic=frame(schemas.TRAFFIC, traffic), capabilities=can, calls_from=begun)


def _at_work(*, listed: bool) -> Snapshot:
    entries = (HERE, GONE) if listed else (HERE,)
    second = calls_row if listed else refused_row
    names = [("seattle", HERE), ("denver", GONE)]
    return replace(
        make_snapshot(
            credentials_on=False,
            pbxs=[pbx(name, inbound_host=address) for name, address in names],
            addresses=[{"pbx_id": name, "address": address, "kind": "primary"} for name, address in names],
            pbx_numbers=[{"pbx_id": name, "number": f"1206555010{n}"} for n, (name, _) in enumerate(names)],
            numbers=[{"number": f"1206555010{n}", "route_id": f"{n + 1}"} for n in range(2)],
            routes=[
                {"route_id": f"{n + 1}", "alias": name, "route_type": "host", "value": address}
                for n, (name, address) in enumerate(names)
            ],
            pbx_config=[
                {"pbx_id": name, **about("trunk.carrier.host"), "value": "us-west-wa.sip.flowroute.com", "file": "x"}
                for name, _ in names
            ],
            traffic=[calls_row(HERE, pbx_id="seattle", calls=90), second(GONE, pbx_id="denver", calls=10)],
        ),
        allowed_ips=frame(
            schemas.ALLOWED_IPS,
            [{"network": one, "role": "active", "added_at": NOW - timedelta(days=90)} for one in entries],
        ),
    )


@cache
def _found(check: str, ages: tuple[tuple[str, str], ...], *, listed: bool, story: str) -> tuple[Finding, ...]:
    """
    Return the findings of one check with these input ages.

    The house rules ensure that a check reads no other inputs.
    """
    (one,) = [each for each in checks.discover() if each.id == check]
    return tuple(one.findings(_aged(ages, listed=listed, story=story)))


@cache
def _aged(pairs: tuple[tuple[str, str], ...], *, listed: bool, story: str = AT_WORK) -> Snapshot:
    """Return the account with these input ages; the same object for the same ages, so that checks share evidence."""
    ages = dict(pairs)
    snapshot = world(listed=listed, story=story).without([name for name in ages if ages[name] is Age.MISSING])
    read_at = {Age.STALE: OLD, TO_COME: AHEAD}
    stale = {name: Freshness(read_at[age], 3600) for name, age in ages.items() if age in read_at}
    return replace(snapshot, freshness={**snapshot.freshness, **stale})


@cache
def judged(ages: tuple[str, ...], *, listed: bool, story: str = AT_WORK) -> tuple[Snapshot, tuple[Finding, ...]]:
    """Return the account with these input ages, and the findings of every check."""
    by_name = dict(zip(CORE, ages, strict=True))
    each = [
        _found(
            one.id,
            tuple((n, by_name[n]) for n in (*one.deciding, *one.additional) if n in by_name),
            listed=listed,
            story=story,
        )
        for one in checks.discover()
    ]
    findings = tuple(sorted((f for found in each for f in found), key=checks.rank))
    return _aged(tuple(by_name.items()), listed=listed, story=story), findings


def statements(claims: Claims) -> Iterator[str]:
    """Yield every sentence of the claims about the account."""
    yield page_titles.overview(claims)
    yield claims.of_findings()
    yield page_titles.of_account(claims)


@pytest.mark.parametrize("check", checks.discover(), ids=lambda check: check.id)
def test_nothing_to_examine_does_not_read_like_a_pass(check: checks.Check) -> None:
    """The reason of an undecided check states its expectation as unknown, not as met."""
    empty = replace(check, evaluate=lambda _: ())
    (finding,) = empty.findings(world(listed=True))

    assert (Status.UNKNOWN, Cause.MISSING) == (finding.status, finding.cause)
    start = golden("checks.nothing_to_examine_begins")
    assert start == finding.reason[: len(start)]
    assert finding.reason[len(start) :].lower() == check.description.lower()
    assert not [words for words in POSITIVE if words in finding.reason]


def needs(words: str) -> tuple[str, ...]:
    """Return the inputs that support a positive statement."""
    return {
        "Every PBX places calls": ("calls", "allowed_ips", "credentials", "inventory"),
        "every PBX places calls": ("calls", "allowed_ips", "credentials", "inventory"),
        "Calls go through": ("calls", "allowed_ips", "credentials", "inventory"),
        "each belongs to a PBX": ("allowed_ips", "inventory"),
        "none was refused": ("calls",),
    }.get(words, CORE)


@pytest.mark.parametrize("carrier", CARRIERS, ids=["up", "down", "wrong key"])
@pytest.mark.parametrize("listed", [True, False], ids=["in order", "denver refused"])
def test_no_positive_statement_on_stale_or_missing_inputs(*, carrier: str, listed: bool) -> None:
    """No combination of ages gives a positive statement, a zero or a pass mark on stale or missing inputs."""
    for ages in COMBINATIONS:
        snapshot, findings = judged(ages, listed=listed)
        by_name = dict(zip(CORE, ages, strict=True))
        claims = Claims(snapshot, findings, carrier)
        said = " ".join(statements(claims))

        for words in POSITIVE:
            if words in said:
                assert all(by_name[name] is Age.FRESH for name in needs(words)), (by_name, said)
        fresh = all(age is Age.FRESH for age in ages)
        assert (claims.standing() is GroupStatus.CLEAR) <= (fresh and listed)
        assert claims.open_figure.text != "0" or (fresh and listed), (by_name, claims.open_figure)
        counted = claims.figure(0, "calls")
        assert (counted.text == NOTHING) is (by_name["calls"] is not Age.FRESH)
        assert (claims.figure(7, "calls").text == NOTHING) is (by_name["calls"] is Age.MISSING)
        assert bool(counted.why) is (by_name["calls"] is not Age.FRESH)
        for network in (HERE, GONE):
            clear = claims.entry(network) is GroupStatus.CLEAR
            assert not clear or all(by_name[name] is Age.FRESH for name in ("calls", "allowed_ips", "inventory"))
        assert bool(lacking(snapshot)) is not fresh
        assert (golden("domain.claims.in_the_future_amid") in lacking(snapshot)) is (TO_COME in ages)


@pytest.mark.parametrize("story", QUIET)
def test_calls_go_through_only_with_recent_calls(story: str) -> None:
    """No combination of ages gives a statement that calls go through where a PBX is silent or only fails."""
    for ages, carrier in product(WITHOUT_ROUTES, CARRIERS):
        said = " ".join(statements(Claims(*judged(ages, listed=True, story=story), carrier)))

        assert not [words for words in BY_CALLS if words in said], (ages, said)


@pytest.mark.parametrize("story", QUIET)
def test_a_silent_pbx_is_named_and_is_no_failure(story: str) -> None:
    """With every input fresh the title says that the addresses are listed, and since when no call was admitted."""
    claims = Claims(*judged((Age.FRESH,) * len(CORE), listed=True, story=story))
    _, quiet = QUIET[story]

    assert not claims.open
    title = golden("domain.claims.every_address_is_listed", quiet=quiet, not_evaluated=claims.not_evaluated).strip()
    assert title == page_titles.overview(claims)
    dated = Claims(claims.snapshot, claims.findings, CARRIERS[1])
    assert page_titles.overview(dated).startswith(golden("domain.claims.every_address_as_of"))
    whole = golden("domain.claims.no_failures_found", quiet=quiet)
    assert (claims.of_findings() == whole) is (claims.standing() is GroupStatus.CLEAR) is not claims.unevaluated


@pytest.mark.parametrize("story", QUIET)
def test_open_findings_do_not_turn_silence_into_calls(story: str) -> None:
    """A finding to review stands beside what is known of the calls, never beside "Calls go through"."""
    snapshot, findings = judged((Age.FRESH,) * len(CORE), listed=True, story=story)
    _, quiet = QUIET[story]
    failed = [
        replace(one, status=Status.FAIL) if one.check == "allowed_ip_has_pbx" and one.subject == HERE else one
        for one in findings
    ]
    claims = Claims(snapshot, failed)

    said = golden(
        "domain.claims.finding_to_review", first=quiet[0].upper(), rest=quiet[1:], not_evaluated=claims.not_evaluated
    ).strip()
    assert said == page_titles.overview(claims)


@pytest.mark.parametrize("listed", [True, False])
def test_a_verdict_is_fresh_or_says_why_not(*, listed: bool) -> None:
    """Each undecided finding names its cause, and each last known one its time, in every combination."""
    for ages in COMBINATIONS:
        snapshot, findings = judged(ages, listed=listed)
        by_check = {one.id: one for one in checks.discover()}
        for finding in findings:
            deciding = [snapshot.age(name) for name in by_check[finding.check].deciding]
            known = finding.last_known.status if finding.last_known else finding.status
            assert known is not Status.UNKNOWN or "Decided without" not in finding.reason
            if Age.MISSING in deciding:
                assert (Status.UNKNOWN, Cause.MISSING) == (finding.status, finding.cause)
            elif Age.STALE in deciding:
                assert (Status.UNKNOWN, Cause.STALE) == (finding.status, finding.cause)
                assert finding.last_known is not None
                read_at = {OLD, AHEAD} & {snapshot.freshness[name].as_of for name in by_check[finding.check].deciding}
                assert min(read_at) == finding.last_known.as_of
                assert (OLD in read_at) <= (golden("domain.claims.over_an_hour_ago") in finding.reason)
                assert (AHEAD in read_at) <= (
                    "which is " + golden("domain.claims.in_the_future_amid") in finding.reason
                )


def test_a_known_failure_survives_every_stale_input() -> None:
    """Whatever is stale, as long as nothing is missing, the same findings are open in the same places."""
    wanted = [one.id for one in judged((Age.FRESH,) * len(CORE), listed=False)[1] if one.open]
    assert wanted
    for ages in COMBINATIONS:
        if Age.MISSING in ages:
            continue
        assert wanted == [one.id for one in judged(ages, listed=False)[1] if one.open]


def test_a_list_and_an_inventory_are_enough_to_compare_them() -> None:
    """Without calls, credentials and routes, only the comparison of allow list and inventory is made, as inferred."""
    ages = (Age.MISSING, Age.FRESH, Age.MISSING, Age.MISSING, Age.FRESH)
    found = {one.subject: one for one in judged(ages, listed=False)[1] if one.check == "pbx_address_is_allowed"}

    assert {HERE: Status.PASS, GONE: Status.FAIL} == {subject: one.status for subject, one in found.items()}
    assert {"inferred from configuration"} == {str(one.confidence) for one in found.values()}
    assert {("calls", "credentials")} == {one.without for one in found.values()}
    assert all(golden("domain.claims.decided_without") in one.reason for one in found.values())


def test_a_carrier_outage_is_not_a_recovery() -> None:
    """Two hours after the last calls the title repeats the last known failure and its time."""
    ages = (Age.STALE, Age.FRESH, Age.FRESH, Age.STALE, Age.FRESH)
    snapshot, findings = judged(ages, listed=False)

    said = page_titles.overview(Claims(snapshot, findings, CARRIERS[1]))

    assert golden("domain.claims.last_known_rejected") == said


def test_calls_go_through_only_where_it_is_known_of_every_source() -> None:
    """
    "Calls go through" is displayed only if it is known of every source.

    A listed PBX whose calls cannot be evaluated leaves the open finding without a positive statement.
    """
    snapshot, findings = judged((Age.FRESH,) * len(CORE), listed=True)
    said = []
    for status in (Status.PASS, Status.UNKNOWN):
        mixed = [
            replace(one, status=status)
            if (one.check, one.subject) == ("pbx_address_is_allowed", GONE)
            else replace(one, status=Status.FAIL)
            if one.check == "allowed_ip_is_used" and one.subject == HERE
            else one
            for one in findings
        ]
        said.append(Claims(snapshot, mixed).headline())

    assert [golden("domain.claims.calls_go_through"), golden("domain.claims.one_to_review")] == said


def test_a_dynamic_pbx_at_an_unlisted_address_calls_with_credentials() -> None:
    """The all-clear says "from a listed address" alone only if the calls of every PBX came from one."""
    snapshot, findings = judged((Age.FRESH,) * len(CORE), listed=True)
    unlisted = replace(
        snapshot,
        account=replace(snapshot.account, credentials_on=True),
        allowed_ips=snapshot.allowed_ips[snapshot.allowed_ips["network"] == HERE],
    )
    passed = [replace(one, status=Status.PASS) for one in findings]

    assert golden("domain.claims.every_pbx_listed") == Claims(snapshot, passed).headline()
    assert golden("domain.claims.every_pbx_listed_or_credentials") == Claims(unlisted, passed).headline()


def test_all_clear_is_dated_where_the_carrier_cannot_be_read() -> None:
    """If the carrier does not answer, an all-clear gives the time of its data."""
    snapshot, findings = judged((Age.FRESH,) * len(CORE), listed=True)
    earlier = {name: Freshness(NOW - timedelta(minutes=20), 3600) for name in CORE}
    snapshot = replace(snapshot, freshness={**snapshot.freshness, **earlier})

    assert page_titles.overview(Claims(snapshot, findings)).startswith(golden("domain.claims.every_pbx_listed"))
    dated = page_titles.overview(Claims(snapshot, findings, CARRIERS[1]))
    assert dated.startswith(golden("domain.claims.every_pbx_listed_as_of"))


def test_missing_inputs_are_named_without_zeros() -> None:
    """With no inputs, no figure shows zero, and each missing input is named."""
    snapshot, findings = judged((Age.MISSING,) * len(CORE), listed=True)
    claims = Claims(snapshot, findings)

    assert page_titles.overview(claims).startswith(golden("pages.overview.nothing_checked") + " Calls never fetched.")
    assert golden("pages.files_mode.ips_not_entered") + "." == page_titles.of_account(claims)
    assert NOTHING == claims.open_figure.text
    assert lacking(snapshot) in claims.open_figure.why


@pytest.mark.parametrize(
    ("minutes", "words"), [(0, "1 min"), (45, "45 min"), (120, "2 h"), (47 * 60, "47 h"), (8 * 24 * 60, "8 days")]
)
def test_ages_are_abbreviated(minutes: int, words: str) -> None:
    """An age is a number and a unit, which fits into a headline."""
    assert words == short(timedelta(minutes=minutes))


@pytest.mark.parametrize("cause", [Cause.UNDECIDABLE, Cause.MISSING])
def test_no_zero_where_a_check_of_an_input_that_counts_could_not_be_evaluated(cause: Cause) -> None:
    """A single unknown verdict on fresh inputs replaces the zero; missing configurations alone do not."""
    snapshot, findings = judged((Age.FRESH,) * len(CORE), listed=True)
    for place, one in enumerate(findings):
        unknown = replace(one, status=Status.UNKNOWN, cause=cause)
        figure = Claims(snapshot, [*findings[:place], unknown, *findings[place + 1 :]]).open_figure
        assert NOTHING == figure.text
        assert "couldn't be evaluated." in figure.why

    unread = snapshot.without(["configurations"])
    (config,) = [one for one in checks.discover() if one.id == "pbx_config_has_no_secret"]
    others = [one for one in findings if one.check != config.id]
    assert "0" == Claims(unread, [*others, *config.findings(unread)]).open_figure.text


def test_inputs_that_were_read_while_the_clock_was_ahead_are_named_once() -> None:
    """One sentence names all inputs of the future, followed by each remedy once, as for missing inputs."""
    snapshot = _aged(tuple((name, TO_COME) for name in CORE), listed=True)
    start = golden("domain.claims.inputs_last_read_in_future")

    assert golden("domain.claims.clock_with_cure", start=start, cure=cure(snapshot, "inventory")) == lacking(snapshot)
    by_hand = replace(snapshot, capabilities=frozenset({Capability.READ_CALLS}))
    assert lacking(by_hand).startswith(golden("domain.claims.clock_paste", start=start))


def test_an_imported_call_of_the_future_is_no_clock_that_was_set_back() -> None:
    """In mode ``files`` a call of the future means a wrong time zone of the file, and no sync is suggested."""
    snapshot = replace(_aged((("calls", TO_COME),), listed=True), capabilities=frozenset())

    assert golden("domain.claims.newest_call_in_future") == lacking(snapshot)
    told = " ".join((lacking(snapshot), checks.explain_gap(snapshot, "calls"), *_guards(snapshot)))
    assert "clock" not in told
    assert "sync" not in told.lower()
    assert golden("domain.claims.newest_call_dated_so") in told


def _guards(snapshot: Snapshot) -> list[str]:
    """Return the messages of the guards for a change of the allow list."""
    plan = build(snapshot, (RemoveAddress(network=GONE),), max_changes=5)
    return [guard.sentence for guard in plan.guards]


def test_clocks_may_differ_a_little() -> None:
    """An input up to five minutes ahead is fresh, a later one is not; no age is negative."""
    for ahead, age in ((timedelta(minutes=5), Age.FRESH), (timedelta(minutes=6), Age.STALE)):
        assert age is Freshness(NOW + ahead, 3600).age(NOW)


def test_a_last_known_result_says_its_age() -> None:
    """Pages and the command line display the age of a last known result in the same words."""
    (finding, *_) = judged((Age.FRESH,) * len(CORE), listed=True)[1]
    old = replace(finding, status=Status.UNKNOWN, last_known=LastKnown(Status.FAIL, OLD))

    assert golden("domain.claims.last_known_two_hours") == as_of(old, NOW)
    assert "" == as_of(finding, NOW)
    assert 7200 == age_s(old, NOW)
    ahead = replace(old, last_known=LastKnown(Status.FAIL, AHEAD))
    assert golden("domain.claims.last_known_future") == as_of(ahead, NOW)
    assert age_s(ahead, NOW) is None
