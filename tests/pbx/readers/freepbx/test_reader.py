"""FreePBX reader: database tables give the expected inventory; unrecognized input is reported with its line."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.pbx import READER_FRAMES, Inventory, Upload, read_files
from dashboard.pbx.readers.facts import Place
from dashboard.pbx.readers.freepbx.dial_rules import DialRule, through
from tests.pbx import cases
from tests.pbx.conftest import PUBLIC
from tests.pbx.facts import key_of, keys
from tests.texts import golden
from tests.waiting import SLOW_S

MADE_UP = re.compile(r"made-up-[\w-]+")
HERE = Place("x.sql", 1)
CREATED = (
    "CREATE TABLE `trunks` (\n  `trunkid` int(11) NOT NULL,\n  `tech` varchar(20) NOT NULL,\n"
    "  `channelid` varchar(190) NOT NULL,\n  PRIMARY KEY (`trunkid`),\n  KEY `k` (`tech`)\n)"
)


def dump(*statements: str) -> str:
    """Return statements in the form of a dump."""
    return "".join(f"{one};\n" for one in statements)


GOOD = dump(
    CREATED,
    "INSERT INTO `trunks` VALUES (1,'pjsip','t')",
    "INSERT INTO `pjsip` (`id`,`keyword`,`data`) VALUES ('1','sip_server','us-west-or.sip.flowroute.com'),"
    "('1','registration','none'),('1','authentication','none')",
)


ROUTED = "INSERT INTO outbound_route_patterns (route_id,match_pattern_prefix,match_pattern_pass,prepend_digits) VALUES "
RULED = "INSERT INTO trunk_dialpatterns (trunkid,match_pattern_prefix,match_pattern_pass,prepend_digits,seq) VALUES "
KEPT = "INSERT INTO `kvstore_Sipsettings` (`key`,`val`,`type`,`id`) VALUES "


def read(text: str, name: str = "asterisk.sql", **more: str) -> Inventory:
    """Read an uploaded dump together with other files; ``_`` in their argument names represents the dot."""
    uploads = [Upload(name, text.encode()), *(Upload(f"{key}.csv", one.encode()) for key, one in more.items())]
    return read_files(uploads, treated_as_public=PUBLIC, name="seattle")


def said(inventory: Inventory) -> list[tuple[int | None, str]]:
    """Return line and message of each problem."""
    return [(problem.line, problem.message) for problem in inventory.problems]


def values(inventory: Inventory, ending: str) -> list[Any]:
    """Return the values of facts whose key has this ending."""
    facts = inventory.frames["pbx_config"]
    return list(facts.loc[keys(facts).str.endswith(ending), "value"])


@pytest.mark.parametrize("folder", cases.folders("freepbx"), ids=lambda folder: folder.name)
def test_a_folder_gives_the_inventory_beside_it(folder: Path) -> None:
    """The inventory equals the expected PBX, configured addresses, numbers, facts with file and line, and pitfalls."""
    assert cases.expected(folder) == cases.told(cases.read(folder))


@pytest.mark.parametrize("folder", cases.folders("freepbx"), ids=lambda folder: folder.name)
def test_every_fact_stands_where_it_says(folder: Path) -> None:
    """The line of a fact contains its value or begins the object with it; for dial strings, the last part."""
    for row in cases.read(folder).frames["pbx_config"].to_dict("records"):
        lines = (folder.parent / row["file"]).read_text().splitlines()[row["line"] - 1 :]
        line = "\n".join(lines[:25]) if row["file"].endswith(".json") else lines[0]
        kind = key_of(row).rpartition(".")[2]
        if kind in ("host", "match", "external", "bind", "pattern", "x_tag"):
            assert row["value"] in line
        elif kind == "local_net":
            assert row["value"].partition("/")[0] in line
        elif kind == "registration":
            assert "send" in line or "register" in line
        elif key_of(row) == "secret_present":
            assert MADE_UP.search(line)
        elif kind == "dial":
            assert re.search("X|OUTNUM|12345678", line)


@pytest.mark.parametrize("folder", cases.folders("freepbx"), ids=lambda folder: folder.name)
def test_no_password_is_returned(folder: Path) -> None:
    """No row, problem or intermediate value contains a password."""
    secrets = {one for path in folder.rglob("*.*") for one in MADE_UP.findall(path.read_text())}
    inventory = cases.read(folder)
    everything = "".join(frame.to_csv() for frame in inventory.frames.values()) + repr(inventory)

    assert secrets or folder.name in ("twice", "no-prefix", "tagged")
    assert [] == [secret for secret in secrets if secret in everything]


@pytest.mark.parametrize(
    ("number", "rules", "expected"),
    [
        ("1NXXNXXXXXX", [("", "1NXXNXXXXXX", "12345678*")], ["12345678*1NXXNXXXXXX"]),
        ("NXXNXXXXXX", [("", "1NXXNXXXXXX", "12345678*")], ["NXXNXXXXXX"]),
        ("NXXNXXXXXX", [("", "NXXNXXXXXX", "12345678*1"), ("", ".", "9")], ["12345678*1NXXNXXXXXX"]),
        ("011.", [("011", ".", "12345678*")], ["12345678*."]),
        ("011X.", [("011", "X.", "12345678*")], ["12345678*X."]),
        ("91NXXNXXXXXX", [("9", "1NXXNXXXXXX", "p")], ["p1NXXNXXXXXX"]),
        ("X.", [("", "N11", "p")], ["pN11", "X."]),
        ("[2-9]11", [("", "N11", "p")], ["p[2-9]11"]),
        ("X11", [("", "N11", "p"), ("", "X11", "q")], ["pN11", "qX11"]),
        ("911", [("", "N11", "p")], ["p911"]),
        ("111", [("", "N11", "p")], ["111"]),
        ("N11", [("", "9!", "p")], ["p911", "N11"]),
        ("1!", [("", "1XX", "p")], ["p1XX", "1!"]),
        ("1", [("", "1.", "p")], ["1"]),
        ("", [("", "1", "p")], [""]),
        ("1", [("1", "", "p")], ["p"]),
    ],
)
def test_the_first_rule_that_fits_decides(number: str, rules: list[tuple[str, str, str]], expected: list[str]) -> None:
    """
    The first matching rule removes its prefix and prepends its own.

    A rule that matches some of the numbers gives both results.
    """
    assert [text for text, _ in through(number, [DialRule(*rule, HERE) for rule in rules])] == expected


@given(number=st.text("0123456789NXZ[]-.!*#", max_size=30), passed=st.text("019NXZ[]-.!", max_size=30))
def test_no_pattern_breaks_the_rules(number: str, passed: str) -> None:
    """For any pattern the result is text, at most once per rule."""
    assert 1 <= len(list(through(number, [DialRule("", passed, "p", HERE)]))) <= 2


def test_backup_equals_its_folder(tmp_path: Path) -> None:
    """A FreePBX archive gives the same inventory as its folder, named after the archive."""
    folder = cases.HERE / "freepbx" / "backup-17"
    packed = shutil.make_archive(str(tmp_path / "backup-17"), "gztar", folder)
    archive = read_files([Path(packed)], treated_as_public=PUBLIC)
    unpacked = cases.read(folder)

    assert archive.problems == unpacked.problems == []
    for name in READER_FRAMES:
        assert unpacked.frames[name].to_csv() == archive.frames[name].to_csv()


def backup(core: str, sipsettings: str = "{}") -> Inventory:
    """Read uploaded files of a backup."""
    files = {"modulejson/Core.json": core, "modulejson/Sipsettings.json": sipsettings}
    return read_files([Upload(*one) for one in zip(files, map(str.encode, files.values()), strict=True)], name="reno")


@pytest.mark.parametrize(
    ("core", "message"),
    [
        ('{"configs": {"Trunks": ', "line 1: " + golden("errors.freepbx.not_json")),
        ("", "line 1: " + golden("errors.freepbx.not_json")),
        ('{"configs":\n{"a" 1}}', "line 2: " + golden("errors.freepbx.not_json")),
        ("[" * 200_000, "line 1: " + golden("errors.freepbx.no_backup_json")),
        ('{"a":' * 200_000, "line 1: " + golden("errors.freepbx.no_backup_json")),
        ("1" * 10_000, "line 1: " + golden("errors.freepbx.no_backup_json")),
    ],
)
def test_damaged_backup_is_reported(core: str, message: str) -> None:
    """A truncated, empty, endlessly nested or oversized backup is reported without repeating its content."""
    found = backup(core)

    assert [message in str(problem) for problem in found.problems] == [True]


@pytest.mark.parametrize(
    "shape", ["1", "null", "[]", "{}", '""', "[[]]", '[{"a":[{}]}]', '{"trunks":[1,{"trunkid":[]}]}']
)
@pytest.mark.parametrize("part", ["configs", "Trunks", "Routing", "Did", "kvstore", "database", "techTables"])
def test_a_backup_of_another_shape_says_nothing(part: str, shape: str) -> None:
    """Unexpected types in place of a list or object give no rows."""
    text = f'{{"{part}": {shape}, "configs": {{"{part}": {shape}, "Trunks": {{"{part}": {shape}}}}}}}'

    assert backup(text, text).frames["pbx_config"].empty


FAULTS = [
    ("INSERT INTO `trunks` VALUES (1,'pjsip'", 1, golden("errors.freepbx.no_values")),
    ("INSERT INTO `trunks` VALUES (1,'pjsip','t", 1, golden("errors.freepbx.no_values")),
    ("INSERT INTO `trunks` VALUES (1,'pjsip');\n", 1, golden("errors.freepbx.two_values")),
    ("INSERT INTO `incoming` VALUES ('','12065550100');\n", 1, golden("errors.freepbx.columns_not_known")),
]


@pytest.mark.parametrize(("text", "line", "message"), FAULTS, ids=[fault[2] + str(i) for i, fault in enumerate(FAULTS)])
def test_what_cannot_be_read_is_said_at_its_line_and_the_rest_is_read(text: str, line: int, message: str) -> None:
    """Faults after good statements are reported, and everything before is kept."""
    found = read(GOOD + text)

    assert [(GOOD.count("\n") + line, True)] == [(number, message in words) for number, words in said(found)]
    assert values(found, ".host") == ["us-west-or.sip.flowroute.com"]


def test_statements_of_every_kind_are_read() -> None:
    """Rows on one or many lines, both quotes, escapes, NULL, binary and column lists in the statement are read."""
    text = dump(
        CREATED,
        "REPLACE INTO trunks VALUES\n(1,'pjsip','it''s \\'a\\' (x), \\\\'),\n  (2 , \"pjsip\" , \"b\"\"c\")",
        "INSERT IGNORE INTO `pjsip` (`data`,`id`,`keyword`,`flags`) VALUES "
        "(_binary 'us-west-or.sip.flowroute.com','1','sip_server',NULL),('none','1','registration',-1.5)",
        "insert into pjsip (id, keyword, data) values ('2','sip_server','us-east-va.sip.flowroute.com')",
    )
    found = read(text)
    facts = found.frames["pbx_config"]

    assert found.problems == []
    assert [key for key in keys(facts) if key.endswith(".host")] == [
        "trunk.it's 'a' (x), \\.host",
        'trunk.b"c.host',
    ]


def test_a_statement_inside_a_text_is_none() -> None:
    """Text in another table that resembles a statement is ignored."""
    note = "INSERT INTO `notes` VALUES (1,'\nINSERT INTO `trunks` VALUES (9,\\'pjsip\\',\\'hostile\\');\n');\n"
    found = read(GOOD + note)

    assert found.problems == []
    assert "hostile" not in found.frames["pbx_config"].to_csv()


def test_a_secret_on_the_same_line_is_another_rows() -> None:
    """In a dump with a table on one line, only the trunk's own password counts as its authentication."""
    text = dump(
        CREATED,
        "INSERT INTO `trunks` VALUES (1,'sip','t'),(2,'sip','u')",
        "INSERT INTO `sip` (`id`,`keyword`,`data`) VALUES ('100','secret','made-up'),('tr-peer-1','secret',''),"
        "('tr-peer-1','host','us-west-or.sip.flowroute.com'),('tr-peer-2','secret','made-up'),"
        "('tr-peer-2','host','us-east-va.sip.flowroute.com'),"
        "('tr-reg-2','register','12345678:made-up@us-east-va.sip.flowroute.com')",
    )
    found = read(text)

    assert values(found, ".auth") == ["ip", "credentials"]
    assert values(found, ".registration") == ["yes"]
    assert "made-up" not in found.frames["pbx_config"].to_csv() + repr(found)


def test_what_is_off_or_receives_dials_nowhere() -> None:
    """Disabled trunks, and trunks at which others register, are not trunks to the carrier."""
    text = GOOD.replace("'registration','none'", "'registration','receive'")

    assert values(read(text), ".host") == []
    disabled = GOOD.replace("  PRIMARY", "  `disabled` varchar(4),\n  PRIMARY").replace("'t')", "'t','on')")
    assert values(read(disabled), ".host") == []
    assert values(read(disabled.replace("'on'", "'off'")), ".host") == ["us-west-or.sip.flowroute.com"]


def test_the_files_that_freepbx_wrote_go_before_its_tables(tmp_path: Path) -> None:
    """The files written by FreePBX take precedence over the dump, which is reported; the PBX is read once."""
    folder = tmp_path / "freepbx"
    shutil.copytree(cases.HERE / "asterisk" / "freepbx", folder)
    (folder / "asterisk.sql").write_text(GOOD)
    found = read_files([folder], treated_as_public=PUBLIC)

    assert [str(one).partition(",")[0] for one in found.problems] == [golden("errors.freepbx.written_files_too")]
    assert found.frames["pbxs"]["vendor"].tolist() == ["Asterisk"]


def test_a_backup_with_the_files_that_run_is_read_once(tmp_path: Path) -> None:
    """A backup that also contains the running files in another folder gives the PBX once."""
    folder = tmp_path / "reno"
    shutil.copytree(cases.HERE / "freepbx" / "backup-17", folder)
    (folder / "files" / "etc" / "asterisk" / "extensions.conf").write_text("[from-pstn]\n")
    found = read_files([folder], treated_as_public=PUBLIC)

    assert ["Core.json" in str(one) or "Sipsettings.json" in str(one) for one in found.problems] == [True, True]
    assert found.frames["pbxs"]["vendor"].tolist() == ["Asterisk"]


def test_every_pbx_of_a_folder_is_read() -> None:
    """In a folder of backups, each PBX has its own name."""
    found = read_files([cases.HERE / "freepbx"], treated_as_public=PUBLIC)

    assert found.frames["pbxs"]["pbx_id"].tolist() == [folder.name for folder in cases.folders("freepbx")]


def test_tables_in_csv_files_need_their_names_and_columns(tmp_path: Path) -> None:
    """A CSV file of a table must have its columns, else it is another table; a row of another width is reported."""
    folder = tmp_path / "reno"
    folder.mkdir()
    (folder / "trunks.csv").write_text("trunkid,tech,channelid,name,dialoutprefix,disabled\n1,pjsip,t,t,,off\n2,x\n")
    (folder / "asterisk_pjsip.csv").write_text(
        "id;keyword;data\n1;sip_server;us-west-or.sip.flowroute.com\n1;registration;none\n"
    )
    (folder / "incoming.csv").write_text("what,else\n12065550100,x\n")
    (folder / "dids.csv").write_text('action,DID,description,destination\nadd,17755550100,Main,"ext-group,600,1"\n')
    found = read_files([folder], treated_as_public=PUBLIC)

    assert [str(one) for one in found.problems] == [
        "reno/trunks.csv, line 3: " + golden("errors.csv.cells_of_row", cells=2, header="6.")
    ]
    assert values(found, ".host") == ["us-west-or.sip.flowroute.com"]
    assert found.frames["pbx_numbers"]["number"].tolist() == ["17755550100"]


@pytest.mark.parametrize(
    "setting",
    [
        "('localnets','[[[','','')",
        "('localnets','{}','','')",
        "('localnets','[1,{\"net\":[]},null]','','')",
        "('binds','[]','','')",
        "('binds','{\"udp\":1,\"tcp\":{\"x\":\"off\"}}','','')",
        f"('binds','{'[' * 20_000}','','')",
        "('externip','','','')",
    ],
)
def test_settings_that_are_no_settings_say_nothing(setting: str) -> None:
    """Invalid JSON and JSON of another shape are ignored."""
    text = GOOD + dump(KEPT + setting)

    assert values(read(text), ".external") == values(read(text), ".bind") == []


def test_ten_megabytes_end() -> None:
    """Ten megabytes of one line, open quotes or endless rows give few messages, in time, and the trunk is found."""
    began = time.monotonic()
    long = read(GOOD + "INSERT INTO `trunks` VALUES (1,'" + "x" * 10_000_000)
    many = read(GOOD + "INSERT INTO `pjsip` (`id`,`keyword`,`data`) VALUES " + "('1','a','b'),\n" * 210_000)
    broken = read(GOOD + "INSERT INTO `trunks` VALUES ((((\n" * 100_000)

    for found in (long, many, broken):
        assert values(found, ".host") == ["us-west-or.sip.flowroute.com"]
        assert len(found.problems) <= 51
    assert any("more than 200,000 rows" in words for _, words in said(many))
    assert time.monotonic() - began < SLOW_S


def test_routes_and_rules_that_multiply_end() -> None:
    """Two thousand patterns and two thousand rules would be four million trials; reading ends in time."""
    patterns = ",".join(f"(1,'','{number}','')" for number in range(2_000))
    rules = ",".join(f"(1,'','X{number}','','{number}')" for number in range(2_000))
    text = GOOD + dump(
        "INSERT INTO outbound_route_trunks (route_id,trunk_id,seq) VALUES (1,1,0)",
        ROUTED + patterns,
        RULED + rules,
    )
    found = read(text)

    assert [golden("errors.pbx_config.too_many_routes") in words for _, words in said(found)] == [True]
    assert values(found, ".host") == ["us-west-or.sip.flowroute.com"]


@settings(max_examples=60, deadline=None)
@given(text=st.text("INSERTOVALUE trunks`'\"(),;\\\n10pjsip-", max_size=300))
def test_nothing_that_looks_like_sql_crashes(text: str) -> None:
    """Unrecognized SQL is skipped without affecting the rest."""
    found = read(f"{GOOD}{text}\n")

    assert "us-west-or.sip.flowroute.com" in values(found, ".host")
