"""Fixes on the embedded account: planned, guarded, applied exactly, verified, undone."""

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
from dashboard.fixes import executor
from dashboard.services.workspace import Workspace
from dashboard.storage.database import versions
from dashboard.storage.journal import PHASE_DONE, PHASE_FAILED
from tests.texts import golden, golden_pattern
from tests.waiting import WAIT_S

pytestmark = pytest.mark.slow

ANA = Actor("ana (test)", Role.APPROVER)
DENVER = "198.51.100.24"
Embedded = Callable[..., Workspace]


@pytest.fixture
def account(synced: Workspace) -> Workspace:
    """Open the complete sample account, synced."""
    return synced


@pytest.fixture(scope="module")
def unchanged(synced_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Open the complete sample account, synced, for tests that do not change it."""
    home = tmp_path_factory.mktemp("unchanged") / "home"
    shutil.copytree(synced_home, home)
    with Workspace.open(Settings(home=home)) as opened:
        yield opened


def networks(workspace: Workspace) -> set[str]:
    """Return the carrier's allow list."""
    return set(workspace.carrier.allowed_ips()[0]["network"])


def test_allowing_the_refused_pbx(account: Workspace) -> None:
    """The plan saves calls and breaks none; applied, the check passes; undo restores the list."""
    before = account.carrier.allowed_ips()[0]
    plan = account.plan("pbx_address_is_allowed", DENVER)

    assert [AllowAddress] == [type(change) for change in plan.changes]
    assert plan.impact.calls("saved") > 0
    assert (plan.impact.calls("broken"), plan.impact.saves, plan.phrases) == (0, ("Denver",), ())

    entry = account.apply(plan, actor=ANA)

    assert (entry.phase, entry.actor) == (PHASE_DONE, "ana (test)")
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
    """Undo restores label, owner, purpose and role; the address must be typed because it was removed for cause."""
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
    """A dry run performs every step of applying except writing: account and journal do not change."""
    before = networks(unchanged)

    unchanged.rehearse(unchanged.plan("pbx_address_is_allowed", DENVER), actor=ANA)

    assert before == networks(unchanged)
    assert unchanged.journal.entries() == []


def test_planning_again_gives_the_same_hash(unchanged: Workspace) -> None:
    """A new plan on an unchanged account has the same hash."""
    first, second = (unchanged.plan("pbx_address_is_allowed", DENVER) for _ in range(2))

    assert first.hash == second.hash


def test_a_stale_plan_is_refused(account: Workspace) -> None:
    """If the list changed after the plan was displayed, nothing is written, and the error names the change."""
    plan = account.plan("pbx_address_is_allowed", DENVER)
    account.carrier.apply(AllowAddress(network="192.0.2.9", label="somebody else's"))

    with pytest.raises(StalePlanError, match=r"allowed_ips 192\.0\.2\.9.*Nothing was changed"):
        account.apply(plan, actor=ANA)

    assert DENVER not in networks(account)
    assert account.journal.entries() == []


def test_credentials_off_asks_for_the_name_of_who_breaks(account: Workspace) -> None:
    """The plan names the dynamic PBX that breaks, and applying requires its name."""
    account.apply(account.plan("pbx_address_is_allowed", "198.51.100.40"), actor=ANA)
    plan = account.plan_changes([SetCredentials(enabled=False)])

    assert plan.impact.calls("broken") > 0
    assert ("Miami", ("Miami",)) == (plan.impact.breaks[0], plan.phrases)
    with pytest.raises(NotConfirmedError, match="type exactly: Miami"):
        account.apply(plan, actor=ANA, typed=["miami"])
    with pytest.raises(FixError, match=golden_pattern("errors.fixes.may_not")):
        account.apply(plan, actor=Actor("bob", Role.OPERATOR), typed=["Miami"])
    assert account.carrier.account().credentials_on is True

    entry = account.apply(plan, actor=ANA, typed=["Miami"])
    assert account.carrier.account().credentials_on is False

    account.apply(account.undo_plan(entry.id), actor=ANA)
    assert account.carrier.account().credentials_on is True


def test_credentials_retire_with_one_click_without_the_dynamic_pbx(embedded: Embedded) -> None:
    """
    If nothing breaks, nothing has to be typed; undo switches credentials on again.

    Every address is listed, and there is no dynamic PBX and no thief.
    """
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
    """The inventory's numbers are routed to the PBX's own host; undo restores route and numbers."""
    numbers = account.carrier.numbers()
    routes = account.carrier.routes()
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
    """Return a number of the account that received calls."""
    inbound = snapshot.traffic[snapshot.traffic["direction"] == "inbound"]
    return str(inbound["number"].iloc[0])


def test_a_number_that_took_calls_asks_for_its_digits(unchanged: Workspace) -> None:
    """A number without a known route that received calls needs confirmation, with their count over the window."""
    snapshot = unchanged.snapshot()
    used = busy_number(snapshot)
    inbound = snapshot.traffic[snapshot.traffic["direction"] == "inbound"]
    calls = int(inbound.loc[inbound["number"] == used, "calls"].sum())

    plan = unchanged.plan_changes([RouteNumber(number=used, to_alias="sip-reg", was_alias="")])
    (guard,) = (guard for guard in plan.guards if guard.id == "numbers_are_free")

    assert (plan.phrases, guard.met) == ((used,), False)
    assert (
        golden("fixes.guards.took_calls", used=used, calls=f"{calls:,}", window_days=unchanged.settings.window_days)
        in guard.sentence
    )


def test_a_number_in_use_asks_for_its_digits(unchanged: Workspace) -> None:
    """A number with another route is moved only after its digits are typed."""
    snapshot = unchanged.snapshot()
    used = busy_number(snapshot)
    was = next(iter(snapshot.routes.loc[snapshot.routes["route_type"] == "host", "alias"]))
    changes: list[Change] = [RouteNumber(number=used, to_alias="sip-reg", was_alias=was)]

    plan = unchanged.plan_changes(changes)

    assert plan.phrases == (used,)


def test_failure_of_a_later_change_is_rolled_back(account: Workspace) -> None:
    """
    If the carrier refuses the second change, the first is undone and the journal records failed.

    The next fix works.
    """
    before = networks(account)
    changes = [AllowAddress(network="192.0.2.10"), CreateRoute(alias="Seattle", value="192.0.2.10")]
    taken = account.carrier.routes()["alias"].iloc[-1]
    changes[1] = CreateRoute(alias=str(taken), value="192.0.2.10")
    plan = account.plan_changes(changes)

    with pytest.raises(CarrierRefusedError, match="rolled back"):
        account.apply(plan, actor=ANA)

    assert before == networks(account)
    assert [PHASE_FAILED] == [entry.phase for entry in account.journal.entries()][1:]
    assert account.apply(account.plan("pbx_address_is_allowed", DENVER), actor=ANA).phase == PHASE_DONE


def test_failing_carrier_is_recorded_as_unknown(account: Workspace) -> None:
    """
    If every answer from the first change on is an error, the journal records what is unknown.

    Nothing is lost.
    """
    plan = account.plan("pbx_address_is_allowed", DENVER)
    before = networks(account)
    running = process.running(account.settings.home)
    assert running is not None
    key = (running.access_key, running.secret_key)
    faults = f"{running.url}/portal/faults"
    requests.patch(faults, json={"maintenance_page": True}, auth=key, timeout=WAIT_S).raise_for_status()

    with pytest.raises(CarrierError):
        account.apply(plan, actor=ANA)
    requests.delete(faults, auth=key, timeout=WAIT_S).raise_for_status()

    assert before == networks(account)
    assert account.apply(plan, actor=ANA).phase == PHASE_DONE


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
    """No confirmation allows an address that must not be on the list."""
    plan = unchanged.plan_changes([AllowAddress(network=network)])

    assert [guard.id for guard in plan.blocked] == ["address_is_usable"]
    with pytest.raises(NotConfirmedError, match=words):
        unchanged.apply(plan, actor=ANA, typed=[network])
    assert network not in networks(unchanged)


def test_a_fix_has_a_largest_size(unchanged: Workspace) -> None:
    """The number of changes in one fix is limited."""
    plan = unchanged.plan_changes([AllowAddress(network=f"192.0.2.{n}") for n in range(1, 40)])

    assert "size_is_bounded" in {guard.id for guard in plan.blocked}


@pytest.mark.parametrize(
    ("check", "subject", "message"),
    [
        ("no_such_check", "x", golden_pattern("commands.fix.no_such_check_listed") + " .*credentials_are_off"),
        ("pbx_address_is_allowed", "192.0.2.77", f"has nothing on 192.0.2.77.*{DENVER}"),
        ("pbx_address_is_allowed", "198.51.100.11", golden_pattern("errors.fixes.passes")),
    ],
)
def test_unknown_check_or_subject_lists_valid_ones(
    unchanged: Workspace, check: str, subject: str, message: str
) -> None:
    """An unknown check, subject or finding gives an error that lists the valid ones."""
    with pytest.raises(UnknownFindingError, match=message):
        unchanged.plan(check, subject)


def test_finding_lifecycle_through_fix_and_regression(account: Workspace) -> None:
    """New, open, planned, verified after the fix, regressed after the fix was reverted outside the product."""

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
    """After a fix the snapshot has the new list without fetching calls."""
    account.apply(account.plan_changes([SetCredentials(enabled=False)]), actor=ANA, typed=_phrases(account))

    assert account.snapshot().account.credentials_on is False


def _phrases(account: Workspace) -> list[str]:
    plan = account.plan_changes([SetCredentials(enabled=False)])
    return list(plan.phrases)


def test_every_entry_can_be_put_back(account: Workspace) -> None:
    """An entry that is removed and restored keeps its review date and the person who added it."""
    before = account.carrier.allowed_ips()[0].drop(columns="added_at").sort_values("network", ignore_index=True)
    single = before[~before["network"].str.contains("/")].to_dict("records")
    plan = account.plan_changes([remove(pd.Series(row)) for row in single])

    entry = account.apply(plan, actor=ANA, typed=plan.phrases)
    back = account.undo_plan(entry.id)
    account.apply(back, actor=ANA, typed=back.phrases)

    after = account.carrier.allowed_ips()[0].drop(columns="added_at").sort_values("network", ignore_index=True)
    assert after.equals(before)


def test_who_allowed_an_address_stands_on_its_entry(account: Workspace) -> None:
    """The carrier's entry names the person who added it."""
    account.apply(account.plan("pbx_address_is_allowed", DENVER), actor=ANA)

    listed = account.carrier.allowed_ips()[0].set_index("network")
    assert listed.loc[DENVER, "added_by"] == "ana (test)"


def test_what_somebody_changed_since_is_not_taken_back(account: Workspace) -> None:
    """Undo does not change a number with another route, and does not remove an address that is already gone."""
    routed = account.apply(account.plan("pbx_has_inbound_route", "phoenix"), actor=ANA)
    allowed = account.apply(account.plan("pbx_address_is_allowed", DENVER), actor=ANA)
    account.carrier.apply(RouteNumber(number="16025550150", to_alias="Seattle", was_alias="Phoenix"))
    account.carrier.apply(RemoveAddress(network=DENVER))
    account.sync(quick=True)

    with pytest.raises(StalePlanError, match=golden_pattern("fixes.executor.changed_after", subject="16025550150")):
        account.undo_plan(routed.id)
    with pytest.raises(StalePlanError, match=golden_pattern("fixes.executor.changed_after", subject=DENVER)):
        account.undo_plan(allowed.id)


@pytest.mark.parametrize(("address", "name"), [("198.51.100.13", "Chicago"), ("198.51.100.70", "Dallas")])
def test_a_silent_address_in_service_is_not_removed_unasked(unchanged: Workspace, address: str, name: str) -> None:
    """Failover addresses and standby sites place no calls until they are needed, so removal needs confirmation."""
    row = unchanged.snapshot().allowed_ips.set_index("network", drop=False).loc[address]

    plan = unchanged.plan_changes([remove(row)])

    assert plan.phrases == (name,)
    assert golden("fixes.guards.no_call_on_record", address=address) in " ".join(
        guard.sentence for guard in plan.guards
    )


class Cut:
    """Carrier that is interrupted at the second change."""

    def __init__(self, carrier: Any) -> None:
        self.carrier = carrier
        self.changes = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.carrier, name)

    def apply(self, change: Change) -> None:
        """Apply any change except the second."""
        self.changes += 1
        if self.changes == 2:
            raise KeyboardInterrupt
        self.carrier.apply(change)


def test_a_fix_that_is_cut_off_is_taken_back_and_journaled(account: Workspace) -> None:
    """After Ctrl-C between two changes neither remains applied, and the entry has an outcome."""
    routes = set(account.carrier.routes()["alias"])
    plan = account.plan("pbx_has_inbound_route", "phoenix")

    with pytest.raises(KeyboardInterrupt) as caught:
        executor.apply(
            plan,
            carrier=Cut(account.carrier),  # type: ignore[arg-type] # all else is the carrier's own
            journal=account.journal,
            home=account.settings.home,
            actor=ANA,
        )

    last = account.journal.entries()[-1]
    assert last.phase == PHASE_FAILED
    assert last.content["message"].startswith(golden("errors.fixes.cut_off"))
    assert routes == set(account.carrier.routes()["alias"])
    assert [last.content["message"]] == caught.value.__notes__


def test_without_an_anchor_the_account_is_not_touched(account: Workspace) -> None:
    """A fix whose beginning cannot be anchored makes no change, records nothing, and says so."""
    plan = account.plan("pbx_address_is_allowed", DENVER)
    before = networks(account)
    account.state.anchors.path.unlink()
    account.state.anchors.path.mkdir()
    carrier = Cut(account.carrier)

    with pytest.raises(
        JournalError, match="cannot be anchored .* " + golden_pattern("errors.fixes.nothing_was_changed") + "$"
    ):
        executor.apply(
            plan,
            carrier=carrier,  # type: ignore[arg-type] # all else is the carrier's own
            journal=account.journal,
            home=account.settings.home,
            actor=ANA,
        )

    assert (0, before, []) == (carrier.changes, networks(account), account.journal.entries())


def test_a_fix_of_a_last_known_failure_applies_once_the_account_is_read_again(account: Workspace) -> None:
    """A fix on a stale list can be reviewed and shows its date; after a sync it is planned again and applied."""
    eight_days_ago = datetime.now(UTC) - timedelta(days=8)
    with account.state.writing() as connection:
        connection.execute(versions.update().where(versions.c.kind == "allowed_ips").values(seen_at=eight_days_ago))

    stale = account.plan("pbx_address_is_allowed", DENVER)

    assert (True, eight_days_ago) == (bool(stale.blocked), stale.last_known_at)
    with pytest.raises(NotConfirmedError, match=golden_pattern("commands.fix.list_on_record_is_stale")):
        account.apply(stale, actor=ANA)

    account.sync(quick=True)
    fresh = account.plan("pbx_address_is_allowed", DENVER)

    assert (stale.changes, None) == (fresh.changes, fresh.last_known_at)
    assert PHASE_DONE == account.apply(fresh, actor=ANA).phase
