"""Inventory rows: columns, cell rules, validation, and the difference that an import makes."""

from __future__ import annotations
