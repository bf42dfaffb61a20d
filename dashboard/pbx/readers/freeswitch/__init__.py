"""FreeSWITCH and FusionPBX: XML configuration."""

from __future__ import annotations
