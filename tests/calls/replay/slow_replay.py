"""A slow, simple reference of the replay: worlds of PBXs, addresses, policies and calls, labeled call by call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import product
from typing import Any

from hypothesis import strategies as st

from dashboard.domain.admission import Observations, Policy, PolicyVersion
from dashboard.domain.snapshot import Snapshot
from tests.builders import NOW, calls_row, make_snapshot, pbx

ADDRESSES = ("198.51.100.1", "198.51.100.2", "198.51.100.3", "2001:db8::1")
LISTABLE = (*ADDRESSES, "198.51.100.0/30")
WITHIN = {"198.51.100.0/30": ADDRESSES[:3]}
BEGINS = tuple(NOW - timedelta(days=days, milliseconds=-250) for days in (20, 12, 5))
"""When policies came into force: within a second, as in reality."""
SECOND = timedelta(seconds=1)
MOMENTS = tuple(
    at.replace(microsecond=0) + away for at in BEGINS for away in (-SECOND, timedelta(0), SECOND, timedelta(days=3))
)
OUTCOMES = {"answered": 200, "busy_or_no_answer": 486, "bad_number": 404, "refused_auth": 407, "refused_unknown": 403}
NOWHERE = ""
"""Source address of a call whose row has none."""


@dataclass(frozen=True)
class Call:
    """Calls with equal properties."""

    source: str
    who: str
    outcome: str
    at: datetime
    count: int


@dataclass(frozen=True)
class World:
    """An account's calls, and everything on record about it."""

    calls: tuple[Call, ...]
    facts: dict[str, dict[str, str]]
    policies: tuple[Policy, ...]
    observed: Observations

    @property
    def versions(self) -> tuple[PolicyVersion, ...]:
        """Each policy with its start; the last is today's."""
        return tuple(PolicyVersion(*pair) for pair in zip(self.policies, BEGINS, strict=False))

    def snapshot(self, rows: Sequence[dict[str, Any]] | None = None) -> Snapshot:
        """Return the snapshot whose traffic has a row for each call, or the given rows."""
        today = self.policies[-1]
        made = make_snapshot(
            allowed=tuple(sorted(today.networks)),
            credentials_on=today.credentials_on,
            pbxs=[pbx(name, **facts) for name, facts in self.facts.items()],
            traffic=[as_row(call) for call in self.calls] if rows is None else list(rows),
            versions=self.versions,
            observed=self.observed,
        )
        return made if today.prefix_known else replace(made, account=replace(made.account, tech_prefix=""))


def as_row(call: Call, **more: Any) -> dict[str, Any]:
    """Return a call as a row of the roll-up."""
    talked = 60 * call.count if call.outcome == "answered" else 0
    counted = {
        "sip_status": OUTCOMES[call.outcome],
        "calls": call.count,
        "duration_s": talked,
        "cost_usd": f"{0.01 * talked:.8f}",
    }
    return calls_row(call.source, pbx_id=call.who, outcome=call.outcome, at=call.at, **counted) | more


def a_policy(switch: st.SearchStrategy[bool | None]) -> st.SearchStrategy[Policy]:
    """Draw a policy of the account."""
    listed = st.frozensets(st.sampled_from(LISTABLE), max_size=4)
    return st.builds(Policy, listed, switch, st.just("12345678"), st.sampled_from([True, True, False]))


policies = a_policy(st.sampled_from([True, False, None]))
facts_of_one = st.fixed_dictionaries(
    {
        "auth_method": st.sampled_from(["ip", "credentials", "both", "unknown"]),
        "dials_prefix": st.sampled_from(["yes", "no", "unknown"]),
    }
)
some_calls = st.lists(
    st.builds(
        Call,
        source=st.sampled_from([*ADDRESSES, NOWHERE]),
        who=st.sampled_from(["a", "b", ""]),
        outcome=st.sampled_from(sorted(OUTCOMES)),
        at=st.sampled_from(MOMENTS),
        count=st.integers(1, 9),
    ),
    min_size=1,
    max_size=12,
).map(tuple)
observations = st.builds(Observations, st.sampled_from([None, True, False]), st.sampled_from([None, 403, 404]))
worlds = st.builds(
    World,
    calls=some_calls,
    facts=st.fixed_dictionaries({"a": facts_of_one, "b": facts_of_one}),
    policies=st.lists(policies, min_size=1, max_size=3).map(tuple),
    observed=observations,
)


@st.composite
def true_worlds(draw: st.DrawFn) -> tuple[World, bool]:
    """
    Draw a world whose inventory is complete and whose calls ended as the rule demands.

    Returns:
        The world, and whether the carrier lets a digest rescue a call with a prefix; that, and the SIP status of calls
        without prefix and credentials, may be unobserved.
    """
    rescues = draw(st.booleans())
    code = draw(st.sampled_from([403, 404]))
    known = draw(st.booleans())
    plain = st.fixed_dictionaries(
        {"auth_method": st.sampled_from(["ip", "credentials"]), "dials_prefix": st.sampled_from(["yes", "no"])}
    )
    facts = {"a": draw(plain), "b": draw(plain)}
    listed = st.frozensets(st.sampled_from(LISTABLE), max_size=4)
    told = st.builds(Policy, listed, st.booleans(), st.just("12345678"))
    policies = tuple(draw(st.lists(told, min_size=1, max_size=3)))
    bare = World((), facts, policies, Observations(rescues if known else None, code if known else None))
    calls = []
    for place in draw(st.lists(st.tuples(*map(st.sampled_from, (ADDRESSES, ("a", "b"), MOMENTS))), max_size=12)):
        source, who, at = place
        then = in_force(bare, at) or draw(st.sampled_from(policies))
        prefix = facts[who]["dials_prefix"] == "yes"
        on = bool(then.credentials_on)
        digest = facts[who]["auth_method"] != "ip"
        if table(prefix, bool(on_list(then, source)), on, digest, rescues):
            outcome = draw(st.sampled_from(["answered", "busy_or_no_answer", "bad_number"]))
        elif prefix or on:
            outcome = "refused_auth"
        else:
            outcome = {403: "refused_unknown", 404: "bad_number"}[code]
        calls.append(Call(source, who, outcome, at, draw(st.integers(1, 9))))
    return replace(bare, calls=tuple(calls)), rescues


Facts = tuple[bool | None, bool | None, bool | None, bool | None]


def table(prefix: bool, together: bool, on: bool, digest: bool, rescues: bool | None) -> bool | None:
    """Return the admission of one call with every fact known, row by row from the design's admission table."""
    if prefix and together:
        return True
    if prefix:
        return rescues if on and digest else False
    return on and digest


def rule(facts: Facts, rescues: bool | None) -> bool | None:
    """Return the admission of one call by trying every value of each unknown fact."""
    ways = product(*([True, False] if fact is None else [fact] for fact in facts))
    answers = {table(*way, rescues) for way in ways}
    return answers.pop() if len(answers) == 1 else None


def on_list(policy: Policy, source: str) -> bool | None:
    """Return whether the list contains an address or a network around it; ``None`` for a call without a source."""
    if source == NOWHERE and policy.networks:
        return None
    return any(source == entry or source in WITHIN.get(entry, ()) for entry in policy.networks)


def in_force(world: World, at: datetime) -> Policy | None:
    """Return the policy in force at a time; ``None`` before the first and within the second of a change."""
    found = None
    for place, version in enumerate(world.versions):
        second = version.valid_from.replace(microsecond=0)
        if place and at == second:
            return None
        if at >= second:
            found = version.policy
    return found


def facts_under(world: World, call: Call, policy: Policy) -> Facts:
    """Collect the proven facts of a caller from every call it made."""
    known = world.facts.get(call.who)
    dials = None if known is None else {"yes": True, "no": False}.get(known["dials_prefix"])
    holds = None if known is None else {"ip": False, "unknown": None}.get(known["auth_method"], True)
    proven = False
    latest = None
    for other in world.calls:
        then = in_force(world, other.at)
        if (other.source, other.who) != (call.source, call.who) or not then:
            continue
        shown = digest_shown(world, other)
        if shown is not None and (latest is None or (other.at, shown) > latest):
            latest = (other.at, shown)
            holds = shown
        if not seen(world, other):
            continue
        if then.credentials_on is False and on_list(then, other.source) is True:
            dials = proven = True
    together = on_list(policy, call.source)
    return dials, None if together and not (proven or policy.prefix_known) else together, policy.credentials_on, holds


def digest_shown(world: World, call: Call) -> bool | None:
    """Return whether a call itself proves a valid digest or a refused one, with credentials on; else ``None``."""
    then = in_force(world, call.at)
    if then is None or then.credentials_on is not True:
        return None
    if seen(world, call) is False:
        return False
    return True if seen(world, call) and on_list(then, call.source) is False else None


def met(world: World, call: Call, then: Policy) -> Facts:
    """Return the facts of a call at its time; what it proves about its own digest takes precedence."""
    dials, together, on, holds = facts_under(world, call, then)
    shown = digest_shown(world, call)
    return dials, together, on, holds if shown is None else shown


def seen(world: World, call: Call) -> bool | None:
    """Return whether the carrier admitted the call; ``None`` if the outcome proves neither."""
    then = in_force(world, call.at)
    off = then is not None and then.credentials_on is not True
    code = world.observed.no_path_status
    if off and OUTCOMES[call.outcome] == code:
        return None
    return {"answered": True, "busy_or_no_answer": True, "refused_auth": False}.get(call.outcome)


def judged(world: World, call: Call, policy: Policy) -> bool | None:
    """Return the admission of a call under a policy: by the rule, else by its own result under the same facts."""
    facts = facts_under(world, call, policy)
    then = in_force(world, call.at)
    answer = rule(facts, world.observed.digest_rescues_prefix)
    same = then is not None and call.source != NOWHERE and met(world, call, then) == facts
    return seen(world, call) if answer is None and same else answer


def contradicts(world: World, call: Call) -> bool:
    """Return whether a call's result contradicts the rule."""
    then = in_force(world, call.at)
    if then is None or seen(world, call) is None:
        return False
    expected = rule(met(world, call, then), world.observed.digest_rescues_prefix)
    return expected is not None and expected != seen(world, call)


def label(world: World, call: Call, today: Policy, proposal: Policy) -> str:
    """Label one call by the design's second table; the inventory is fresh and no PBX has left an address."""
    found = pairs_of(world, call, today, proposal)
    if contradicts(world, call):
        unknown_source = call.source == NOWHERE and today.networks != proposal.networks
        alike = facts_under(world, call, today) == facts_under(world, call, proposal)
        return "unchanged" if alike and not unknown_source else "cannot tell"
    lost = (True, False) in found
    gained = (False, True) in found
    if lost and gained:
        return "cannot tell"
    if not (lost or gained):
        return "unchanged"
    certain = len(found) == 1
    ours = call.who != ""
    if gained:
        return "saved" if certain else "may be saved"
    if certain:
        return "broken" if ours else "stopped"
    return "may be broken" if ours else "cannot tell"


def pairs_of(world: World, call: Call, today: Policy, proposal: Policy) -> set[tuple[bool, bool]]:
    """Return the possible admissions under both policies, by trying every value of each unknown fact for both."""
    one = facts_under(world, call, today)
    other = facts_under(world, call, proposal)
    somewhere = call.source != NOWHERE or today.networks == proposal.networks
    if somewhere and one == other:
        return {(True, True)}
    accounts = [policy.prefix_known and policy.tech_prefix for policy in (today, proposal)]
    one_fact = somewhere and accounts[0] == accounts[1]
    known = world.observed.digest_rescues_prefix
    values = [[True, False] if fact is None else [fact] for fact in (*one, other[1], other[2], known)]
    found = set()
    for dials, together, on, digest, together_then, on_then, rescues in product(*values):
        if one[1] is None and other[1] is None and one_fact and together != together_then:
            continue
        if one[2] is None and other[2] is None and on != on_then:
            continue
        found.add(
            (
                bool(table(dials, together, on, digest, rescues)),
                bool(table(dials, together_then, on_then, digest, rescues)),
            )
        )
    now = judged(world, call, today)
    then = judged(world, call, proposal)
    return {pair for pair in found if now in (None, pair[0]) and then in (None, pair[1])}


def authorized(world: World, call: Call) -> str:
    """Return whether a call was authorized at its time."""
    then = in_force(world, call.at)
    if then is None or contradicts(world, call):
        return "cannot tell"
    answer = rule(met(world, call, then), world.observed.digest_rescues_prefix)
    if answer is None and call.source != NOWHERE:
        answer = seen(world, call)
    return {True: "yes", False: "no", None: "cannot tell"}[answer]


def as_segments(world: World) -> list[dict[str, Any]]:
    """Aggregate calls into rows that do not straddle the seconds of a change."""
    cuts = [at.replace(microsecond=0) + more for at in BEGINS for more in (timedelta(0), SECOND)]
    alike: dict[tuple[Any, ...], list[Call]] = {}
    for call in world.calls:
        segment = sum(cut <= call.at for cut in cuts)
        alike.setdefault((segment, call.source, call.who, call.outcome), []).append(call)
    rows = []
    for calls in alike.values():
        first = min(call.at for call in calls)
        last = max(call.at for call in calls)
        whole = Call(calls[0].source, calls[0].who, calls[0].outcome, first, sum(call.count for call in calls))
        rows.append(as_row(whole, last_at=last))
    return rows
