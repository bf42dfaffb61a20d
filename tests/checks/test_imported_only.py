"""Calls in imported files only are evaluated and marked, never skipped, by checks, guards and replays."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dashboard import checks, schemas
from dashboard.calls.analytics.cube import CubePart
from dashboard.calls.replay.callers import Callers
from dashboard.calls.replay.replayer import Replayer
from dashboard.checks.call_source_is_allowed import call_source_is_allowed
from dashboard.checks.evidence.losses import DIGEST, losses
from dashboard.checks.past_loss_is_reviewed import past_loss_is_reviewed
from dashboard.domain.admission import Policy, PolicyVersion
from dashboard.domain.changes import AllowAddress, RemoveAddress, ReplayImpact, RouteNumber
from dashboard.domain.claims import Claims, file_only_sentence
from dashboard.domain.findings import Severity, Status
from dashboard.domain.replay_labels import GONE, MAY_BREAK
from dashboard.domain.snapshot import Snapshot
from dashboard.fixes.account_image import proposed
from dashboard.fixes.planner import build
from dashboard.web.calls import search
from dashboard.web.components import page_titles
from dashboard.web.fixes import replay_summary
from dashboard.web.what_if import draft_text
from tests.builders import NOW, calls_row, frame, make_snapshot, pbx
from tests.texts import golden

THIEF = "203.0.113.66"
DENVER = "198.51.100.24"
LEFT = "198.51.100.23"
CHANGED = NOW - timedelta(days=2)
MOVED = NOW - timedelta(days=10)
SENTENCE = golden("checks.only_imported_and_not")


def only_in_files(snapshot: Snapshot, *rows: dict[str, Any], name: str = "file_only_traffic") -> Snapshot:
    """Return the account with calls that the carrier's export does not have."""
    marked = frame(schemas.TRAFFIC, [row | {"provenance": "file_only"} for row in rows])
    return replace(snapshot, **{name: marked})


def account(**facts: Any) -> Snapshot:
    """Return an account with Denver, which moved ten days ago and has called since."""
    addresses = [
        {"pbx_id": "denver", "address": LEFT, "valid_from": NOW - timedelta(days=60), "valid_to": MOVED},
        {"pbx_id": "denver", "address": DENVER, "valid_from": MOVED},
    ]
    own = calls_row(DENVER, pbx_id="denver", attributed_by="address", calls=10)
    given = {"allowed": (DENVER, LEFT), "pbxs": [pbx("denver")], "addresses": addresses, "traffic": [own]}
    return make_snapshot(**(given | facts))


def closed() -> tuple[PolicyVersion, ...]:
    """Return policies of an account whose credentials were switched off two days ago."""
    policies = [Policy(frozenset({DENVER, LEFT}), on, "12345678") for on in (True, False)]
    return tuple(PolicyVersion(*pair) for pair in zip(policies, (NOW - timedelta(days=60), CHANGED), strict=True))


@pytest.mark.parametrize("name", ["file_only_traffic", "past_traffic"])
def test_a_past_loss_counts_them_and_says_so(judged: Any, name: str) -> None:
    """The finding, its evidence and its digest contain the calls that the carrier's export lacks."""
    known = account(credentials_on=False, versions=closed())
    stolen = calls_row(THIEF, calls=60, cost_usd="412.50", at=CHANGED - timedelta(days=1))
    found = judged(past_loss_is_reviewed, only_in_files(known, stolen, name=name))[THIEF]
    carriers = replace(known, past_traffic=frame(schemas.TRAFFIC, [stolen]))

    assert Status.FAIL is found.status
    assert golden("checks.past_loss.stranger", calls=60, cost="$412.50") in found.reason
    assert golden("checks.only_imported") in found.reason
    assert 60 == found.evidence[0]["only in imported files"]
    assert found.evidence[0][DIGEST] != losses(carriers)[0].digest
    assert "imported" not in losses(carriers)[0].sentence


def test_no_past_loss_is_denied_where_only_files_have_calls(judged: Any) -> None:
    """The check passes on calls in files only, because it evaluates every known call."""
    known = only_in_files(account(traffic=[]), calls_row(DENVER, pbx_id="denver", attributed_by="address"))

    assert Status.PASS is judged(past_loss_is_reviewed, known)["account"].status
    assert not judged(past_loss_is_reviewed, account(traffic=[]))


def test_a_verdict_marks_what_it_rests_on(judged: Any) -> None:
    """For a source in both records, sentence and evidence have the number of calls in files only."""
    known = account(traffic=[calls_row(THIEF, calls=40, cost_usd="10")])
    both = judged(call_source_is_allowed, only_in_files(known, calls_row(THIEF, calls=60)))[THIEF]
    alone = judged(call_source_is_allowed, only_in_files(account(), calls_row(THIEF, calls=60)))[THIEF]

    assert golden("checks.admitted_some_imported") in both.reason
    assert [(60, "imported file only"), (40, None)] == [(row["calls"], row.get("record")) for row in both.evidence]
    assert golden("checks.admitted_all_imported") in alone.reason
    assert Severity.CRITICAL is alone.severity


def test_a_call_that_only_a_file_has_may_recur() -> None:
    """Calls from an address that a PBX left may recur if a file has a later call from it under its X-Tag."""
    old = calls_row(LEFT, pbx_id="denver", attributed_by="address", calls=50, at=MOVED - timedelta(days=1))
    quiet = account(traffic=[old])
    heard = only_in_files(quiet, calls_row(LEFT, pbx_id="denver", attributed_by="x_tag", at=NOW - timedelta(days=1)))
    removed = (RemoveAddress(network=LEFT),)

    assert {("denver", LEFT)} == Callers.of(quiet).left
    assert not Callers.of(heard).left
    counts = [
        Replayer(one).against(
            proposed(replace(one, account=replace(one.account, credentials_on=False)).policy, removed)
        )
        for one in (quiet, heard)
    ]
    assert [50, 0] == [answer.impact.calls(GONE) for answer in counts]
    assert [0, 50] == [answer.impact.calls(MAY_BREAK) for answer in counts]


def test_every_surface_of_a_replay_says_what_it_did_not_judge() -> None:
    """No statement covers all past calls if the replay excluded some."""
    stolen = calls_row(THIEF, calls=60)
    changes = (AllowAddress(network="198.51.100.99"),)
    before = account()
    after = only_in_files(account(), stolen, calls_row(THIEF, direction="inbound"))
    impacts = [Replayer(one).against(proposed(one.policy, changes)).impact for one in (before, after)]
    windowed = Replayer(after).against(after.policy, until=NOW - timedelta(days=1)).impact

    assert [0, 60, 0] == [one.not_judged for one in (*impacts, windowed)]
    for told in (
        " ".join(replay_summary.summary(impacts[1])),
        " ".join(replay_summary.sentences(impacts[1])),
        draft_text.title(changes, impacts[1], lower_bound=False),
    ):
        assert f"{SENTENCE}judged." in told
        assert "block none" not in told
        assert golden("checks.block_no_past_call_of_yours") not in told
    guard = build(after, changes, max_changes=5).guards[-1].sentence
    assert guard.startswith(golden("checks.none_known_to_break"))
    assert guard.endswith(f"{SENTENCE}judged.")
    assert "imported" not in "".join([*replay_summary.summary(impacts[0]), *replay_summary.sentences(impacts[0])])
    nothing = ReplayImpact(labels={}, decided=1, not_judged=60)
    assert [f"{SENTENCE}judged."] == replay_summary.summary(nothing)
    assert f"{SENTENCE}judged." in draft_text.title(changes, nothing, lower_bound=False)


def test_guards_know_what_only_files_have() -> None:
    """Guards count costs of a source and calls of a number that only files have."""
    inbound = calls_row("", direction="inbound", number="13035550123")
    known = only_in_files(account(), calls_row(THIEF, calls=60, cost_usd="412.50"), inbound)
    numbers = [{"number": "13035550123", "route_id": ""}]
    known = replace(known, numbers=frame(schemas.NUMBERS, numbers))
    changes = (AllowAddress(network=THIEF), RouteNumber(number="13035550123", to_alias="Denver", was_alias=""))
    found = {guard.id: guard for guard in build(known, changes, max_changes=5).guards}

    assert golden("checks.some_only_imported") in found["money_was_not_lost_there"].sentence
    assert THIEF == found["money_was_not_lost_there"].confirm
    assert "13035550123 took 1 call" in found["numbers_are_free"].sentence


def test_counts_of_pages_say_what_they_leave_out() -> None:
    """The page shows one sentence with the count of the selected period, and no sentence for zero calls."""
    known = only_in_files(
        account(),
        calls_row(THIEF, calls=60),
        calls_row(THIEF, calls=5, at=NOW - timedelta(days=3)),
        calls_row(THIEF, calls=7, direction="inbound"),
    )

    assert "" == file_only_sentence(account())
    assert file_only_sentence(known).startswith(golden("checks.imported_calls", calls=65))
    assert f"{SENTENCE}counted." == file_only_sentence(known, NOW - timedelta(days=1))
    assert file_only_sentence(only_in_files(account(), calls_row(THIEF))).startswith("1 call is only")
    assert "Every PBX" not in page_titles.overview(Claims(known, checks.run(known)))


@pytest.mark.parametrize("chosen", [{"who": "Denver"}, {"zone": "CUBA"}, {"code": "403"}, {"outcome": "answered"}])
def test_a_number_that_follows_no_filter_is_not_said_beside_one(chosen: dict[str, str]) -> None:
    """The Calls page counts them by time alone, and omits the count when another filter is set."""
    assert "" == search.unfiltered_file_only_note(
        only_in_files(account(), calls_row(THIEF, calls=60)), CubePart(**chosen)
    )
