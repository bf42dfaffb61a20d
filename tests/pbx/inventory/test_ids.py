"""PBX ids are derived from names in the same way by every reader."""

from __future__ import annotations

import json
import os
import re
import sys
import unicodedata
from pathlib import Path

import pytest

from dashboard.pbx import Inventory, Upload, read_files
from dashboard.pbx.inventory.ids import LONGEST, pbx_id_of
from dashboard.pbx.readers.csv import pasted
from tests.paths import PBX_CASES
from tests.texts import golden

PUBLIC = ["198.51.100.0/24", "203.0.113.0/24"]


@pytest.mark.parametrize(
    ("name", "pbx_id"),
    [
        ("Seattle HQ (2)", "seattle-hq-2"),
        ("St. Paul (west)", "st-paul-west"),
        ("Zürich", "zurich"),
        ("Großenhain", "grossenhain"),
        ("Ålesund Øst", "alesund-ost"),
        ("pbx1.example.net", "pbx1.example.net"),
        ("asterisk_main", "asterisk_main"),
        (" denver ", "denver"),
    ],
)
def test_id_is_the_name_in_lower_case_latin_letters(name: str, pbx_id: str) -> None:
    """Accents are removed, and other invalid characters become hyphens."""
    assert pbx_id == pbx_id_of(name)


@pytest.mark.parametrize(
    "names",
    [
        ("Москва 1", "Самара 1", "1"),
        ("北京 2", "上海 2"),
        ("PBX Москва", "PBX Самара", "PBX"),
        ("Site \u0661", "Site \u0662"),
        ("\U0001d4001", "\U0001d4011"),
        ("a\udcd6", "a\udcd7"),
        ("\udcd6\udcd6", "\udcd7"),
    ],
)
def test_a_letter_or_digit_that_an_id_cannot_spell_still_counts(names: tuple[str, ...]) -> None:
    """Names that differ only in letters or digits without a Latin equivalent, or not in UTF-8, get different ids."""
    found = [pbx_id_of(name) for name in names]

    assert len({*names}) == len({*found})
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9-]*", each) for each in found)


def test_composed_and_decomposed_names_are_one() -> None:
    """A folder of macOS, with decomposed letters, and a pasted name are the same PBX; so are names with more spaces."""
    assert 1 == len({pbx_id_of(name) for name in ("Нижний 1", unicodedata.normalize("NFD", "Нижний 1"), " Нижний  1 ")})


def test_names_without_latin_letters_get_different_ids() -> None:
    """Names without Latin letters get different ids, and the same name always gets the same id."""
    names = ["東京", "大阪", "!!", "…"]
    found = [pbx_id_of(name) for name in names]

    assert len({*names}) == len({*found})
    assert found == [pbx_id_of(name) for name in names]
    assert all(re.fullmatch(r"pbx-[0-9a-f]{8}", each) for each in found)


def test_long_names_with_equal_beginnings_get_different_ids() -> None:
    """Long names with the same beginning get different ids, none longer than the limit."""
    front = "Regional Distribution Center of the North, Building "
    found = {pbx_id_of(f"{front}{letter}") for letter in "ABC"}

    assert 3 == len(found)
    assert all(len(each) <= LONGEST for each in found)


@pytest.mark.parametrize("name", ["Zürich", "東京", "St. Paul (west)"])
def test_folder_and_pasted_line_of_one_name_are_one_pbx(tmp_path: Path, name: str) -> None:
    """A PBX from a pasted line is recognized when its configuration is imported."""
    case = PBX_CASES / "asterisk" / "chan-sip"
    folder = tmp_path / name
    folder.mkdir()
    for file in case.iterdir():
        if file.suffix == ".conf":
            (folder / file.name).write_bytes(file.read_bytes())
    assert json.loads((case / "expected.json").read_text())["pbxs"]

    configured = read_files([folder], treated_as_public=PUBLIC)
    listed = read_files(
        [Upload(pasted.table_name("x"), f"Name,IP\n{name},198.51.100.24\n".encode())], treated_as_public=PUBLIC
    )

    assert [pbx_id_of(name)] == list(configured.frames["pbxs"]["pbx_id"]) == list(listed.frames["pbxs"]["pbx_id"])


def folder_of(parent: Path, name: str, address: str) -> Path:
    """Create the configuration folder of an Asterisk with one external address."""
    folder = parent / name
    folder.mkdir()
    (folder / "pjsip.conf").write_text(
        "[transport-udp]\ntype=transport\nprotocol=udp\nbind=0.0.0.0\n"
        f"external_signaling_address={address}\nexternal_media_address={address}\n"
        "[flowroute]\ntype=endpoint\naors=flowroute\ncontext=in\n"
        "[flowroute]\ntype=aor\ncontact=sip:us-west-or.sip.flowroute.com\n"
    )
    return folder


def addresses(inventory: Inventory) -> list[tuple[str, str]]:
    """Return each address with the name of its PBX."""
    pbxs = inventory.frames["pbxs"]
    names = dict(zip(pbxs["pbx_id"], pbxs["name"], strict=True))
    rows = inventory.frames["pbx_addresses"].to_dict("records")
    return sorted((names[row["pbx_id"]], row["address"]) for row in rows)


@pytest.mark.parametrize("names", [("Москва 1", "Самара 1"), ("北京 2", "上海 2")])
def test_pbxs_of_one_digit_keep_their_own_addresses(tmp_path: Path, names: tuple[str, str]) -> None:
    """Neither a pasted table nor configuration folders give the address of one PBX to another."""
    given = list(zip(names, ("198.51.100.24", "198.51.100.25"), strict=True))
    table = "".join(f"{name},{address}\n" for name, address in given)

    listed = read_files([Upload(pasted.table_name("x"), table.encode())], treated_as_public=PUBLIC)
    configured = read_files([folder_of(tmp_path, *each) for each in given], treated_as_public=PUBLIC)

    assert ([], []) == (listed.problems, configured.problems)
    assert sorted(given) == addresses(listed) == addresses(configured)
    assert 2 == configured.frames["pbx_config"]["pbx_id"].nunique()


@pytest.mark.parametrize(
    ("table", "second"),
    [
        ("Name,IP,DID\nSt. Paul,198.51.100.24,\nSt-Paul,198.51.100.25,13035550125\n", "St-Paul"),
        ("Name,Id,IP,DID\n1,,198.51.100.24,\nFoo,1,198.51.100.25,13035550125\n", "Foo"),
        ("Name,Id,IP,DID\nFoo,1,198.51.100.24,\n1,,198.51.100.25,13035550125\n", "1"),
    ],
)
def test_a_made_id_of_another_name_refuses_the_whole_line(table: str, second: str) -> None:
    """A PBX with the id of another has no row at all: its address and its number are not given to the other."""
    found = read_files([Upload(pasted.table_name("x"), table.encode())], treated_as_public=PUBLIC)
    (problem,) = found.problems

    assert (3, "pbx_id") == (problem.line, problem.column)
    assert golden("pbx.inventory.same_id", second=second) in problem.message
    assert ["198.51.100.24"] == list(found.frames["pbx_addresses"]["address"])
    assert found.frames["pbx_numbers"].empty


def test_a_folder_with_the_id_of_another_is_refused_whole(tmp_path: Path) -> None:
    """Its addresses and facts, which stand on other lines than the PBX itself, are not given to the other."""
    folders = [folder_of(tmp_path, "St. Paul", "198.51.100.24"), folder_of(tmp_path, "St-Paul", "198.51.100.25")]
    alone = read_files(folders[:1], treated_as_public=PUBLIC)

    both = read_files(folders, treated_as_public=PUBLIC)

    assert ["St-Paul and St. Paul"] == [problem.message.partition(" (")[0] for problem in both.problems]
    assert [("St. Paul", "198.51.100.24")] == addresses(both)
    assert len(alone.frames["pbx_config"]) == len(both.frames["pbx_config"])


@pytest.mark.skipif(sys.platform == "darwin", reason="NOT AVAILABLE: names that are not UTF-8")
@pytest.mark.parametrize("whole", [False, True])
def test_folders_whose_names_are_not_utf_8_are_different_pbxs(tmp_path: Path, *, whole: bool) -> None:
    """Each keeps its own address, also where both are in one folder; messages and facts show what can be shown."""
    names = [os.fsdecode(name) for name in (b"\xd6 1", b"\xd7 1")]
    folders = [folder_of(tmp_path, name, f"198.51.100.{at}") for at, name in enumerate(names, start=24)]

    found = read_files([tmp_path] if whole else folders, treated_as_public=PUBLIC)

    assert [] == found.problems
    assert list(map(pbx_id_of, names)) == list(found.frames["pbxs"]["pbx_id"])
    given = zip(map(pbx_id_of, names), ("198.51.100.24", "198.51.100.25"), strict=True)
    assert sorted(given) == addresses(found)
    assert all(file.endswith("\ufffd 1/pjsip.conf") for file in found.frames["pbx_config"]["file"])


def test_an_id_of_the_inventory_stays(tmp_path: Path) -> None:
    """A PBX keeps the id that an earlier version made from its name; another name with that id gets its own."""
    table = "Name,Id,IP\n北京 1,1,198.51.100.24\n"
    home = read_files([Upload(pasted.table_name("x"), table.encode())], treated_as_public=PUBLIC).frames
    folders = [folder_of(tmp_path, "北京 1", "198.51.100.24"), folder_of(tmp_path, "上海 1", "198.51.100.25")]

    found = read_files(folders, treated_as_public=PUBLIC, current=home)

    assert ["1", pbx_id_of("上海 1")] == list(found.frames["pbxs"]["pbx_id"])
    assert [("上海 1", "198.51.100.25"), ("北京 1", "198.51.100.24")] == addresses(found)


@pytest.mark.parametrize(
    ("name", "of_table", "of_folder"),
    [
        ("pbx_1", "pbx-1", "pbx_1"),
        ("main.office", "main-office", "main.office"),
        ("Zürich", "zurich", "z-rich"),
        ("a" * 50, f"{'a' * 39}-160b4e43", "a" * 50),
    ],
)
def test_id_of_before_the_readers_agreed_stays(tmp_path: Path, name: str, of_table: str, of_folder: str) -> None:
    """A table and a folder that are read again update the PBX that an earlier version made of them, add none."""
    table = f"Name,IP\n{name},198.51.100.24\n"
    for pbx_id in (of_table, of_folder):
        kept = f"Name,Id,IP\n{name},{pbx_id},198.51.100.24\n"
        home = read_files([Upload(pasted.table_name("x"), kept.encode())], treated_as_public=PUBLIC).frames
        again = read_files([Upload(pasted.table_name("x"), table.encode())], treated_as_public=PUBLIC, current=home)
        (tmp_path / pbx_id).mkdir()
        folder = folder_of(tmp_path / pbx_id, name, "198.51.100.24")
        configured = read_files([folder], treated_as_public=PUBLIC, current=home)

        assert [pbx_id] == list(again.frames["pbxs"]["pbx_id"])
        assert [pbx_id] == list(configured.frames["pbxs"]["pbx_id"])
