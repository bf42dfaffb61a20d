from . import csv_files, frames
from .csv_files import to_csv

__all__ = [
    "csv_files",
    "frames",
    "to_csv",
]
