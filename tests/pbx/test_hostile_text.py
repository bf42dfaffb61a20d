"""Terminal control and invisible characters in files, answers and names: every reader removes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dashboard.core.text import UNSAFE
from dashboard.pbx import Inventory, LintContext, Upload, lint_inventory, read_files, read_running
from dashboard.pbx.sources import readers
from tests.pbx.cases import HERE
from tests.pbx.conftest import PUBLIC
from tests.pbx.readers.asterisk import test_running
from tests.pbx.readers.manager import answers
from tests.pbx.readers.netboxes import TOKEN, Fake, running

HOSTILE = ("\u202e", "\x1b[2J", "\x9b31m", "\x07")
KINDS = ("asterisk", "freepbx", "freeswitch", "kamailio")
CASES = [folder for kind in KINDS for folder in sorted((HERE / kind).iterdir()) if folder.is_dir()]
TABLES = (
    "Name,IP,Numbers,Site\nDen{}ver,198.51.100.24,12065550142,Flo{}or\nBa{}d,not an ad{}dress,1,\n",
    "pbx_id,name,address\nden{}ver,Den{}ver,198.51.100.24\n",
    "Name\tIP\nDen{}ver\t198.51.100.24\n{}\t{}\n",
    "{}",
)


def unseen(found: Inventory) -> list[str]:
    """Return every text of an inventory that contains such a character."""
    texts = [text for frame in found.frames.values() for text in frame.astype(str).to_numpy().ravel()]
    texts += [text for one in found.problems for text in (one.file, one.column, one.message, one.value)]
    pitfalls = lint_inventory(found.frames, LintContext(treated_as_public=PUBLIC))
    texts += [text for one in pitfalls for text in (one.pbx_id, one.file, one.sentence, one.cure)]
    return [text for text in map(str, texts) if UNSAFE.search(text)]


@pytest.mark.parametrize("character", HOSTILE)
@pytest.mark.parametrize("table", TABLES)
def test_no_table_lets_it_through(table: str, character: str) -> None:
    """Neither cells nor the file's name leave such a character in the result."""
    found = read_files(
        [Upload(f"pb{character}xs.csv", table.replace("{}", character).encode())], treated_as_public=PUBLIC
    )

    assert [] == unseen(found)


@pytest.mark.parametrize("folder", CASES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_no_configuration_lets_it_through(folder: Path, tmp_path: Path) -> None:
    """Such a character in each line of each file, and in folder and file names, is removed."""
    for place, file in enumerate(sorted(path for path in folder.rglob("*") if path.is_file())):
        character = HOSTILE[place % len(HOSTILE)]
        lines = file.read_bytes().decode("utf-8", errors="replace").splitlines()
        told = [f"{line[: len(line) // 2]}{character}{line[len(line) // 2 :]}" if n % 3 == 0 else line
                for n, line in enumerate(lines)]  # fmt: skip
        there = tmp_path / f"pb{character}x" / file.relative_to(folder)
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_text("\n".join(told), encoding="utf-8")

    for root in sorted(tmp_path.iterdir()):
        assert [] == unseen(read_files([root], treated_as_public=PUBLIC))


NETBOX = ("name", "display", "address", "numbers", "owner", "x_tag", "inbound_host", "time_zone", "value", "vendor")
"""Fields of NetBox objects that users edit."""


def told(value: Any, character: str, name: str = "") -> Any:
    """Return a NetBox answer with a character in the middle of each text that users edit."""
    if isinstance(value, dict):
        return {key: told(each, character, key) for key, each in value.items()}
    if isinstance(value, list):
        return [told(each, character, name) for each in value]
    if isinstance(value, str) and name in NETBOX and "/" not in value:
        return f"{value[: len(value) // 2]}{character}{value[len(value) // 2 :]}"
    return value


@pytest.mark.parametrize("character", HOSTILE)
@pytest.mark.parametrize("folder", ["custom-field", "states", "in-order"])
def test_no_netbox_lets_it_through(folder: str, character: str) -> None:
    """Names, sites, custom fields and states leave no such character in the result."""
    fake = Fake.of(HERE / "netbox" / folder)
    fake.objects = told(fake.objects, character)
    query = json.loads((HERE / "netbox" / folder / "asked.json").read_text())["query"]
    with running(fake):
        found = read_running(
            f"{fake.address}?{query}".rstrip("?"), secrets={"TRUNKGATE_NETBOX_TOKEN": TOKEN}, treated_as_public=PUBLIC
        )

    assert any("invisible" in problem.message for problem in found.problems)
    assert [] == unseen(found)


@pytest.mark.parametrize("character", HOSTILE)
def test_no_manager_interface_lets_it_through(character: str) -> None:
    """
    Such a character in every second line of the answers is removed.

    The answers contain names of sections and endpoints, settings and dialplan steps.
    """
    said = {
        action: "\r\n".join(
            f"{line}{character}x" if place % 2 and line and not line.endswith(("?", "start", "Complete")) else line
            for place, line in enumerate(answer.split("\r\n"))
        )
        for action, answer in test_running.ALL.items()
    }
    found = test_running.inventory(answers(said))

    assert len(found.frames["pbx_config"])
    assert [] == unseen(found)


FED = {
    **dict.fromkeys((f"{kind}.reader" for kind in KINDS), "test_no_configuration_lets_it_through"),
    **dict.fromkeys(("csv.pasted", "csv.reader"), "test_no_table_lets_it_through"),
    "netbox.reader": "test_no_netbox_lets_it_through",
    "asterisk.running": "test_no_manager_interface_lets_it_through",
}
"""Test that covers each reader."""


def test_every_reader_is_covered() -> None:
    """Every reader, including those added later, must be covered by a test."""
    assert {one.__name__.removeprefix("dashboard.pbx.readers.") for one in readers()} == FED.keys()
    assert set(FED.values()) <= globals().keys()
