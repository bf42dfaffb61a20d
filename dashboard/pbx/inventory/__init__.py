"""Inventory rows: columns, cell rules, validation, and the diff of an import."""

from __future__ import annotations
