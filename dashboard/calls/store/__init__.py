"""The call store: immutable generations of Parquet files, and the SQL queries on them."""

from __future__ import annotations
