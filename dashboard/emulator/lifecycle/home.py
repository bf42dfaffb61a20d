"""Files in an emulator's home: where it is, its key, its locks, its last words. Only the owner reads the key."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path


def note(home: Path) -> Path:
    """Return the file that says where the emulator of a home is; it holds the key."""
    return home / "emulator.json"


def log_file(home: Path) -> Path:
    """Return the file that takes what an emulator in the background says."""
    return home / "emulator.log"


def keep_key(home: Path, access_key: str, secret_key: str) -> tuple[str, str]:
    """Return the account's key: the one given, the one kept, or a new one; it is kept."""
    kept = home / "emulator.key"
    try:
        old_access, old_secret = json.loads(kept.read_text())
    except (OSError, ValueError, TypeError):
        old_access, old_secret = secrets.token_hex(4), secrets.token_hex(16)
    pair = (access_key or old_access, secret_key or old_secret)
    write_private(kept, json.dumps(pair))
    return pair


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 0600 in one step: whoever reads it finds all of it or what was there before."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(temporary, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    temporary.replace(path)


def last_words(home: Path) -> str:
    """Return the last line that an emulator in the background said, as a sentence."""
    lines = log_file(home).read_text(errors="replace").strip().splitlines()
    return f"It said: {lines[-1]}" if lines else "It said nothing."


def users(home: Path) -> Path:
    """Return the lock file that every process shares which uses the emulator of a home."""
    return home / "emulator.users"
