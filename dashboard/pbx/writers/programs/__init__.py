"""One module per kind of PBX that configuration is written for; ``pbx.writers`` finds each by its file."""

from __future__ import annotations
