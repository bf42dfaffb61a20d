"""
Number of examples of slow properties: few in ``make test``, many in ``make soak PART=properties``.

``TIMES`` is read from the environment, because the soak part runs the properties in a process of its own.
"""

from __future__ import annotations

import os
from typing import Final

VARIABLE: Final = "TEST_EXAMPLES_TIMES"
TIMES: Final = int(os.environ.get(VARIABLE, "1"))
PROPERTIES: Final = (
    "tests/calls/analytics/test_peaks.py",
    "tests/calls/analytics/test_second_level.py",
    "tests/calls/ingest/test_columnar.py",
    "tests/calls/ingest/test_reader_equivalence.py",
    "tests/calls/ingest/test_row_fingerprints.py",
    "tests/calls/replay/test_replay_properties.py",
    "tests/calls/replay/test_undecided.py",
    "tests/calls/store/test_destinations_among.py",
    "tests/calls/store/test_own_numbers.py",
    "tests/pbx/readers/asterisk/test_reader.py",
)
"""Test files whose slow properties use ``times``."""


def times(examples: int) -> int:
    """Return the number of examples to draw where ``make test`` draws ``examples``."""
    return examples * TIMES
