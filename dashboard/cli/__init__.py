"""The command line: the same use cases as the pages, without a browser."""

from __future__ import annotations
