"""Asterisk: configuration files, and a running system over its manager interface."""

from __future__ import annotations
