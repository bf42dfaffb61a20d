"""
Import pandera without PySpark: ``from dashboard.schemas.pandera_import import pa``.

pandera imports ``pyspark.pandas`` at start where it is installed: some 90 modules, and a warning that fails under
``-W error``. No frame here is one of PySpark, so that import is prevented; PySpark can be imported afterwards.
"""

from __future__ import annotations

import sys

PYSPARK = "pyspark.pandas"

_absent = PYSPARK not in sys.modules
if _absent:
    sys.modules[PYSPARK] = None  # type: ignore[assignment]  # None makes the import fail, as if it were not installed
try:
    import pandera.pandas as pa
finally:
    if _absent:
        del sys.modules[PYSPARK]

__all__ = ["pa"]
