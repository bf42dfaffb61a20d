"""
Texts of the product for users, as tests expect them: ``tests/texts.toml`` has each of them once, under its key.

``python -m tests.texts`` (``make texts``) updates the file after a change of wording.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

TEXTS_FILE: Final = Path(__file__).with_name("texts.toml")
FIELD: Final = re.compile(r"\{([a-z][a-z0-9_]*)\}")
given: dict[str, dict[str, dict[str, str]]] = {}
"""Each text that was asked for, with the values of its fields by key; several keys can be filled in to one text."""


@cache
def all_texts() -> dict[str, str]:
    """Return every text by its key, ``table.name``."""
    return _flat(tomllib.loads(TEXTS_FILE.read_text(encoding="utf-8")), "")


def golden(key: str, /, **fields: object) -> str:
    """
    Return the text of a key, with its fields filled in.

    Raises ``KeyError`` for a key that is not in the file, and ``TypeError`` for a missing or an unused field.
    """
    texts = all_texts()
    if key not in texts:
        raise KeyError(f"{key} is not in {TEXTS_FILE.name}. Add the text there, or use the key of another text.")
    text = texts[key]
    names = set(FIELD.findall(text))
    if names != set(fields):
        raise TypeError(
            f"{key} was given {sorted(fields)}, and its text in {TEXTS_FILE.name} has {sorted(names)}: {text!r}. "
            "Give each field of the text, and no other."
        )
    values = {name: str(value) for name, value in fields.items()}
    filled = FIELD.sub(lambda found: values[found[1]], text)
    given.setdefault(filled, {})[key] = values
    return filled


def golden_pattern(key: str, /, **fields: object) -> str:
    """Return a regular expression for the text of a key. The values of its fields stand for themselves too."""
    return re.escape(golden(key, **fields))


def as_toml(texts: Mapping[str, str]) -> str:
    """Return texts by key as the file has them: sorted by table, then by name."""
    tables: dict[str, dict[str, str]] = {}
    for key, text in texts.items():
        table, _, name = key.rpartition(".")
        tables.setdefault(table, {})[name] = text
    lines = ["# Texts of the product for users, as tests expect them. Tests name their keys: see tests/texts.py."]
    for table in sorted(tables):
        lines += ["", f"[{table}]"]
        lines += [f"{name} = {json.dumps(text, ensure_ascii=False)}" for name, text in sorted(tables[table].items())]
    return "\n".join(lines) + "\n"


def _flat(table: Mapping[str, object], prefix: str) -> dict[str, str]:
    """Return the texts of a table and of the tables in it, by key."""
    found: dict[str, str] = {}
    for name, value in table.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = str(value)
    return found


if __name__ == "__main__":
    import sys

    from tests.rewordings import main

    sys.exit(main(sys.argv[1:]))
