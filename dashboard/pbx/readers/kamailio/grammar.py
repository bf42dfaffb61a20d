r"""
Lexer of Kamailio's configuration: lines, directives, comments, includes and tokens.

Follows Kamailio's ``core/cfg.lex``: ``#!define`` and related directives, ``include_file``, comments (``#``, ``/* */``),
strings with backslash escapes, pseudo-variables such as ``$rU`` and ``$(rU{s.strip,1})``. A password is dropped while
its line is read.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from dashboard.core.text import quoted
from dashboard.pbx.inventory.rows import Problem
from dashboard.pbx.readers.config_folder import Folder
from dashboard.pbx.readers.facts import Place
from dashboard.pbx.readers.kamailio.secrets import Held
from dashboard.pbx.readers.secrets import NamesOf, Secret, by_name, has_key, is_secret_name
from dashboard.pbx.readers.text_records import text_of

LONGEST_LINE = 65_536
LONGEST_STRING = 4_000
MOST_LEVELS = 10
MOST_LINES = 500_000
MOST_TOKENS = 300_000
MOST_SUBSTITUTIONS = 100
MOST_SAID = 100

_CHECKS = re.compile(r"pv_\w*(authenticate|auth_check)")
"""Functions whose second argument is a password."""
_DIRECTIVE = re.compile(r"\s*(?:#!|!!)\s*(?P<word>\w+)\s*(?P<rest>.*)")
_INCLUDE = re.compile(r"\s*(?:#!|!!)?(?P<word>include_file|import_file)\s*[\"']?(?P<name>[^\"'\s]+)")
_LISTEN = re.compile(r"\s*listen\s*=\s*(?P<value>[^#]*)")
_SUBST = re.compile(r"[\"']?(?P<by>[^\w\s\"'])(?P<name>[^\"']*?)(?P=by)(?P<value>.*?)(?P=by)\w*[\"']?\s*$")
_TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<comment>#.*|(?<![^\s;{}])//.*)|(?P<begins>/\*)|(?P<string>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')"
    r"|(?P<open>[\"'])|(?P<pv>\$)|(?P<word>[A-Za-z_]\w*(?:\.\w+)*)|(?P<number>\d[\w.]*)"
    r"|(?P<sign>=~|!~|==|!=|&&|\|\||>=|<=|.)"
)
_PV = re.compile(r"\$(?:[A-Za-z_]\w*(?P<open>\()?|(?P<all>\()|\$|\w)")
_ESCAPED = re.compile(r"\\(.)")
_WORD = re.compile(r"[A-Za-z_]\w*")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"'}


@dataclass(frozen=True)
class ScriptToken:
    """One token: a ``word``, a ``number``, a ``string`` without its quotes, a ``pv``, or a ``sign``."""

    kind: str
    text: str
    place: Place

    @property
    def sign(self) -> str:
        """Text of a ``sign`` token; ``""`` for any other kind."""
        return self.text if self.kind == "sign" else ""


class Source:
    """Tokens of a configuration with all its includes."""

    def __init__(self, folder: Folder, root: str) -> None:
        self.tokens: list[ScriptToken] = []
        self.listens: list[tuple[str, Place]] = []
        """Values of ``listen=`` with their locations."""
        self.defines: dict[str, str] = {}
        self.secrets = Held()
        self.problems: list[Problem] = []
        self.files: set[str] = set()
        self._folder = folder
        self._root = root
        self._substitutions: dict[str, str] = {}
        self._ifs: list[bool] = []
        self._open = ""
        """Terminator of the construct open at the start of a line: ``*/`` for a comment, a quote for a string."""
        self._held = ""
        self._since = Place("", 1)
        self._lines = self._expansions = 0
        self._full = False

    def read(self, path: str, above: tuple[str, ...] = ()) -> None:
        """Read a file of the folder with all its includes."""
        self.files.add(path)
        display_path = self._folder.shown(path)
        ifs = len(self._ifs)
        for number, line in self._whole_lines(path):
            location = Place(display_path, number)
            self._lines += 1
            if not self._full and (self._lines > MOST_LINES or max(self._expansions, len(self.tokens)) > MOST_TOKENS):
                self._full = True
                self.say(location, "The configuration is longer than any that is run; from here on it was left out.")
            if self._full:
                return
            self._line(line, location, (*above, path))
        if self._open:
            self.say(self._since, "A comment or a string begins here and never ends. Close it; the rest was left out.")
        self._open = self._held = ""
        del self._ifs[ifs:]

    def say(self, location: Place, message: str) -> None:
        """Add a problem, up to ``MOST_SAID``."""
        if len(self.problems) < MOST_SAID:
            self.problems.append(Problem(location.file, location.line, "", message))

    def found(self, name: str, including_file: str = "") -> str:
        """Return the path in the folder of a file named in a configuration; ``""`` if it is missing."""
        parts = [part for part in name.split("/") if part]
        for start in range(len(parts)) if name.startswith("/") else (0,):
            for base in (posixpath.dirname(including_file), self._root, ""):
                path = posixpath.normpath(posixpath.join(base, *parts[start:]))
                if path in self._folder.files:
                    return path
        return ""

    def _whole_lines(self, path: str) -> Iterator[tuple[int, str]]:
        """Yield lines with their numbers; a directive continued by backslashes is one line."""
        begun = 0
        continued = ""
        for number, line in enumerate(text_of(self._folder.files[path]).split("\n"), start=1):
            if len(line) + len(continued) > LONGEST_LINE:
                self.say(
                    Place(self._folder.shown(path), number),
                    f"The line has {len(line):,} characters and was left out. Break it into shorter ones.",
                )
                begun = 0
                continued = ""
                continue
            text = continued + line.rstrip("\r")
            if text.endswith("\\") and _DIRECTIVE.match(text) and not self._open:
                begun = begun or number
                continued = text[:-1]
                continue
            yield begun or number, text
            begun = 0
            continued = ""

    def _line(self, line: str, location: Place, above: tuple[str, ...]) -> None:
        if not self._open:
            directive = _DIRECTIVE.match(line)
            include = _INCLUDE.match(line)
            if directive and not include:
                self._directive(directive["word"].lower(), directive["rest"].strip(), location)
                return
            if not all(self._ifs):
                return
            if include:
                self._include(include["name"], location, above, needed=include["word"] == "include_file")
                return
            if listen := _LISTEN.match(line):
                text = _WORD.sub(lambda match: self.defines.get(match[0], match[0]), listen["value"])
                self.listens.append((self._substituted(text).replace('"', "").strip()[:LONGEST_STRING], location))
                return
        self._tokens(line, location)

    def _directive(self, word: str, arguments: str, location: Place) -> None:
        name, _, value = arguments.partition(" ")
        if word in ("ifdef", "ifndef", "ifexp"):
            self._ifs.append(word == "ifexp" or (name.strip() in self.defines) == (word == "ifdef"))
        elif word in ("else", "endif") and not self._ifs:
            self.say(location, f"#!{word} has no #!ifdef in front of it. Take it out.")
        elif word == "else":
            self._ifs[-1] = not self._ifs[-1]
        elif word == "endif":
            self._ifs.pop()
        elif all(self._ifs):
            self._define(word, name, value.strip(), arguments, location)

    def _define(self, word: str, name: str, value: str, arguments: str, location: Place) -> None:
        substitution = _SUBST.match(arguments)
        if word in ("define", "def", "redefine", "redef", "defexp", "trydefine", "trydef"):
            if word not in ("trydefine", "trydef") or name not in self.defines:
                self.defines[name] = self._safe(name, value, location)
        elif word in ("defenv", "defenvs", "trydefenv", "trydefenvs"):
            self.defines.setdefault(name.partition("=")[2] or name, f'"${{{name.partition("=")[0]}}}"')
        elif word.startswith("subst") and substitution and _WORD.fullmatch(substitution["name"]):
            value = self._safe(substitution["name"], substitution["value"], location)
            if len(self._substitutions) < MOST_SUBSTITUTIONS:
                self._substitutions[substitution["name"]] = value
            if word != "subst":
                self.defines[substitution["name"]] = f'"{value}"' if word == "substdefs" else value

    def _safe(self, name: str, value: str, location: Place) -> str:
        """Return a value without passwords; a placeholder if the name is that of a secret."""
        if value and is_secret_name(name, NamesOf.KAMAILIO):
            self.secrets.without_logins(value[:LONGEST_STRING], location)
            self.secrets.keep(location, by_name(name))
            return f'"${{{name}}}"'
        return self._cut(value[:LONGEST_STRING], location)

    def _cut(self, text: str, location: Place) -> str:
        """Return a text without passwords; a placeholder if it contains credentials for an HTTP API."""
        safe_text = self.secrets.without_logins(text, location)
        if not has_key(safe_text):
            return safe_text
        self.secrets.keep(location, Secret.API_KEY)
        return "${…}"

    def _substituted(self, text: str) -> str:
        for name, value in self._substitutions.items():
            if name in text:
                text = text.replace(name, value)[:LONGEST_STRING]
        return text

    def _include(self, name: str, location: Place, above: tuple[str, ...], *, needed: bool) -> None:
        name = self._substituted(self.defines.get(name, name).strip("\"'"))
        path = self.found(name, above[-1])
        if not path:
            if needed:
                self.say(location, f"{quoted(name)} is not in the folder. Add the file, or take the include out.")
        elif path in above:
            self.say(location, f"{quoted(name)} includes itself: {' > '.join((*above[above.index(path) :], path))}.")
        elif len(above) >= MOST_LEVELS:
            self.say(location, f"{quoted(name)} is included {MOST_LEVELS} files deep; it was left out.")
        else:
            self.read(path, above)

    def _tokens(self, line: str, location: Place, depth: int = 0) -> None:
        """Add the tokens of a line; a comment or string open at its end continues on the next line."""
        self._expansions += 1 if depth else 0
        if self._expansions > MOST_TOKENS:
            return
        at = self._gone_on(line) if self._open else 0
        while at < len(line) and (match := _TOKEN.match(line, at)):
            kind = str(match.lastgroup)
            at = match.end()
            if kind == "comment":
                return
            if kind == "begins":
                end = line.find("*/", at)
                at = end + 2 if end >= 0 else len(line)
                self._open, self._since = ("", self._since) if end >= 0 else ("*/", location)
            elif kind == "open":
                self._open = match[0]
                self._held = f"{line[at:]}\n"
                self._since = location
                at = len(line)
            elif kind == "pv":
                at = _end_of_pv(line, match.start())
                self._add("pv", line[match.start() : at], location)
            elif kind == "word" and match[0] in self.defines and depth < MOST_LEVELS:
                self._tokens(self.defines[match[0]], location, depth + 1)
            elif kind != "space":
                self._add(kind, match[0][1:-1] if kind == "string" else match[0], location)

    def _gone_on(self, line: str) -> int:
        """Continue an open comment or string; return its end position in the line."""
        end = _end_of(line, self._open)
        self._held = f"{self._held}{line if end < 0 else line[:end]}\n"[:LONGEST_STRING]
        if end < 0:
            return len(line)
        end += len(self._open)
        if self._open != "*/":
            self._add("string", self._held.removesuffix("\n"), self._since)
        self._open = self._held = ""
        return end

    def _add(self, kind: str, text: str, location: Place) -> None:
        """Add a token; the value after the name of a secret is replaced by a placeholder."""
        if kind == "string":
            plain = _ESCAPED.sub(lambda match: _ESCAPES.get(match[1], match[0]), text)
            text = self._substituted(self._cut(plain[:LONGEST_STRING], location))
        if kind in ("string", "number") and text and self._is_secret(text, location):
            text = "${…}"
        if len(self.tokens) <= MOST_TOKENS:
            self.tokens.append(ScriptToken(kind, text, location))

    def _is_secret(self, text: str, location: Place) -> bool:
        """Return whether a text is at the position of a secret; if so, record the secret's kind."""
        *earlier_tokens, name_token, sign = [ScriptToken("", "", self._since)] * 4 + self.tokens[-4:]
        if name_token.text == "auth_password_avp":
            self.secrets.answering = text
        if text.startswith("$"):
            return False
        if sign.sign == "," and _CHECKS.fullmatch(earlier_tokens[-2].text):
            self.secrets.keep(location, Secret.PHONE)
            return True
        secret = is_secret_name(name_token.text, NamesOf.KAMAILIO) or (
            name_token.kind == "pv" and name_token.text == self.secrets.answering
        )
        if sign.sign not in ("=", ",") or name_token.kind not in ("pv", "word", "string") or not secret:
            return False
        self.secrets.named(name_token.text, text, location)
        return True


def _end_of(line: str, terminator: str) -> int:
    """Return the position of the terminator of an open comment or string in a line; -1 if it is not there."""
    if terminator == "*/":
        return line.find(terminator)
    match = re.match(rf"(?:[^{terminator}\\]|\\.)*{terminator}", line)
    return match.end() - 1 if match else -1


def _end_of_pv(line: str, start: int) -> int:
    """Return the end position of a pseudo-variable, with balanced parentheses."""
    match = _PV.match(line, start)
    if not match:
        return start + 1
    if not match["open"] and not match["all"]:
        return match.end()
    depth = 1
    for at in range(match.end(), len(line)):
        depth += (line[at] == "(") - (line[at] == ")")
        if not depth:
            return at + 1
    return len(line)
