"""Notebooks run from the first cell to the last, each on its own home."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.waiting import WAIT_S

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))


def test_notebooks_are_found() -> None:
    """The list of notebooks is not empty by mistake."""
    assert [path.name for path in NOTEBOOKS][:1] == ["01_first_look.ipynb"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the Jupyter client's own use of event loops
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # as above: the client closes sockets after the loop has ended
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every cell runs on the embedded account, and the last table of the checks is not empty."""
    monkeypatch.setenv("TRUNKGATE_SAMPLE_CALLS", "3000")
    notebook = nbformat.read(path, as_version=4)

    NotebookClient(notebook, timeout=WAIT_S, resources={"metadata": {"path": str(path.parent)}}).execute()

    assert all(cell.get("outputs") for cell in notebook.cells[:-1] if cell.cell_type == "code")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_defines_nothing_and_keeps_no_output(path: Path) -> None:
    """Notebooks import the package; they define no functions and store no outputs."""
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]

    assert not [cell.source for cell in cells if "def " in cell.source or "class " in cell.source]
    assert not [cell for cell in cells if cell.outputs or cell.execution_count]
