"""Fixtures for requests over the scripted carrier; checks that apply to every carrier test."""

from __future__ import annotations

from tests.carriers import conftest as carriers

script = carriers.script
session = carriers.session
slept = carriers.slept
transport = carriers.transport
fails = carriers.fails
no_secret_is_logged = carriers._no_secret_is_logged  # noqa: SLF001 - one autouse fixture for both folders
the_key_stays_home = carriers._the_key_stays_home  # noqa: SLF001 - one autouse fixture for both folders
