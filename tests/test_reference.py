"""The reference in ``docs/`` equals the generated text, is complete, and does not depend on the machine."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dashboard.checks.registry import discover
from dashboard.core.settings import INTERNAL, SHORTEST_KEY, variables
from dashboard.domain.changes import AllowAddress, CreateRoute, RemoveAddress, RouteNumber, SetCredentials
from dashboard.domain.findings import Impact, Severity
from dashboard.domain.snapshot import Account, Snapshot
from dashboard.schemas.descriptions import COLUMNS, UNITS
from dashboard.schemas.tables import FRAMES
from dashboard.services.exports import frames
from dashboard.services.exports.descriptions import COLUMNS as EXPORTED
from dashboard.sip.call_outcomes import SHORT_S
from tests import reference
from tests.paths import ROOT
from tests.texts import golden
from tests.waiting import WAIT_S

GENERATED = reference.generate()


@pytest.mark.parametrize("name", sorted(GENERATED))
def test_file_is_what_the_code_generates(name: str) -> None:
    """A change to a check, setting, command or column requires the reference to be generated again."""
    path = reference.DOCS / name
    written = path.read_text(encoding="utf-8") if path.exists() else ""

    assert written == GENERATED[name], (
        f"docs/{name} is not what the code generates. Run `{reference.COMMAND}` and commit the result."
    )


def test_generation_depends_on_no_terminal_and_no_home(tmp_path: Path) -> None:
    """Terminal width, colors, the user's folders and environment settings do not change the output."""
    code = "import json; from tests.reference import generate; print(json.dumps(generate()))"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "TRUNKGATE_HOME": str(tmp_path / "home"),
        "TRUNKGATE_WINDOW_DAYS": "7",
        "COLUMNS": "40",
        "FORCE_COLOR": "1",
        "LC_ALL": "C",
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=True,
    )

    assert json.loads(done.stdout) == GENERATED


@pytest.mark.parametrize("name", sorted(GENERATED))
def test_links_inside_a_file_lead_to_a_heading(name: str) -> None:
    """Every link within a file, such as in its table of contents, leads to an existing heading."""
    text = GENERATED[name]
    headings = {line.lstrip("# ").lower().replace(" ", "-") for line in text.splitlines() if line.startswith("#")}

    assert set() == set(re.findall(r"\]\(#([^)]+)\)", text)) - headings


def test_every_check_setting_and_frame_has_a_place() -> None:
    """Each file documents all of its checks, settings or frames."""
    assert all(f"\n## {check.id}\n" in GENERATED["checks.md"] for check in discover())
    assert all(f"\n| `{name}` |" in GENERATED["settings.md"] for name in (*variables(), *INTERNAL))
    assert all(f"\n## {name}\n" in GENERATED["tables.md"] for name in FRAMES)


def test_every_column_of_a_frame_has_a_meaning_and_none_is_left_over() -> None:
    """Every column is described, and a removed column does not remain in the documentation."""
    columns = {name: set(schema.columns) for name, schema in FRAMES.items()}

    assert columns == {name: set(meanings) for name, meanings in COLUMNS.items()}
    assert set(UNITS) <= set().union(*columns.values())
    assert all(text.endswith(".") for meanings in COLUMNS.values() for text in meanings.values())


def test_every_column_of_an_exported_table_has_a_meaning_in_its_order() -> None:
    """Every column of an exported table is described, in the order of the frame itself."""
    snapshot = Snapshot(
        taken_at=datetime(2026, 11, 30, tzinfo=UTC), account=Account(tech_prefix="", credentials_on=None)
    )
    made = {
        "findings": frames.findings_frame([], snapshot),
        "allowed_ips": frames.allowed_ips_frame(snapshot),
        "journal": frames.journal_frame([]),
    }

    assert {name: list(frame.columns) for name, frame in made.items()} == {name: list(EXPORTED[name]) for name in made}


def test_every_exported_table_is_described() -> None:
    """
    Every exported table is described by a frame or a table of its own.

    Every described table is exported, or printed by ``replay``.
    """
    exported = set(reference.exported_tables())
    by_frame = {reference.FRAME_OF_EXPORT.get(name, name) for name in exported - EXPORTED.keys()}

    assert by_frame <= FRAMES.keys()
    assert EXPORTED.keys() - exported == {"replay"}


@pytest.mark.parametrize(
    ("check", "kinds"),
    [
        ("allowed_ip_has_pbx", {AllowAddress, RemoveAddress}),
        ("allowed_ip_is_used", {RemoveAddress}),
        ("call_source_is_allowed", {AllowAddress}),
        ("credentials_are_off", {SetCredentials}),
        ("past_loss_is_reviewed", set()),
        ("pbx_has_inbound_route", {CreateRoute, RouteNumber}),
    ],
)
def test_changes_that_a_check_proposes_are_found_in_its_code(check: str, kinds: set[type]) -> None:
    """Changes proposed by called functions in other modules are included."""
    (found,) = (one for one in discover() if one.id == check)

    assert {kind.__name__ for kind in kinds} == reference.ratings(found).changes


def test_severities_and_impacts_of_single_findings_are_found_in_the_code() -> None:
    """The ratings of a check include what its helper functions yield."""
    (found,) = (one for one in discover() if one.id == "call_source_is_allowed")
    ratings = reference.ratings(found)

    assert {Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW} == ratings.severities
    assert set(Impact) == ratings.impacts


def test_numbers_in_descriptions_are_those_of_the_code() -> None:
    """Numbers in descriptions equal the constants of other modules that they repeat."""
    assert f"below {SHORT_S} s" in COLUMNS["traffic"]["short_calls"]
    assert golden("errors.settings.shortest_key", shortest_key=SHORTEST_KEY) in GENERATED["settings.md"]
