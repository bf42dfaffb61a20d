"""Reader for the parts of the account that a set of changes touches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from dashboard import schemas
from dashboard.carriers import Carrier
from dashboard.domain.admission import Policy
from dashboard.domain.capabilities import Capability
from dashboard.domain.changes import Change


@dataclass(frozen=True)
class AccountReading:
    """The account as the carrier reports it now."""

    allowed_ips: pd.DataFrame
    numbers: pd.DataFrame
    routes: pd.DataFrame
    policy: Policy

    @classmethod
    def take(cls, carrier: Carrier, changes: Sequence[Change]) -> AccountReading:
        """Read from the carrier only the parts of the account that the changes touch."""
        needs = {change.needs for change in changes}
        entries, numbers, routes = (schemas.empty(s) for s in (schemas.ALLOWED_IPS, schemas.NUMBERS, schemas.ROUTES))
        credentials_on = None
        prefix = ""
        if needs & {Capability.WRITE_ALLOWED_IPS, Capability.WRITE_CREDENTIALS}:
            entries, _ = carrier.allowed_ips()
            account = carrier.account()
            credentials_on = account.credentials_on
            prefix = account.tech_prefix
        if Capability.WRITE_ROUTES in needs:
            numbers = carrier.numbers()
            routes = carrier.routes()
        return cls(entries, numbers, routes, Policy(frozenset(entries["network"]), credentials_on, prefix))
