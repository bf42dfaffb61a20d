"""Onboarding: the carrier's set-up steps for each PBX, evaluated from evidence."""

from __future__ import annotations
