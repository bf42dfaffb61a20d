"""Pages of a home in mode ``files``: they do not wait for a sync and name the next steps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from dashboard.calls.ingest.importer import import_files
from dashboard.core.settings import Settings
from dashboard.emulator.lifecycle import process
from dashboard.services import snapshot_builder
from dashboard.services.workspace import Workspace
from tests.apps import new_app
from tests.calls.exports import as_csv, rows_at
from tests.router import PAGES
from tests.texts import golden
from tests.web.pages.faults import texts

MISSING = (
    "Calls never fetched",
    golden("pages.files_mode.ips_not_entered"),
    golden("pages.files_mode.credentials_not_known"),
    golden("pages.files_mode.routes_never_read"),
    golden("pages.files_mode.no_pbxs_yet"),
    golden("pages.files_mode.import_files"),
    golden("pages.files_mode.paste_list"),
    golden("pages.files_mode.record_prefix"),
    "add your PBXs",
)
"""Sentences on missing inputs; a page may contain each at most once."""


@pytest.fixture(autouse=True)
def _files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the mode, because each test has a new home; a home remembers its mode."""
    monkeypatch.setenv("TRUNKGATE_ACCOUNT", "files")


def fill(home: Workspace, folder: Path) -> None:
    """Add all inputs that are evaluated, as an operator does."""
    now = datetime.now(UTC).replace(microsecond=0)
    file = folder / "cdrs.csv"
    file.write_text(as_csv(rows_at(now - timedelta(minutes=20))))
    import_files(home.store, [file])
    account = {"tech_prefix": "12345678", "credentials_on": False, "sample": False}
    home.state.save_version("account", account, valid_from=now, seen_at=now, known_by="Ada")
    pbx = {"pbx_id": "seattle", "name": "Seattle", "ip_kind": "static", "auth_method": "ip", "dials_prefix": "yes"}
    frames = {
        "allowed_ips": {"network": "198.51.100.11", "role": "active", "known_by": "operator"},
        "pbxs": {**pbx, "status": "active"},
    }
    for name, row in frames.items():
        snapshot_builder.save_frame(home.state, name, pd.DataFrame([row]), now=now, known_by="Ada")


def test_an_empty_home_names_the_next_steps() -> None:
    """On an empty home every page renders at once, names what the operator has to add, and offers no sync."""
    at = new_app().run()
    for page in PAGES:
        at.switch_page(f"web/pages/{page}.py").run()

        assert not at.exception
        assert not at.error
        (info,) = [text.value for text in at.info if golden("pages.files_mode.without_key") in text.value]
        assert golden("pages.files_mode.import_command") in info
        assert golden("pages.files_mode.paste_list") in info
        said = " ".join(texts(at))
        assert not [sentence for sentence in MISSING if said.count(sentence) > 1], (page, said)
        assert not [text.value for text in at.warning if "Never read" in text.value]
        assert 1 == said.count(golden("pages.files_mode.routes_stay_unknown"))
        assert "header_sync" not in {button.key for button in at.button}
        assert any("No calls imported" in text.value for text in at.markdown)
    assert process.running(Settings.read().home) is None


def test_a_filled_home_is_judged(tmp_path: Path) -> None:
    """With all inputs present no step is named, and the header shows the time of the latest imported call."""
    with Workspace.open(Settings.read()) as home:
        fill(home, tmp_path)
        at = new_app().run()

    assert not at.exception
    assert not [text for text in at.info if golden("pages.files_mode.without_key") in text.value]
    assert any("Latest imported call" in text.value for text in at.markdown)
    assert any("FILES" in text.value for text in at.markdown)
