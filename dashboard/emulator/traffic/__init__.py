"""The emulated account's calls: the sample account, its callers, and the CDRs of their calls."""

from __future__ import annotations
