"""CDR files with missing columns and damage: both readers give the same result, or reject the file with a reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import duckdb
import pyarrow
import pytest

from dashboard.calls.ingest.columns import OPTIONAL
from dashboard.calls.ingest.containment import contained
from dashboard.calls.ingest.importer import import_files
from dashboard.calls.store.store import CallStore
from dashboard.core.errors import FileError, StoreError
from tests.calls.exports import HEADER, a_row, as_csv
from tests.calls.ingest.cdr_files import cdr_file, compare
from tests.texts import golden_pattern

FEW = 12
"""Number of seeds; ``make soak PART=cdr_files`` uses 20,000."""
FOUND = (7_692, 12_948, 15_486, 17_132)
"""Seeds whose files the two readers once read differently, or of which they lost a row; found by ``make soak``."""


@pytest.mark.parametrize("bad", [False, True])
def test_missing_optional_columns_keep_good_rows(tmp_path: Path, bad: bool) -> None:
    """
    With any subset of optional columns, no good row is lost and the bad row is rejected.

    Subsets: none, each alone, all, and some drawn ones.
    """
    draw = Random(int(bad))
    drawn = [[name for name in OPTIONAL if draw.random() < 0.5] for _ in range(FEW)]
    alone = [[name] for name in OPTIONAL]

    files = [
        cdr_file(number, absent=absent, bad=bad, damage=False)
        for number, absent in enumerate([[], [*OPTIONAL], *alone, *drawn])
    ]

    compare(files, tmp_path)


def test_damaged_files_give_equal_rows_or_are_rejected(tmp_path: Path) -> None:
    """
    Damaged files give the same rows in both readers or are rejected; the import raises no exception.

    Damage: flipped bytes, cuts, odd quotes, other line ends, other column orders.
    """
    compare([cdr_file(seed) for seed in (*range(1_000, 1_000 + FEW), *FOUND)], tmp_path)


@pytest.mark.parametrize("absent", OPTIONAL)
def test_a_bad_row_in_a_file_without_a_column_costs_that_row_only(
    store: CallStore, export: Callable[..., Path], absent: str
) -> None:
    """The file's other rows are stored, and so is the sound file imported with it."""
    header = [name for name in (*HEADER, "sip_callid", "cdr_id") if name != absent]
    odd = export(as_csv([a_row(), a_row(duration="x")], header), "odd.csv")
    sound = export([a_row(destination="12065550111")], "sound.csv")

    results = import_files(store, [odd, sound])

    assert [(1, 1, ""), (1, 0, "")] == [(result.kept, result.rejected, result.error) for result in results]


def test_a_header_with_a_broken_quote_costs_no_row(store: CallStore, export: Callable[..., Path]) -> None:
    """
    A broken quote in the header costs no row.

    The engine alone would read on to the next quote and take rows as part of the header.
    """
    text = as_csv([a_row(), a_row(destination="12065550111")]).replace(",usf_fee", ',"u"sf_fee')

    (result,) = import_files(store, [export(text)])

    assert (2, 0, "") == (result.kept, result.rejected, result.error)


def test_line_end_of_a_value_is_kept_by_both_readers(store: CallStore, export: Callable[..., Path]) -> None:
    """A value keeps its line end in both readers, with and without a bad row in the file."""
    rows = [a_row(call_fail_reason="one\r\ntwo\rthree")]
    import_files(store, [export([*rows, a_row(duration="x")])])
    (again,) = import_files(store, [export(rows)])

    assert (0, 1) == (again.kept, again.duplicate)


@pytest.mark.parametrize("fault", ["", "duration"])
def test_a_mark_of_utf_8_before_a_header_in_latin_1_costs_no_row(
    store: CallStore, export: Callable[..., Path], fault: str
) -> None:
    """A UTF-8 byte order mark is not part of the first column's name, even if a later name has a Latin-1 letter."""
    rows = [a_row(), a_row(destination="12065550111", **({fault: "x"} if fault else {}))]
    text = as_csv(rows).encode().replace(b"destination_name", b"destination_nam\xe9")

    (result,) = import_files(store, [export(b"\xef\xbb\xbf" + text)])

    assert (2 - bool(fault), int(bool(fault)), "") == (result.kept, result.rejected, result.error)


def raised_by_engine(kind: type[duckdb.Error]) -> StoreError:
    """Return the exception that ``Engine`` raises for an error of the engine."""
    error = StoreError("The call store could not read an export.")
    error.__cause__ = kind("some detail")
    return error


@pytest.mark.parametrize(
    "error",
    [
        raised_by_engine(duckdb.BinderException),
        raised_by_engine(duckdb.InvalidInputException),
        raised_by_engine(duckdb.InternalException),
        pyarrow.ArrowNotImplementedError("some detail"),
        pyarrow.ArrowCapacityError("some detail"),
        RecursionError("some detail"),
    ],
)
def test_engine_error_about_a_file_names_the_file(tmp_path: Path, error: Exception) -> None:
    """An engine error about one file gives a message that names the file and the remedy."""
    with (
        pytest.raises(FileError, match="^" + golden_pattern("errors.csv.file_could_not_be_read") + ".*Export it again"),
        contained(tmp_path / "odd.csv"),
    ):
        raise error


@pytest.mark.parametrize(
    "error", [raised_by_engine(duckdb.OutOfMemoryException), StoreError("full"), OSError(28, "full")]
)
def test_full_disk_rejects_no_file(tmp_path: Path, error: Exception) -> None:
    """A full disk affects every file: the import ends and rejects no file for it."""
    with pytest.raises(type(error)) as raised, contained(tmp_path / "sound.csv"):
        raise error

    assert error is raised.value


def test_a_file_that_changes_while_it_is_read_is_named(tmp_path: Path) -> None:
    """A file that is deleted or truncated during reading is named."""
    path = tmp_path / "export.csv"
    path.write_text("something")

    def read() -> None:
        with contained(path):
            path.unlink()
            path.read_text()

    with pytest.raises(FileError, match=golden_pattern("errors.csv.changed_while_read")):
        read()
