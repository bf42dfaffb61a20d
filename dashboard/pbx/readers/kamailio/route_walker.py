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
        called = {name for route in script.routes for name in _called(route.block)}
        parts = [route for route in script.routes if route.kind == "route" and route.name not in called]
        for route in main or parts:
            self._begin(route.block)

    def _begin(self, block: Block) -> None:
        """Walk a route that no other route calls; keep a path that ends with a destination but was not sent."""
        self._returned.append([])
        ways = [*self._walk(block, [Way()], 0), *self._returned.pop()]
        for way in ways:
            if way.hosts and not way.sent:
                self._keep(way, way.hosts[0][1])

    def _walk(self, block: Block, ways: list[Way], depth: int) -> list[Way]:
        for step in block:
            self._steps += len(ways)
            if self._steps > MOST_STEPS or depth > DEEPEST:
                self.cut = True
                return ways
            if isinstance(step, End):
                if step.word == "return" and self._returned:
                    self._returned[-1] += ways
                return ways if step.word == "break" else []
            if isinstance(step, Call):
                ways = self._call(step, ways, depth)
            elif isinstance(step, Assign):
                ways = [self._assign(step, way) for way in ways]
            elif isinstance(step, Branch):
                ways = self._branch(step, ways, depth)
            elif isinstance(step, Choice):
                ways = [way for case in (*step.cases, ()) for way in self._walk(case, ways, depth + 1)]
            if len(ways) > MOST_WAYS:
                self.cut = True
            ways = list(dict.fromkeys(ways))[:MOST_WAYS]
        return ways

    def _branch(self, step: Branch, ways: list[Way], depth: int) -> list[Way]:
        for call in _calls_in(step.condition):
            ways = self._call(call, ways, depth)
        self._note_sources(step)
        then: list[Way] = []
        other: list[Way] = []
        for way in ways:
            true, false = self._decided(step, way)
            then += true
            other += false
        then = self._walk(step.then, list(dict.fromkeys(then)), depth + 1) if then else []
        other = self._walk(step.other, list(dict.fromkeys(other)), depth + 1) if other else []
        return [*then, *other]

    def _decided(self, step: Branch, way: Way) -> tuple[list[Way], list[Way]]:
        """Return the paths for a true and a false condition; both are possible unless it tests the number."""
        asked = _expression_of(step.condition)
        if asked is None:
            return [way], [way]
        expression, negated, alone = asked
        if way.number == DIALED:
            fitting = [way.dials(shape, step.place) if shape != DIALED else way for shape in shapes(expression)]
            true = fitting or [way]
            false = [way]
        else:
            found = matches(expression, way.number)
            true = [way] if found is not False else []
            false = [way] if not found else []
        if not alone:
            false = [way]
        return (false, true) if negated else (true, false)

    def _call(self, call: Call, ways: list[Way], depth: int) -> list[Way]:
        name = call.name.lower()
        if name == "route":
            return self._into("route", call.text(0), ways, depth)
        if name in ALLOWS | FROM_SETS:
            (self.allowed if name in ALLOWS else self.from_sets).add(call.text(0))
        if name in ("uac_auth", "uac_auth_mode"):
            for way in ways:
                self.signs_in.setdefault(way.trunk, call.place)
            return ways
        if SENDS.fullmatch(name):
            return [self._send(call, way, depth) for way in ways]
        return [self._changed(name, call, way) for way in ways]

    def _into(self, kind: str, name: str, ways: list[Way], depth: int) -> list[Way]:
        block = self._routes.get((kind, name.strip()))
        if block is None or depth > DEEPEST:
            self.cut |= block is not None
            return ways
        self._returned.append([])
        live = self._walk(block, ways, depth + 1)
        return list(dict.fromkeys([*live, *self._returned.pop()]))

    def _changed(self, name: str, call: Call, way: Way) -> Way:
        """Return the path after a function that may change its destination, number or headers."""
        said = self._values.of(call.args[0], way, inside=True) if call.args else ""
        if name in CHANGES:
            return CHANGES[name](way, said, call.place)
        if name in SELECTS:
            return self._selected(call, way, by_name=name == "ds_select")
        if name in ELSEWHERE:
            return replace(way.dials(f"${{{name}}}", call.place), hosts=way.hosts if name == "dp_translate" else ())
        if name in HEADERS and call.args:
            return self._tagged(name, call, said, way)
        if name == "t_on_failure":
            return replace(way, failure=call.text(0))
        return replace(way, branch=call.text(0)) if name == "t_on_branch" else way

    def _tagged(self, name: str, call: Call, said: str, way: Way) -> Way:
        header, _, value = said.partition(":")
        if name.endswith("_value") or name.startswith("pvh_"):
            header = said
            value = self._values.of(call.args[1], way, inside=True) if len(call.args) > 1 else ""
        if header.strip().lower() != TAG:
            return way
        return replace(way, tags=(*way.tags, (value.strip()[:LONGEST], call.place))[-4:])

    def _selected(self, call: Call, way: Way, *, by_name: bool) -> Way:
        name = self._values.of(call.args[0], way, inside=True) if call.args else ""
        name = name.partition("=")[2] if by_name else name
        found = self._tables.sets.get(name)
        if found is None and "$" in name:
            name = ""
            found = [one for many in self._tables.sets.values() for one in many]
        hosts = tuple((one.host, one.place) for one in (found or [])[:MOST_WAYS])
        socket = next((text for one in found or [] if (text := one.attr("socket", "sockname"))), way.socket)
        return replace(way, hosts=hosts, trunk=f"dispatcher-{name}".rstrip("-"), socket=socket, sent=False)

    def _send(self, call: Call, way: Way, depth: int) -> Way:
        """Record a sent call, and walk its failure route once."""
        target = self._values.of(call.args[0], way, inside=True) if call.args else ""
        if target and not target.startswith("0x") and "." in target:
            way = to_host(way, target.removeprefix("udp:").removeprefix("tcp:").removeprefix("tls:"), call.place)
        if not way.hosts:
            return way
        outs = [way]
        if way.branch:
            outs = self._into("branch_route", way.branch, [replace(way, branch="")], depth) or [way]
        for out in outs:
            self._keep(out, call.place)
            if out.failure and (out.failure, out) not in self._followed:
                self._followed.add((out.failure, out))
                self._into("failure_route", out.failure, [replace(out, failure="", branch="")], depth)
        return replace(way, sent=True)

    def _keep(self, way: Way, place: Place) -> None:
        one = (replace(way, values=(), failure="", branch="", sent=False), way.at or place)
        if one not in self.sent[-MOST_WAYS * 4 :]:
            self.sent.append(one)

    def _assign(self, step: Assign, way: Way) -> Way:
        return assigned(way, step.target, self._values.of(step.value, way), step.place)

    def _note_sources(self, step: Branch) -> None:
        for one, sign, value in zip(step.condition, step.condition[1:], step.condition[2:], strict=False):
            if sign.sign == "==" and _SOURCE.fullmatch(one.text):
                self.sources.append((value.text, value.place))


def _called(block: Block) -> Iterator[str]:
    """Yield the names of the routes that a block calls."""
    for step in block:
        if isinstance(step, Branch):
            yield from (call.text(0) for call in _calls_in(step.condition) if call.name == "route")
            yield from _called(step.then)
            yield from _called(step.other)
        elif isinstance(step, Choice):
            for case in step.cases:
                yield from _called(case)
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
            yield Call(token.text, tuple(tuple(one) for one in args), token.place)


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
            found = re.fullmatch(r"\^?sips?:(?P<user>[^@]*)(?P<at>@.*)?", text)
            text = f"^{found['user']}{'$' if found['at'] else ''}" if found else ""
        elif name.text == "$(rU{s.len})" and sign.sign in ("==", "!=") and value.text.isdecimal():
            text = f"^[0-9]{{{value.text[:2]}}}$"
        elif name.text not in ("$rU", "$ruri_user"):
            continue
        negated = sign.sign in ("!~", "!=") or (at >= 2 and condition[at - 2].text in ("!", "not"))  # noqa: PLR2004 - ! and (
        alone = not any(token.text in ("&&", "and") for token in condition if token.kind in ("sign", "word"))
        return (text, negated, alone) if text else None
    return None
