"""The emulator's home, its process, and its server."""

from __future__ import annotations
