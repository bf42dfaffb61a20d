"""The stories of the sample account, by name: a setting may leave some out, and the emulator tells the others."""

from __future__ import annotations

STORIES = (
    "moved",
    "credentials",
    "dynamic",
    "retired",
    "no_route",
    "standby",
    "shared",
    "network",
    "nobody",
    "forged",
    "theft",
)
