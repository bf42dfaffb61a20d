"""Proof of admission: what the outcome of one call says about the carrier's decision, under a given policy."""

from __future__ import annotations

from dashboard.schemas.tables import PROVES, REFUSAL

SURE = ("answered", "refused_auth")
"""Outcomes that prove the same under any policy."""


def proof(
    outcome: str,
    sip_status: int | None,
    *,
    listed: bool,
    credentials_on: bool | None,
    no_path_status: int | None,
) -> str:
    """
    Return what an outbound call proves about admission.

    With credentials off, the carrier refuses a call that does not dial the prefix or comes from an unlisted source. If
    the SIP status of that refusal was observed, a 403 with that code proves refusal. Any other code proves refusal for
    an unlisted source only, which has no other way in: for a listed source the far end may have sent it.

    Args:
        outcome: One of ``schemas.OUTCOMES``.
        sip_status: The final SIP status.
        listed: Whether the source was on the list, or is unknown.
        credentials_on: State of outbound credentials at the time of the call; ``None`` if unknown.
        no_path_status: The observed SIP status of such a refusal; ``None`` if it was not observed.

    Returns:
        ``admission``, ``refusal`` or ``nothing``.
    """
    off = credentials_on is False and no_path_status is not None and sip_status == no_path_status
    if off and outcome not in SURE and (not listed or outcome == "refused_unknown"):
        return REFUSAL
    return PROVES[outcome]
