"""Reports: every table as a CSV that a spreadsheet cannot be tricked by, and folders with a manifest of hashes."""
