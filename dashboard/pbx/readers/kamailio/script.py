"""
Parser of Kamailio's configuration statements: module parameters, settings, sockets and route blocks.

Text that is not a statement is reported with its line, and parsing continues with the next statement.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from dashboard.core.text import quoted
from dashboard.pbx.readers.facts import Place
from dashboard.pbx.readers.kamailio.grammar import ScriptToken

DEEPEST = 60
MOST_TOKENS_OF_VALUE = 200
ROUTES = frozenset(
    f"{kind}route" for kind in ("", "request_", "reply_", "onreply_", "failure_", "branch_", "onsend_", "event_")
)
ENDS = frozenset({"exit", "drop", "return", "break"})
_LINES = frozenset({"loadmodule", "loadmodulex", "loadpath", "cfgengine", "flags", "avpflags", "enum", "import_file"})
"""First words of one-line settings."""
_BREAKS = frozenset({";", "{", "}"})

Tokens = tuple[ScriptToken, ...]


@dataclass(frozen=True)
class Call:
    """A call of a function or a route."""

    name: str
    args: tuple[Tokens, ...]
    place: Place

    def text(self, number: int) -> str:
        """Return the source text of an argument; ``""`` if it is missing."""
        return "".join(token.text for token in self.args[number]) if number < len(self.args) else ""


@dataclass(frozen=True)
class Assign:
    """An assignment to a pseudo-variable."""

    target: str
    value: Tokens
    place: Place


@dataclass(frozen=True)
class Branch:
    """A conditional statement; a loop is treated as executed once or never."""

    condition: Tokens
    then: Block
    other: Block
    place: Place


@dataclass(frozen=True)
class Choice:
    """A ``switch`` statement, of which one case or none is executed."""

    cases: tuple[Block, ...]


@dataclass(frozen=True)
class End:
    """A statement that ends a block, a route or the whole script: ``exit``, ``drop``, ``return``, ``break``."""

    word: str


Step = Call | Assign | Branch | Choice | End
Block = tuple[Step, ...]


@dataclass(frozen=True)
class Route:
    """A route with its kind and name; the main route has no name."""

    kind: str
    name: str
    block: Block


@dataclass
class Script:
    """A parsed configuration."""

    params: list[tuple[str, str, ScriptToken]] = field(default_factory=list)
    """Modules separated by ``|``, parameter name, value."""
    settings: dict[str, ScriptToken] = field(default_factory=dict)
    sockets: list[dict[str, ScriptToken]] = field(default_factory=list)
    """Settings of each ``socket = {...}`` block, by name."""
    routes: list[Route] = field(default_factory=list)

    def param(self, module: str, name: str) -> ScriptToken | None:
        """Return the last value of a module's parameter; ``None`` if it is not set."""
        values = [
            value for modules, param_name, value in self.params if param_name == name and module in modules.split("|")
        ]
        return values[-1] if values else None


def parse(tokens: list[ScriptToken], on_problem: Callable[[Place, str], None]) -> Script:
    """
    Parse tokens into statements.

    Args:
        tokens: Tokens of a configuration with all its includes.
        on_problem: Called with the location and the message of each problem.
    """
    return _Parser(tokens, on_problem).script


class _Parser:
    """Recursive-descent parser of tokens."""

    def __init__(self, tokens: list[ScriptToken], on_problem: Callable[[Place, str], None]) -> None:
        self.script = Script()
        self._tokens = tokens
        self._at = 0
        self._say = on_problem
        while self._at < len(tokens):
            self._top()

    def _sign(self, offset: int = 0) -> str:
        at = self._at + offset
        return self._tokens[at].sign if at < len(self._tokens) else ""

    def _take(self, sign: str) -> bool:
        if self._sign() == sign:
            self._at += 1
            return True
        return False

    def _top(self) -> None:
        token = self._tokens[self._at]
        word = token.text if token.kind == "word" else ""
        self._at += 1
        if word in ROUTES:
            self._route(word, token.place)
        elif word in ("modparam", "modparamx") and self._sign() == "(":
            args = self._args()
            if len(args) == 3 and all(args):  # noqa: PLR2004 - module, name, value
                self.script.params.append((args[0][0].text, args[1][0].text, args[2][0]))
        elif word == "socket" and self._sign() == "=" and self._sign(1) == "{":
            self._socket()
        elif word in _LINES or (word and self._sign() == "="):
            self._setting(word, token)
        elif token.sign == "}":
            self._say(token.place, "A } closes nothing here. Take it out, or open its block.")
        elif token.sign != ";":
            self._say(token.place, f"{quoted(token.text, 40)} begins no setting and no route; the line was left out.")
            self._rest_of_line(token)

    def _rest_of_line(self, token: ScriptToken) -> None:
        while self._at < len(self._tokens) and self._tokens[self._at].place == token.place:
            self._at += 1

    def _setting(self, word: str, token: ScriptToken) -> None:
        value = self._tokens[self._at + 1] if self._at + 1 < len(self._tokens) else None
        if word == "cfgengine" and self._at < len(self._tokens):
            value = self._tokens[self._at]
        if value is not None and (word not in _LINES or word == "cfgengine"):
            self.script.settings[word] = value
        self._rest_of_line(token)

    def _socket(self) -> None:
        self._at += 2
        settings: dict[str, ScriptToken] = {}
        while self._at < len(self._tokens) and not self._take("}"):
            name = self._tokens[self._at]
            self._at += 1
            if name.kind == "word" and self._take("="):
                value = self._until(frozenset({";", "}"}))
                if value:
                    settings[name.text] = ScriptToken("string", "".join(token.text for token in value), value[0].place)
        self.script.sockets.append(settings)

    def _route(self, kind: str, location: Place) -> None:
        name = ""
        if self._take("["):
            name = "".join(token.text for token in self._until(frozenset({"]", "{", "}"})))
            self._take("]")
        if self._sign() != "{":
            self._say(location, f"{kind} has no block that begins with {{. Correct it; the route was left out.")
            return
        self.script.routes.append(Route(kind, name, self._block(0)))

    def _until(self, signs: frozenset[str]) -> Tokens:
        """Consume tokens up to, but not including, one of the signs."""
        begin = self._at
        while self._at < len(self._tokens) and self._tokens[self._at].sign not in signs:
            self._at += 1
        return tuple(self._tokens[begin : self._at][:MOST_TOKENS_OF_VALUE])

    def _block(self, depth: int) -> Block:
        """Parse a block with its braces, or one statement if there are none."""
        if not self._take("{"):
            return self._statement(depth)
        location = self._tokens[self._at - 1].place
        steps: list[Step] = []
        while self._at < len(self._tokens):
            if self._take("}"):
                return tuple(steps)
            word = self._tokens[self._at]
            if word.kind == "word" and word.text in ROUTES and self._sign(1) in ("[", "{") and depth < DEEPEST:
                break
            steps += self._statement(depth)
        self._say(location, "A block begins here and is never closed. Close it with }; what stands before was read.")
        return tuple(steps)

    def _statement(self, depth: int) -> Block:
        if self._at >= len(self._tokens):
            return ()
        token = self._tokens[self._at]
        if depth >= DEEPEST:
            self._say(token.place, f"Blocks are nested more than {DEEPEST} deep here; the rest was left out.")
            self._at = len(self._tokens)
            return ()
        if token.sign == "{":
            return self._block(depth + 1)
        self._at += 1
        if token.sign == ";":
            return ()
        if token.text in ("if", "while", "switch") and self._sign() == "(":
            return self._switch(depth) if token.text == "switch" else self._branch(token, depth)
        steps = self._simple(token)
        if not steps:
            self._say(token.place, f"{quoted(token.text, 40)} begins no statement; it was left out.")
            self._until(_BREAKS)
        if not self._take(";") and self._sign() != "}" and steps:
            self._say(token.place, f"{quoted(token.text, 40)} is not followed by ; here. Put one behind it.")
        return steps

    def _simple(self, token: ScriptToken) -> Block:
        """Parse a statement without nested statements, up to its semicolon."""
        if token.kind == "word" and token.text in ENDS:
            self._until(_BREAKS)
            return (End(token.text),)
        if token.kind == "pv" and self._sign() in ("=", ":"):
            self._at += 2 if self._sign() == ":" and self._sign(1) == "=" else 1
            return (Assign(token.text, self._until(_BREAKS), token.place),)
        if token.kind == "word" and self._sign() in ("(", ";"):
            return (Call(token.text, self._args() if self._sign() == "(" else (), token.place),)
        return ()

    def _branch(self, token: ScriptToken, depth: int) -> Block:
        condition = self._bracketed()
        then_block = self._block(depth + 1)
        else_block: Block = ()
        after = self._tokens[self._at] if self._at < len(self._tokens) else None
        if token.text == "if" and after is not None and after.kind == "word" and after.text == "else":
            self._at += 1
            else_block = self._block(depth + 1)
        return (Branch(condition, then_block, else_block, token.place),)

    def _switch(self, depth: int) -> Block:
        self._bracketed()
        cases: list[Block] = []
        case: list[Step] = []
        self._take("{")
        while self._at < len(self._tokens) and self._sign() != "}":
            word = self._tokens[self._at]
            if word.kind == "word" and word.text in ("case", "default"):
                cases = [*cases, tuple(case)]
                case = []
                self._until(frozenset({":", *_BREAKS}))
                self._take(":")
            else:
                case += self._statement(depth + 1)
        self._take("}")
        return (Choice((*cases, tuple(case))),)

    def _bracketed(self) -> Tokens:
        """Consume balanced parentheses and return the tokens between them."""
        begin = self._at
        depth = 0
        while self._at < len(self._tokens):
            sign = self._sign()
            if sign in _BREAKS:
                break
            depth += (sign == "(") - (sign == ")")
            self._at += 1
            if not depth:
                return tuple(self._tokens[begin + 1 : self._at - 1])
        self._say(self._tokens[begin].place, "A bracket opens here and is not closed. Close it with ).")
        return tuple(self._tokens[begin + 1 : self._at])

    def _args(self) -> tuple[Tokens, ...]:
        arguments: list[list[ScriptToken]] = [[]]
        depth = 0
        for token in self._bracketed():
            depth += (token.sign in ("(", "[")) - (token.sign in (")", "]"))
            if token.sign == "," and depth == 0:
                arguments.append([])
            else:
                arguments[-1].append(token)
        return tuple(tuple(argument) for argument in arguments)
