"""
Calls: CDR export files to Parquet by day, and what is computed from them.

``ingest`` reads export files, ``store`` holds the calls and answers queries, ``analytics`` has the hourly cube, metrics
and peaks, ``replay`` evaluates a change of the policy against past calls, ``pbx_records`` holds PBXs' own CDRs.
"""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
