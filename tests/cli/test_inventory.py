"""``inventory lint``, ``read`` and ``write``: lint, read and write the configuration of PBXs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.paths import PBX_CASES
from tests.pbx.readers.netboxes import TOKEN, Fake, running
from tests.texts import golden

CASES = PBX_CASES / "asterisk"
PBX = "seattle"
RANGES = {"TRUNKGATE_PUBLIC_RANGES": "192.0.2.0/24,198.51.100.0/24,203.0.113.0/24"}

pytestmark = pytest.mark.slow

READ = ("asterisk-chan-sip", "asterisk-pjsip", "freeswitch", "kamailio")
"""Kinds of PBX whose configuration folders can be read."""


def test_a_configuration_in_order_ends_with_0(bare: Any) -> None:
    """A correct configuration exits with 0 although a note is printed, and no home is created."""
    answer = bare("inventory", "lint", CASES / "in-order", **RANGES)

    assert answer.status == 0
    assert "NOTE      in-order/etc/asterisk/phones.conf, line 11: " in answer.out
    assert answer.out.endswith(golden("commands.inventory.one_read") + "\n")
    assert not bare.home.exists()


def test_pitfalls_are_json_for_programs(bare: Any) -> None:
    """Each pitfall in JSON has code, position, sentence and remedy; the status is 1."""
    answer = bare("inventory", "lint", CASES / "wrong-prefix", "--format", "json", **RANGES)

    assert answer.status == 1
    assert answer.json["problems"] == []
    assert {"prefix_length", "prefix_twice", "pop_retired"} <= {one["code"] for one in answer.json["pitfalls"]}
    assert {"code", "level", "pbx_id", "file", "line", "sentence", "cure"} == set(answer.json["pitfalls"][0])


def test_the_accounts_prefix_can_be_given(bare: Any) -> None:
    """With ``--tech-prefix`` a dialed prefix that differs from it is reported."""
    answer = bare("inventory", "lint", CASES / "in-order", "--tech-prefix", "87654321", **RANGES)

    assert answer.status == 1
    assert golden("commands.inventory.other_tech_prefix") in answer.out


def test_what_cannot_be_read_is_told(bare: Any, tmp_path: Path) -> None:
    """A folder without a configuration exits with 1; a missing folder and an invalid prefix are errors."""
    (tmp_path / "pbx").mkdir()
    (tmp_path / "pbx" / "notes.md").write_text("nothing")

    assert bare("inventory", "lint", tmp_path / "pbx").status == 1
    assert golden("commands.no_such_file") in bare("inventory", "lint", tmp_path / "none").sentence
    assert "It has eight" in bare("inventory", "lint", CASES / "in-order", "--tech-prefix", "1").sentence


def test_times_are_printed_for_programs_and_people(shared: Any, tmp_path: Path) -> None:
    """Times are printed as ISO 8601 in UTC, as in every other command."""
    (tmp_path / "pbxs.csv").write_text("pbx_id,name\ntulsa,Tulsa\n")
    (tmp_path / "addresses.csv").write_text("pbx_id,address,valid_from\ntulsa,198.51.100.77,2026-01-02\n")
    files = (tmp_path / "pbxs.csv", tmp_path / "addresses.csv")
    answer = shared("inventory", "read", *files, "--format", "json", **RANGES)

    assert ["2026-01-02T00:00:00"] == [one["valid_from"][:19] for one in answer.json["pbx_addresses"]]


def test_read_stores_only_with_keep(shared: Any) -> None:
    """Only ``--keep`` stores what is read; reading it again changes nothing. JSON has the rows and the changes."""
    command = ("inventory", "read", CASES / "two-wans", "--format", "json")
    first = shared(*command)
    kept = shared(*command, "--keep")
    again = shared("inventory", "read", CASES / "two-wans")

    assert (first.status, kept.status, again.status) == (0, 0, 0)
    assert first.json["changes"] == kept.json["changes"] != []
    assert (first.json["kept"], kept.json["kept"]) == (False, True)
    assert {"pbxs", "pbx_addresses", "pbx_numbers", "pbx_config"} < set(first.json)
    assert golden("commands.inventory.changes_nothing") in again.out


def test_a_running_netbox_is_read(shared: Any) -> None:
    """A running NetBox is read by its address with a token from the environment, which is required and not printed."""
    with running(Fake.of(CASES.parent / "netbox" / "nat")) as fake:
        command = ("inventory", "read", fake.address, "--format", "json")
        answer = shared(*command, TRUNKGATE_NETBOX_TOKEN=TOKEN, **RANGES)
        without = shared(*command)

    assert answer.status == 0
    assert ["miami-pbx"] == [one["pbx_id"] for one in answer.json["pbxs"]]
    assert {"declared"} == {one["source"] for one in answer.json["pbx_addresses"]}
    assert TOKEN not in answer.out + answer.err
    assert (without.status, "TRUNKGATE_NETBOX_TOKEN" in without.sentence) == (2, True)


@pytest.mark.parametrize(
    ("sources", "words"),
    [
        (("telnet://192.0.2.1",), "'telnet' is " + golden("commands.inventory.no_kind_of_running_system")),
        (("netbox+https://me:hush@192.0.2.1/",), "has " + golden("commands.inventory.a_user_or_a_secret") + " in it"),
        (
            ("netbox+https://192.0.2.1/?token=hush",),
            "has " + golden("commands.inventory.a_user_or_a_secret") + " in it",
        ),
        (("netbox+https://192.0.2.1/", "pbxs.csv"), "by itself"),
    ],
)
def test_an_address_that_is_none_is_said_before_anything_is_asked(
    bare: Any, sources: tuple[str, ...], words: str
) -> None:
    """An invalid address is rejected before anything is contacted, and the message repeats no secret in it."""
    answer = bare("inventory", "lint", *sources)

    assert answer.status == 2
    assert words in answer.sentence
    assert "hush" not in answer.sentence


def test_the_account_of_the_home_is_compared(shared: Any) -> None:
    """``--account`` compares with the home's prefix, list, PoPs and inventory."""
    answer = shared("inventory", "lint", CASES / "two-wans", "--account", "--format", "json")

    assert answer.status == 1
    assert {"failover_not_listed"} <= {one["code"] for one in answer.json["pitfalls"]}


def test_what_is_written_passes_the_linter(shared: Any, tmp_path: Path) -> None:
    """Written configuration has no pitfalls beyond notes, for each readable kind; existing files are not replaced."""
    from dashboard.pbx.writers.registry import kinds  # noqa: PLC0415 - loads pandas, which commands also defer

    pbx = shared("inventory", "write", "none", "--for", "freeswitch")
    assert pbx.status == 2
    assert golden("commands.inventory.no_such_pbx") in pbx.sentence

    for kind in kinds():
        folder = tmp_path / kind / PBX
        answer = shared("inventory", "write", PBX, "--for", kind, "--to", folder)
        assert answer.status == 0
        assert "1. " in answer.out
        if kind in READ:
            linted = shared("inventory", "lint", folder, "--account", "--format", "json")
            assert [one for one in linted.json["pitfalls"] if one["level"] != "note"] == []
            assert linted.json["problems"] == []
        again = shared("inventory", "write", PBX, "--for", kind, "--to", folder)
        assert again.status == 2
        assert "is not replaced" in again.sentence


def test_what_is_written_is_json_for_programs(shared: Any) -> None:
    """JSON has files by path, settings and steps; the PoP of ``--pop`` is called first."""
    pop = "us-east-va.sip.flowroute.com"
    answer = shared("inventory", "write", PBX, "--for", "asterisk-pjsip", "--pop", pop, "--format", "json")

    assert set(answer.json) == {"files", "settings", "steps"}
    assert f"[flowroute]\ntype=aor\ncontact=sip:{pop}\n" in answer.json["files"]["pjsip.conf"]


def test_an_unknown_kind_names_all(shared: Any) -> None:
    """The error for an unknown kind lists the kinds that can be written."""
    answer = shared("inventory", "write", PBX, "--for", "pbxware")

    assert answer.status == 2
    assert "asterisk-pjsip" in answer.sentence


@pytest.mark.parametrize("kind", ["asterisk", "freeswitch"])
def test_secrets_are_told_with_file_and_line_and_without_their_value(bare: Any, kind: str) -> None:
    """An API key is reported with file and line, as text and JSON; no secret of the configuration is printed."""
    folder = CASES.parent / kind / "keys"
    planted = {one for path in folder.rglob("*.*") for one in re.findall(r"made-up[\w-]*", path.read_text())}
    text = bare("inventory", "lint", folder, **RANGES)
    data = bare("inventory", "lint", folder, "--format", "json", **RANGES)
    places = {(one["code"], one["file"], one["line"]) for one in data.json["pitfalls"]}
    key = ("keys/extensions.conf", 3) if kind == "asterisk" else ("keys/vars.xml", 4)

    assert text.status == data.status == 1
    assert ("api_key_in_configuration", *key) in places
    assert golden("commands.inventory.api_key_stands_here", file=key[0], line=key[1]) in text.out
    assert planted
    assert [] == [one for one in planted if one in text.out + text.err + data.out + data.err]
