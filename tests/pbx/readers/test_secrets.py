"""Secrets in configurations: purpose and location are recorded, never the value."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path

import pytest

from dashboard import checks
from dashboard.core.errors import DashboardError
from dashboard.pbx import LintContext, Secret, Upload, lint_inventory, read_files
from dashboard.pbx.inventory.diff import merge
from dashboard.services.exports.csv_files import to_csv
from dashboard.services.exports.frames import findings_frame
from tests.builders import make_snapshot, pbx
from tests.paths import TESTS
from tests.pbx import cases
from tests.pbx.conftest import PUBLIC
from tests.pbx.facts import keys

PLANTED = re.compile(r"(?:made-up|not-a-real)[\w-]*|0123456789abcdef\w*")
"""Prefixes of every secret in the test configurations."""
KINDS = ("asterisk", "freepbx", "freeswitch", "kamailio")
LAB = TESTS / "lab" / "pbxs"
FOLDERS = [*(folder for kind in KINDS for folder in cases.folders(kind)), *sorted(LAB.iterdir())]
WITHOUT = {"asterisk/two-wans", "freeswitch/two-wans", "freepbx/no-prefix", "freepbx/twice", "kamailio/wrong-prefix"}
WITHOUT |= {"pbxs/denver", "pbxs/seattle"}
"""Folders in which no secret was planted."""
EACH = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: f"{folder.parent.name}/{folder.name}")
OF_AN_OBJECT = 40
"""Maximum lines of a JSON object, which is reported with its first line."""
TRUNK = "[t]\ntype=endpoint\naors=t\n[t]\ntype=aor\ncontact=sip:us-west-or.sip.flowroute.com\n"


def planted(folder: Path) -> dict[str, set[str]]:
    """Return the secrets in a folder's raw text by file, as the inventory names it."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != cases.EXPECTED]
    found = {
        str(path.relative_to(folder.parent)): set(PLANTED.findall(path.read_text(errors="replace"))) for path in files
    }
    return {name: secrets for name, secrets in found.items() if secrets}


def snapshot_of(inventory):
    """Return an account whose PBXs are admitted by address, with their imported facts."""
    pbx_id = inventory.frames["pbxs"]["pbx_id"].iloc[0]
    address = {"pbx_id": pbx_id, "address": "198.51.100.11", "kind": "primary", "source": "declared"}
    config = inventory.frames["pbx_config"].to_dict("records")
    return make_snapshot(allowed=("198.51.100.11",), pbxs=[pbx(pbx_id)], addresses=[address], pbx_config=config)


def told_of(inventory) -> str:
    """Return everything that the product derives from an inventory, as one text."""
    snapshot = snapshot_of(inventory)
    findings = checks.run(snapshot)
    pitfalls = lint_inventory(inventory.frames, LintContext(treated_as_public=PUBLIC))
    difference = merge({}, inventory)
    frames = [*inventory.frames.values(), *difference.merged.values(), difference.changes]
    frames += [findings_frame(findings, snapshot)]
    pieces = [
        repr(inventory),
        repr(snapshot),
        *(text for frame in frames for text in (repr(frame), frame.to_csv(), str(frame.to_dict("records")))),
        *(to_csv(frame, account="sample").decode() for frame in frames),
        *(f"{finding!r} {asdict(finding)}" for finding in findings),
        *(f"{pitfall} {pitfall!r} {asdict(pitfall)}" for pitfall in pitfalls),
        *(f"{problem} {problem!r}" for problem in inventory.problems),
    ]
    return "\n".join(pieces)


@EACH
def test_output_contains_no_planted_secret(folder):
    """Frames, exports, findings, lint messages, problems and every repr contain no planted secret."""
    secrets = set().union(*planted(folder).values())
    told = told_of(cases.read(folder))

    assert bool(secrets) is (f"{folder.parent.name}/{folder.name}" not in WITHOUT)
    assert [] == sorted(secret for secret in secrets if secret in told)


@EACH
def test_every_file_with_a_secret_is_named(folder):
    """Each planted secret has a fact with its line, and nothing else is reported as one."""
    facts = cases.read(folder).frames["pbx_config"]
    found = facts[keys(facts) == "secret_present"]

    assert set(planted(folder)) == set(found["file"])
    for row in found.to_dict("records"):
        lines = (folder.parent / row["file"]).read_text().splitlines()[row["line"] - 1 :]
        assert PLANTED.search("".join(lines[: OF_AN_OBJECT if row["file"].endswith(".json") else 1]))
        assert row["value"] in set(Secret)


@EACH
def test_no_error_has_a_secret(folder):
    """A file truncated anywhere gives problems that repeat no secret."""
    for path, secrets in planted(folder).items():
        text = (folder.parent / path).read_text()
        for secret in secrets:
            cut = text[: text.index(secret) + len(secret)]
            for broken in (cut, cut.replace("=", " "), cut.replace(">", ""), f"[{cut}", cut.replace('"', "")):
                inventory = read_files([Upload(Path(path).name, broken.encode())], name="pbx")
                told = repr(inventory) + "".join(frame.to_csv() for frame in inventory.frames.values())
                assert secret not in told


def test_phones_are_one_line_and_the_trunk_is_not_drowned():
    """Three thousand phones give one fact, and all facts of the trunk are kept."""
    phones = "".join(f"[{n}]\ntype=endpoint\nauth={n}\n[{n}]\ntype=auth\npassword=made-up\n" for n in range(3_000))
    inventory = read_files([Upload("pjsip.conf", (phones + TRUNK).encode())], name="pbx")
    facts = inventory.frames["pbx_config"]

    assert [] == inventory.problems
    assert [("phone password", 6)] == facts.loc[keys(facts) == "secret_present", ["value", "line"]].to_records(
        index=False
    ).tolist()
    assert "trunk.t.host" in set(keys(facts))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("FLOWROUTE_ACCESS_KEY", Secret.API_KEY),
        ("API-KEY", Secret.API_KEY),
        ("MyToken", Secret.API_KEY),
        ("AMPMGRPASS", Secret.MANAGEMENT),
        ("ARI_PASSWORD", Secret.MANAGEMENT),
        ("VM_PIN", Secret.PIN),
        ("CARRIER_PW", Secret.UNKNOWN),
    ],
)
def test_a_global_is_known_by_its_name(name, kind):
    """The purpose of a global variable's secret follows from its name alone."""
    text = f"[globals]\n{name}=made-up\nNOTHING=x\n"
    facts = read_files([Upload("extensions.conf", text.encode())], name="pbx").frames["pbx_config"]

    assert [["secret_present", kind, 2]] == facts.assign(key=keys(facts))[["key", "value", "line"]].to_numpy().tolist()


def test_a_variable_that_is_emptied_holds_no_secret_there():
    """In FreeSWITCH the secret's location is the line that assigns it."""
    lines = [f'<X-PRE-PROCESS cmd="set" data="ari_password={value}"/>' for value in ("made-up", "not-used", "")]
    text = "\n".join(["<include>", *lines, '<gateway name="us-west-or.sip.flowroute.com"/>', "</include>"])
    facts = read_files([Upload("vars.xml", text.encode())], name="pbx").frames["pbx_config"]
    secrets = facts[keys(facts) == "secret_present"]

    assert [[Secret.MANAGEMENT, 2]] == secrets[["value", "line"]].to_numpy().tolist()


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        ("Dial(SIP/a:made-up@us-west-or.sip.flowroute.com/1)", Secret.TRUNK),
        ("Dial(SIP/a:made-up@sip.example.net/1)", Secret.OTHER_TRUNK),
        ("Set(HASH(x,PASSWORD)=made-up)", Secret.UNKNOWN),
        ("TrySystem(curl --user=a:made-up https://api.flowroute.com)", Secret.API_KEY),
        ("Set(X=${CURL(https://a:made-up@api.flowroute.com)})", Secret.API_KEY),
        ("System(wget --header 'Authorization: Basic made-up' https://api.flowroute.com)", Secret.API_KEY),
        ("Set(PASSWORD=${ASKED})", None),
        ("Set(X=${CURL(https://api.flowroute.com)})", None),
        ("System(curl -u ${KEYS} https://api.flowroute.com)", None),
        ("NoOp(user:made-up@example.net)", None),
    ],
)
def test_a_step_of_the_dialplan_is_known_by_what_it_does(step, kind):
    """A device is classified by host, a program by its authentication; a read variable has its secret elsewhere."""
    text = f"[o]\nexten => 1,1,{step}\n"
    inventory = read_files([Upload("extensions.conf", text.encode())], name="pbx")
    facts = inventory.frames["pbx_config"]

    assert ([kind] if kind else []) == facts.loc[keys(facts) == "secret_present", "value"].tolist()
    assert "made-up" not in repr(inventory) + facts.to_csv()


def test_a_login_that_serves_two_ends_is_the_worse():
    """Credentials that both sign calls in and register are the trunk's, also from a template."""
    text = (
        "[base](!)\ntype=auth\npassword=made-up\n[login](base)\nusername=a\n[r]\ntype=registration\noutbound_auth=login\n"
        "server_uri=sip:us-west-or.sip.flowroute.com\n"
    )
    before = read_files([Upload("pjsip.conf", (text + TRUNK).encode())], name="pbx").frames["pbx_config"]
    trunk = TRUNK.replace("aors=t", "aors=t\noutbound_auth=login")
    after = read_files([Upload("pjsip.conf", (text + trunk).encode())], name="pbx").frames["pbx_config"]

    assert ["registration password"] == before.loc[keys(before) == "secret_present", "value"].tolist()
    assert ["trunk password"] == after.loc[keys(after) == "secret_present", "value"].tolist()


def test_an_error_of_a_file_repeats_no_secret(tmp_path):
    """A file that is not text is named and not quoted."""
    (tmp_path / "pjsip.conf").write_bytes(b"\0made-up")
    try:
        told = repr(read_files([tmp_path]))
    except DashboardError as exc:
        told = str(exc)

    assert "made-up" not in told
