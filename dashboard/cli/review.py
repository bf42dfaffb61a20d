"""``review``: mark a past loss as reviewed, by name."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from dashboard.cli.check import bring_up_to_date
from dashboard.cli.lazy import open_home
from dashboard.cli.output import confirmed, echo, echo_error
from dashboard.core.errors import InputError
from dashboard.domain.actors import local_actor

app = typer.Typer()

DECLINED = 1


@app.command()
def review(
    subject: Annotated[str, typer.Argument(help="Source address, as `trunkgate check` shows it.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Mark it without asking.")] = False,
    no_sync: Annotated[bool, typer.Option("--no-sync", help="Use what was synced before; fetch nothing.")] = False,
) -> None:
    """
    Mark a past loss as reviewed: the finding past_loss_is_reviewed passes until more calls show up.

    Ends with 0 when it is marked, 1 when it was declined, 2 on an error of its own, such as no terminal to ask on.
    """
    with open_home() as home:
        if not no_sync:
            bring_up_to_date(home)
        loss = home.loss(subject)
        echo(f"{loss.source_ip}: {loss.sentence}.")
        if not yes and not sys.stdin.isatty():
            raise InputError(
                "There is no terminal to confirm on, so nothing was marked. Add --yes to confirm beforehand."
            )
        if not yes and not confirmed("Mark it as reviewed?"):
            echo_error("Nothing was marked.")
            raise typer.Exit(DECLINED)
        actor = local_actor("command line")
        home.review(subject, actor=actor, evidence_digest=loss.digest)
    echo(f"Marked as reviewed by {actor.name}.")
