"""Texts about a draft of the allow list and the switch: changes, why it cannot be a plan, effect on past calls."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from dashboard.core.text import counted, join
from dashboard.domain.admission import PolicyVersion
from dashboard.domain.changes import UNASSIGNED, AllowAddress, Change, RemoveAddress, ReplayImpact, SetCredentials
from dashboard.domain.replay_labels import AT_RISK, BROKEN, CANNOT, GONE, MAY_BREAK, MAY_SAVE, SAVED, STOPPED
from dashboard.domain.snapshot import Snapshot
from dashboard.web.components.formatting import address_of, plain
from dashboard.web.what_if.draft import DraftReading

NOTHING = "What if the list or the switch were different? Nothing is changed yet, so every past call stays as it was."
NO_CALLS = "What if the list or the switch were different? Nothing is changed yet."
SAID = 8
"""Number of changes, and of invalid rows, that are listed individually."""


def lines(changes: Sequence[Change], snapshot: Snapshot) -> list[str]:
    """Return one line of Markdown per change, with the owner of each address; changes beyond ``SAID`` are counted."""
    result = []
    for change in changes[:SAID]:
        match change:
            case AllowAddress():
                result.append(f":blue[:material/add:] Allow {address_of(change.network, snapshot)}")
            case RemoveAddress():
                result.append(f":blue[:material/remove:] Remove {address_of(change.network, snapshot)}")
            case _:
                result.append(f":blue[:material/key:] {change.describe()}")
    omitted = len(changes) - SAID
    return [*result, f":blue[:material/more_horiz:] and {counted(omitted, 'more change')}"] if omitted > 0 else result


def reason(reading: DraftReading, most: int) -> str:
    """Return why a draft cannot become a plan; empty if it can."""
    if reading.faults:
        return "Put right or delete the rows named above, then it can be a plan."
    if not reading.changes:
        return "Nothing is changed yet, so there is nothing to plan."
    if len(reading.changes) > most:
        return f"One plan makes at most {counted(most, 'change')}; this draft has {len(reading.changes):,}."
    return ""


def title(changes: Sequence[Change], impact: ReplayImpact, *, lower_bound: bool, lacking: str = "") -> str:
    """
    Return the page title: the effect of a draft on past calls.

    Args:
        changes: Changes of the draft.
        impact: Impact of the draft on past calls.
        lower_bound: Refused calls are not on record, so more calls may be saved than are counted.
        lacking: Sentences on which of calls, list, credentials and inventory are missing or out of date.
    """
    if not changes:
        return f"{NOTHING if impact.total else NO_CALLS} {lacking}".strip()
    subject = _subject(changes)
    not_counted = impact.apart.strip()
    if not impact.total:
        return plain(" ".join(filter(None, [f"{subject}: there are no past calls to tell by.", lacking, not_counted])))
    effects = _effect_phrases(impact, "at least " * lower_bound)
    notes = [*_harmless(impact), *_undecided_sentences(impact), *filter(None, [lacking, not_counted])]
    if impact.calls(BROKEN):
        return plain(" ".join([f"{subject} would {join(effects, None)}.", *notes]))
    if lacking and not effects:
        return plain(f"{subject}: what it would do to past calls is not known. {' '.join(notes)}")
    if lacking or not_counted or any(impact.ours(label) for label in AT_RISK):
        head = (
            f"{subject} would {join(effects, None)}; no past call of yours"
            if effects
            else f"{subject}: no past call of yours"
        )
        return plain(" ".join([f"{head} is known to be blocked.", *notes]))
    no_admission = [] if effects else [f"admit none{' on record' * lower_bound}"]
    return plain(
        " ".join([f"{subject} would {join([*effects, 'block no past call of yours', *no_admission], None)}.", *notes])
    )


def _effect_phrases(impact: ReplayImpact, least: str) -> list[str]:
    """Return phrases on the calls that would be blocked, admitted and stopped, with their callers."""
    rows = [
        ("block", impact.calls(BROKEN), impact.who(BROKEN), ""),
        ("admit", impact.ours(SAVED), _names(impact, SAVED), least),
        ("admit", impact.nobodys.get(SAVED, 0), _names(impact, SAVED, unassigned=True), least),
        ("stop", impact.calls(STOPPED), impact.who(STOPPED), ""),
    ]
    phrases: list[str] = []
    for verb, calls, names, at_least in rows:
        if calls:
            noun = "" if phrases else " past call" if calls == 1 else " past calls"
            phrases.append(f"{verb} {at_least}{calls:,}{noun} of {join(names)}")
    return phrases


def _names(impact: ReplayImpact, label: str, *, unassigned: bool = False) -> list[str]:
    return [name for name in impact.who(label) if name.endswith(UNASSIGNED) is unassigned]


def _harmless(impact: ReplayImpact) -> list[str]:
    calls = impact.calls(GONE)
    return [f"{counted(calls, 'past call')} of {join(impact.who(GONE))} cannot recur."] if calls else []


def _undecided_sentences(impact: ReplayImpact) -> list[str]:
    """Return sentences about the undecided calls, worst direction first."""
    parts = [
        text.format(counted(calls, "call"))
        for label, text in ((MAY_BREAK, "{} may be blocked"), (MAY_SAVE, "{} may be admitted"))
        if (calls := impact.calls(label))
    ]
    result = [f"{join(parts, None)}."] if parts else []
    if calls := impact.calls(CANNOT):
        result.append(f"Cannot tell for {counted(calls, 'call')}.")
    return result


def _subject(changes: Sequence[Change]) -> str:
    """Return what is changed, as the subject of a sentence."""
    match tuple(changes):
        case (AllowAddress() as change,):
            return f"Allowing {change.network}"
        case (RemoveAddress() as change,):
            return f"Removing {change.network}"
        case (SetCredentials() as change,):
            return f"Switching outbound credentials {'on' if change.enabled else 'off'}"
        case _:
            return "This change" if len(changes) == 1 else f"These {len(changes)} changes"


def of_version(version: PolicyVersion, zone: ZoneInfo) -> str:
    """Return the start of a policy version, its number of entries and the state of its switch."""
    switch = {True: "on", False: "off", None: "not known"}[version.policy.credentials_on]
    entries = counted(len(version.policy.networks), "entry", "entries")
    return f"{version.valid_from.astimezone(zone):%-d %b %Y %H:%M}: {entries}, credentials {switch}"
