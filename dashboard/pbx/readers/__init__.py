"""Configuration readers, one package per product; ``pbx.sources`` finds each by its entry module."""

from __future__ import annotations
