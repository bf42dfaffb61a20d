"""
Whose home it is: one account to a home, so that the calls and lists of two are never mixed.

An account is known by its host and by its key. The key's own digest is kept, never the key. A home that
holds nothing yet can still be given to another account: a mistyped address locks nobody out.
"""

from __future__ import annotations

import hashlib

from dashboard.errors import SettingsError
from dashboard.settings import Settings
from dashboard.state import State

EMBEDDED = "embedded"
OWNER, KEY = "account_of_home", "key_of_home"
FIRST_KEPT = "account"
"""What every account has, and the first sync keeps."""


def claim(state: State, settings: Settings, *, new_key: bool = False) -> None:
    """
    Keep one account to a home.

    Args:
        state: Of the home.
        settings: Name the account.
        new_key: The key was renewed: another one than before is not taken for another account.

    Raises:
        SettingsError: The home belongs to another account, or its key is not set.
    """
    owner, key = state.get(OWNER), state.get(KEY, "")
    wanted, given = owner_of(settings), digest_of(settings)
    if owner is None or (not settings.embedded and not holds_anything(state)):
        state.put(OWNER, wanted)
        state.put(KEY, given)
    elif owner != wanted:
        raise SettingsError(_belongs_to_another(owner, wanted, settings))
    elif key and key != given and not new_key:
        raise SettingsError(
            f"The home {settings.home} was filled with another key of {owner}. Where the key of the same account was "
            "renewed, run `trunkgate sync --new-key` once. For another account point TRUNKGATE_HOME at another folder."
        )


def keep_key(state: State, settings: Settings) -> None:
    """Take the key in use for the home's own, from now on."""
    state.put(KEY, digest_of(settings))


def owner_of(settings: Settings) -> str:
    """Return whose home these settings speak of: a host, or the embedded account."""
    return EMBEDDED if settings.embedded else settings.host


def digest_of(settings: Settings) -> str:
    """Return what tells one key from another, and nothing of either; empty where there is none."""
    if settings.embedded:
        return ""
    parts = (settings.host, settings.flowroute_access_key, settings.flowroute_secret_key)
    text = "\0".join(part if isinstance(part, str) else part.get_secret_value() for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def holds_anything(state: State) -> bool:
    """Say whether anything of an account was kept: read, declared, or fetched."""
    kinds = (FIRST_KEPT, "allowed_ips", "numbers", "routes", "pbxs")
    return state.get("calls_until") is not None or any(state.latest(kind) for kind in kinds)


def _belongs_to_another(owner: str, wanted: str, settings: Settings) -> str:
    if settings.embedded:
        return (
            f"The home {settings.home} belongs to the account at {owner}. Set FLOWROUTE_ACCESS_KEY and "
            "FLOWROUTE_SECRET_KEY, or point TRUNKGATE_HOME at another folder."
        )
    whose = "the embedded sample account" if owner == EMBEDDED else f"the account at {owner}"
    return (
        f"The home {settings.home} belongs to {whose}. "
        f"Point TRUNKGATE_HOME at another folder for the account at {wanted}."
    )
