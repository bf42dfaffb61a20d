"""
Choice of the reader of an export file, once, by its beginning, and of its fallback.

From the fastest to the most tolerant: ``DayReader``, ``TypedReader``, ``TextReader``, ``NumberedReader``. For a file
that several of them accept, all return the same calls and rejects.
"""

from __future__ import annotations

from dashboard.calls.ingest.day_slices import Stretch, days_of
from dashboard.calls.ingest.files import Prepared
from dashboard.calls.ingest.misfits import Misfit
from dashboard.calls.ingest.readers.by_day import DayReader
from dashboard.calls.ingest.readers.forms import Beginning, is_readable
from dashboard.calls.ingest.readers.interface import CdrReader, FileReading
from dashboard.calls.ingest.readers.numbered_lines import NumberedReader
from dashboard.calls.ingest.readers.sql_rows import SMALL
from dashboard.calls.ingest.readers.text_rows import TextReader
from dashboard.calls.ingest.readers.typed_rows import TypedReader


def choose(file: FileReading) -> CdrReader:
    """
    Return the fastest reader that the beginning of the file fits.

    Raises:
        StoreError: DuckDB failed.
    """
    prepared = file.prepared
    if not prepared.is_regular:
        return NumberedReader()
    beginning = Beginning.of(prepared)
    if not beginning.is_sound:
        return NumberedReader()
    if beginning.fits_columns and (stretches := _days_in_order(prepared)):
        return DayReader(stretches)
    if beginning.fits_types:
        return TypedReader()
    is_small = prepared.path.stat().st_size < SMALL
    return TextReader() if is_small or is_readable(beginning.odd_texts, file.engine) else NumberedReader()


def fallback_of(misfit: Misfit) -> CdrReader:
    """Return the reader for a file with a row that the chosen reader does not accept."""
    fallbacks: dict[Misfit, CdrReader] = {
        Misfit.LAYOUT: TypedReader(),
        Misfit.FORM: TextReader(),
        Misfit.FAULT: NumberedReader(),
    }
    return fallbacks[misfit]


def _days_in_order(prepared: Prepared) -> list[Stretch]:
    with days_of(prepared) as days:
        return days.stretches()
