"""Call replay: which past calls a change of the policy would save or break."""

from __future__ import annotations
