"""
Call replay: which past calls a change would save or break.

Each outbound call is evaluated under today's policy and under the proposal by ``admission.admit``, from what is proven
about its PBX. The evaluation runs once per distinct key of the roll-up (``policy_evaluator``), never call by call.
Labels are those of ``replay_labels``. Inbound calls are not evaluated.

``Replay`` is the only source of counts: pages, guards, the command line and exports use its ``impact`` or ``by_pbx``.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
import pandas as pd

from dashboard import schemas
from dashboard.calls.replay import direction
from dashboard.calls.replay.callers import Callers
from dashboard.calls.replay.exact_sums import COUNTED, Flags, Ints, Sums, dollars
from dashboard.calls.replay.policy_evaluator import NO, NOT_KNOWN, WAYS, YES, Cases, Judge, Keys, version_index
from dashboard.calls.replay.undecided import OF_CLAIM, OF_INVENTORY, OF_LEFT, reason_text, reasons
from dashboard.core.addresses import covering
from dashboard.core.text import first_of
from dashboard.domain.admission import Policy
from dashboard.domain.changes import UNASSIGNED, ReplayImpact
from dashboard.domain.replay_labels import (
    AT_RISK,
    BROKEN,
    CANNOT,
    GONE,
    LABELS,
    MAY_BREAK,
    MAY_SAVE,
    SAVED,
    STOPPED,
    UNCHANGED,
    UNDECIDED,
)
from dashboard.domain.snapshot import Snapshot, members

__all__ = [
    "AT_RISK",
    "BROKEN",
    "CANNOT",
    "GONE",
    "LABELS",
    "MAY_BREAK",
    "MAY_SAVE",
    "SAVED",
    "STOPPED",
    "UNCHANGED",
    "UNDECIDED",
    "Replay",
    "Replayer",
    "replay",
    "version_index",
]

CODE = {name: code for code, name in enumerate(LABELS)}
CALLER = ("direction", "source_ip", "pbx_id", "attributed_by")
TEXTS = ("today", "then", "why")
MOST_DECIDERS = 3
"""Maximum list entries and reasons named in a row."""
AUTHORIZED = {NO: "no", YES: "yes", NOT_KNOWN: CANNOT}


@dataclass(frozen=True)
class _Labels:
    """Label and verdicts of each key."""

    label: Ints
    """Codes of ``LABELS``."""
    today_by: Ints
    """Way in which each key is admitted or refused today, codes of ``WAYS``."""
    then_by: Ints
    today_in: Ints
    """Whether each key is admitted today, codes of ``FACTS``."""
    then_in: Ints
    missing: Ints
    """Unknown facts that would decide each key, as bit sets for ``undecided.reason_text``."""


class Replayer:
    """
    A snapshot prepared for replays: everything independent of a proposal is computed once.

    The snapshot is not modified.
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
        file_only = snapshot.file_only_traffic
        self.apart = file_only.loc[(file_only["direction"] == "outbound").to_numpy(), ["first_at", "calls"]]
        """Outbound calls that only imported files have; they are not evaluated."""
        self._is_outbound = (snapshot.traffic["direction"] == "outbound").to_numpy()
        self._addresses = snapshot.pbx_addresses
        evidence = snapshot.traffic[[*CALLER, "outcome", "sip_status", "first_at", "last_at"]]
        self.keys = Keys.of(evidence[self._is_outbound], "first_at", snapshot.versions, self.observed, self._addresses)
        self.names |= {pbx_id: snapshot.name_of(pbx_id) for pbx_id in self.keys.pbxs if pbx_id}
        self._judge = Judge(snapshot, self.keys)
        self.callers = Callers.of(snapshot)
        self.cases = self._judge.cases(self.keys)

    @cached_property
    def outbound(self) -> pd.DataFrame:
        """The rows of the snapshot's traffic that are evaluated."""
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
        Evaluate the outbound calls under two policies.

        Args:
            proposal: The proposed policy.
            today: The policy to compare it with, which may be a past one; the snapshot's policy by default.
            since: Count only rows that start then or later. A row of the roll-up may cover days: for a window exact to
                the second, split the snapshot's traffic there. Facts proven by other calls remain proven.
            until: Count only rows that start before.

        Returns:
            The labeled calls.
        """
        return Replay(self, self.policy if today is None else today, proposal, since, until)

    def authorized(self, calls: pd.DataFrame | None = None) -> pd.DataFrame:
        """
        Return for each call whether the policy in force at the time authorized it.

        Args:
            calls: CALLS, attributed. The outbound rows of the snapshot's traffic by default.

        Returns:
            The rows with ``authorized`` (``yes``, ``no``, ``cannot tell``; ``""`` for inbound calls) and ``by``
            (``ip``, ``credentials``, ``refused``, or ``""`` if no single way is known). A call whose outcome
            contradicts the rule is ``cannot tell``, as is one without a version on record.
        """
        rows = self.outbound if calls is None else calls
        cases = self.cases if calls is None else self.cases_of(calls)
        verdicts = cases.verdicts(np.maximum(cases.then, 0))
        unsure = cases.contradicted | (cases.then < 0)
        answers = np.where(unsure, NOT_KNOWN, verdicts.admitted)
        names = list(AUTHORIZED.values())
        return rows.assign(
            authorized=_categorical(answers, names, cases, rows),
            by=_categorical(np.where(unsure, 0, verdicts.way), WAYS, cases, rows),
        )

    def cases_of(self, calls: pd.DataFrame) -> Cases:
        """Combine single calls (CALLS, attributed) with what the snapshot proves."""
        return self._judge.cases(Keys.of(calls, "started_at", self._versions, self.observed, self._addresses))

    @cached_property
    def sums(self) -> Sums:
        """Sums of each key over the whole window."""
        return Sums.of(self._counted, self.keys.of_row, len(self.keys))

    def sums_of(self, selected: Flags) -> Sums:
        """Return the sums of each key over some of the outbound rows."""
        return Sums.of(self._counted[selected], self.keys.of_row[selected], len(self.keys))

    @property
    def _counted(self) -> pd.DataFrame:
        return self._traffic[list(COUNTED)][self._is_outbound]

    @cached_property
    def who(self) -> tuple[Ints, list[str]]:
        """Caller of each key: indexes into a list of names of PBXs and of unassigned addresses."""
        pbx_names = [self.names.get(pbx, pbx) for pbx in self.keys.pbxs]
        unassigned_names = [f"{address}{UNASSIGNED}" for address in self.keys.sources]
        of_none = self.callers.unassigned(self.keys)
        return np.where(of_none, len(pbx_names) + self.keys.source, self.keys.pbx), [*pbx_names, *unassigned_names]


class Replay:
    """Result of a replay."""

    def __init__(
        self, replayer: Replayer, today: Policy, proposal: Policy, since: datetime | None, until: datetime | None
    ) -> None:
        """Label each key; create instances with ``Replayer.against`` or ``replay``."""
        self._of = replayer
        self._today = today
        self._proposal = proposal
        self._keys = self._labels(replayer.cases)
        self._chosen: Flags | None = None
        self.since = replayer.since
        self.until = until
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

        Adds ``label``, ``today_by`` and ``then_by`` (``ip``, ``credentials``, ``refused``, or ``""`` if no single way
        is known), and as text ``today`` and ``then`` (what decides the call: the list entry, credentials, or nothing)
        and ``why`` (the reason, if it is undecided). ``CallStore.calls(among=...)`` accepts these rows.
        """
        rows = self._labeled(self._of.outbound, self._of.cases, self._keys)
        return rows if self._chosen is None else rows[self._chosen].reset_index(drop=True)

    @cached_property
    def impact(self) -> ReplayImpact:
        """Counts by label, the decided share, and the callers that would lose or gain calls."""
        sums = self._sums
        label = self._keys.label
        total = int(sums.calls.sum())
        undecided = int(sums.calls[self._labeled_any(UNDECIDED)].sum())
        was_by_credentials = (label == CODE[UNCHANGED]) & (self._keys.today_by == WAYS.index("credentials"))
        return ReplayImpact(
            labels={name: sums.count(label == code) for code, name in enumerate(LABELS)},
            decided=1.0 if not total else (total - undecided) / total,
            since=None if self.since is None else self.since.to_pydatetime(),
            until=self.until,
            breaks=self.who(BROKEN),
            saves=self.who(SAVED),
            to_ip=int(sums.calls[was_by_credentials & (self._keys.then_by == WAYS.index("ip"))].sum()),
            nobodys=self._unassigned,
            unclear=self._reasons(UNDECIDED),
            callers={name: caller_names for name in LABELS if name != UNCHANGED and (caller_names := self.who(name))},
            reasons={name: reason_counts for name in UNDECIDED if (reason_counts := self._reasons((name,)))},
            not_judged=self._not_judged,
        )

    @property
    def _not_judged(self) -> int:
        rows = self._of.apart
        if self.since is not None:
            rows = rows[rows["first_at"] >= self.since]
        if self.until is not None:
            rows = rows[rows["first_at"] < pd.Timestamp(self.until)]
        return int(rows["calls"].sum())

    def _labeled_any(self, labels: tuple[str, ...]) -> Flags:
        """Return which keys have one of the given labels."""
        result: Flags = np.isin(self._keys.label, [CODE[name] for name in labels])
        return result

    @property
    def _unassigned(self) -> dict[str, int]:
        """Calls of unassigned addresses by label; only labels that have some."""
        of_none = self._of.callers.unassigned(self._of.keys)
        calls = self._sums.calls
        counts = {name: int(calls[of_none & (self._keys.label == code)].sum()) for code, name in enumerate(LABELS)}
        return {name: count for name, count in counts.items() if count}

    def _reasons(self, labels: tuple[str, ...]) -> dict[str, int]:
        """Count the calls of undecided labels by reason."""
        selected = self._labeled_any(labels)
        counts: Counter[str] = Counter()
        for code in np.unique(self._keys.missing[selected]):
            counts[reason_text(int(code))] += int(self._sums.calls[selected & (self._keys.missing == code)].sum())
        return {reason: count for reason, count in counts.most_common() if count}

    def who(self, label: str) -> tuple[str, ...]:
        """Return the callers of a label's calls: PBXs, then unassigned addresses, most calls first."""
        callers, names = self._of.who
        has_label = (self._keys.label == CODE[label]) & (self._sums.rows > 0)
        calls: Counter[str] = Counter()
        for caller, count in zip(callers[has_label], self._sums.calls[has_label], strict=True):
            calls[names[caller]] += int(count)
        return tuple(sorted(calls, key=lambda name: (name.endswith(UNASSIGNED), -calls[name], name)))

    def by_pbx(self) -> pd.DataFrame:
        """
        Return the calls by caller and label, most calls first.

        Returns:
            ``who`` (a PBX's name, or an unassigned address), ``label``, ``calls``, ``minutes``, ``cost_usd``, ``today``
            and ``then`` (what decides the calls today and under the proposal), ``why`` (the reason if they are
            undecided, else ``""``).
        """
        callers, names = self._of.who
        sums = self._sums
        keys = self._keys
        cases = self._of.cases
        rows = pd.DataFrame({"who": callers, "label": keys.label, "calls": sums.calls})
        rows = rows.assign(
            seconds=sums.seconds,
            cost=sums.cost,
            today=self._deciders(cases, keys.today_by, keys.today_in, self._today),
            then=self._deciders(cases, keys.then_by, keys.then_in, self._proposal),
            why=self._whys(keys),
        )[sums.rows > 0]
        rows["who"] = rows["who"].map(dict(enumerate(names))).astype("str")
        groups = rows.groupby(["who", "label"], as_index=False)
        result = groups[["calls", "seconds", "cost"]].sum()
        texts = _texts(rows).reindex(pd.MultiIndex.from_frame(result[["who", "label"]]))
        result = result.assign(
            label=pd.Series([LABELS[code] for code in result["label"]], index=result.index, dtype="str"),
            minutes=result["seconds"] / 60,
            cost_usd=pd.Series([dollars(units) for units in result["cost"]], index=result.index, dtype=schemas.MONEY),
            **{name: pd.Series([*texts[name]], index=result.index, dtype="str") for name in TEXTS},
        )
        columns = ["who", "label", "calls", "minutes", "cost_usd", "today", "then", "why"]
        return result[columns].sort_values("calls", ascending=False, ignore_index=True)

    def pbxs(self, *labels: str) -> tuple[str, ...]:
        """Return the IDs of our PBXs that have calls of these labels, sorted."""
        keys = self._of.keys
        has_label = self._labeled_any(labels) & (self._sums.rows > 0)
        return tuple(
            sorted({member for pbx_id in keys.pbxs.iloc[np.unique(keys.pbx[has_label])] for member in members(pbx_id)})
        )

    def broken_pbxs(self) -> tuple[str, ...]:
        """Return the IDs of our PBXs that would lose calls."""
        return self.pbxs(BROKEN)

    def label_of(self, calls: pd.DataFrame) -> pd.DataFrame:
        """
        Label single calls exactly as their rows of the roll-up.

        Args:
            calls: CALLS, attributed; may include calls that are not in the snapshot's traffic.

        Returns:
            The calls with the columns of ``rows``, all ``""`` for inbound calls.
        """
        cases = self._of.cases_of(calls)
        return self._labeled(calls, cases, self._labels(cases))

    @cached_property
    def _sums(self) -> Sums:
        return self._of.sums if self._chosen is None else self._of.sums_of(self._chosen)

    def _labels(self, cases: Cases) -> _Labels:
        """Label keys by both verdicts, then by caller."""
        before = cases.facts(self._today)
        after = cases.facts(self._proposal)
        now = cases.verdicts(before)
        proposed = cases.verdicts(after)
        unsure = cases.contradicted
        same_authorization = np.full(len(cases.keys), self._one_authorization())
        if self._today.networks != self._proposal.networks:
            same_authorization &= ~cases.anywhere
        observed = self._of.observed
        pairs = direction.possible(
            before, after, now.admitted, proposed.admitted, same_unknown=same_authorization, observed=observed
        )
        label = np.where(unsure, CODE[CANNOT], _OF_PAIRS[pairs])
        label = np.where(cases.alike(self._today, self._proposal), CODE[UNCHANGED], label)
        missing = reasons(cases, (before, after), observed)
        label, missing = self._by_caller(cases, label, missing)
        return _Labels(
            label=label,
            today_by=np.where(unsure, 0, now.way),
            then_by=np.where(unsure, 0, proposed.way),
            today_in=np.where(unsure, NOT_KNOWN, now.admitted),
            then_in=np.where(unsure, NOT_KNOWN, proposed.admitted),
            missing=missing,
        )

    def _one_authorization(self) -> bool:
        """Return whether both policies authorize the same prefix, so that one unknown fact applies to both."""
        prefix_today, prefix_proposed = (
            policy.tech_prefix if policy.prefix_known else None for policy in (self._today, self._proposal)
        )
        return prefix_today == prefix_proposed

    def _by_caller(self, cases: Cases, label: Ints, missing: Ints) -> tuple[Ints, Ints]:
        """
        Separate lost calls that do no harm: from unassigned addresses, and from addresses that their PBX has left.

        With a stale inventory neither is known. For calls that only claim to be from a PBX it is never known, nor for
        the PBX's earlier calls from an address that it has left if there are such claims since.
        """
        callers = self._of.callers
        keys = cases.keys
        is_broken = label == CODE[BROKEN]
        may_lose = label == CODE[MAY_BREAK]
        is_unassigned = callers.unassigned(keys)
        has_left = callers.has_left(keys) & ~cases.claimed
        disputed = callers.may_have_left(keys) & ~cases.claimed & (is_broken | may_lose)
        unproven = is_unassigned & (is_broken | may_lose) | has_left & is_broken
        claimed = cases.claimed & (is_broken | may_lose)
        if callers.fresh:
            label = np.where(is_unassigned & is_broken, CODE[STOPPED], label)
            label = np.where(has_left & (is_broken | may_lose), CODE[GONE], label)
        else:
            missing = np.where(unproven, missing | OF_INVENTORY, missing)
            label = np.where(is_unassigned & is_broken, CODE[CANNOT], label)
            label = np.where(has_left & is_broken, CODE[MAY_BREAK], label)
        label = np.where((claimed | disputed) & is_broken, CODE[MAY_BREAK], label)
        missing = np.where(claimed, missing | OF_CLAIM, missing)
        missing = np.where(disputed, missing | OF_LEFT, missing)
        return np.where(is_unassigned & may_lose, CODE[CANNOT], label), missing

    def _labeled(self, rows: pd.DataFrame, cases: Cases, labels: _Labels) -> pd.DataFrame:
        """Add the columns documented in ``rows``."""
        texts = {
            "today": self._deciders(cases, labels.today_by, labels.today_in, self._today),
            "then": self._deciders(cases, labels.then_by, labels.then_in, self._proposal),
            "why": self._whys(labels),
        }
        text_columns = {}
        for column, values in texts.items():
            codes, distinct = pd.factorize(values)
            text_columns[column] = _categorical(codes.astype(np.int64), [*map(str, distinct)], cases, rows)
        return rows.assign(
            label=_categorical(labels.label, LABELS, cases, rows),
            today_by=_categorical(labels.today_by, WAYS, cases, rows),
            then_by=_categorical(labels.then_by, WAYS, cases, rows),
            **text_columns,
        )

    @staticmethod
    def _deciders(cases: Cases, methods: Ints, admitted: Ints, policy: Policy) -> pd.Series:
        """Return for each key what admits it under a policy, as text."""
        keys = cases.keys
        entries = covering(policy.networks, keys.sources)
        frame = pd.DataFrame({"way": methods, "admitted": admitted, "source": keys.source})
        distinct = frame.drop_duplicates()
        texts = [
            decided_by(WAYS[method], entries[source], admitted=code == YES)
            for method, code, source in distinct.itertuples(index=False, name=None)
        ]
        text_of = dict(zip(distinct.itertuples(index=False, name=None), texts, strict=True))
        return pd.Series([text_of[key] for key in frame.itertuples(index=False, name=None)], dtype="object")

    @staticmethod
    def _whys(labels: _Labels) -> pd.Series:
        """Return for each key why it is undecided; ``""`` if it is decided."""
        undecided = np.isin(labels.label, [CODE[name] for name in UNDECIDED])
        codes = np.where(undecided, labels.missing, 0)
        texts = {int(code): reason_text(int(code)) for code in np.unique(codes)}
        return pd.Series([texts[int(code)] for code in codes], dtype="object")


def decided_by(method: str, entry: str, *, admitted: bool) -> str:
    """
    Return text that names what admits a call.

    Args:
        method: One of ``WAYS``.
        entry: The list entry that covers the source address; ``""`` if none does.
        admitted: The call is admitted, even if no single way is known.
    """
    listed = f"list entry {entry}" if entry else "a list entry"
    if method == "ip":
        return listed
    if method == "credentials":
        return "credentials"
    if method == "refused":
        return "nothing"
    return f"{listed} or credentials" if admitted else "not known"


def replay(snapshot: Snapshot, proposal: Policy) -> Replay:
    """
    Evaluate the snapshot's outbound calls under today's policy and under a proposal.

    Args:
        snapshot: Traffic attributed and split at the instants of its versions.
        proposal: The policy to compare with ``snapshot.policy``.

    Returns:
        The labeled calls; the snapshot is not modified. For many proposals, keep a ``Replayer``.
    """
    return Replayer(snapshot).against(proposal)


def _label_of_pairs(pairs: int) -> int:
    """Return the label code of a set of possible verdict pairs; an empty set contradicts the rule."""
    can_lose = pairs & direction.LOST
    gained = pairs & direction.GAINED
    if not pairs or (can_lose and gained):
        return CODE[CANNOT]
    if not can_lose and not gained:
        return CODE[UNCHANGED]
    certain = pairs in (direction.LOST, direction.GAINED)
    if can_lose:
        return CODE[BROKEN if certain else MAY_BREAK]
    return CODE[SAVED if certain else MAY_SAVE]


_OF_PAIRS = np.array([_label_of_pairs(pairs) for pairs in range(direction.ANY + 1)])


def _texts(rows: pd.DataFrame) -> pd.DataFrame:
    """Join the texts of the keys of each ``who`` and ``label``, the index; texts of the most calls come first."""
    counts: dict[tuple[str, int], dict[str, Counter[str]]] = {}
    for caller, label, calls, *texts in rows[["who", "label", "calls", *TEXTS]].itertuples(index=False, name=None):
        group = counts.setdefault((caller, label), {name: Counter() for name in TEXTS})
        for name, text in zip(TEXTS, texts, strict=True):
            group[name][text] += calls
    joined = [{name: _enumerate_texts(group[name]) for name in TEXTS} for group in counts.values()]
    index = pd.MultiIndex.from_tuples([*counts], names=["who", "label"])
    return pd.DataFrame(joined, columns=[*TEXTS], index=index)


def _enumerate_texts(calls: Counter[str]) -> str:
    """Return the first texts, and the number of further ones."""
    texts = sorted(filter(None, calls), key=lambda text: (-calls[text], text))
    return first_of(texts, MOST_DECIDERS, separator="; ")


def _categorical(codes: Ints, names: tuple[str, ...] | list[str], cases: Cases, rows: pd.DataFrame) -> pd.Series:
    """Return each row's value by name; ``""`` for inbound calls."""
    words = list(dict.fromkeys([*names, ""]))
    label_codes = np.where(rows["direction"] == "outbound", codes[cases.keys.of_row], words.index(""))
    return pd.Series(pd.Categorical.from_codes(label_codes, pd.Index(words)), index=rows.index)
