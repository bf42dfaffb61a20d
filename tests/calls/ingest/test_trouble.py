"""Failed imports: each message states the cause, what remains stored, and the remedy."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow
import pytest

from dashboard.calls.ingest.file_reader import stage
from dashboard.calls.ingest.files import as_utf8, prepare
from dashboard.calls.ingest.importer import import_files
from dashboard.calls.ingest.lenient_csv import CHECK_EVERY, raw_rows, rewrite
from dashboard.calls.ingest.progress import FileProgress
from dashboard.calls.ingest.readers.interface import Shared
from dashboard.calls.store.engine import utc
from dashboard.calls.store.rejects import REJECTS
from dashboard.calls.store.store import CallStore
from dashboard.core.errors import StoreError
from tests.calls.exports import NOON, WITH_ID, Row, a_row, as_csv, rows_at
from tests.calls.ingest.staged import shared_engine
from tests.texts import golden, golden_pattern

A_DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


def test_unusable_lock_is_reported_with_its_folder(store: CallStore, export: Callable[..., Path]) -> None:
    """The message contains the operating system's error and the folder, and states that stored calls remain."""
    import_files(store, [export([a_row()])])
    lock = store.generations.folder / "writer.lock"
    lock.unlink()
    lock.mkdir()

    with pytest.raises(
        StoreError, match="cannot be written: .*" + golden_pattern("errors.calls.stored_calls_are_kept")
    ):
        import_files(store, [export([a_row(duration="61")])])
    assert store.count() == 1


def test_a_newer_store_is_noticed_before_a_file_is_read(store: CallStore, export: Callable[..., Path]) -> None:
    """A store of a newer version is detected before any file is read, and nothing is written to it."""
    import_files(store, [export([a_row()])])
    folder = store.generations.folder
    manifest = folder / "generations" / f"{store.digest}.json"
    newer = manifest.with_name("00000002-0123456789ab.json")
    newer.write_text(json.dumps(json.loads(manifest.read_text()) | {"format": 99}))
    (folder / "CURRENT").write_text(newer.stem)
    before = sorted(folder.rglob("*.parquet"))
    told = list[str]()

    with pytest.raises(StoreError, match=golden_pattern("errors.calls.newer_version")):
        import_files(store, [export([a_row(duration="61")])], progress=lambda what, _share: told.append(what))
    for ask in (store.calls, store.span, store.rejects, lambda: store.traffic(since=NOON)):
        with pytest.raises(StoreError, match="newer version"):
            ask()

    assert (told, before) == ([], sorted(folder.rglob("*.parquet")))


@pytest.mark.parametrize("kind", ["unpacked", "utf8"])
def test_a_disk_that_is_full_is_not_the_file_s_fault(tmp_path: Path, export: Callable[..., Path], kind: str) -> None:
    """A full disk during a copy gives a message about the disk, not about the file's name and permissions."""
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / f"{kind}.csv").symlink_to("/dev/full")
    rows = as_csv([a_row(call_fail_reason="é") for _ in range(200)])
    path = (
        export(rows, "a.csv.gz")
        if kind == "unpacked"
        else export(rows.replace("result", "r\xe9sult").encode("latin-1"))
    )

    with pytest.raises(StoreError, match=golden_pattern("errors.calls.no_space_left_stored_calls_are_kept")):
        prepare(path, tmp_path / "work")


def test_a_full_disk_during_rewriting_is_named_with_remedy(tmp_path: Path, export: Callable[..., Path]) -> None:
    """A full disk while a file with faults is rewritten gives the message of a copy that cannot be written."""
    prepared = prepare(export([a_row()] * 400), tmp_path)

    with pytest.raises(StoreError, match=golden_pattern("errors.calls.no_space_left_stored_calls_are_kept")):
        rewrite(prepared, Path("/dev/full"), 10)


@pytest.mark.parametrize("place", ["work", "days"])
def test_a_folder_that_cannot_be_written_is_named_with_remedy(
    tmp_path: Path, export: Callable[..., Path], place: str
) -> None:
    """A work folder in which a file or folder cannot be made gives a message that names it, with the remedy."""
    path = export([a_row()])

    class Blocking(FileProgress):
        """Progress that takes the name before the first reading."""

        def begin(self, pieces: int) -> None:
            super().begin(pieces)
            (tmp_path / "work" / "days").touch()

    if place == "work":
        (tmp_path / "work").touch()
    with (
        ThreadPoolExecutor(1) as pool,
        pytest.raises(StoreError, match="work.* cannot be written .*" + golden_pattern("errors.calls.free_some_space")),
    ):
        stage(path, tmp_path / "work", shared_engine(), whole=False, watch=Blocking(), shared=Shared(pool))


def test_corrupt_part_is_named_with_remedy(store: CallStore, export: Callable[..., Path]) -> None:
    """A corrupted part is named with its remedy; the engine does not name the file, so the import finds it."""
    import_files(store, [export(rows_at(*(NOON + n * MINUTE for n in range(300))))])
    part = store.generations.path(store.generations.current().days[NOON.date()].calls[0])
    data = bytearray(part.read_bytes())
    begin = len(data) // 8
    end = len(data) // 2
    data[begin:end] = random.Random(1).randbytes(end - begin)
    part.write_bytes(bytes(data))

    with pytest.raises(StoreError, match=golden_pattern("errors.calls.run_forget_day", day="2026-11-02")) as raised:
        store.calls(limit=1000)
    assert part.name in str(raised.value)


def test_a_damaged_list_of_bad_rows_stops_no_import(store: CallStore, export: Callable[..., Path]) -> None:
    """A corrupted list of rejects is started anew and reported; the calls are imported."""
    import_files(store, [export([a_row(duration="x")], "a.csv")])
    store.generations.path(store.generations.current().rejects).write_bytes(b"nothing")
    told = list[str]()

    (result,) = import_files(
        store, [export([a_row(), a_row(rate="y")], "b.csv")], progress=lambda what, _: told.append(what)
    )

    assert (result.kept, result.rejected) == (1, 1)
    assert list(store.rejects()["file"]) == ["b.csv"]
    assert any("begins anew" in what for what in told)


def test_the_newest_bad_rows_are_kept(store: CallStore) -> None:
    """The number of rejects is limited: beyond the limit the oldest are removed."""

    def bad(file: str, day: int, count: int) -> pyarrow.Table:
        rows = [
            {
                "file": file,
                "line": n,
                "column": "rate",
                "reason": "No.",
                "raw": f"{file} {n}",
                "imported_at": utc(NOON + day * A_DAY),
            }
            for n in range(count)
        ]
        return pyarrow.Table.from_pylist(rows, REJECTS)

    given = {"old": bad("a.csv", 0, 5), "bad": bad("b.csv", 1, 3), "names": pyarrow.table({"file": ["b.csv"]})}
    asked = {"now": utc(NOON + A_DAY), "limit": 4}
    kept = store.engine.fetch("rejects", asked, operation="try", tables=given).to_pylist()

    assert [("a.csv", 0), ("b.csv", 0), ("b.csv", 1), ("b.csv", 2)] == [(row["file"], row["line"]) for row in kept]
    assert {utc(NOON + A_DAY)} == {row["imported_at"] for row in kept[1:]}


def test_the_last_row_of_an_id_counts_in_a_file_of_no_order(store: CallStore, export: Callable[..., Path]) -> None:
    """The third row of each id is stored, wherever it is in the file and however many threads read it."""
    rng = random.Random(7)
    first = [a_row(cdr_id=f"c{n}", duration="1", **at_random(rng)) for n in range(9000)]
    second = [row | {"duration": "2"} for row in rng.sample(first, 6000)]
    third = [row | {"duration": "3"} for row in rng.sample(second, 3000)]
    path = export(as_csv([*rng.sample(first, len(first)), *second, *third], WITH_ID))

    (result,) = import_files(store, [path])

    assert (9000, 9000) == (result.kept, result.duplicate)
    found = store.calls(limit=20_000).set_index("call_key")["duration_s"]
    expected = {row["cdr_id"]: int(str(row["duration"])) for row in [*first, *second, *third]}
    assert expected == found.to_dict()
    assert 0 == import_files(store, [path])[0].kept


def at_random(rng: random.Random) -> dict[str, str]:
    """Return the time of a call on one of three days."""
    began = NOON + timedelta(seconds=rng.randrange(3 * 86_400))
    return {"start_time": f"{began:%Y-%m-%d %H:%M:%S}+00", "end_time": f"{began + MINUTE:%Y-%m-%d %H:%M:%S}+00"}


def test_progress_never_runs_backwards(store: CallStore, export: Callable[..., Path]) -> None:
    """Progress does not decrease when a file is read again line by line."""
    rows = as_csv([*rows_at(*(NOON + n * MINUTE for n in range(5000))), a_row(duration="x")])
    shares = list[float]()

    import_files(store, [export(rows)], progress=lambda _what, share: shares.append(share))

    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_hours_of_retired_days_are_never_lost(store: CallStore, export: Callable[..., Path]) -> None:
    """An hour with a change counts whole in retired days, and rows that straddle the change prove nothing."""
    moments = [NOON + timedelta(minutes=10 * n) for n in range(12)]
    later = [moment + 5 * A_DAY for moment in moments]
    import_files(store, [export(rows_at(*moments, *later))], keep_days=2)
    assert not store.generations.current().days[NOON.date()].calls
    change = NOON + timedelta(minutes=25, milliseconds=300)

    rows = store.traffic(since=NOON - A_DAY, split_at=[change, later[0] + MINUTE], step="segment")

    assert rows["calls"].sum() == 24
    found = rows.sort_values("first_at")
    second = datetime(2026, 11, 2, 12, 25, tzinfo=UTC)
    hour = NOON + timedelta(hours=1)
    assert [(second, 6), (hour, 7), (later[1], 11)] == list(zip(found["first_at"], found["calls"], strict=True))
    within = store.traffic(since=NOON + timedelta(minutes=35))
    assert within["calls"].sum() == 24


def test_late_call_of_a_retired_day_is_counted_and_not_stored(store: CallStore, export: Callable[..., Path]) -> None:
    """
    A late call of a retired day is counted and not stored.

    Only the roll-up of the day remains, which cannot accept a call that it may already contain.
    """
    import_files(store, [export(rows_at(NOON, NOON + 5 * A_DAY))], keep_days=2)

    (result,) = import_files(store, [export(rows_at(NOON, NOON + MINUTE), "late.csv")])

    assert (result.late, result.kept, store.count()) == (2, 0, 2)
    assert Decimal("0.0098") == store.traffic(since=NOON, until=NOON + A_DAY)["cost_usd"].sum()


def test_import_stops_within_a_pass_over_a_whole_file(tmp_path: Path, export: Callable[..., Path]) -> None:
    """Unpacking, decoding, rewriting and looking for rejected rows end at the next part once the import is stopped."""
    work = tmp_path / "work"
    work.mkdir()
    text = as_csv([a_row(call_fail_reason="é")] * (2 * CHECK_EVERY))
    plain = prepare(export(text), work)
    latin = prepare(export(text.encode("latin-1"), "latin.csv"), work)
    watch = FileProgress()
    watch.interrupt()

    def stop(_share: float) -> None:
        watch.check()

    for read in (
        lambda: prepare(export(text, "export.csv.gz"), work, check=watch.check),
        lambda: as_utf8(latin, work, watch.check),
        lambda: rewrite(plain, work / "numbered.csv", 10, stop),
        lambda: raw_rows(plain, {2 * CHECK_EVERY}, watch.check),
    ):
        with pytest.raises(StoreError, match=golden_pattern("errors.calls.import_was_stopped")):
            read()


def test_rewriting_line_by_line_reports_its_progress(tmp_path: Path, export: Callable[..., Path]) -> None:
    """The pass that numbers the lines reports the share done, which grows from about 0 to at most 1."""
    prepared = prepare(export([a_row()] * (3 * CHECK_EVERY)), tmp_path)
    shares = list[float]()

    rewrite(prepared, tmp_path / "numbered.csv", 10, shares.append)

    assert [0.0, 0.3, 0.6] == [int(10 * share) / 10 for share in shares]


def grown(path: Path) -> None:
    """Complete the last value, and append a call."""
    with path.open("a", encoding="utf-8") as file:
        file.write("0\n" + as_csv([a_row()]).partition("\n")[2])


def replaced(path: Path) -> None:
    """Replace the file by one of the same size with other days."""
    other = path.with_suffix(".new")
    other.write_text(path.read_text(encoding="utf-8").replace("2026-11-02", "2026-11-03"), encoding="utf-8")
    other.replace(path)


def truncated(path: Path) -> None:
    """Remove the second half of the file."""
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


class ChangingFile(FileProgress):
    """Progress of a file that is changed once its reader is chosen."""

    def __init__(self, change: Callable[[Path], object], path: Path) -> None:
        super().__init__()
        self._changes = [change]
        self._path = path

    def begin(self, pieces: int) -> None:
        """Change the file before the first reading."""
        while self._changes:
            self._changes.pop()(self._path)
        super().begin(pieces)


@pytest.mark.parametrize("change", [grown, replaced, truncated, Path.unlink])
@pytest.mark.parametrize(
    "rows",
    [
        rows_at(*(NOON + n * MINUTE for n in range(40))),
        rows_at(NOON + A_DAY, *(NOON + n * MINUTE for n in range(40))),
        [a_row(start_time="2026-11-02T12:00:00Z")] * 40,
        [*rows_at(*(NOON + n * MINUTE for n in range(40))), a_row(duration="x")],
    ],
    ids=["by day", "typed", "as text", "line by line"],
)
def test_a_file_that_changes_after_its_reader_is_chosen_is_not_staged(
    tmp_path: Path, export: Callable[..., Path], rows: Iterable[Row], change: Callable[[Path], object]
) -> None:
    """Whatever a reader makes of a file that changes meanwhile, nothing is staged, and the cure is another import."""
    path = export(as_csv(rows).removesuffix("\n"))

    with ThreadPoolExecutor(1) as pool:
        watch = ChangingFile(change, path)
        staged = stage(path, tmp_path / "work", shared_engine(), whole=False, watch=watch, shared=Shared(pool))

    assert golden("errors.csv.changed_while_read") == staged.error
    assert (False, 0, {}) == (staged.usable, staged.rows, staged.days)
