"""Texts in the review of a fix: figures of the replay, progress of the monitor, titles and buttons."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from dashboard.domain.capabilities import Capability
from dashboard.domain.changes import (
    AllowAddress,
    Change,
    DeleteRoute,
    LabelCount,
    Plan,
    RemoveAddress,
    ReplayImpact,
    RouteNumber,
    SetCredentials,
)
from dashboard.fixes.monitor import MonitorResult, ProofCounts
from dashboard.web.fixes import diffs, progress, replay_summary
from tests.builders import NOW, make_snapshot, pbx
from tests.texts import golden

ADDRESS = "198.51.100.24"
DENVER = {"pbx_id": "denver", "address": ADDRESS, "kind": "primary", "valid_from": NOW - timedelta(days=3)}
WORLD = make_snapshot(pbxs=[pbx("denver")], addresses=[DENVER])


def plan(*changes: Change, title: str = "Allow it", undoes: int | None = None) -> Plan:
    """Return a plan of changes that affect no past call."""
    return Plan(
        title=title, changes=changes, before={}, impact=ReplayImpact(labels={}, decided=1), undoes=undoes, made_at=NOW
    )


def watch(calls: int = 0, refused: int = 0, sources: tuple[str, ...] = (ADDRESS,)) -> MonitorResult:
    """Return the result of a monitor that has observed the given calls from sources that should be admitted."""
    return MonitorResult(since=NOW, sources=sources, kept=outcomes(calls, refused))


def outcomes(calls: int = 0, refused: int = 0) -> ProofCounts:
    """Return the outcomes of calls that all prove admission or refusal."""
    return ProofCounts(calls=calls, admitted=calls - refused, refused=refused)


def removed(calls: int, refused: int) -> MonitorResult:
    """Return the result of a monitor that has observed the given calls from a removed address."""
    return MonitorResult(since=NOW, sources=(ADDRESS,), removed=outcomes(calls, refused))


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (1, "100%"),
        (0, "0%"),
        (0.9999, "99.9%"),
        (0.99996, "99.9%"),
        (0.00001, "0.1%"),
        (0.5, "50.0%"),
        (0.996, "99.6%"),
    ],
)
def test_share_is_rounded_to_whole_only_if_exact(part: float, said: str) -> None:
    """A share is 0% or 100% only if exact: a single undecided call keeps it below 100%."""
    assert said == ReplayImpact(labels={}, decided=part).share


@pytest.mark.parametrize(
    ("counted", "said"),
    [
        (LabelCount(), ""),
        (LabelCount(calls=2, minutes=1.2), "1 minute"),
        (LabelCount(calls=35_684, minutes=72_130.4, cost_usd="2829.31000000"), "72,130 minutes, \\$2,829.31"),
    ],
)
def test_calls_are_worth_minutes_and_dollars(counted: LabelCount, said: str) -> None:
    """Minutes and dollars are stated with their units, and omitted if zero."""
    assert said == replay_summary.worth(counted)


def test_the_replay_names_whose_calls_it_touches() -> None:
    """The text names callers admitted and blocked, calls that move, why calls are undecided, and the share decided."""
    impact = ReplayImpact(
        labels={"unchanged": LabelCount(calls=9), "cannot tell": LabelCount(calls=10)},
        decided=0.9999,
        saves=("Denver",),
        breaks=("Miami", "Dallas"),
        to_ip=1,
        unclear={"we don't know this": 7, "we don't know that": 2, "of a third thing": 1},
    )

    assert [
        golden("pages.fixes.admits"),
        golden("pages.fixes.blocks"),
        golden("pages.fixes.would_move"),
        golden("pages.fixes.cannot_tell", calls=7, what="this"),
        golden("pages.fixes.cannot_tell", calls=2, what="that"),
        golden("pages.fixes.cannot_tell_more"),
        golden("pages.fixes.could_be_decided", share="99.9%"),
    ] == replay_summary.sentences(impact, lower_bound=True)


def test_replay_omits_reason_stated_by_a_guard() -> None:
    """A reason that a guard states is omitted from the replay's text; other reasons stay."""
    impact = ReplayImpact(
        labels={"cannot tell": LabelCount(calls=9)}, decided=0.5, unclear={"a guard's": 7, "another": 2}
    )

    assert [
        golden("pages.fixes.cannot_tell_another"),
        golden("pages.fixes.could_be_decided", share="50.0%"),
    ] == replay_summary.sentences(impact, omitted_reason="a guard's")


@pytest.mark.parametrize(
    ("label", "nobodys", "said"),
    [
        ("broken", {}, ""),
        ("cannot tell", {"cannot tell": 3}, "3 of them unassigned"),
        ("saved", {"saved": 8}, "unassigned"),
        ("stopped", {"stopped": 8}, ""),
        ("unchanged", {"unchanged": 2}, ""),
    ],
)
def test_unassigned_calls_are_counted_separately(label: str, nobodys: dict[str, int], said: str) -> None:
    """Calls from unassigned addresses are counted unless the label already implies them."""
    labels = {name: LabelCount(calls=8) for name in ("broken", "saved", "cannot tell", "stopped", "unchanged")}
    impact = ReplayImpact(labels=labels, decided=1, nobodys=nobodys)

    assert said == replay_summary.unassigned_note(label, impact)


@pytest.mark.parametrize(
    ("change", "seen", "said"),
    [
        (
            AllowAddress(network=ADDRESS),
            watch(),
            ("gray", "time", golden("pages.fixes.watching_none_yet", whom="198.51.100.24 (Denver)")),
        ),
        (
            AllowAddress(network=ADDRESS),
            watch(5),
            (
                "gray",
                "time",
                golden("pages.fixes.watching_some_admitted", whom="198.51.100.24 (Denver)", seen=5, all=20),
            ),
        ),
        (
            AllowAddress(network=ADDRESS),
            watch(25, 2),
            ("red", "error", golden("pages.fixes.watching_two_refused", whom="198.51.100.24 (Denver)", seen=25)),
        ),
        (
            RemoveAddress(network=ADDRESS),
            removed(25, 25),
            (
                "green",
                "good",
                golden("pages.fixes.watching_refused_as_meant", whom="198.51.100.24 (Denver)", seen=25),
            ),
        ),
        (
            RemoveAddress(network=ADDRESS),
            removed(3, 2),
            (
                "orange",
                "warning",
                golden("pages.fixes.watching_still_through", whom="198.51.100.24 (Denver)", seen=3, all=20),
            ),
        ),
        (
            SetCredentials(enabled=False),
            watch(20, sources=()),
            ("green", "good", golden("pages.fixes.watching_all_admitted", whom="your PBXs", seen=20)),
        ),
        (
            SetCredentials(enabled=False),
            replace(watch(9, 3, sources=()), expected_refusals=3, expected_callers=("Atlanta", "Miami")),
            (
                "orange",
                "warning",
                golden(
                    "pages.fixes.watching_refused_as_foreseen",
                    whom="your PBXs",
                    seen=9,
                    all=20,
                    pbxs="Atlanta and Miami",
                ),
            ),
        ),
        (
            SetCredentials(enabled=False),
            replace(
                watch(1_200, 3, sources=()), expected_refusals=2, expected_callers=("Atlanta",), others=("Denver",)
            ),
            (
                "red",
                "error",
                (golden("pages.fixes.watching_one_more_refused", whom="your PBXs", seen="1,200")),
            ),
        ),
        (
            SetCredentials(enabled=True),
            replace(watch(9, 3, sources=()), others=("Denver",)),
            ("red", "error", golden("pages.fixes.watching_refused_of", whom="your PBXs", seen=9, all=20, pbx="Denver")),
        ),
    ],
)
def test_monitor_text_names_expected_and_unexpected_refusals(
    change: Change, seen: MonitorResult, said: tuple[str, str, str]
) -> None:
    """Refusals are intended for a removed address, foreseen if the replay predicted them, and an error otherwise."""
    assert said == progress.monitor_state(plan(change), seen, WORLD)


NETWORK = "198.51.100.0/24"
BOTH = (AllowAddress(network=ADDRESS), RemoveAddress(network=NETWORK))
HEAD = golden("pages.fixes.watching_network")


@pytest.mark.parametrize(
    ("kept", "gone", "said"),
    [
        (
            outcomes(5),
            outcomes(4, 4),
            (
                "gray",
                "time",
                golden("pages.fixes.listed_and_removed"),
            ),
        ),
        (outcomes(25), outcomes(4, 4), ("green", "good", golden("pages.fixes.listed_and_removed_all"))),
        (
            outcomes(5, 2),
            outcomes(4, 3),
            (
                "red",
                "error",
                golden("pages.fixes.listed_refused"),
            ),
        ),
        (outcomes(5), outcomes(4, 3), ("orange", "warning", golden("pages.fixes.listed_admitted_removed_space"))),
        (outcomes(5), outcomes(), ("gray", "time", golden("pages.fixes.listed_admitted_none_removed"))),
        (outcomes(), outcomes(4, 4), ("gray", "time", golden("pages.fixes.none_listed"))),
    ],
)
def test_monitor_of_a_replaced_network_separates_refusals(
    kept: ProofCounts, gone: ProofCounts, said: tuple[str, str, str]
) -> None:
    """If a fix adds and removes entries, refusals are intended for removed sources, and an error for added ones."""
    seen = MonitorResult(since=NOW, sources=(ADDRESS, NETWORK), kept=kept, removed=gone)
    color, icon, sentence = progress.monitor_state(plan(*BOTH), seen, WORLD)

    assert said[:2] == (color, icon)
    assert sentence.startswith(f"{HEAD}: ")
    assert said[2] in sentence


def test_a_watch_of_a_removal_tells_apart_what_another_entry_still_admits() -> None:
    """A source of a removed network that another entry covers is meant to be admitted."""
    seen = replace(removed(4, 4), kept=outcomes(5))
    color, _, sentence = progress.monitor_state(plan(RemoveAddress(network=ADDRESS)), seen, WORLD)

    assert ("gray", True) == (color, golden("pages.fixes.listed_admitted_removed") in sentence)


def test_a_watch_of_a_removal_and_the_switch_names_both() -> None:
    """If a fix removes an entry and changes the switch, all PBXs and the removed address are watched."""
    changes = (RemoveAddress(network="203.0.113.66"), SetCredentials(enabled=False))
    seen = MonitorResult(since=NOW, sources=("203.0.113.66",), kept=outcomes(5), removed=outcomes(4, 4))
    _, _, sentence = progress.monitor_state(plan(*changes), seen, WORLD)

    assert golden("pages.fixes.yours_and_removed") in sentence


def test_a_watch_without_refusals_on_record_says_so() -> None:
    """If refused calls are not on record, the text says so, because having no calls after a removal proves nothing."""
    blind = replace(WORLD, capabilities=WORLD.capabilities - {Capability.REFUSALS_IN_CDRS})
    _, _, said = progress.monitor_state(plan(RemoveAddress(network=ADDRESS)), watch(), blind)

    assert said.endswith(golden("pages.fixes.none_yet_no_record"))

    seen = MonitorResult(since=NOW, sources=(ADDRESS, NETWORK), kept=outcomes(5))
    _, _, said = progress.monitor_state(plan(*BOTH), seen, blind)

    assert said.endswith(golden("pages.fixes.none_removed_no_record"))


def test_undo_plan_is_named_by_its_changes() -> None:
    """An undo is named by its own changes, and the button that undoes it by the original change."""
    first = plan(AllowAddress(network=ADDRESS), title="Allow 198.51.100.24")
    undo = plan(RemoveAddress(network=ADDRESS), title="Undo: allow 198.51.100.24", undoes=4)

    assert ("Allow 198.51.100.24", "Undo") == (diffs.title(first), diffs.undo_label(first))
    assert "Undo: remove 198.51.100.24" == diffs.title(undo)
    assert "Allow 198.51.100.24 again" == diffs.undo_label(undo)


def test_more_than_one_change_is_counted() -> None:
    """With several changes the title names the first and counts the rest."""
    undo = plan(
        RouteNumber(number="16025550150", to_alias="", was_alias="Phoenix"),
        DeleteRoute(alias="Phoenix", value="198.51.100.60"),
        undoes=4,
    )

    assert golden("pages.fixes.undo_two") == diffs.title(undo)
    assert golden("pages.fixes.create_route_again", route="Phoenix", host="198.51.100.60") == diffs.undo_label(undo)


def test_the_button_of_several_changes_counts_them() -> None:
    """The button counts several changes; with one change it names the change."""
    two = (AllowAddress(network=ADDRESS), RemoveAddress(network="203.0.113.66"))

    assert "Make these 2 changes" == diffs.apply_label(plan(*two))
    assert golden("pages.fixes.take_back") == diffs.apply_label(plan(*two, undoes=4))
    assert "Allow 198.51.100.24" == diffs.apply_label(plan(two[0], title="Allow 198.51.100.24"))
