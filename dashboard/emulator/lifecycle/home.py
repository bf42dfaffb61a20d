"""Files in an emulator's home: its address, key, locks and log. Only the owner can read the key."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from dashboard.core.regular_files import read_bytes, read_json


def note(home: Path) -> Path:
    """Return the path of the file with the URL, process id and key of a home's running emulator."""
    return home / "emulator.json"


def log_file(home: Path) -> Path:
    """Return the path of the log of an emulator in the background."""
    return home / "emulator.log"


def keep_key(home: Path, access_key: str, secret_key: str) -> tuple[str, str]:
    """Return the account's key (given, stored or new, in this order), and store it."""
    key_file = home / "emulator.key"
    try:
        old_access, old_secret = read_json(key_file)
    except (OSError, ValueError, TypeError):
        old_access = secrets.token_hex(4)
        old_secret = secrets.token_hex(16)
    pair = (access_key or old_access, secret_key or old_secret)
    write_private(key_file, json.dumps(pair))
    return pair


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 0600 atomically: a reader sees either the old content or the complete new one."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(temporary, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    temporary.replace(path)


def last_log_line(home: Path) -> str:
    """Return the last line in the log of an emulator in the background, as a sentence."""
    lines = read_bytes(log_file(home)).decode(errors="replace").strip().splitlines()
    return f"It said: {lines[-1]}" if lines else "It said nothing."


def users_lock(home: Path) -> Path:
    """Return the path of the lock file that all processes share while they use a home's emulator."""
    return home / "emulator.users"
