"""Kamailio as the egress proxy: script, lists and tables."""

from __future__ import annotations
