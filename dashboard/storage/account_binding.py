"""
Binding of a home to one account, so that the calls and lists of two accounts are never mixed.

An account is identified by its host and its key. Only a digest of the key is stored, never the key. A home that
is still empty can be bound to another account, so a mistyped address does not lock the home.

The stored owner also records the mode of the home: ``embedded``, ``files``, or the host of a real account. A home of
mode ``files`` can get a key later, and a home of a real account can be opened in mode ``files`` without a key.
"""

from __future__ import annotations

import hashlib

from dashboard.core.errors import SettingsError
from dashboard.core.settings import Mode, Settings
from dashboard.storage.database import State

EMBEDDED = str(Mode.EMBEDDED)
FILES = str(Mode.FILES)
OWNER = "account_of_home"
KEY = "key_of_home"
FIRST_KEPT = "account"
"""Kind of version that every account has; the first sync stores it."""


def bind_account(state: State, settings: Settings, *, new_key: bool = False) -> Settings:
    """
    Bind a home to the account of the settings, or check that it is bound to that account.

    Args:
        state: State database of the home.
        settings: Settings that name the account.
        new_key: The key was renewed: a different key does not count as a different account.

    Returns:
        The settings, with the mode of the home if they name none.

    Raises:
        SettingsError: The home belongs to another account, or its key is not set.
    """
    owner = state.get(OWNER)
    key = state.get(KEY, "")
    settings = with_mode(state, settings)
    new_owner = owner_of(settings)
    key_digest = digest_of(settings)
    gets_key = owner == FILES and settings.mode is Mode.FLOWROUTE
    if owner is None or gets_key or (not settings.embedded and not holds_anything(state)):
        state.put(OWNER, new_owner)
        state.put(KEY, key_digest)
    elif settings.files and owner != EMBEDDED:
        return settings
    elif owner != new_owner:
        raise SettingsError(_belongs_to_another(owner, new_owner, settings))
    elif key and key != key_digest and not new_key:
        raise SettingsError(
            f"The home {settings.home} was filled with another key of {owner}. Where the key of the same account was "
            "renewed, run `trunkgate sync --new-key` once. For another account point TRUNKGATE_HOME at another folder."
        )
    return settings


def with_mode(state: State, settings: Settings) -> Settings:
    """Return the settings, with mode ``files`` if the home is bound to it and they name no mode."""
    if state.get(OWNER) == FILES and settings.account is None:
        return settings.model_copy(update={"account": Mode.FILES})
    return settings


def store_key_digest(state: State, settings: Settings) -> None:
    """Store the digest of the key in use as the key of the home."""
    state.put(KEY, digest_of(settings))


def owner_of(settings: Settings) -> str:
    """Return the owner that these settings name: a host, the embedded account, or the files of a real one."""
    return settings.host if settings.mode is Mode.FLOWROUTE else str(settings.mode)


def digest_of(settings: Settings) -> str:
    """Return a digest that identifies a key without revealing it; empty outside mode ``flowroute``."""
    if settings.mode is not Mode.FLOWROUTE:
        return ""
    parts = (settings.host, settings.flowroute_access_key, settings.flowroute_secret_key)
    text = "\0".join(part if isinstance(part, str) else part.get_secret_value() for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def holds_anything(state: State) -> bool:
    """Return whether a home contains data of an account: read, declared or fetched."""
    kinds = (FIRST_KEPT, "allowed_ips", "numbers", "routes", "pbxs")
    return state.get("calls_until") is not None or any(state.latest(kind) for kind in kinds)


def _belongs_to_another(owner: str, new_owner: str, settings: Settings) -> str:
    if settings.embedded and owner == FILES:
        return (
            f"The home {settings.home} holds imported files of a real account. Set TRUNKGATE_ACCOUNT=files, or point "
            "TRUNKGATE_HOME at another folder for the embedded sample account."
        )
    if settings.embedded:
        return (
            f"The home {settings.home} belongs to the account at {owner}. Set FLOWROUTE_ACCESS_KEY and "
            "FLOWROUTE_SECRET_KEY, set TRUNKGATE_ACCOUNT=files to look at what was read before, or point "
            "TRUNKGATE_HOME at another folder."
        )
    owner_text = "the embedded sample account" if owner == EMBEDDED else f"the account at {owner}"
    return (
        f"The home {settings.home} belongs to {owner_text}. Point TRUNKGATE_HOME at another folder for "
        f"{'imported files' if settings.files else f'the account at {new_owner}'}."
    )
