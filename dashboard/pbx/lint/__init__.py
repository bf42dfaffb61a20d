"""Lint rules for the configuration and the dial strings of PBXs."""

from __future__ import annotations
