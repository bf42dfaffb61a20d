"""
Definitions of the metrics: formula, source and counts, as data for pages to show.

The sources of ITU terms are secondary and marked as such. If a source is uncertain, the note names the interpretation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from dashboard.sip import call_outcomes

MIN_SAMPLE = 20
"""Minimum calls for a share to be shown: a share of fewer reflects chance rather than the PBX."""

_CODED = tuple(range(100, 700))
_NOT_REDIRECTED = (*range(100, 300), *range(400, 700))
_CALLS_NOT_INVITES = (
    "CDR rows are calls, not INVITEs: a call that was challenged (401, 407) and then answered is one answered call. "
    "Calls without a SIP code are left out."
)
_RFC_6076 = "RFC 6076, as sip-exporter reads it"
_ATTEMPTS = "An export that leaves out failed or canceled calls makes it too high."
_PROXY = "Answer-rate proxy: the start of an answered call in a CDR looks like its answer, not its INVITE."


@dataclass(frozen=True)
class Count:
    """A sum of a column over the rows that meet each given condition."""

    words: str
    column: str = "calls"
    outcomes: tuple[str, ...] = ()
    statuses: tuple[int, ...] = ()

    @property
    def needs(self) -> set[str]:
        """Columns required for the count."""
        conditions = {"outcome": self.outcomes, "sip_status": self.statuses}
        return {self.column, *(name for name, values in conditions.items() if values)}

    def of(self, frame: pd.DataFrame) -> pd.Series:
        """Return the column with 0 in rows that do not count."""
        counts = np.ones(len(frame), dtype=bool)
        if self.outcomes:
            counts &= frame["outcome"].isin(self.outcomes).to_numpy(dtype=bool)
        if self.statuses:
            counts &= frame["sip_status"].isin(self.statuses).to_numpy(dtype=bool, na_value=False)
        return frame[self.column].where(counts, 0)


@dataclass(frozen=True)
class Definition:
    """Definition of a metric, shown beside it; ``numerator`` and ``denominator`` if it is a quotient."""

    id: str
    name: str
    formula: str
    source: str
    unit: str = "share"
    numerator: Count | None = None
    denominator: Count | None = None
    note: str = ""

    @property
    def counts(self) -> list[Count]:
        """Numerator and denominator, if defined."""
        return [count for count in (self.numerator, self.denominator) if count is not None]


ATTEMPTS = Count("all calls")
ANSWERED = Count("answered calls", outcomes=("answered",))
REFUSED = Count("calls refused for authorization", outcomes=("refused_auth",))
_INVITES = Count("calls whose SIP code is not 3xx", statuses=_NOT_REDIRECTED)

DEFINITIONS: dict[str, Definition] = {
    made.id: made
    for made in (
        Definition(
            "asr",
            "Answer-seizure ratio (ASR)",
            "answered / attempts",
            "ITU-T E.411, as reported by voip-info.org",
            numerator=ANSWERED,
            denominator=ATTEMPTS,
            note=f"Busy and no answer count against it. {_ATTEMPTS}",
        ),
        Definition(
            "ner",
            "Network effectiveness ratio (NER)",
            "(answered + busy + no answer + rejected by the called party) / attempts",
            "ITU-T E.425 as reported; others place it in E.411 or GSMA IR.42",
            numerator=Count("answered, and 480, 486, 600, 603", outcomes=("answered", "busy_or_no_answer")),
            denominator=ATTEMPTS,
            note="What the called party does is not held against the network; never below ASR. A call that its "
            f"caller gave up (487) counts against it, since a CDR does not say whether it rang. {_ATTEMPTS}",
        ),
        Definition(
            "ser",
            "Session establishment ratio (SER)",
            "200 / (all - 3xx)",
            _RFC_6076,
            numerator=Count("calls with 200", statuses=(200,)),
            denominator=_INVITES,
            note=f"Only 3xx is left out; another text of it also leaves out 401, 402 and 407. {_CALLS_NOT_INVITES}",
        ),
        Definition(
            "seer",
            "Session establishment effectiveness ratio (SEER)",
            "(200 + 480 + 486 + 600 + 603) / (all - 3xx)",
            _RFC_6076,
            numerator=Count("calls with 200, 480, 486, 600 or 603", statuses=(200, 480, 486, 600, 603)),
            denominator=_INVITES,
            note=_CALLS_NOT_INVITES,
        ),
        Definition(
            "isa",
            "Ineffective session attempts (ISA)",
            "(408 + 500 + 503 + 504) / all",
            _RFC_6076,
            numerator=Count("calls with 408, 500, 503 or 504", statuses=(408, 500, 503, 504)),
            denominator=Count("calls with a SIP code", statuses=_CODED),
            note=f"The health of the path; 3xx stays among all. {_CALLS_NOT_INVITES}",
        ),
        Definition(
            "short_calls",
            f"Short calls (under {call_outcomes.SHORT_S} s)",
            f"answered for less than {call_outcomes.SHORT_S} s / answered",
            "product-defined",
            numerator=Count(f"answered calls under {call_outcomes.SHORT_S} s", "short_calls", ("answered",)),
            denominator=ANSWERED,
        ),
        Definition(
            "refusal_share",
            "Refused for authorization",
            "refused for authorization / attempts",
            "product-defined",
            numerator=REFUSED,
            denominator=ATTEMPTS,
            note="A lower bound where the carrier writes no CDR for calls from addresses that are not listed. "
            "A 403 whose cause is not known is not among the refused.",
        ),
        Definition(
            "acd",
            "Average call duration (ACD)",
            "talk time of answered calls / answered calls",
            "as CGRateS and DIDWW define it",
            "s",
            Count("talk time of answered calls", "duration_s", ("answered",)),
            ANSWERED,
            "Talk time as it was, not rounded up to the billing step. Where a row names no duration, 0 s count.",
        ),
        Definition(
            "peak_1s",
            "Peak of calls per second",
            "most calls that start in one second",
            "common use",
            "calls/s",
            note=_PROXY,
        ),
        Definition(
            "peak_60s",
            "Peak of calls per minute",
            "most calls that start in one minute of the clock",
            "common use",
            "calls/min",
            note=f"{_PROXY} 60 seconds that straddle two minutes of the clock may hold more.",
        ),
        Definition(
            "concurrent",
            "Concurrent answered calls",
            "most answered calls in progress at once, from start to end",
            "as DIDWW defines it",
            "calls",
            note="Legs that only ring do not show in a CDR.",
        ),
    )
}
"""Definitions by ID, in display order; the unit ``share`` marks a ratio (``metrics.ratios``)."""
