"""Exports: every table as CSV, protected against formula injection, and folders with a manifest of hashes."""
