"""Draft of the list and the switch: its changes, rebasing onto a changed account, and texts about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from dashboard.calls.replay.replayer import replay
from dashboard.domain.admission import Policy, PolicyVersion
from dashboard.domain.changes import AllowAddress, Change, LabelCount, RemoveAddress, ReplayImpact, SetCredentials
from dashboard.domain.snapshot import Snapshot
from dashboard.fixes.account_image import proposed
from dashboard.web.what_if import affected_calls, draft, draft_text
from dashboard.web.what_if.draft import AS_NOW, OFF, ON
from tests.builders import NOW, calls_row, make_snapshot, pbx, refused_row
from tests.texts import golden

SEATTLE = "198.51.100.11"
LEFT = "198.51.100.23"
DENVER = "198.51.100.24"
STRANGER = "203.0.113.66"
NO_CALLS = ReplayImpact(labels={}, decided=1)


@pytest.fixture
def world() -> Snapshot:
    """Return a snapshot in which Denver has moved and is refused, and an unassigned address calls."""
    return make_snapshot(
        allowed=(SEATTLE, LEFT, STRANGER),
        pbxs=[pbx("seattle"), pbx("denver")],
        addresses=[
            {"pbx_id": "denver", "address": DENVER, "valid_from": NOW - timedelta(days=3)},
            {"pbx_id": "denver", "address": LEFT, "valid_to": NOW - timedelta(days=3)},
            {"pbx_id": "seattle", "address": SEATTLE},
        ],
        traffic=[
            calls_row(SEATTLE, pbx_id="seattle", calls=90),
            refused_row(DENVER, pbx_id="denver", calls=10),
            calls_row(STRANGER, calls=4),
        ],
    )


def rows(*typed: tuple[str | None, str | None, str | None]) -> pd.DataFrame:
    """Return rows as the editor gives them: address, label, and the entry each came from."""
    return pd.DataFrame(typed, columns=["network", "label", "origin"])


def entries(*networks: str) -> list[tuple[str | None, str | None, str | None]]:
    """Return the rows of unedited entries."""
    return [(network, "", network) for network in networks]


ALL = entries(SEATTLE, LEFT, STRANGER)


def listed(snapshot: Snapshot, *networks: str, **facts: Any) -> Snapshot:
    """Return the snapshot with another list."""
    fresh = make_snapshot(allowed=networks)
    return replace(snapshot, allowed_ips=fresh.allowed_ips.assign(**facts))


@pytest.mark.parametrize(
    ("typed", "switch", "changes"),
    [
        (ALL, AS_NOW, ()),
        (ALL[::-1], AS_NOW, ()),
        ([*ALL, (None, None, None), ("  ", "", None)], AS_NOW, ()),
        ([*ALL, (None, "only a label", None)], AS_NOW, None),
        ([*ALL, (f" {DENVER} ", " Denver ", None)], AS_NOW, (AllowAddress(network=DENVER, label="Denver"),)),
        (ALL[:2], AS_NOW, (RemoveAddress(network=STRANGER),)),
        ([ALL[0], (DENVER, "", LEFT), ALL[2]], AS_NOW, (AllowAddress(network=DENVER), RemoveAddress(network=LEFT))),
        ([*entries(LEFT, STRANGER), (SEATTLE, "", None)], AS_NOW, ()),
        ([(LEFT, "", SEATTLE), (SEATTLE, "", LEFT), ALL[2]], AS_NOW, ()),
        (ALL, ON, ()),
        (ALL, OFF, (SetCredentials(enabled=False),)),
        (ALL[1:], OFF, (RemoveAddress(network=SEATTLE), SetCredentials(enabled=False))),
    ],
)
def test_rows_are_converted_to_changes(
    world: Snapshot,
    typed: list[tuple[str | None, str | None, str | None]],
    switch: str,
    changes: tuple[Change, ...] | None,
) -> None:
    """Added, deleted, edited, restored and blank rows and the switch become changes; those that admit come first."""
    found = draft.parse_draft(rows(*typed), switch, world)

    assert (changes or ()) == found.changes
    assert (changes is None) == bool(found.faults)


@pytest.mark.parametrize(("credentials_on", "switch"), [(False, ON), (None, ON)])
def test_credentials_go_on_before_anything_is_removed(
    world: Snapshot, credentials_on: bool | None, switch: str
) -> None:
    """A switch that is off or not known can be turned on, and this change comes first."""
    off = replace(world, account=replace(world.account, credentials_on=credentials_on))

    assert (SetCredentials(enabled=True), RemoveAddress(network=SEATTLE)) == draft.parse_draft(
        rows(*ALL[1:]), switch, off
    ).changes


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("10.0.0.5", "", None), "Row 4: 10.0.0.5 " + golden("errors.addresses.is_private")),
        (("198.51.100.0/24", "", None), "Row 4: 198.51.100.0/24 " + golden("errors.addresses.is_network")),
        (("198.51.100.256", "", None), "Row 4: 198.51.100.256 " + golden("errors.addresses.is_not_whole")),
        (("pbx.example.com", "", None), "Row 4: pbx.example.com " + golden("errors.addresses.is_host_name")),
        ((LEFT, "", None), golden("pages.what_if.entry_is_there", row=4, address=LEFT, other=2)),
        ((None, "Boise", None), "Row 4: " + golden("errors.addresses.is_empty")),
    ],
)
def test_a_wrong_row_is_named_and_left_out(
    world: Snapshot, row: tuple[str | None, str | None, str | None], said: str
) -> None:
    """The fault names the row and the rule; the other rows count."""
    found = draft.parse_draft(rows(*ALL, row, (DENVER, "", None)), AS_NOW, world)

    assert (AllowAddress(network=DENVER),) == found.changes
    assert [True] == [fault.replace("\\", "").startswith(said) for fault in found.faults]


@pytest.mark.parametrize("text", ["", "198.51.100", SEATTLE])
def test_a_wrong_row_leaves_its_entry_on_the_list(world: Snapshot, text: str) -> None:
    """An entry whose address is cleared, incomplete or a duplicate stays on the list."""
    found = draft.parse_draft(rows(ALL[0], (text, "", LEFT), ALL[2]), AS_NOW, world)

    assert () == found.changes
    assert found.faults[0].startswith("Row 2: ")
    assert found.faults[0].endswith(golden("pages.what_if.stays_as_it_is", address=LEFT))


def test_the_second_of_two_new_rows_is_the_duplicate(world: Snapshot) -> None:
    """The same new address twice is one change and one fault, for the second row."""
    found = draft.parse_draft(rows(*ALL, (DENVER, "", None), (DENVER, "", None)), AS_NOW, world)

    assert (AllowAddress(network=DENVER),) == found.changes
    assert ["Row 5"] == [fault.partition(":")[0] for fault in found.faults]


def test_an_entry_that_moves_keeps_what_was_given_to_it(world: Snapshot) -> None:
    """An address edited in place keeps owner and purpose, and the removed entry can be restored in full."""
    told = listed(world, LEFT, label="Denver", owner="voice", purpose="branch office")
    found = draft.parse_draft(rows((DENVER, "Denver", LEFT)), AS_NOW, told)
    given = {"label": "Denver", "owner": "voice", "purpose": "branch office", "role": "active"}

    assert (AllowAddress(network=DENVER, **given), RemoveAddress(network=LEFT, **given)) == found.changes


def test_a_label_alone_cannot_be_changed(world: Snapshot) -> None:
    """A changed label is no change of the list, and a note says so."""
    found = draft.parse_draft(rows(ALL[0], (LEFT, "Denver, old", LEFT), ALL[2]), AS_NOW, world)

    assert () == found.changes
    assert [True] == [note.startswith(golden("pages.what_if.label_stays", address=LEFT)) for note in found.notes]
    assert not found.idle


def test_each_entry_is_shown_with_whose_it_is(world: Snapshot) -> None:
    """An entry is shown with its current PBX, its former PBX, or as unassigned; an invalid address has no owner."""
    assert ["Denver", "Formerly Denver", "Unassigned", ""] == list(
        draft.owners_text(pd.Series([DENVER, LEFT, STRANGER, "half"]), world)
    )


def test_a_new_draft_changes_nothing(world: Snapshot) -> None:
    """A new draft reads as no change, also with an empty list."""
    for snapshot in (world, listed(world)):
        begun = draft.new_draft(snapshot)

        assert draft.DraftReading() == draft.parse_draft(begun.base, begun.switch, snapshot)
        assert not draft.has_account_changed(begun, snapshot)


def test_the_account_moves_by_entry_and_switch(world: Snapshot) -> None:
    """Another entry, label or switch is a change of the account; another order or time of an entry is not."""
    begun = draft.new_draft(world)
    off = replace(world, account=replace(world.account, credentials_on=False))

    assert draft.has_account_changed(begun, listed(world, SEATTLE, LEFT))
    assert draft.has_account_changed(begun, listed(world, SEATTLE, LEFT, STRANGER, label="new"))
    assert draft.has_account_changed(begun, off)
    assert not draft.has_account_changed(begun, listed(world, STRANGER, LEFT, SEATTLE))
    assert not draft.has_account_changed(begun, listed(world, SEATTLE, LEFT, STRANGER, added_at=NOW))


def drafted(snapshot: Snapshot, *typed: tuple[str | None, str | None, str | None], switch: str = AS_NOW) -> draft.Draft:
    """Return a draft with these rows and this switch."""
    made = draft.new_draft(snapshot)
    made.edited = rows(*typed)
    made.switch = switch
    return made


def test_draft_is_rebased_onto_a_changed_list(world: Snapshot) -> None:
    """A rebased draft has someone else's new entry and keeps its own additions, removals and switch."""
    made = drafted(world, *entries(SEATTLE, LEFT), (DENVER, "Denver", None), switch=OFF)
    now = listed(world, SEATTLE, LEFT, STRANGER, "203.0.113.9")
    kept = draft.rebase(made, now)

    assert made.turn < kept.turn
    assert (
        AllowAddress(network=DENVER, label="Denver"),
        RemoveAddress(network=STRANGER),
        SetCredentials(enabled=False),
    ) == draft.parse_draft(kept.base, kept.switch, now).changes


def test_applied_draft_has_no_changes(world: Snapshot) -> None:
    """Once the account equals the draft, no change is left."""
    made = drafted(world, ALL[0], (DENVER, "", LEFT), switch=OFF)
    done = listed(world, SEATTLE, DENVER)
    done = replace(done, account=replace(done.account, credentials_on=False))
    kept = draft.rebase(made, done)

    assert draft.DraftReading() == draft.parse_draft(kept.base, kept.switch, done)
    assert AS_NOW == kept.switch


def test_a_wrong_row_is_carried_over_too(world: Snapshot) -> None:
    """Invalid rows are kept when a draft is rebased, and their entries stay on the list."""
    made = drafted(world, ALL[0], ("198.51.100", "", LEFT), ALL[2], ("10.0.0.5", "", None))
    now = listed(world, SEATTLE, LEFT, STRANGER, DENVER)
    kept = draft.rebase(made, now)
    found = draft.parse_draft(kept.base, kept.switch, now)

    assert () == found.changes
    assert ["Row 4", "Row 5"] == [fault.partition(":")[0] for fault in found.faults]


def impact(nobodys: dict[str, int] | None = None, **labels: tuple[int, str]) -> ReplayImpact:
    """Return an impact with calls and callers by label, ``_`` for blanks, and one unchanged call."""
    counts = {label.replace("_", " "): calls for label, (calls, _) in labels.items()}
    names = {label.replace("_", " "): tuple(filter(None, who.split(", "))) for label, (_, who) in labels.items()}
    every = {label: LabelCount(calls=calls) for label, calls in ({"unchanged": 1} | counts).items()}
    return ReplayImpact(labels=every, decided=0.5, callers=names, nobodys=nobodys or {})


@pytest.mark.parametrize(
    ("changes", "found", "lower_bound", "said"),
    [
        (
            (),
            impact(),
            False,
            draft_text.NOTHING,
        ),
        (
            (AllowAddress(network=DENVER),),
            impact(saved=(1, "Denver")),
            False,
            golden("pages.what_if.allowing_would_admit_one"),
        ),
        (
            (RemoveAddress(network=SEATTLE),),
            impact(broken=(1200, "Seattle")),
            False,
            golden("pages.what_if.removing_would_block_all", address="198.51.100.11", calls="1,200", pbx="Seattle"),
        ),
        (
            (RemoveAddress(network=LEFT),),
            impact(cannot_recur=(5458, "Denver")),
            False,
            (golden("pages.what_if.removing_would_block_none", address="198.51.100.23")),
        ),
        (
            (RemoveAddress(network=STRANGER),),
            impact(stopped=(1, "203.0.113.66 (unassigned)"), nobodys={"stopped": 1}),
            False,
            (golden("pages.what_if.removing_would_stop_one")),
        ),
        (
            (RemoveAddress(network=STRANGER), AllowAddress(network="203.0.113.9")),
            impact(
                broken=(7, "Seattle"),
                stopped=(2, "203.0.113.66 (unassigned)"),
                saved=(4, "203.0.113.9 (unassigned)"),
                nobodys={"stopped": 2, "saved": 4},
            ),
            False,
            (golden("pages.what_if.changes_would_block_admit_and_stop")),
        ),
        (
            (SetCredentials(enabled=False), AllowAddress(network=DENVER)),
            impact(broken=(3, "Miami"), saved=(5, "Denver"), cannot_tell=(2, "Atlanta")),
            True,
            (golden("pages.what_if.changes_would_block_and_admit")),
        ),
        (
            (SetCredentials(enabled=False),),
            impact(may_be_broken=(4, "Atlanta"), may_be_saved=(1, "Denver")),
            False,
            (golden("pages.what_if.off_may_block")),
        ),
        (
            (RemoveAddress(network=STRANGER),),
            impact(cannot_tell=(9, "203.0.113.66 (unassigned)"), nobodys={"cannot tell": 9}),
            False,
            golden("pages.what_if.removing_cannot_tell"),
        ),
        (
            (SetCredentials(enabled=True),),
            impact(),
            True,
            golden("pages.what_if.on_would_block_none"),
        ),
        (
            (RemoveAddress(network=LEFT),),
            NO_CALLS,
            False,
            golden("pages.what_if.removing_nothing_to_tell_by", address="198.51.100.23"),
        ),
    ],
)
def test_title_states_the_effect_on_calls(
    changes: tuple[Change, ...], found: ReplayImpact, lower_bound: bool, said: str
) -> None:
    """Only calls of your PBXs that can recur count as blocked; the title states the others by their effect."""
    assert said == draft_text.title(changes, found, lower_bound=lower_bound).replace("\\", "")


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (draft.DraftReading(), golden("pages.what_if.nothing_to_plan")),
        (
            draft.DraftReading((SetCredentials(enabled=False),), ("Row 1: wrong.",)),
            golden("pages.what_if.put_rows_right"),
        ),
        (
            draft.DraftReading((AllowAddress(network=DENVER),) * 3),
            golden("pages.what_if.too_many_changes"),
        ),
        (draft.DraftReading((AllowAddress(network=DENVER),) * 2), ""),
    ],
)
def test_reasons_that_block_a_plan_are_named(found: draft.DraftReading, said: str) -> None:
    """Invalid rows, no changes, or more than one plan may make are reasons; otherwise there is none."""
    why = draft_text.reason(found, 2)

    assert why.startswith(said)
    assert bool(said) == bool(why)


def test_changes_are_said_with_whose_they_are(world: Snapshot) -> None:
    """Each change has a line with the owner of its address; above the maximum the rest is counted."""
    many = [AllowAddress(network=f"192.0.2.{last}") for last in range(11)]

    assert [
        golden("pages.what_if.remove_line", address=LEFT),
        golden("pages.what_if.disable_line"),
    ] == draft_text.lines([RemoveAddress(network=LEFT), SetCredentials(enabled=False)], world)
    assert golden("pages.what_if.more_changes_line") == draft_text.lines(many, world)[-1]


def test_what_is_broken_stands_first_and_leads_to_its_traffic(world: Snapshot) -> None:
    """Broken calls come first in the table by PBX, and each row selects exactly the traffic that it counts."""
    found = replay(world, proposed(world.policy, [RemoveAddress(network=SEATTLE), AllowAddress(network=DENVER)]))
    table = affected_calls.by_pbx(found)

    assert [("broken", "Seattle"), ("saved", "Denver")] == [*zip(table["label"], table["who"], strict=True)][:2]
    for row in table.to_dict("records"):
        assert row["calls"] == affected_calls.rows_of(found, row["label"], row["who"], world)["calls"].sum()
        assert row["calls"] <= affected_calls.rows_of(found, row["label"], "", world)["calls"].sum()
    assert [STRANGER] == list(
        affected_calls.rows_of(found, "unchanged", f"{STRANGER} (unassigned)", world)["source_ip"]
    )


def test_a_list_pasted_into_a_cell_is_spread_over_rows(world: Snapshot) -> None:
    """Each address of a pasted list gets a row, whatever the separators; other text stays in its row as a fault."""
    rows = draft.new_draft(world).base
    pasted = pd.DataFrame(
        [
            {"network": "198.51.100.24\n198.51.100.0/30, 203.0.113.9", "label": "new", "origin": ""},
            {"network": "198.51.100.40 Atlanta", "label": "", "origin": ""},
        ]
    )
    found = draft.split_pasted(pd.concat([rows, pasted]))

    assert found is not None
    assert list(found["network"])[len(rows) :] == [
        "198.51.100.24",
        "198.51.100.0/30",
        "203.0.113.9",
        "198.51.100.40 Atlanta",
    ]
    assert draft.split_pasted(rows) is None


def test_a_list_pasted_over_an_entry_takes_its_place_once(world: Snapshot) -> None:
    """The first address of a pasted list replaces the entry; the others are new."""
    rows = draft.new_draft(world).base
    entry = rows["network"].iloc[0]
    found = draft.split_pasted(rows.assign(network=["198.51.100.200 198.51.100.201", *rows["network"].iloc[1:]]))

    assert found is not None
    assert list(found["origin"].iloc[:2]) == [entry, ""]
    assert len(found) == len(rows) + 1


def test_a_past_list_is_a_draft_of_the_way_back(world: Snapshot) -> None:
    """A past list removes newer entries, restores removed ones, keeps the others, and sets the switch as it was."""
    then = Policy(frozenset({SEATTLE, DENVER}), False, "12345678")

    made = draft.draft_of_version(draft.new_draft(world, revision=4), then, world)
    changes = draft.parse_draft(made.base, made.switch, world).changes

    assert [AllowAddress, RemoveAddress, RemoveAddress, SetCredentials] == [type(change) for change in changes]
    assert proposed(world.policy, changes) == then
    assert made.turn > 4
    unknown = draft.draft_of_version(made, replace(then, credentials_on=None), world)
    assert AS_NOW == unknown.switch
    same = draft.draft_of_version(made, world.policy, world)
    assert draft.parse_draft(same.base, same.switch, world).idle


def test_a_past_policy_is_said_by_its_time() -> None:
    """A past policy is described with its time in the viewer's time zone."""
    version = PolicyVersion(Policy(frozenset({SEATTLE}), True), datetime(2026, 11, 20, 6, 30, tzinfo=UTC))

    assert golden("pages.what_if.policy_line") == draft_text.of_version(version, ZoneInfo("America/New_York"))
