"""Kamailio as the egress proxy: its script, lists and tables."""

from __future__ import annotations
