from .sources import Inventory, Pitfall, Problem, find_pitfalls, read_files, read_running

__all__ = [
    "Inventory",
    "Pitfall",
    "Problem",
    "find_pitfalls",
    "read_files",
    "read_running",
]
