"""
Update ``tests/texts.toml`` after a change of wording in the product.

A run of pytest collects the texts that tests expected and did not meet, with what the product gave instead. The closest
part of that replaces the expected text, if it is close, if its fields are found again, and if it is the same in every
test. All other texts are printed with the test that expected them.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher, unified_diff
from typing import Final

import pytest

from tests.texts import FIELD, TEXTS_FILE, all_texts, as_toml, given

CLOSE: Final = 0.6
"""The least similarity of a text with the one that replaces it, from 0 to 1."""
SPREAD: Final = 6
"""How many words a text may be longer or shorter than the one that replaces it."""
NOT_MATCHED: Final = re.compile(r"Expected regex: (?P<expected>.+?)\n\s*Actual message: (?P<said>.+)", re.DOTALL)


class Rewordings:
    """Plugin of pytest that collects what the product gave in place of expected texts."""

    def __init__(self) -> None:
        self.found: dict[str, set[str]] = defaultdict(set)
        self.open: list[str] = []
        self._compared: list[tuple[object, object]] = []

    def pytest_assertrepr_compare(self, left: object, right: object) -> None:
        """Keep both sides of a comparison that failed."""
        self._compared.append((left, right))

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
        for left, right in [*compared, *((right, left) for left, right in compared)]:
            for text in sorted(given, key=len):
                if any(text in each for each in left) and not any(text in each for each in right):
                    is_known = True
                    self._take(text, right, node.nodeid)
        if not is_known:
            self.open.append(f"{node.nodeid} failed, and compared no text of the file: see its output.")

    def _take(self, text: str, said: Sequence[str], place: str) -> None:
        """Keep the closest text that was given in place of one, with its fields, or name it as open."""
        key, values = given[text]
        new = closest(text, said)
        template = None if new is None else with_fields(new, text, values)
        if template is None or set(FIELD.findall(template)) != set(values):
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


def with_fields(new: str, old: str, values: Mapping[str, str]) -> str | None:
    """Return a new text with its fields in place of their values; ``None`` if they are not found as in the old one."""
    for name, value in sorted(values.items(), key=lambda each: -len(each[1])):
        if not value or new.count(value) != old.count(value):
            return None
        new = new.replace(value, f"{{{name}}}")
    return new


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
    """Run the tests that failed last, or those given, and update the file; return 1 if texts are left open."""
    plugin = Rewordings()
    pytest.main([*(paths or ["--last-failed", "--last-failed-no-failures=none"]), "-q"], plugins=[plugin])
    before = TEXTS_FILE.read_text(encoding="utf-8")
    after = as_toml(plugin.updated())
    TEXTS_FILE.write_text(after, encoding="utf-8")
    sys.stdout.writelines(unified_diff(before.splitlines(True), after.splitlines(True), "before", "after", n=0))
    sys.stdout.writelines(f"OPEN {each}\n" for each in plugin.open)
    if before != after:
        sys.stdout.write("Review the diff, and run the tests again: a test stops at the first text that it misses.\n")
    return int(bool(plugin.open))
