"""Parts of the Fixes page, and the review dialog of a fix."""

from __future__ import annotations
