"""Components that several pages use: header, page titles, tables, charts, empty states."""

from __future__ import annotations
