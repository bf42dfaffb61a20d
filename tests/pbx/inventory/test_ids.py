"""PBX ids are derived from names in the same way by every reader."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from dashboard.pbx.inventory.ids import LONGEST, pbx_id_of
from dashboard.pbx.readers.csv import pasted
from dashboard.pbx.sources import Upload, read_files
from tests.paths import PBX_CASES

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
