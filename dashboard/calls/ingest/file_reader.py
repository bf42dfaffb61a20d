"""
Staging of one export file: writes Parquet by day, with calls as the store has them, not yet compared with the store.

``files`` prepares the file as plain text, ``readers.choice`` selects a reader by its beginning, and that reader stages
it. If the reader does not accept a later row, the fallback for that kind of problem reads the file again;
``NumberedReader``, which accepts every file, reads it if the fallback finds a second problem.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from dashboard.calls.ingest.containment import contained
from dashboard.calls.ingest.day_parts import writing
from dashboard.calls.ingest.files import CHUNK, Prepared, as_utf8, prepare
from dashboard.calls.ingest.lenient_csv import RAW_CHARS, Reject
from dashboard.calls.ingest.misfits import Misfit, MisfitError
from dashboard.calls.ingest.progress import FileProgress
from dashboard.calls.ingest.readers.choice import choose, fallback_of
from dashboard.calls.ingest.readers.interface import CdrReader, FileReading, Shared
from dashboard.calls.ingest.readers.numbered_lines import MOST_KEPT, NumberedReader
from dashboard.calls.ingest.staged import Staged
from dashboard.calls.store.engine import Engine
from dashboard.core.errors import FileError
from dashboard.core.text import counted


def stage(path: Path, work: Path, engine: Engine, *, whole: bool, watch: FileProgress, shared: Shared) -> Staged:
    """
    Read one export file.

    Args:
        path: The file.
        work: Folder for this file only; created here.
        engine: The SQL engine.
        whole: Accept only a complete file, because it replaces calls in the store.
        watch: Progress of this file.
        shared: Resources shared with other files.

    Returns:
        The staging result; ``error`` gives the reason if nothing, or not everything, was staged.

    Raises:
        StoreError: Disk space or memory ran out, or the import was interrupted.
        OSError: The disk of the file failed while it was read.
    """
    with writing(work):
        work.mkdir(parents=True)
    staged = Staged(path)
    try:
        with contained(path):
            prepared = _prepared(path, work, watch, whole=whole)
            _read(FileReading(as_utf8(prepared, work, watch.check) or prepared, staged, work, engine, watch, shared))
            return _with_notes(staged, prepared, whole=whole)
    except FileError as exc:
        shared.day_writer.forget(staged)
        return Staged(path, error=str(exc), usable=False)
    finally:
        for copy in work.glob("*.csv"):
            with suppress(OSError):
                copy.unlink()


def _prepared(path: Path, work: Path, watch: FileProgress, *, whole: bool) -> Prepared:
    prepared = prepare(path, work, check=watch.check)
    if prepared.cut and whole:
        raise FileError("The gzip data ends early; nothing of it was taken. Download it again.", file=prepared.name)
    return prepared


def _read(file: FileReading) -> None:
    """Stage the file with the reader chosen by its beginning, else with a fallback."""
    misfit = _misfit_of(choose(file), file)
    if misfit is not None:
        misfit = _misfit_of(fallback_of(misfit), file)
    if misfit is not None:
        NumberedReader().stage(file)


def _misfit_of(reader: CdrReader, file: FileReading) -> Misfit | None:
    """Stage the file; return why the reader does not accept it, after the exception has freed what was read."""
    try:
        reader.stage(file)
    except MisfitError as exc:
        return exc.misfit
    return None


def _with_notes(staged: Staged, prepared: Prepared, *, whole: bool) -> Staged:
    """Add the sentence on rows that are missing in the result."""
    if prepared.cut:
        staged.rejects += _cut_row(prepared)
        staged.rejected += bool(prepared.cut_text)
        staged.error = (
            f"{prepared.name}: The gzip data ends early. What is before the cut was taken: "
            f"{counted(staged.rows, 'call')}. Download the file again and import it: nothing is counted twice."
        )
    elif staged.rejected > MOST_KEPT and not whole:
        staged.error = (
            f"{prepared.name}: {staged.rejected:,} rows are not calls; the first {MOST_KEPT:,} were put aside. "
            "Is this another kind of file?"
        )
    return staged


def _cut_row(prepared: Prepared) -> list[Reject]:
    if not prepared.cut_text:
        return []
    with prepared.path.open(encoding="latin-1") as file:  # as text, every line end counts once
        lines = sum(chunk.count("\n") for chunk in iter(lambda: file.read(CHUNK), ""))
    return [Reject(prepared.name, lines + 1, "", "The file is cut off in this row.", prepared.cut_text[:RAW_CHARS])]
