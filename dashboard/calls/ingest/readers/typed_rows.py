"""Reader of files in the documented format, in any order: DuckDB parses times and numbers itself, in one pass."""

from __future__ import annotations

import re

from dashboard.calls.ingest.containment import of_engine
from dashboard.calls.ingest.misfits import Misfit, MisfitError
from dashboard.calls.ingest.readers.forms import is_readable
from dashboard.calls.ingest.readers.interface import FileReading
from dashboard.calls.ingest.readers.sql_rows import stage_unnumbered
from dashboard.calls.store.engine import Engine
from dashboard.core.errors import StoreError

_NOT_CONVERTED = re.compile(r'Could not convert string "(.*?)" to \'\w+\'\s*$', re.DOTALL | re.MULTILINE)
"""DuckDB's message for a value that is not of its column's type."""
_ADDRESS = "An address in another form."
"""Message of ``sql/macros_typed.sql``."""


class TypedReader:
    """Reader that accepts only values in the documented format."""

    def stage(self, file: FileReading) -> None:
        """Read the rows with typed columns; see ``CdrReader``."""
        try:
            stage_unnumbered(file, typed=True)
        except StoreError as exc:
            if not of_engine(exc):
                raise
            raise MisfitError(_misfit(str(exc.__cause__), file.engine)) from exc


def _misfit(message: str, engine: Engine) -> Misfit:
    """Return what an error of DuckDB shows: a value of another form, or a row that no reader accepts."""
    if _ADDRESS in message:
        return Misfit.FORM
    texts = [text.replace('""', '"') for text in _NOT_CONVERTED.findall(message)]
    return Misfit.FORM if texts and is_readable(texts, engine) else Misfit.FAULT
