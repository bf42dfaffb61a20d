"""Preview of an import: additions and changes, each with the values before and after."""

from __future__ import annotations

from dashboard.pbx import EDITABLE_FRAMES, Upload, read_files
from dashboard.pbx.inventory.diff import merge
from dashboard.web.inventory.file_import import changes_frame
from tests.builders import NOW, make_snapshot, pbx

WORLD = make_snapshot(
    pbxs=[pbx("seattle"), pbx("denver")],
    addresses=[{"pbx_id": "denver", "address": "198.51.100.24", "valid_from": NOW}],
)


def preview(text: str) -> list[tuple[str, ...]]:
    """Return the rows of the preview of one file."""
    current = {name: getattr(WORLD, name) for name in EDITABLE_FRAMES}
    upload = Upload("import.csv", text.encode())
    found = read_files([upload], treated_as_public=WORLD.treated_as_public, current=current)
    return list(changes_frame(merge(current, found)).itertuples(index=False, name=None))


def test_an_added_row_shows_what_it_will_be() -> None:
    """An added row shows that it was not there, then its values; unchanged rows are omitted."""
    (row,) = preview("pbx_id,name,site\ntulsa,Tulsa,Pier 4\n")

    assert ("Added", "PBX tulsa", "", "Not there") == row[:4]
    assert row[4].startswith("Tulsa, Pier 4")


def test_a_changed_cell_shows_both_sides() -> None:
    """A changed cell is shown with its old and new value under the label of its column."""
    assert [("Changed", "PBX seattle", "Site", "", "Pier 4")] == preview("pbx_id,name,site\nseattle,Seattle,Pier 4\n")


def test_an_address_is_named_with_its_pbx() -> None:
    """A row for an address names its PBX."""
    rows = preview("pbx_id,address\ndenver,198.51.100.25\n")

    assert ["Address 198.51.100.25 of denver"] == [row[1] for row in rows]
