"""
Call replay: which past calls would a change save or break.

Each outbound call is judged under today's policy and under the proposal, by ``policy.admit``, from
what is proven about its PBX. Decided once per distinct key of the roll-up (``judging``), never call
by call. Labels as in the design, section 3. Inbound calls are not judged.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
import pandas as pd

from dashboard import tables
from dashboard.calls.judging import NO, NOT_KNOWN, WAYS, YES, Cases, Judge, Keys, version_index
from dashboard.calls.sums import COUNTED, Flags, Ints, Sums, dollars
from dashboard.calls.unclear import reasons, said
from dashboard.changes import NOBODYS, Impact
from dashboard.policy import Policy
from dashboard.snapshot import Snapshot, members

__all__ = ["BROKEN", "CANNOT", "LABELS", "SAVED", "UNCHANGED", "Replay", "Replayer", "replay", "version_index"]

UNCHANGED, SAVED, BROKEN, CANNOT = "unchanged", "saved", "broken", "cannot tell"
LABELS = (UNCHANGED, SAVED, BROKEN, CANNOT)
AUTHORIZED = {NO: "no", YES: "yes", NOT_KNOWN: CANNOT}


@dataclass(frozen=True)
class _Labels:
    """Of each key its label (a code of ``LABELS``), and how it is met on both sides (of ``WAYS``)."""

    label: Ints
    today_by: Ints
    then_by: Ints
    sides: tuple[Ints, Ints]
    """The numbered facts of each key under both policies."""


class Replayer:
    """
    A snapshot made ready for replays: what does not depend on a proposal is worked out once.

    Nothing of the snapshot is changed.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        """
        Find the keys of the outbound calls and what they prove.

        Args:
            snapshot: Traffic attributed and split at the instants of its versions.
        """
        self.policy = snapshot.policy
        self.since = None if snapshot.since is None else pd.Timestamp(snapshot.since)
        self.names: dict[str, str] = {pbx_id: snapshot.name_of(pbx_id) for pbx_id in snapshot.pbxs["pbx_id"]}
        self.observed = snapshot.observed
        self._versions = snapshot.versions
        self._traffic = snapshot.traffic
        self._is_outbound = (snapshot.traffic["direction"] == "outbound").to_numpy()
        told = snapshot.traffic[["source_ip", "pbx_id", "outcome", "sip_status", "first_at", "last_at"]]
        self.keys = Keys.of(told[self._is_outbound], "first_at", snapshot.versions, self.observed)
        self.names |= {pbx_id: snapshot.name_of(pbx_id) for pbx_id in self.keys.pbxs if pbx_id}
        self._judge = Judge(snapshot, self.keys)
        self.cases = self._judge.cases(self.keys)

    @cached_property
    def outbound(self) -> pd.DataFrame:
        """The rows of the snapshot's traffic that are judged."""
        return self._traffic[self._is_outbound].reset_index(drop=True)

    def against(
        self,
        proposal: Policy,
        *,
        today: Policy | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Replay:
        """
        Judge the outbound calls under one policy and under another.

        Args:
            proposal: The policy to compare with.
            today: The policy to compare it to, which may be a past one; the snapshot's by default.
            since: Only rows that begin then or later count. A row of the roll-up may cover days: for a window
                to the second, split the snapshot's traffic there. What other calls prove stays proven.
            until: Only rows that begin before count.

        Returns:
            The labeled calls.
        """
        return Replay(self, self.policy if today is None else today, proposal, since, until)

    def authorized(self, calls: pd.DataFrame | None = None) -> pd.DataFrame:
        """
        Say of each call whether the policy in force when it was made authorized it.

        Args:
            calls: CALLS, attributed. The outbound rows of the snapshot's traffic by default.

        Returns:
            The rows with ``authorized`` (``yes``, ``no``, ``cannot tell``; ``""`` for inbound calls)
            and ``by`` (``ip``, ``credentials``, ``refused``, or ``""`` where not one way is known).
            A call that ended otherwise than the rule says is ``cannot tell``, as is one without a
            version on record.
        """
        rows = self.outbound if calls is None else calls
        cases = self.cases if calls is None else self.cases_of(calls)
        found = cases.verdicts(np.maximum(cases.then, 0))
        unsure = cases.contradicted | (cases.then < 0)
        answers = np.where(unsure, NOT_KNOWN, found.admitted)
        names = list(AUTHORIZED.values())
        return rows.assign(
            authorized=_named(answers, names, cases, rows), by=_named(np.where(unsure, 0, found.way), WAYS, cases, rows)
        )

    def cases_of(self, calls: pd.DataFrame) -> Cases:
        """Put what the snapshot proves beside single calls (CALLS, attributed)."""
        return self._judge.cases(Keys.of(calls, "started_at", self._versions, self.observed))

    @cached_property
    def sums(self) -> Sums:
        """The sums of each key over the whole window."""
        return Sums.of(self._counted, self.keys.of_row, len(self.keys))

    def sums_of(self, chosen: Flags) -> Sums:
        """Add up each key over some of the outbound rows."""
        return Sums.of(self._counted[chosen], self.keys.of_row[chosen], len(self.keys))

    @property
    def _counted(self) -> pd.DataFrame:
        return self._traffic[list(COUNTED)][self._is_outbound]

    @cached_property
    def who(self) -> tuple[Ints, list[str]]:
        """Whose each key is: places in a list of names, of PBXs and of addresses that are nobody's."""
        ours = [self.names.get(pbx, pbx) for pbx in self.keys.pbxs]
        nobodys = [f"{address}{NOBODYS}" for address in self.keys.sources]
        of_none = (self.keys.pbxs == "").to_numpy()[self.keys.pbx]
        return np.where(of_none, len(ours) + self.keys.source, self.keys.pbx), [*ours, *nobodys]


class Replay:
    """A replay's answer."""

    def __init__(
        self, replayer: Replayer, today: Policy, proposal: Policy, since: datetime | None, until: datetime | None
    ) -> None:
        """Label each key; ``Replayer.against`` and ``replay`` are the ways to make one."""
        self._of, self._today, self._proposal = replayer, today, proposal
        self._keys = _labels(replayer.cases, today, proposal)
        self._chosen: Flags | None = None
        self.since, self.until = replayer.since, until
        if since is not None:
            at = pd.Timestamp(since)
            self.since = at if self.since is None else max(at, self.since)
            self._chosen = (replayer.outbound["first_at"] >= self.since).to_numpy()
        if until is not None:
            before = (replayer.outbound["first_at"] < pd.Timestamp(until)).to_numpy()
            self._chosen = before if self._chosen is None else self._chosen & before

    @cached_property
    def rows(self) -> pd.DataFrame:
        """
        The outbound rows of the snapshot's traffic, labeled.

        With ``label``, ``today_by`` and ``then_by`` (``ip``, ``credentials``, ``refused``, or ``""``
        where not one way is known). ``CallStore.calls(among=...)`` takes them as they are.
        """
        rows = _labeled(self._of.outbound, self._of.cases, self._keys)
        return rows if self._chosen is None else rows[self._chosen].reset_index(drop=True)

    @cached_property
    def impact(self) -> Impact:
        """Counts by label, the decided share, and who would lose or gain calls."""
        sums, label = self._sums, self._keys.label
        total, undecided = int(sums.calls.sum()), int(sums.calls[label == LABELS.index(CANNOT)].sum())
        moved = (label == LABELS.index(UNCHANGED)) & (self._keys.today_by == WAYS.index("credentials"))
        return Impact(
            labels={name: sums.count(label == code) for code, name in enumerate(LABELS)},
            decided=1.0 if not total else (total - undecided) / total,
            since=None if self.since is None else self.since.to_pydatetime(),
            until=self.until,
            breaks=self.who(BROKEN),
            saves=self.who(SAVED),
            to_ip=int(sums.calls[moved & (self._keys.then_by == WAYS.index("ip"))].sum()),
            nobodys=self._nobodys,
            unclear=self._unclear,
        )

    @property
    def _nobodys(self) -> dict[str, int]:
        """By label, the calls of addresses that nobody owns; only labels that have some."""
        keys, calls = self._of.keys, self._sums.calls
        of_none = (keys.pbxs == "").to_numpy()[keys.pbx]
        found = {name: int(calls[of_none & (self._keys.label == code)].sum()) for code, name in enumerate(LABELS)}
        return {name: count for name, count in found.items() if count}

    @property
    def _unclear(self) -> dict[str, int]:
        """By what would have to be known, the calls that nobody can tell."""
        open_ones = self._keys.label == LABELS.index(CANNOT)
        missing = reasons(self._of.cases, self._keys.sides, self._of.observed)
        found: Counter[str] = Counter()
        for code in np.unique(missing[open_ones]):
            found[said(int(code))] += int(self._sums.calls[open_ones & (missing == code)].sum())
        return {why: count for why, count in found.most_common() if count}

    def who(self, label: str) -> tuple[str, ...]:
        """Return whose calls carry a label: PBXs, then addresses that are nobody's, those with the most calls first."""
        whose, names = self._of.who
        there = (self._keys.label == LABELS.index(label)) & (self._sums.rows > 0)
        calls: Counter[str] = Counter()
        for place, count in zip(whose[there], self._sums.calls[there], strict=True):
            calls[names[place]] += int(count)
        return tuple(sorted(calls, key=lambda name: (name.endswith(NOBODYS), -calls[name], name)))

    def by_pbx(self) -> pd.DataFrame:
        """Return ``who``, ``label``, ``calls``, ``minutes``, ``cost_usd``: a row per PBX or address and label."""
        whose, names = self._of.who
        sums = self._sums
        rows = pd.DataFrame({"who": whose, "label": self._keys.label, "calls": sums.calls})
        rows = rows.assign(seconds=sums.seconds, cost=sums.cost)[sums.rows > 0]
        rows["who"] = rows["who"].map(dict(enumerate(names))).astype("str")
        found = rows.groupby(["who", "label"], as_index=False).sum()
        found = found.assign(
            label=pd.Series([LABELS[code] for code in found["label"]], index=found.index, dtype="str"),
            minutes=found["seconds"] / 60,
            cost_usd=pd.Series([dollars(units) for units in found["cost"]], index=found.index, dtype=tables.MONEY),
        )
        columns = ["who", "label", "calls", "minutes", "cost_usd"]
        return found[columns].sort_values("calls", ascending=False, ignore_index=True)

    def broken_pbxs(self) -> tuple[str, ...]:
        """Return the ids of PBXs of ours that would lose calls."""
        keys = self._of.keys
        there = (self._keys.label == LABELS.index(BROKEN)) & (self._sums.rows > 0)
        return tuple(sorted({one for pbx_id in keys.pbxs.iloc[np.unique(keys.pbx[there])] for one in members(pbx_id)}))

    def label_of(self, calls: pd.DataFrame) -> pd.DataFrame:
        """
        Label single calls, exactly as their rows of the roll-up are.

        Args:
            calls: CALLS, attributed; also such as are not in the snapshot's traffic.

        Returns:
            The calls with the columns of ``rows``; all three are ``""`` for inbound calls.
        """
        cases = self._of.cases_of(calls)
        return _labeled(calls, cases, _labels(cases, self._today, self._proposal))

    @cached_property
    def _sums(self) -> Sums:
        return self._of.sums if self._chosen is None else self._of.sums_of(self._chosen)


def replay(snapshot: Snapshot, proposal: Policy) -> Replay:
    """
    Judge the snapshot's outbound calls under today's policy and under a proposal.

    Args:
        snapshot: Traffic attributed and split at the instants of its versions.
        proposal: The policy to compare with ``snapshot.policy``.

    Returns:
        The labeled calls; nothing of the snapshot is changed. For many proposals, keep a ``Replayer``.
    """
    return Replayer(snapshot).against(proposal)


def _labels(cases: Cases, today: Policy, proposal: Policy) -> _Labels:
    facts, proposed = cases.facts(today), cases.facts(proposal)
    now, then, unsure = cases.verdicts(facts), cases.verdicts(proposed), cases.contradicted
    open_ones = unsure | (now.admitted == NOT_KNOWN) | (then.admitted == NOT_KNOWN)
    moved = np.where(then.admitted == YES, LABELS.index(SAVED), LABELS.index(BROKEN))
    label = np.where(now.admitted == then.admitted, LABELS.index(UNCHANGED), moved)
    label = np.where(open_ones, LABELS.index(CANNOT), label)
    label = np.where(cases.alike(today, proposal), LABELS.index(UNCHANGED), label)
    return _Labels(label, np.where(unsure, 0, now.way), np.where(unsure, 0, then.way), (facts, proposed))


def _labeled(rows: pd.DataFrame, cases: Cases, labels: _Labels) -> pd.DataFrame:
    return rows.assign(
        label=_named(labels.label, LABELS, cases, rows),
        today_by=_named(labels.today_by, WAYS, cases, rows),
        then_by=_named(labels.then_by, WAYS, cases, rows),
    )


def _named(codes: Ints, names: tuple[str, ...] | list[str], cases: Cases, rows: pd.DataFrame) -> pd.Series:
    """Write the answer of each row's key by its name; ``""`` for inbound calls."""
    words = list(dict.fromkeys([*names, ""]))
    chosen = np.where(rows["direction"] == "outbound", codes[cases.keys.of_row], words.index(""))
    return pd.Series(pd.Categorical.from_codes(chosen, pd.Index(words)), index=rows.index)
