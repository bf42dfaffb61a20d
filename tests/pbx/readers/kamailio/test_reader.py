"""Kamailio reader: configuration folders give the expected inventory; faults are reported with their line."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dashboard.pbx import Secret, Upload, read_files
from dashboard.pbx.readers.kamailio.numbers import matches, shapes, stripped, subst
from dashboard.sip import Trunk
from tests.pbx import cases
from tests.pbx.conftest import PUBLIC
from tests.pbx.facts import key_of, keys
from tests.texts import golden
from tests.waiting import SLOW_S

OREGON = "us-west-or.sip.flowroute.com"
VIRGINIA = "us-east-va.sip.flowroute.com"
SEND = f'$rd = "{OREGON}"; t_relay();'
LIST = f"1 sip:{OREGON}\n"
WORD = "made-up-word"


def read(text, *, trunk=None, **files):
    """Read a kamailio.cfg and other files, whose argument names have ``_`` for the dot."""
    named = {"kamailio.cfg": text, **{name.replace("_", ".", 1): data for name, data in files.items()}}
    uploads = [Upload(name, data if isinstance(data, bytes) else data.encode()) for name, data in named.items()]
    return read_files(uploads, treated_as_public=PUBLIC, name="reno", trunk=trunk)


def routed(*steps, **files):
    """Read a main route of statements that ends at the carrier."""
    return read("request_route {\n" + "\n".join(steps) + "\n}\n", **files)


def values(inventory, ending):
    """Return the values of facts whose key has this ending."""
    facts = inventory.frames["pbx_config"]
    return facts.loc[keys(facts).str.endswith(ending), "value"].tolist()


@pytest.mark.parametrize("folder", cases.folders("kamailio"), ids=lambda folder: folder.name)
def test_a_folder_gives_the_inventory_beside_it(folder):
    """The inventory equals the expected PBX, configured addresses, facts with file and line, and pitfalls."""
    assert cases.expected(folder) == cases.told(cases.read(folder))


@pytest.mark.parametrize("folder", cases.folders("kamailio"), ids=lambda folder: folder.name)
def test_every_fact_stands_where_it_says(folder):
    """The line of a fact contains its value, or the text that represents it."""
    marks = ("PUBLIC_IP", "LAN_IP", "POP", "cfg_get", "$rU")
    for row in cases.read(folder).frames["pbx_config"].to_dict("records"):
        line = (folder.parent / row["file"]).read_text().splitlines()[row["line"] - 1]
        kind = key_of(row).rpartition(".")[2]
        if kind in ("host", "match", "external", "bind", "x_tag"):
            assert row["value"].partition("/")[0] in line or any(mark in line for mark in marks)
        elif kind == "secret_present":
            assert WORD in line
        elif kind == "dial":
            assert any(mark in line for mark in ("rU", "prefix", "t_relay", "dp_translate", "subst_user"))


@pytest.mark.parametrize("folder", cases.folders("kamailio"), ids=lambda folder: folder.name)
def test_no_password_is_returned(folder):
    """No row, problem or repr contains a password."""
    inventory = cases.read(folder)
    shown = "".join(frame.to_csv() for frame in inventory.frames.values()) + repr(inventory)

    assert WORD not in shown


@pytest.mark.parametrize(
    ("steps", "dialed"),
    [
        (['prefix("12345678*");'], ["12345678*${EXTEN}"]),
        (['$rU = "12345678*" + $rU;'], ["12345678*${EXTEN}"]),
        (["strip(3);", 'prefix("12345678*");'], ["12345678*${EXTEN:3}"]),
        (['subst_user("/^\\+(.*)$/12345678*\\1/");'], ["12345678*${EXTEN:1}"]),
        (['subst_user("/^([2-9][0-9]{9})$/12345678*1\\1/");'], ["12345678*1NXXXXXXXXX"]),
        (['if ($rU =~ "^[2-9][0-9]{9}$") prefix("1"); else exit;'], ["1NXXXXXXXXX"]),
        (['if ($rU =~ "^1[0-9]{10}$") { prefix("8"); }'], ["81XXXXXXXXXX", "${EXTEN}"]),
        (['if ($rU =~ "^011") { strip(3); } else { exit; }'], ["X."]),
        (['if (!($rU =~ "^1[0-9]{10}$")) exit;'], ["1XXXXXXXXXX"]),
        (['if ($rU == "911") { prefix("12345678*"); } else exit;'], ["12345678*911"]),
        (["if ($(rU{s.len}) != 10) exit;", 'prefix("1");'], ["1XXXXXXXXXX"]),
        (['$var(p) = "12345678*";', "$rU = $var(p) + $rU;"], ["12345678*${EXTEN}"]),
        (["$rU = $avp(p) + $rU;"], ["${avp(p)}${EXTEN}"]),
        (['$rU = "1" + $(rU{s.substr,2,0});'], ["1${EXTEN:2}"]),
        (["$rU = $(rU{s.md5});"], ["${rU}"]),
        (['setuser("12345678*12065550100");'], ["12345678*12065550100"]),
        (['dp_translate("1");'], ["${dp_translate}"]),
        (['while ($rU =~ "^0") { strip(1); }'], ["X.", "${EXTEN}"]),
        (['if ($si == "10.0.0.1") { prefix("1"); } else { prefix("2"); }'], ["1${EXTEN}", "2${EXTEN}"]),
    ],
)
def test_the_number_is_followed_through_the_route(steps, dialed):
    """Functions, assignments and conditions are applied to the number; parts known only at call time stay open."""
    inventory = routed(*steps, SEND)

    assert inventory.problems == []
    assert values(inventory, ".dial") == dialed


@pytest.mark.parametrize(
    ("steps", "hosts"),
    [
        ([f'rewritehostport("{OREGON}:5060");', "t_relay();"], [OREGON]),
        ([f'$du = "sip:{OREGON}:5060;transport=tcp";', "t_relay();"], [OREGON]),
        ([f'$ru = "sip:1" + $rU + "@{OREGON}";', "forward();"], [OREGON]),
        ([f'seturi("sip:12345678*1@{OREGON}");', "t_relay();"], [OREGON]),
        ([f't_relay_to_udp("{OREGON}", "5060");'], [OREGON]),
        ([f't_relay_to("udp:{OREGON}:5060");'], [OREGON]),
        (["ds_select_dst(1, 4);", "t_relay();"], [VIRGINIA, OREGON]),
        (['$var(set) = "1";', 'ds_select_domain("$var(set)", "8");', "t_relay();"], [VIRGINIA, OREGON]),
        (['ds_select_dst("$var(unknown)", "4");', "t_relay();"], [VIRGINIA, OREGON, "10.0.0.9"]),
        ([f'$rd = "{OREGON}";'], [OREGON]),
        (['$rd = "10.0.0.9";', "t_relay();"], [VIRGINIA, OREGON]),
    ],
)
def test_destinations_are_found_in_every_notation(steps, hosts):
    """A dispatcher set is ordered by priority; a carrier destination that no route reaches is reported as well."""
    tables = f"1 sip:{OREGON} 0 1\n1 sip:{VIRGINIA} 0 9\n1 sip:10.1.1.1 1\n2 sip:10.0.0.9\n"
    found = values(routed(*steps, dispatcher_list=tables), ".host")

    assert hosts == list(dict.fromkeys(found))[: len(hosts)]


def test_what_is_dialed_where_routes_are_not_read_is_not_known():
    """A set that no route reaches gives the PoP, but neither the authentication nor the dialed numbers."""
    inventory = read('cfgengine "python"\n', dispatcher_list=LIST)

    assert [OREGON] == inventory.frames["pbxs"]["pop"].tolist()
    assert {"pbx_id", "name", "vendor", "pop"} == inventory.given["pbxs"]
    assert [golden("errors.pbx_config.python_routes")] == [one.message for one in inventory.problems]


def test_a_prefix_that_goes_in_again_on_failure_is_seen():
    """A failure route starts with the number as the main route left it, so a second prefix is found."""
    inventory = read(
        f'request_route {{ prefix("12345678*"); t_on_failure("AGAIN"); {SEND} }}\n'
        f'failure_route[AGAIN] {{ prefix("12345678*"); $rd = "{VIRGINIA}"; t_relay(); }}\n'
    )

    assert ["12345678*${EXTEN}", "12345678*12345678*${EXTEN}"] == values(inventory, ".dial")


@pytest.mark.parametrize(
    ("text", "auth"),
    [
        ("uac_auth(); t_relay();", "credentials"),
        ('$avp(p) = "x"; t_relay();', "ip"),
    ],
)
def test_a_challenge_that_is_answered_means_credentials(text, auth):
    """An answered challenge means credentials, whatever variable holds the password."""
    main = f'request_route {{ t_on_failure("F"); {SEND} }}\n'

    assert [auth] == read(f"{main}failure_route[F] {{ {text} }}\n").frames["pbxs"]["auth_method"].tolist()


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (f'modparam("uac", "credential", "me:flowroute:{WORD}")', Secret.TRUNK),
        (f'modparam("uac", "credential", "me:sip.example.net:{WORD}")', Secret.OTHER_TRUNK),
        (f'modparam("auth_db", "db_url", "mysql://me:{WORD}@10.0.0.1/x")', Secret.DATABASE),
        (f'modparam("http_client", "httpcon", "a=>https://me:{WORD}@api.flowroute.com/v2")', Secret.API_KEY),
        (f'#!define DBPASS "{WORD}"', Secret.DATABASE),
        (f'#!define FLOWROUTE_ACCESS_KEY "{WORD}"', Secret.API_KEY),
        (f'#!substdef "!DBURL!postgres://me:{WORD}@10.0.0.1/x!g"', Secret.DATABASE),
        (f'#!substdef "/SECRET/{WORD}/"', Secret.UNKNOWN),
        (f'request_route {{ $avp(apass) = "{WORD}"; }}', Secret.UNKNOWN),
        (f'request_route {{ $du = "sip:me:{WORD}@10.0.0.1"; }}', Secret.OTHER_TRUNK),
        (f'request_route {{ $du = "sip:me:{WORD}@{OREGON}"; }}', Secret.TRUNK),
        (f'request_route {{ if (!pv_proxy_authenticate("$fd", "{WORD}", "0")) exit; }}', Secret.PHONE),
        (f'request_route {{ $var(h) = "Authorization: Basic {WORD}"; }}', Secret.API_KEY),
        (f'request_route {{ $var(h) = "X-Api-Key: {WORD}"; }}', Secret.API_KEY),
        (f'flowroute.password = "{WORD}" desc "of the account"', Secret.UNKNOWN),
    ],
)
def test_a_password_is_dropped_and_said(line, kind):
    """A password is dropped; a fact records its location and purpose."""
    inventory = read(
        f'{line}\nlisten=udp:198.51.100.9\nroute[X] {{ append_hf("X-Tag: $avp(apass)$var(DBURL)$var(h)"); {SEND} }}\n'
    )
    shown = inventory.frames["pbx_config"].to_csv() + repr(inventory)

    assert WORD not in shown
    assert [(kind, 1)] == [
        (row["value"], row["line"])
        for row in inventory.frames["pbx_config"].to_dict("records")
        if key_of(row) == "secret_present"
    ]


@pytest.mark.parametrize(
    ("answered", "kind"), [("", Secret.UNKNOWN), ("uac_auth();", Secret.TRUNK)], ids=["kept_only", "answers"]
)
def test_a_password_that_answers_the_carrier_is_the_trunks(answered, kind):
    """A password belongs to the trunk if the module reads its variable; an unused one stays a generic password."""
    main = f'modparam("uac", "auth_password_avp", "$avp(p)")\nrequest_route {{ t_on_failure("F"); {SEND} }}\n'
    facts = read(f'{main}failure_route[F] {{ $avp(p) = "{WORD}"; {answered} t_relay(); }}\n').frames["pbx_config"]

    assert [kind] == facts.loc[keys(facts) == "secret_present", "value"].tolist()


def test_a_row_with_a_password_is_known_by_its_host():
    """The purpose of a password in a destination or registration row follows from the row's host."""
    rows = [f"{number} sip:{host} 0 0 pw_password={WORD}" for number, host in ((1, OREGON), (2, "sip.example.net"))]
    facts = read("request_route { exit; }\n", dispatcher_list="\n".join(rows)).frames["pbx_config"]

    assert [Secret.TRUNK, Secret.OTHER_TRUNK] == facts.loc[keys(facts) == "secret_present", "value"].tolist()


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("listen=udp:198.51.100.9:5060", ["198.51.100.9"]),
        ("listen=10.0.0.5 advertise 198.51.100.9:5060", ["198.51.100.9"]),
        ('socket = { bind = udp:10.0.0.5:5060; advertise = "198.51.100.9:5060"; name = "out"; }', ["198.51.100.9"]),
        ("listen=udp:10.0.0.5\nadvertised_address=198.51.100.9", ["198.51.100.9"]),
        ('listen=udp:10.0.0.5\nadvertised_address="198.51.100.9"', ["198.51.100.9"]),
        ("listen=udp:eth0:5060", []),
        ("listen=udp:[2001:db8::9]:5060", []),
        ("#!ifdef NONE\nlisten=udp:198.51.100.9\n#!else\nlisten=udp:198.51.100.10\n#!endif", ["198.51.100.10"]),
        ("# listen=udp:198.51.100.9\n/* listen=udp:198.51.100.9\nlisten=udp:198.51.100.9 */", []),
    ],
)
def test_addresses_are_those_of_the_sockets(text, addresses):
    """The advertised address of a socket takes precedence over its bound address."""
    inventory = read(f"{text}\nrequest_route {{ {SEND} }}\n")

    assert inventory.problems == []
    assert addresses == inventory.frames["pbx_addresses"]["address"].tolist()


def test_only_groups_that_let_the_carrier_in_are_told():
    """Only groups that admit the carrier are reported, by its known ranges or else by tag, never the office's group."""
    text = f'request_route {{ if (allow_source_address("2")) exit; {SEND} }}\n'
    table = "1 10.0.0.0 8 0 office\n2 34.210.91.112 28 0 west\n3 34.210.91.112 28 0 flowroute\n"
    known = Trunk.of("12345678", [(OREGON, "34.210.91.112/28")])

    assert ["34.210.91.112/28"] == values(read(text, address_list=table, trunk=known), "inbound.match")
    assert ["34.210.91.112/28"] == values(read(text, address_list=table), "inbound.match")
    other = text.replace('"2"', '"1"')
    assert [] == values(read(other, address_list=table, trunk=known), "inbound.match")


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("request_route {\nif (1) {\n", 2, "is never closed"),
        ("}\n", 1, "closes nothing here"),
        ("request_route {\n}\n}\n", 3, "closes nothing here"),
        ('request_route {\nif (is_method("INVITE") {\n}\n}', 2, "is not closed"),
        ('request_route {\nxlog("open);\n}\n', 2, "never ends"),
        ("/* open\n\n", 1, "never ends"),
        ("request_route {\n!!! what;\n}", 2, "begins no statement"),
        ('request_route {\nprefix("1")\n$rU = $rU;\n}', 2, golden("errors.pbx_config.no_semicolon")),
        ("what is this\n", 1, "begins no setting"),
        ("route[A]\nlisten=udp:10.0.0.1\n", 1, "has no block"),
        ('include_file "none.cfg"', 1, golden("errors.pbx_config.missing_file", file="none.cfg")),
        ('include_file "../../../etc/passwd"', 1, golden("errors.pbx_config.not_in_the_folder")),
        ("#!endif", 1, "has no #!ifdef"),
        (f"x{'y' * 10_000_000}", 1, golden("errors.pbx_config.line_of_characters")),
        ("request_route {\n" + "{" * 200, 2, "nested more than"),
        ("request_route {\n" + "if (1) " * 200, 2, "nested more than"),
    ],
    ids=range(16),
)
def test_what_is_not_sound_is_said_at_its_line_and_the_rest_is_read(text, line, message):
    """The faulty file is reported, and the list next to it gives the PoP."""
    inventory = read(text, dispatcher_list=LIST)

    assert ("kamailio.cfg", line, True) in [
        (one.file, one.line, message in one.message) for one in inventory.problems
    ], inventory.problems
    assert [OREGON] == inventory.frames["pbxs"]["pop"].tolist()


def test_a_list_that_is_named_and_not_there_is_said():
    """A missing list that is named is reported, and no other list replaces it."""
    inventory = read('modparam("dispatcher", "list_file", "/etc/pops.list")\n', dispatcher_list=LIST)

    assert [golden("errors.pbx_config.missing_file", file="/etc/pops.list") + ". Add the file."] == [
        one.message for one in inventory.problems
    ]
    assert [] == values(inventory, ".host")


def test_a_route_after_an_open_block_is_read():
    """A block that is never closed costs only its content; the route after it is read."""
    inventory = read(f"route[A] {{\nif (1) {{\nroute[B] {{ {SEND} }}\n")

    assert [OREGON] == values(inventory, ".host")
    assert 1 <= len(inventory.problems) <= 3


def test_a_circle_of_files_ends(tmp_path):
    """The circle is reported with its path; the rest of each file is read."""
    folder = tmp_path / "reno"
    folder.mkdir()
    (folder / "kamailio.cfg").write_text(f'include_file "a.cfg"\nrequest_route {{ {SEND} }}\n')
    (folder / "a.cfg").write_text('import_file "kamailio.cfg"\ninclude_file "a.cfg"\nlisten=udp:198.51.100.9\n')
    inventory = read_files([folder], treated_as_public=PUBLIC)

    assert [
        golden("errors.pbx_config.includes_itself", file="kamailio.cfg", chain="kamailio.cfg > a.cfg > kamailio.cfg"),
        golden("errors.pbx_config.includes_itself", file="a.cfg", chain="a.cfg > a.cfg"),
    ] == [one.message for one in inventory.problems]
    assert ["198.51.100.9"] == inventory.frames["pbx_addresses"]["address"].tolist()


def test_a_link_out_of_the_folder_and_what_is_no_text_are_not_read(tmp_path):
    """Links out of the folder and non-text files are each reported; an include of the link finds nothing."""
    outside = tmp_path / "outside.cfg"
    outside.write_text("listen=udp:198.51.100.66\n")
    folder = tmp_path / "reno"
    folder.mkdir()
    (folder / "kamailio.cfg").write_text(f'include_file "linked.cfg"\nrequest_route {{ {SEND} }}\n')
    (folder / "linked.cfg").symlink_to(outside)
    (folder / "dispatcher.list").write_bytes(b"\0\1\2" * 1000)
    inventory = read_files([folder], treated_as_public=PUBLIC)

    assert {"reno/linked.cfg", "reno/dispatcher.list", "reno/kamailio.cfg"} == {one.file for one in inventory.problems}
    assert [OREGON] == values(inventory, ".host")
    assert "198.51.100.66" not in inventory.frames["pbx_config"].to_csv()


@pytest.mark.parametrize(
    "text",
    [
        "#!define A0 x\n" + "".join(f"#!define A{n + 1} {f'A{n} ' * 50}\n" for n in range(9)) + "request_route { A9 }",
        "request_route {" + "".join(f'if ($rU =~ "^{n}") prefix("{n}"); ' for n in range(1000)) + "t_relay(); }",
        "".join(f"route[R{n}] {{ if (1) route(R{n + 1}); route(R{n + 1}); }}\n" for n in range(300)),
        "route[A] { route(B); route(B); }\nroute[B] { route(A); route(A); }\nrequest_route { route(A); }",
        'request_route { if ($rU =~ "^((1+)+)+2$") prefix("1"); ' + SEND + "}",
        'request_route { $rU = "' + "1" * 30 + '"; if ($rU =~ "1*1*1*1*1*1*1*1*1*1*2") prefix("1"); ' + SEND + "}",
        "request_route {" + '$avp(x) = $avp(x) + $avp(x) + "y";' * 2000 + "}",
        "INSERT INTO dispatcher VALUES (" * 20_000,
    ],
    ids=["defines", "conditions", "calls", "circle", "groups", "stars", "growing", "brackets"],
)
def test_nested_input_is_read_in_bounded_time(text):
    """Nested input of any kind is read in bounded time."""
    began = time.monotonic()
    read(text, x_sql=text)

    assert time.monotonic() - began < SLOW_S


@pytest.mark.parametrize(
    ("name", "text", "hosts"),
    [
        ("a.sql", f"INSERT INTO dispatcher (destination, setid) VALUES ('sip:{OREGON}', 1);", [OREGON]),  # noqa: S608 - test input
        ("a.sql", f"REPLACE INTO \"sip\".\"dispatcher\" VALUES (1,1,'sip:{OREGON}',0,0,'','a;b)');", [OREGON]),  # noqa: S608 - test input
        ("a.sql", f"INSERT INTO `dispatcher` VALUES (1,1,'sip:{OREGON}',4,0,'','');", []),  # noqa: S608 - test input
        ("a.sql", f"insert ignore into dispatcher values (1,1,'sip:{OREGON}',0,NULL,NULL,'it''s');", [OREGON]),  # noqa: S608 - test input
        ("a.sql", f"COPY public.dispatcher (setid, destination) FROM stdin;\n1\tsip:{OREGON}\n\\.\n", [OREGON]),
        ("a.sql", f"COPY dispatcher (setid, destination) FROM stdin;\n1\tsip:{OREGON}", [OREGON]),
        ("a.sql", f"INSERT INTO subscriber VALUES (1,'dispatcher','sip:{OREGON}');", []),  # noqa: S608 - test input
        ("dispatcher", f"setid(int) destination(string)\n1:sip\\:{OREGON}\n", [OREGON]),
        ("dispatcher", f"something else\n1:sip\\:{OREGON}\n", []),
    ],
)
def test_tables_are_read_as_people_export_them(name, text, hosts):
    """Exports of MySQL, SQLite, PostgreSQL and db_text are read; other tables are ignored."""
    files = [Upload("kamailio.cfg", b"listen=udp:198.51.100.9\n"), Upload(name, text.encode())]
    inventory = read_files(files, treated_as_public=PUBLIC, name="reno")

    assert inventory.problems == []
    assert hosts == values(inventory, ".host")


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("a.sql", "\nINSERT INTO dispatcher (setid) VALUES (1),\n(1,2);", 3),
        ("dispatcher", "setid(int) destination(string)\n1\n", 2),
    ],
)
def test_a_row_with_other_cells_than_columns_is_said(name, text, line):
    """A row whose number of cells differs from the columns is reported with its line; the rest is read."""
    files = [Upload("kamailio.cfg", b"listen=udp:198.51.100.9\n"), Upload(name, text.encode())]
    problems = read_files(files, treated_as_public=PUBLIC, name="reno").problems

    assert [(name, line)] == [(one.file, one.line) for one in problems]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("^1[0-9]{10}$", ["1XXXXXXXXXX"]),
        ("^011", ["011."]),
        ("[0-9]{10}", ["${EXTEN}"]),
        ("^(\\+|00)[1-9]", ["+Z.", "00Z."]),
        ("^[a-z", []),
    ],
)
def test_an_expression_is_open_where_it_does_not_end(expression, expected):
    """Without ``$`` more digits may follow; without ``^`` anything may precede."""
    assert expected == shapes(expression)


def test_numbers_of_a_shape_are_held_to_expressions():
    """Shapes are tested against expressions with a sample; slow tests and shapes with an open start are undecided."""
    assert matches("^1[0-9]{10}$", "1NXXNXXXXXX") is True
    assert matches("^011", "1NXXNXXXXXX") is False
    assert matches("^011", "${EXTEN:1}") is None
    assert matches("^(1+)+$", "1NXXNXXXXXX") is None
    assert ("${EXTEN:4}", "X.", "NXX") == (stripped("${EXTEN:1}", 3), stripped("X.", 1), stripped("NXXX", 1, tail=True))
    assert ("x", "${…}", "1NXX") == (subst("/^1$/x/", "1"), subst("no instruction", "1"), subst("/^2$/x/", "1NXX"))


WORDS = st.sampled_from(
    """request_route {
}
{
route[A] {
route(A);
failure_route[F] {
t_on_failure("F");
t_relay();
if ($rU =~ "^1?([0-9]{10})$")
else
switch ($rU) {
case 1:
break;
exit;
return;
(
)
"
'
/*
*/
#!define A "12345678*"
#!ifdef A
#!else
#!endif
#!substdef "!B!c!"
include_file "kamailio.cfg"
import_file "b.cfg"
listen=udp:198.51.100.9:5060 advertise
socket = {
modparam("dispatcher", "list_file",
prefix(A);
$rU = A + $(rU{s.strip,
$ru = "sip:" + $rU + "@sip.flowroute.com";
subst_user("/(.*)/\\1/");
strip(99999999999999999999);
append_hf("X-Tag: a\\r\\n");
ds_select_dst("1", "4");
uac_auth();""".splitlines()
)
NAMES = st.sampled_from(["kamailio.cfg", "b.cfg", "dispatcher.list", "a.sql"])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(NAMES, st.lists(WORDS, max_size=30).map("\n".join)), max_size=4))
def test_any_text_as_a_configuration_is_read(files):
    """No text raises an exception, and every frame conforms to its schema."""
    inventory = read_files([Upload(name, text.encode()) for name, text in files], name="any")

    assert set(inventory.frames["pbx_config"]["pbx_id"]) <= {"any"}


@given(st.binary(max_size=300), NAMES)
@example(data="1 sip:198.51.100.7 \u00b9".encode(), name="dispatcher.list")
def test_any_bytes_as_a_configuration_are_read(data, name):
    """No bytes raise an exception."""
    files = [Upload("kamailio.cfg", b"listen=udp:198.51.100.9"), Upload(name, data)]

    assert ["any"] == read_files(files, name="any").frames["pbxs"]["pbx_id"].tolist() or name == "kamailio.cfg"
