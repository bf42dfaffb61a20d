"""FreeSWITCH reader: configuration folders give the expected inventory; faults are reported with their line."""

from __future__ import annotations

import re
import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.pbx import Upload, read_files
from dashboard.pbx.readers.number_regex import variants
from tests.pbx import cases
from tests.pbx.conftest import PUBLIC
from tests.pbx.facts import key_of, keys
from tests.texts import golden

GATEWAY = '<gateway name="g"><param name="proxy" value="us-west-or.sip.flowroute.com"/>\n</gateway>'
GOOD = f"<include>{GATEWAY}</include>"
FACE = '<param name="password" value="{}"/>'


def read(**files):
    """Read single files of one PBX, each with the suffix .xml."""
    uploads = [
        Upload(f"{name}.xml", text if isinstance(text, bytes) else text.encode()) for name, text in files.items()
    ]
    return read_files(uploads, treated_as_public=PUBLIC, name="reno")


def values(inventory, ending):
    """Return the values of facts whose key has this ending."""
    facts = inventory.frames["pbx_config"]
    return facts.loc[keys(facts).str.endswith(ending), "value"].tolist()


def extension(expression, *actions):
    """Return a dialplan with one extension."""
    lines = "".join(f'<action application="{application}" data="{data}"/>' for application, data in actions)
    condition = f'<condition field="destination_number" expression="{expression}">{lines}</condition>'
    return f'<include><context name="default"><extension name="e">{condition}</extension></context></include>'


@pytest.mark.parametrize("folder", cases.folders("freeswitch"), ids=lambda folder: folder.name)
def test_a_folder_gives_the_inventory_beside_it(folder):
    """The inventory equals the expected PBX, configured addresses, numbers, facts with file and line, and pitfalls."""
    assert cases.expected(folder) == cases.told(cases.read(folder))


@pytest.mark.parametrize("folder", cases.folders("freeswitch"), ids=lambda folder: folder.name)
def test_every_fact_stands_where_it_says(folder):
    """The line of a fact contains its value, or the variable that represents it."""
    for row in cases.read(folder).frames["pbx_config"].to_dict("records"):
        line = (folder.parent / row["file"]).read_text().splitlines()[row["line"] - 1]
        kind = key_of(row).rpartition(".")[2]
        if kind in ("host", "match", "external", "media", "bind", "pattern", "x_tag"):
            assert row["value"] in line or "$${" in line
        elif kind == "secret_present":
            assert "made-up" in line
        elif kind == "dial":
            assert "sofia/" in line or "transfer" in line


@pytest.mark.parametrize("folder", cases.folders("freeswitch"), ids=lambda folder: folder.name)
def test_no_password_is_returned(folder):
    """No row, problem or intermediate value contains a password."""
    texts = [path.read_text() for path in folder.rglob("*.xml")]
    secrets = {secret for text in texts for secret in re.findall(r"made-up-\w+", text)}
    inventory = cases.read(folder)
    everything = "".join(frame.to_csv() for frame in inventory.frames.values()) + repr(inventory)

    assert secrets or folder.name == "two-wans"
    assert [] == [secret for secret in secrets if secret in everything]


@pytest.mark.parametrize(
    ("password", "register", "auth"),
    [
        ("not-used", "false", "ip"),
        ("", "false", "ip"),
        ("s3cret", "false", "credentials"),
        ("$${gateway_password}", "false", "credentials"),
        ("not-used", "true", "credentials"),
        ("not-used", "", "credentials"),
    ],
)
def test_how_a_gateway_signs_in(password, register, auth):
    """Unused and empty passwords do not count as credentials; a gateway registers unless it says otherwise."""
    params = FACE.format(password) + (f'<param name="register" value="{register}"/>' if register else "")
    inventory = read(g=GOOD.replace("</gateway>", f"{params}</gateway>"))

    assert inventory.frames["pbxs"]["auth_method"].tolist() == [auth]
    assert (len(values(inventory, "secret_present")) == 1) == (password == "s3cret")
    assert "s3cret" not in inventory.frames["pbx_config"].to_csv() + repr(inventory)


@pytest.mark.parametrize(
    ("expression", "shapes"),
    [
        (r"^(1\d{10})$", ["1XXXXXXXXXX"]),
        (r"^1?([2-9]\d{2}[2-9]\d{6})$", ["1NXXNXXXXXX", "NXXNXXXXXX"]),
        (r"^(911|411)$", ["911", "411"]),
        (r"^\+(\d{7,15})$", ["+XXXXXXX."]),
        (r"^011(\d+)$", ["011X."]),
        (r"^(?:\+?1)?(206555010[0-4])$", ["+1206555010[0-4]", "1206555010[0-4]", "206555010[0-4]"]),
        (r"^9.*$", ["9."]),
        (r"^\*98$", ["*98"]),
        ("", [""]),
        (r"^(\d{3}", []),
        (r"^(?i)abc$", []),
        (r"^\w+$", []),
        (r"^(1)\1$", []),
        ("(" * 200, []),
    ],
)
def test_expressions_are_read_as_shapes(expression, shapes):
    """Digits, sets, groups, alternatives and counts are parsed to shapes; other expressions have none."""
    assert [shape.letters for shape in variants(expression)] == shapes


@pytest.mark.parametrize(
    ("data", "dialed"),
    [
        ("sofia/gateway/g/12345678*1$1", ["12345678*1NXXNXXXXXX"]),
        ("{a=b,c=${d}}[e=f]sofia/gateway/g/$0", ["9NXXNXXXXXX"]),
        ("sofia/gateway/other/1|sofia/gateway/g/2,sofia/gateway/g/3:_:sofia/gateway/g/4", ["2", "3", "4"]),
        ("sofia/external/sip:5$1@us-west-or.sip.flowroute.com;transport=tcp", ["5NXXNXXXXXX"]),
        ("sofia/gateway/${name}/${prefix}*${destination_number}", ["12345678*9NXXNXXXXXX"]),
        ("sofia/gateway/g/$2${unknown}", ["${2}${unknown}"]),
        ("user/1000@$${domain}", []),
        ("sofia/gateway/g", []),
        ("", []),
    ],
)
def test_bridged_legs_are_expanded(data, dialed):
    """Global and channel variables, the number and brackets are expanded in each leg to the carrier."""
    plan = extension(r"^9([2-9]\d{2}[2-9]\d{6})$", ("set", "prefix=12345678"), ("bridge", data))
    variables = '<include><X-PRE-PROCESS cmd="set" data="name=g"/></include>'
    inventory = read(vars=variables, gateways=GOOD, plan=plan)

    assert inventory.problems == []
    assert values(inventory, ".dial") == dialed


def test_variables_have_the_value_of_their_place():
    """A later assignment affects only what follows; a self-referencing variable does not grow."""
    text = (
        '<include><X-PRE-PROCESS cmd="set" data="host=us-west-or.sip.flowroute.com"/>'
        '<gateway name="a"><param name="proxy" value="$${host}"/></gateway>'
        '<X-PRE-PROCESS cmd="set" data="host=us-east-va.sip.flowroute.com"/>'
        '<X-PRE-PROCESS cmd="set" data="x=$${x}$${x}"/><X-PRE-PROCESS cmd="set" data="x=$${x}$${x}"/>'
        '<gateway name="b"><param name="proxy" value="$${host}"/></gateway></include>'
    )

    assert values(read(a=text), ".host") == ["us-west-or.sip.flowroute.com", "us-east-va.sip.flowroute.com"]


BOMB = (
    '<?xml version="1.0"?>\n<!DOCTYPE include [\n<!ENTITY a "aaaaaaaaaa">\n<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;">\n'
    "]>\n<include>&b;</include>"
)
OUTSIDE = '<!DOCTYPE include [\n<!ENTITY a SYSTEM "file:///etc/passwd">\n]>\n<include>&a;</include>'


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("<include>\n<gateway name='x'>\n</include>", 3, golden("errors.freeswitch.mismatched_tag")),
        ("<include>\n<gateway", 2, "not sound here"),
        ("<include>&nbsp;\n</include>", 1, golden("errors.freeswitch.undefined_entity")),
        ("no xml at all <gateway", 1, "not sound here"),
        (BOMB, 3, golden("errors.freeswitch.entity_is_defined")),
        (OUTSIDE, 2, golden("errors.freeswitch.entity_is_defined")),
        ('<?xml version="1.0" encoding="klingon"?>\n<include/>', 1, "unknown encoding"),
        (b"<include><gateway name='\xff\xfe'/></include>", 1, "not sound here"),
        (
            '<include>\n<X-PRE-PROCESS cmd="include" data="none.xml"/></include>',
            2,
            golden("errors.pbx_config.missing_file", file="none.xml"),
        ),
        (
            '<include><X-PRE-PROCESS cmd="include" data="../../etc/passwd"/></include>',
            1,
            golden("errors.pbx_config.not_in_the_folder"),
        ),
        ('<include>\n\n<X-PRE-PROCESS cmd="include" data="b*.xml"/></include>', 3, "includes itself"),
        ("<a>" * 200, 1, "nested too deep"),
    ],
)
def test_what_is_not_sound_is_said_at_its_line_and_the_rest_is_read(text, line, message):
    """The other files before and after the faulty one give the gateway."""
    inventory = read(a=GOOD, b=text, c=GOOD.replace('name="g"', 'name="h"'))

    assert [("b.xml", line, True)] == [(one.file, one.line, message in one.message) for one in inventory.problems]
    assert inventory.frames["pbxs"]["pop"].tolist() == ["us-west-or.sip.flowroute.com"]
    assert len(values(inventory, ".host")) == 2


def test_what_stands_before_a_fault_is_read():
    """A complete gateway before a fault is kept, a truncated one is not."""
    inventory = read(a=f'<include>{GATEWAY}<gateway name="cut"><param name="proxy" value="sip.flowroute.com"/>')

    assert values(inventory, ".host") == ["us-west-or.sip.flowroute.com"]


def test_a_circle_of_files_and_a_flood_of_elements_end(tmp_path):
    """A circular include and a flood of elements are each reported once; the gateway is found."""
    folder = tmp_path / "reno"
    folder.mkdir()
    (folder / "freeswitch.xml").write_text('<d>\n<X-PRE-PROCESS cmd="include" data="a.xml"/></d>')
    (folder / "a.xml").write_text(f'<include>{GATEWAY}<X-PRE-PROCESS cmd="include" data="freeswitch.xml"/></include>')
    circle = read_files([folder])
    (folder / "a.xml").write_text(f"<include>{GATEWAY}{'<a/>' * 600_000}</include>")
    flood = read_files([folder])

    assert ["'freeswitch.xml' includes itself."] == [one.message for one in circle.problems]
    assert ["too many elements" in one.message for one in flood.problems] == [True, True]
    assert values(circle, ".host") == values(flood, ".host") == ["us-west-or.sip.flowroute.com"]


def test_only_what_freeswitch_includes_is_read(tmp_path):
    """If the root file is known, a file that it does not include is not part of the configuration."""
    folder = tmp_path / "reno"
    shutil.copytree(cases.HERE / "freeswitch" / "two-wans", folder)
    (folder / "etc" / "freeswitch" / "old.xml").write_text(GOOD)

    assert "g" not in "".join(
        keys(read_files([folder]).frames["pbx_config"]).str.extract(r"trunk\.(.*)\.host")[0].dropna()
    )


def test_one_folder_may_hold_pbxs_of_both_kinds(tmp_path):
    """Each reader takes the PBXs of its own kind from a mixed folder."""
    for kind, name in (("asterisk", "registering"), ("freeswitch", "in-order")):
        shutil.copytree(cases.HERE / kind / name, tmp_path / "all" / name)
    pbxs = read_files([tmp_path / "all"], treated_as_public=PUBLIC).frames["pbxs"]

    assert dict(zip(pbxs["pbx_id"], pbxs["vendor"], strict=True)) == {
        "registering": "Asterisk",
        "in-order": "FreeSWITCH",
    }


WORDS = st.sampled_from(
    """<include>
</include>
<gateway name='g'>
</gateway>
<profile>
</profile>
<settings>
</settings>
<a>
$${x}
<extension>
</extension>
<condition>
</condition>
<!DOCTYPE
&
<
$1
${x}
<param name="proxy" value="sip.flowroute.com"/>
<param name="password" value="x"/>
<X-PRE-PROCESS cmd="include" data="*.xml"/>
<X-PRE-PROCESS cmd="set" data="x=$${x}y"/>
<condition field="destination_number" expression="^(1?)(.*)$">
<action application="bridge" data="{a=b}sofia/gateway/g/12345678*$1"/>
<action application="transfer" data="$2 XML public"/>""".splitlines()
)
NAMES = st.sampled_from(["a.xml", "vars.xml", "freeswitch.xml"])


@settings(max_examples=120)
@given(st.lists(st.tuples(NAMES, st.lists(WORDS).map("".join)), max_size=4))
def test_any_text_as_a_configuration_is_read(files):
    """No text raises an exception, and every frame conforms to its schema."""
    inventory = read_files([Upload(name, f"<include>{text}".encode()) for name, text in files], name="any")

    assert set(inventory.frames["pbx_config"]["pbx_id"]) <= {"any"}


@given(st.binary(max_size=300), st.sampled_from(["vars.xml", "freeswitch.xml"]))
def test_any_bytes_as_a_configuration_are_read(data, name):
    """No bytes raise an exception."""
    inventory = read_files([Upload(name, data)], name="any")

    assert inventory.problems or inventory.frames["pbxs"]["pbx_id"].tolist() == ["any"]


@given(st.text(st.sampled_from("^$()[]{}|?*+\\d.,0123456789-:ab"), max_size=60))
def test_any_expression_has_few_shapes(expression):
    """No expression raises an exception or gives many shapes."""
    assert all(len(shape.letters) <= 45 for shape in variants(expression))
    assert len(variants(expression)) <= 8
