"""Set-up steps of one PBX, each evaluated from evidence. Source: the carrier's guide to IP authentication."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

from dashboard.checks.evidence import calls as call_evidence
from dashboard.core.clocks import to_come
from dashboard.core.elapsed import ago
from dashboard.core.errors import InputError
from dashboard.core.text import counted, join
from dashboard.domain.claims import cure, lacking
from dashboard.domain.findings import Cause, Finding, Status
from dashboard.domain.snapshot import Age, Snapshot, members
from dashboard.schemas.tables import ADMISSION, PROVES, REFUSAL
from dashboard.services.onboarding import notes
from dashboard.services.onboarding.context import ALLOWED_CHECK, ROUTED_CHECK, OnboardingContext
from dashboard.sip.probe import ProbeContext, of_account


class StepProgress(StrEnum):
    """Progress of a step."""

    DONE = "done"
    OPEN = "open"
    SAID = "said, not proven"
    BLOCKED = "waits"
    UNKNOWN = "cannot tell"
    NOT_NEEDED = "not needed"


TO_DO: Final = (StepProgress.OPEN, StepProgress.UNKNOWN)
UNFINISHED: Final = (StepProgress.OPEN, StepProgress.BLOCKED)
PASSED: Final = (StepProgress.DONE, StepProgress.SAID, StepProgress.NOT_NEEDED)
TITLES: Final = {
    "kind": "Know whether its address is static",
    "dial": "Dial the tech prefix",
    "snippet": "Put its configuration on it",
    "allow": "Allow its address",
    "route": "Route its numbers to it",
    "probe": "Place a test call from it",
    "call": "See its first admitted call",
}
"""Titles of the steps for one PBX, in order."""

WAITS_FOR: Final[Mapping[str, tuple[str, ...]]] = {
    "snippet": ("kind",),
    "allow": ("kind",),
    "probe": ("kind", "allow"),
    "call": ("kind", "allow"),
}
"""Steps that must be passed before a step can be done."""

RESTS_ON: Final[Mapping[str, tuple[str, ...]]] = {
    "kind": ("inventory",),
    "dial": ("inventory",),
    "snippet": ("inventory",),
    "probe": ("inventory",),
    "call": ("calls", "allowed_ips", "inventory"),
}
"""Inputs that must be fresh for a step to be done. Steps based on findings are absent: checks ensure freshness."""

PROVEN_BY: Final[Mapping[str, tuple[str, ...]]] = {
    "dial": ("calls", "credentials"),
    "snippet": ("calls", "allowed_ips", "credentials"),
    "probe": ("calls", "allowed_ips"),
}
"""Further inputs that can prove a step, beside what the inventory, a note or a reading says."""

ADDRESS_REFUSED: Final = 403
"""SIP status if prefix and address are not authorized together; the carrier requests credentials with 407."""

ON: Final = {"active": "active", "standby": "on standby", "retired": "retired"}
OF_DYNAMIC: Final = {
    "dial": "With credentials it dials the number without the prefix.",
    "snippet": "It keeps the configuration of its credentials.",
    "allow": "An address that changes is not listed; credentials let it in.",
    "probe": "A test call sends no credentials, so it would be refused.",
}
"""Steps that a PBX with a dynamic address does not need, with reasons."""
OF_STATUS: Final = {
    Status.FAIL: StepProgress.OPEN,
    Status.UNKNOWN: StepProgress.UNKNOWN,
    Status.PASS: StepProgress.DONE,
}
"""Progress of a step that a check evaluates."""
CHECKS: Final = {"allow": ALLOWED_CHECK, "route": ROUTED_CHECK}
"""Check of each step that a check evaluates; its changes complete the step."""

Pbx = Mapping[str, Any]


@dataclass(frozen=True)
class LastKnownStep:
    """Result of a step on the data as recorded, while an input of it is stale."""

    progress: StepProgress
    as_of: datetime
    """When the oldest stale input was last read, UTC."""
    evidence: str


class StepResult(NamedTuple):
    """Result of evaluating a step."""

    progress: StepProgress
    evidence: str
    cause: Cause | None = None
    """Why the result is unknown; set only then."""
    last_known: LastKnownStep | None = None
    """Set only if the cause is a stale input."""
    lacking: tuple[str, ...] = ()
    """Names of inputs of the step that are missing or stale."""


@dataclass(frozen=True)
class OnboardingStep:
    """One step: title, progress and evidence, and the fields of ``StepResult`` on an unknown result."""

    id: str
    title: str
    progress: StepProgress
    evidence: str
    cause: Cause | None = None
    last_known: LastKnownStep | None = None
    lacking: tuple[str, ...] = ()

    @property
    def to_do(self) -> bool:
        """Whether something remains to be done for it, now or according to the last known data."""
        return remains(self.progress, self.last_known)


Judge = Callable[[OnboardingContext, Pbx], StepResult]


def remains(progress: StepProgress, last_known: LastKnownStep | None) -> bool:
    """Return whether something remains to be done, now or according to the last known data."""
    return progress in UNFINISHED or (last_known is not None and last_known.progress in UNFINISHED)


def steps(ground: OnboardingContext, pbx_id: str) -> list[OnboardingStep]:
    """
    Evaluate all steps for one PBX.

    Args:
        ground: Data that the steps are evaluated from.
        pbx_id: Id of the PBX in the inventory.
    """
    pbx = ground.pbxs[pbx_id]
    judges: Mapping[str, Judge] = {
        "kind": _kind,
        "dial": _dial,
        "snippet": _snippet,
        "allow": _allowed,
        "route": _routed,
        "probe": _probe,
        "call": _first_call,
    }
    spared = OF_DYNAMIC if pbx["ip_kind"] == "dynamic" else {}
    evaluated = [
        OnboardingStep(name, title, StepProgress.NOT_NEEDED, spared[name])
        if name in spared
        else OnboardingStep(name, title, *_dated(ground, pbx, name, judges[name]))
        for name, title in TITLES.items()
    ]
    return [_blocked_by_earlier(step, evaluated) for step in evaluated]


def _dated(ground: OnboardingContext, pbx: Pbx, name: str, judge: Judge) -> StepResult:
    """
    Evaluate a step; it is ``UNKNOWN``, with the last known evidence and the reason, if only stale data prove it.

    That is the case if it is done but an input that it rests on is missing or stale, or if it is not done but would be
    with the stale inputs that can prove it.
    """
    known = ground.snapshot
    result = judge(ground, pbx)
    rests_on = not_fresh(known, *RESTS_ON.get(name, ()))
    if result.progress is StepProgress.DONE:
        return _as_last_known(ground, rests_on, result.evidence) if rests_on else result
    stale = [one for one in (*RESTS_ON.get(name, ()), *PROVEN_BY.get(name, ())) if known.age(one) is Age.STALE]
    if stale and result.progress in TO_DO:
        recorded = judge(ground.as_recorded, pbx)
        if recorded.progress is StepProgress.DONE:
            return _as_last_known(ground, stale, recorded.evidence)
    return result._replace(lacking=tuple(dict.fromkeys((*result.lacking, *rests_on))))


def _as_last_known(ground: OnboardingContext, names: Sequence[str], evidence: str) -> StepResult:
    """Return a step that is done according to missing or stale inputs as unknown."""
    known = ground.snapshot
    return out_of_date(known, names, f"Last known: {evidence} {lacking(known, *names)}", StepProgress.DONE, evidence)


def not_fresh(snapshot: Snapshot, *names: str) -> tuple[str, ...]:
    """Return those of the inputs that are missing or stale."""
    return tuple(name for name in names if snapshot.age(name) is not Age.FRESH)


def out_of_date(
    snapshot: Snapshot, names: Sequence[str], evidence: str, progress: StepProgress, recorded: str
) -> StepResult:
    """
    Return an unknown result, because inputs are missing or stale.

    Args:
        snapshot: Provides the age of each input.
        names: The inputs that are missing or stale.
        evidence: Evidence of the unknown result.
        progress: Progress according to the data as recorded.
        recorded: Evidence according to the data as recorded.
    """
    if any(snapshot.age(name) is Age.MISSING for name in names):
        return StepResult(StepProgress.UNKNOWN, evidence, Cause.MISSING, lacking=tuple(names))
    as_of = min(at for name in names if (at := snapshot.freshness[name].as_of) is not None)
    known = LastKnownStep(progress, as_of, recorded)
    return StepResult(StepProgress.UNKNOWN, evidence, Cause.STALE, known, tuple(names))


def _blocked_by_earlier(step: OnboardingStep, evaluated: Sequence[OnboardingStep]) -> OnboardingStep:
    """Change an open step to ``BLOCKED`` if another step must be done first."""
    waits = [
        n
        for n, other_step in enumerate(evaluated, 1)
        if other_step.id in WAITS_FOR.get(step.id, ()) and other_step.progress not in PASSED
    ]
    if not waits or step.progress is not StepProgress.OPEN:
        return step
    return replace(step, progress=StepProgress.BLOCKED, evidence=f"{step.evidence} Step {waits[0]} comes first.")


def next_open(evaluated: Sequence[OnboardingStep]) -> OnboardingStep | None:
    """Return the first open or unknown step; if there is none, the first blocked step, else ``None``."""
    open_one = next((step for step in evaluated if step.progress in TO_DO), None)
    return open_one or next((step for step in evaluated if step.progress is StepProgress.BLOCKED), None)


def answer(evaluated: Sequence[OnboardingStep], name: str, silence: str = "") -> str:
    """
    Return the progress of the set-up as a page title.

    Args:
        evaluated: Steps of one PBX.
        name: Its name as displayed.
        silence: Clause that no call proves now that the PBX places calls (``admitted_calls.silence_of``). A step is
            proven by any call of the whole window.
    """
    step = next_open(evaluated)
    if step is None:
        unproven_count = sum(step.progress is StepProgress.SAID for step in evaluated)
        proven = (
            "every step is proven"
            if not unproven_count
            else f"{counted(unproven_count, 'step')} of it said and not proven"
        )
        return f"{name} is set up: {proven}{f'; {silence}' if silence else ''}."
    number = evaluated.index(step) + 1
    return f"{name}: step {number} of {len(evaluated)} is next, {step.title[0].lower()}{step.title[1:]}."


def calls_by_address(ground: OnboardingContext, pbx_id: str) -> bool:
    """
    Return whether a PBX works without credentials by fresh calls: it dials the prefix, is listed and is admitted.

    Calls from before the first policy on record prove nothing: which way let them in is not known.
    """
    pbx = ground.pbxs[pbx_id]
    if lacking(ground.snapshot, "calls", "allowed_ips", "inventory"):
        return False
    if pbx["ip_kind"] == "dynamic" or _dial(ground, pbx).progress is not StepProgress.DONE:
        return False
    if not _admitted_on_record(ground, ground.calls.get(pbx_id, [])):
        return False
    return (
        _allowed(ground, pbx).progress is StepProgress.DONE and _first_call(ground, pbx).progress is StepProgress.DONE
    )


def _admitted(ground: OnboardingContext, calls: call_evidence.Tallies) -> call_evidence.Tallies:
    """Return the calls that prove admission, without those that the carrier's export of their time does not have."""
    return [call for call in call_evidence.admitted(ground.snapshot, calls) if not call.file_only]


def _admitted_on_record(ground: OnboardingContext, calls: call_evidence.Tallies) -> call_evidence.Tallies:
    """Return the calls that prove admission under a policy on record."""
    return [call for call in _admitted(ground, calls) if call.on_record]


def is_refused(ground: OnboardingContext, pbx_id: str) -> bool:
    """Return whether the last decided call of a PBX, from its current addresses under today's policy, was refused."""
    calls = ground.calls.get(pbx_id, [])
    admitted = _admitted(ground, calls)
    refused = call_evidence.refused(ground.snapshot, calls)
    return bool(refused) and (not admitted or call_evidence.last(refused) > call_evidence.last(admitted))


def _kind(ground: OnboardingContext, pbx: Pbx) -> StepResult:
    addresses = ground.addresses.get(pbx["pbx_id"], [])
    if pbx["ip_kind"] == "dynamic":
        text = "Its address is dynamic, so it signs in with SIP credentials; IP authentication needs a static address."
        return StepResult(
            StepProgress.DONE, f"{text} Its path is shorter: it keeps its credentials, and nothing is listed."
        )
    if not addresses:
        return StepResult(
            StepProgress.OPEN, "It is static, but the inventory has no address for it. Add one on Inventory."
        )
    return StepResult(StepProgress.DONE, f"It is static, at {join(addresses)}.")


def _dial(ground: OnboardingContext, pbx: Pbx) -> StepResult:
    calls = ground.calls.get(pbx["pbx_id"], []) if not lacking(ground.snapshot, "calls", "credentials") else []
    if ground.snapshot.account.credentials_on is False and _admitted_on_record(ground, calls):
        text = "Its calls prove that it dials the prefix: they were admitted with credentials off."
        return StepResult(StepProgress.DONE, text)
    if pbx["auth_method"] == "credentials":
        text = "The inventory says that it signs in with credentials; by its address it has to dial it."
        return StepResult(StepProgress.OPEN, text)
    if pbx["dials_prefix"] == "yes":
        return StepResult(StepProgress.DONE, "It dials the prefix, as the inventory says.")
    if pbx["dials_prefix"] == "no":
        return StepResult(StepProgress.OPEN, "It does not dial the prefix yet, as the inventory says.")
    note = ground.note(pbx["pbx_id"], notes.CONFIGURED)
    if note:
        age = ago(note.at, ground.snapshot.taken_at)
        text = f"{note.by} put the configuration on that dials it, {age}. No call proves it yet."
        return StepResult(StepProgress.SAID, text)
    return StepResult(StepProgress.UNKNOWN, "Nobody said yet whether it dials the prefix.", Cause.UNDECIDABLE)


def _snippet(ground: OnboardingContext, pbx: Pbx) -> StepResult:
    """Evaluate the configuration step: by calls first, then by the configuration read, last by a person's note."""
    pbx_id = pbx["pbx_id"]
    if calls_by_address(ground, pbx_id):
        note_on_reading = "What was read of it stands below." if pbx_id in ground.read else "Nothing was read of it."
        return StepResult(
            StepProgress.DONE, f"Its calls were admitted from its address, so it is on. {note_on_reading}"
        )
    if pbx_id in ground.read:
        return _read_back(ground, pbx_id)
    if (
        not lacking(ground.snapshot, "calls")
        and _dial(ground, pbx).progress is StepProgress.DONE
        and any(map(_proves_trunk, ground.calls.get(pbx_id, [])))
    ):
        return StepResult(StepProgress.DONE, "Its calls reached the carrier, so a trunk is on. Nothing was read of it.")
    note = ground.note(pbx_id, notes.CONFIGURED)
    if note:
        age = ago(note.at, ground.snapshot.taken_at)
        return StepResult(
            StepProgress.SAID, f"{note.by} put it on, {age}. It was not read back, and no call proves it yet."
        )
    return StepResult(StepProgress.OPEN, "Nothing was read of it, and nobody said that it is on.")


def _read_back(ground: OnboardingContext, pbx_id: str) -> StepResult:
    try:
        differ = len(ground.differs(pbx_id))
    except InputError as exc:
        return StepResult(StepProgress.BLOCKED, str(exc))
    if differ:
        verb = "is" if differ == 1 else "are"
        return StepResult(StepProgress.OPEN, f"{counted(differ, 'thing')} in what was read of it {verb} not as wanted.")
    return StepResult(StepProgress.DONE, "What was read of it is as it should be.")


def _proves_trunk(call: call_evidence.Tally) -> bool:
    """Return whether a call proves that a trunk is configured: admitted, or refused by the ACL, not for its digest."""
    proves = PROVES[call.outcome]
    if call.file_only:
        return False
    return proves == ADMISSION or (proves == REFUSAL and call.sip_status == ADDRESS_REFUSED)


def _allowed(ground: OnboardingContext, pbx: Pbx) -> StepResult:
    return _from_findings(ground.of(ALLOWED_CHECK, pbx["pbx_id"]), ground.addresses.get(pbx["pbx_id"], []))


def _routed(ground: OnboardingContext, pbx: Pbx) -> StepResult:
    return _from_findings(ground.of(ROUTED_CHECK, pbx["pbx_id"]), [])


def _from_findings(findings: Sequence[Finding], about: Sequence[str]) -> StepResult:
    if not findings:
        return StepResult(StepProgress.UNKNOWN, "Nothing is known of it yet.", Cause.MISSING)
    worst = min(findings, key=lambda finding: list(Status).index(finding.status))
    untold = [address for address in about if address not in worst.reason]
    tail = f" ({join(untold)})" if worst.status is Status.PASS and untold else ""
    old = worst.last_known
    last_known = LastKnownStep(OF_STATUS[old.status], old.as_of, old.reason) if old else None
    return StepResult(OF_STATUS[worst.status], f"{worst.reason}{tail}", worst.cause, last_known, worst.lacking)


def _probe(ground: OnboardingContext, pbx: Pbx) -> StepResult:
    """Evaluate the test call step: by real calls, else by a test call since the policy for its address changed."""
    note = ground.note(pbx["pbx_id"], notes.CALLED)
    if _first_call(ground, pbx).progress is StepProgress.DONE and not lacking(ground.snapshot, *RESTS_ON["call"]):
        return StepResult(StepProgress.DONE, "Calls of its own were admitted, which says more than a test call.")
    if note is not None:
        return _test_call(ground, pbx, note)
    if pbx["status"] != "active":
        return StepResult(
            StepProgress.NOT_NEEDED, f"It is {ON[pbx['status']]}. A test call would show that it is ready."
        )
    return StepResult(StepProgress.OPEN, f"No test call from it was noted yet.{_reached(ground, pbx)}")


def _test_call(ground: OnboardingContext, pbx: Pbx, note: notes.Note) -> StepResult:
    since = ground.counts_from(ground.addresses.get(pbx["pbx_id"], []))
    response = f"{note.content['sip_status'] or 'no answer'} {note.content['sip_reason']}".strip()
    outcome = f"{response}, {ago(note.at, ground.snapshot.taken_at)}"
    if to_come(note.at, ground.snapshot.taken_at):
        return StepResult(
            StepProgress.OPEN, f"The last test call ({outcome}) was noted while the clock was ahead. Make another."
        )
    if since is not None and note.at < since:
        return StepResult(
            StepProgress.OPEN, f"The last test call ({outcome}) was before the policy for its address changed."
        )
    if note.content["admitted"]:
        return StepResult(StepProgress.DONE, f"A test call from {note.content['source']} was admitted: {outcome}.")
    result = "was refused" if note.content["admitted"] is False else "says nothing of admission"
    account_note = _account_comparison(ground, note.content) if note.content["sip_status"] is not None else ""
    return StepResult(
        StepProgress.OPEN, f"The last test call {result}: {outcome}. {note.content['meaning']}{account_note}"
    )


def _account_comparison(ground: OnboardingContext, note_content: Mapping[str, Any]) -> str:
    """Return how the account's policy explains an answered test call; ``""`` if the account was not read."""
    snapshot = ground.snapshot
    read_times = [fresh.as_of for name in ("allowed_ips", "credentials") if (fresh := snapshot.freshness.get(name))]
    times = [at for at in read_times if at is not None]
    if len(times) < len(("allowed_ips", "credentials")):
        return ""
    account = ProbeContext(
        snapshot.policy, min(times), sample=snapshot.account.sample, public=snapshot.treated_as_public
    )
    return f" {of_account(account, source=note_content['source'], request_uri=note_content.get('request_uri', ''))}"


def _reached(ground: OnboardingContext, pbx: Pbx) -> str:
    note = ground.note(pbx["pbx_id"], notes.REACHED)
    if note is None:
        return ""
    pops = note.content["pops"]
    answered_count = sum(pop["sip_status"] is not None for pop in pops)
    age = ago(note.at, ground.snapshot.taken_at)
    return f" {answered_count} of {counted(len(pops), 'PoP')} answered the machine of this dashboard, {age}."


def _unheard(ground: OnboardingContext, pbx: Pbx) -> StepResult:
    snapshot = ground.snapshot
    if pbx["status"] != "active":
        return StepResult(StepProgress.NOT_NEEDED, f"It is {ON[pbx['status']]}: no call is expected.")
    age = snapshot.age("calls")
    if age is not Age.FRESH:
        text = f"The calls on record are {age}, and none of them is of this PBX. {cure(snapshot, 'calls')}"
        return out_of_date(snapshot, ("calls",), text, StepProgress.OPEN, "None of the calls on record is of this PBX.")
    sharing = next((members(pbx_ids) for pbx_ids in ground.heard if pbx["pbx_id"] in members(pbx_ids)), ())
    if sharing:
        other_names = join(snapshot.name_of(pbx_ids) for pbx_ids in sharing if pbx_ids != pbx["pbx_id"])
        text = f"Calls come from an address that it shares with {other_names}, and nothing tells whose they are."
        return StepResult(
            StepProgress.OPEN, f"{text} Set an X-Tag on each of them, in the inventory and in its dialplan."
        )
    return StepResult(
        StepProgress.OPEN, f"No outbound call of it was seen in the last {counted(snapshot.window_days, 'day')}."
    )


def _no_own_call(*, has_address: bool) -> StepResult:
    if has_address:
        return StepResult(
            StepProgress.OPEN, "No call was seen from its address of today since the policy for that changed."
        )
    claim = "Only an X-Tag or a caller id ties calls to it, and any caller can write that"
    return StepResult(StepProgress.UNKNOWN, f"{claim}. Add its address on the page Inventory.", Cause.UNDECIDABLE)


def _first_call(ground: OnboardingContext, pbx: Pbx) -> StepResult:
    snapshot = ground.snapshot
    pbx_id = pbx["pbx_id"]
    if pbx_id not in ground.heard:
        return _unheard(ground, pbx)
    calls = ground.calls.get(pbx_id, [])
    if not calls:
        return _no_own_call(has_address=bool(ground.addresses.get(pbx_id)))
    if is_refused(ground, pbx_id):
        age = ago(call_evidence.last(call_evidence.refused(snapshot, calls)), snapshot.taken_at)
        return StepResult(StepProgress.OPEN, f"Its last call was refused for authorization, {age}.")
    admitted = _admitted(ground, calls)
    if not admitted:
        age = ago(call_evidence.last(calls), snapshot.taken_at)
        text = f"Its last call, {age}, ended in a way that proves neither admission nor refusal."
        if call_evidence.admitted(snapshot, calls):
            text = "Its admitted calls are only in imported files, and the carrier's export of that time lacks them."
        return StepResult(StepProgress.UNKNOWN, text, Cause.UNDECIDABLE)
    age = ago(call_evidence.last(admitted), snapshot.taken_at)
    if pbx["ip_kind"] != "dynamic" and _allowed(ground, pbx).progress is StepProgress.OPEN:
        text = f"Its last call was admitted by its credentials, {age}: not every address is allowed."
        return StepResult(StepProgress.OPEN, text)
    return StepResult(StepProgress.DONE, f"Its last call was admitted, {age}.")
