"""
Kinds of change to an account, each with its inverse, and the plan that contains them.

A check proposes changes as values; only ``fixes`` carries them out. A plan is what the operator
was shown: its hash covers the exact changes, the account before them, and which PBXs would lose calls.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from dashboard.domain.capabilities import Capability
from dashboard.domain.replay_labels import BROKEN, SAVED, STOPPED


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AllowAddress(_Value):
    """Put an entry on Outbound Allowed IPs."""

    kind: Literal["allow_address"] = "allow_address"
    network: str
    label: str = ""
    owner: str = ""
    purpose: str = ""
    role: str = "active"
    review_by: str = ""
    """ISO 8601 date and time; ``""`` if none is set."""
    added_by: str = ""
    """Who added the entry; ``""`` for the operator who applies the plan."""
    needs: ClassVar[Capability] = Capability.WRITE_ALLOWED_IPS

    def inverse(self) -> RemoveAddress:
        """Return the change that undoes this one."""
        return RemoveAddress(**self.model_dump(exclude={"kind"}))

    def describe(self) -> str:
        """Return the text of a button for the change: verb and object."""
        return f"Allow {self.network}"


class RemoveAddress(_Value):
    """Take an entry off Outbound Allowed IPs; contains the whole row, so that it can be put back."""

    kind: Literal["remove_address"] = "remove_address"
    network: str
    label: str = ""
    owner: str = ""
    purpose: str = ""
    role: str = "active"
    review_by: str = ""
    """ISO 8601 date and time; ``""`` if none is set."""
    added_by: str = ""
    needs: ClassVar[Capability] = Capability.WRITE_ALLOWED_IPS

    def inverse(self) -> AllowAddress:
        """Return the change that undoes this one."""
        return AllowAddress(**self.model_dump(exclude={"kind"}))

    def describe(self) -> str:
        """Return the text of a button for the change: verb and object."""
        return f"Remove {self.network}"


class SetCredentials(_Value):
    """Turn outbound SIP credentials on or off for the whole account."""

    kind: Literal["set_credentials"] = "set_credentials"
    enabled: bool
    needs: ClassVar[Capability] = Capability.WRITE_CREDENTIALS

    def inverse(self) -> SetCredentials:
        """Return the change that undoes this one."""
        return SetCredentials(enabled=not self.enabled)

    def describe(self) -> str:
        """Return the text of a button for the change: verb and object."""
        return "Enable outbound credentials" if self.enabled else "Disable outbound credentials"


class CreateRoute(_Value):
    """Create an inbound route; its alias is unique on the account and identifies it from then on."""

    kind: Literal["create_route"] = "create_route"
    alias: str
    route_type: str = "host"
    value: str
    needs: ClassVar[Capability] = Capability.WRITE_ROUTES

    def inverse(self) -> DeleteRoute:
        """Return the change that undoes this one."""
        return DeleteRoute(**self.model_dump(exclude={"kind"}))

    def describe(self) -> str:
        """Return the text of a button for the change: verb and object."""
        return f"Create route {self.alias} to {self.value}"


class DeleteRoute(_Value):
    """Delete an inbound route; the carrier refuses while numbers point at it."""

    kind: Literal["delete_route"] = "delete_route"
    alias: str
    route_type: str = "host"
    value: str
    needs: ClassVar[Capability] = Capability.WRITE_ROUTES

    def inverse(self) -> CreateRoute:
        """Return the change that undoes this one."""
        return CreateRoute(**self.model_dump(exclude={"kind"}))

    def describe(self) -> str:
        """Return the text of a button for the change: verb and object."""
        return f"Delete route {self.alias}"


class RouteNumber(_Value):
    """Point a number's primary route at the route of that alias; ``""`` is unassigned."""

    kind: Literal["point_number"] = "point_number"
    number: str
    to_alias: str
    was_alias: str
    needs: ClassVar[Capability] = Capability.WRITE_ROUTES

    def inverse(self) -> RouteNumber:
        """Return the change that undoes this one."""
        return RouteNumber(number=self.number, to_alias=self.was_alias, was_alias=self.to_alias)

    def describe(self) -> str:
        """Return the text of a button for the change: verb and object."""
        return f"Point {self.number} at {self.to_alias}" if self.to_alias else f"Unassign {self.number}"


Change = Annotated[
    AllowAddress | RemoveAddress | SetCredentials | CreateRoute | DeleteRoute | RouteNumber,
    Field(discriminator="kind"),
]
"""One reversible edit of the account."""


UNASSIGNED = " (unassigned)"
"""Suffix of the address of a caller that belongs to no PBX of the inventory."""


def not_counted(calls: int, verb: str = "counted") -> str:
    """Return ``12 calls are only in imported files, not in the carrier's export, and are not counted.``."""
    are = "call is" if calls == 1 else "calls are"
    return f"{calls:,} {are} only in imported files, not in the carrier's export, and {are.split()[1]} not {verb}."


class LabelCount(_Value):
    """Totals of one replay label; ``cost_usd`` is text with all its digits."""

    calls: int = 0
    minutes: float = 0.0
    cost_usd: str = "0"


class ReplayImpact(_Value):
    """
    Result of replaying a plan over the window: totals by label (``replay_labels``) and the share of decided calls.

    Plans stored before the eight labels were introduced have four in ``labels`` and no ``callers`` or ``reasons``.
    """

    labels: dict[str, LabelCount]
    decided: float = Field(ge=0, le=1)
    since: datetime | None = None
    until: datetime | None = None
    """End of the window, exclusive; ``None`` if it reaches to the last call."""
    breaks: tuple[str, ...] = ()
    """Names of the PBXs that would lose calls; in older plans also unassigned addresses."""
    saves: tuple[str, ...] = ()
    """Callers whose calls would be admitted: PBX names, then unassigned addresses."""
    to_ip: int = 0
    """Calls that stay admitted and move from credentials to IP authentication."""
    nobodys: dict[str, int] = Field(default_factory=dict)
    """Number of calls from unassigned addresses, by label."""
    unclear: dict[str, int] = Field(default_factory=dict)
    """Undecided calls by reason (a clause that follows a colon), most calls first."""
    callers: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Callers by label: PBX names, then unassigned addresses, most calls first."""
    reasons: dict[str, dict[str, int]] = Field(default_factory=dict)
    """Number of calls by undecided label and reason, most calls first."""
    not_judged: int = 0
    """Outbound calls of the window that are only in imported files; they have no label."""

    @property
    def total(self) -> int:
        """Number of replayed calls."""
        return sum(count.calls for count in self.labels.values())

    @property
    def apart(self) -> str:
        """Sentence with the number of calls that were not judged, after a leading space; empty if all were judged."""
        return f" {not_counted(self.not_judged, 'judged')}" if self.not_judged else ""

    @property
    def share(self) -> str:
        """Share of decided calls in percent; 0 % and 100 % appear only if exact."""
        least = 0.001
        most = 0.999
        return f"{self.decided:.0%}" if self.decided in (0, 1) else f"{min(max(self.decided, least), most):.1%}"

    def calls(self, label: str) -> int:
        """Return the number of calls with the label."""
        return self.labels[label].calls if label in self.labels else 0

    def ours(self, label: str) -> int:
        """Return the number of calls with the label that came from our PBXs."""
        return self.calls(label) - self.nobodys.get(label, 0)

    def who(self, label: str) -> tuple[str, ...]:
        """Return the callers of a label; empty if an older plan does not record them."""
        return self.callers.get(label) or {BROKEN: self.breaks, SAVED: self.saves}.get(label, ())

    def why(self, label: str) -> dict[str, int]:
        """Return the calls of an undecided label by reason; for an older plan, all its undecided calls."""
        return self.reasons.get(label) or ({} if self.reasons else self.unclear)


class GuardResult(_Value):
    """Result of one guard of a plan: a sentence, whether it is met, and the phrase to type if it is not."""

    id: str
    sentence: str
    met: bool
    confirm: str = ""
    """Phrase that confirms the plan despite the unmet guard; ``""`` if the guard cannot be overridden."""


class Plan(_Value):
    """Exact changes, the account before them, their impact on past calls, and the guards."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)

    title: str
    check: str = ""
    subject: str = ""
    changes: tuple[Change, ...]
    before: dict[str, Any]
    """Before-image: the part of the account that the changes touch, as of the time the plan was made."""
    impact: ReplayImpact
    guards: tuple[GuardResult, ...] = Field(default=(), alias="interlocks")
    """Results of all guards that apply; ``interlocks`` in JSON, as stored by all versions."""
    guided: bool = False
    """True if the carrier has no endpoint for a change, so that the operator makes it in the portal."""
    undoes: int | None = None
    """Number of the journal entry that this plan undoes."""
    last_known_at: datetime | None = None
    """When the data behind the finding was read, if the finding is a last known failure."""
    made_at: datetime

    @property
    def hash(self) -> str:
        """SHA-256 of the changes, the before-image and the callers that would lose calls; excludes times and counts."""
        body = self.model_dump(mode="json", include={"check", "subject", "changes", "before", "guided", "undoes"})
        body["breaks"] = sorted({*self.impact.breaks, *self.impact.callers.get(STOPPED, ())})
        body["confirm"] = sorted(guard.confirm for guard in self.guards if not guard.met)
        return digest(body)

    @property
    def blocked(self) -> tuple[GuardResult, ...]:
        """Guards that are not met and that no typed phrase overrides."""
        return tuple(guard for guard in self.guards if not guard.met and not guard.confirm)

    @property
    def phrases(self) -> tuple[str, ...]:
        """Phrases that the operator must type, without duplicates."""
        return tuple(dict.fromkeys(guard.confirm for guard in self.guards if not guard.met and guard.confirm))

    def inverse_changes(self) -> tuple[Change, ...]:
        """Return the changes that undo this plan, last first."""
        return tuple(change.inverse() for change in reversed(self.changes))


def canonical(value: Any) -> str:
    """Return the canonical JSON text of a value: sorted keys, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


def digest(value: Any) -> str:
    """Return the SHA-256 of a JSON value as 64 hex digits."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()
