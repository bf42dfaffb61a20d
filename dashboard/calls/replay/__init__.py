"""Call replay: evaluation of which past calls a policy change would save or break."""

from __future__ import annotations
