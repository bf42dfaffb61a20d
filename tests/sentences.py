"""
Find the sentences of the product that a test module expects as literals.

A sentence is a string or an f-string of at least four words on one line. A word has a letter; a field of an f-string
counts as a word. In a regular expression, the parts between its operators count, each by itself.

A sentence is expected where it stands itself, or where a name stands that is assigned to it:

* in the condition of an ``assert``, in a comparison that a ``lambda`` returns, in ``match=`` of a call, in a call of
  ``expect`` of Playwright and its methods;
* in the values of ``pytest.mark.parametrize``, in the argument of a function, and in the field of a class of the same
  module, if one of the places above uses that argument or field.

The arguments of a call in a condition are input, so they do not count. Arguments of methods of text (``startswith``),
of builtins (``any``), of ``re`` and of classes (``AllowAddress(purpose=...)``) do.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import Final

FEWEST_WORDS: Final = 4
FIELD: Final = "{}"
"""What stands for a field of an f-string in its text."""
FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)
TABLES: Final = (ast.Dict, ast.List, ast.Set, ast.Tuple)
OF_TEXT: Final = frozenset(
    {"count", "endswith", "find", "index", "items", "join", "partition", "removeprefix", "removesuffix", "replace"}
    | {"rstrip", "split", "splitlines", "startswith", "strip", "isdisjoint", "issubset", "issuperset", "get"}
)
GOLDEN: Final = frozenset({"golden", "golden_pattern"})
OF_RE: Final = frozenset({"compile", "findall", "fullmatch", "match", "search", "split", "sub"})
BUILTINS: Final = frozenset(
    {
        "all",
        "any",
        "dict",
        "filter",
        "frozenset",
        "list",
        "map",
        "max",
        "min",
        "next",
        "set",
        "sorted",
        "sum",
        "tuple",
        "zip",
    }
)
TOKEN: Final = re.compile(
    r"(?P<operator>\\[A-Za-z]|\[(?:\\.|[^\]\\])*\]|\((?:\\.|[^)\\])*\)|\.(?=[*+?{])|[\^$|])|\\(?P<escaped>.)|(?P<plain>.)",
    re.DOTALL,
)
REPEATED: Final = re.compile(r"(?:[*+?]|\{\d+(?:,\d*)?\})\??")


@dataclass(frozen=True)
class Sentence:
    """An expected sentence: where it stands in the module, and whether it is a regular expression."""

    node: ast.expr
    is_pattern: bool


def text_of(node: ast.AST) -> str | None:
    """Return the text of a string or f-string, ``{}`` for each field; ``None`` for any other node."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else FIELD for part in node.values)
    return None


def is_sentence(text: str) -> bool:
    """Return whether a text has four words on one line."""
    words = [word for word in text.split() if re.search(r"[^\W\d_]|\{\}", word)]
    return len(words) >= FEWEST_WORDS and "\n" not in text.strip()


def pieces_of(pattern: str) -> Iterator[tuple[str, bool]]:
    """Yield the pieces of a regular expression: literal text without its escapes, and operators (true)."""
    literal = ""
    at = 0
    while at < len(pattern):
        found = TOKEN.match(pattern, at)
        if found is None:
            raise ValueError(f"{pattern!r} is cut at {at}.")
        repeated = REPEATED.match(pattern, found.end())
        at = repeated.end() if repeated else found.end()
        if repeated or found["operator"]:
            if literal:
                yield literal, False
            literal = ""
            yield pattern[found.start() : at], True
        else:
            literal += found["escaped"] or found["plain"]
    if literal:
        yield literal, False


def has_sentence(text: str, *, is_pattern: bool) -> bool:
    """Return whether a text is a sentence, or a regular expression with one."""
    if not is_pattern:
        return is_sentence(text)
    return any(is_sentence(piece) for piece, is_operator in pieces_of(text) if not is_operator)


def bindings(node: ast.AST) -> Iterator[tuple[ast.AST, ast.expr]]:
    """Yield each target that a statement or comprehension binds, with its value."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            yield target, node.value
    elif isinstance(node, ast.AnnAssign | ast.NamedExpr):
        if node.value is not None:
            yield node.target, node.value
    elif isinstance(node, ast.For | ast.comprehension):
        yield node.target, node.iter


def children(node: ast.AST) -> list[ast.AST]:
    """Return the parts of an expression that a condition is about: no key of a look-up, no rows of a table."""
    if isinstance(node, ast.Subscript):
        return [node.value]
    if isinstance(node, ast.comprehension) and isinstance(node.iter, ast.Name):
        return [*node.ifs]
    if isinstance(node, ast.comprehension):
        return [node.iter, *node.ifs]
    return [*ast.iter_child_nodes(node)]


def expected_arguments(call: ast.Call, *, with_fields: Container[str]) -> Iterator[tuple[ast.expr, bool]]:
    """
    Yield the parts of a call in a condition that are expected, and not input; true for a regular expression.

    The fields of the classes ``with_fields`` are followed where a condition uses them.
    """
    function = call.func
    arguments = [*call.args, *(each.value for each in call.keywords)]
    if isinstance(function, ast.Attribute) and ast.unparse(function.value) == "re":
        yield from ((each, True) for each in call.args[:1] if function.attr in OF_RE)
    elif isinstance(function, ast.Attribute) and function.attr in OF_TEXT:
        yield from ((each, False) for each in (function.value, *arguments))
    elif isinstance(function, ast.Attribute):
        yield from ((each, False) for each in arguments if function.attr[:1].isupper())
    elif isinstance(function, ast.Name) and function.id in GOLDEN:
        yield from ((each.value, False) for each in call.keywords)
    elif isinstance(function, ast.Name) and function.id not in with_fields:
        is_expected = function.id in BUILTINS or function.id[:1].isupper()
        yield from ((each, False) for each in arguments if is_expected)


class Finder:
    """Find the expected sentences of a module."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.found: dict[int, Sentence] = {}
        self._parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
        self._fields = {
            node.name: [
                each.target.id
                for each in node.body
                if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
            ]
            for node in ast.walk(tree)
            if isinstance(node, ast.ClassDef)
        }
        self._with_fields = {name for name, fields in self._fields.items() if fields}
        self._followed: set[tuple[object, ...]] = set()
        self._bound: dict[ast.AST, list[tuple[set[str], ast.AST, ast.expr]]] = defaultdict(list)
        self._calls: dict[str, list[ast.Call]] = defaultdict(list)
        for node in ast.walk(tree):
            for target, value in bindings(node):
                self._bound[self._scope(node)].append((self._names(target), target, value))
            if isinstance(node, ast.Call):
                self._calls[getattr(node.func, "id", getattr(node.func, "attr", ""))].append(node)
        for node in ast.walk(tree):
            if isinstance(node, ast.Assert):
                self._expect(node.test)
            elif isinstance(node, ast.Lambda) and isinstance(node.body, ast.Compare):
                self._expect(node.body)
            elif isinstance(node, ast.keyword) and node.arg == "match":
                self._expect(node.value, is_pattern=True)
            elif isinstance(node, ast.Name) and node.id == "expect":
                self._expect_on_page(node)

    def _expect(self, node: ast.AST, *, is_pattern: bool = False) -> None:
        """Record the sentences of an expression, and follow its names to what they hold."""
        text = text_of(node)
        if text is not None and isinstance(node, ast.expr):
            self._record(node, text, is_pattern=is_pattern)
        elif isinstance(node, ast.Call):
            for argument, is_of_re in expected_arguments(node, with_fields=self._with_fields):
                self._expect(argument, is_pattern=is_pattern or is_of_re)
        elif isinstance(node, ast.Name):
            self._follow(node, is_pattern=is_pattern)
        elif isinstance(node, ast.Attribute):
            if not self._follow_field(node.attr, is_pattern=is_pattern):
                self._expect(node.value, is_pattern=is_pattern)
        else:
            for child in children(node):
                self._expect(child, is_pattern=is_pattern)

    def _record(self, node: ast.expr, text: str, *, is_pattern: bool) -> None:
        """Record a string that is a sentence, and follow the fields of an f-string."""
        if has_sentence(text, is_pattern=is_pattern):
            known = self.found.get(id(node))
            self.found[id(node)] = Sentence(node, is_pattern or (known is not None and known.is_pattern))
        for part in getattr(node, "values", []):
            if isinstance(part, ast.FormattedValue):
                self._expect(part.value, is_pattern=is_pattern)

    def _expect_on_page(self, name: ast.Name) -> None:
        """Record the sentences that ``expect(...)`` and its methods are called with."""
        node: ast.AST = name
        while isinstance(self._parents[node], ast.Call | ast.Attribute):
            node = self._parents[node]
        for each in ast.walk(node):
            if isinstance(each, ast.Call):
                for argument in [*each.args, *(one.value for one in each.keywords)]:
                    self._expect(argument, is_pattern=ast.unparse(each.func) == "re.compile")

    def _scope(self, node: ast.AST) -> ast.AST:
        """Return the function around a node, or the module."""
        while node in self._parents:
            node = self._parents[node]
            if isinstance(node, FUNCTIONS):
                return node
        return self.tree

    def _follow(self, name: ast.Name, *, is_pattern: bool) -> None:
        """Follow a name to its assignments or argument in the innermost scope that has it."""
        node: ast.AST = name
        while node in self._parents:
            node = self._parents[node]
            for each in getattr(node, "generators", []):
                if name.id in self._names(each.target):
                    self._expect_bound(name.id, each.target, each.iter, is_pattern=is_pattern)
                    return
        scope = self._scope(name)
        while not self._follow_in(name.id, scope, is_pattern=is_pattern) and scope is not self.tree:
            scope = self._scope(scope)

    def _follow_in(self, name: str, scope: ast.AST, *, is_pattern: bool) -> bool:
        """Follow a name in one scope; return whether that has it."""
        is_known = False
        if isinstance(scope, FUNCTIONS) and name in self._arguments(scope):
            is_known = True
            self._follow_argument(scope, name, is_pattern=is_pattern)
        for names, target, value in self._bound[scope]:
            if name in names:
                is_known = True
                self._expect_bound(name, target, value, is_pattern=is_pattern)
        return is_known

    def _expect_bound(self, name: str, target: ast.AST, value: ast.expr, *, is_pattern: bool) -> None:
        """Record the sentences that a name holds: of a table of rows, only those of the name's column."""
        if not self._is_new("value", id(value), name, is_pattern):
            return
        cells = getattr(target, "elts", [])
        places = [n for n, each in enumerate(cells) if name in self._names(each)]
        if not places:
            self._expect_table(value, is_pattern=is_pattern)
            return
        place = places[0]
        if any(isinstance(each, ast.Starred) for each in cells[:place]):
            place -= len(cells)
        whole = isinstance(value, ast.Tuple) and len(value.elts) == len(cells)
        for row in [value] if whole else self._rows(value) or [value]:
            columns = getattr(row, "elts", [])
            is_row = -len(columns) <= place < len(columns) and not isinstance(cells[place], ast.Starred)
            self._expect_table(columns[place] if is_row else row, is_pattern=is_pattern)

    def _expect_table(self, value: ast.expr, *, is_pattern: bool) -> None:
        """Record the sentences of a value; the keys of a table are names of its cases."""
        for each in value.values if isinstance(value, ast.Dict) else [value]:
            self._expect(each, is_pattern=is_pattern)

    def _follow_argument(
        self, function: ast.FunctionDef | ast.AsyncFunctionDef, name: str, *, is_pattern: bool
    ) -> None:
        """Follow an argument to its parameters, and to the calls of the function in the module."""
        if not self._is_new("argument", id(function), name, is_pattern):
            return
        for decorator in function.decorator_list:
            if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.parametrize":
                self._expect_parameter(decorator, name, is_pattern=is_pattern)
        order = [each for each in self._arguments(function) if each != "self"]
        for call in self._calls[function.name]:
            self._expect_argument(call, name, order, is_pattern=is_pattern)

    def _expect_argument(self, call: ast.Call, name: str, order: list[str], *, is_pattern: bool) -> None:
        """Record the sentences in one argument of a call."""
        values = [value for each, value in zip(order, call.args, strict=False) if each == name]
        values += [each.value for each in call.keywords if each.arg == name]
        for value in values:
            self._expect(value, is_pattern=is_pattern)

    def _expect_parameter(self, decorator: ast.Call, name: str, *, is_pattern: bool) -> None:
        """Record the sentences in the values that a decorator has for one argument."""
        names = ast.literal_eval(decorator.args[0])
        names = [each.strip() for each in names.split(",")] if isinstance(names, str) else list(names)
        if name not in names:
            return
        for row in self._rows(decorator.args[1]):
            cells = getattr(row, "elts", [])
            if isinstance(row, ast.Call) and ast.unparse(row.func) == "pytest.param":
                cells = row.args
            value = cells[names.index(name)] if len(cells) == len(names) else row
            self._expect(value, is_pattern=is_pattern)

    def _rows(self, values: ast.expr) -> list[ast.expr]:
        """Return the rows of a list, a dictionary, or the constant that a name stands for."""
        found: list[ast.expr] = []
        if isinstance(values, ast.List | ast.Tuple | ast.Set):
            found = values.elts
        elif isinstance(values, ast.Dict):
            found = values.values
        elif isinstance(values, ast.Name):
            found = [row for each in self._tables(values) for row in self._rows(each)]
        elif isinstance(values, ast.Subscript):
            found = self._rows(values.value)
        elif isinstance(values, ast.Call) and isinstance(values.func, ast.Attribute) and values.func.attr == "items":
            tables = [each for each in self._tables(values.func.value) if isinstance(each, ast.Dict)]
            pairs = [pair for each in tables for pair in zip(each.keys, each.values, strict=True)]
            found = [ast.Tuple([key, value]) for key, value in pairs if key]
        elif isinstance(values, ast.Call):
            inner = [*values.args, getattr(values.func, "value", None)]
            found = [row for each in inner if isinstance(each, ast.expr) for row in self._rows(each)]
        return found

    def _tables(self, values: ast.expr) -> list[ast.expr]:
        """Return the tables that a name is assigned to anywhere in the module; another expression as it is."""
        if not isinstance(values, ast.Name):
            return [values]
        return [
            value
            for bound in self._bound.values()
            for _, target, value in bound
            if isinstance(target, ast.Name) and target.id == values.id and isinstance(value, TABLES)
        ]

    def _follow_field(self, name: str, *, is_pattern: bool) -> bool:
        """Follow a field of a class of the module to the arguments that set it; return whether there is one."""
        kinds = [kind for kind, fields in self._fields.items() if name in fields]
        for kind in kinds:
            if self._is_new("field", kind, name, is_pattern):
                for call in self._calls[kind]:
                    self._expect_argument(call, name, self._fields[kind], is_pattern=is_pattern)
        return bool(kinds)

    def _is_new(self, *what: object) -> bool:
        """Return whether this was not followed yet, and remember it."""
        is_new = what not in self._followed
        self._followed.add(what)
        return is_new

    @staticmethod
    def _arguments(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
        """Return the names of a function's arguments, positional ones first."""
        of = function.args
        return [each.arg for each in [*of.posonlyargs, *of.args, *of.kwonlyargs]]

    @staticmethod
    def _names(target: ast.AST) -> set[str]:
        """Return the names that a target binds."""
        return {node.id for node in ast.walk(target) if isinstance(node, ast.Name)}


def sentences(tree: ast.Module) -> list[Sentence]:
    """Return the expected sentences of a module in the order of its text."""
    return sorted(Finder(tree).found.values(), key=lambda each: (each.node.lineno, each.node.col_offset))
