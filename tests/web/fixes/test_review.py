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
        "Admits calls of Denver (a lower bound).",
        "Blocks calls of Miami and Dallas.",
        "1 call would move from credentials to the address.",
        "Cannot tell for 7 calls: we don't know this.",
        "Cannot tell for 2 calls: we don't know that.",
        "Cannot tell for 1 more call, for other reasons.",
        "99.9% of the calls could be decided.",
    ] == replay_summary.sentences(impact, lower_bound=True)


def test_replay_omits_reason_stated_by_a_guard() -> None:
    """A reason that a guard states is omitted from the replay's text; other reasons stay."""
    impact = ReplayImpact(
        labels={"cannot tell": LabelCount(calls=9)}, decided=0.5, unclear={"a guard's": 7, "another": 2}
    )

    assert ["Cannot tell for 2 calls: another.", "50.0% of the calls could be decided."] == replay_summary.sentences(
        impact, omitted_reason="a guard's"
    )


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
            ("gray", "time", "Watching the next calls from 198.51.100.24 (Denver): none yet."),
        ),
        (
            AllowAddress(network=ADDRESS),
            watch(5),
            ("gray", "time", "Watching the next calls from 198.51.100.24 (Denver): 5 of 20 calls, all admitted."),
        ),
        (
            AllowAddress(network=ADDRESS),
            watch(25, 2),
            ("red", "error", "Watching the next calls from 198.51.100.24 (Denver): 25 calls, 2 refused."),
        ),
        (
            RemoveAddress(network=ADDRESS),
            removed(25, 25),
            (
                "green",
                "good",
                "Watching the next calls from 198.51.100.24 (Denver): 25 calls, all refused, as meant.",
            ),
        ),
        (
            RemoveAddress(network=ADDRESS),
            removed(3, 2),
            (
                "orange",
                "warning",
                "Watching the next calls from 198.51.100.24 (Denver): 3 of 20 calls, 1 call still went through.",
            ),
        ),
        (
            SetCredentials(enabled=False),
            watch(20, sources=()),
            ("green", "good", "Watching the next calls from your PBXs: 20 calls, all admitted."),
        ),
        (
            SetCredentials(enabled=False),
            replace(watch(9, 3, sources=()), expected_refusals=3, expected_callers=("Atlanta", "Miami")),
            (
                "orange",
                "warning",
                "Watching the next calls from your PBXs: 9 of 20 calls, 3 refused, of Atlanta and Miami, as foreseen.",
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
                (
                    "Watching the next calls from your PBXs: 1,200 calls, 3 refused: "
                    "2 of Atlanta, as foreseen, and 1 more, of Denver."
                ),
            ),
        ),
        (
            SetCredentials(enabled=True),
            replace(watch(9, 3, sources=()), others=("Denver",)),
            ("red", "error", "Watching the next calls from your PBXs: 9 of 20 calls, 3 refused, of Denver."),
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
HEAD = "Watching the next calls from 198.51.100.24 (Denver) and other addresses in 198.51.100.0/24"


@pytest.mark.parametrize(
    ("kept", "gone", "said"),
    [
        (
            outcomes(5),
            outcomes(4, 4),
            (
                "gray",
                "time",
                "9 of 20 calls: 5 of listed addresses, all admitted; 4 of removed addresses, all refused, ",
            ),
        ),
        (outcomes(25), outcomes(4, 4), ("green", "good", "29 calls: 25 of listed addresses, all admitted; 4 of ")),
        (
            outcomes(5, 2),
            outcomes(4, 3),
            (
                "red",
                "error",
                "5 of listed addresses, 2 refused; 4 of removed addresses, 1 call still went through.",
            ),
        ),
        (outcomes(5), outcomes(4, 3), ("orange", "warning", "5 of listed addresses, all admitted; 4 of removed ")),
        (outcomes(5), outcomes(), ("gray", "time", "5 of listed addresses, all admitted; none of removed addresses.")),
        (outcomes(), outcomes(4, 4), ("gray", "time", "none of listed addresses; 4 of removed addresses, all refused")),
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

    assert ("gray", True) == (color, "5 of listed addresses, all admitted; 4 of removed" in sentence)


def test_a_watch_of_a_removal_and_the_switch_names_both() -> None:
    """If a fix removes an entry and changes the switch, all PBXs and the removed address are watched."""
    changes = (RemoveAddress(network="203.0.113.66"), SetCredentials(enabled=False))
    seen = MonitorResult(since=NOW, sources=("203.0.113.66",), kept=outcomes(5), removed=outcomes(4, 4))
    _, _, sentence = progress.monitor_state(plan(*changes), seen, WORLD)

    assert "calls from your PBXs and 203.0.113.66 (unassigned): 9 of 20 calls: 5 of your PBXs, all ad" in sentence


def test_a_watch_without_refusals_on_record_says_so() -> None:
    """If refused calls are not on record, the text says so, because having no calls after a removal proves nothing."""
    blind = replace(WORLD, capabilities=WORLD.capabilities - {Capability.REFUSALS_IN_CDRS})
    _, _, said = progress.monitor_state(plan(RemoveAddress(network=ADDRESS)), watch(), blind)

    assert said.endswith(": none yet. A refused call leaves no record here.")

    seen = MonitorResult(since=NOW, sources=(ADDRESS, NETWORK), kept=outcomes(5))
    _, _, said = progress.monitor_state(plan(*BOTH), seen, blind)

    assert said.endswith("; none of removed addresses, where a refused call leaves no record.")


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

    assert "Undo: unassign 16025550150 and 1 more change" == diffs.title(undo)
    assert "Create route Phoenix to 198.51.100.60 and 1 more change again" == diffs.undo_label(undo)


def test_the_button_of_several_changes_counts_them() -> None:
    """The button counts several changes; with one change it names the change."""
    two = (AllowAddress(network=ADDRESS), RemoveAddress(network="203.0.113.66"))

    assert "Make these 2 changes" == diffs.apply_label(plan(*two))
    assert "Take back these 2 changes" == diffs.apply_label(plan(*two, undoes=4))
    assert "Allow 198.51.100.24" == diffs.apply_label(plan(two[0], title="Allow 198.51.100.24"))
