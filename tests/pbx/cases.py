"""Recorded configuration folders with their expected inventories."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dashboard.pbx import Inventory, LintContext, lint_inventory, read_files
from tests.pbx.conftest import PUBLIC
from tests.pbx.facts import key_of

HERE = Path(__file__).parent / "cases"
EXPECTED = "expected.json"


def folders(kind: str) -> list[Path]:
    """Return the cases of a kind of PBX."""
    return sorted(folder for folder in (HERE / kind).iterdir() if folder.is_dir())


def read(folder: Path) -> Inventory:
    """Read a case as an operator would; documentation address ranges count as public."""
    return read_files([folder], treated_as_public=PUBLIC)


def told(inventory: Inventory) -> dict[str, Any]:
    """Return an inventory in the form of ``expected.json``: given PBX values, facts with file and line, pitfalls."""
    frames = inventory.frames
    given = [
        {column: row[column] for column in sorted(inventory.given["pbxs"])} for row in frames["pbxs"].to_dict("records")
    ]
    return {
        "pbxs": given,
        "pbx_addresses": frames["pbx_addresses"][["pbx_id", "address", "kind", "source"]].to_numpy().tolist(),
        "pbx_numbers": frames["pbx_numbers"].to_numpy().tolist(),
        "pbx_config": [
            [key_of(row), row["value"], f"{row['file']}:{row['line']}"]
            for row in frames["pbx_config"].to_dict("records")
        ],
        "pitfalls": [
            [pitfall.code, f"{pitfall.file}:{pitfall.line}"]
            for pitfall in lint_inventory(frames, LintContext(treated_as_public=PUBLIC))
        ],
        "problems": [str(problem) for problem in inventory.problems],
    }


def expected(folder: Path) -> Any:
    """Return the expected inventory of a case."""
    return json.loads((folder / EXPECTED).read_text())
