"""Control and invisible characters in external text: never on a terminal, never on a page."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Callable

import pytest

from dashboard import schemas
from dashboard.core import errors
from dashboard.core.text import (
    MARK,
    UNSAFE,
    csv_cell,
    escaped,
    first_of,
    html_text,
    is_formula,
    join,
    one_line,
    quoted,
    shortened,
    visible,
)
from dashboard.web.components import formatting
from tests.texts import golden

HARMLESS = {"\t", "\n", "\u200c", "\u200d"}
"""Layout characters, and the joiners that names in several scripts need."""


def test_every_control_and_every_mark_of_direction_is_replaced() -> None:
    """C0 and C1 controls, line separators and direction marks are replaced, by Unicode's own tables."""
    turning = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    for character in map(chr, range(sys.maxunicode + 1)):
        unseen = (
            unicodedata.category(character) in {"Cc", "Zl", "Zp"} or unicodedata.bidirectional(character) in turning
        )
        if unseen and character not in HARMLESS:
            assert visible(f"a{character}b") == f"a{MARK}b", hex(ord(character))


@pytest.mark.parametrize("text", ["Zürich", "北京", "مكتب", "क्‍ष", "👩‍💻", "a\tb\nc", "$1.00 (50 %)", ""])
def test_text_in_any_script_is_unchanged(text: str) -> None:
    """Text in any script, including its joiners, does not change."""
    assert visible(text) == text


@pytest.mark.parametrize("text", ["a", "`", "``", "a`b", "`[x](http://evil.example)", "a``b`", "a\n\n# b", "*#!|<b>\\"])
def test_code_span_follows_commonmark(text: str) -> None:
    """Code spans follow CommonMark: a closing run of equal length, and one space stripped on both sides."""
    said = formatting.mono(text)
    found = re.fullmatch(r"(`+)(?!`)(.*?)(?<!`)\1(?!`)", said)

    assert found
    assert " ".join(text.split()) == re.sub(r"^ (.*) $", r"\1", found[2])
    assert "" == formatting.mono("")


@pytest.mark.parametrize("text", ["a\n===", "a\n---", "a\n=", "a\n  ==  ", "---", "a\n# b", "a\n- b", "a\n1. b"])
def test_a_line_of_a_text_makes_no_heading_and_no_list(text: str) -> None:
    """Markdown syntax at line starts is escaped, including underlines that make the line above a heading."""
    last = formatting.plain(text).splitlines()[-1]

    assert re.match(r"\s*\\[=#-]|1\\\.", last), last
    assert text == formatting.plain(text).replace("\\", "")


def test_a_name_is_one_short_line() -> None:
    """Invisible characters of a name are removed, not replaced by a mark."""
    assert one_line(" a\u202e\x1b\n b\t\u200b ") == "a b"
    assert one_line("bad\x00 key\r\n\u2028next") == "bad key next"
    assert one_line("a\u202eb\x1bc\nd", mark=MARK) == f"a{MARK}b{MARK}c d"
    assert len(one_line("x" * 1000)) == 200
    assert one_line("x" * 1000, None) == "x" * 1000


@pytest.mark.parametrize("show", [visible, one_line, html_text, csv_cell, formatting.plain, formatting.mono])
def test_bytes_of_a_file_name_that_are_no_text_can_be_written(show: Callable[[str], str]) -> None:
    """A lone surrogate, as Python decodes an invalid byte of a file name, reaches no output: none can encode it."""
    assert show("t\udcff.csv").encode()


@pytest.mark.parametrize(
    ("text", "most", "at_middle", "expected"),
    [
        ("abcdef", 6, False, "abcdef"),
        ("abcdef", 5, False, "abcd…"),
        ("abc def", 5, False, "abc…"),
        ("abcdef", 5, True, "ab…ef"),
        ("", 5, False, ""),
    ],
)
def test_shortened_text_shows_what_is_cut(text: str, most: int, at_middle: bool, expected: str) -> None:
    """Text longer than the limit has an ellipsis in place of what is cut, and is not longer than the limit."""
    assert expected == shortened(text, most, at_middle=at_middle)


def test_invalid_values_are_shortened_and_escaped() -> None:
    """A value in an error message shows its unprintable characters as escapes and is not endless."""
    assert r"'a\x1b[31m\u202eb'" == quoted("a\x1b[31m\u202eb")
    assert "'aaaaaaa…'" == quoted("a" * 100, 8)
    assert "[0, 1, 2…" == quoted(list(range(100)), 9)
    assert r"a\x1b[31m\u202eb" == escaped("a\x1b[31m\u202eb", 60)
    assert r"\x1b\x1…" == escaped("\x1b" * 100, 8)


def test_html_and_spreadsheet_cells_are_escaped() -> None:
    """HTML has no markup of a text, and a cell of a spreadsheet is no formula."""
    assert f"&lt;b&gt; &amp; &quot;x&#x27;{MARK}" == html_text("<b> & \"x'\x1b")
    assert ["'=1+1", "'+1", "'\uff1d1", "1", f"{MARK}a"] == [
        csv_cell(text) for text in ("=1+1", "+1", "\uff1d1", "1", "\x1ba")
    ]
    assert [True, True, False, False, True, True] == [
        is_formula(text) for text in ("=1", " @a", "+1 206-555-0100", "-", "+1+1", "\ta")
    ]


def test_lists_state_what_they_leave_out() -> None:
    """An enumeration has a word before its last name, and the number of names that it omits."""
    assert ["", "a", "a and b", golden("texts.lists.three")] == [join("abc"[:count]) for count in range(4)]
    assert golden("texts.lists.with_more") == join(["a", "b", "c", *"x" * 1234])
    assert golden("texts.lists.either") == join("abcd", None, last="or")
    assert ["", "a; b", "a; b; 1 more"] == [first_of(texts, 2, separator="; ") for texts in ("", "ab", "abc")]


def test_external_text_outlets_contain_no_unsafe_character() -> None:
    """Errors, frames and page sentences, the three outlets of external text, contain no such character."""
    hostile = "a\u202eb\x1b[31mc\x9bd"
    frame = schemas.conform(
        schemas.empty(schemas.PBX_NUMBERS).reindex([0]).assign(pbx_id=hostile, number=hostile),
        schemas.PBX_NUMBERS,
        source="x",
    )
    classes = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, Exception)]

    assert len(classes) > 20
    for each in classes:
        more = {"file": hostile, "column": hostile} if issubclass(each, errors.FileError) else {}
        assert not UNSAFE.search(str(each(hostile, **more)))
    assert not UNSAFE.search("".join(frame.iloc[0].astype(str)))
    assert not UNSAFE.search(formatting.plain(hostile).replace("\u2060", ""))
