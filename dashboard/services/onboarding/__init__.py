"""Onboarding: the carrier's set-up steps for each PBX, judged by their evidence."""

from __future__ import annotations
