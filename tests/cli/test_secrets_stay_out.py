"""Secrets in the configuration of every kind of PBX: no command prints one, and no file of the home has one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Program

WORD = "planted-9f3c"
"""Beginning of every planted secret."""
POP = "us-west-or.sip.flowroute.com"
FILES = {
    "asterisk/pjsip.conf": f"[t]\ntype=endpoint\naors=t\noutbound_auth=t\n[t]\ntype=aor\ncontact=sip:a:{WORD}1@{POP}\n"
    f"[t]\ntype=auth\npassword={WORD}2\nmd5_cred={WORD}3\n",
    "asterisk/sip.conf": f"[general]\nregister => a:{WORD}4@{POP}\n[p]\nhost={POP}\nsecret={WORD}5\n"
    f"md5secret={WORD}6\n",
    "asterisk/manager.conf": f"[admin]\nsecret={WORD}7\n",
    "asterisk/ari.conf": f"[app]\ntype=user\npassword={WORD}8\n",
    "asterisk/voicemail.conf": f"[default]\n100 => {WORD}9,A\n",
    "asterisk/extensions.conf": f"[globals]\nFLOWROUTE_SECRET_KEY={WORD}10\nFLOWROUTE_ACCESS_KEY={WORD}11\n[o]\n"
    f"exten => _1X.,1,Set(X=${{CURL(https://a:{WORD}12@api.flowroute.com/v2)}})\n"
    f'same => n,System(curl -H "X-Api-Key: {WORD}13" -u a:{WORD}14 https://api.flowroute.com)\n'
    f"same => n,Dial(SIP/a:{WORD}15@{POP}/${{EXTEN}})\n",
    "freeswitch/vars.xml": '<include><X-PRE-PROCESS cmd="set" data="default_password=' + f'{WORD}16"/></include>',
    "freeswitch/sip_profiles/t.xml": f'<include><gateway name="t"><param name="proxy" value="{POP}"/>'
    f'<param name="password" value="{WORD}17"/></gateway></include>',
    "freeswitch/directory/d.xml": f'<include><user id="1"><params><param name="password" value="{WORD}18"/>'
    f'<param name="vm-password" value="{WORD}19"/></params></user></include>',
    "kamailio/kamailio.cfg": f'#!define DBURL "mysql://a:{WORD}20@192.0.2.1/k"\n'
    f'modparam("uac", "credential", "a:{POP}:{WORD}21")\n'
    f'request_route {{ $var(h) = "Authorization: Basic {WORD}22"; append_hf("X-Api-Key: {WORD}23\\r\\n");\n'
    f'$rd = "{POP}"; t_relay(); }}\n',
}


@pytest.fixture(scope="module")
def told(homes: Callable[..., Program], tmp_path_factory: pytest.TempPathFactory) -> tuple[Program, list[str]]:
    """Read every folder into a home; return the program, and the output of all commands with the exported files."""
    program = homes("secrets")
    folder = tmp_path_factory.mktemp("planted")
    for path, text in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    said = []
    for kind in ("asterisk", "freeswitch", "kamailio"):
        for form in ("text", "json"):
            said += [program("inventory", "lint", folder / kind, "--format", form)]
            said += [program("inventory", "read", folder / kind, "--keep", "--format", form)]
    said += [program(*words) for words in (("check", "--format", "json"), ("check",), ("journal",), ("sync",))]
    said += [program("onboard", "--no-sync", "--format", form) for form in ("text", "json")]
    program("export", folder / "out")
    files = [path.read_text(errors="replace") for path in (folder / "out").rglob("*") if path.is_file()]
    assert len(files) > 5
    return program, [*(one.out + one.err for one in said), *files]


def test_commands_print_no_secret(told: tuple[Program, list[str]]) -> None:
    """Neither text, JSON nor an export has a secret; that secrets are present is reported by kind."""
    whole = "\n".join(told[1])

    assert "Traceback" not in whole
    assert WORD not in whole
    for kind in ("trunk password", "API key", "management password", "phone password", "database password"):
        assert kind in whole, kind


def test_home_files_hold_no_secret(told: tuple[Program, list[str]]) -> None:
    """No secret is in the database, its journal, the call store or logs."""
    files = [path for path in Path(told[0].home).rglob("*") if path.is_file()]

    assert files
    assert [] == [path.name for path in files if WORD.encode() in path.read_bytes()]
