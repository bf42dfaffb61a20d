"""PJSIP configuration, with and without credentials, byte by byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard.core.errors import InputError
from dashboard.pbx import LintContext, Upload, lint_inventory, read_files
from dashboard.pbx.writers import CredentialsSpec, write, write_with_credentials
from dashboard.sip import Trunk
from tests.paths import PACKAGE
from tests.pbx.conftest import PUBLIC
from tests.pbx.writers.test_registry import OREGON, RANGES, TRUNK, WANTED

GOLDEN = Path(__file__).parent / "golden"
DYNAMIC = CredentialsSpec("12345678", OREGON, tuple(RANGES.values()), x_tag="denver")


@pytest.mark.parametrize("file", ["pjsip.conf", "extensions.conf"])
def test_ip_authentication_gives_the_recorded_bytes(file: str) -> None:
    """A PBX with a static address dials the prefix, and has no credentials."""
    assert GOLDEN.joinpath(file).read_text() == write("asterisk-pjsip", WANTED).files[file]


@pytest.mark.parametrize(
    ("file", "spec"),
    [
        ("credentials.conf", DYNAMIC),
        ("credentials-without-tag.conf", CredentialsSpec("12345678", OREGON, (RANGES[OREGON],))),
    ],
)
def test_credentials_give_the_recorded_bytes(file: str, spec: CredentialsSpec) -> None:
    """A PBX with a dynamic address dials without the prefix, and its password is left out."""
    assert GOLDEN.joinpath(file).read_text() == write_with_credentials(spec)


def test_written_credentials_are_read_back_without_lint() -> None:
    """The configuration with credentials has the intended values, and no problem."""
    pjsip, _, extensions = write_with_credentials(DYNAMIC).partition("; extensions.conf")
    files = [Upload("pjsip.conf", pjsip.encode()), Upload("extensions.conf", extensions.encode())]
    inventory = read_files(files, treated_as_public=PUBLIC, trunk=TRUNK, name="denver")
    row = inventory.frames["pbxs"].iloc[0]

    assert inventory.problems == []
    assert [] == lint_inventory(
        inventory.frames, LintContext(Trunk.of("12345678", RANGES.items()), [], treated_as_public=PUBLIC)
    )
    assert ("credentials", "no", "denver", OREGON) == (
        row["auth_method"],
        row["dials_prefix"],
        row["x_tag"],
        row["pop"],
    )
    assert inventory.frames["pbx_addresses"].empty


@pytest.mark.parametrize(
    "wrong",
    [
        {"x_tag": "a\nb"},
        {"x_tag": "a;b"},
        {"pop": "host\n[evil]"},
        {"ranges": ("34.210.91.112/99",)},
        {"ranges": ("x\ny",)},
        {"ranges": ("fe80::1%a\nb",)},
        {"tech_prefix": "1234567"},
    ],
)
def test_value_with_syntax_is_refused(wrong: dict[str, object]) -> None:
    """A value that could end a line or open a section is refused."""
    values = {"tech_prefix": "12345678", "pop": OREGON, "ranges": (RANGES[OREGON],), **wrong}
    with pytest.raises(InputError):
        CredentialsSpec(**values)  # type: ignore[arg-type]  # one of them is wrong


def test_pjsip_is_written_in_one_module() -> None:
    """No other module has the options of an endpoint."""
    writers = [path.name for path in PACKAGE.rglob("*.py") if "type=endpoint" in path.read_text()]

    assert ["asterisk_pjsip.py"] == writers
