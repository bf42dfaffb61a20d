"""PySpark is not loaded at start, and can be loaded afterwards."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from tests.paths import PACKAGE
from tests.waiting import WAIT_S

PYSPARK = "raise Warning('pyspark was imported')\n"


def test_pyspark_is_not_imported_at_start(tmp_path: Path) -> None:
    """Frames are conformed under ``-W error``, beside a package named pyspark that fails when it is loaded."""
    (tmp_path / "pyspark" / "pandas").mkdir(parents=True)
    (tmp_path / "pyspark" / "__init__.py").write_text("")
    (tmp_path / "pyspark" / "pandas" / "__init__.py").write_text(PYSPARK)
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from dashboard import schemas\n"
        "assert schemas.empty(schemas.PBXS).empty\n"
        "assert not [name for name in sys.modules if name.startswith('pyspark')]\n"
        "try:\n"
        "    import pyspark.pandas\n"
        "except Warning as raised:\n"
        "    print(raised)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=WAIT_S, check=False
    )

    assert ("pyspark was imported\n", "", 0) == (ran.stdout, ran.stderr, ran.returncode)


def test_only_one_module_imports_pandera() -> None:
    """A module that imports pandera directly may be imported first and would load PySpark."""
    found = [
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.Import) and any(name.name.startswith("pandera") for name in node.names))
        or (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pandera"))
    ]

    assert {"schemas/pandera_import.py"} == {*found}
