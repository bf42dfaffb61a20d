"""Settings: read once, validated with named errors, secrets never displayed."""

from __future__ import annotations

import math
import os
import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from dashboard.core.errors import SettingsError
from dashboard.core.settings import FLOWROUTE_URL, Mode, Settings, variables, wants_traceback
from tests.texts import golden, golden_pattern

FLOATS = {name for name, field in variables().items() if Settings.model_fields[field].annotation is float}
UNSHOWN = {name for name, field in variables().items() if Settings.model_fields[field].annotation is SecretStr} | {
    "FLOWROUTE_BASE_URL",
    "TRUNKGATE_INVENTORY_SOURCES",
}
"""Secrets, and addresses that may contain a password."""


def test_without_a_key_the_embedded_account_is_used() -> None:
    """Without settings the embedded account is used, in the home of the environment."""
    settings = Settings.read()

    assert (settings.embedded, settings.home) == (True, Path(os.environ["TRUNKGATE_HOME"]))


def test_a_key_means_a_real_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """With both keys set, the real account at the carrier's own address is used."""
    monkeypatch.setenv("FLOWROUTE_ACCESS_KEY", "a")
    monkeypatch.setenv("FLOWROUTE_SECRET_KEY", "b")
    settings = Settings.read()

    assert (settings.embedded, settings.base_url, settings.on_loopback) == (False, FLOWROUTE_URL, False)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("FLOWROUTE_ACCESS_KEY", "a", golden_pattern("errors.settings.set_both")),
        ("FLOWROUTE_BASE_URL", "http://127.0.0.1:1", "without FLOWROUTE_ACCESS_KEY"),
        ("TRUNKGATE_ACCOUNT", "flowroute", "TRUNKGATE_ACCOUNT=flowroute needs FLOWROUTE_ACCESS_KEY"),
        (
            "TRUNKGATE_ACCOUNT",
            "file",
            golden_pattern("errors.settings.one_of_three", name="TRUNKGATE_ACCOUNT", value="file") + "$",
        ),
        (
            "TRUNKGATE_WINDOW_DAYS",
            "many",
            golden_pattern("errors.settings.whole_number", name="S", value="many", least=1, most=92) + "$",
        ),
        (
            "TRUNKGATE_WINDOW_DAYS",
            "400",
            golden_pattern("errors.settings.whole_number", name="S", value=400, least=1, most=92) + "$",
        ),
        (
            "TRUNKGATE_KEEP_CALLS_DAYS",
            "9",
            golden_pattern("errors.settings.whole_number", name="S", value=9, least=93, most="3,650") + "$",
        ),
        (
            "TRUNKGATE_SYNC_EVERY_S",
            "inf",
            golden_pattern("errors.settings.a_number", name="S", value="inf", least=1, most="315,360,000") + "$",
        ),
        ("TRUNKGATE_CALLS_STALE_S", "9" * 20, "S is '9+" + golden_pattern("errors.settings.whole_number_ends") + "$"),
        ("TRUNKGATE_WINDOW_DAYS", "9" * 5000, "S is '9{79}" + golden_pattern("errors.settings.whole_number_amid")),
        (
            "TRUNKGATE_ACCEPT_OPEN_HOME",
            "perhaps",
            golden_pattern("errors.settings.one_or_zero", name="HOME", value="perhaps") + "$",
        ),
        (
            "TRUNKGATE_TRACEBACK",
            "perhaps",
            golden_pattern("errors.settings.one_or_zero", name="TRACEBACK", value="perhaps") + "$",
        ),
        (
            "TRUNKGATE_SAMPLE_WITHOUT",
            "dynamic, banana",
            golden_pattern("errors.settings.names_no_story")
            + ".*"
            + golden_pattern("errors.settings.moved_story")
            + " .*, theft",
        ),
        ("TRUNKGATE_HOME", "~nobody-of-that-name/x", "TRUNKGATE_HOME is ~nobody-of-that-name/x.*no such user"),
        ("TRUNKGATE_HOME", " ", "TRUNKGATE_HOME is blank"),
        ("TRUNKGATE_JOURNAL_SYSLOG", "127.0.0.1:99999", "TRUNKGATE_JOURNAL_SYSLOG is neither.*from 1 to 65535"),
        ("TRUNKGATE_JOURNAL_SYSLOG", "/dev", golden_pattern("errors.settings.not_a_socket")),
        (
            "FLOWROUTE_BASE_URL",
            "http://api.example.net",
            golden_pattern("errors.settings.base_url_in_clear", name="BASE_URL", url="http://api.example.net"),
        ),
        (
            "FLOWROUTE_BASE_URL",
            "https://api.example.net/?a=b",
            golden_pattern("errors.settings.must_end_with_host_use"),
        ),
        ("TRUNKGATE_PUBLIC_RANGES", "0.0.0.0/0", "wider than a /8"),
        ("FLOWROUTE_ACCESS_KEY", "ключ", "FLOWROUTE_ACCESS_KEY.*" + golden_pattern("errors.settings.no_key_character")),
        (
            "FLOWROUTE_BASE_URL",
            "http://[::1",
            "FLOWROUTE_BASE_URL.*" + golden_pattern("errors.settings.not_an_address_such_as"),
        ),
        (
            "FLOWROUTE_BASE_URL",
            "127.0.0.1:80",
            "FLOWROUTE_BASE_URL.*" + golden_pattern("errors.settings.not_an_address_such_as"),
        ),
        ("TRUNKGATE_PUBLIC_RANGES", "203.0.113.0/24, elsewhere", golden_pattern("errors.settings.not_a_network")),
        (
            "TRUNKGATE_NETBOX_TOKEN",
            "two words",
            "TRUNKGATE_NETBOX_TOKEN.*" + golden_pattern("errors.settings.no_key_character"),
        ),
        ("TRUNKGATE_AMI_SECRET", "a\r\nAction: x", "TRUNKGATE_AMI_SECRET.*cannot be seen"),
        ("TRUNKGATE_INVENTORY_SOURCES", "ami://192.0.2.1, netbox", "TRUNKGATE_INVENTORY_SOURCES.*number 2 is not"),
        (
            "TRUNKGATE_INVENTORY_SOURCES",
            "ami://user:hush@192.0.2.1",
            "number 1 "
            + golden_pattern("errors.addresses.is_not_an_address")
            + ".*"
            + golden_pattern("errors.settings.no_user_in_it"),
        ),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str) -> None:
    """The message names the setting to change."""
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError, match=message):
        Settings.read()


@pytest.mark.parametrize("name", sorted(variables()))
def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """
    An empty variable means the default, and never the current folder as home.

    Scripts set variables to empty text for arguments that they were not given.
    """
    monkeypatch.delenv("TRUNKGATE_HOME", raising=False)
    usual = Settings.read()
    monkeypatch.setenv(name, "")

    assert usual == Settings.read()
    assert usual.home.is_absolute()


def test_a_tilde_is_the_home_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """
    A tilde is expanded, and the settings file is read from the same folder.

    Service files and quoted scripts pass a tilde on unexpanded.
    """
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TRUNKGATE_HOME", "~/x")
    (tmp_path / "x").mkdir()
    file = tmp_path / "x" / "config.toml"
    file.touch(mode=0o600)
    file.write_text("window_days = 9\njournal_syslog = ''\naccount = ''\n")

    assert (tmp_path / "x", 9, None) == ((found := Settings.read()).home, found.window_days, found.account)


@pytest.mark.parametrize("name", sorted(variables()))
@pytest.mark.parametrize(
    "value", ["nan", "inf", "-inf", "1e999", "hush\x07", "-1", "https://u:hush@h.example", "\u0661:"]
)
def test_invalid_setting_message_names_the_variable(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """The message names the variable, has no library text, and shows no text that may be a secret."""
    monkeypatch.setenv(name, value)
    try:
        found = Settings.read()
    except SettingsError as exc:
        said = str(exc)
    else:
        numbers = [each for each in found.model_dump().values() if isinstance(each, float)]
        assert all(map(math.isfinite, numbers))
        return

    assert name in said
    assert not re.search(r"Input should|Value error|valid string|pydantic|unable to parse|\.\.$", said)
    assert name not in UNSHOWN or "hush" not in said
    assert name not in FLOATS or golden("errors.settings.must_be_a_number") in said


@pytest.mark.parametrize(("value", "on"), [("1", True), ("true", True), ("0", False), ("no", False), ("", False)])
def test_tracebacks_are_switched_as_everything_else(value: str, *, on: bool) -> None:
    """The value 0 is off."""
    assert on is wants_traceback({"TRUNKGATE_TRACEBACK": value})
    assert wants_traceback({}) is False


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither ``str``, ``repr`` nor JSON of the settings contains a key."""
    monkeypatch.setenv("FLOWROUTE_ACCESS_KEY", "hush-hush-access")
    monkeypatch.setenv("FLOWROUTE_SECRET_KEY", "hush-hush-secret")
    for name in ("NETBOX_TOKEN", "AMI_USER", "AMI_SECRET"):
        monkeypatch.setenv(f"TRUNKGATE_{name}", f"hush-{name}\n")
    settings = Settings.read()

    secrets = settings.source_secrets
    assert "hush" not in f"{settings} {settings!r} {settings.model_dump_json()}"
    assert secrets == {f"TRUNKGATE_{name}": f"hush-{name}" for name in ("NETBOX_TOKEN", "AMI_USER", "AMI_SECRET")}


def test_running_systems_are_named_by_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Systems from which the inventory may be read are listed in order."""
    monkeypatch.setenv("TRUNKGATE_INVENTORY_SOURCES", "netbox+https://netbox.example.net/?tag=pbx, ami://192.0.2.1,")

    assert Settings.read().running_sources == ("netbox+https://netbox.example.net/?tag=pbx", "ami://192.0.2.1")


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://127.0.0.1:8080", True),
        ("http://localhost:1/", True),
        ("http://[::1]:9", True),
        ("https://api.flowroute.com", False),
        ("https://127.0.0.1.example.net", False),
    ],
)
def test_an_emulator_is_known_by_its_address(monkeypatch: pytest.MonkeyPatch, url: str, *, loopback: bool) -> None:
    """Only a loopback address has the emulator's portal beside the API."""
    monkeypatch.setenv("FLOWROUTE_ACCESS_KEY", "a")
    monkeypatch.setenv("FLOWROUTE_SECRET_KEY", "b")
    monkeypatch.setenv("FLOWROUTE_BASE_URL", url)

    assert Settings.read().on_loopback is loopback


def test_a_line_feed_behind_a_key_is_not_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys are often read from files, so a trailing line feed is removed."""
    monkeypatch.setenv("FLOWROUTE_ACCESS_KEY", "a\n")
    monkeypatch.setenv("FLOWROUTE_SECRET_KEY", " b ")

    assert "a" == Settings.read().flowroute_access_key.get_secret_value()
    assert "b" == Settings.read().flowroute_secret_key.get_secret_value()


@pytest.mark.parametrize(
    ("account", "key", "mode"),
    [
        ("", False, Mode.EMBEDDED),
        ("", True, Mode.FLOWROUTE),
        ("embedded", True, Mode.EMBEDDED),
        ("flowroute", True, Mode.FLOWROUTE),
        ("files", False, Mode.FILES),
        ("files", True, Mode.FILES),
    ],
)
def test_the_account_is_named_or_follows_from_the_key(
    monkeypatch: pytest.MonkeyPatch, account: str, mode: Mode, *, key: bool
) -> None:
    """Without an account name, a key means the real account, and no key the embedded one."""
    if account:
        monkeypatch.setenv("TRUNKGATE_ACCOUNT", account)
    for name in ("FLOWROUTE_ACCESS_KEY", "FLOWROUTE_SECRET_KEY") if key else ():
        monkeypatch.setenv(name, "a")

    assert mode is Settings.read().mode
