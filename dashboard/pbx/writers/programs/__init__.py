"""Configuration writers, one module per kind of PBX; ``pbx.writers`` finds each by its file."""

from __future__ import annotations
