"""Parts of pages that need no browser: text formatting, chart frames, titles, diffs and edits."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from dashboard import charts
from dashboard.calls.analytics.cube import ALL, CubePart, empty_cube
from dashboard.charts import frames as shapes
from dashboard.charts.encodings import STATES
from dashboard.core import elapsed, text
from dashboard.core.errors import InputError
from dashboard.domain.admission import Observations, Policy, PolicyVersion
from dashboard.domain.changes import (
    AllowAddress,
    CreateRoute,
    LabelCount,
    RemoveAddress,
    ReplayImpact,
    RouteNumber,
    SetCredentials,
)
from dashboard.domain.claims import Claims
from dashboard.domain.findings import Confidence, Finding, Severity, Status
from dashboard.domain.findings import Impact as Cost
from dashboard.domain.snapshot import Snapshot
from dashboard.schemas.tables import OUTCOMES
from dashboard.web.calls import search
from dashboard.web.components import formatting, page_titles, tables
from dashboard.web.fixes import diffs
from dashboard.web.inventory import edits
from dashboard.web.overview import cards
from tests.builders import NOW, calls_row, cube_of, make_snapshot, pbx, refused_row
from tests.texts import golden, golden_pattern

NEW_YORK = ZoneInfo("America/New_York")
UTC = ZoneInfo("UTC")
DENVER = {"pbx_id": "denver", "address": "198.51.100.24", "kind": "primary", "valid_from": NOW - timedelta(days=3)}
LEFT = {"pbx_id": "denver", "address": "198.51.100.23", "valid_to": NOW - timedelta(days=3)}


def finding(check: str = "pbx_address_is_allowed", subject: str = "198.51.100.24", **facts: object) -> Finding:
    """Return a finding; by default a failure of Denver's address."""
    row = {
        "title": "Every address is allowed",
        "status": Status.FAIL,
        "severity": Severity.HIGH,
        "confidence": Confidence.PROVEN,
        "impact": Cost.OUTAGE,
        "reason": "It is not on the list.",
        "pbx_ids": ("denver",),
    }
    return Finding(check=check, subject=subject, **{**row, **facts})


def overview(snapshot: Snapshot, findings: list[Finding]) -> str:
    """Return the title of the Overview page."""
    return page_titles.overview(Claims(snapshot, findings))


@pytest.fixture
def world() -> Snapshot:
    """Return a snapshot in which Denver has moved and is refused, and an unassigned address spends money."""
    return make_snapshot(
        allowed=("198.51.100.11", "198.51.100.23", "203.0.113.66"),
        pbxs=[pbx("seattle"), pbx("denver")],
        addresses=[DENVER, LEFT, {"pbx_id": "seattle", "address": "198.51.100.11"}],
        traffic=[
            calls_row("198.51.100.11", pbx_id="seattle", calls=90),
            refused_row("198.51.100.24", pbx_id="denver", calls=10),
            calls_row("203.0.113.66", calls=4, cost_usd="412.40000000", zone="UNITED KINGDOM"),
        ],
    )


def by_outcome(**calls: int) -> pd.DataFrame:
    """Return the number of calls by outcome."""
    return pd.DataFrame({"outcome": [*calls], "calls": [*calls.values()]})


@pytest.mark.parametrize(
    ("calls", "recorded", "said"),
    [
        ({"answered": 9}, True, golden("pages.calls.none_refused")),
        ({"answered": 9, "bad_number": 1, "busy_or_no_answer": 1}, True, golden("pages.calls.none_refused")),
        ({"answered": 9}, False, golden("pages.calls.none_on_record")),
        (
            {"answered": 9, "refused_unknown": 2},
            True,
            golden("pages.calls.none_on_record_some_unknown"),
        ),
        (
            {"answered": 9, "network": 2, "other": 1},
            True,
            golden("pages.calls.none_on_record_some_failed"),
        ),
        (
            {"refused_auth": 1, "refused_unknown": 2, "media": 4},
            True,
            golden("pages.calls.one_refused_some_failed"),
        ),
        ({"answered": 9, "refused_auth": 3}, False, golden("pages.calls.three_refused_on_record")),
    ],
)
def test_title_denies_refusals_only_if_none_can_be_hidden(calls: dict[str, int], said: str, *, recorded: bool) -> None:
    """
    The title denies refusals only if nothing can hide one.

    Each of these can: a capacity failure, a 403 without its reason, a call without a code, and a carrier that does
    not record refusals.
    """
    total = text.counted(sum(calls.values()), "outbound call")
    assert f"{total} today; {said}." == page_titles.of_calls(by_outcome(**calls), "today", recorded=recorded)


@pytest.mark.parametrize(
    ("counts", "said"),
    [((601, 380, 203), "18 undecided"), ((9_050, 30, 0), "9,020 undecided"), ((3, 2, 1), "")],
)
def test_the_figures_of_a_day_add_up(counts: tuple[int, int, int], said: str) -> None:
    """A note states how many calls were neither admitted nor refused, also if none was refused."""
    assert said == cards.undecided_note(*counts)


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_the_title_counts_what_the_legend_names(outcome: str) -> None:
    """The title counts an outcome as failed otherwise exactly if the charts do."""
    told = page_titles.of_calls(by_outcome(answered=30, **({outcome: 7} if outcome != "answered" else {})), "today")

    assert ("7 failed otherwise" in told) is (
        charts.OUTCOME_KINDS[charts.KIND_OF_OUTCOME[outcome]][0] == "Failed otherwise"
    )


def test_calls_that_are_not_counted_are_said_beside_those_that_are() -> None:
    """Calls that are not counted are stated with a number, without calls, with one outcome, and with missing calls."""
    aside = golden("pages.calls.twelve_imported")
    none = by_outcome()

    assert golden("pages.overview.no_outbound_call_on_record_with", aside=aside) == page_titles.of_calls(
        none, "today", not_counted=aside
    )
    assert golden("pages.overview.no_outbound_call") == page_titles.of_calls(none, "today")
    assert golden("pages.overview.no_outbound_call_on_record") == page_titles.of_calls(none, "today", recorded=False)
    assert golden("pages.overview.never_fetched_with", aside=aside) == page_titles.of_calls(
        none, "today", lacking="Calls never fetched.", not_counted=aside
    )
    one = page_titles.of_calls(by_outcome(answered=9), "today", "answered", not_counted=aside)
    assert golden("pages.overview.calls_today_with", calls=9, aside=aside) == one


def test_times_are_relative_or_local() -> None:
    """Ages are relative, or ``never`` without a time; exact times are in the viewer's time zone."""
    assert "6 minutes ago" == elapsed.ago(NOW - timedelta(minutes=6), NOW)
    assert "just now" == elapsed.ago(NOW + timedelta(minutes=4), NOW)
    assert golden("pages.overview.in_the_future") == elapsed.ago(NOW + timedelta(days=3), NOW)
    assert "never" == elapsed.ago(None)
    assert "20 Nov 2026 07:00:00 EST" == formatting.exact(NOW, NEW_YORK)
    assert "" == formatting.exact(None, NEW_YORK)


def test_dollars_do_not_set_a_formula() -> None:
    """Dollar signs are escaped in amounts and in text, because Markdown renders text between two as a formula."""
    assert "\\$1,234.50" == formatting.money("1234.5")
    assert "1 call, \\$2" == formatting.plain("1 call, $2")
    assert "12345678\\*12065550100" == formatting.plain("12345678*12065550100")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://pbx.example.net", "https:\u2060//pbx.example.net"),
        ("www.example.net", "www\u2060.example.net"),
        ("ask noc@example.net", "ask noc@\u2060example.net"),
        ("1. Floor", "1\\. Floor"),
        ("Line\n- x\n+ y", "Line\n\\- x\n\\+ y"),
        ("3 of 5, -2 and 10.0.0.1", "3 of 5, -2 and 10.0.0.1"),
    ],
)
def test_no_link_and_no_list_is_made_of_a_text(text: str, shown: str) -> None:
    """
    Addresses and list markers stay plain text.

    Markdown makes links of addresses after it has removed escapes, and a list of a name that begins with a number.
    """
    assert shown == formatting.plain(text)


def test_pbx_name_is_shown_as_plain_text(world: Snapshot) -> None:
    """Links, images, colors, icons and formulas in the name of a PBX are shown as plain text."""
    name = "![i](https://198.51.100.1/x) :red[hot] :material/home: <b> $a$"
    world.pbxs.loc[world.pbxs["pbx_id"] == "denver", "name"] = name

    shown = overview(world, [finding()])

    assert shown.startswith(golden("pages.overview.calls_are_rejected", pbx=formatting.plain(name)))
    assert not re.search(r"(?<!\\)[!\[\]$<>]", shown)
    assert ":red" not in shown
    assert ":material" not in shown


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ("", []),
        ("A", ["A"]),
        ("A and B", ["A", "B"]),
        (golden("texts.lists.names_with_more"), ["A", "B", "C", "D", "E"]),
    ],
)
def test_names_are_joined_as_a_sentence_would(said: str, names: list[str]) -> None:
    """Names are joined as in a sentence, and a long list is cut."""
    assert said == text.join(names)


def test_an_address_stands_beside_its_owner(world: Snapshot) -> None:
    """An address is shown with its current PBX, its former PBX, or as unassigned."""
    owners = [formatting.owner_of(address, world) for address in ("198.51.100.24", "198.51.100.23", "203.0.113.66")]

    assert ["Denver", "formerly Denver", "unassigned"] == owners
    assert "198.51.100.24 (Denver)" == formatting.subject_of(finding(), world)
    of_one = finding(subject="denver: API key", pbx_ids=("denver",))
    assert "Denver: API key" == formatting.subject_of(of_one, world)


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("Cost (USD)", "cost_usd"),
        ("Started (UTC)", "started_at"),
        ("Duration (s)", "duration_s"),
        ("SIP code", "sip_status"),
    ],
)
def test_no_raw_column_name_is_shown(label: str, name: str) -> None:
    """Column labels are words, with units in parentheses."""
    assert label == text.label_of(name)


def test_days_are_those_of_the_viewer() -> None:
    """A call at 01:00 UTC counts on the previous day in New York."""
    late = NOW.replace(hour=1)
    cube = cube_of(make_snapshot(traffic=[calls_row("198.51.100.11", at=late)]))

    assert [19] == [at.day for at in shapes.outcomes(cube, ALL, late, NEW_YORK)["from_at"]]
    assert [20] == [at.day for at in shapes.outcomes(cube, ALL, late, UTC)["from_at"]]


def test_every_kind_has_every_day() -> None:
    """Every kind has a row for every day, with zero calls if none occurred, so that stacks have no gaps."""
    cube = cube_of(
        make_snapshot(
            traffic=[calls_row("198.51.100.11"), refused_row("198.51.100.11", at=NOW - timedelta(days=2))],
        )
    )
    shown = shapes.outcomes(cube, ALL, NOW, UTC)

    assert [18, 18, 19, 19, 20, 20] == [at.day for at in shown["from_at"]]
    assert 2 == int(shown["calls"].sum())


def test_refusals_are_counted_by_name(world: Snapshot) -> None:
    """Refusals are counted by PBX name, and by address for unassigned callers."""
    shown = shapes.refusals(cube_of(world), UTC).set_index("who")

    assert [10, 10] == list(shown.loc["Denver", ["calls", "refused"]])
    assert 0 == shown.loc["203.0.113.66 (unassigned)", "refused"]


def test_a_change_of_the_list_is_a_sentence() -> None:
    """A policy change is one sentence with added entries, removed entries and the state of the switch."""
    old = PolicyVersion(Policy(frozenset({"198.51.100.23"}), credentials_on=True), NOW - timedelta(days=60))
    new = PolicyVersion(Policy(frozenset({"198.51.100.24"}), credentials_on=False), NOW - timedelta(days=1))
    shown = shapes.policy_changes(make_snapshot(versions=(old, new)), UTC)

    assert [golden("pages.overview.policy_change")] == list(shown["sentence"])


def test_empty_calls_make_empty_shapes() -> None:
    """Without calls the chart frames are empty or zero, without an error."""
    cube = empty_cube()

    assert shapes.refusals(cube, UTC).empty
    assert shapes.outcomes(cube, ALL, NOW, UTC).empty
    assert shapes.by_destination(cube, ALL).empty
    assert 0 == shapes.by_hour_of_week(cube, ALL, UTC)["value"].sum()


def test_the_overview_says_what_is_wrong_now(world: Snapshot) -> None:
    """The title names refused and unlisted PBXs and unassigned spending, else findings, else the result of checks."""
    calm = make_snapshot(
        allowed=("198.51.100.11",),
        pbxs=[pbx("seattle")],
        addresses=[{"pbx_id": "seattle", "address": "198.51.100.11"}],
        traffic=[calls_row("198.51.100.11", pbx_id="seattle")],
    )

    assert golden("pages.overview.rejected_and_spent") == overview(world, [finding()])
    unheard = make_snapshot(pbxs=[pbx("seattle"), pbx("denver")])
    assert golden("pages.overview.silent_and_not_listed") == overview(unheard, [finding()])
    assert golden("pages.overview.finding_could_stop_calls") == overview(calm, [finding("pbx_has_inbound_route")])
    passed = [finding(one, status=Status.PASS) for one in ("pbx_address_is_allowed", "call_source_is_allowed")]
    assert golden("domain.claims.every_pbx_listed") == overview(calm, passed)
    assert golden("pages.overview.no_failures_but") in overview(
        calm, [*passed[:1], finding("other", status=Status.UNKNOWN)]
    )
    assert golden("pages.overview.nothing_checked") == overview(calm, [finding(status=Status.UNKNOWN)])


def test_rare_refusal_is_not_in_the_title() -> None:
    """One refused call in a hundred is not reported in the title."""
    rows = [calls_row("198.51.100.11", pbx_id="seattle", calls=99), refused_row("198.51.100.11", pbx_id="seattle")]
    calm = make_snapshot(pbxs=[pbx("seattle")], traffic=rows)

    assert "being rejected" not in overview(calm, [finding(status=Status.PASS)])


def test_who_is_let_in_again_is_not_said_to_be_refused(world: Snapshot) -> None:
    """After a fix the day's refusals stay on record, and the title states that they have ended."""
    said = overview(world, [finding(status=Status.PASS)])

    assert said.startswith(golden("pages.overview.calls_were_rejected_until_open"))
    assert "being rejected" not in said


def test_a_change_of_the_list_alone_is_no_recovery(world: Snapshot) -> None:
    """The title that rejections have ended says whether an admitted call followed the last of them."""
    passed = [finding(status=Status.PASS)]
    later = calls_row("198.51.100.24", pbx_id="denver", at=NOW - timedelta(minutes=5))
    more = pd.concat([world.traffic, make_snapshot(traffic=[later]).traffic], ignore_index=True)

    assert golden("pages.overview.rejected_until_an_hour_ago_none_admitted") in overview(world, passed)
    assert golden("pages.overview.rejected_until_an_hour_ago") in overview(replace(world, traffic=more), passed)


FORGER = "203.0.113.66"
OWN = {"pbx_id": "denver", "attributed_by": "address"}
FORGED = {"pbx_id": "denver", "attributed_by": "x_tag"}
PHONES = [
    {"pbx_id": "seattle", "address": "198.51.100.11"},
    {"pbx_id": "denver", "address": "198.51.100.24"},
    {"pbx_id": "denver", "address": "198.51.100.23", "valid_to": NOW - timedelta(days=3)},
]


def claimed(*rows: dict[str, Any], ip_kind: str = "static") -> Snapshot:
    """Return Denver, which placed 50 calls from its own address an hour ago, beside some more calls."""
    return make_snapshot(
        pbxs=[pbx("seattle"), pbx("denver", ip_kind=ip_kind)],
        addresses=PHONES,
        traffic=[calls_row("198.51.100.24", calls=50, **OWN), *rows],
    )


@pytest.mark.parametrize("source", [FORGER, "198.51.100.23"])
def test_calls_with_a_forged_tag_count_for_their_source(source: str) -> None:
    """Rejected calls that only claim to be Denver's are not Denver's in the title, the charts and the panels."""
    known = claimed(refused_row(source, calls=400, **FORGED))
    failed = finding("call_source_is_allowed", source)

    assert "Denver" not in overview(known, [failed])
    assert [f"{source} (unassigned)"] == [*shapes.outbound(known).loc[lambda rows: ~rows["confirmed"], "who"]]
    shown = shapes.refusals(cube_of(known), UTC).set_index("who")["refused"]
    assert {"Denver": 0, f"{source} (unassigned)": 400} == shown.to_dict()


def test_a_forger_is_no_reason_to_say_that_own_calls_are_rejected() -> None:
    """A finding on the forger's address does not make an earlier rejection of Denver's own calls last."""
    own = refused_row("198.51.100.24", calls=9, at=NOW - timedelta(hours=5), **OWN)
    known = claimed(own, refused_row(FORGER, **FORGED))

    assert overview(known, [finding("call_source_is_allowed", FORGER)]) == (
        golden("pages.overview.calls_were_rejected_full", pbx="Denver", when="5 hours ago")
    )


def test_what_a_forger_spends_is_that_of_an_unassigned_address() -> None:
    """The title names the source of calls that only an X-Tag ties to Denver, and what they cost."""
    known = claimed(calls_row(FORGER, calls=400, cost_usd="90", **FORGED))

    assert golden("pages.overview.stranger_spent", address="203.0.113.66", cost="\\$90") == overview(
        known, [finding(status=Status.PASS)]
    )


def test_a_forged_admission_ends_no_rejection() -> None:
    """An admitted call that only claims to be Denver's does not follow the last of Denver's rejected calls."""
    rows = [
        refused_row("198.51.100.24", calls=9, at=NOW - timedelta(minutes=30), **OWN),
        calls_row(FORGER, at=NOW - timedelta(minutes=10), cost_usd="0", **FORGED),
    ]

    said = overview(claimed(*rows), [finding(status=Status.PASS)])

    assert golden("pages.overview.calls_were_rejected_none_admitted", pbx="Denver") == said


def test_calls_that_claim_to_be_of_a_dynamic_pbx_are_neither_its_own_nor_unassigned() -> None:
    """The address of a dynamic PBX is unknown by nature: the title says what its calls claim, and no more."""
    refused = claimed(refused_row(FORGER, calls=400, **FORGED), ip_kind="dynamic")
    spent = claimed(calls_row(FORGER, calls=400, cost_usd="90", **FORGED), ip_kind="dynamic")
    failed = finding("call_source_is_allowed", FORGER)

    assert golden("pages.overview.claimed_calls_are_rejected") == overview(refused, [failed])
    assert "Unassigned" not in overview(spent, [finding(status=Status.PASS)])
    assert [True, False] == [*shapes.outbound(spent)["confirmed"]]
    assert ["Denver"] == [*shapes.outbound(spent)["who"].unique()]


@pytest.mark.parametrize("ip_kind", ["static", "dynamic"])
def test_a_tag_at_the_address_of_another_pbx_counts_for_the_owner(ip_kind: str) -> None:
    """Calls from Seattle's address count for Seattle, whatever their X-Tag says."""
    known = claimed(calls_row("198.51.100.11", cost_usd="90", **FORGED), ip_kind=ip_kind)

    assert ["Denver", "Seattle"] == [*shapes.outbound(known)["who"]]
    assert "spent" not in overview(known, [finding(status=Status.PASS)])


def test_with_credentials_off_a_403_of_an_unlisted_pbx_is_a_headline() -> None:
    """
    With credentials off a 403 of an unlisted PBX counts as refused; with credentials on it proves nothing.

    It is the status observed for calls without a path (``Observations.no_path_status``).
    """
    lost = calls_row("198.51.100.24", pbx_id="denver", outcome="refused_unknown", sip_status=403, calls=3)
    fine = calls_row("198.51.100.11", pbx_id="seattle", calls=7)
    pbxs = [pbx("seattle"), pbx("denver")]
    allowed = ("198.51.100.11",)
    off, on = (
        make_snapshot(
            pbxs=pbxs,
            traffic=[lost, fine],
            allowed=allowed,
            credentials_on=switch,
            observed=Observations(no_path_status=403),
        )
        for switch in (False, True)
    )

    assert overview(off, [finding()]).startswith(golden("pages.overview.calls_are_rejected", pbx="Denver"))
    assert ((10, 7, 3), ["Denver"]) == (shapes.last_day(off), shapes.refused_unnamed(off))
    assert "rejected" not in overview(on, [finding()])
    assert ((10, 7, 0), []) == (shapes.last_day(on), shapes.refused_unnamed(on))


def test_a_pbx_that_credentials_let_in_again_is_not_being_refused() -> None:
    """
    After credentials are switched on again, refusals from the time without them are over.

    The finding on the PBX is still open, because its address is not listed.
    """
    lost = calls_row("198.51.100.24", pbx_id="denver", outcome="refused_unknown", sip_status=403, calls=3)
    switches = {True: NOW - timedelta(days=60), False: NOW - timedelta(hours=2)}
    versions = [PolicyVersion(Policy(credentials_on=on), at) for on, at in switches.items()]
    on_again = PolicyVersion(Policy(credentials_on=True), NOW - timedelta(minutes=5))
    seen = Observations(no_path_status=403)
    off = make_snapshot(pbxs=[pbx("denver")], traffic=[lost], versions=tuple(versions), observed=seen)
    back = make_snapshot(pbxs=[pbx("denver")], traffic=[lost], versions=(*versions, on_again), observed=seen)

    assert golden("pages.overview.calls_are_rejected", pbx="Denver") == overview(off, [finding()])
    assert overview(back, [finding()]).startswith(golden("pages.overview.calls_were_rejected_until_open"))


def test_findings_without_failures_are_summarized() -> None:
    """Without failures the text says so, and counts the subjects that could not be evaluated."""
    home = {"pbx_id": "seattle", "address": "198.51.100.11"}
    calm = make_snapshot(
        pbxs=[pbx("seattle")], addresses=[home], traffic=[calls_row("198.51.100.11", pbx_id="seattle")]
    )
    passed = finding(status=Status.PASS)
    assert "No failures found." == Claims(calm, [passed]).of_findings()
    unsure = Claims(calm, [passed, finding(subject="other", status=Status.UNKNOWN)])
    assert golden("pages.overview.no_failures_but_one_subject") == unsure.of_findings()


@pytest.mark.parametrize(
    ("row", "change"),
    [
        (
            (
                "`198.51.100.24` (Denver)",
                golden("pages.policy.not_on_the_list"),
                golden("pages.policy.on_the_list", entry="Denver, standby"),
            ),
            AllowAddress(network="198.51.100.24", label="Denver", role="standby"),
        ),
        (
            (
                "`203.0.113.66` (unassigned)",
                golden("pages.policy.on_the_list", entry="temp"),
                golden("pages.policy.not_on_the_list"),
            ),
            RemoveAddress(network="203.0.113.66", label="temp"),
        ),
        (("Outbound credentials", "Enabled", "Disabled"), SetCredentials(enabled=False)),
        (
            ("Inbound route Phoenix", "Not there", "`198.51.100.60`"),
            CreateRoute(alias="Phoenix", value="198.51.100.60"),
        ),
        (
            ("Number `16025550150`", "Unassigned", "Phoenix"),
            RouteNumber(number="16025550150", to_alias="Phoenix", was_alias=""),
        ),
    ],
)
def test_a_change_is_read_as_before_and_after(world: Snapshot, row: tuple[str, str, str], change: AllowAddress) -> None:
    """Each kind of change is shown with the values before and after."""
    (shown,) = diffs.rows((change,), world)

    assert row == (shown.what, shown.before, shown.after)


@pytest.mark.parametrize(
    ("labels", "facts", "text"),
    [
        ({"saved": 318}, {}, golden("pages.fixes.would_have_admitted")),
        ({"broken": 40}, {"breaks": ("Miami",)}, golden("pages.fixes.would_have_blocked")),
        (
            {"stopped": 240},
            {"callers": {"stopped": ("203.0.113.66 (unassigned)",)}},
            (golden("pages.fixes.stops_stranger")),
        ),
        (
            {"cannot recur": 5458},
            {"callers": {"cannot recur": ("Denver",)}},
            golden("pages.fixes.cannot_recur"),
        ),
        (
            {"cannot tell": 150},
            {"nobodys": {"cannot tell": 150}, "unclear": {"we don't know why": 150}},
            golden("pages.fixes.cannot_tell_why"),
        ),
        (
            {"cannot tell": 172},
            {"nobodys": {"cannot tell": 172}, "unclear": {"not known": 150, "of others": 20, "of more": 2}},
            (golden("pages.fixes.cannot_tell_other")),
        ),
        (
            {"may be broken": 1},
            {"reasons": {"may be broken": {"we don't know why": 1}}},
            golden("pages.fixes.may_block_one"),
        ),
    ],
)
def test_a_fix_is_summed_up(labels: dict[str, int], facts: dict[str, Any], text: str) -> None:
    """Blocked counts only calls of yours that can recur; stopped, non-recurring and undecided calls follow."""
    counted = {name: LabelCount(calls=calls, cost_usd="2012.5") for name, calls in labels.items()}

    assert text == cards.effect(ReplayImpact(labels=counted, decided=1, **facts))


def test_a_fix_without_calls_claims_nothing() -> None:
    """The text is empty if no call was replayed or outbound calls are not affected."""
    assert ["", ""] == [cards.effect(impact) for impact in (None, ReplayImpact(labels={}, decided=1))]


def test_chips_stand_at_the_places_of_their_states() -> None:
    """Each chip is at a position of its state, because the theme sets colors by position."""
    options = [
        option["value"]
        for option in tables.chips("State", {"High": "lost", "Critical": "lost", "Passed": "good"})["type_config"][
            "options"
        ]
    ]
    place = {text: options.index(text) % len(STATES) for text in ("High", "Critical", "Passed")}

    assert {"High": 1, "Critical": 1, "Passed": 0} == place


def test_an_edit_that_breaks_a_rule_saves_nothing(world: Snapshot) -> None:
    """An invalid edit is rejected with a message that names the rule and the label of the column."""
    row = world.pbxs.iloc[0].to_dict() | {"ip_kind": "movable"}

    with pytest.raises(InputError, match=r"^Kind of address: .*Nothing was saved\.$"):
        edits.with_pbx(world, row, replaces="seattle")


def test_an_id_is_given_once(world: Snapshot) -> None:
    """A new PBX cannot take an existing id."""
    row = dict.fromkeys(world.pbxs, "") | pbx("denver")

    with pytest.raises(InputError, match=golden_pattern("pages.inventory.belongs_to_denver")):
        edits.with_pbx(world, row)


def test_what_follows_from_a_bad_cell_is_not_counted(world: Snapshot) -> None:
    """Only the invalid cell is reported, not the addresses that are rejected along with its PBX."""
    row = world.pbxs[world.pbxs["pbx_id"] == "denver"].iloc[0].to_dict() | {"timezone": "Mars/Olympus"}

    with pytest.raises(InputError, match=r"^Timezone: .* Nothing was saved\.$") as caught:
        edits.with_pbx(world, row, replaces="denver")
    assert "more" not in str(caught.value)


def test_a_new_pbx_is_added_to_the_rest(world: Snapshot) -> None:
    """Adding a PBX returns the whole frame, conformed, with one more row."""
    frames = edits.with_pbx(world, dict.fromkeys(world.pbxs, "") | pbx("tulsa"))

    assert ["seattle", "denver", "tulsa"] == list(frames["pbxs"]["pbx_id"])
    assert isinstance(frames["pbxs"], pd.DataFrame)


def test_an_address_is_shared_where_that_is_declared(world: Snapshot) -> None:
    """An address of another PBX is rejected unless declared as shared; the PBX's own is already in use."""
    taken = str(world.addresses_now.loc[world.addresses_now["pbx_id"] == "seattle", "address"].iloc[0])

    with pytest.raises(InputError, match=golden_pattern("pages.inventory.end_it_there")):
        edits.with_address(world, pbx_id="denver", address=taken, kind="primary", now=NOW)
    with pytest.raises(InputError, match=golden_pattern("pages.inventory.in_use_by_seattle")):
        edits.with_address(world, pbx_id="seattle", address=taken, shared=True, kind="primary", now=NOW)
    frames = edits.with_address(world, pbx_id="denver", address=taken, shared=True, kind="primary", now=NOW)
    shared = replace(world, pbx_addresses=frames["pbx_addresses"])

    assert (("seattle", "denver"), True) == shared.owners_of(taken)
    assert "Seattle and Denver" == formatting.owner_of(taken, shared)
    assert golden("pages.inventory.formerly") == formatting.owner_of(taken, ended(shared, taken))


LATER = timedelta(minutes=1)


def ended(snapshot: Snapshot, address: str) -> Snapshot:
    """Return the snapshot after both PBXs have ended an address."""
    for pbx_id in ("seattle", "denver"):
        frames = edits.without_address(snapshot, pbx_id=pbx_id, address=address, now=NOW + LATER)
        snapshot = replace(snapshot, pbx_addresses=frames["pbx_addresses"])
    return replace(snapshot, taken_at=NOW + 2 * LATER)


def test_a_network_names_the_pbxs_inside(world: Snapshot) -> None:
    """A network is shown with all PBXs inside it, or as unassigned if there is none."""
    assert "Denver and Seattle" == formatting.owner_of("198.51.100.0/24", world)
    assert "unassigned" == formatting.owner_of("192.0.2.0/28", world)


@pytest.mark.parametrize("part", [CubePart(since=NOW, who="Denver"), CubePart(since=NOW, code="200 OK")])
def test_a_caller_without_calls_in_the_time_span_selects_no_row(part: CubePart) -> None:
    """The selection keeps the columns of the traffic, so that the search finds no call."""
    snapshot = make_snapshot(traffic=[calls_row("198.51.100.24", last_at=NOW - timedelta(days=1))])

    found = search.among(part, snapshot)

    assert found is not None
    assert (0, [*snapshot.traffic.columns]) == (len(found), [*found.columns])
