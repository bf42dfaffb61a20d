"""Lab for tests with real calls: an emulated account, its edge and its network."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dashboard.emulator.database import Database, stamp
from dashboard.emulator.traffic.sample import Sample, load
from tests.lab import edge as edges
from tests.lab import network as networks
from tests.lab.billing import EVERY_S, Billing
from tests.lab.billing import Ended as Recorded
from tests.lab.calling import Dialed, Ended, place
from tests.lab.network import Network
from tests.waiting import until

POPS = ("192.0.2.10", "192.0.2.11", "192.0.2.12")
PSTN = "192.0.2.200"
PREFIX = "12345678"


def sources_of_sample() -> list[str]:
    """Return the current source addresses of the sample account's callers, sorted."""
    return sorted({caller.addresses[-1].address for caller in load(datetime.now(UTC)).callers})


def missing() -> str:
    """Return why the lab cannot run on this machine; ``""`` if it can."""
    programs = edges.missing()
    return f"not installed: {', '.join(programs)}" if programs else networks.missing()


@dataclass(frozen=True)
class Lab:
    """A running lab."""

    net: Network
    folder: Path
    billing: Billing
    sample: Sample

    @property
    def account(self) -> Path:
        """Path of the emulated account's database."""
        return self.folder / "emulator.db"

    def set(self, **settings: str | int | bool) -> None:
        """Change settings of the account; they apply to the next call."""
        with closing(Database(self.account)) as account:
            account.change(settings)

    def list_only(self, networks_now: Sequence[str]) -> None:
        """Replace the allow list by these networks; it applies to the next call."""
        with closing(Database(self.account)) as account, account.writing() as written:
            written.execute("DELETE FROM allowed_ips")
            written.executemany(
                "INSERT INTO allowed_ips VALUES (?, '', '', '', 'active', ?, 'lab', '')",
                [(network, stamp()) for network in networks_now],
            )
            written.execute("UPDATE account SET value = ? WHERE key = 'list_changed_at'", (stamp(),))

    def call(self, *users: str, source: str, user: str = "", password: str = "", x_tag: str = "") -> list[Ended]:
        """Place calls through the first PoP; see ``calling.place``."""
        dialed = [Dialed(text, x_tag=x_tag) for text in users]
        return place(self.net, self.folder, dialed, source=source, pop=POPS[0], user=user, password=password)

    def settled(self, numbers: Collection[str], least: int) -> list[Recorded]:
        """Wait until ``least`` calls to these numbers are recorded, and one more interval; return all of them."""
        until(lambda: len(self._to(numbers)) >= least)
        time.sleep(EVERY_S)  # shows that no further call is recorded, for which there is no event
        return self._to(numbers)

    def _to(self, numbers: Collection[str]) -> list[Recorded]:
        return [call for call in list(self.billing.calls) if call.number in numbers]


@contextmanager
def lab(folder: Path, sources: Sequence[str], *, workers: int = 2) -> Iterator[Lab]:
    """
    Start a lab on the sample account, without past calls.

    Args:
        folder: Folder for everything that the lab writes; ``emulator.db`` in it is the account.
        sources: Addresses of the PBXs.
        workers: See ``edge.edge``.
    """
    now = datetime.now(UTC)
    sample = load(now)
    with closing(Database(folder / "emulator.db")) as account:
        if account.fresh:
            account.seed(sample, now=now, history=[])
    with (
        networks.network(f"tg-lab-{os.getpid()}", [*POPS, PSTN, *sources]) as net,
        edges.edge(net, folder, policy=folder / "emulator.db", pops=POPS, pstn=PSTN, workers=workers) as records,
        Billing(records, folder / "emulator.db", sample) as billing,
    ):
        yield Lab(net, folder, billing, sample)
