"""``trunkgate replay`` and ``authorized``: effect of a change or policy on past calls; nothing is changed."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from dashboard.domain.replay_labels import LABELS as ORDER
from dashboard.domain.replay_labels import UNDECIDED
from tests.texts import golden, golden_pattern

pytestmark = pytest.mark.slow

DENVER = "198.51.100.24"
SEATTLE = "198.51.100.11"
LABELS = {*ORDER}


def replayed(program: Any, *options: str) -> Any:
    """Run a replay, which must succeed, and return its JSON."""
    answer = program("replay", *options, "--format", "json")
    assert (answer.status, answer.err) == (0, "")
    return answer.json


def test_json_counts_each_label(shared: Any) -> None:
    """Standard output is only JSON: calls, minutes and dollars by label, the share decided, and the callers."""
    found = replayed(shared, "--remove", SEATTLE)

    keys = "labels decided since until breaks saves nobodys unclear callers reasons rows out_of_date missing not_judged"
    assert {*keys.split()} == found.keys()
    undecided = sum(found["labels"][label]["calls"] for label in UNDECIDED)
    assert undecided == sum(found["unclear"].values())
    (row,) = (row for row in found["rows"] if row["label"] == "broken")
    assert ("Seattle", f"list entry {SEATTLE}", "nothing", "") == tuple(
        row[name] for name in ("who", "decided_today_by", "decided_after_by", "undecided_because")
    )
    assert LABELS == found["labels"].keys()
    broken = found["labels"]["broken"]
    assert {"calls", "minutes", "cost_usd"} == broken.keys()
    assert broken["calls"] > 100
    assert broken["minutes"] > 0
    assert Decimal(broken["cost_usd"]) > 0
    assert (["Seattle"], []) == (found["breaks"], found["saves"])
    assert found["decided"] >= 0.95


def test_several_changes_are_judged_together(shared: Any) -> None:
    """Allowing Denver saves its refused calls; with credentials off too, PBXs that rely on them are broken."""
    allowed = replayed(shared, "--allow", DENVER)
    both = replayed(shared, "--allow", DENVER, "--credentials", "off", "--no-sync")

    assert (["Denver"], []) == (allowed["saves"], allowed["breaks"])
    assert ["Denver"] == both["saves"]
    assert "Miami" in both["breaks"]


def test_empty_proposal_and_replay_change_nothing(shared: Any) -> None:
    """Without a change every call is unchanged, and a replay changes neither account nor journal."""
    before = replayed(shared)

    replayed(shared, "--allow", DENVER, "--remove", SEATTLE)

    assert 0 == sum(before["labels"][label]["calls"] for label in LABELS - {"unchanged"})
    assert before["labels"] == replayed(shared, "--no-sync")["labels"]
    assert [] == shared("journal", "list", "--format", "json").json


def test_since_counts_later_calls_only(shared: Any) -> None:
    """A window is exact to the second, and the answer has its beginning."""
    begin = (datetime.now(UTC) - timedelta(days=5)).replace(microsecond=0)

    whole = replayed(shared, "--remove", SEATTLE, "--no-sync")
    late = replayed(shared, "--remove", SEATTLE, "--no-sync", "--since", f"{begin:%Y-%m-%dT%H:%M:%S}")

    assert 0 < late["labels"]["broken"]["calls"] < whole["labels"]["broken"]["calls"]
    assert datetime.fromisoformat(late["since"]) >= begin
    assert datetime.fromisoformat(whole["since"]) < begin


def test_two_windows_add_up_to_the_whole(shared: Any) -> None:
    """Windows before and from a given second have each call once, and calls outside a window remain evidence."""
    middle = f"{datetime.now(UTC) - timedelta(days=5):%Y-%m-%dT%H:%M:%S}"
    options = ("--credentials", "off", "--no-sync")
    since = ("--since", f"{datetime.now(UTC) - timedelta(days=20):%Y-%m-%d}")

    whole = replayed(shared, *options, *since)
    before = replayed(shared, *options, *since, "--until", middle)
    after = replayed(shared, *options, "--since", middle)

    for label, counted in whole["labels"].items():
        assert counted["calls"] == before["labels"][label]["calls"] + after["labels"][label]["calls"]
    assert datetime.fromisoformat(before["until"]) == datetime.fromisoformat(after["since"])


def test_a_past_policy_must_be_on_record(shared: Any) -> None:
    """``--as-of`` must lie between the first policy on record and now; changes apply to the policy of that time."""
    early = shared("replay", "--no-sync", "--as-of", "2020-01-01")
    assert (2, True) == (early.status, golden("commands.replay.first_on_record") in early.sentence)

    now = ("--no-sync", "--as-of", f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}")

    today = replayed(shared, *now)
    assert 0 == sum(today["labels"][label]["calls"] for label in LABELS - {"unchanged"})
    window = ("--until", f"{datetime.now(UTC) - timedelta(hours=1):%Y-%m-%dT%H:%M:%S}", "--remove", SEATTLE)
    window = ("--since", f"{datetime.now(UTC) - timedelta(days=20):%Y-%m-%d}", *window)
    assert replayed(shared, "--no-sync", *window) == replayed(shared, *now, *window)
    assert golden("commands.replay.in_the_future") in shared("replay", "--no-sync", "--as-of", "2999-01-01").sentence


def test_unknown_prefix_decides_fewer_calls(shared: Any) -> None:
    """With an unknown prefix fewer calls are decided: only calls can then prove that a listed PBX dials this prefix."""
    known = replayed(shared, "--credentials", "off", "--no-sync", "--prefix", "known")
    unknown = replayed(shared, "--credentials", "off", "--no-sync", "--prefix", "unknown")

    assert known["labels"] == replayed(shared, "--credentials", "off", "--no-sync")["labels"]
    assert unknown["decided"] < known["decided"]
    assert any("prefix" in why for why in unknown["unclear"])


def test_calls_are_authorized_by_the_policy_of_their_time(shared: Any) -> None:
    """Refused calls from an unlisted address were not authorized; other calls state how they were admitted."""
    found = shared("authorized", "--no-sync", "--format", "json").json

    counted = {(row["who"], row["authorized"], row["outcome"]): row["calls"] for row in found["calls"]}
    assert counted["Denver", "no", "refused_auth"] > 0
    assert counted["Seattle", "yes", "answered"] > 0
    assert not any(said == "no" and outcome == "answered" for _, said, outcome in counted)
    whole = sum(counted["calls"] for counted in replayed(shared, "--no-sync")["labels"].values())
    assert whole == sum(counted.values())
    text = shared("authorized", "--no-sync", "--since", f"{datetime.now(UTC) - timedelta(days=2):%Y-%m-%d}")
    assert "PBX or address" in text.out
    assert re.search(
        "Denver +no +" + golden_pattern("replay.reasons.refused_by_the_rule") + r" +Refused for authorization +\d",
        text.out,
    )
    assert re.search(
        r"203\.0\.113\.66 +yes +" + golden_pattern("replay.reasons.by_either") + r" +Answered +\d", text.out
    )


def test_destinations_are_under_each_label(shared: Any) -> None:
    """``--destinations N`` adds the N costliest dialed numbers to each label; all numbers add up to its sums."""
    plain = replayed(shared, "--remove", SEATTLE, "--no-sync")
    few = replayed(shared, "--remove", SEATTLE, "--no-sync", "--destinations", "3")["labels"]
    every = replayed(shared, "--remove", SEATTLE, "--no-sync", "--destinations", "1000000")["labels"]

    assert LABELS == every.keys()
    for label, counted in every.items():
        numbers = counted["destinations"]
        assert numbers[:3] == few[label]["destinations"]
        assert counted["calls"] == sum(number["calls"] for number in numbers)
        assert Decimal(counted["cost_usd"]) == sum(Decimal(number["cost_usd"]) for number in numbers)
        assert plain["labels"][label] == {name: counted[name] for name in ("calls", "minutes", "cost_usd")}
    first = every["broken"]["destinations"][0]
    assert ["destination", "zone", "country", "kind", "calls", "minutes", "cost_usd"] == list(first)
    assert first["minutes"] > 0
    assert {"United States"} <= {number["country"] for number in every["broken"]["destinations"]}


def test_destinations_are_printed_in_tables(shared: Any) -> None:
    """With ``--destinations``, text has a table for each label with calls, with the numbers of the JSON output."""
    options = ("replay", "--remove", SEATTLE, "--no-sync")
    answer = shared(*options, "--destinations", "2")
    told = replayed(shared, *options[1:], "--destinations", "2")["labels"]["broken"]["destinations"]
    lines = answer.out.splitlines()
    place = next(place for place, line in enumerate(lines) if line.startswith("broken: number dialed"))

    assert [number["destination"] for number in told] == [line.split()[0] for line in lines[place + 1 : place + 3]]
    title, first, second = map(len, lines[place : place + 3])
    assert title == first == second
    assert "saved: number dialed" not in answer.out
    assert "number dialed" not in shared(*options).out


def test_text_is_an_aligned_table(shared: Any) -> None:
    """Text has an aligned line per label, the share decided, the callers that lose calls, and what decides these."""
    answer = shared("replay", "--remove", SEATTLE, "--no-sync")

    head, *rows = answer.out.splitlines()[:4]
    assert ["calls", "minutes", "dollars"] == head.split()
    assert ["broken", "saved", "unchanged"] == [row[:11].strip() for row in rows]
    assert {len(head)} == {len(row) for row in rows}
    assert "could be decided.\n" in answer.out
    assert golden("commands.replay.blocks_calls_of") + "\n" in answer.out
    assert re.search(rf"\nSeattle +broken +list entry {re.escape(SEATTLE)} +nothing +- +[\d,]+\n", answer.out)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--allow", "pbx.example.net"), "pbx.example.net " + golden("errors.addresses.is_host_name") + "."),
        (("--allow", "10.0.0.1"), "10.0.0.1 " + golden("errors.addresses.is_private")),
        (("--allow", SEATTLE), golden("errors.portal.already_listed", address=SEATTLE) + "."),
        (
            ("--remove", DENVER),
            golden("commands.replay.not_listed", address=DENVER),
        ),
        (("--remove", "seattle"), "seattle " + golden("errors.addresses.is_host_name") + "."),
    ],
)
def test_what_cannot_be_proposed_is_a_sentence(shared: Any, options: tuple[str, ...], words: str) -> None:
    """An invalid change gives status 2 and a sentence with the value and the remedy."""
    answer = shared("replay", "--no-sync", *options)

    assert 2 == answer.status
    assert words in answer.sentence


def test_a_home_without_calls_says_so(bare: Any) -> None:
    """If no calls were ever fetched, ``replay`` states that, and the share decided is null."""
    answer = bare("replay", "--no-sync")

    assert 0 == answer.status
    assert golden("commands.replay.no_outbound_calls") in answer.out
    assert bare("replay", "--no-sync", "--format", "json").json["decided"] is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--credentials", "maybe"), "maybe"),
        (("--since", "yesterday"), "yesterday"),
        (("--since", "9999-12-31"), golden("commands.replay.since_in_the_future")),
        (("--since", "2026-02-01", "--until", "2026-01-01"), golden("commands.replay.until_before_since")),
        (("--prefix", "perhaps"), "perhaps"),
        (("--destinations", "9223372036854775808"), golden("commands.replay.invalid_destinations")),
        (("--destinations", "-1"), golden("commands.replay.invalid_destinations")),
    ],
)
def test_a_wrong_option_is_an_error_of_its_own(bare: Any, options: tuple[str, str], words: str) -> None:
    """An invalid switch, date or count exits with 2 and creates no home."""
    answer = bare("replay", *options)

    assert (2, "") == (answer.status, answer.out)
    assert words in answer.err
    assert not bare.home.exists()
