"""Evidence that several checks use: calls, ownership, routes, secrets and PBXs' own records."""

from __future__ import annotations
