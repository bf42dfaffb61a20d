"""Evidence shared by several checks: calls, ownership, networks, routes, secrets and PBXs' own records."""

from __future__ import annotations
