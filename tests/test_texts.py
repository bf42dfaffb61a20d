"""Tests name the key of a text of the product; ``tests/texts.toml`` has each text once."""

from __future__ import annotations

import ast
import json
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from tests.rewordings import Rewordings
from tests.sentences import sentences, text_of
from tests.syntax import SOURCE, tree_of
from tests.texts import FIELD, TEXTS_FILE, all_texts, as_toml, golden, golden_pattern

pytestmark = SOURCE

FOLDER = Path(__file__).parent
MODULES = {path.relative_to(FOLDER).as_posix(): path for path in sorted(FOLDER.rglob("*.py"))}
NOT_TEXTS = {
    "bench/test_bench.py": "tables of the benchmarks, which are not of the product",
    "test_counts.py": "the reasons of its own exceptions",
    "test_texts.py": "the reasons of its own exceptions",
    "web/test_hostile_messages.py": "input, and the same escaped",
}
"""Modules whose sentences are no texts of the product."""
OTHERS = {
    "The carrier cannot be reached.": "input",
    "The carrier refused the key.": "input",
    "The disk was full.": "input",
    "read timed out {}": "input",
    "St-Paul and St. Paul": "names of PBXs in the input",
    "UNITED STATES - TOLL FREE": "the carrier's name of a destination",
    "AC-2(3) AC-3 AC-4 AC-6 AU-6 CA-7": "identifiers of controls",
    "Two rows were kept.": "output of a command of the test",
    "trunkgate: One row is wrong.": "output of a command of the test",
    "journal list --format json": "arguments of a command",
    "trunk.it's 'a' (x), \\.host": "the key of a fact",
    "unexpected end of data": "a message of the standard library",
    "^No module named 'dashboard\\.nowhere'$": "a message of the standard library",
    "datum.value == 'lost' ? 'Refused for authorization'": "an expression of Vega",
}
"""Sentences that are no texts of the product, each with its reason."""
CODE = ("import sys; ", "labels decided since until ")
"""How code and lists of fields begin that look like sentences."""


def used_keys() -> dict[str, list[tuple[str, set[str]]]]:
    """Return every key that tests name, with the place and the fields of each use."""
    used: dict[str, list[tuple[str, set[str]]]] = defaultdict(list)
    for name, path in MODULES.items():
        for node in ast.walk(tree_of(path)):
            if not isinstance(node, ast.Call) or ast.unparse(node.func) not in {"golden", "golden_pattern"}:
                continue
            place = f"{name}:{node.lineno}"
            key = node.args[0]
            if name not in {"test_texts.py", "texts.py"}:
                assert isinstance(key, ast.Constant), f"{place}: the key is not a literal"
                used[str(key.value)].append((place, {str(each.arg) for each in node.keywords}))
    return used


def test_no_test_expects_a_sentence_literal() -> None:
    """A sentence that a test expects is in the file of texts, so that a change of wording is made in one place."""
    found = [
        f"{name}:{each.node.lineno}: {text}"
        for name, path in MODULES.items()
        if name not in NOT_TEXTS
        for each in sentences(tree_of(path))
        if (text := str(text_of(each.node))).strip() not in OTHERS and not text.startswith(CODE)
    ]

    assert [] == found, "Add these texts to tests/texts.toml, and name their keys with golden() or golden_pattern()."


def test_used_keys_and_fields_are_in_the_file() -> None:
    """Each use names a key of the file, with the fields of its text."""
    fields = {key: set(FIELD.findall(text)) for key, text in all_texts().items()}
    wrong = [
        f"{place}: {key} with the fields {sorted(given)}"
        for key, uses in used_keys().items()
        for place, given in uses
        if fields.get(key) != given
    ]

    assert [] == wrong


def test_every_key_is_used() -> None:
    """The file has no text that no test expects."""
    assert set() == set(all_texts()) - set(used_keys())


def test_no_two_keys_have_the_same_text() -> None:
    """A text has one key, whatever the number of tests that expect it."""
    assert [] == [text for text, number in Counter(all_texts().values()).items() if number > 1]


def test_file_is_sorted() -> None:
    """The file is as ``make texts`` writes it: sorted by table, then by name."""
    assert as_toml(all_texts()) == TEXTS_FILE.read_text(encoding="utf-8")


def test_texts_expected_to_be_absent_are_expected_elsewhere() -> None:
    """A text that a test expects to be absent is part of one that a test expects; else rewording disables the test."""
    expected: set[str] = set()
    absent: set[str] = set()
    for path in MODULES.values():
        negated = {
            id(part)
            for node in ast.walk(tree_of(path))
            if isinstance(node, ast.Compare) and all(isinstance(op, ast.NotIn | ast.NotEq) for op in node.ops)
            for part in ast.walk(node)
        }
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {"golden", "golden_pattern"}:
                names = {str(each.value) for each in node.args if isinstance(each, ast.Constant)}
                (absent if id(node) in negated else expected).update(names)
    texts = all_texts()
    whole = [texts[key] for key in expected & set(texts)]

    assert [] == [key for key in sorted(absent - expected) if not any(texts[key] in each for each in whole)]


@pytest.mark.parametrize(
    ("key", "fields", "said"),
    [
        ("checks.listed.is_not_on_the_list", {}, "Denver is on the list; all is well"),
        ("checks.admitted_all_imported", {}, "59 calls were admitted in the last 24 h (only in imported files)"),
        (
            "pages.what_if.entry_is_there",
            {"row": 4, "address": "192.0.2.7", "other": 2},
            "Row 2: 192.0.2.7 is on the list already, in row 4. Delete one of the two.",
        ),
    ],
    ids=["negation", "count", "exchanged fields"],
)
def test_another_statement_is_no_new_wording(key: str, fields: dict[str, object], said: str) -> None:
    """A lost negation, another count and exchanged fields can be faults of the product: the text stays as it is."""
    found = Rewordings()
    found.take(golden(key, **fields), [said], "a test")

    assert ({}, 1) == (dict(found.found), len(found.open))


def test_new_wording_of_the_same_statement_is_taken() -> None:
    """Its fields stand in the place of their values."""
    found = Rewordings()
    found.take(
        golden("pages.what_if.entry_is_there", row=4, address="192.0.2.7", other=2),
        ["Row 4: 192.0.2.7 stands on the list already, in row 2. Delete one of them."],
        "a test",
    )

    assert [{"Row {row}: {address} stands on the list already, in row {other}. Delete one of them."}] == [
        *found.found.values()
    ]
    assert [] == found.open


def test_golden_fills_in_the_fields() -> None:
    """A text has its fields filled in; a pattern matches them literally."""
    key = "checks.listed.on_the_list"

    assert all_texts()[key] == golden(key, pbx="{pbx}", address="{address}")
    assert golden_pattern(key, pbx="a.b", address=1).startswith(r"a\.b\ \(1\)")


@pytest.mark.parametrize(
    ("key", "fields", "error"),
    [
        ("checks.listed.no_such_key", {}, KeyError),
        ("checks.listed.on_the_list", {"pbx": "Denver"}, TypeError),
        ("checks.listed.on_the_list", {"pbx": "Denver", "address": "", "more": ""}, TypeError),
    ],
)
def test_golden_refuses_unknown_key_and_other_fields(key: str, fields: dict[str, str], error: type[Exception]) -> None:
    """An unknown key, and a missing or unused field, is an error that names the key."""
    with pytest.raises(error, match=key):
        golden(key, **fields)


SENTENCE = json.dumps("Two of the rows were kept")
WORDS = json.dumps("Two rows kept")
PARAMETRIZED = """
CASES = [({0}, {0}), ({0}, {0})]
@pytest.mark.parametrize(("sent", "said"), CASES)
def test(sent, said):
    assert said in read(sent)
"""
TABLE = """
CASES = {{{0}: (read, {0})}}
def test(case):
    run, said = CASES[case]
    assert said in run()
"""
FIELDS = """
class Case:
    name: str
    says: str
assert Case({0}, says={0}).says in read()
"""
HELPER = """
def holds(sent, said):
    assert said in read(sent)
holds({0}, {0})
"""


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("assert {0} in said", 1),
        ("assert {1} in said", 0),
        ("assert said.startswith({0})", 1),
        ("assert read({0}) == 1", 0),
        ("assert said, {0}", 0),
        ("until(lambda: {0} in said())", 1),
        ("assert f'Row {{row}} is wrong' in said", 1),
        ("assert any(each in said for each in ({0}, {1}))", 1),
        ("assert AllowAddress(purpose={0}) == change", 1),
        ("assert golden('a.b', row={0}) == said", 1),
        ("SAID = {0}\nassert SAID in said", 1),
        ("SAID = {0}\nassert f'{{SAID}} and more' in said", 1),
        ("SENT = {0}\nassert read(SENT)", 0),
        ("with pytest.raises(ValueError, match={0}):\n    read()", 1),
        ("assert re.search(r'^a \\d+ and .* b (c d)$', said)", 0),
        ("expect(page.get_by_text({0})).to_be_visible()", 1),
        ("page.get_by_text({0}).click()", 0),
        (PARAMETRIZED, 2),
        (TABLE, 1),
        (FIELDS, 1),
        (HELPER, 1),
    ],
)
def test_sentences_are_found_where_they_are_expected(source: str, expected: int) -> None:
    """A sentence is found in conditions and in what they use, and not in the input of what is tested."""
    assert expected == len(sentences(ast.parse(source.format(SENTENCE, WORDS))))
