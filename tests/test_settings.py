"""Settings: read once, wrong ones named, secrets never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard.errors import SettingsError
from dashboard.settings import FLOWROUTE_URL, Mode, Settings


def test_without_a_key_the_embedded_account_is_used(tmp_path: Path) -> None:
    """Nothing set: the embedded account, in the home of the environment."""
    settings = Settings.read()

    assert (settings.embedded, settings.home) == (True, tmp_path / "home")


def test_a_key_means_a_real_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both keys set: the carrier's own address."""
    monkeypatch.setenv("FLOWROUTE_ACCESS_KEY", "a")
    monkeypatch.setenv("FLOWROUTE_SECRET_KEY", "b")
    settings = Settings.read()

    assert (settings.embedded, settings.base_url, settings.on_loopback) == (False, FLOWROUTE_URL, False)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("FLOWROUTE_ACCESS_KEY", "a", "Set both FLOWROUTE_ACCESS_KEY and FLOWROUTE_SECRET_KEY"),
        ("FLOWROUTE_BASE_URL", "http://127.0.0.1:1", "without FLOWROUTE_ACCESS_KEY"),
        ("TRUNKGATE_ACCOUNT", "flowroute", "TRUNKGATE_ACCOUNT=flowroute needs FLOWROUTE_ACCESS_KEY"),
        ("TRUNKGATE_ACCOUNT", "file", "TRUNKGATE_ACCOUNT: Input should be 'embedded', 'flowroute' or 'files'"),
        ("TRUNKGATE_WINDOW_DAYS", "many", "TRUNKGATE_WINDOW_DAYS"),
        ("TRUNKGATE_WINDOW_DAYS", "400", "TRUNKGATE_WINDOW_DAYS"),
        ("TRUNKGATE_SYNC_EVERY_S", "inf", "TRUNKGATE_SYNC_EVERY_S"),
        ("TRUNKGATE_CALLS_STALE_S", "99999999999999999999", "TRUNKGATE_CALLS_STALE_S"),
        ("TRUNKGATE_PUBLIC_RANGES", "0.0.0.0/0", "wider than a /8"),
        ("FLOWROUTE_ACCESS_KEY", "ключ", "FLOWROUTE_ACCESS_KEY.*a character that no key has"),
        ("FLOWROUTE_BASE_URL", "http://[::1", "FLOWROUTE_BASE_URL.*not an address such as"),
        ("FLOWROUTE_BASE_URL", "127.0.0.1:80", "FLOWROUTE_BASE_URL.*not an address such as"),
        ("TRUNKGATE_PUBLIC_RANGES", "203.0.113.0/24, elsewhere", "elsewhere is not a network"),
        ("TRUNKGATE_NETBOX_TOKEN", "two words", "TRUNKGATE_NETBOX_TOKEN.*a character that no key has"),
        ("TRUNKGATE_AMI_SECRET", "a\r\nAction: x", "TRUNKGATE_AMI_SECRET.*cannot be seen"),
        ("TRUNKGATE_INVENTORY_SOURCES", "ami://192.0.2.1, netbox", "TRUNKGATE_INVENTORY_SOURCES.*number 2 is not"),
        ("TRUNKGATE_INVENTORY_SOURCES", "ami://user:hush@192.0.2.1", "number 1 is not an address.*no user in it"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str) -> None:
    """The sentence names what to change."""
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError, match=message):
        Settings.read()


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither text, nor representation, nor JSON of the settings holds a key."""
    monkeypatch.setenv("FLOWROUTE_ACCESS_KEY", "hush-hush-access")
    monkeypatch.setenv("FLOWROUTE_SECRET_KEY", "hush-hush-secret")
    for name in ("NETBOX_TOKEN", "AMI_USER", "AMI_SECRET"):
        monkeypatch.setenv(f"TRUNKGATE_{name}", f"hush-{name}\n")
    settings = Settings.read()

    secrets = settings.source_secrets
    assert "hush" not in f"{settings} {settings!r} {settings.model_dump_json()}"
    assert secrets == {f"TRUNKGATE_{name}": f"hush-{name}" for name in ("NETBOX_TOKEN", "AMI_USER", "AMI_SECRET")}


def test_running_systems_are_named_by_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that the inventory may be read from, in their order."""
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
    """Only an address of this machine has the emulator's portal beside the API."""
    monkeypatch.setenv("FLOWROUTE_ACCESS_KEY", "a")
    monkeypatch.setenv("FLOWROUTE_SECRET_KEY", "b")
    monkeypatch.setenv("FLOWROUTE_BASE_URL", url)

    assert Settings.read().on_loopback is loopback


def test_a_line_feed_behind_a_key_is_not_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys are often read from files."""
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
    """Without a name a key means the real account, and no key the embedded one."""
    if account:
        monkeypatch.setenv("TRUNKGATE_ACCOUNT", account)
    for name in ("FLOWROUTE_ACCESS_KEY", "FLOWROUTE_SECRET_KEY") if key else ():
        monkeypatch.setenv(name, "a")

    assert mode is Settings.read().mode
