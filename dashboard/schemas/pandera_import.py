"""
Import pandera without PySpark: ``from dashboard.schemas.pandera_import import pa``.

pandera imports ``pyspark.pandas`` on import if it is installed: about 90 modules, and a warning that fails under
``-W error``. No frame here is a PySpark frame, so this module prevents that import; PySpark can be imported afterwards.
"""

from __future__ import annotations

import sys

PYSPARK = "pyspark.pandas"

_absent = PYSPARK not in sys.modules
if _absent:
    sys.modules[PYSPARK] = None  # type: ignore[assignment]  # None makes the import fail, as if PySpark were not installed
try:
    import pandera.pandas as pa
    from pandera.dtypes import immutable
    from pandera.engines import pandas_engine
finally:
    if _absent:
        del sys.modules[PYSPARK]

__all__ = ["immutable", "pa", "pandas_engine"]
