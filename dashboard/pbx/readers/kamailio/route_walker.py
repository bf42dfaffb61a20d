"""
Walker of Kamailio's routes: every path of a call, with the number and the destination at its end.

Nothing is executed. A condition on the dialed number splits the paths by the patterns that it matches; any other
condition splits each path in two. Values known only during a call are kept as ``${NAME}``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from dashboard.pbx.readers.facts import Place
from dashboard.pbx.readers.kamailio.grammar import ScriptToken
from dashboard.pbx.readers.kamailio.numbers import DIALED, matches, shapes
from dashboard.pbx.readers.kamailio.route_path import CHANGES, LONGEST, TAG, Values, Way, assigned, to_host
from dashboard.pbx.readers.kamailio.script import Assign, Block, Branch, Call, Choice, End, Script, Tokens
from dashboard.pbx.readers.kamailio.tables import KamailioTables

MOST_WAYS = 48
MOST_STEPS = 100_000
DEEPEST = 20
SELECTS = frozenset({"ds_select_dst", "ds_select_domain", "ds_select", "ds_select_routes"})
ALLOWS = frozenset({"allow_source_address", "allow_address", "allow_source_address_group", "allow_address_group"})
FROM_SETS = frozenset({"ds_is_from_list", "ds_is_from_lists"})
SENDS = re.compile(r"t_relay\w*|forward(_\w+)?|t_send|send(_tcp)?")
HEADERS = frozenset(
    {"append_hf", "insert_hf", "append_hf_value", "insert_hf_value", "pvh_append_header", "pvh_set_header"}
)
ELSEWHERE = frozenset(
    {"dp_translate", "do_routing", "next_gw", "route_to_gw", "cr_route", "sql_pvquery", "next_routing"}
)
"""Functions that take the number or the destination from a database."""
_SOURCE = re.compile(r"\$si|src_ip")


class RouteWalker:
    """All paths on which the routes send a call to a destination."""

    def __init__(self, script: Script, tables: KamailioTables) -> None:
        self.sent: list[tuple[Way, Place]] = []
        self.signs_in: dict[str, Place] = {}
        """Trunks on which a digest challenge is answered, with the location."""
        self.allowed: set[str] = set()
        """Address groups against which callers are checked."""
        self.from_sets: set[str] = set()
        """Dispatcher sets against which callers are checked; ``""`` for any set."""
        self.sources: list[tuple[str, Place]] = []
        """Source addresses compared in conditions."""
        self.cut = False
        self._tables = tables
        self._values = Values(script.settings)
        self._routes = {(route.kind, route.name): route.block for route in script.routes if route.name}
        self._steps = 0
        self._returned: list[list[Way]] = []
        self._followed: set[tuple[str, Way]] = set()
        main = [route for route in script.routes if route.kind in ("request_route", "route") and not route.name]
        called_names = {name for route in script.routes for name in _called_routes(route.block)}
        parts = [route for route in script.routes if route.kind == "route" and route.name not in called_names]
        for route in main or parts:
            self._begin(route.block)

    def _begin(self, block: Block) -> None:
        """Walk a route that no other route calls; keep a path that ends with a destination but was not sent."""
        self._returned.append([])
        paths = [*self._walk(block, [Way()], 0), *self._returned.pop()]
        for path in paths:
            if path.hosts and not path.sent:
                self._record_sent(path, path.hosts[0][1])

    def _walk(self, block: Block, paths: list[Way], depth: int) -> list[Way]:
        for step in block:
            self._steps += len(paths)
            if self._steps > MOST_STEPS or depth > DEEPEST:
                self.cut = True
                return paths
            if isinstance(step, End):
                if step.word == "return" and self._returned:
                    self._returned[-1] += paths
                return paths if step.word == "break" else []
            if isinstance(step, Call):
                paths = self._call(step, paths, depth)
            elif isinstance(step, Assign):
                paths = [self._assign(step, path) for path in paths]
            elif isinstance(step, Branch):
                paths = self._branch(step, paths, depth)
            elif isinstance(step, Choice):
                paths = [path for case in (*step.cases, ()) for path in self._walk(case, paths, depth + 1)]
            if len(paths) > MOST_WAYS:
                self.cut = True
            paths = list(dict.fromkeys(paths))[:MOST_WAYS]
        return paths

    def _branch(self, step: Branch, paths: list[Way], depth: int) -> list[Way]:
        for call in _calls_in(step.condition):
            paths = self._call(call, paths, depth)
        self._note_sources(step)
        then_paths: list[Way] = []
        else_paths: list[Way] = []
        for path in paths:
            true, false = self._decided(step, path)
            then_paths += true
            else_paths += false
        then_paths = self._walk(step.then, list(dict.fromkeys(then_paths)), depth + 1) if then_paths else []
        else_paths = self._walk(step.other, list(dict.fromkeys(else_paths)), depth + 1) if else_paths else []
        return [*then_paths, *else_paths]

    def _decided(self, step: Branch, path: Way) -> tuple[list[Way], list[Way]]:
        """Return the paths for a true and a false condition; both are possible unless it tests the number."""
        test = _expression_of(step.condition)
        if test is None:
            return [path], [path]
        expression, negated, is_whole = test
        if path.number == DIALED:
            fitting = [path.dials(shape, step.place) if shape != DIALED else path for shape in shapes(expression)]
            true = fitting or [path]
            false = [path]
        else:
            is_match = matches(expression, path.number)
            true = [path] if is_match is not False else []
            false = [path] if not is_match else []
        if not is_whole:
            false = [path]
        return (false, true) if negated else (true, false)

    def _call(self, call: Call, paths: list[Way], depth: int) -> list[Way]:
        name = call.name.lower()
        if name == "route":
            return self._into("route", call.text(0), paths, depth)
        if name in ALLOWS | FROM_SETS:
            (self.allowed if name in ALLOWS else self.from_sets).add(call.text(0))
        if name in ("uac_auth", "uac_auth_mode"):
            for path in paths:
                self.signs_in.setdefault(path.trunk, call.place)
            return paths
        if SENDS.fullmatch(name):
            return [self._send(call, path, depth) for path in paths]
        return [self._changed(name, call, path) for path in paths]

    def _into(self, kind: str, name: str, paths: list[Way], depth: int) -> list[Way]:
        block = self._routes.get((kind, name.strip()))
        if block is None or depth > DEEPEST:
            self.cut |= block is not None
            return paths
        self._returned.append([])
        live = self._walk(block, paths, depth + 1)
        return list(dict.fromkeys([*live, *self._returned.pop()]))

    def _changed(self, name: str, call: Call, path: Way) -> Way:
        """Return the path after a function that may change its destination, number or headers."""
        argument = self._values.of(call.args[0], path, inside=True) if call.args else ""
        if name in CHANGES:
            return CHANGES[name](path, argument, call.place)
        if name in SELECTS:
            return self._selected(call, path, by_name=name == "ds_select")
        if name in ELSEWHERE:
            return replace(path.dials(f"${{{name}}}", call.place), hosts=path.hosts if name == "dp_translate" else ())
        if name in HEADERS and call.args:
            return self._tagged(name, call, argument, path)
        if name == "t_on_failure":
            return replace(path, failure=call.text(0))
        return replace(path, branch=call.text(0)) if name == "t_on_branch" else path

    def _tagged(self, name: str, call: Call, argument: str, path: Way) -> Way:
        header, _, value = argument.partition(":")
        if name.endswith("_value") or name.startswith("pvh_"):
            header = argument
            value = self._values.of(call.args[1], path, inside=True) if len(call.args) > 1 else ""
        if header.strip().lower() != TAG:
            return path
        return replace(path, tags=(*path.tags, (value.strip()[:LONGEST], call.place))[-4:])

    def _selected(self, call: Call, path: Way, *, by_name: bool) -> Way:
        name = self._values.of(call.args[0], path, inside=True) if call.args else ""
        name = name.partition("=")[2] if by_name else name
        destinations = self._tables.sets.get(name)
        if destinations is None and "$" in name:
            name = ""
            destinations = [destination for set_members in self._tables.sets.values() for destination in set_members]
        hosts = tuple((destination.host, destination.place) for destination in (destinations or [])[:MOST_WAYS])
        socket = next(
            (text for destination in destinations or [] if (text := destination.attr("socket", "sockname"))),
            path.socket,
        )
        return replace(path, hosts=hosts, trunk=f"dispatcher-{name}".rstrip("-"), socket=socket, sent=False)

    def _send(self, call: Call, path: Way, depth: int) -> Way:
        """Record a sent call, and walk its failure route once."""
        target = self._values.of(call.args[0], path, inside=True) if call.args else ""
        if target and not target.startswith("0x") and "." in target:
            path = to_host(path, target.removeprefix("udp:").removeprefix("tcp:").removeprefix("tls:"), call.place)
        if not path.hosts:
            return path
        outs = [path]
        if path.branch:
            outs = self._into("branch_route", path.branch, [replace(path, branch="")], depth) or [path]
        for out in outs:
            self._record_sent(out, call.place)
            if out.failure and (out.failure, out) not in self._followed:
                self._followed.add((out.failure, out))
                self._into("failure_route", out.failure, [replace(out, failure="", branch="")], depth)
        return replace(path, sent=True)

    def _record_sent(self, path: Way, location: Place) -> None:
        sent_call = (replace(path, values=(), failure="", branch="", sent=False), path.at or location)
        if sent_call not in self.sent[-MOST_WAYS * 4 :]:
            self.sent.append(sent_call)

    def _assign(self, step: Assign, path: Way) -> Way:
        return assigned(path, step.target, self._values.of(step.value, path), step.place)

    def _note_sources(self, step: Branch) -> None:
        for name, sign, value in zip(step.condition, step.condition[1:], step.condition[2:], strict=False):
            if sign.sign == "==" and _SOURCE.fullmatch(name.text):
                self.sources.append((value.text, value.place))


def _called_routes(block: Block) -> Iterator[str]:
    """Yield the names of the routes that a block calls."""
    for step in block:
        if isinstance(step, Branch):
            yield from (call.text(0) for call in _calls_in(step.condition) if call.name == "route")
            yield from _called_routes(step.then)
            yield from _called_routes(step.other)
        elif isinstance(step, Choice):
            for case in step.cases:
                yield from _called_routes(case)
        elif isinstance(step, Call) and step.name == "route":
            yield step.text(0)


def _calls_in(condition: Tokens) -> Iterator[Call]:
    """Yield the functions that a condition calls; nested calls in their arguments are not parsed."""
    for at, token in enumerate(condition):
        if token.kind == "word" and at + 1 < len(condition) and condition[at + 1].sign == "(":
            args: list[list[ScriptToken]] = [[]]
            for inner in condition[at + 2 :]:
                if inner.sign == ")":
                    break
                if inner.sign == ",":
                    args.append([])
                else:
                    args[-1].append(inner)
            yield Call(token.text, tuple(tuple(argument) for argument in args), token.place)


def _expression_of(condition: Tokens) -> tuple[str, bool, bool] | None:
    """Return a condition's expression for the number, whether it is negated, and whether it is the whole condition."""
    if any(token.text in ("||", "or") for token in condition if token.kind in ("sign", "word")):
        return None
    for at in range(len(condition) - 2):
        name, sign, value = condition[at : at + 3]
        if value.kind not in ("string", "number") or sign.sign not in ("=~", "!~", "==", "!="):
            continue
        text = value.text if sign.sign in ("=~", "!~") else f"^{re.escape(value.text)}$"
        if name.text in ("$ru", "uri", "$ruri") and sign.sign in ("=~", "!~"):
            uri_match = re.fullmatch(r"\^?sips?:(?P<user>[^@]*)(?P<at>@.*)?", text)
            text = f"^{uri_match['user']}{'$' if uri_match['at'] else ''}" if uri_match else ""
        elif name.text == "$(rU{s.len})" and sign.sign in ("==", "!=") and value.text.isdecimal():
            text = f"^[0-9]{{{value.text[:2]}}}$"
        elif name.text not in ("$rU", "$ruri_user"):
            continue
        negated = sign.sign in ("!~", "!=") or (at >= 2 and condition[at - 2].text in ("!", "not"))  # noqa: PLR2004 - ! and (
        is_whole = not any(token.text in ("&&", "and") for token in condition if token.kind in ("sign", "word"))
        return (text, negated, is_whole) if text else None
    return None
