"""
Lint rules for PBX configurations: common mistakes on a trunk with IP authentication.

Each was seen in published configurations or in reports of rejected calls. A finding has file and line, one sentence
that describes the mistake, and one with the remedy.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

import pandas as pd

from dashboard.core.addresses import contains, is_network, special_purpose
from dashboard.core.text import join, visible
from dashboard.domain.snapshot import Snapshot
from dashboard.pbx.inventory.rows import CONFIG_FRAME, location_text
from dashboard.pbx.lint.dial_strings import LintLevel, faults_of, likely_prefix
from dashboard.pbx.readers.secrets import MANY, SECRET_PRESENT, Secret
from dashboard.schemas.object_types import ObjectType
from dashboard.sip import Trunk


@dataclass(frozen=True)
class LintFinding:
    """One mistake in a PBX's configuration, with its remedy."""

    code: str
    level: LintLevel
    pbx_id: str
    file: str
    line: int
    """Line from 1; 0 for an object of a running system."""
    sentence: str
    cure: str

    def __post_init__(self) -> None:
        """Make invisible characters from configurations visible."""
        for name in ("pbx_id", "file", "sentence", "cure"):
            object.__setattr__(self, name, visible(getattr(self, name)))

    def __str__(self) -> str:
        return f"{location_text(self.file, self.line)}: {self.sentence} {self.cure}"


@dataclass(frozen=True)
class LintContext:
    """Account data that configurations are checked against; ``None`` means unknown."""

    trunk: Trunk = field(default_factory=Trunk)
    allowed: Collection[str] | None = None
    credentials_on: bool | None = None
    treated_as_public: Collection[str] = ()
    observed: Mapping[str, Collection[str]] = field(default_factory=dict)
    """Source addresses of calls with a PBX's X-Tag, by PBX, as seen by the carrier."""

    @classmethod
    def of(cls, snapshot: Snapshot, tech_prefix: str = "") -> LintContext:
        """Build the context from a snapshot; ``tech_prefix`` overrides the account's."""
        edges = zip(snapshot.edges["host"], snapshot.edges["ranges"], strict=True)
        listed = snapshot.freshness.get("allowed_ips")
        return cls(
            trunk=Trunk.of(tech_prefix or snapshot.account.tech_prefix, edges),
            allowed=snapshot.policy.networks if listed and listed.as_of else None,
            credentials_on=snapshot.account.credentials_on,
            treated_as_public=snapshot.treated_as_public,
            observed=_observed(snapshot.traffic),
        )


def _observed(traffic: pd.DataFrame) -> dict[str, list[str]]:
    """Return source addresses of X-Tag calls by PBX; calls attributed by address alone cannot confirm an address."""
    tagged = traffic[(traffic["direction"] == "outbound") & (traffic["attributed_by"] == "x_tag")]
    rows = tagged.loc[tagged["source_ip"] != "", ["pbx_id", "source_ip"]].drop_duplicates()
    return {str(pbx_id): sorted(pbx_rows["source_ip"]) for pbx_id, pbx_rows in rows.groupby("pbx_id")}


@dataclass(frozen=True)
class _Fact:
    object_type: str
    trunk: str
    """Name of the trunk; ``""`` for other objects."""
    attribute: str
    value: str
    file: str
    line: int


def lint_inventory(frames: Mapping[str, pd.DataFrame], context: LintContext) -> list[LintFinding]:
    """
    Lint the configuration facts of all PBXs.

    Args:
        frames: ``pbxs``, ``pbx_addresses`` and ``pbx_config``; declared and observed addresses are compared with
            configured ones.
        context: The account data.

    Returns:
        All findings, grouped by PBX, without duplicates.
    """
    findings: dict[LintFinding, None] = {}
    config = frames[CONFIG_FRAME]
    for pbx_id in config["pbx_id"].drop_duplicates():
        rows = config[config["pbx_id"] == pbx_id]
        columns = ("object_type", "object_name", "attribute", "value", "file")
        cells = zip(*(rows[column] for column in columns), rows["line"].fillna(0).astype(int), strict=True)
        facts = [_Fact(*each) for each in cells]
        findings |= dict.fromkeys(_Look(str(pbx_id), facts, frames, context).all())
    return list(findings)


class _Look:
    """The lint rules applied to one PBX."""

    def __init__(
        self, pbx_id: str, facts: list[_Fact], frames: Mapping[str, pd.DataFrame], context: LintContext
    ) -> None:
        self._pbx_id = pbx_id
        self._facts = facts
        self._known = context
        pbxs = frames["pbxs"]
        addresses = frames["pbx_addresses"]
        self._addresses = addresses[(addresses["pbx_id"] == pbx_id) & addresses["valid_to"].isna()]
        pbx_rows = pbxs[pbxs["pbx_id"] == pbx_id]
        self._prefixed = bool((pbx_rows["dials_prefix"] == "yes").any())
        self._by_credentials = bool((pbx_rows["auth_method"] == "credentials").any())
        self._prefix = context.trunk.tech_prefix or likely_prefix(fact.value for fact in self._of_trunks("dial"))

    def all(self) -> Iterator[LintFinding]:
        """Yield all findings of the PBX."""
        for fact in self._of_trunks("dial"):
            for code, level, sentence, cure in faults_of(fact.value, self._prefix, signs_in=self._signs_in(fact.trunk)):
                yield self._finding(code, level, fact, sentence, cure)
        yield from self._through_the_dialplan()
        yield from self._retired()
        yield from self._matches()
        yield from self._egress()
        yield from self._seen_elsewhere()
        yield from self._digest()
        yield from self._secrets()

    def _of_trunks(self, attribute: str) -> list[_Fact]:
        return self._of(ObjectType.TRUNK, attribute)

    def _of(self, object_type: ObjectType, attribute: str) -> list[_Fact]:
        return [fact for fact in self._facts if (fact.object_type, fact.attribute) == (object_type, attribute)]

    def _finding(self, code: str, level: LintLevel, fact: _Fact, sentence: str, cure: str) -> LintFinding:
        return LintFinding(code, level, self._pbx_id, fact.file, fact.line, sentence, cure)

    def _signs_in(self, trunk: str) -> bool:
        return any(fact.trunk == trunk and fact.value == "credentials" for fact in self._of_trunks("auth")) or any(
            fact.trunk == trunk for fact in self._of_trunks("registration")
        )

    def _through_the_dialplan(self) -> Iterator[LintFinding]:
        for fact in self._of(ObjectType.DIALPLAN, "dial"):
            number, _, code = fact.value.partition(" past ")
            sentence = (
                f"The dial string {number!r} goes through the dialplan once more, where {code} is a feature code."
            )
            cure = "Dial the trunk itself, not a local channel; or let feature codes begin with something else."
            yield self._finding("star_swallowed", LintLevel.WARNING, fact, sentence, cure)

    def _retired(self) -> Iterator[LintFinding]:
        for fact in [*self._of_trunks("host"), *self._of(ObjectType.INBOUND, "match")]:
            if Trunk.is_retired(fact.value):
                sentence = f"{fact.value} is a retired PoP of the carrier."
                cure = "Use the PoPs that the account's list shows, such as us-west-or.sip.flowroute.com."
                yield self._finding("pop_retired", LintLevel.ERROR, fact, sentence, cure)

    def _matches(self) -> Iterator[LintFinding]:
        facts = self._of(ObjectType.INBOUND, "match")
        if not facts:
            return
        matches = [fact.value for fact in facts]
        missing = [pop.host or str(pop.networks[0]) for pop in self._known.trunk.pops if not pop.is_matched(matches)]
        if missing or (not self._known.trunk.pops and len(set(matches)) == 1):
            missing_text = f"{join(missing, None)} {'is' if len(missing) == 1 else 'are'} not let in" if missing else ""
            sentence = (
                f"Only {join(sorted(set(matches)), 5)} may call in{f', and {missing_text}' if missing_text else ''}."
            )
            cure = "Let in the ranges of every PoP: the carrier calls from another one when it has to."
            yield self._finding("one_pop_matched", LintLevel.WARNING, facts[0], sentence, cure)

    def _egress(self) -> Iterator[LintFinding]:
        """Compare the configured public address with the allow list and with the inventory's addresses."""
        inventory_rows = self._addresses[self._addresses["source"] != "configured"]
        failover = set(self._addresses.loc[self._addresses["kind"] == "failover", "address"])
        for fact in self._of(ObjectType.ADDRESS, "external"):
            address = fact.value
            if not is_network(address):
                continue
            purpose = special_purpose(address)
            if purpose and not contains(self._known.treated_as_public, address):
                sentence = f"{address} is given as the public address and is {purpose}, which the carrier never sees."
                yield self._finding("private_address", LintLevel.ERROR, fact, sentence, "Write the public address.")
            elif (
                self._known.allowed is not None
                and not self._by_credentials
                and not contains(self._known.allowed, address)
            ):
                code = "failover_not_listed" if address in failover else "egress_not_listed"
                address_label = "fail-over address" if address in failover else "address"
                sentence = f"The {address_label} {address} is not on Outbound Allowed IPs: calls from it are refused."
                yield self._finding(
                    code, LintLevel.ERROR, fact, sentence, "Add it on the page Findings, or correct it here."
                )
            elif len(inventory_rows) and address not in set(inventory_rows["address"]):
                sentence = (
                    f"{address} is configured, and the inventory knows {join(inventory_rows['address'].unique())}."
                )
                cure = "Find out which one packets leave from (1:1 NAT, SD-WAN), and correct the other."
                yield self._finding("egress_differs", LintLevel.WARNING, fact, sentence, cure)

    def _seen_elsewhere(self) -> Iterator[LintFinding]:
        """Compare the configured public address with the addresses that the carrier observed."""
        observed = self._known.observed.get(self._pbx_id, ())
        facts = self._of(ObjectType.ADDRESS, "external")
        if observed and facts and not any(contains(observed, fact.value) for fact in facts if is_network(fact.value)):
            sources = join(observed)
            sentence = f"{facts[0].value} is configured, and every call with this PBX's X-Tag came from {sources}."
            cure = "Find out where packets leave (1:1 NAT, SD-WAN); what the carrier sees is what must be listed."
            yield self._finding("egress_observed_differs", LintLevel.WARNING, facts[0], sentence, cure)

    def _digest(self) -> Iterator[LintFinding]:
        if self._prefixed:
            for fact in self._of_trunks("auth"):
                if fact.value == "credentials":
                    sentence = f"The trunk {fact.trunk} dials the tech prefix and still has credentials."
                    cure = (
                        "Take them out once its address is listed: they hide a missing entry until they are disabled."
                    )
                    yield self._finding("digest_on_trunk", LintLevel.WARNING, fact, sentence, cure)
            for fact in self._of_trunks("registration"):
                sentence = f"The trunk {fact.trunk} dials the tech prefix and still registers."
                cure = "Route its numbers to its address and take the registration out."
                yield self._finding("registration_left", LintLevel.WARNING, fact, sentence, cure)
        first = next(iter(self._of_trunks("auth")), None)
        if first and self._prefixed and self._known.credentials_on and not self._signs_in(first.trunk):
            sentence = f"The trunk {first.trunk} needs no credentials, and the account's are still enabled."
            cure = "Disable them once every PBX does without: see the check 'credentials are off'."
            yield self._finding("credentials_left_on", LintLevel.NOTE, first, sentence, cure)

    def _secrets(self) -> Iterator[LintFinding]:
        for fact in [*self._of(ObjectType.PBX, SECRET_PRESENT), *self._of(ObjectType.RECORD, SECRET_PRESENT)]:
            kind = Secret.of(fact.value)
            if kind is Secret.API_KEY:
                sentence = "An API key stands here in clear text; whoever reads the file can use it."
                cure = (
                    "Take it out of the PBX and make a new one: the carrier's keys change numbers and inbound routes."
                )
                yield self._finding("api_key_in_configuration", LintLevel.WARNING, fact, sentence, cure)
                continue
            sentence = f"A {kind} stands here in clear text; the import keeps none of it."
            if kind in MANY:
                sentence = f"From here on {kind}s stand in clear text; the import keeps none of them."
            cure = "Keep the file from people and repositories that need not see it."
            yield self._finding("secret_in_configuration", LintLevel.NOTE, fact, sentence, cure)
