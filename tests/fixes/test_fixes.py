"""Fixes on the embedded account: planned, guarded, applied exactly, verified, taken back."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import requests

from dashboard.checks.evidence.ownership import remove
from dashboard.core.errors import (
    CarrierError,
    CarrierRefusedError,
    FixError,
    JournalError,
    NotConfirmedError,
    StalePlanError,
    UnknownFindingError,
)
from dashboard.core.settings import Settings
from dashboard.domain.actors import Actor, Role
from dashboard.domain.changes import AllowAddress, Change, CreateRoute, RemoveAddress, RouteNumber, SetCredentials
from dashboard.domain.snapshot import Snapshot
from dashboard.emulator.lifecycle import process
from dashboard.fixes import executor as applying
from dashboard.services.workspace import Workspace
from dashboard.storage.database import versions
from dashboard.storage.journal import DONE, FAILED
from tests.waiting import WAIT_S

pytestmark = pytest.mark.slow

ANA = Actor("ana (test)", Role.APPROVER)
DENVER = "198.51.100.24"
Embedded = Callable[..., Workspace]


@pytest.fixture
def account(synced: Workspace) -> Workspace:
    """Open the whole sample account, synced."""
    return synced


@pytest.fixture(scope="module")
def unchanged(synced_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Open the whole sample account, synced, for tests that change nothing of it."""
    home = tmp_path_factory.mktemp("unchanged") / "home"
    shutil.copytree(synced_home, home)
    with Workspace.open(Settings(home=home)) as opened:
        yield opened


def networks(workspace: Workspace) -> set[str]:
    """Ask the carrier for its list."""
    return set(workspace.carrier.allowed_ips()[0]["network"])


def test_allowing_the_refused_pbx(account: Workspace) -> None:
    """The plan saves calls and breaks none; applied, the check passes; undone, the list is as it was."""
    before = account.carrier.allowed_ips()[0]
    plan = account.plan("pbx_address_is_allowed", DENVER)

    assert [AllowAddress] == [type(change) for change in plan.changes]
    assert plan.impact.calls("saved") > 0
    assert (plan.impact.calls("broken"), plan.impact.saves, plan.phrases) == (0, ("Denver",), ())

    entry = account.apply(plan, actor=ANA)

    assert (entry.phase, entry.actor) == (DONE, "ana (test)")
    assert DENVER in networks(account)
    verdict = {(f.check, f.subject): f for f in account.findings()}
    assert verdict["pbx_address_is_allowed", DENVER].status == "pass"
    assert verdict["call_source_is_allowed", DENVER].status == "pass"

    back = account.undo_plan(entry.id)
    assert ("Undo: allow 198.51.100.24", ("Denver",)) == (back.title, back.phrases)
    taken_back = account.apply(back, actor=ANA, typed=["Denver"])

    assert set(before["network"]) == networks(account)
    assert account.undo_plan(taken_back.id).title == "Redo: allow 198.51.100.24"
    assert account.journal.verify() == 4
    with pytest.raises(JournalError, match="undone already"):
        account.undo_plan(entry.id)


def test_removing_an_entry_and_undoing_restores_the_whole_row(account: Workspace) -> None:
    """Label, owner, purpose and role come back with the address, which has to be typed: it was removed for cause."""
    kept = ["network", "label", "owner", "purpose", "role", "review_by"]
    before = account.carrier.allowed_ips()[0].set_index("network").loc["203.0.113.66"]
    entry = account.apply(account.plan("allowed_ip_has_pbx", "203.0.113.66"), actor=ANA)
    assert "203.0.113.66" not in networks(account)

    back = account.undo_plan(entry.id)
    assert ("203.0.113.66",) == back.phrases
    account.apply(back, actor=ANA, typed=back.phrases)

    after = account.carrier.allowed_ips()[0].set_index("network").loc["203.0.113.66"]
    assert before[kept[1:]].equals(after[kept[1:]])


def test_a_dry_run_writes_nothing(unchanged: Workspace) -> None:
    """Rehearsing does all that applying does short of writing: neither account nor journal moves."""
    before = networks(unchanged)

    unchanged.rehearse(unchanged.plan("pbx_address_is_allowed", DENVER), actor=ANA)

    assert before == networks(unchanged)
    assert unchanged.journal.entries() == []


def test_planning_again_gives_the_same_hash(unchanged: Workspace) -> None:
    """The account did not move, so the plan is the same plan."""
    first, second = (unchanged.plan("pbx_address_is_allowed", DENVER) for _ in range(2))

    assert first.hash == second.hash


def test_a_stale_plan_is_refused(account: Workspace) -> None:
    """Somebody else changed the list after the plan was shown: nothing is written, and it says what moved."""
    plan = account.plan("pbx_address_is_allowed", DENVER)
    account.carrier.apply(AllowAddress(network="192.0.2.9", label="somebody else's"))

    with pytest.raises(StalePlanError, match=r"allowed_ips 192\.0\.2\.9.*Nothing was changed"):
        account.apply(plan, actor=ANA)

    assert DENVER not in networks(account)
    assert account.journal.entries() == []


def test_credentials_off_asks_for_the_name_of_who_breaks(account: Workspace) -> None:
    """With the dynamic PBX in, the plan names it, and only its name lets the plan through."""
    account.apply(account.plan("pbx_address_is_allowed", "198.51.100.40"), actor=ANA)
    plan = account.plan_changes([SetCredentials(enabled=False)])

    assert plan.impact.calls("broken") > 0
    assert ("Miami", ("Miami",)) == (plan.impact.breaks[0], plan.phrases)
    with pytest.raises(NotConfirmedError, match="type exactly: Miami"):
        account.apply(plan, actor=ANA, typed=["miami"])
    with pytest.raises(FixError, match="operator and may not"):
        account.apply(plan, actor=Actor("bob", Role.OPERATOR), typed=["Miami"])
    assert account.carrier.account().credentials_on is True

    entry = account.apply(plan, actor=ANA, typed=["Miami"])
    assert account.carrier.account().credentials_on is False

    account.apply(account.undo_plan(entry.id), actor=ANA)
    assert account.carrier.account().credentials_on is True


def test_credentials_retire_with_one_click_without_the_dynamic_pbx(embedded: Embedded) -> None:
    """Every address listed, nobody dynamic, no thief: nothing breaks, nothing is typed; undo gives them back."""
    account = embedded("dynamic", "forged")
    account.sync()
    for check, subject in [("pbx_address_is_allowed", DENVER), ("pbx_address_is_allowed", "198.51.100.40")]:
        account.apply(account.plan(check, subject), actor=ANA)
    plan = account.plan("credentials_are_off", "account")

    assert (0, (), ()) == (plan.impact.calls("broken"), plan.impact.breaks, plan.phrases)
    entry = account.apply(plan, actor=ANA)
    assert {f.status for f in account.findings() if f.check == "credentials_are_off"} == {"pass"}

    account.apply(account.undo_plan(entry.id), actor=ANA)
    assert account.carrier.account().credentials_on is True


def test_a_route_is_made_and_its_numbers_pointed(account: Workspace) -> None:
    """The inventory's numbers go to the PBX's own host; undone, route and numbers are as before."""
    numbers, routes = account.carrier.numbers(), account.carrier.routes()
    plan = account.plan("pbx_has_inbound_route", "phoenix")

    assert [CreateRoute, RouteNumber, RouteNumber] == [type(change) for change in plan.changes]
    entry = account.apply(plan, actor=ANA)
    assert {f.status for f in account.findings() if f.subject == "phoenix"} == {"pass"}

    account.apply(account.undo_plan(entry.id), actor=ANA)
    assert numbers.sort_values("number").to_dict("records") == (
        account.carrier.numbers().sort_values("number").to_dict("records")
    )
    assert set(routes["alias"]) == set(account.carrier.routes()["alias"])


def busy_number(snapshot: Snapshot) -> str:
    """Return a number of ours that took calls."""
    inbound = snapshot.traffic[snapshot.traffic["direction"] == "inbound"]
    return str(inbound["number"].iloc[0])


def test_a_number_that_took_calls_asks_for_its_digits(unchanged: Workspace) -> None:
    """It goes nowhere that anybody knows of, but people call it: the sentence says how many, over the window."""
    snapshot = unchanged.snapshot()
    used = busy_number(snapshot)
    inbound = snapshot.traffic[snapshot.traffic["direction"] == "inbound"]
    calls = int(inbound.loc[inbound["number"] == used, "calls"].sum())

    plan = unchanged.plan_changes([RouteNumber(number=used, to_alias="sip-reg", was_alias="")])
    (lock,) = (lock for lock in plan.interlocks if lock.id == "numbers_are_free")

    assert (plan.phrases, lock.met) == ((used,), False)
    assert f"{used} took {calls:,} calls in the last {unchanged.settings.window_days} days." in lock.sentence


def test_a_number_in_use_asks_for_its_digits(unchanged: Workspace) -> None:
    """A number that is routed elsewhere is moved only when typed."""
    snapshot = unchanged.snapshot()
    used = busy_number(snapshot)
    was = next(iter(snapshot.routes.loc[snapshot.routes["route_type"] == "host", "alias"]))
    changes: list[Change] = [RouteNumber(number=used, to_alias="sip-reg", was_alias=was)]

    plan = unchanged.plan_changes(changes)

    assert plan.phrases == (used,)


def test_a_failure_half_way_is_taken_back(account: Workspace) -> None:
    """The second change is refused by the carrier: the first is undone, the journal says failed, the next fix works."""
    before = networks(account)
    changes = [AllowAddress(network="192.0.2.10"), CreateRoute(alias="Seattle", value="192.0.2.10")]
    taken = account.carrier.routes()["alias"].iloc[-1]
    changes[1] = CreateRoute(alias=str(taken), value="192.0.2.10")
    plan = account.plan_changes(changes)

    with pytest.raises(CarrierRefusedError, match="rolled back"):
        account.apply(plan, actor=ANA)

    assert before == networks(account)
    assert [FAILED] == [entry.phase for entry in account.journal.entries()][1:]
    assert account.apply(account.plan("pbx_address_is_allowed", DENVER), actor=ANA).phase == DONE


def test_a_carrier_that_stumbles_leaves_nothing_behind(account: Workspace) -> None:
    """Every answer is an error from the first change on: the journal says what is not known, and nothing is lost."""
    plan = account.plan("pbx_address_is_allowed", DENVER)
    before = networks(account)
    running = process.running(account.settings.home)
    assert running is not None
    key, faults = (running.access_key, running.secret_key), f"{running.url}/portal/faults"
    requests.patch(faults, json={"maintenance_page": True}, auth=key, timeout=WAIT_S).raise_for_status()

    with pytest.raises(CarrierError):
        account.apply(plan, actor=ANA)
    requests.delete(faults, auth=key, timeout=WAIT_S).raise_for_status()

    assert before == networks(account)
    assert account.apply(plan, actor=ANA).phase == DONE


@pytest.mark.parametrize(
    ("network", "words"),
    [
        ("10.0.0.1", "private"),
        ("100.64.0.1", "carrier-grade"),
        ("224.0.0.1", "multicast"),
        ("0.0.0.0/0", "."),
        ("pbx.example.net", "."),
        ("2001:db8::1", "IPv6"),
    ],
)
def test_unusable_addresses_are_blocked(unchanged: Workspace, network: str, words: str) -> None:
    """No phrase lets an address through that must not stand on the list."""
    plan = unchanged.plan_changes([AllowAddress(network=network)])

    assert [lock.id for lock in plan.blocked] == ["address_is_usable"]
    with pytest.raises(NotConfirmedError, match=words):
        unchanged.apply(plan, actor=ANA, typed=[network])
    assert network not in networks(unchanged)


def test_a_fix_has_a_largest_size(unchanged: Workspace) -> None:
    """One press of a button does not rewrite the list."""
    plan = unchanged.plan_changes([AllowAddress(network=f"192.0.2.{n}") for n in range(1, 40)])

    assert "size_is_bounded" in {lock.id for lock in plan.blocked}


@pytest.mark.parametrize(
    ("check", "subject", "message"),
    [
        ("no_such_check", "x", "There is no check no_such_check. The checks are: .*credentials_are_off"),
        ("pbx_address_is_allowed", "192.0.2.77", f"has nothing on 192.0.2.77.*{DENVER}"),
        ("pbx_address_is_allowed", "198.51.100.11", "passes and proposes no fix"),
    ],
)
def test_nothing_to_fix_is_said(unchanged: Workspace, check: str, subject: str, message: str) -> None:
    """A check, a subject or a finding that is not there is named with those that are."""
    with pytest.raises(UnknownFindingError, match=message):
        unchanged.plan(check, subject)


def test_the_life_of_a_finding(account: Workspace) -> None:
    """New, open, planned, verified after the fix, regressed after somebody took it back by hand."""

    def life() -> Any:
        return next(f.life for f in account.findings() if (f.check, f.subject) == ("pbx_address_is_allowed", DENVER))

    seen = [life(), life()]
    plan = account.plan("pbx_address_is_allowed", DENVER)
    seen.append(life())
    account.apply(plan, actor=ANA)
    seen.append(life())
    account.carrier.apply(RemoveAddress(network=DENVER))
    account.sync()
    seen.append(life())

    assert ["new", "open", "planned", "verified", "regressed"] == seen


def test_what_changed_is_known_before_the_next_sync(account: Workspace) -> None:
    """After a fix the snapshot shows the new list without fetching calls."""
    account.apply(account.plan_changes([SetCredentials(enabled=False)]), actor=ANA, typed=_phrases(account))

    assert account.snapshot().account.credentials_on is False


def _phrases(account: Workspace) -> list[str]:
    plan = account.plan_changes([SetCredentials(enabled=False)])
    return list(plan.phrases)


def test_every_entry_can_be_put_back(account: Workspace) -> None:
    """Taken off and given back, each address is as it was, with its review date and with who had put it there."""
    before = account.carrier.allowed_ips()[0].drop(columns="added_at").sort_values("network", ignore_index=True)
    for row in before[~before["network"].str.contains("/")].to_dict("records"):
        plan = account.plan_changes([remove(pd.Series(row))])
        entry = account.apply(plan, actor=ANA, typed=plan.phrases)
        back = account.undo_plan(entry.id)
        account.apply(back, actor=ANA, typed=back.phrases)

    after = account.carrier.allowed_ips()[0].drop(columns="added_at").sort_values("network", ignore_index=True)
    assert after.equals(before)


def test_who_allowed_an_address_stands_on_its_entry(account: Workspace) -> None:
    """The list itself says who put an entry there."""
    account.apply(account.plan("pbx_address_is_allowed", DENVER), actor=ANA)

    listed = account.carrier.allowed_ips()[0].set_index("network")
    assert listed.loc[DENVER, "added_by"] == "ana (test)"


def test_what_somebody_changed_since_is_not_taken_back(account: Workspace) -> None:
    """A number that leads elsewhere by now stays there, and an address that is gone is not removed again."""
    routed = account.apply(account.plan("pbx_has_inbound_route", "phoenix"), actor=ANA)
    allowed = account.apply(account.plan("pbx_address_is_allowed", DENVER), actor=ANA)
    account.carrier.apply(RouteNumber(number="16025550150", to_alias="Seattle", was_alias="Phoenix"))
    account.carrier.apply(RemoveAddress(network=DENVER))
    account.sync(quick=True)

    with pytest.raises(StalePlanError, match="16025550150 changed after this fix"):
        account.undo_plan(routed.id)
    with pytest.raises(StalePlanError, match=f"{DENVER} changed after this fix"):
        account.undo_plan(allowed.id)


@pytest.mark.parametrize(("address", "name"), [("198.51.100.13", "Chicago"), ("198.51.100.70", "Dallas")])
def test_a_silent_address_in_service_is_not_removed_unasked(unchanged: Workspace, address: str, name: str) -> None:
    """A failover address and a standby site place no calls until the night they are needed."""
    row = unchanged.snapshot().allowed_ips.set_index("network", drop=False).loc[address]

    plan = unchanged.plan_changes([remove(row)])

    assert plan.phrases == (name,)
    assert f"No call from {address} is on record" in " ".join(lock.sentence for lock in plan.interlocks)


class Cut:
    """A carrier that somebody interrupts at the second change."""

    def __init__(self, carrier: Any) -> None:
        self.carrier, self.changes = carrier, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.carrier, name)

    def apply(self, change: Change) -> None:
        """Carry out any change but the second."""
        self.changes += 1
        if self.changes == 2:
            raise KeyboardInterrupt
        self.carrier.apply(change)


def test_a_fix_that_is_cut_off_is_taken_back_and_journaled(account: Workspace) -> None:
    """Ctrl-C between two changes leaves neither of them, and never an entry without an end."""
    routes = set(account.carrier.routes()["alias"])
    plan = account.plan("pbx_has_inbound_route", "phoenix")

    with pytest.raises(KeyboardInterrupt):
        applying.apply(
            plan,
            carrier=Cut(account.carrier),  # type: ignore[arg-type] # all else is the carrier's own
            journal=account.journal,
            home=account.settings.home,
            actor=ANA,
        )

    last = account.journal.entries()[-1]
    assert last.phase == FAILED
    assert last.content["message"].startswith(
        "It was cut off (KeyboardInterrupt). What had been done before was rolled"
    )
    assert routes == set(account.carrier.routes()["alias"])


def test_a_fix_of_a_last_known_failure_applies_once_the_account_is_read_again(account: Workspace) -> None:
    """On a stale list it can be reviewed and is dated; after a sync it is planned anew and carried out."""
    eight_days_ago = datetime.now(UTC) - timedelta(days=8)
    with account.state.writing() as connection:
        connection.execute(versions.update().where(versions.c.kind == "allowed_ips").values(seen_at=eight_days_ago))

    stale = account.plan("pbx_address_is_allowed", DENVER)

    assert (True, eight_days_ago) == (bool(stale.blocked), stale.last_known_at)
    with pytest.raises(NotConfirmedError, match="list of allowed addresses on record is stale"):
        account.apply(stale, actor=ANA)

    account.sync(quick=True)
    fresh = account.plan("pbx_address_is_allowed", DENVER)

    assert (stale.changes, None) == (fresh.changes, fresh.last_known_at)
    assert DONE == account.apply(fresh, actor=ANA).phase
