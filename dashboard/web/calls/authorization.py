"""Sentence on whether a call was authorized by the policy in force when it was made."""

from __future__ import annotations

from typing import Final

import pandas as pd

from dashboard.calls import Replayer

SAID: Final = {
    ("yes", "ip"): "Authorized by its address, under the list in force when it was made.",
    ("yes", "credentials"): "Authorized by credentials, under the policy in force when it was made.",
    ("yes", ""): "Authorized under the policy in force when it was made, by its address or by credentials.",
    ("no", "refused"): "Not authorized under the policy in force when it was made.",
}
UNSURE: Final = "Whether it was authorized when it was made cannot be told: "
NO_VERSION: Final = "no list and switch are on record for that second."
CONTRADICTED: Final = "the carrier met it otherwise than the list and the switch on record say."
OPEN: Final = "too little is known of its PBX."


def sentence(call: pd.DataFrame, replayer: Replayer) -> str:
    """
    Return whether a call was authorized when it was made, as a sentence.

    Args:
        call: One row of CALLS, attributed.
        replayer: The replayer of the account's snapshot.

    Returns:
        A sentence; ``""`` for an inbound call, which is not evaluated.
    """
    ((authorized, by),) = replayer.authorized(call)[["authorized", "by"]].itertuples(index=False, name=None)
    if not authorized:
        return ""
    cases = replayer.cases_of(call)
    if (cases.then < 0).all():
        return UNSURE + NO_VERSION
    if cases.contradicted.all():
        return UNSURE + CONTRADICTED
    return SAID.get((authorized, by), UNSURE + OPEN)
