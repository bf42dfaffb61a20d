"""Call store: immutable generations of Parquet files, and SQL queries on them."""

from __future__ import annotations
