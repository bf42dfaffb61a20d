"""Discovery of plug-ins by their files."""

from __future__ import annotations

from dashboard.core.plugins import modules_of, packages_of


def test_modules_are_found_by_their_files() -> None:
    """Modules are sorted by name; packages and named exceptions are omitted."""
    names = [module.__name__ for module in modules_of("dashboard.checks", without={"registry"})]

    assert sorted(names) == names
    assert "dashboard.checks.credentials_are_off" in names
    assert not {"dashboard.checks.registry", "dashboard.checks.evidence"} & {*names}


def test_packages_are_found_by_their_folders() -> None:
    """Only packages are found, by dotted name."""
    assert "dashboard.pbx.readers.netbox" in packages_of("dashboard.pbx.readers")
    assert "dashboard.pbx.readers.facts" not in packages_of("dashboard.pbx.readers")
