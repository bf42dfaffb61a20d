"""Asterisk reader: configuration folders give the expected inventory; unrecognized input is reported with its line."""

from __future__ import annotations

import re
import shutil
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.pbx import Upload, read_files
from dashboard.sip import Trunk
from tests.examples import times
from tests.pbx import cases
from tests.pbx.conftest import PUBLIC
from tests.pbx.facts import key_of, keys
from tests.texts import golden
from tests.waiting import SLOW_S

MADE_UP = re.compile(r"(?:made-up-[\w-]+|not-a-real[\w-]*|0123456789abcdef\w*)")
TRUNK = "[t]\ntype=endpoint\naors=t\n[t]\ntype=aor\ncontact=sip:us-west-or.sip.flowroute.com\n"
FILES = ("pjsip.conf", "pjsip_wizard.conf", "sip.conf", "extensions.conf")


def read(**files):
    """Read single files of one PBX; ``_`` in an argument name represents the dot."""
    uploads = [Upload(name.replace("_", ".", 1), text.encode()) for name, text in files.items()]
    return read_files(uploads, treated_as_public=PUBLIC, name="seattle")


def said(inventory):
    """Return line and message of each problem."""
    return [(problem.line, problem.message) for problem in inventory.problems]


def values(inventory, ending):
    """Return the values of facts whose key has this ending."""
    facts = inventory.frames["pbx_config"]
    return facts.loc[keys(facts).str.endswith(ending), "value"].tolist()


@pytest.mark.parametrize("folder", cases.folders("asterisk"), ids=lambda folder: folder.name)
def test_a_folder_gives_the_inventory_beside_it(folder):
    """The inventory equals the expected PBX, configured addresses, numbers, facts with file and line, and pitfalls."""
    assert cases.expected(folder) == cases.told(cases.read(folder))


@pytest.mark.parametrize("folder", cases.folders("asterisk"), ids=lambda folder: folder.name)
def test_every_fact_stands_where_it_says(folder):
    """The line of a fact contains its value, except for dial strings, which are assembled."""
    for row in cases.read(folder).frames["pbx_config"].to_dict("records"):
        line = (folder.parent / row["file"]).read_text().splitlines()[row["line"] - 1]
        if key_of(row).rpartition(".")[2] in (
            "host",
            "match",
            "external",
            "media",
            "bind",
            "local_net",
            "pattern",
            "x_tag",
        ):
            assert row["value"] in line
        elif key_of(row) == "secret_present":
            assert "made-up" in line or "real" in line or "md5_cred" in line
        elif key_of(row).endswith(".dial"):
            assert "Dial(" in line


@pytest.mark.parametrize("folder", cases.folders("asterisk"), ids=lambda folder: folder.name)
def test_no_password_is_returned(folder):
    """No row, problem or intermediate value contains a password."""
    secrets = {secret for path in folder.rglob("*.conf") for secret in MADE_UP.findall(path.read_text())}
    inventory = cases.read(folder)
    everything = "".join(frame.to_csv() for frame in inventory.frames.values()) + repr(inventory)

    assert secrets or folder.name == "two-wans"
    assert [] == [secret for secret in secrets if secret in everything]


def test_a_known_account_decides_what_is_the_carriers():
    """A host with an address of one of the account's PoPs is the carrier, whatever its name."""
    pjsip = TRUNK.replace("us-west-or.sip.flowroute.com", "192.0.2.17")
    trunk = Trunk.of("12345678", [("edge.example.net", "192.0.2.16/28, bad"), ("", "")])
    upload = [Upload("pjsip.conf", pjsip.encode())]

    assert read_files(upload, name="a", trunk=trunk).frames["pbxs"]["pop"].tolist() == ["192.0.2.17"]
    assert read_files(upload, name="a").frames["pbxs"]["pop"].tolist() == [""]


@pytest.mark.parametrize(
    ("dialed", "expected"),
    [
        ("12345678*${EXTEN}", "yes"),
        ("87654321*${EXTEN}", "unknown"),
        ("1234567*${EXTEN}", "unknown"),
        ("12345678${EXTEN}", "unknown"),
        ("12345678*12345678*${EXTEN}", "unknown"),
        ("${EXTEN}", "no"),
        ("1${EXTEN:1}", "no"),
        ("${NOBODY_KNOWS}", "unknown"),
    ],
)
def test_the_prefix_is_yes_only_where_it_is_the_accounts(dialed, expected):
    """Another prefix, or an invalid one, does not prove that calls are admitted."""
    extensions = f"[out]\nexten => _1NXXNXXXXXX,1,Dial(PJSIP/{dialed}@t)\n"
    uploads = [Upload("pjsip.conf", TRUNK.encode()), Upload("extensions.conf", extensions.encode())]

    inventory = read_files(uploads, name="a", trunk=Trunk("12345678"))

    assert inventory.frames["pbxs"]["dials_prefix"].tolist() == [expected]


@pytest.mark.parametrize(
    ("pattern", "dialed", "expected"),
    [
        ("_9NXXNXXXXXX", "1${EXTEN:1}", "1NXXNXXXXXX"),
        ("_NXX-NXX XXXX", "${EXTEN}", "NXXNXXXXXX"),
        ("_X.", "${EXTEN:1:3}", "${EXTEN:1:3}"),
        ("_011X!", "${EXTEN:3}", "X!"),
        ("_[2-9]X", "${EXTEN:-1}", "X"),
        ("12065550100", "${EXTEN:1}", "2065550100"),
        ("s", "${EXTEN}", "${EXTEN}"),
        ("_1X", "${A}${B}", "x${B}"),
        ("_1X", "${C:1:2}-${GLOBAL(C)}", "bc-abcd"),
        ("_1X", "${CUT(D,/,2)}", "trunk"),
        ("_1X", "${L}", "${M}"),
        ("_1X", "${${NAME}}", "abcd"),
    ],
)
def test_dial_strings_are_assembled(pattern, dialed, expected):
    """Extensions, slices and nested globals are expanded; unset variables remain as written."""
    globals_ = "[globals]\nA=x\nC=abcd\nD=PJSIP/trunk\nL=${M}\nM=${L}\nNAME=C\n"
    inventory = read(
        pjsip_conf=TRUNK, extensions_conf=f"{globals_}[out]\nexten => {pattern},1,Dial(PJSIP/{dialed}@t,30)\n"
    )

    assert values(inventory, ".dial") == [expected]


def test_a_device_in_any_form_is_recognized():
    """
    Devices are recognized in every form.

    Endpoint after @, endpoint before a URI, peer before the number, several at once, a bare host.
    """
    dial = (
        "PJSIP/1@t&PJSIP/t/sip:2@us-west-or.sip.flowroute.com&SIP/t/3&SIP/4@us-east-va.sip.flowroute.com:5060"
        "&SIP/phone&PJSIP/5@other&DAHDI/g0/6"
    )
    inventory = read(pjsip_conf=TRUNK, extensions_conf=f"[out]\nexten => 1,1,Dial({dial},30,m(a,b))\n")

    assert values(inventory, ".dial") == ["1", "2", "3", "4"]


def test_comments_of_every_kind_are_left_out():
    """Comments end at the line end or in nested blocks over several lines; an escaped semicolon is not a comment."""
    text = (
        "[t] ; a section\ntype=endpoint;x\n;-- begins\ncontext=wrong\n;-- nested --; still one\n--;context=right\n"
        ";--- a line of its own\naors=t ;-- in a line --;\n[t]\ntype=aor\n"
        "contact=sip:us-west-or.sip.flowroute.com\\;transport=tcp\n"
    )
    inventory = read(pjsip_conf=text)

    assert inventory.problems == []
    assert values(inventory, ".context") == ["right"]
    assert values(inventory, ".host") == ["us-west-or.sip.flowroute.com"]


def test_templates_are_taken_over_and_added_to():
    """A section inherits its template's settings, its own settings win, and (+) appends to it later."""
    text = (
        "[base](!)\ntype=endpoint\ncontext=base\n[more](!,base)\naors=t\n[t](more)\ncontext=own\n"
        "[t](+)\noutbound_auth=a\n[t]\ntype=aor\ncontact=sip:us-west-or.sip.flowroute.com\n"
    )
    inventory = read(pjsip_conf=text)

    assert inventory.problems == []
    assert (values(inventory, ".context"), values(inventory, ".auth")) == (["own"], ["credentials"])


BAD = [
    ("[t\ntype=aor\n", 1, golden("errors.pbx_config.name_not_closed")),
    ("[base](!)\n[a](base\ntype=aor\n", 2, golden("errors.pbx_config.brackets_not_closed")),
    ("[a](none)\n", 1, "no template [none]"),
    ("[a](+)\n", 1, golden("errors.pbx_config.no_section_before")),
    ("[a]\nwhat is this\n", 2, "no setting"),
    ("#include missing.conf\n", 1, golden("errors.pbx_config.missing_file", file="missing.conf")),
    ("#include ../../etc/passwd\n", 1, golden("errors.pbx_config.not_in_the_folder")),
    ("#include /etc/passwd\n", 1, golden("errors.pbx_config.not_in_the_folder")),
    ("#exec /bin/true\n", 1, "not run"),
    ("#define x\n", 1, "no directive"),
    ("\n;-- never closed\n", 2, "never ends"),
    ("#include pjsip.conf\n", 1, golden("errors.pbx_config.includes_itself_pjsip")),
    ("[a]\nb=" + "x" * 9_000 + "\n", 2, "9,002 characters"),
]


@pytest.mark.parametrize(("text", "line", "message"), BAD, ids=[bad[2] for bad in BAD])
def test_what_is_not_understood_is_said_at_its_line_and_the_rest_is_read(text, line, message):
    """A fault before or after a good configuration does not hide the trunk."""
    before = read(pjsip_conf=text + ("" if "never" in message else TRUNK))
    after = read(pjsip_conf=TRUNK + text)
    shift = TRUNK.count("\n")

    assert [(line, True)] == [(number, message in words) for number, words in said(before)]
    assert [(line + shift, True)] == [(number, message in words) for number, words in said(after)]
    assert values(after, ".host") == ["us-west-or.sip.flowroute.com"]


def test_cyclic_includes_and_globs(tmp_path):
    """A circular include is reported at the closing line; a glob reads existing files; tryinclude reports nothing."""
    folder = tmp_path / "seattle"
    (folder / "more").mkdir(parents=True)
    (folder / "pjsip.conf").write_text('#include "more/*.conf"\n#tryinclude none.conf\n#include /etc/asterisk/a.conf\n')
    (folder / "a.conf").write_text("\n#include b.conf\n")
    (folder / "b.conf").write_text("#include a.conf\n" + TRUNK)
    (folder / "more" / "x.conf").write_text("[x]\ntype=transport\nbind=198.51.100.9\n")
    inventory = read_files([folder], treated_as_public=PUBLIC)

    assert [str(problem) for problem in inventory.problems] == [golden("errors.pbx_config.includes_itself_at")]
    assert values(inventory, ".host") == ["us-west-or.sip.flowroute.com"]
    assert inventory.frames["pbx_addresses"]["address"].tolist() == ["198.51.100.9"]


def test_includes_that_multiply_end(tmp_path):
    """Ten levels that each include the next ten times would be ten billion files; reading ends."""
    folder = tmp_path / "seattle"
    folder.mkdir()
    for level in range(10):
        (folder / f"{level}.conf").write_text(f"#include {level + 1}.conf\n" * 10)
    (folder / "10.conf").write_text("[x]\n")
    (folder / "pjsip.conf").write_text(TRUNK + "#include 0.conf\n")
    inventory = read_files([folder])

    assert values(inventory, ".host") == ["us-west-or.sip.flowroute.com"]
    assert 1 < len(inventory.problems) < 200


def test_templates_and_globals_that_multiply_end():
    """Templates and globals that double thirty times stay small."""
    sections = "".join(f"[s{n}](!,s{n - 1},s{n - 1})\na{n}=1\n" for n in range(1, 30))
    values_ = "".join(f"G{n}=${{G{n - 1}}}${{G{n - 1}}}\n" for n in range(1, 60))
    extensions = f"[globals]\nG0=1\n{values_}[out]\nexten => 1,1,Dial(PJSIP/${{G59}}@t)\n"

    inventory = read(pjsip_conf=f"[s0](!)\na=1\n{sections}{TRUNK}", extensions_conf=extensions)

    assert values(inventory, ".host") == ["us-west-or.sip.flowroute.com"]
    assert any("20,000 settings" in message for _, message in said(inventory))


def test_subroutines_that_call_themselves_end():
    """Recursive subroutines are truncated by an increasing cost, and the truncation is reported."""
    steps = "exten => s,1,Gosub(o,s,1(${ARG1}${ARG1}))\n" * 300 + "exten => s,1,Dial(PJSIP/${ARG1}@t)\n" * 300
    inventory = read(pjsip_conf=TRUNK, extensions_conf=f"[o]\n{steps}")

    assert [golden("errors.pbx_config.too_many_steps") in message for _, message in said(inventory)] == [True]
    assert values(inventory, ".host") == ["us-west-or.sip.flowroute.com"]


def test_ten_megabytes_of_one_line_and_of_many_faults():
    """Ten megabytes of one line or of many faults give few messages, and the trunk is found."""
    inventory = read(pjsip_conf=TRUNK + "x" * 10_000_000 + "\n" + "x\n" * 100_000)

    assert len(inventory.problems) < 200
    assert "10,000,000 characters" in inventory.problems[0].message
    assert values(inventory, ".host") == ["us-west-or.sip.flowroute.com"]


def test_settings_beyond_the_limit_of_a_section_are_reported_once():
    """A section's settings after the limit are left out, and the problem names the section."""
    inventory = read(pjsip_conf=TRUNK + "[many]\n" + "a=1\n" * 20_002)

    assert [(20_008, golden("errors.pbx_config.too_many_settings"))] == said(inventory)


def test_includes_beyond_the_limit_are_reported_once():
    """The problem does not say that a file is missing."""
    inventory = read(pjsip_conf=TRUNK + "#tryinclude none.conf\n" * 2_002)

    assert [golden("errors.pbx_config.too_many_includes")] == [message for _, message in said(inventory)]


def test_more_facts_than_are_kept_are_said():
    """Beyond the limit of facts the first ones are kept, including those of the trunk, and the limit is reported."""
    steps = "".join(f"exten => {n},1,Dial(PJSIP/{n}@t)\n" for n in range(2_500))
    inventory = read(pjsip_conf=TRUNK, extensions_conf=f"[o]\n{steps}")

    assert len(inventory.frames["pbx_config"]) == 2_000
    assert ["more than 2,000 things" in message for _, message in said(inventory)] == [True]


def test_a_binary_file_and_a_link_out_leave_the_rest(tmp_path):
    """A binary file and a link out of the folder are each reported; the trunk is found."""
    folder = tmp_path / "seattle"
    shutil.copytree(cases.HERE / "asterisk" / "in-order" / "etc" / "asterisk", folder)
    (folder / "astdb.sqlite3").write_bytes(b"SQLite format 3\0\0\1")
    (folder / "phones.conf").unlink()
    (folder / "phones.conf").symlink_to("/etc/hostname")
    inventory = read_files([folder], treated_as_public=PUBLIC)

    assert [(problem.file, problem.message.partition(",")[0]) for problem in inventory.problems] == [
        ("seattle/astdb.sqlite3", golden("errors.pbx_config.not_a_text")),
        ("seattle/phones.conf", golden("errors.pbx_config.link_out")),
        ("seattle/pjsip.conf", golden("errors.pbx_config.missing_file", file="phones.conf") + ". Add the file"),
    ]
    assert inventory.frames["pbxs"]["dials_prefix"].tolist() == ["yes"]


def test_every_pbx_of_a_folder_is_read(tmp_path):
    """In an archive of several PBXs, each PBX has the name of its own folder."""
    for name in ("in-order", "registering"):
        shutil.copytree(cases.HERE / "asterisk" / name, tmp_path / "all" / name)
    inventory = read_files([tmp_path / "all"], treated_as_public=PUBLIC)

    assert inventory.frames["pbxs"]["pbx_id"].tolist() == ["in-order", "registering"]
    assert inventory.frames["pbxs"]["auth_method"].tolist() == ["ip", "credentials"]


@pytest.mark.parametrize(
    "line",
    [
        "register => 12345678:topsecret@us-west-or.sip.flowroute.com/100",
        "register => tls://12345678@realm:topsecret:other@us-west-or.sip.flowroute.com:5061~300",
        "secret = topsecret",
        "md5secret=topsecret",
        "remotesecret=topsecret",
        "auth=12345678:topsecret@realm",
        "outboundproxy=sip:a:topsecret@us-west-or.sip.flowroute.com",
    ],
)
def test_a_password_of_sip_conf_is_a_fact_without_its_value(line):
    """A password in any form becomes a fact with file and line, without its value."""
    inventory = read(sip_conf=f"[general]\n{line}\n[t]\ntype=peer\nhost=us-west-or.sip.flowroute.com\n{line}\n")
    facts = inventory.frames["pbx_config"]

    assert "topsecret" not in facts.to_csv() + repr(inventory)
    assert facts.loc[keys(facts) == "secret_present", "line"].tolist() == [2, 6]


@pytest.mark.parametrize(
    "step",
    [
        "Dial(SIP/12345678:topsecret@us-west-or.sip.flowroute.com/12345678*${EXTEN:1})",
        "Dial(SIP/12345678:top@secret:md5:auth@us-west-or.sip.flowroute.com/1${EXTEN:1},30)",
        "Dial(PJSIP/t/sip:12345678:topsecret@us-west-or.sip.flowroute.com)",
        "Set(PASSWORD=topsecret)",
        "Authenticate(topsecret)",
        "Set(PJSIP_HEADER(add,Authorization)=Basic topsecret)",
    ],
)
def test_a_password_of_the_dialplan_is_dropped(step):
    """A password in a device, a variable, a header or an ignored application is dropped."""
    inventory = read(pjsip_conf=TRUNK, extensions_conf=f"[globals]\nX=SIP/a:topsecret@b\n[o]\nexten => _1X.,1,{step}\n")
    facts = inventory.frames["pbx_config"].to_csv() + repr(inventory)

    assert "topsecret" not in facts
    assert "secret:md5" not in facts


WORDS = st.sampled_from(
    [
        "[t]",
        "[a](!)",
        "[b](a,",
        "type=endpoint",
        "aors=t",
        "exten=>_X.,1,Dial(",
        "PJSIP/${EXTEN",
        ":1}@t)",
        "same=>n,",
        "${",
        "}",
        ";--",
        "--;",
        "\\;",
        "#include",
        "*.conf",
        "[globals]",
        "A=${A}${B}",
        "Gosub(t,s,1(${ARG1}))",
        "(",
        ")",
        ",",
        "contact=sip:",
        "us-west-or.sip.flowroute.com",
        "match=",
        "host=",
        "register=>a:b@",
        "bind=[::]",
        "x:y@z",
        "&",
        "|",
        "-",
        "=",
        ">",
        "/",
        "@",
        "\n",
        "\n",
        " ",
    ]
)


@settings(max_examples=times(60))
@given(st.lists(st.tuples(st.sampled_from(FILES), st.lists(WORDS).map("".join) | st.text()), max_size=4))
def test_any_text_as_a_configuration_is_read(files):
    """No text raises an exception, and every frame conforms to its schema."""
    inventory = read_files([Upload(name, text.encode()) for name, text in files], name="any")

    assert set(inventory.frames["pbx_config"]["pbx_id"]) <= {"any"}


@given(st.binary(max_size=300), st.sampled_from(FILES))
def test_any_bytes_as_a_configuration_are_read(data, name):
    """No bytes raise an exception."""
    inventory = read_files([Upload(name, data)], name="any")

    assert inventory.problems or inventory.frames["pbxs"]["pbx_id"].tolist() == ["any"]


CONTACT = "contact=sip:us-west-or.sip.flowroute.com\n"
MANY = {
    "registrations": {
        "sip_conf": "[general]\n"
        + "register => a:made-up@us-west-or.sip.flowroute.com\n" * 8_000
        + "".join(f"[p{n}]\nhost=us-west-or.sip.flowroute.com\n" for n in range(8_000))
    },
    "contacts": {
        "pjsip_conf": f"[a]\ntype=aor\n{CONTACT * 8_000}"
        + "".join(f"[e{n}]\ntype=endpoint\naors=a,a,a\n" for n in range(8_000))
    },
    "transports": {
        "pjsip_conf": f"[a]\ntype=aor\n{CONTACT}"
        + "".join(f"[e{n}]\ntype=endpoint\naors=a\ntransport=t{n}\n[t{n}]\ntype=transport\n" for n in range(20_000))
    },
    "contexts": {
        "pjsip_conf": f"[a]\ntype=aor\n{CONTACT}"
        + "".join(f"[e{n}]\ntype=endpoint\naors=a\ncontext=c{n}\n" for n in range(5_000)),
        "extensions_conf": "".join(
            f"[c{n}]\ninclude=>c{n + 1}\ninclude=>c{n + 1}\nexten=>9{n},1,Dial(PJSIP/x@e{n})\n" for n in range(5_000)
        ),
    },
    "passwords": {"sip_conf": "[t]\n" + "secret=made-up\n" * 15_000 + "host=us-west-or.sip.flowroute.com\n"},
}


@pytest.mark.parametrize("what", MANY)
def test_thousands_of_entries_are_read_in_seconds(what):
    """Thousands of entries of each kind are read in seconds, and the trunk is found among them."""
    began = time.monotonic()
    inventory = read(**MANY[what])
    took = time.monotonic() - began

    assert took < SLOW_S
    assert inventory.frames["pbxs"]["pop"].tolist() == ["us-west-or.sip.flowroute.com"]
    assert "made-up" not in repr(inventory)
