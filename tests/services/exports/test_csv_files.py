"""CSV exports: exact rows, safe in spreadsheets, sealed by a manifest."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dashboard
from dashboard import schemas
from dashboard.core.errors import InputError
from dashboard.core.text import FORMULA_STARTS, MARK, UNSAFE, visible
from dashboard.services.exports.csv_files import (
    Seal,
    Table,
    account_name,
    csv_of,
    to_csv,
    to_zip,
    write_folder,
)
from tests.texts import golden_pattern

AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def read(data: bytes) -> pd.DataFrame:
    """Read a CSV file as text."""
    return pd.read_csv(io.BytesIO(data), dtype=str, keep_default_na=False)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"])), min_size=1, max_size=5))
def test_no_cell_can_start_a_formula(cells: list[str]) -> None:
    """No cell begins with a character that starts a formula in a spreadsheet; nothing else changes."""
    back = read(to_csv(pd.DataFrame({"label": cells}), account="SAMPLE"))["label"]

    assert not any(cell.startswith(FORMULA_STARTS) for cell in back)
    assert [visible(cell) for cell in cells] == [
        cell[1:] if cell[:1] == "'" and cell[1:].startswith(FORMULA_STARTS) else cell for cell in back
    ]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\tx", "\n=1", "＝1+1", "＋1", "－1", "＠x"])  # noqa: RUF001 - full width is the test case
def test_dangerous_cells_are_neutralized(cell: str) -> None:
    """Each dangerous character is prefixed with an apostrophe."""
    assert read(to_csv(pd.DataFrame({"a": [cell]}), account="x"))["a"].iloc[0].startswith("'")


@pytest.mark.parametrize("kind", ["str", "object", "category", pd.ArrowDtype(pyarrow.string())])
def test_no_cell_holds_what_a_reader_cannot_see(kind: object) -> None:
    """No cell contains invisible characters, whatever its type; a formula behind them is neutralized."""
    column = pd.Series(["a\u202eb\x1b[2J\x9b", "\u200b=1+1", "\r=1+1"], dtype=kind)

    cells = list(read(to_csv(pd.DataFrame({"a": column}), account="a\u202eb"))["a"])

    assert [f"a{MARK}b{MARK}[2J{MARK}", f"{MARK}=1+1", f"{MARK}=1+1"] == cells
    assert not UNSAFE.search(to_csv(pd.DataFrame({"a": column}), account="a\u202eb").decode())


def test_no_other_module_writes_csv_files() -> None:
    """
    Other modules write no CSV, because they would lack this protection.

    The emulator is an exception: it writes as the carrier does, including hostile text.
    """
    allowed = {"services/exports/csv_files.py", "emulator/exports.py", "calls/ingest/lenient_csv.py"}
    root = Path(dashboard.__file__).parent
    found = {
        str(path.relative_to(root))
        for path in root.rglob("*.py")
        if re.search(r"\bcsv\.(?:Dict)?[wW]riter\(|\.to_csv\(", path.read_text(encoding="utf-8"))
    }

    assert allowed == found


def test_numbers_and_times_are_left_alone() -> None:
    """Negative amounts remain numbers; times are ISO 8601 in UTC; money keeps its digits."""
    frame = pd.DataFrame(
        {
            "amount": [-1.5],
            "at": pd.to_datetime([AT]).as_unit("us"),
            "cost": pd.array([Decimal("0.01000000")], dtype=schemas.MONEY),
        }
    )

    row = read(to_csv(frame, account="SAMPLE")).iloc[0].to_dict()

    assert row == {"account": "SAMPLE", "amount": "-1.5", "at": "2026-11-20T12:00:00+00:00", "cost": "0.01000000"}


def test_every_row_says_sample() -> None:
    """Every row of the sample account says so, even if it is copied out of the file."""
    assert {"SAMPLE"} == set(read(to_csv(pd.DataFrame({"a": ["x", "y"]}), account="SAMPLE"))["account"])


@pytest.mark.parametrize(
    ("sample", "prefix", "name"),
    [(True, "12345678", "SAMPLE"), (False, "12345678", "12345678"), (False, "", "unknown")],
)
def test_the_account_is_named(*, sample: bool, prefix: str, name: str) -> None:
    """The sample account is never labeled as a real one."""
    assert name == account_name(sample=sample, tech_prefix=prefix)


SEAL = Seal("SAMPLE", AT, "0" * 64)
TWO = pd.DataFrame({"x": ["1", "2\n3"]})


def test_the_manifest_seals_what_is_on_disk(tmp_path: Path) -> None:
    """The manifest lists every file with rows, bytes and hash, and is written last."""
    written = write_folder(tmp_path / "out", {"b": Table.of(TWO.head(0)), "a": Table.of(TWO)}, SEAL)

    sealed = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert ["a.csv", "b.csv", "manifest.json"] == [path.name for path in written]
    assert ("SAMPLE", "0" * 64) == (sealed["account"], sealed["journal_head"])
    assert [("a.csv", 2), ("b.csv", 0)] == [(entry["name"], entry["rows"]) for entry in sealed["files"]]
    for entry in sealed["files"]:
        data = (tmp_path / "out" / entry["name"]).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (entry["bytes"], entry["sha256"])


def test_pieces_make_the_same_file() -> None:
    """A table written in pieces has one header and every row in order."""
    frame = pd.DataFrame({"x": range(7), "label": list("abcdefg")})
    in_pieces = Table(7, frame.head, lambda: (frame[at : at + 3] for at in range(0, 7, 3)))

    assert csv_of(in_pieces, account="SAMPLE") == to_csv(frame, account="SAMPLE")
    assert to_zip({"t": in_pieces}, SEAL) == to_zip({"t": Table.of(frame)}, SEAL)


def test_the_zip_holds_the_same_and_is_reproducible(tmp_path: Path) -> None:
    """The zip has the same files as the folder, and equal tables give equal bytes."""
    packed = to_zip({"a": Table.of(TWO)}, SEAL)
    written = write_folder(tmp_path, {"a": Table.of(TWO)}, SEAL)

    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert {path.name: path.read_bytes() for path in written} == {n: archive.read(n) for n in archive.namelist()}
    assert packed == to_zip({"a": Table.of(TWO)}, SEAL)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A file in place of the folder gives an error that names it."""
    (tmp_path / "out").write_text("in the way")

    with pytest.raises(InputError, match=golden_pattern("errors.disk.out_cannot_be_written")):
        write_folder(tmp_path / "out", {}, SEAL)


def test_money_is_written_in_full() -> None:
    """Money is written without an exponent, because spreadsheets misread 0E-8. Missing values stay empty."""
    amounts = pd.Series([Decimal("0E-8"), Decimal("12.50000000"), None], dtype=schemas.MONEY)

    back = read(to_csv(pd.DataFrame({"cost_usd": amounts}), account="SAMPLE"))["cost_usd"]

    assert ["0.00000000", "12.50000000", ""] == list(back)
