"""Readers of PBXs' own CDR files, one module per form; ``pbx_records.reader`` finds each by its file."""

from __future__ import annotations
