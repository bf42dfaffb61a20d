"""Running PBXs, read over their manager interface, give the same inventory as their folders."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from dashboard.pbx import Inventory, read_files
from dashboard.sip import Trunk
from tests.lab import asterisk as asterisks
from tests.lab.asterisk import PBXS, Asterisk, asterisk, config_of
from tests.lab.edge import PASSWORD
from tests.lab.lab import PREFIX
from tests.lab.network import Network, network
from tests.pbx import cases
from tests.pbx.conftest import PUBLIC
from tests.pbx.facts import key_of
from tests.texts import golden
from tests.waiting import WAIT_S

pytestmark = pytest.mark.skipif(bool(asterisks.missing()), reason=f"no PBXs: {asterisks.missing()}")
ADDRESSES = {"atlanta": "198.51.100.40", "denver": "198.51.100.24", "seattle": "198.51.100.11"}
OTHER = "198.51.100.50"
MANAGER = "made-up-manager"
READ = f"""
import json, sys
from dashboard.core.errors import DashboardError
from dashboard.core.settings import Settings
from dashboard.pbx import READER_FRAMES, read_running
from dashboard.sip import Trunk

try:
    found = read_running(
        sys.argv[1], secrets=Settings().source_secrets, treated_as_public={PUBLIC!r}, trunk=Trunk.of("{PREFIX}", [])
    )
except DashboardError as exc:
    sys.exit(str(exc))
frames = {{name: json.loads(found.frames[name].to_json(orient="records", date_format="iso")) for name in READER_FRAMES}}
print(json.dumps({{"frames": frames, "problems": [str(one) for one in found.problems]}}))
"""
"""Script that reads a PBX from within the network of the PBXs."""
REALTIME = {
    "pjsip.conf": "[transport-wan]\ntype=transport\nprotocol=udp\nbind=198.51.100.50:5060\n",
    "sorcery.conf": "[res_pjsip]\nendpoint=config,more.conf,criteria=type=endpoint\nauth=config,more.conf,"
    "criteria=type=auth\naor=config,more.conf,criteria=type=aor\n[res_pjsip_endpoint_identifier_ip]\n"
    "identify=config,more.conf,criteria=type=identify\n",
    "more.conf": "[flowroute]\ntype=auth\nauth_type=userpass\nusername=12345678\npassword=not-a-real-password\n"
    "[flowroute]\ntype=endpoint\ntransport=transport-wan\noutbound_auth=flowroute\naors=flowroute\n"
    "context=from-flowroute\n[flowroute]\ntype=aor\ncontact=sip:us-east-va.sip.flowroute.com:5060\n"
    "[flowroute]\ntype=identify\nendpoint=flowroute\nmatch=34.226.36.32/28\n",
    "extensions.conf": "[office]\nexten => _1NXXNXXXXXX,1,Dial(PJSIP/${EXTEN}@flowroute,20)\n",
}
"""Configuration with endpoints in no file that Asterisk reads by default, as if they came from a database."""
SECRET = "secret_present"


@pytest.fixture(scope="module")
def net() -> Iterator[Network]:
    """Make a network with the addresses of the PBXs."""
    with network(f"tg-ami-{os.getpid()}", [*ADDRESSES.values(), OTHER, "192.0.2.10", "192.0.2.11"]) as made:
        yield made


@pytest.fixture(scope="module")
def pbxs(net: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Asterisk]]:
    """Run the three PBXs of the lab, each with its manager interface."""
    folder = tmp_path_factory.mktemp("pbxs")
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(asterisk(net, folder / name, config_of(name), manager=manager(address)))
            for name, address in ADDRESSES.items()
        }


@pytest.fixture(scope="module")
def folders() -> Inventory:
    """Read the folders of the same PBXs."""
    return read_files([PBXS], trunk=Trunk.of(PREFIX, []), treated_as_public=PUBLIC)


def manager(address: str) -> str:
    """Return a manager.conf with three users: one may read everything, one only files, one nothing."""
    return (
        f"[general]\nenabled=yes\nport=5038\nbindaddr={address}\n"
        f"[trunkgate]\nsecret={MANAGER}\nread=all\nwrite=config,system,reporting\n"
        f"[half]\nsecret={MANAGER}\nread=all\nwrite=config\n[nobody]\nsecret={MANAGER}\nread=all\nwrite=agent\n"
    )


def read(net: Network, address: str, *, user: str = "trunkgate", secret: str = MANAGER) -> tuple[Any, str]:
    """Read a PBX from a process in its network; return the inventory, ``None`` after an error, and all output."""
    ran = subprocess.run(
        net.within([sys.executable, "-c", READ, address]),
        env=os.environ | {"TRUNKGATE_AMI_USER": user, "TRUNKGATE_AMI_SECRET": secret},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )
    return (json.loads(ran.stdout) if ran.stdout else None), ran.stdout + ran.stderr


def facts(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return key and value of each fact, without its position."""
    return sorted({(str(key_of(row)), str(row["value"])) for row in rows})


@pytest.mark.parametrize("name", ADDRESSES)
def test_a_running_pbx_gives_the_row_of_its_folder(
    net: Network, pbxs: dict[str, Asterisk], folders: Inventory, name: str
) -> None:
    """PBX, addresses, numbers and facts equal those of its folder; each fact names the AMI action and the object."""
    assert name in pbxs
    found, said = read(net, f"ami://{ADDRESSES[name]}:5038/{name}")
    own = {
        frame: json.loads(rows[rows["pbx_id"] == name].to_json(orient="records", date_format="iso"))
        for frame, rows in folders.frames.items()
    }

    assert found["problems"] == []
    for frame in ("pbxs", "pbx_addresses", "pbx_numbers"):
        assert own[frame] == found["frames"][frame]
    assert facts(own["pbx_config"]) == facts(found["frames"]["pbx_config"])
    where = f"ami://{ADDRESSES[name]}:5038 GetConfig "
    places = {row["file"] for row in found["frames"]["pbx_config"]}
    assert {f"{where}pjsip.conf [flowroute]", f"{where}extensions.conf [office]"} <= places
    assert all(place.startswith(where) for place in places)
    assert PASSWORD not in said
    assert MANAGER not in said


@pytest.mark.parametrize("folder", cases.folders("asterisk"), ids=lambda folder: folder.name)
def test_asterisk_gives_what_the_grammar_gives(net: Network, tmp_path: Path, folder: Path) -> None:
    """Asterisk and the reader agree on the templates, includes, comments and escapes of every case."""
    config = min({path.parent for path in folder.rglob("*.conf")}, key=lambda path: len(path.parts))
    with asterisk(net, tmp_path / "pbx", config, manager=manager(OTHER)):
        found, said = read(net, f"ami://{OTHER}/{folder.name}")
    told = read_files([folder], trunk=Trunk.of(PREFIX, []), treated_as_public=PUBLIC)
    own = {frame: json.loads(rows.to_json(orient="records", date_format="iso")) for frame, rows in told.frames.items()}

    for frame in ("pbxs", "pbx_addresses", "pbx_numbers"):
        assert own[frame] == found["frames"][frame]
    mine = facts(own["pbx_config"])
    running = facts(found["frames"]["pbx_config"])
    assert [one for one in mine if one[0] != SECRET] == [one for one in running if one[0] != SECRET]
    # AMI positions are objects, which are coarser than lines; manager.conf is read only from a folder.
    assert {one for one in running if one[0] == SECRET} <= {*mine, (SECRET, "password")}
    assert len(own["pbxs"]) == 1
    assert "made-up" not in said
    assert all("not loaded" in one for one in found["problems"])


def test_what_may_not_be_asked_is_said(net: Network, pbxs: dict[str, Asterisk]) -> None:
    """Without the right to read files the read fails; without the right to query PJSIP the files are still read."""
    assert "denver" in pbxs
    address = f"ami://{ADDRESSES['denver']}:5038"
    half, _ = read(net, address, user="half")
    nobody, said = read(net, address, user="nobody")
    wrong, refused = read(net, address, secret="wrong-and-secret")

    assert [row["dials_prefix"] for row in half["frames"]["pbxs"]] == ["yes"]
    assert ["PJSIPShowEndpoints" in one and "write = config,system,reporting" in one for one in half["problems"]] == [
        True
    ]
    assert (nobody, wrong) == (None, None)
    assert golden("pbx.running.may_not_get_config_at", address=address) in said
    assert f"{address}: " + golden("pbx.running.login_refused") + "." in refused
    assert "wrong-and-secret" not in refused


def test_an_endpoint_that_stands_in_no_file_is_read_from_pjsip(net: Network, tmp_path: Path) -> None:
    """A loaded endpoint in no file is queried by its name; an endpoint in a file that is not loaded is reported."""
    config = tmp_path / "config"
    config.mkdir()
    for name, text in REALTIME.items():
        (config / name).write_text(text)
    with asterisk(net, tmp_path / "pbx", config, manager=manager(OTHER)):
        (tmp_path / "pbx" / "etc" / "pjsip.conf").write_text(
            f"{REALTIME['pjsip.conf']}[late]\ntype=endpoint\naors=late\n"
        )
        found, said = read(net, f"ami://{OTHER}/atlanta")

    (row,) = found["frames"]["pbxs"]
    assert (row["auth_method"], row["dials_prefix"], row["pop"]) == (
        "credentials",
        "no",
        "us-east-va.sip.flowroute.com",
    )
    shown = f"ami://{OTHER}:5038 PJSIPShowEndpoint flowroute"
    here = {(key_of(one), one["value"]) for one in found["frames"]["pbx_config"] if one["file"] == shown}
    assert {
        ("trunk.flowroute.host", "us-east-va.sip.flowroute.com"),
        ("trunk.flowroute.auth", "credentials"),
        ("inbound.match", "34.226.36.32/28"),
        (SECRET, "password"),
    } <= here
    assert [row["address"] for row in found["frames"]["pbx_addresses"]] == [OTHER]
    assert [golden("pbx.running.not_loaded") in one for one in found["problems"]] == [True]
    assert PASSWORD not in said


def test_a_dialplan_that_stands_in_no_file_is_read_from_what_is_loaded(net: Network, tmp_path: Path) -> None:
    """Without a dialplan file, the loaded steps, includes and globals give the same row as the folder."""
    address = "192.0.2.10"
    config = tmp_path / "seattle"
    shutil.copytree(config_of("seattle"), config)
    text = (config / "pjsip.conf").read_text(encoding="ascii")
    (config / "pjsip.conf").write_text(text.replace(ADDRESSES["seattle"], address), encoding="ascii")
    written = read_files([config], trunk=Trunk.of(PREFIX, []), treated_as_public=PUBLIC)
    with asterisk(net, tmp_path / "pbx", config, manager=manager(address)):
        (tmp_path / "pbx" / "etc" / "extensions.conf").unlink()
        found, _ = read(net, f"ami://{address}/seattle")
        half, _ = read(net, f"ami://{address}/seattle", user="half")

    assert found["problems"] == []
    own = {
        frame: json.loads(rows.to_json(orient="records", date_format="iso")) for frame, rows in written.frames.items()
    }
    assert own["pbxs"] == found["frames"]["pbxs"]
    assert own["pbx_numbers"] == found["frames"]["pbx_numbers"]
    assert facts(own["pbx_config"]) == facts(found["frames"]["pbx_config"])
    assert f"ami://{address}:5038 ShowDialPlan office" in {row["file"] for row in found["frames"]["pbx_config"]}
    assert [row["dials_prefix"] for row in half["frames"]["pbxs"]] == ["unknown"]
    assert any(golden("pbx.running.may_not_get_variables") in one for one in half["problems"])
