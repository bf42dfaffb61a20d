from .sources import Inventory, LintFinding, Problem, lint_inventory, read_files, read_running

__all__ = [
    "Inventory",
    "LintFinding",
    "Problem",
    "lint_inventory",
    "read_files",
    "read_running",
]
