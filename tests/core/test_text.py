"""Control and invisible characters in external text: never on a terminal, never on a page."""

from __future__ import annotations

import re
import sys
import unicodedata

import pytest

from dashboard import schemas
from dashboard.core import errors
from dashboard.core.text import MARK, UNSAFE, one_line, visible
from dashboard.web.components import formatting

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
    assert len(one_line("x" * 1000)) == 200


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
