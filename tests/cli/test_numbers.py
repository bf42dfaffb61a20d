"""Numeric command line options: every option rejects NaN and infinity."""

from __future__ import annotations

import typing
from collections.abc import Iterator

import pytest
import typer
from typer.testing import CliRunner

from dashboard.cli.entry_point import app


def fractions(group: typer.Typer, *names: str) -> Iterator[tuple[str, ...]]:
    """Yield for every option of type float the words of its command and the option name."""
    for part in group.registered_groups:
        assert part.typer_instance
        yield from fractions(part.typer_instance, *names, str(part.name))
    for command in group.registered_commands:
        assert command.callback
        called = command.name or command.callback.__name__.replace("_", "-")
        for name, kind in typing.get_type_hints(command.callback).items():
            if float in {kind, *typing.get_args(kind)}:
                yield (*names, called, f"--{name.replace('_', '-')}")


FRACTIONS = sorted(fractions(app))


@pytest.mark.parametrize("value", ["nan", "-nan", "inf", "-inf", "1e999"])
@pytest.mark.parametrize("option", FRACTIONS, ids=" ".join)
def test_invalid_number_option_is_refused(option: tuple[str, ...], value: str) -> None:
    """NaN and infinity exit with 2: a link that is valid for ``nan`` hours, for example, would never open."""
    answer = CliRunner().invoke(app, [*option[:-1], f"{option[-1]}={value}"])

    assert answer.exit_code == 2
    assert option[-1] in answer.output


def test_the_options_are_found() -> None:
    """Options with a fraction are found by their type."""
    assert {("link", "--hours"), ("probe", "--wait"), ("emulator", "--traffic")} <= set(FRACTIONS)
