"""200 fixes killed at seeded steps and moments, on the embedded account."""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from pathlib import Path

from dashboard.checks.evidence.ownership import remove
from dashboard.core.settings import Settings
from dashboard.domain.changes import AllowAddress, Change, CreateRoute, RouteNumber, SetCredentials
from dashboard.services.workspace import Workspace
from tests.fixes.killing import Kills

ROUNDS = 200
SEED = 14
LAST_STEP = 11


def main() -> str:
    """Kill fixes of every kind of change; compare the records with the account after each, and undo the fix."""
    rng = random.Random(SEED)
    phases = Counter[str]()
    killed = 0
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder) / "home", sample_calls=3_000)
        with Workspace.open(settings) as account:
            account.sync()
            run = Kills(account)
            for number in range(ROUNDS):
                plan = account.plan_changes(chosen(rng, account))
                if number % 2:
                    done = run.at_random(plan, rng)
                else:
                    done = run.at_step(
                        plan, rng.randint(3, LAST_STEP), after=rng.random() < 0.5, refused=rng.choice((0, 0, 1, 2))
                    )
                phases[done.phase or "nothing begun"] += 1
                killed += done.killed
            entries = account.journal.verify()
    told = ", ".join(f"{count} {phase}" for phase, count in sorted(phases.items()))
    return f"{ROUNDS} rounds, {killed} killed: {told}; {entries} entries verified"


def chosen(rng: random.Random, account: Workspace) -> list[Change]:
    """Choose changes of one kind."""
    kind = rng.choice(["allow", "remove", "switch", "route"])
    if kind == "allow":
        return [AllowAddress(network=f"192.0.2.{number}") for number in rng.sample(range(1, 200), 3)]
    if kind == "remove":
        rows = account.carrier.allowed_ips()[0]
        row = rows[~rows["network"].str.contains("/")].iloc[0]
        return [remove(row), AllowAddress(network=f"192.0.2.{rng.randint(1, 199)}")]
    if kind == "switch":
        return [SetCredentials(enabled=not account.carrier.account().credentials_on)]
    numbers = account.carrier.numbers()
    routes = account.carrier.routes()
    aliases = dict(zip(routes["route_id"], routes["alias"], strict=True)) | {"": ""}
    row = numbers.iloc[rng.randrange(len(numbers))]
    made = CreateRoute(alias=f"soak-{rng.randrange(10**6)}", value="198.51.100.11")
    was = aliases.get(row["route_id"], row["route_id"])
    return [made, RouteNumber(number=row["number"], to_alias=made.alias, was_alias=was)]
