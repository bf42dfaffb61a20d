"""Files that hold, and are called, what a terminal would obey: no reader lets it through, in rows or problems."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard.inventory import Inventory, Known, Upload, find_pitfalls, read_files
from dashboard.texts import UNSAFE
from tests.inventory.cases import HERE
from tests.inventory.conftest import PUBLIC

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
    """Return every text of an inventory that holds such a character."""
    texts = [text for frame in found.frames.values() for text in frame.astype(str).to_numpy().ravel()]
    texts += [text for one in found.problems for text in (one.file, one.column, one.message, one.value)]
    pitfalls = find_pitfalls(found.frames, Known(treated_as_public=PUBLIC))
    texts += [text for one in pitfalls for text in (one.pbx_id, one.file, one.sentence, one.cure)]
    return [text for text in map(str, texts) if UNSAFE.search(text)]


@pytest.mark.parametrize("character", HOSTILE)
@pytest.mark.parametrize("table", TABLES)
def test_no_table_lets_it_through(table: str, character: str) -> None:
    """Neither from a cell nor from the file's name."""
    found = read_files(
        [Upload(f"pb{character}xs.csv", table.replace("{}", character).encode())], treated_as_public=PUBLIC
    )

    assert [] == unseen(found)


@pytest.mark.parametrize("folder", CASES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_no_configuration_lets_it_through(folder: Path, tmp_path: Path) -> None:
    """In the middle of each line of each file, and in the names of the folders and files."""
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
