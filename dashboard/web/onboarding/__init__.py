"""Parts of the Set up PBXs page."""

from __future__ import annotations
