"""Reader of sound files in any form: DuckDB reads values as text, and ``sql/macros.sql`` interprets them."""

from __future__ import annotations

from dashboard.calls.ingest.containment import of_engine
from dashboard.calls.ingest.misfits import Misfit, MisfitError
from dashboard.calls.ingest.readers.interface import FileReading
from dashboard.calls.ingest.readers.sql_rows import stage_unnumbered
from dashboard.core.errors import StoreError


class TextReader:
    """Reader that accepts every form of a value."""

    def stage(self, file: FileReading) -> None:
        """Read the rows as text; see ``CdrReader``."""
        try:
            stage_unnumbered(file, typed=False)
        except StoreError as exc:
            if not of_engine(exc):
                raise
            raise MisfitError(Misfit.FAULT) from exc
