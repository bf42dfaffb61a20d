from . import csv_files, frames

__all__ = [
    "csv_files",
    "frames",
]
