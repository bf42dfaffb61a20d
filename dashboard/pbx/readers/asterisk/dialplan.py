"""
Asterisk's dialplan, evaluated to find dial strings: steps, subroutines, contexts.

The steps of an extension are evaluated in order; conditions are ignored.
"""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from dashboard.pbx.readers.asterisk.conf_grammar import GLOBALS, Config, Section
from dashboard.pbx.readers.asterisk.dialplan_text import expanded, first_of, substituted, without_credentials
from dashboard.pbx.readers.facts import Place
from dashboard.pbx.readers.secrets import NamesOf, Secret, by_name, has_key, is_secret_name

MOST_CALLERS = 50
MOST_CONTEXTS = 10_000
MOST_WALKED = 1_000_000
"""Maximum number of contexts visited in total to find reachable contexts and feature codes."""
MOST_EVALUATED = 200_000
"""Maximum number of steps evaluated in total; the dialplan of a large office has 30,000."""
PLAIN_ARGS = 50
"""Argument characters per counted step; longer expanded arguments take longer and count as more steps."""

_STEP = re.compile(r"(?P<app>\w+)\s*(\((?P<args>.*)\)?)?\s*$", re.DOTALL)
_GLOBAL = re.compile(r"GLOBAL\((?P<name>[^)]+)\)$")
_KEPT = frozenset({"dial", "set", "sipaddheader", "goto", "gosub", "macro"})


@dataclass(frozen=True)
class DialplanStep:
    """One step of an extension: an application and its arguments, which are kept for few applications only."""

    context: str
    pattern: str
    app: str
    args: str
    place: Place


@dataclass(frozen=True)
class Dialed:
    """A device dialed by a step, with known variables expanded."""

    device: str
    step: DialplanStep


def keep(section: str, name: str, value: str) -> tuple[str, Secret | None]:
    """Return the part of an extensions.conf setting about dialing, and the kind of a secret in it."""
    if section == GLOBALS:
        safe_value, has_credentials = without_credentials(value)
        return ("", Secret.API_KEY) if has_key(value) else (safe_value, Secret.UNKNOWN if has_credentials else None)
    if name == "include":
        return value.partition(",")[0].strip(), None
    return _sanitize_step(name, value) if name in ("exten", "same") else ("", None)


def _sanitize_step(name: str, value: str) -> tuple[str, Secret | None]:
    head, app, args = _parts(name, value)
    if has_key(args):
        return f"{head},{app}()", Secret.API_KEY
    variable, sign, assigned = args.partition("=")
    if app.lower() == "set" and is_secret_name(variable, NamesOf.ASTERISK):
        return f"{head},{app}()", by_name(variable) if sign and not assigned.strip().startswith("${") else None
    if app.lower() not in _KEPT:
        return f"{head},{app}()", None
    safe_args, has_credentials = without_credentials(args)
    return f"{head},{app}({safe_args})", Secret.UNKNOWN if has_credentials else None


class Dialplan:
    """A parsed extensions.conf."""

    def __init__(self, config: Config) -> None:
        self.globals: dict[str, str] = {}
        self.steps: dict[tuple[str, str], list[DialplanStep]] = {}
        self.includes: dict[str, list[str]] = {}
        self.patterns: dict[str, list[tuple[str, Place]]] = {}
        self.cut = False
        """Whether a limit on steps or contexts ended the evaluation early."""
        self._gotos: dict[str, list[str]] = {}
        self._left = MOST_EVALUATED
        self._walked = 0
        for section in config.live():
            if section.name == GLOBALS:
                for setting in section.settings:
                    self.globals[setting.name] = substituted(setting.value, self.globals)
            elif section.name != "general":
                self._context(section)
        self._callers = self._calls()

    def dialed(self) -> Iterator[Dialed]:
        """Yield the devices that every step dials, once per caller for a subroutine that dials its arguments."""
        for (context, _), steps in self.steps.items():
            plain = [(step, args) for step, args in self._evaluated(steps, {}) if step.app == "dial"]
            callers = self._callers.get(context, [])[:MOST_CALLERS]
            if not callers or not any("${ARG" in args for _, args in plain):
                yield from (Dialed(first_of(args), step) for step, args in plain)
                continue
            for arguments in callers:
                values = {f"ARG{number}": value for number, value in enumerate(arguments, start=1)}
                yield from (
                    Dialed(first_of(args), step) for step, args in self._evaluated(steps, values) if step.app == "dial"
                )

    def headers(self, name: str) -> Iterator[tuple[str, Place]]:
        """Yield the values assigned to a SIP header."""
        pjsip = re.compile(rf"PJSIP_HEADER\(\s*(?:add|update)\s*,\s*{name}\s*\)\s*=(?P<value>.*)", re.IGNORECASE)
        chan_sip = re.compile(rf"\s*{name}\s*:\s*(?P<value>.*)", re.IGNORECASE)
        freepbx = re.compile(rf"func-set-sipheader,s,1\(\s*{name}\s*,(?P<value>[^)]*)\)", re.IGNORECASE)
        for steps in self.steps.values():
            for step, args in self._evaluated(steps, {}):
                rule = {"set": pjsip, "sipaddheader": chan_sip, "gosub": freepbx}.get(step.app)
                match = rule.match(args.strip().strip('"')) if rule else None
                if match:
                    yield match["value"].strip().strip('"'), step.place

    def inbound(self, contexts: Iterable[str]) -> Iterator[tuple[str, Place]]:
        """Yield the patterns of contexts and of the contexts they include or go to with a variable, each once."""
        for name in self._below(contexts, (self.includes, self._gotos)):
            yield from self.patterns.get(name, ())

    @cache  # noqa: B019 - a dialplan exists only while one PBX is read
    def code(self, context: str) -> str:
        """Return a feature code reachable from a context; ``""`` if there is none."""
        if self._walked > MOST_WALKED:
            self.cut = True
            return ""
        patterns = (
            pattern for name in self._below([context], (self.includes,)) for pattern, _ in self.patterns.get(name, ())
        )
        return next((pattern for pattern in patterns if pattern.lstrip("_").startswith(("*", "."))), "")

    def _below(self, contexts: Iterable[str], link_maps: tuple[Mapping[str, list[str]], ...]) -> list[str]:
        """Return contexts and all contexts reachable from them, each once."""
        visited: dict[str, None] = {}
        for context in contexts:
            waiting = [] if context in visited else [context]
            visited[context] = None
            while waiting and len(visited) < MOST_CONTEXTS:
                name = waiting.pop()
                new = dict.fromkeys(
                    reachable for links in link_maps for reachable in links.get(name, ()) if reachable not in visited
                )
                visited |= new
                waiting += new
        self._walked += len(visited)
        return list(visited)

    def _context(self, section: Section) -> None:
        pattern = ""
        for setting in section.settings:
            if setting.name == "include":
                self.includes.setdefault(section.name, []).append(setting.value)
                continue
            if setting.name not in ("exten", "same") or not setting.value:
                continue
            head, app, args = _parts(setting.name, setting.value)
            if setting.name == "exten":
                pattern = head.partition(",")[0].partition("/")[0].strip()
                listed = self.patterns.setdefault(section.name, [])
                if not listed or listed[-1][0] != pattern:
                    listed.append((pattern, setting.place))
            step = DialplanStep(section.name, pattern, app.lower(), args, setting.place)
            self.steps.setdefault((section.name, pattern), []).append(step)
            if step.app == "goto" and "${" in args:
                self._gotos.setdefault(section.name, []).append(_target(step))

    def _calls(self) -> dict[str, list[list[str]]]:
        """Return the arguments of subroutine calls by called context."""
        arguments_of: dict[str, list[list[str]]] = {}
        for steps in self.steps.values():
            for step, args in self._evaluated(steps, {}):
                if step.app in ("gosub", "macro"):
                    arguments_of.setdefault(_target(step), []).append(_arguments(step.app, args))
        return arguments_of

    def _evaluated(self, steps: list[DialplanStep], variables: Mapping[str, str]) -> Iterator[tuple[DialplanStep, str]]:
        """Yield the steps of one extension with the variables set by earlier steps expanded."""
        values = ChainMap(dict[str, str](), dict(variables), self.globals)
        for step in steps:
            self._left -= 1
            if self._left < 0:
                self.cut = True
                return
            args = expanded(substituted(step.args, values), step.pattern)
            self._left -= len(args) // PLAIN_ARGS
            name, sign, value = args.partition("=")
            if step.app == "set" and sign and "(" not in name:
                values[name.strip().lstrip("_")] = value.strip()
            elif step.app == "set" and sign and (whole := _GLOBAL.match(name.strip())):
                values[whole["name"]] = value.strip()
            yield step, args


def _parts(name: str, value: str) -> tuple[str, str, str]:
    """Split a step into the text before the application, the application, and its arguments."""
    pieces = value.split(",", 2 if name == "exten" else 1)
    head = ",".join(pieces[:-1])
    last = pieces[-1].strip()
    match = _STEP.match(last)
    if not match:
        return head or value, "", ""
    args = match["args"] or ""
    return head, match["app"], args.removesuffix(")") if last.endswith(")") else args


def _target(step: DialplanStep) -> str:
    """Return the context that a step goes to; the step's own context if it names none."""
    parts = step.args.split(",")
    if step.app == "macro":
        return f"macro-{parts[0].strip()}"
    arguments = re.sub(r"\(.*", "", step.args, flags=re.DOTALL).split(",")
    return arguments[0].strip() if len(arguments) > 2 else step.context  # noqa: PLR2004 - context, extension, priority


def _arguments(app: str, args: str) -> list[str]:
    inner = args.partition(",")[2] if app == "macro" else args.partition("(")[2].rstrip().removesuffix(")")
    return [argument.strip() for argument in inner.split(",")]
