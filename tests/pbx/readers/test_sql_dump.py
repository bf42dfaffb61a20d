"""SQL dumps: rows of the requested tables with columns and line; faulty statements do not affect others."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.pbx.readers.sql_dump import rows, tables_in
from tests.texts import golden
from tests.waiting import SLOW_S

AFTER = "INSERT INTO t VALUES (7);"


def told(text: str, columns: str = "") -> list[tuple[str, str, int]]:
    """Return columns, cells and line of every row of table t, which has the default columns ``columns``."""
    return [(",".join(row.columns), "|".join(row.cells), row.line) for row in rows(text, {"t": columns.split()})]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CREATE TABLE t (a int, b text);INSERT INTO t VALUES (1,NULL);", [("a,b", "1|", 1)]),
        (
            (
                "CREATE TABLE IF NOT EXISTS `s`.`t` (\n  `a` enum('x','(') DEFAULT ',',\n  `key` text,\n"
                "  KEY `b` (`a`,`key`)\n);\n"
                "insert into s.t values ('it''s','\\'\\n');"
            ),
            [("a,key", "it's|'\n", 6)],
        ),
        (
            'REPLACE INTO "t" ("A", b) VALUES\n(\'x\', "say ""x"""),\n(\'""\',-1.5);',
            [("a,b", 'x|say "x"', 2), ("a,b", '""|-1.5', 3)],
        ),
        ("COPY public.t (a, b) FROM stdin;\r\n1\t\\N\r\n2\tx y\r\n\\.\r\n", [("a,b", "1|", 2), ("a,b", "2|x y", 3)]),
        ("-- INSERT INTO t VALUES (1,2);\n", []),
        (f"INSERT INTO u VALUES (1,'\n{AFTER}\n'),(2,'x');\n{AFTER}", [("own", "7", 4)]),  # noqa: S608 - test input
        (f"COPY u (a) FROM stdin;\n{AFTER}\n\\.\n{AFTER}", [("own", "7", 4)]),
    ],
)
def test_a_dump_of_any_kind_is_read(text, expected):
    """One or many lines, both quotes and escapes are read; other tables and their texts are skipped."""
    assert expected == told(text, "own")


def test_a_row_that_is_cut_is_said():
    """A truncated row is reported and ends its statement; the next statement is read."""
    text = "INSERT INTO t VALUES (1),(2,3),('4\nINSERT INTO u VALUES (1);\nINSERT INTO t VALUES (5);"
    found = list(rows(text, {"t": ("a",)}))

    assert [("1",), ("2", "3"), (), ("5",)] == [tuple(row.cells) for row in found]
    assert [False, True, True, False] == [bool(row.fault) for row in found]
    assert found[1].fault.startswith(golden("errors.freepbx.row_cannot_be_read"))


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TABLE t (\n" * 300_000,
        "CREATE TABLE t (" + "(" * 5_000_000,
        "INSERT INTO t VALUES ('\n" * 200_000,
        "INSERT INTO t (a\n" * 300_000,
        "INSERT INTO " + "t" * 5_000_000,
        "INSERT INTO u VALUES " + "(1,'x''\\'',NULL),\n" * 250_000,
        "COPY u (a) FROM stdin;\n" + "x\ty\n" * 1_000_000,
    ],
    ids=["creates", "brackets", "quotes", "columns", "name", "others", "copied"],
)
def test_five_megabytes_end(text):
    """Five megabytes of input that is opened and never closed are read in time."""
    began = time.monotonic()
    for _ in rows(text, {"t": ()}):
        pass
    tables_in(text)

    assert time.monotonic() - began < SLOW_S


@settings(max_examples=200, deadline=None)
@given(text=st.text("INSERTOVALUESCRAT t;\\\n1.,)", max_size=200))
def test_a_statement_behind_any_text_is_read(text):
    """A statement after any text that opens nothing is read."""
    found = [row.cells for row in rows(f"{text}\n{AFTER}", {"t": ()})]

    assert ["7"] == found[-1]
