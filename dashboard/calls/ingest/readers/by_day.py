"""Reader of files in the documented format and in order of time: each day as columns, with Arrow."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from concurrent.futures import Future, wait
from contextlib import closing
from datetime import date
from pathlib import Path

import pyarrow

from dashboard.calls.ingest.columnar import Columns
from dashboard.calls.ingest.containment import of_engine
from dashboard.calls.ingest.day_parts import DayFacts, DayParts, writing
from dashboard.calls.ingest.day_slices import Days, Stretch, days_of, groups
from dashboard.calls.ingest.misfits import Misfit, MisfitError, NoCallError, OddTextError
from dashboard.calls.ingest.readers.forms import is_readable
from dashboard.calls.ingest.readers.interface import FileReading
from dashboard.calls.store.engine import Engine
from dashboard.core.errors import StoreError

ROW_ERRORS = (ValueError, TypeError, LookupError, ArithmeticError, pyarrow.ArrowException)
"""Errors that show that rows do not fit."""

Outcome = dict[date, DayFacts] | Misfit
"""Days that were staged, or why they could not be."""


class DayReader:
    """Reader of a file whose days are known byte ranges."""

    def __init__(self, stretches: Sequence[Stretch]) -> None:
        """Store the days of the file, in order."""
        self._batches = groups(stretches)

    def stage(self, file: FileReading) -> None:
        """Read two groups of days at a time; see ``CdrReader``."""
        folder = file.work / "days"
        columns = Columns(file.prepared.columns, file.engine, file.shared.customers)
        with days_of(file.prepared) as days:
            file.watch.begin(len(self._batches))
            with writing(folder):
                folder.mkdir()
            work = [file.shared.pool.submit(_stage_days, file, columns, days, batch, folder) for batch in self._batches]
            try:
                misfit = _keep(file, work, folder)
            finally:
                _cancel_and_wait(work)
        if misfit is not None:
            shutil.rmtree(folder, ignore_errors=True)
            file.shared.day_writer.forget(file.staged)
            raise MisfitError(misfit)
        for day, facts in sorted(file.staged.facts.items()):
            file.staged.days[day] = [str(folder / f"day={day}" / "calls.parquet")]
            file.staged.rows += facts.rows


def _stage_days(file: FileReading, columns: Columns, days: Days, group: Sequence[Stretch], folder: Path) -> Outcome:
    """Stage some days; a misfit is returned, because an exception would keep the rows in memory."""
    try:
        with (
            closing(DayParts([stretch.day for stretch in group], folder, file.work, file.shared.own)) as parts,
            file.watch.piece() as on_progress,
        ):
            for lines in days.pieces(group, on_progress):
                parts.add(columns.rows(lines))
            return parts.finish()
    except StoreError as exc:
        if not of_engine(exc):
            raise
        return Misfit.LAYOUT
    except ROW_ERRORS as exc:
        return _misfit(exc, file.engine)


def _keep(file: FileReading, work: Sequence[Future[Outcome]], folder: Path) -> Misfit | None:
    """Sync the days to disk as they are staged, in order; return the first misfit."""
    try:
        for future in work:
            outcome = future.result()
            if isinstance(outcome, Misfit):
                return outcome
            with writing(folder):
                file.shared.day_writer.keep(file.staged, outcome, folder, file.work)
    except ROW_ERRORS as exc:
        return _misfit(exc, file.engine)
    return None


def _cancel_and_wait(work: Sequence[Future[Outcome]]) -> None:
    """Cancel pending work, and wait for running work."""
    for future in work:
        future.cancel()
    wait(work)


def _misfit(exc: Exception, engine: Engine) -> Misfit:
    if isinstance(exc, NoCallError):
        return Misfit.FAULT
    if isinstance(exc, OddTextError):
        return Misfit.FORM if is_readable([exc.text], engine) else Misfit.FAULT
    return Misfit.LAYOUT
