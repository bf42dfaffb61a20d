"""
Snapshot builder: combines account, inventory, calls and state into one dated Snapshot.

``refresh_account`` and ``call_fetcher.refresh_calls`` store data from the carrier; ``build_snapshot`` only reads.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

import pandas as pd

from dashboard import schemas
from dashboard.calls import CallStore, Cube, attribute, claimed_sources, is_only_claimed
from dashboard.calls.analytics import cube_of
from dashboard.calls.pbx_records import PbxRecords, Reconciliation, reconcile
from dashboard.calls.store import Segments, queries
from dashboard.carriers import Carrier
from dashboard.core import clocks
from dashboard.core.clocks import to_come
from dashboard.core.host_names import Resolver, is_same_target, target_of
from dashboard.core.settings import Settings
from dashboard.domain.admission import Observations, Policy, PolicyVersion
from dashboard.domain.capabilities import Capability
from dashboard.domain.snapshot import Account, Freshness, Snapshot, egress_of
from dashboard.schemas.object_types import with_object
from dashboard.schemas.pandera_import import pa
from dashboard.storage import State, database, entry_periods

DAY = timedelta(days=1)
"""Calls of the last 24 hours are counted separately."""
INVENTORY = ("pbxs", "pbx_addresses", "pbx_numbers")
RESOLVED = "resolved_hosts"
"""Key in the state database for the addresses of host names, each name with the time of its lookup."""
CACHED_FRAMES = 32
"""Maximum number of frames that are kept for versions that do not change from one snapshot to the next."""
KEPT = (*INVENTORY, "pbx_config", "allowed_ips", "numbers", "routes", "edges", "limits")


@dataclass(frozen=True)
class SyncReport:
    """Result of one sync."""

    changed: tuple[str, ...]
    """Kinds that got a new version."""
    calls: int
    """Number of calls fetched, including those that replaced stored ones."""
    rejected: int
    until: datetime
    file_only: int = 0
    """Number of stored calls that are in imported files but missing from the carrier's export for their time."""
    unreadable: tuple[str, ...] = ()
    """A sentence with the cure for each day whose calls could not be read to renew its sums."""


def refresh_account(carrier: Carrier, state: State, *, now: datetime) -> tuple[str, ...]:
    """
    Read everything except calls from the carrier and record what changed as new versions.

    Args:
        carrier: Carrier to read, as far as its capabilities allow.
        state: State database for the versions.
        now: Time of the reading, UTC.

    Returns:
        Names of the kinds that changed.
    """
    changed = []
    can = carrier.capabilities
    if Capability.READ_CREDENTIALS in can:
        account = carrier.account()
        content = {
            "tech_prefix": account.tech_prefix,
            "credentials_on": account.credentials_on,
            "digest_rescues_prefix": account.observations.digest_rescues_prefix,
            "no_path_status": account.observations.no_path_status,
            "sample": account.sample,
            "public_ranges": list(account.public_ranges),
        }
        since = account.credentials_changed_at or now
        if state.save_version("account", content, valid_from=since, seen_at=now, known_by=account.known_by):
            changed.append("account")
    offered = carrier.inventory() if state.latest("pbxs") is None else None
    past = (offered or {}).pop("past_allowed_ips", None)
    if Capability.READ_ALLOWED_IPS in can:
        entries, changed_at = carrier.allowed_ips()
        if past is not None and state.latest("allowed_ips") is None:
            _store_past_lists(state, entries, past, now=now)
        if _store_version(state, "allowed_ips", entries, valid_from=changed_at or now, now=now):
            changed.append("allowed_ips")
    if Capability.READ_NUMBERS in can:
        changed += ["numbers"] * _store_version(state, "numbers", carrier.numbers(), valid_from=now, now=now)
    if Capability.READ_ROUTES in can:
        changed += ["routes"] * _store_version(state, "routes", carrier.routes(), valid_from=now, now=now)
        changed += ["edges"] * _store_version(state, "edges", carrier.edges(), valid_from=now, now=now)
    for name, frame in (offered or {}).items():
        changed += [name] * save_frame(state, name, frame, now=now, known_by="carrier")
    return tuple(changed)


def refresh_hosts(resolver: Resolver, state: State, *, now: datetime) -> None:
    """
    Resolve the host names that determine whether a number is routed to its PBX, and store their addresses.

    A name that cannot be resolved keeps the addresses and the time of its last lookup.

    Args:
        resolver: Resolver for the names; it is not called if two hosts can be compared as text.
        state: State database with routes and inventory, which also stores the addresses.
        now: Time of the lookup, UTC.
    """
    needed = _hosts_in_doubt(*(load_frame(state, name) for name in ("pbxs", "pbx_numbers", "numbers", "routes")))
    before: dict[str, Any] = state.get(RESOLVED, {})
    if not needed and not before:
        return
    answers = resolver.resolve(needed) if needed else {}
    fresh = {
        host: {"addresses": list(addresses), "at": now.isoformat()} for host, addresses in answers.items() if addresses
    }
    state.put(RESOLVED, {host: entry for host, entry in (before | fresh).items() if host in needed})


def _hosts_in_doubt(
    pbxs: pd.DataFrame, pbx_numbers: pd.DataFrame, numbers: pd.DataFrame, routes: pd.DataFrame
) -> frozenset[str]:
    """Return the host names of numbers' routes and PBXs that cannot be compared as text."""
    pairs = pbx_numbers.merge(pbxs, on="pbx_id").merge(numbers, on="number").merge(routes, on="route_id")
    pairs = pairs[pairs["route_type"].isin(["host", "uri"]) & (pairs["inbound_host"] != "")]
    hosts: set[str] = set()
    for inbound_host, value in pairs[["inbound_host", "value"]].drop_duplicates().itertuples(index=False):
        targets = target_of(inbound_host), target_of(value)
        if is_same_target(targets[1], targets[0], {}) is None:
            hosts |= {target.host for target in targets if target.is_name}
    return frozenset(hosts)


def resolved_hosts(state: State) -> pd.DataFrame:
    """Return the stored addresses of host names as RESOLVED_HOSTS."""
    stored: dict[str, Any] = state.get(RESOLVED, {})
    rows = [
        {"host": host, "address": address, "resolved_at": entry["at"]}
        for host, entry in stored.items()
        for address in entry["addresses"]
    ]
    return from_rows(rows, schemas.RESOLVED_HOSTS)


def _store_past_lists(state: State, entries: pd.DataFrame, past: pd.DataFrame, *, now: datetime) -> None:
    """Record a version of the list for each time at which entries were removed from it, oldest first."""
    since = past["added_at"].max()
    for removed_at in sorted(past["removed_at"].unique()):
        still_listed = past[past["removed_at"] >= removed_at].drop(columns="removed_at").assign(known_by="carrier")
        whole = schemas.conform(pd.concat([entries, still_listed]), schemas.ALLOWED_IPS, source="the removed entries")
        _store_version(state, "allowed_ips", whole, valid_from=since.to_pydatetime(), now=now)
        since = removed_at


def save_frame(
    state: State,
    name: str,
    frame: pd.DataFrame,
    *,
    now: datetime,
    known_by: str,
    based_on: Mapping[str, int] | None = None,
) -> bool:
    """
    Record a frame from an operator or a reader as a version that is valid from now on; see ``load_frame`` for times.

    Args:
        state: State database for the version.
        name: Name of the frame.
        frame: The whole frame.
        now: Current time, UTC.
        known_by: ``carrier``, or the operator as text.
        based_on: Ids of the versions, by kind, that the frame was made from; see ``State.save_version``.

    Returns:
        Whether a new version was written; False if the frame equals the latest one.

    Raises:
        StaleInputError: One of the kinds in ``based_on`` has a newer version.
    """
    rows = _no_later(name, schemas.conform(frame, schemas.FRAMES[name], source=name), state.latest(name), now)
    return state.save_version(name, to_rows(rows), valid_from=now, seen_at=now, known_by=known_by, based_on=based_on)


def confirm_frame(state: State, name: str, *, now: datetime, known_by: str, based_on: Mapping[str, int]) -> None:
    """
    Confirm that the latest version of a frame is still valid, as it was recorded; do nothing if there is none.

    Only a version that was written while the clock was ahead is followed by a new one; see ``State.save_version``.

    Args:
        state: State database with the versions.
        name: Name of the frame.
        now: Current time, UTC.
        known_by: The operator as text.
        based_on: Ids of the versions, by kind, that were shown; see ``State.save_version``.

    Raises:
        StaleInputError: One of the kinds in ``based_on`` has a newer version.
    """
    version = state.latest(name)
    if version is None:
        return
    is_ahead = to_come(version["valid_from"], now)
    content = to_rows(_frame_of(name, version, now)) if is_ahead else version["content"]
    state.save_version(name, content, valid_from=now, seen_at=now, known_by=known_by, based_on=based_on)


def load_frame(state: State, name: str, *, now: datetime | None = None) -> pd.DataFrame:
    """
    Return the latest version of a frame; an empty frame if no version exists.

    Args:
        state: State database with the versions.
        name: Name of the frame.
        now: Replaces times of addresses that are in the future now but were not when the version was written: the clock
            was ahead at that time. By default times are returned as written.
    """
    return _frame_of(name, state.latest(name), now)


def _frame_of(name: str, version: dict[str, Any] | None, now: datetime | None) -> pd.DataFrame:
    frame = _cached_frame(name, json.dumps(version["content"] if version else [])).copy(deep=False)
    return frame if now is None else _no_later(name, frame, version, now)


@lru_cache(maxsize=CACHED_FRAMES)
def _cached_frame(name: str, rows: str) -> pd.DataFrame:
    """Return the frame of a version's rows in JSON; most versions are the same in one snapshot after the other."""
    content = json.loads(rows)
    return from_rows([with_object(row) for row in content] if name == "pbx_config" else content, schemas.FRAMES[name])


def _no_later(name: str, frame: pd.DataFrame, version: dict[str, Any] | None, now: datetime) -> pd.DataFrame:
    """Return a frame whose address times are at most ``now``, except those that were in the future when written."""
    if name != "pbx_addresses" or version is None or not to_come(version["valid_from"], now):
        return frame
    present = pd.Timestamp(now)
    written = pd.Timestamp(version["valid_from"])
    times = {
        column: frame[column].mask((frame[column] > present) & (frame[column] <= written), present)
        for column in ("valid_from", "valid_to")
    }
    return schemas.conform(frame.assign(**times), schemas.FRAMES[name], source="the state database")


def build_snapshot(
    state: State,
    store: CallStore,
    settings: Settings,
    capabilities: frozenset[Capability],
    *,
    now: datetime | None = None,
    since: datetime | None = None,
    split_at: Sequence[datetime] = (),
) -> Snapshot:
    """
    Build a snapshot from stored data, without calling the carrier.

    Args:
        state: Versions of the account, the lists and the inventory.
        store: Call store.
        settings: Window and freshness limits.
        capabilities: Capabilities of the carrier.
        now: Time of the snapshot, UTC; the present by default.
        since: Start of the window; by default the window of the settings.
        split_at: Additional instants that no row of the traffic may straddle.
    """
    snapshot, _ = _build(
        state, store, settings, capabilities, now=now, since=since, split_at=split_at, with_hours=False
    )
    return snapshot


def build_snapshot_and_cube(
    state: State, store: CallStore, settings: Settings, capabilities: frozenset[Capability]
) -> tuple[Snapshot, Cube]:
    """Build a snapshot of the settings' window, and the cube of the same calls, which are read once."""
    snapshot, readings = _build(state, store, settings, capabilities, with_hours=True)
    return snapshot, cube_of(snapshot, readings)


def _build(
    state: State,
    store: CallStore,
    settings: Settings,
    capabilities: frozenset[Capability],
    *,
    now: datetime | None = None,
    since: datetime | None = None,
    split_at: Sequence[datetime] = (),
    with_hours: bool,
) -> tuple[Snapshot, list[Segments]]:
    """Build a snapshot; also return its traffic, of the carrier and of imported files only, with its hours."""
    now = now or clocks.now()
    account_version = state.latest("account")
    account = account_version["content"] if account_version else {}
    versions = policy_versions(state, now=now)
    recorded = {name: state.latest(name) for name in KEPT}
    frames = {name: _frame_of(name, version, now) for name, version in recorded.items()}
    since = since or now - timedelta(days=settings.window_days)
    span = store.span()
    changes = _instants(versions, frames["pbx_addresses"], since, now)
    freshness = freshness_of(state, store, settings)
    until = freshness["calls"].until(now)
    cuts = sorted({*changes, max(since, until - DAY), *split_at})
    reconciliation = _compared(state, store, settings, frames["pbx_addresses"], since=since, split_at=changes, now=now)
    read = [
        store.segments(since=since, split_at=cuts, file_only=file_only, with_hours=with_hours)
        for file_only in (False, True)
    ]
    readings = [replace(reading, rows=_attributed(reading.rows, frames)) for reading in read]
    traffic, file_only_traffic = (reading.rows for reading in readings)
    judged = pd.concat([traffic, file_only_traffic], ignore_index=True) if len(file_only_traffic) else traffic
    snapshot = Snapshot(
        call_patterns=_patterns(store, judged, frames, since=since, split_at=changes),
        past_traffic=_past_traffic(store, frames, versions, until=since),
        loss_reviews=loss_reviews(state),
        taken_at=now,
        account=Account(
            tech_prefix=account.get("tech_prefix", ""),
            credentials_on=account.get("credentials_on"),
            known_by=account_version["known_by"] if account_version else "",
            sample=bool(account.get("sample")),
        ),
        **frames,
        resolved_hosts=resolved_hosts(state),
        entry_periods=entry_periods(state),
        traffic=traffic,
        file_only_traffic=file_only_traffic,
        pbx_records=reconciliation.records,
        pbx_attempts=reconciliation.attempts,
        pbx_freshness={
            str(pbx_id): Freshness(last_at.to_pydatetime(), settings.pbx_records_stale_s)
            for pbx_id, last_at in zip(reconciliation.records["pbx_id"], reconciliation.records["last_at"], strict=True)
        },
        since=None if span is None else max(span[0], since),
        calls_from=None if (begun := _calls_begin(state, store)) is None else max(begun, since),
        window_start=since,
        split_at=tuple(cuts),
        versions=versions,
        observed=Observations(account.get("digest_rescues_prefix"), account.get("no_path_status")),
        capabilities=capabilities,
        freshness=freshness,
        version_ids={
            name: version["id"] if version else 0 for name, version in {**recorded, "account": account_version}.items()
        },
        treated_as_public=(*settings.treated_as_public, *account.get("public_ranges", ())),
        silent_days=settings.silent_days,
    )
    return snapshot, readings


def _patterns(
    store: CallStore,
    judged: pd.DataFrame,
    frames: dict[str, pd.DataFrame],
    *,
    since: datetime,
    split_at: Sequence[datetime],
) -> pd.DataFrame:
    """
    Return hours and zones of the sources that only claim to be a PBX, and of the addresses of that PBX.

    The calls of such a source count from the carrier's records and from imported files. The usual hours and zones of a
    PBX come from the carrier's records only, so that an imported file cannot make a theft look usual.
    """
    claimed = claimed_sources(judged, frames["pbx_addresses"])
    if not claimed:
        return schemas.empty(schemas.CALL_PATTERNS)
    egress = egress_of(frames["pbx_addresses"])
    sources = {source for pbx_sources in claimed.values() for source in pbx_sources}
    own_addresses = set(egress.loc[egress["pbx_id"].isin(list(claimed)), "address"])
    carriers, imported = (
        _attributed(
            store.patterns(since=since, sources=sorted(addresses), split_at=split_at, file_only=file_only), frames
        )
        for addresses, file_only in ((sources | own_addresses, False), (sources, True))
    )
    imported = imported[~imported["source_ip"].isin(own_addresses) | is_only_claimed(imported, frames["pbx_addresses"])]
    return pd.concat([rows for rows in (carriers, imported) if len(rows)] or [carriers], ignore_index=True)


def _past_traffic(
    store: CallStore, frames: dict[str, pd.DataFrame], versions: tuple[PolicyVersion, ...], *, until: datetime
) -> pd.DataFrame:
    """Return the calls from before the window that may have been placed under an earlier policy."""
    if not versions or (len(versions) == 1 and versions[0].policy.credentials_on is not False):
        return schemas.empty(schemas.TRAFFIC)
    end = min(until, versions[-1].valid_from + timedelta(seconds=1))
    cuts = _instants(versions, frames["pbx_addresses"], queries.FIRST, end)
    parts = [
        store.traffic(since=queries.FIRST, until=end, split_at=cuts, step="segment", file_only=file_only)
        for file_only in (False, True)
    ]
    return _attributed(pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True), frames)


def _attributed(rows: pd.DataFrame, frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Attribute rows of the roll-up to PBXs of the inventory."""
    return attribute(rows, **{name: frames[name] for name in INVENTORY})


def loss_reviews(state: State) -> pd.DataFrame:
    """Return every review of a past loss as LOSS_REVIEWS, oldest first."""
    rows = [row for version in state.versions("loss_reviews") for row in version["content"]]
    return from_rows(rows, schemas.LOSS_REVIEWS)


def save_loss_review(
    state: State,
    *,
    subject: str,
    calls: int,
    cost_usd: Decimal,
    last_at: datetime,
    evidence_digest: str,
    by: str,
    now: datetime,
) -> None:
    """
    Record the review of a past loss as a separate version: reviews are append-only.

    Args:
        state: The state database.
        subject: Source address.
        calls: Number of calls shown to the reviewer.
        cost_usd: Cost of the calls, USD.
        last_at: Start of the last of the calls.
        evidence_digest: Digest of the evidence that was shown.
        by: Name of the reviewer.
        now: Time of the review, UTC.
    """
    row = {
        "subject": subject,
        "calls": calls,
        "cost_usd": f"{cost_usd:.8f}",
        "last_at": last_at.isoformat(timespec="microseconds"),
        "evidence_digest": evidence_digest,
        "reviewed_by": by,
        "reviewed_at": now.isoformat(timespec="microseconds"),
    }
    state.save_version("loss_reviews", [row], valid_from=now, seen_at=now, known_by=by)


def without_calls(state: State, capabilities: frozenset[Capability], *, now: datetime | None = None) -> Snapshot:
    """
    Return a snapshot without calls, with the policy versions and inventory needed to attribute and classify calls.

    Args:
        state: Versions of the account, the lists and the inventory.
        capabilities: Capabilities of the carrier.
        now: Time of the snapshot, UTC; the present by default.
    """
    now = now or clocks.now()
    version = state.latest("account")
    account = version["content"] if version else {}
    return Snapshot(
        taken_at=now,
        account=Account(account.get("tech_prefix", ""), account.get("credentials_on")),
        pbxs=load_frame(state, "pbxs"),
        pbx_addresses=load_frame(state, "pbx_addresses", now=now),
        pbx_numbers=load_frame(state, "pbx_numbers"),
        versions=policy_versions(state, now=now),
        observed=Observations(account.get("digest_rescues_prefix"), account.get("no_path_status")),
        capabilities=capabilities,
    )


def policy_versions(state: State, *, now: datetime | None = None) -> tuple[PolicyVersion, ...]:
    """
    Merge the versions of the list and of the account into policies, oldest first, from the time both are known.

    Args:
        state: State database with the versions.
        now: The present by default. A version that begins later was written while the clock was ahead; its start is
            set to ``now``.
    """
    present = now or clocks.now()
    events = []
    for kind, name in (("networks", "allowed_ips"), ("account", "account")):
        rows = state.versions(name)
        begun = [present if to_come(at, present) else at for at in database.begins(rows)]
        events += [(at, row["id"], kind, row["content"]) for at, row in zip(begun, rows, strict=True)]
    prefix_known = any(content["tech_prefix"] for *_, kind, content in events if kind == "account")
    current: dict[str, Any] = {}
    versions: list[PolicyVersion] = []
    for valid_from, _, kind, content in sorted(events, key=lambda event: event[:2]):
        current[kind] = content
        if len(current) < len(("networks", "account")):
            continue
        policy = Policy(
            networks=frozenset(row["network"] for row in current["networks"]),
            credentials_on=current["account"]["credentials_on"],
            tech_prefix=current["account"]["tech_prefix"],
            prefix_known=prefix_known,
        )
        if not versions or versions[-1].policy != policy:
            versions.append(PolicyVersion(policy, valid_from))
    return tuple(versions)


def to_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Convert a conformed frame to JSON rows: times as ISO 8601 text, missing values as null."""
    return [{str(key): _json(value) for key, value in row.items()} for row in frame.to_dict("records")]


def _json(value: Any) -> Any:
    if pd.isna(value):
        return None
    return value.isoformat(timespec="microseconds") if isinstance(value, datetime) else value


def from_rows(rows: list[dict[str, Any]], schema: pa.DataFrameSchema) -> pd.DataFrame:
    """Convert rows from ``to_rows`` back to a frame."""
    if not rows:
        return schemas.empty(schema)
    return schemas.conform(pd.DataFrame(rows), schema, source="the state database")


def _instants(
    versions: tuple[PolicyVersion, ...], addresses: pd.DataFrame, since: datetime, now: datetime
) -> list[datetime]:
    """Return the instants within the window at which the policy changed or an address was added or left."""
    moves = pd.concat([addresses["valid_from"], addresses["valid_to"]]).dropna()
    instants = {*(version.valid_from for version in versions), *(at.to_pydatetime() for at in moves)}
    return sorted(at for at in instants if since <= at <= now)


def _compared(
    state: State,
    store: CallStore,
    settings: Settings,
    addresses: pd.DataFrame,
    *,
    since: datetime,
    split_at: Sequence[datetime],
    now: datetime,
) -> Reconciliation:
    """
    Compare the PBXs' own records with the carrier's calls, up to the time at which those were fetched.

    If the fetch is dated in the future, that time is unknown, and nothing is compared.
    """
    fetched = calls_until(state, store, settings)
    begun = _calls_begin(state, store)
    span = None
    if fetched and to_come(fetched, now):
        fetched = None
    if fetched and begun:
        until = fetched - timedelta(seconds=settings.calls_settle_s)
        refetched_from = until if settings.files else fetched - timedelta(hours=settings.sync_again_hours)
        span = reconcile.Span(max(begun, since), until, refetched_from)
    owners: dict[str, list[str]] = {}
    for address, pbx_id in egress_of(addresses)[["address", "pbx_id"]].itertuples(index=False):
        owners.setdefault(str(address), []).append(str(pbx_id))
    return reconcile.compare(store, PbxRecords(store), span, since=since, split_at=split_at, owners=owners)


def _calls_begin(state: State, store: CallStore) -> datetime | None:
    """Return the start of the fetched period; if nothing was fetched, the first imported call, else ``None``."""
    fetched = state.get("calls_since")
    if fetched:
        return datetime.fromisoformat(fetched)
    span = store.span()
    return span[0] if span else None


def _store_version(state: State, name: str, frame: pd.DataFrame, *, valid_from: datetime, now: datetime) -> bool:
    return state.save_version(name, to_rows(frame), valid_from=valid_from, seen_at=now, known_by="carrier")


def calls_until(state: State, store: CallStore, settings: Settings) -> datetime | None:
    """
    Return up to when calls are known, UTC: the last sync, in mode ``files`` the latest call if that is later.

    Returns:
        ``None`` if no calls are known.
    """
    fetched = state.get("calls_until")
    ends = [datetime.fromisoformat(fetched)] if fetched else []
    span = store.span() if settings.files else None
    if span:
        ends.append(span[1])
    return max(ends, default=None)


def freshness_of(state: State, store: CallStore, settings: Settings) -> dict[str, Freshness]:
    """Return for each input when it was last read or confirmed, and how long it counts as fresh."""
    seen = state.last_seen()

    def last_seen(*kinds: str) -> datetime | None:
        times = [seen[kind] for kind in kinds if kind in seen]
        return min(times) if len(times) == len(kinds) else None

    config = last_seen("pbx_config")
    stale_s = settings.files_stale_s if settings.files else settings.calls_stale_s
    configurations = {"configurations": Freshness(config, settings.inventory_stale_s)} if config else {}
    return {
        "calls": Freshness(calls_until(state, store, settings), stale_s),
        "allowed_ips": Freshness(last_seen("allowed_ips"), settings.allowed_ips_stale_s),
        "credentials": Freshness(last_seen("account"), settings.allowed_ips_stale_s),
        "routes": Freshness(last_seen("routes", "numbers"), settings.calls_stale_s),
        "inventory": Freshness(last_seen("pbxs"), settings.inventory_stale_s),
    } | configurations
