"""
Database dumps from ``mysqldump``, SQLite and ``pg_dump``: table rows, each with its line.

A parser of our own, because SQL parsers support neither COPY rows nor line numbers, and lose everything to one
truncated row.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dashboard.core.text import counted

LONGEST_CREATE = 64 * 1024
_STATEMENT = re.compile(
    r"(?:^|;)[ \t]*(?:(?P<create>CREATE)\s+TABLE(?:\s+IF\s+NOT\s+EXISTS)?|(?P<copy>COPY)"
    r"|(?:INSERT|REPLACE)(?:\s+IGNORE)?\s+INTO)\s+(?:[`\"]?\w+[`\"]?\.)?[`\"]?(?P<table>\w+)[`\"]?\s*"
    r"(?:\((?P<columns>[^()]*)\)\s*)?(?(create)\(|(?(copy)FROM\s+stdin;\r?\n|VALUES))",
    re.IGNORECASE | re.MULTILINE,
)
_SINGLE = r"(?:[^'\\]++|\\.|'')*+"
_DOUBLE = r"(?:[^\"\\]++|\\.|\"\")*+"
_PLAIN = r"[\w.+-]++"
_OPENED = re.compile(r"\s*\(")
_FOLLOWS = re.compile(r"\s*,")
_VALUE = re.compile(
    rf"\s*(?:_binary\s+)?(?:'(?P<single>{_SINGLE})'|\"(?P<double>{_DOUBLE})\"|(?P<plain>{_PLAIN}))\s*(?P<end>[,)])",
    re.DOTALL,
)
_ONE = rf"\s*+(?:_binary\s++)?+(?:'{_SINGLE}'|\"{_DOUBLE}\"|{_PLAIN})\s*+"
_INSERTED = re.compile(rf"(?:\s*+\((?:{_ONE},)*+{_ONE}\)\s*+,?+)*+(?:\s*+\((?:{_ONE},)*+)?+", re.DOTALL)
"""All rows of an INSERT in the syntax of ``_inserted``, to skip them at once."""
_COPIED = re.compile(r"(?:(?!\\\.)[^\n]*+\n)*+")
_SIGNS = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "Z": "\x1a"}
_PIECE = re.compile(rf"'{_SINGLE}'|\"{_DOUBLE}\"|[^'\"(),;]++|.", re.DOTALL)
_NAME = re.compile(r"\s*(?:[`\"](?P<quoted>\w+)[`\"]|(?P<plain>\w+))")
_KEYS = frozenset({"KEY", "PRIMARY", "UNIQUE", "INDEX", "CONSTRAINT", "FULLTEXT", "FOREIGN", "CHECK"})


@dataclass(frozen=True)
class DumpRow:
    """A table row, with NULL as an empty string."""

    table: str
    """Table name in lower case, without its schema."""
    columns: Sequence[str]
    """Column names in lower case; empty if unknown."""
    cells: Sequence[str]
    """Values; empty if the row cannot be parsed."""
    line: int

    @property
    def fault(self) -> str:
        """A sentence that states why the row is unusable; ``""`` if it is usable."""
        if len(self.cells) == len(self.columns):
            return ""
        reason = f"it has {counted(len(self.cells), 'value')} and the table {len(self.columns)}"
        return f"The row of {self.table} cannot be read: {reason}. Dump it again; it may be cut."


def tables_in(text: str) -> set[str]:
    """Return the names of tables found in a dump."""
    return {match["table"].lower() for match in _STATEMENT.finditer(text)}


def rows(text: str, tables: Mapping[str, Sequence[str]]) -> Iterator[DumpRow]:
    """
    Yield the rows of a dump; the part of a statement after an unreadable row is skipped.

    Args:
        text: The dump.
        tables: The requested tables, with the columns to use if the dump names none.
    """
    columns_of_table = dict(tables)
    at = counted_to = 0
    line = 1
    while statement := _STATEMENT.search(text, at):
        table = statement["table"].lower()
        at = statement.end()
        if statement["create"]:
            columns_of_table[table], at = _created(text, at)
        elif table in tables:
            column_names = [name.strip(' `"\n\r\t').lower() for name in (statement["columns"] or "").split(",")]
            columns = column_names if statement["columns"] else columns_of_table[table]
            for cells, begin, end in (_copied if statement["copy"] else _inserted)(text, at):
                line = line + text.count("\n", counted_to, begin)
                counted_to = begin
                at = end
                yield DumpRow(table, columns, cells, line)
        elif past := (_COPIED if statement["copy"] else _INSERTED).match(text, at):
            at = past.end()


def _created(text: str, at: int) -> tuple[list[str], int]:
    """Return the columns of a CREATE TABLE from inside its parentheses, and its end position."""
    starts = [at]
    depth = 0
    end = at
    for match in _PIECE.finditer(text, at, at + LONGEST_CREATE):
        piece = match[0]
        end = match.end()
        depth += (piece == "(") - (piece == ")")
        if depth < 0 or piece == ";":
            break
        if piece == "," and not depth:
            starts.append(end)
    names = [(name["quoted"], name["plain"]) for start in starts if (name := _NAME.match(text, start, end))]
    return [(quoted or plain).lower() for quoted, plain in names if quoted or plain.upper() not in _KEYS], end


def _inserted(text: str, at: int) -> Iterator[tuple[list[str], int, int]]:
    """Yield the rows after VALUES with their start and end positions; the last row may be truncated."""
    while opening := _OPENED.match(text, at):
        begin = opening.end() - 1
        at = opening.end()
        cells = []
        end = ""
        while end != ")" and (value := _VALUE.match(text, at)):
            cells.append(_text(value))
            at = value.end()
            end = value["end"]
        yield (cells if end == ")" else []), begin, at
        follows = _FOLLOWS.match(text, at)
        if end != ")" or not follows:
            return
        at = follows.end()


def _text(value: re.Match[str]) -> str:
    if value["plain"] is not None:
        return "" if value["plain"].upper() == "NULL" else str(value["plain"])
    quote, inner = ("'", value["single"]) if value["double"] is None else ('"', value["double"])
    escaped = rf"\\(.)|{quote}{quote}"
    return re.sub(escaped, lambda match: _SIGNS.get(match[1], match[1]) if match[1] else quote, inner, flags=re.DOTALL)


def _copied(text: str, at: int) -> Iterator[tuple[list[str], int, int]]:
    r"""Yield the rows of a COPY up to ``\.``, in the format of ``_inserted``."""
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        line = text[at:end].rstrip("\r")
        if line == "\\.":
            return
        yield ["" if cell == "\\N" else cell for cell in line.split("\t")], at, end
        at = end + 1
