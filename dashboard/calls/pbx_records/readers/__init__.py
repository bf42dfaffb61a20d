"""Readers of PBXs' CDR files, one module per format; ``pbx_records.reader`` selects one by the file's content."""

from __future__ import annotations
