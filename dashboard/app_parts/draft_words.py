"""How a draft of the list and the switch is said: its changes, why it cannot be a plan, what it would have done."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from dashboard.app_parts.draft import Reading
from dashboard.app_parts.words import address_of, count, join, plain
from dashboard.calls.replay import BROKEN, CANNOT, SAVED
from dashboard.changes import NOBODYS, AllowAddress, Change, Impact, RemoveAddress, SetCredentials
from dashboard.policy import PolicyVersion
from dashboard.snapshot import Snapshot

NOTHING = "What if the list or the switch were different? Nothing is changed yet, so every past call stays as it was."
SAID = 8
"""Changes, and rows that are wrong, that are said one by one."""


def lines(changes: Sequence[Change], snapshot: Snapshot) -> list[str]:
    """Say each change in a line of Markdown, with whose an address is; what is beyond ``SAID`` is counted."""
    said = []
    for change in changes[:SAID]:
        match change:
            case AllowAddress():
                said.append(f":blue[:material/add:] Allow {address_of(change.network, snapshot)}")
            case RemoveAddress():
                said.append(f":blue[:material/remove:] Remove {address_of(change.network, snapshot)}")
            case _:
                said.append(f":blue[:material/key:] {change.sentence()}")
    rest = len(changes) - SAID
    return [*said, f":blue[:material/more_horiz:] and {count(rest, 'more change')}"] if rest > 0 else said


def reason(reading: Reading, most: int) -> str:
    """Say why a draft cannot become a plan; empty where it can."""
    if reading.faults:
        return "Put right or delete the rows named above, then it can be a plan."
    if not reading.changes:
        return "Nothing is changed yet, so there is nothing to plan."
    if len(reading.changes) > most:
        return f"One plan makes at most {count(most, 'change')}; this draft has {len(reading.changes):,}."
    return ""


def title(changes: Sequence[Change], impact: Impact, *, lower_bound: bool, lacking: str = "") -> str:
    """
    Say what a draft would have done, as the page's title.

    Args:
        changes: Of the draft.
        impact: Its replay.
        lower_bound: Refused calls are not on record, so more may be saved than is counted.
        lacking: Which of calls, list and credentials are missing or out of date, as sentences.
    """
    if not changes:
        return f"{NOTHING} {lacking}".strip()
    what = _subject(changes)
    if not any(counted.calls for counted in impact.labels.values()):
        return plain(f"{what}: there are no past calls to tell by. {lacking}".strip())
    if lacking and not (impact.calls(BROKEN) or impact.calls(SAVED)):
        return plain(f"{what}: what it would do to past calls is not known. {lacking}")
    unclear = impact.calls(CANNOT)
    unsure = f"or {count(unclear, 'call')} nobody can tell." if unclear else ""
    if impact.calls(BROKEN) or impact.calls(SAVED):
        answer = f"would {_moved(impact, 'at least ' * lower_bound)}.{f' F{unsure}' if unsure else ''}"
    elif unsure:
        answer = f"would break no past call and save none for certain; f{unsure}"
    else:
        answer = f"would break no past call and save none{' on record' if lower_bound else ''}."
    return plain(f"{what} {answer} {lacking}".strip())


def _moved(impact: Impact, least: str) -> str:
    """Say how many calls would be refused and let in: of PBXs of yours as broken and saved, others as they are."""
    said: list[str] = []
    for ours, theirs, label, names, at_least in (
        ("break", "stop", BROKEN, impact.breaks, ""),
        ("save", "let in", SAVED, impact.saves, least),
    ):
        strangers = [name for name in names if name.endswith(NOBODYS)]
        own = [name for name in names if not name.endswith(NOBODYS)]
        for verb, calls, of in ((ours, impact.ours(label), own), (theirs, impact.nobodys.get(label, 0), strangers)):
            if calls:
                noun = "" if said else " past call" if calls == 1 else " past calls"
                said.append(f"{verb} {at_least}{calls:,}{noun} of {join(of)}")
    return f"{', '.join(said[:-1])} and {said[-1]}" if len(said) > 1 else said[0]


def _subject(changes: Sequence[Change]) -> str:
    """Say what is changed, as the subject of a sentence."""
    match tuple(changes):
        case (AllowAddress() as change,):
            return f"Allowing {change.network}"
        case (RemoveAddress() as change,):
            return f"Removing {change.network}"
        case (SetCredentials() as change,):
            return f"Switching outbound credentials {'on' if change.enabled else 'off'}"
        case _:
            return f"These {len(changes)} changes"


def of_version(version: PolicyVersion, zone: ZoneInfo) -> str:
    """Say from when a policy was in force, and what it let in."""
    switch = {True: "on", False: "off", None: "not known"}[version.policy.credentials_on]
    entries = count(len(version.policy.networks), "entry", "entries")
    return f"{version.valid_from.astimezone(zone):%-d %b %Y %H:%M}: {entries}, credentials {switch}"
