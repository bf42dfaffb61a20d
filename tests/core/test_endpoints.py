"""Endpoint settings: accepted values, and error messages for rejected ones."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from dashboard.core.endpoints import key_origin, syslog_target
from tests.texts import golden_pattern


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("loghost", ("loghost", 514)),
        ("loghost.example.net:5514", ("loghost.example.net", 5514)),
        ("192.0.2.1:514", ("192.0.2.1", 514)),
        ("[2001:db8::1]:65535", ("2001:db8::1", 65535)),
        ("[::1]", ("::1", 514)),
        ("/nothing/there/yet", "/nothing/there/yet"),
    ],
)
def test_a_syslog_is_a_socket_or_a_host(text: str, target: object) -> None:
    """A syslog is a socket or a host with syslog's default port; the socket need not exist yet."""
    assert target == syslog_target(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "127.0.0.1:0",
            "127.0.0.1:65536",
            "127.0.0.1:99999",
            "127.0.0.1:-1",
            "127.0.0.1:5.0",
            "127.0.0.1:\u0665\u0661",
        ),
        *(
            "",
            " ",
            ":514",
            "host:",
            "host/path",
            "user@host",
            "host?x",
            "host#x",
            "two words:1",
            "::1",
            "[::1",
            "dev/log",
        ),
        *("/dev", "/etc/passwd", " /dev/log", "/a\x00b", f"/{'a' * 107}"),
    ],
)
def test_invalid_syslog_is_refused(text: str) -> None:
    """An invalid syslog is refused before anything is sent, with the documented error only."""
    with pytest.raises(
        ValueError, match=r"^is (neither the path of a socket|not the path of a socket|/.* not a socket)"
    ):
        syslog_target(text)


def test_a_socket_is_taken(tmp_path: Path) -> None:
    """An existing socket is accepted."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(str(tmp_path / "log"))

        assert str(tmp_path / "log") == syslog_target(str(tmp_path / "log"))


@pytest.mark.parametrize(
    ("url", "cure"),
    [
        ("http://api.example.net", golden_pattern("errors.settings.key_in_clear")),
        ("http://198.51.100.7:8080", "use https"),
        ("http://127.0.0.1.example.net", "use https"),
        ("https://user:hush@api.example.net", "names a user.*: use https://api.example.net$"),
        ("https://hush@api.example.net:8443/", "names a user.*: use https://api.example.net:8443$"),
        ("https://@api.example.net", "names a user"),
        ("https://api.example.net/v2?a=hush", golden_pattern("errors.settings.must_end_with_host_use") + "$"),
        ("https://api.example.net?", golden_pattern("errors.settings.must_end_with_host")),
        ("https://api.example.net/#hush", golden_pattern("errors.settings.must_end_with_host")),
        ("https://api.example.net:99999", golden_pattern("errors.addresses.is_not_an_address")),
        ("https://api.exa mple.net", golden_pattern("errors.addresses.is_not_an_address")),
        ("https://api\n.example.net", golden_pattern("errors.addresses.is_not_an_address")),
        ("api.example.net", golden_pattern("errors.addresses.is_not_an_address")),
        ("https://", golden_pattern("errors.addresses.is_not_an_address")),
        ("https://u:hush@", golden_pattern("errors.addresses.is_not_an_address")),
    ],
)
def test_a_key_goes_to_an_origin_over_tls(url: str, cure: str) -> None:
    """The message has the remedy and no text that may be a password."""
    with pytest.raises(ValueError, match=cure) as caught:
        key_origin(url)

    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080", "http://localhost", "http://[::1]:9", "https://api.example.net"]
)
def test_this_machine_needs_no_tls(url: str) -> None:
    """Loopback needs no TLS, because nothing leaves the machine."""
    assert url == key_origin(f"{url}/")
