"""
Update ``tests/texts.toml`` after a change of wording in the product.

A run of pytest collects the texts that tests expected and did not meet, with what the product gave instead. The closest
part of that replaces the expected text, if it is close, has the same numbers and deciding words, and its fields in
their order, and is the same in every test. All other texts are printed with the test that expected them: the product
may be at fault.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher, unified_diff
from typing import Final

import pytest

from tests.texts import FIELD, TEXTS_FILE, all_texts, as_toml, given

CLOSE: Final = 0.6
"""The least similarity of a text with the one that replaces it, from 0 to 1."""
SPREAD: Final = 6
"""How many words a text may be longer or shorter than the one that replaces it."""
DECIDES: Final = re.compile(
    r"\d+|\b(?:no|not|none|never|nothing|nobody|cannot|without|only|every|all|ok|on|off)\b|n't\b", re.IGNORECASE
)
"""Numbers, and words that negate or limit a statement: a new wording has the same ones."""
NOT_MATCHED: Final = re.compile(r"Expected regex: (?P<expected>.+?)\n\s*Actual message: (?P<said>.+)", re.DOTALL)


class Rewordings:
    """Plugin of pytest that collects what the product gave in place of expected texts."""

    def __init__(self) -> None:
        self.found: dict[str, set[str]] = defaultdict(set)
        self.open: list[str] = []
        self._compared: list[tuple[object, object]] = []

    def pytest_runtest_setup(self) -> None:
        """Discard the comparisons of earlier tests."""
        self._compared.clear()

    def pytest_assertrepr_compare(self, op: str, left: object, right: object) -> None:
        """Keep what a comparison that failed expected, with what it got; either side of an equality can be that."""
        if op == "in":
            self._compared.append((left, right))
        elif op not in {"not in", "!="}:
            self._compared += [(left, right), (right, left)]

    def pytest_exception_interact(self, node: pytest.Item, call: pytest.CallInfo[object]) -> None:
        """Take the texts that the test expected, and what it got in their place."""
        compared = [(list(_strings(left)), list(_strings(right))) for left, right in self._compared]
        self._compared.clear()
        message = str(call.excinfo.value) if call.excinfo else ""
        if not_matched := NOT_MATCHED.search(message):
            compared.append(
                ([re.sub(r"\\(\W)", r"\1", _literal(not_matched["expected"]))], [_literal(not_matched["said"])])
            )
        is_known = False
        for expected, got in compared:
            for text in sorted(given, key=len):
                if any(text in each for each in expected) and not any(text in each for each in got):
                    is_known = True
                    self.take(text, got, node.nodeid)
        if not is_known:
            self.open.append(f"{node.nodeid} failed, and compared no text of the file: see its output.")

    def take(self, text: str, said: Sequence[str], place: str) -> None:
        """Keep the closest text that was given in place of one, with its fields, or name it as open."""
        if len(given[text]) > 1:
            self.open.append(f"{text!r} is the text of {sorted(given[text])}, expected in {place}. Choose one.")
            return
        ((key, values),) = given[text].items()
        new = closest(text, said)
        template = None if new is None else with_fields(new, text, values)
        if template is None or not is_same_statement(template, all_texts()[key]):
            self.open.append(f"{key}: {text!r}, expected in {place}. Closest: {new!r}")
        else:
            self.found[key].add(template)

    def updated(self) -> dict[str, str]:
        """Return all texts with the new ones; keys with several new texts, or with another key's, are open."""
        texts = dict(all_texts())
        for key, found in sorted(self.found.items()):
            others = {text for other, text in texts.items() if other != key}
            if len(found) > 1 or found & others:
                self.open.append(f"{key}: {texts[key]!r} would become {sorted(found)!r}. Choose, or split the key.")
            else:
                (texts[key],) = found
        return texts


def closest(text: str, said: Iterable[str]) -> str | None:
    """Return the run of words in given texts that is most similar to a text; ``None`` if none is close."""
    length = len(text.split())
    best, most = None, CLOSE
    for whole in said:
        words = [found.span() for found in re.finditer(r"\S+", whole)]
        for first, (start, _) in enumerate(words):
            for _, end in words[max(first, first + length - SPREAD) : first + length + SPREAD]:
                part = whole[start:end] if text.endswith(".") else whole[start:end].rstrip(".")
                similar = SequenceMatcher(None, text, part, autojunk=False)
                if similar.real_quick_ratio() > most and similar.quick_ratio() > most and similar.ratio() > most:
                    best, most = part, similar.ratio()
    return best


def is_same_statement(new: str, old: str) -> bool:
    """Return whether two texts have the same fields in the same order, and the same numbers and deciding words."""
    facts = [Counter(each.lower() for each in DECIDES.findall(text)) for text in (new, old)]
    return FIELD.findall(new) == FIELD.findall(old) and facts[0] == facts[1]


def with_fields(new: str, old: str, values: Mapping[str, str]) -> str | None:
    """Return a new text with its fields in place of their values; ``None`` if they are not found as in the old one."""
    if not values:
        return new
    names = {value: name for name, value in values.items()}
    if "" in names or len(names) < len(values):
        return None
    longest_first = sorted(names, key=len, reverse=True)
    any_value = re.compile("|".join(rf"(?<![\w.,]){re.escape(each)}(?!\w|[.,]\d)" for each in longest_first))
    if any_value.findall(new) != any_value.findall(old):
        return None
    return any_value.sub(lambda found: f"{{{names[found[0]]}}}", new)


def _strings(value: object) -> Iterator[str]:
    """Yield the strings in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from (each for item in value.items() for each in _strings(item))
    elif isinstance(value, list | tuple | set | frozenset):
        yield from (each for item in value for each in _strings(item))


def _literal(text: str) -> str:
    """Return the string that a literal in a message stands for."""
    try:
        return str(ast.literal_eval(text.strip()))
    except (SyntaxError, ValueError):
        return text.strip()


def main(paths: Sequence[str]) -> int:
    """Run the tests that failed last, or those given, and update the file; return 1 if texts are open or none ran."""
    plugin = Rewordings()
    chosen = paths or ["--last-failed", "--last-failed-no-failures=none"]
    status = pytest.main([*chosen, "-q", "-n0"], plugins=[plugin])
    if status not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
        sys.stdout.write("No test ran to its end, so the file stays as it is. Name the tests: make texts TESTS=PATH\n")
        return 1
    before = TEXTS_FILE.read_text(encoding="utf-8")
    after = as_toml(plugin.updated())
    TEXTS_FILE.write_text(after, encoding="utf-8")
    sys.stdout.writelines(unified_diff(before.splitlines(True), after.splitlines(True), "before", "after", n=0))
    sys.stdout.writelines(f"OPEN {each}\n" for each in plugin.open)
    if before != after:
        sys.stdout.write("Review the diff, and run the tests again: a test stops at the first text that it misses.\n")
    return int(bool(plugin.open))
