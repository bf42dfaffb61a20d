"""The emulator's HTTP API: the carrier's endpoints, its portal settings, and injected faults."""

from __future__ import annotations
