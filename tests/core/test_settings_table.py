"""The table of all variables; precedence of sources; errors for wrong names and files."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard.core.errors import SettingsError
from dashboard.core.settings import CONFIG_FILE, INTERNAL, Settings, variables
from tests.paths import ROOT
from tests.texts import golden_pattern

NAME = re.compile(r"\b(?:TRUNKGATE|FLOWROUTE)_[A-Z0-9_]*[A-Z0-9]\b", re.IGNORECASE)
NO_VARIABLES = {
    "FLOWROUTE_NEXT": "a route of the Kamailio configuration that is written",
    "TRUNKGATE_WINDOW_DAY": "the wrong name that these tests set",
    "TRUNKGATE_HOMES": "as above",
    "FLOWROUTE_KEY": "as above",
}
TEXTS = [ROOT / "Makefile", ROOT / "README.md", *(ROOT / "notebooks").glob("*.ipynb"), *(ROOT / "docs").rglob("*.md")]
MODULES = [*(ROOT / "dashboard").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]


def literals(path: Path) -> Iterator[str]:
    """Yield the texts in a file that may name a variable: for a module, its string constants."""
    if path.suffix != ".py":
        yield path.read_text(encoding="utf-8")
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def named(path: Path) -> set[str]:
    """Return the variables that a file names."""
    return {name for text in literals(path) for name in NAME.findall(text) if name.isupper()}


def config(text: str) -> Path:
    """Write the settings file of the environment's home."""
    path = Settings().home / CONFIG_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
    return path


def test_every_name_in_the_tree_is_in_the_table() -> None:
    """A variable named by any module, test or document is a setting or internal; each internal one is used."""
    table = variables().keys() | INTERNAL.keys()
    used = {name: path for path in [*TEXTS, *MODULES] for name in named(path)}

    assert {} == {name: path for name, path in used.items() if name not in table | NO_VARIABLES.keys()}
    assert set() == INTERNAL.keys() - used.keys()


def test_names_are_never_put_together() -> None:
    """Variable names are never assembled at run time, which would hide them from the table."""
    partial = re.compile(r"\b(?:TRUNKGATE|FLOWROUTE)_$")
    own = {ROOT / "dashboard" / "core" / "settings.py", Path(__file__)}
    product = [path for path in MODULES if path.is_relative_to(ROOT / "dashboard") and path not in own]

    assert [] == [path for path in product if any(partial.search(text) for text in literals(path))]


def test_every_variable_says_what_it_is_for() -> None:
    """Each variable has a row with a meaning in docs/settings.md, and internal ones name what sets them."""
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split(" | ")] for line in text.splitlines() if NAME.match(line[3:])]
    meanings = {NAME.findall(row[0])[0]: row[-1].removesuffix("|").strip() for row in rows}

    assert variables().keys() | INTERNAL.keys() == meanings.keys()
    assert all(meaning.endswith(".") and len(meaning.split()) > 4 for meaning in meanings.values())
    assert all(purpose.startswith("Set by ") for purpose in INTERNAL.values())


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("TRUNKGATE_WINDOW_DAY", "TRUNKGATE_WINDOW_DAYS"),
        ("TRUNKGATE_HOMES", "TRUNKGATE_HOME"),
        ("FLOWROUTE_KEY", "FLOWROUTE_[A-Z]*_?KEY"),
        ("trunkgate_window_day", "TRUNKGATE_WINDOW_DAYS"),
    ],
)
def test_an_unknown_variable_is_rejected(monkeypatch: pytest.MonkeyPatch, name: str, nearest: str) -> None:
    """The error names the variable and the nearest valid one, without the value."""
    monkeypatch.setenv(name, "hush-5")

    with pytest.raises(
        SettingsError, match="^" + golden_pattern("errors.settings.did_you_mean_begins", name=name) + f" {nearest}\\?"
    ) as caught:
        Settings.read()

    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("name", sorted(INTERNAL))
def test_internal_variables_are_known(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Variables that parts of the program pass to each other are accepted."""
    monkeypatch.setenv(name, "1")

    assert Settings.read().window_days == 30


def test_the_environment_outranks_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Precedence: environment, config.toml of the home, default.

    The file may hold secrets, which are never displayed.
    """
    config('window_days = 9\nhistory_days = 8\nflowroute_access_key = "hush-a"\nflowroute_secret_key = "hush-b"\n')
    monkeypatch.setenv("TRUNKGATE_WINDOW_DAYS", "7")
    monkeypatch.setenv("FLOWROUTE_SECRET_KEY", "hush-c")

    settings = Settings.read()

    assert (7, 8, 25) == (settings.window_days, settings.history_days, settings.max_changes)
    assert "hush-a" == settings.flowroute_access_key.get_secret_value()
    assert "hush-c" == settings.flowroute_secret_key.get_secret_value()
    assert "hush" not in f"{settings} {settings!r} {settings.model_dump_json()}"


def test_the_file_is_of_the_home_in_use(tmp_path: Path) -> None:
    """A home given as an argument uses its own file."""
    config("window_days = 9\n")

    assert (9, 30) == (Settings().window_days, Settings(home=tmp_path / "other").window_days)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "window_day = 5\n",
            golden_pattern("errors.settings.did_you_mean", name="config.toml: window_day", nearest="window_days"),
        ),
        ("[serve]\nport = 1\n", golden_pattern("errors.settings.serve_is_no_setting")),
        (
            "TRUNKGATE_WINDOW_DAYS = 5\n",
            golden_pattern("errors.settings.did_you_mean_begins", name="TRUNKGATE_WINDOW_DAYS"),
        ),
        ('home = "/srv/other"\n', golden_pattern("errors.settings.home_cannot_be_set") + ".*Set TRUNKGATE_HOME"),
        ("window_days = 400\n", golden_pattern("errors.settings.window_days_in_file")),
        (
            'netbox_token = "hush hush"\n',
            "netbox_token in config.toml.*" + golden_pattern("errors.settings.no_key_character"),
        ),
        (
            "live_calls_per_s = nan\n",
            "live_calls_per_s in config.toml .* " + golden_pattern("errors.settings.not_a_number"),
        ),
        (
            "flowroute_access_key = 5\n",
            "flowroute_access_key in config.toml.* " + golden_pattern("errors.settings.must_be_text") + "$",
        ),
        ('netbox_token = "hush\n', r"is not TOML: .*line 1"),
        ('flowroute_access_key = "hush"\n', golden_pattern("errors.settings.set_both")),
    ],
)
def test_a_wrong_file_is_named(text: str, message: str) -> None:
    """The message names the file and the key, suggests the nearest valid key, and shows no value."""
    config(text)

    with pytest.raises(SettingsError, match=message) as caught:
        Settings.read()

    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_file_that_others_can_use_is_rejected(mode: int) -> None:
    """The file may hold secrets, so only its owner may read or write it; the message has the remedy."""
    path = config("window_days = 9\n")
    path.chmod(mode)

    with pytest.raises(SettingsError, match=f"mode {mode:04o}.*chmod 600 {path}"):
        Settings.read()


def test_a_pipe_in_place_of_the_file_is_rejected_and_blocks_nothing() -> None:
    """A named pipe without a writer does not block commands."""
    path = config("")
    path.unlink()
    os.mkfifo(path, 0o600)

    with pytest.raises(SettingsError, match=golden_pattern("errors.settings.file_is_a_device")):
        Settings.read()


def test_a_file_of_another_encoding_is_rejected() -> None:
    """A file saved as Latin-1 gives no traceback."""
    config("").write_bytes(b'sample_without = "\xe9"\n')

    with pytest.raises(SettingsError, match="not UTF-8"):
        Settings.read()


def test_nothing_is_read_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No .env, config.toml or shadowing module of the working directory is loaded."""
    (tmp_path / ".env").write_text("TRUNKGATE_WINDOW_DAYS=5\nwindow_days=5\n")
    (tmp_path / "config.toml").write_text("window_days = 5\n")
    monkeypatch.chdir(tmp_path)

    assert 30 == Settings.read().window_days


def test_the_emulator_loads_no_module_of_the_working_directory(tmp_path: Path) -> None:
    """The emulator starts in the operator's directory, to which others may have write access."""
    (tmp_path / "sqlite3.py").write_text("raise SystemExit('loaded from the working directory')\n")
    code = (
        "from pathlib import Path; from dashboard.emulator.lifecycle import process; home = Path('home').resolve();"
        "print(process.start(home, calls=0).pid); process.stop(home)"
    )

    ran = subprocess.run([sys.executable, "-P", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert (0, "") == (ran.returncode, ran.stderr)
