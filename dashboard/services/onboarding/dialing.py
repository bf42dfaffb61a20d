"""What a PBX dials: its PoP, its configuration with credentials, and the statement that it dials the prefix."""

from __future__ import annotations

from typing import Final

from dashboard.domain.snapshot import Snapshot
from dashboard.pbx import writers
from dashboard.services import declarations
from dashboard.services.onboarding.context import OnboardingContext
from dashboard.services.workspace import Workspace

FALLBACK_POP: Final = "us-west-or.sip.flowroute.com"


def pop_of(ground: OnboardingContext, pbx_id: str) -> str:
    """
    Return the host of the PoP that a PBX should call.

    An unlisted PoP of the inventory that contains a dot is returned unchanged. For any other unlisted or empty one, the
    result is the first PoP host of the account, or ``FALLBACK_POP``.
    """
    pop = str(ground.pbxs[pbx_id]["pop"])
    edges = ground.snapshot.edges
    named = edges[(edges["name"] == pop) | (edges["host"] == pop)]
    hosts = [host for host in [*named["host"], *edges["host"]] if host]
    if pop and named.empty and "." in pop:
        return pop
    return hosts[0] if hosts else FALLBACK_POP


def with_credentials(ground: OnboardingContext, pbx_id: str) -> str:
    """
    Return the configuration of Asterisk (PJSIP) for a PBX that keeps its credentials.

    Raises:
        DialStringError: The tech prefix or the PoP is invalid.
    """
    known = ground.snapshot
    ranges = tuple(part.strip() for text in known.edges["ranges"] for part in text.split(",") if part.strip())
    x_tag = str(ground.pbxs[pbx_id]["x_tag"])
    spec = writers.CredentialsSpec(known.account.tech_prefix, pop_of(ground, pbx_id), ranges, x_tag=x_tag)
    return writers.write_with_credentials(spec)


def keep_dials_prefix(workspace: Workspace, snapshot: Snapshot, pbx_id: str, *, by: str) -> None:
    """
    Store in the inventory that a PBX dials the prefix.

    Args:
        workspace: The open home.
        snapshot: Snapshot that the person saw.
        pbx_id: Id of the PBX in the inventory.
        by: Person who says so, as text.

    Raises:
        StaleInputError: Somebody else changed the inventory after it was shown.
    """
    frame = snapshot.pbxs.copy()
    frame.loc[frame["pbx_id"] == pbx_id, "dials_prefix"] = "yes"
    declarations.save_inventory(workspace, {"pbxs": frame}, version_ids=snapshot.version_ids, by=by)
