"""The sample account: its content, and the removal of each of its stories."""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from dashboard import schemas
from dashboard.core.addresses import contains, parse_entry
from dashboard.core.errors import InputError
from dashboard.core.stories import STORIES
from dashboard.emulator.traffic.sample import NO_ROUTE, PACKAGE, Sample, find_folder, load
from dashboard.services.workspace import Workspace
from tests.texts import golden_pattern

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ROOT = Path(__file__).parents[2]
OURS = re.compile(r"1[2-9]\d{2}55501\d{2}")
FRAMES = {"pbxs": schemas.PBXS, "pbx_addresses": schemas.PBX_ADDRESSES, "pbx_numbers": schemas.PBX_NUMBERS}
EVERY_WAY = [(), *((story,) for story in STORIES), ("credentials", "dynamic"), STORIES]


def planted(*without: str) -> set[tuple[str, str]]:
    """Return the (check, subject) pairs that must fail without the given stories."""
    with (ROOT / "tests" / "planted.csv").open(newline="") as file:
        return {(row["check"], row["subject"]) for row in csv.DictReader(file) if row["story"] not in without}


def listed(sample: Sample) -> set[str]:
    """Return the allow list."""
    return {row["network"] for row in sample.allowed_ips}


def calling(sample: Sample) -> dict[str, list[str]]:
    """Return the addresses that each caller used in the last thirty days, oldest first."""
    return {
        caller.name: [a.address for a in caller.addresses if a.valid_to is None or a.valid_to > NOW - timedelta(30)]
        for caller in sample.callers
    }


def pbx(sample: Sample, pbx_id: str) -> dict[str, Any]:
    """Return one PBX."""
    (row,) = (row for row in sample.pbxs if row["pbx_id"] == pbx_id)
    return row


@pytest.mark.parametrize("without", EVERY_WAY, ids=lambda without: "-".join(without) or "whole")
def test_account_without_stories_is_valid(without: tuple[str, ...]) -> None:
    """Without any story the account is valid: schemas, list entries, and references."""
    sample = load(NOW, without)
    pbx_ids = {row["pbx_id"] for row in sample.pbxs}
    aliases = {row["alias"] for row in sample.routes} | NO_ROUTE

    for name, schema in FRAMES.items():
        assert len(getattr(sample, name)) == len(
            schemas.conform(pd.DataFrame(getattr(sample, name)), schema, source=name)
        )
    for row in sample.allowed_ips:
        assert row["network"] == parse_entry(
            row["network"], public_ranges=sample.public_ranges, allow_cidr=row["network"] == "192.0.2.16/28"
        )
        assert row["added_at"] <= sample.changed_at == NOW - timedelta(days=45)
    assert len(listed(sample)) == len(sample.allowed_ips)
    assert {row["pbx_id"] for row in [*sample.pbx_addresses, *sample.pbx_numbers]} <= pbx_ids
    assert {row["route"] for row in sample.numbers} | {row["failover_route"] for row in sample.numbers} <= aliases
    assert {row["edge"] for row in sample.routes} <= {row["name"] for row in sample.edges}
    assert len({row["number"] for row in sample.numbers}) == len(sample.numbers)


@pytest.mark.parametrize("without", EVERY_WAY, ids=lambda without: "-".join(without) or "whole")
def test_every_number_and_address_is_kept_for_fiction(without: tuple[str, ...]) -> None:
    """Numbers are 555-01xx, addresses are from the documentation ranges, and every caller has a number."""
    sample = load(NOW, without)

    assert all(OURS.fullmatch(row["number"]) for row in sample.numbers)
    assert all(OURS.fullmatch(number) for caller in sample.callers for number in caller.caller_ids)
    assert all(contains(sample.public_ranges, row["address"]) for row in sample.pbx_addresses)
    assert all(caller.lines or not caller.inbound_share for caller in sample.callers)
    assert all(caller.addresses for caller in sample.callers)


def test_the_points_of_presence() -> None:
    """The PoPs have well-known names and ranges; number 4 is the one named by the carrier's page."""
    edges = {row["edge_strategy_id"]: row for row in load(NOW).edges}

    assert {row["name"] for row in edges.values()} == {"US-West-OR", "US-East-VA", "EU-West-LDN"}
    assert ("US-East-VA", "us-east-va.sip.flowroute.com") == (edges["4"]["name"], edges["4"]["host"])


def test_correct_pbxs_have_routes() -> None:
    """Seattle, Chicago, Denver and Atlanta have a route to their own host for their numbers."""
    sample = load(NOW)
    hosts = {row["alias"]: row["value"] for row in sample.routes if row["route_type"] == "host"}

    for pbx_id in ("seattle", "chicago", "denver", "atlanta"):
        (caller,) = (caller for caller in sample.callers if caller.pbx_id == pbx_id)
        assert hosts[pbx(sample, pbx_id)["name"]] == pbx(sample, pbx_id)["inbound_host"]
        assert len(caller.lines) >= 2


def test_moved_pbx_calls_from_an_unlisted_address() -> None:
    """Denver has called from an unlisted address for three days, and its old address is still listed."""
    sample = load(NOW)
    without = load(NOW, ["moved"])

    assert ["198.51.100.23", "198.51.100.24"] == calling(sample)["denver"]
    assert {"198.51.100.23"} == listed(sample) & set(calling(sample)["denver"])
    assert ["198.51.100.23"] == calling(without)["denver"]
    assert NOW - timedelta(days=3) in {row["valid_from"] for row in sample.pbx_addresses}


def test_credentials_story_keeps_atlanta_unlisted() -> None:
    """Atlanta is not listed and has credentials; without the story it is listed and has none."""
    sample = load(NOW)
    without = load(NOW, ["credentials"])

    assert ("both", False) == (pbx(sample, "atlanta")["auth_method"], "198.51.100.40" in listed(sample))
    assert ("ip", True) == (pbx(without, "atlanta")["auth_method"], "198.51.100.40" in listed(without))


def test_dynamic_pbx_is_never_listed() -> None:
    """Miami's address changes about every eight days and is never listed; without the story Miami is removed."""
    sample = load(NOW)
    without = load(NOW, ["dynamic"])

    assert 4 == len(calling(sample)["miami"])
    assert set() == listed(sample) & set(calling(sample)["miami"])
    assert "miami" not in calling(without)
    assert not [row for row in without.pbx_numbers if row["pbx_id"] == "miami"]


@pytest.mark.parametrize("without", EVERY_WAY, ids=lambda without: "-".join(without) or "whole")
def test_credentials_are_on_while_somebody_needs_them(without: tuple[str, ...]) -> None:
    """Atlanta's story or Miami's keeps the switch on."""
    assert load(NOW, without).credentials_enabled == bool({"credentials", "dynamic"} - set(without))


def test_retired_and_standby() -> None:
    """Boston and Dallas are listed and never call; without their stories they and their entries are removed."""
    sample = load(NOW)
    without = load(NOW, ["retired", "standby"])

    assert {"198.51.100.50", "198.51.100.70"} == listed(sample) - listed(without)
    assert {"boston", "dallas"} == {row["pbx_id"] for row in sample.pbxs} - {row["pbx_id"] for row in without.pbxs}
    assert not {"boston", "dallas"} & {caller.pbx_id for caller in sample.callers}
    assert {"Dallas"} == {row["alias"] for row in sample.routes} - {row["alias"] for row in without.routes}
    assert {""} == {row["failover_route"] for row in without.numbers}


def test_phoenix_has_no_route() -> None:
    """Phoenix receives calls in either case; its numbers have no route to it, and without the story they have."""
    sample = load(NOW)
    without = load(NOW, ["no_route"])

    def routes(one: Sample) -> list[str]:
        """Return the routes of Phoenix's numbers."""
        return [row["route"] for row in one.numbers if row["alias"].startswith("Phoenix")]

    assert (["", "sip-reg"], ["Phoenix", "Phoenix"]) == (routes(sample), routes(without))
    assert set(calling(without)) == set(calling(sample))
    assert (0, 2) == tuple(
        caller.reached for one in (sample, without) for caller in one.callers if caller.name == "phoenix-in"
    )


def test_unassigned_entry_has_no_owner() -> None:
    """An entry is unassigned and has a meaningless label; without the story it is removed."""
    sample = load(NOW)
    without = load(NOW, ["nobody"])
    (entry,) = (row for row in sample.allowed_ips if row["network"] not in listed(without))

    assert ("203.0.113.66", "temp", "") == (entry["network"], entry["label"], entry["owner"])
    assert ["203.0.113.66"] == calling(sample)["intruder"]
    assert "203.0.113.66" not in {row["address"] for row in sample.pbx_addresses}


def test_forged_caller_uses_a_stolen_tag() -> None:
    """An unassigned, unlisted address calls with Miami's X-Tag and a valid password."""
    sample = load(NOW)
    without = load(NOW, ["forged"])
    (forger,) = (caller for caller in sample.callers if caller.name not in calling(without))

    assert ("miami", "", True) == (forger.x_tag, forger.pbx_id, forger.digest)
    assert ["203.0.113.77"] == calling(sample)[forger.name]
    assert "203.0.113.77" not in listed(sample) | {row["address"] for row in sample.pbx_addresses}


def test_past_theft_ends_with_its_entry() -> None:
    """An unassigned entry was removed twelve days ago, and its calls end then."""
    sample = load(NOW)
    without = load(NOW, ["theft"])
    (entry,) = sample.past_allowed_ips
    (thief,) = (caller for caller in sample.callers if caller.name not in calling(without))

    assert ("203.0.113.88", NOW - timedelta(days=12)) == (entry["network"], entry["removed_at"])
    assert entry["removed_at"] == sample.list_changed_at == thief.addresses[-1].valid_to
    assert "203.0.113.88" not in listed(sample) | {row["address"] for row in sample.pbx_addresses}
    assert ([], without.changed_at) == (without.past_allowed_ips, without.list_changed_at)


def test_shared_address_serves_two_pbxs() -> None:
    """Two PBXs call from one listed address with their own X-Tags, and receive calls on different ports."""
    sample = load(NOW)
    without = load(NOW, ["shared"])
    hosts = {row["alias"]: row["value"] for row in sample.routes}

    assert {"198.51.100.80"} == listed(sample) - listed(without)
    assert {"tampa": ["198.51.100.80"], "orlando": ["198.51.100.80"]} == {
        name: addresses for name, addresses in calling(sample).items() if name not in calling(without)
    }
    assert ("198.51.100.80:5060", "198.51.100.80:5080") == (hosts["Tampa"], hosts["Orlando"])
    assert {"tampa", "orlando"} == {caller.x_tag for caller in sample.callers if caller.pbx_id in ("tampa", "orlando")}


def test_network_entry_admits_another_caller() -> None:
    """An old entry is a network with a PBX and another caller; without the story all of it is removed."""
    sample = load(NOW)
    without = load(NOW, ["network"])
    (network,) = listed(sample) - listed(without)

    assert "192.0.2.16/28" == network
    assert {"austin": ["192.0.2.20"], "lodger": ["192.0.2.29"]} == {
        name: addresses for name, addresses in calling(sample).items() if name not in calling(without)
    }
    assert contains([network], "192.0.2.29")
    assert "192.0.2.29" not in {row["address"] for row in sample.pbx_addresses}


def test_a_story_that_is_not_there_is_named() -> None:
    """Leaving out an unknown story gives an error that lists the valid ones."""
    with pytest.raises(InputError, match=golden_pattern("errors.settings.no_such_story")):
        load(NOW, ["moed"])


def test_what_is_planted_belongs_to_a_story() -> None:
    """Every expected failure belongs to a story; a standby site and PBXs that share an address cause none."""
    with (ROOT / "tests" / "planted.csv").open(newline="") as file:
        assert set(STORIES) - {"standby", "shared"} == {row["story"] for row in csv.DictReader(file)}


def test_the_files_are_found_in_a_checkout_and_in_a_wheel(tmp_path: Path) -> None:
    """A wheel contains the folder where the program looks first."""
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    carried = {tmp_path / inside: ROOT / outside for outside, inside in build["force-include"].items()}
    installed = tmp_path / "dashboard" / "_data" / "sample"

    assert carried[installed] == find_folder(PACKAGE) == ROOT / "data" / "sample"
    installed.mkdir(parents=True)
    assert installed == find_folder(tmp_path / "dashboard")


@pytest.mark.slow
@pytest.mark.parametrize("without", [(), *((story,) for story in STORIES)], ids=lambda one: "-".join(one) or "whole")
def test_checks_find_what_is_planted_and_nothing_else(
    without: tuple[str, ...], embedded: Callable[..., Workspace]
) -> None:
    """Each story fails exactly its own (check, subject), and leaving it out removes exactly those."""
    account = embedded(*without)
    account.sync()
    found = [(finding.check, finding.subject) for finding in account.findings() if finding.status == "fail"]

    assert sorted(planted(*without)) == sorted(found)


@pytest.mark.slow
def test_refusals_that_leave_no_record_hide_only_where_calls_came_from(embedded: Callable[..., Workspace]) -> None:
    """Without CDRs of refusals Denver is found only by its address in the inventory; no other finding is lost."""
    account = embedded(sample_refusals_in_cdrs=False)
    account.sync()
    found = {(finding.check, finding.subject) for finding in account.findings() if finding.status == "fail"}

    assert {("call_source_is_allowed", "198.51.100.24")} == planted() ^ found
