"""Names of the sample account's stories; a setting can exclude some, and the emulator includes the others."""

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
