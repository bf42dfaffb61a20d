"""Calls of the emulated account: the sample account, its callers, and the CDRs of their calls."""

from __future__ import annotations
