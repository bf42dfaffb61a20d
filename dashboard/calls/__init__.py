"""
Calls: import of CDR export files into daily Parquet files, and analytics on them.

``ingest`` reads export files, ``store`` holds the calls and runs queries, ``analytics`` has the hourly cube, metrics
and peaks, ``replay`` evaluates a policy change against past calls, and ``pbx_records`` holds the CDRs written by PBXs.
"""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
